//! The claims of an access token (RFC 9068 §2.2, with roles and tenant), written and read strictly.
//!
//! Reading refuses what a lenient reader lets through: times that are not whole non-negative numbers up to 2^53, a list
//! of issuers, a known member given twice. Members we do not know are ignored (RFC 7519 §4).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// Largest whole number that every JSON reader keeps exact.
const MAX_SAFE: u64 = 1 << 53;

/// What is written.
#[derive(Debug, Serialize)]
pub(crate) struct NewClaims<'a> {
    pub(crate) iss: &'a str,
    pub(crate) sub: &'a str,
    pub(crate) aud: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) exp: u64,
    pub(crate) iat: u64,
    pub(crate) jti: &'a str,
    pub(crate) roles: &'a [String],
    pub(crate) tenant: &'a str,
    /// The user's "not before" mark at the login, where the mechanism has that check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<u64>,
    /// Digest of the refresh family, where there is one: lets a logout end it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sid: Option<&'a str>,
}

/// What is read. `aud` is left to the library, which demands and compares it.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    #[serde(rename = "iss")]
    _iss: SingleString,
    pub(crate) sub: String,
    #[serde(rename = "client_id")]
    _client_id: SingleString,
    pub(crate) exp: WholeNumber,
    pub(crate) iat: WholeNumber,
    #[serde(default, deserialize_with = "present")]
    pub(crate) nbf: Option<WholeNumber>,
    pub(crate) jti: RandomId<16>,
    pub(crate) roles: Vec<String>,
    pub(crate) tenant: String,
    #[serde(default, deserialize_with = "present")]
    pub(crate) epoch: Option<WholeNumber>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) sid: Option<RandomId<32>>,
}

/// A member that may be missing, but is never `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A JSON string whose text does not matter here.
#[derive(Debug)]
struct SingleString;

impl<'de> Deserialize<'de> for SingleString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = SingleString;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("one string")
            }
            fn visit_str<E: de::Error>(self, _text: &str) -> Result<SingleString, E> {
                Ok(SingleString)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// A JSON number without fraction, sign or exponent, at most 2^53.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WholeNumber(pub(crate) u64);

impl<'de> Deserialize<'de> for WholeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        if number > MAX_SAFE {
            return Err(de::Error::custom("number above 2^53"));
        }
        Ok(Self(number))
    }
}

/// `N` bytes as canonical base64url.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RandomId<const N: usize>(pub(crate) [u8; N]);

impl<'de, const N: usize> Deserialize<'de> for RandomId<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<const N: usize>;
        impl<const N: usize> Visitor<'_> for Text<N> {
            type Value = RandomId<N>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{N} bytes as base64url")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<RandomId<N>, E> {
                let mut id = [0u8; N];
                match URL_SAFE_NO_PAD.decode_slice(text, &mut id) {
                    Ok(length) if length == N => Ok(RandomId(id)),
                    _ => Err(E::custom("not an id of ours")),
                }
            }
        }
        deserializer.deserialize_str(Text)
    }
}
