//! Writes compact JWS tokens, right ones and every kind of wrong one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::key::Key;
use crate::object::Object;

/// Base64url without padding (RFC 7515 §2).
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes behind canonical base64url.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The signing input of two texts.
#[must_use]
pub fn input(header: &str, payload: &str) -> String {
    format!("{}.{}", encode(header), encode(payload))
}

/// A signing input with a signature.
#[must_use]
pub fn seal(input: &str, signature: &[u8]) -> String {
    format!("{input}.{}", encode(signature))
}

/// What tokens are made from: a header and claims that are accepted, and the key that makes them so.
#[derive(Debug)]
pub struct Base<'a> {
    /// The header.
    pub header: Object,
    /// The claims.
    pub claims: Object,
    /// The key; none where it is not known: then only what needs no valid signature can be written.
    pub key: Option<&'a Key>,
    /// A valid token of exactly this header and these claims.
    pub valid: String,
}

impl<'a> Base<'a> {
    /// From a valid token; `None` if it is no compact JWS of JSON objects.
    #[must_use]
    pub fn of(valid: &str, key: Option<&'a Key>) -> Option<Self> {
        let mut parts = valid.split('.');
        let mut object = || {
            let value: serde_json::Value = serde_json::from_slice(&decode(parts.next()?)?).ok()?;
            value.is_object().then(|| Object::of(&value))
        };
        let (header, claims) = (object()?, object()?);
        let signed = valid.split('.').count() == 3;
        signed.then(|| Self { header, claims, key, valid: valid.to_owned() })
    }

    /// The first two segments and the signature of the valid token.
    #[must_use]
    pub fn split(&self) -> (&str, &str) {
        self.valid.rsplit_once('.').unwrap_or((&self.valid, ""))
    }

    /// A token of these texts, signed; `None` without a key.
    #[must_use]
    pub fn signed(&self, header: &str, payload: &str) -> Option<String> {
        self.signed_input(&input(header, payload))
    }

    /// A signing input, signed; `None` without a key.
    #[must_use]
    pub fn signed_input(&self, input: &str) -> Option<String> {
        let signature = self.key?.sign(input.as_bytes());
        Some(seal(input, &signature))
    }
}
