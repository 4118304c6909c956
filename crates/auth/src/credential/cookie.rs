//! Signed cookies: the principal and an end in the cookie itself, under an HMAC with SHA-256.
//!
//! The text is `base64url(payload ‖ tag)`. The payload is binary, because a browser keeps no more than 4096 bytes of name
//! and value together (RFC 6265bis §5.6) and sends all of them with every request.

use std::sync::{PoisonError, RwLock};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use super::keys::{Algorithm, KeyMaterial};
use super::random;
use crate::answer::{Rejection, UnixMillis};
use crate::error::Error;
use crate::principal::Principal;
use crate::record::{Reader, Writer};

/// Longest value, bytes: 4096 less what the name of the cookie may take.
pub(crate) const MAX_VALUE: usize = 4096 - 64;

/// Bytes of the tag.
const TAG: usize = 32;

/// Stands first in every payload: another layout gets another number, and what else this key may sign has none.
const LAYOUT: u64 = 0x6175_7468_636f_6f01;

/// Issues and checks the cookies of one backend.
#[derive(Debug)]
pub(crate) struct CookieCredential {
    lifetime_ms: u64,
    key: RwLock<hmac::Key>,
}

/// What a cookie says, once its signature is known to be ours.
#[derive(Debug)]
pub(crate) struct CookieClaims {
    pub(crate) principal: Principal,
    pub(crate) id: [u8; 16],
    pub(crate) until: UnixMillis,
    /// The user's mark at the login; zero where no check asks for one.
    pub(crate) epoch: u64,
}

/// A new cookie.
#[derive(Debug)]
pub(crate) struct NewCookie {
    pub(crate) value: String,
    pub(crate) id: [u8; 16],
    pub(crate) until: UnixMillis,
}

impl CookieCredential {
    pub(crate) fn new(lifetime_ms: u64, key: Option<&KeyMaterial>) -> Result<Self, Error> {
        let material = match key {
            Some(material) if material.algorithm() != Algorithm::Hs256 => {
                let given = material.algorithm().name();
                return Err(Error::Crypto(format!(
                    "the key given is for {given}, cookies are signed with HS256"
                )));
            }
            Some(material) => material.clone(),
            None => KeyMaterial::generate(Algorithm::Hs256)?,
        };
        Ok(Self { lifetime_ms, key: RwLock::new(of(&material)) })
    }

    /// A new random key; cookies of the old one are refused from now on.
    pub(crate) fn rotate_key(&self) -> Result<(), Error> {
        self.replace_key(&KeyMaterial::generate(Algorithm::Hs256)?)
    }

    /// This key from now on, as another replica already has it.
    pub(crate) fn replace_key(&self, material: &KeyMaterial) -> Result<(), Error> {
        let key = of(material);
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
    }

    pub(crate) fn issue(
        &self,
        principal: &Principal,
        epoch: u64,
        now: UnixMillis,
    ) -> Result<NewCookie, Error> {
        let (id, until) = (random::<16>()?, now.saturating_add(self.lifetime_ms));
        let mut out = Writer::default();
        out.number(LAYOUT).number(until).number(epoch).bytes(&id).bytes(principal.packed());
        let mut bytes = out.into_bytes();
        let tag = hmac::sign(&self.key.read().unwrap_or_else(PoisonError::into_inner), &bytes);
        bytes.extend_from_slice(tag.as_ref());
        let value = URL_SAFE_NO_PAD.encode(bytes);
        if value.len() > MAX_VALUE {
            return Err(Error::Unsupported(
                "carry a principal of this size in a cookie: browsers keep 4096 bytes",
            ));
        }
        Ok(NewCookie { value, id, until })
    }

    /// Checks all that can be checked without state.
    pub(crate) fn open(&self, value: &str, now: UnixMillis) -> Result<CookieClaims, Rejection> {
        let mut buffer = [0u8; MAX_VALUE / 4 * 3];
        if value.len() > MAX_VALUE {
            return Err(Rejection::Invalid);
        }
        let length = URL_SAFE_NO_PAD.decode_slice(value, &mut buffer).map_err(|_| Rejection::Invalid)?;
        let (payload, tag) =
            length.checked_sub(TAG).map(|at| buffer[..length].split_at(at)).ok_or(Rejection::Invalid)?;
        hmac::verify(&self.key.read().unwrap_or_else(PoisonError::into_inner), payload, tag)
            .map_err(|_| Rejection::Invalid)?;
        let claims = read(payload).map_err(|_| Rejection::Invalid)?;
        if claims.until <= now {
            return Err(Rejection::Expired);
        }
        Ok(claims)
    }
}

fn of(material: &KeyMaterial) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, material.to_bytes())
}

fn read(payload: &[u8]) -> Result<CookieClaims, Error> {
    let mut from = Reader::new(payload);
    if from.number()? != LAYOUT {
        return Err(Error::Crypto("another layout".into()));
    }
    let (until, epoch, id) = (from.number()?, from.number()?, from.array()?);
    let principal = Principal::unpack(Bytes::copy_from_slice(from.rest()))?;
    Ok(CookieClaims { principal, id, until, epoch })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::{CookieCredential, MAX_VALUE};
    use crate::answer::Rejection;
    use crate::error::Error;
    use crate::principal::Principal;

    const T0: u64 = 1_800_000_000_000;

    fn principal(tenant: usize) -> Principal {
        Principal::new("u00000001", &["member"], &"t".repeat(tenant))
    }

    #[test]
    fn a_cookie_says_who_until_its_end() {
        let cookies = CookieCredential::new(60_000, None).unwrap();
        let new = cookies.issue(&principal(40), 7, T0).unwrap();
        let claims = cookies.open(&new.value, T0 + 59_999).unwrap();
        assert_eq!((claims.principal, claims.id, claims.epoch), (principal(40), new.id, 7));
        assert_eq!((claims.until, new.until), (T0 + 60_000, T0 + 60_000));
        assert_eq!(cookies.open(&new.value, T0 + 60_000).unwrap_err(), Rejection::Expired);
        let other = CookieCredential::new(60_000, None).unwrap();
        assert_eq!(other.open(&new.value, T0).unwrap_err(), Rejection::Invalid);
        cookies.rotate_key().unwrap();
        assert_eq!(cookies.open(&new.value, T0).unwrap_err(), Rejection::Invalid);
    }

    #[test]
    fn a_cookie_that_browsers_would_drop_is_not_made() {
        let cookies = CookieCredential::new(60_000, None).unwrap();
        let largest = (0..4096).rev().find(|&size| cookies.issue(&principal(size), 0, T0).is_ok()).unwrap();
        let value = cookies.issue(&principal(largest), 0, T0).unwrap().value;
        assert!(value.len() <= MAX_VALUE && value.len() + 4 > MAX_VALUE, "{}", value.len());
        assert!(cookies.open(&value, T0).is_ok());
        let error = cookies.issue(&principal(largest + 1), 0, T0).unwrap_err();
        assert!(matches!(error, Error::Unsupported(_)));
    }

    proptest! {
        #[test]
        fn no_bit_can_be_changed(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let cookies = CookieCredential::new(60_000, None).unwrap();
            let value = cookies.issue(&principal(9), 0, T0).unwrap().value;
            let mut bytes = URL_SAFE_NO_PAD.decode(&value).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let changed = URL_SAFE_NO_PAD.encode(bytes);
            prop_assert_eq!(cookies.open(&changed, T0).unwrap_err(), Rejection::Invalid);
        }

        #[test]
        fn any_text_is_refused_and_never_a_panic(text: String, long in prop::collection::vec(any::<u8>(), 0..5000)) {
            let cookies = CookieCredential::new(60_000, None).unwrap();
            prop_assert_eq!(cookies.open(&text, T0).unwrap_err(), Rejection::Invalid);
            let long = URL_SAFE_NO_PAD.encode(long);
            prop_assert_eq!(cookies.open(&long, T0).unwrap_err(), Rejection::Invalid);
        }
    }
}
