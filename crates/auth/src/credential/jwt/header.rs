//! Which JOSE headers are let through: ours by comparison, others by a strict reading.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use crate::credential::keys::Algorithm;

/// A header as RFC 7515 §4 and RFC 9068 §4 allow it here. Members given twice are refused by the reader; parameters
/// that carry or point to a key (`jwk`, `jku`, `x5u`, `x5c`) are never read, and `kid` only names one of ours.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow, default)]
    kid: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
}

/// A member that is there, whatever its value.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// The header that we write, encoded. `kid` is of base64url characters.
pub(super) fn encoded(algorithm: Algorithm, kid: Option<&str>) -> String {
    let kid = kid.map(|kid| format!(r#","kid":"{kid}""#)).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(format!(r#"{{"typ":"at+jwt","alg":"{}"{kid}}}"#, algorithm.name()))
}

/// Whether the token begins with this header.
pub(super) fn begins(token: &str, encoded: &str) -> bool {
    token.strip_prefix(encoded).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether the token's header is one we accept, and names this key where keys have names.
pub(super) fn admits(token: &str, algorithm: Algorithm, kid: Option<&str>) -> bool {
    let Some((encoded, _)) = token.split_once('.') else { return false };
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(encoded) else { return false };
    let Ok(header) = serde_json::from_slice::<Header<'_>>(&bytes) else { return false };
    let typed = ["at+jwt", "application/at+jwt"].iter().any(|typ| header.typ.eq_ignore_ascii_case(typ));
    let named = kid.is_none() || header.kid.as_deref() == kid;
    typed && named && header.alg == algorithm.name() && !header.crit && !header.b64
}
