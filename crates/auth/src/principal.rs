//! Who was let in: subject, roles and tenant in one buffer, so that reading it from a session record copies nothing.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::Error;

/// Who was let in.
///
/// Inside, the texts stand one after another (subject, tenant, roles), each behind its length: the form in which a
/// session record holds them.
#[derive(Clone, PartialEq, Eq)]
pub struct Principal(Bytes);

impl Principal {
    /// A principal of these parts.
    #[must_use]
    pub fn new<R: AsRef<str>>(subject: &str, roles: &[R], tenant: &str) -> Self {
        let texts = || [subject, tenant].into_iter().chain(roles.iter().map(AsRef::as_ref));
        let mut packed = BytesMut::with_capacity(texts().map(|text| LENGTH + text.len()).sum());
        for text in texts() {
            // A text is a name or a role: four gigabytes of it would have failed long before.
            packed.put_u32(text.len() as u32);
            packed.put_slice(text.as_bytes());
        }
        Self(packed.freeze())
    }

    /// Nobody: no name, no roles, no tenant.
    pub(crate) const fn nobody() -> Self {
        Self(Bytes::from_static(&[0; 2 * LENGTH]))
    }

    /// Subject name.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.texts().next().unwrap_or_default()
    }

    /// Tenant.
    #[must_use]
    pub fn tenant(&self) -> &str {
        self.texts().nth(1).unwrap_or_default()
    }

    /// Role names, in their order.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.texts().skip(2)
    }

    /// The form in which a record holds it.
    pub(crate) fn packed(&self) -> &[u8] {
        &self.0
    }

    /// Reads the form in which a record holds it; everything is checked here, so that reading a part cannot fail.
    pub(crate) fn unpack(packed: Bytes) -> Result<Self, Error> {
        let (mut rest, mut count) = (&packed[..], 0);
        while !rest.is_empty() {
            let (text, after) = split(rest).ok_or_else(unreadable)?;
            std::str::from_utf8(text).map_err(|_| unreadable())?;
            (rest, count) = (after, count + 1);
        }
        if count < 2 { Err(unreadable()) } else { Ok(Self(packed)) }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (text, after) = split(rest)?;
            rest = after;
            std::str::from_utf8(text).ok()
        })
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Principal")
            .field("subject", &self.subject())
            .field("roles", &self.roles().collect::<Vec<_>>())
            .field("tenant", &self.tenant())
            .finish()
    }
}

/// Bytes of a length.
const LENGTH: usize = size_of::<u32>();

fn split(packed: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = packed.split_first_chunk::<LENGTH>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

fn unreadable() -> Error {
    Error::Store("a record in the store is not one of ours".into())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::Principal;

    proptest! {
        #[test]
        fn parts_come_back(
            subject in ".{0,20}", tenant in ".{0,40}", roles in prop::collection::vec(".{0,9}", 0..4),
        ) {
            let principal = Principal::new(&subject, &roles, &tenant);
            prop_assert_eq!(principal.subject(), subject);
            prop_assert_eq!(principal.tenant(), tenant);
            prop_assert!(principal.roles().eq(roles.iter().map(String::as_str)));
            let again = Principal::unpack(Bytes::copy_from_slice(principal.packed())).unwrap();
            prop_assert_eq!(again, principal);
        }

        #[test]
        fn foreign_bytes_are_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(principal) = Principal::unpack(Bytes::from(bytes)) {
                let _ = format!("{principal:?}");
            }
        }
    }

    #[test]
    fn nobody_has_no_parts() {
        let nobody = Principal::nobody();
        assert_eq!((nobody.subject(), nobody.tenant(), nobody.roles().count()), ("", "", 0));
        assert_eq!(nobody, Principal::new::<&str>("", &[], ""));
    }
}
