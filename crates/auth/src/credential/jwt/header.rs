//! Which JOSE headers are let through: ours by comparison, others by a strict reading.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use crate::credential::keys::Algorithm;

/// The header we write, and the rule for headers written differently.
#[derive(Debug)]
pub(super) struct HeaderRule {
    algorithm: Algorithm,
    encoded: String,
}

/// A header as RFC 7515 §4 and RFC 9068 §4 allow it here. Members given twice are refused by the reader; parameters
/// that name or carry a key (`jwk`, `jku`, `x5u`, `x5c`, `kid`) are never read.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
}

/// A member that is there, whatever its value.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl HeaderRule {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        let text = format!(r#"{{"typ":"at+jwt","alg":"{}"}}"#, algorithm.name());
        Self { algorithm, encoded: URL_SAFE_NO_PAD.encode(text) }
    }

    pub(super) fn encoded(&self) -> &str {
        &self.encoded
    }

    /// Whether the token's header is one we accept. Ours is recognised by its bytes, which costs nearly nothing.
    pub(super) fn admits(&self, token: &str) -> bool {
        let ours = token.strip_prefix(&self.encoded).is_some_and(|rest| rest.starts_with('.'));
        ours || token.split_once('.').is_some_and(|(header, _)| self.reads(header))
    }

    fn reads(&self, encoded: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(encoded) else { return false };
        let Ok(header) = serde_json::from_slice::<Header<'_>>(&bytes) else { return false };
        let typed = ["at+jwt", "application/at+jwt"].iter().any(|typ| header.typ.eq_ignore_ascii_case(typ));
        typed && header.alg == self.algorithm.name() && !header.crit && !header.b64
    }
}
