//! A token writer of its own, so that it can write what the code under test never would.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::{AUDIENCE, ISSUER, NOW};

pub(crate) const SECRET: [u8; 32] = *b"an HS256 key of thirty-two bytes";

pub(crate) fn header() -> Value {
    json!({ "alg": "HS256", "typ": "at+jwt" })
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "u00000001", "client_id": "authbench",
        "exp": NOW + 3600, "iat": NOW, "jti": URL_SAFE_NO_PAD.encode([9u8; 16]),
        "roles": ["member"], "tenant": "t",
    })
}

pub(crate) fn raw_parts(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

pub(crate) fn parts(header: &Value, claims: &Value) -> String {
    raw_parts(&header.to_string(), &claims.to_string())
}

pub(crate) fn sign(parts: &str, secret: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), parts.as_bytes());
    format!("{parts}.{}", URL_SAFE_NO_PAD.encode(tag))
}

pub(crate) fn token(header: &Value, claims: &Value) -> String {
    sign(&parts(header, claims), &SECRET)
}
