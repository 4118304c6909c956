//! The `[mechanism]` table as written: every value with its place in the text, nothing judged yet.

use serde::Deserialize;
use toml::Spanned;

/// The backend file; everything but the mechanism is someone else's.
#[derive(Debug, Deserialize)]
pub(super) struct RawFile {
    pub(super) mechanism: Option<Spanned<RawMechanism>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMechanism {
    pub(super) credential: Spanned<RawCredential>,
    #[serde(default)]
    pub(super) checks: Vec<Spanned<RawCheck>>,
    #[serde(default)]
    pub(super) write_checks: Vec<Spanned<RawCheck>>,
    pub(super) index: Option<Spanned<bool>>,
    pub(super) store: Option<Spanned<String>>,
    pub(super) renewal: Option<Spanned<RawRenewal>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCredential {
    pub(super) kind: Spanned<String>,
    pub(super) lifetime: Option<Spanned<String>>,
    pub(super) algorithm: Option<Spanned<String>>,
    pub(super) leeway: Option<Spanned<String>>,
    pub(super) issuer: Option<Spanned<String>>,
    pub(super) audience: Option<Spanned<String>>,
    pub(super) key: Option<Spanned<String>>,
    pub(super) key_overlap: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCheck {
    pub(super) kind: Spanned<String>,
    pub(super) view: Spanned<String>,
    pub(super) ttl: Option<Spanned<String>>,
    pub(super) entries: Option<Spanned<u32>>,
    pub(super) interval: Option<Spanned<String>>,
    pub(super) heartbeat: Option<Spanned<String>>,
    pub(super) tolerance: Option<Spanned<String>>,
    pub(super) confirm: Option<Spanned<bool>>,
    pub(super) one_in: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRenewal {
    pub(super) kind: Spanned<String>,
    pub(super) lifetime: Option<Spanned<String>>,
    pub(super) inactivity: Option<Spanned<String>>,
    pub(super) rotate: Option<Spanned<bool>>,
    pub(super) grace: Option<Spanned<String>>,
    pub(super) retry: Option<Spanned<String>>,
    pub(super) reuse: Option<Spanned<String>>,
    pub(super) view: Option<Spanned<String>>,
}
