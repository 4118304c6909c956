//! `manifest.json`: written last, holds the hash of everything, sealed by a hash of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::digest::sha256_hex;
use crate::error::Error;
use crate::redact::redact;

/// The manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`crate::block::SCHEMA`] of the writer.
    pub schema: u32,
    /// How the run ended.
    pub ended: Ended,
    /// When, nanoseconds of Unix time.
    pub ended_unix_ns: u64,
    /// Blocks and episodes in the recording.
    pub blocks: u64,
    /// SHA-256 (hex) of every other file.
    pub files: BTreeMap<String, String>,
    /// SHA-256 (hex) of this manifest with an empty seal.
    pub seal: String,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The plan was carried out.
    Completed,
    /// It was stopped from outside.
    Stopped,
    /// It could not go on: why.
    Failed(String),
}

impl Ended {
    /// By whether everything was done.
    pub(crate) fn of(done: &Result<bool, Error>) -> Self {
        match done {
            Ok(true) => Self::Completed,
            Ok(false) => Self::Stopped,
            Err(error) => Self::Failed(redact(&error.to_string())),
        }
    }
}

impl Manifest {
    /// The file's bytes, sealed.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let seal = sha256_hex(&self.unsealed());
        text_of(&Self { seal, ..self.clone() })
    }

    /// Reads a manifest; refuses one whose bytes are not exactly those that were sealed.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| format!("is not a manifest: {error}"))?;
        if manifest.to_bytes() == bytes {
            Ok(manifest)
        } else {
            Err("was changed: its seal is broken".into())
        }
    }

    fn unsealed(&self) -> Vec<u8> {
        text_of(&Self { seal: String::new(), ..self.clone() })
    }
}

fn text_of(manifest: &Manifest) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "a map of strings and numbers always serialises")]
    let mut bytes = serde_json::to_vec_pretty(manifest).expect("a manifest serialises");
    bytes.push(b'\n');
    bytes
}
