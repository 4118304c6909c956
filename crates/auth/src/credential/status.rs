//! A token's place in a status list (draft-ietf-oauth-status-list, §6): which list, and which bit of it.
//!
//! Lists are numbered by time, one per life of a token, so that a list ends with the last token in it.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::claims::WholeNumber;

/// What stands between the issuer and the number of a list in its address.
const PATH: &str = "/statuslist?list=";

/// The bit that says whether a token was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StatusRef {
    pub(crate) list: u64,
    pub(crate) index: u64,
}

impl StatusRef {
    /// As the id under which a login is known.
    pub(crate) fn to_id(self) -> [u8; 16] {
        let mut id = [0u8; 16];
        id[..8].copy_from_slice(&self.list.to_be_bytes());
        id[8..].copy_from_slice(&self.index.to_be_bytes());
        id
    }

    /// The reference behind an id; `None`: it is none.
    pub(crate) fn from_id(id: &[u8]) -> Option<Self> {
        let (list, index) = id.split_first_chunk::<8>()?;
        let index = index.try_into().ok()?;
        Some(Self { list: u64::from_be_bytes(*list), index: u64::from_be_bytes(index) })
    }

    /// The address of its list.
    pub(crate) fn uri(self, issuer: &str) -> String {
        format!("{issuer}{PATH}{}", self.list)
    }
}

/// The claim `status`, as written.
#[derive(Debug, Serialize)]
pub(crate) struct NewStatus<'a> {
    pub(crate) status_list: NewListed<'a>,
}

/// The place in a list, as written.
#[derive(Debug, Serialize)]
pub(crate) struct NewListed<'a> {
    pub(crate) idx: u64,
    pub(crate) uri: &'a str,
}

/// The claim `status`, as read.
#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    status_list: Listed,
}

#[derive(Debug, Deserialize)]
struct Listed {
    idx: WholeNumber,
    uri: ListUri,
}

impl From<Status> for StatusRef {
    fn from(Status { status_list: Listed { idx, uri } }: Status) -> Self {
        Self { list: uri.0, index: idx.0 }
    }
}

/// The number at the end of a list's address; the token is ours, so the rest of it is.
#[derive(Debug)]
struct ListUri(u64);

impl<'de> Deserialize<'de> for ListUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = ListUri;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the address of a status list")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ListUri, E> {
                let number = text.rsplit_once(PATH).and_then(|(_, number)| number.parse().ok());
                number.map(ListUri).ok_or_else(|| E::custom("not a list of ours"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_survives_claim_and_id(list: u64, index in 0u64..1 << 53) {
            let place = StatusRef { list, index };
            prop_assert_eq!(StatusRef::from_id(&place.to_id()), Some(place));
            let uri = place.uri("https://issuer.example");
            let text = serde_json::to_string(&NewStatus { status_list: NewListed { idx: index, uri: &uri } }).unwrap();
            prop_assert_eq!(StatusRef::from(serde_json::from_str::<Status>(&text).unwrap()), place);
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            r#"{}"#,
            r#"{"status_list":{"idx":-1,"uri":"x/statuslist?list=1"}}"#,
            r#"{"status_list":{"idx":1.5,"uri":"x/statuslist?list=1"}}"#,
            r#"{"status_list":{"idx":1,"uri":"x/statuslist?list="}}"#,
            r#"{"status_list":{"idx":1,"uri":"x"}}"#,
            r#"{"status_list":{"idx":1,"idx":2,"uri":"x/statuslist?list=1"}}"#,
            r#"{"status_list":{"idx":1}}"#,
        ] {
            assert!(serde_json::from_str::<Status>(text).is_err(), "{text}");
        }
        assert_eq!(StatusRef::from_id(&[0; 15]), None);
        assert_eq!(StatusRef::from_id(&[0; 32]), None);
    }
}
