//! A scenario as it stands in a file: every key, with its default.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arrival::Arrival;
use crate::units::HumanDuration;
use crate::wire::PasswordHash;

/// A scenario file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// Kebab-case name.
    pub name: String,
    /// The question it answers, one sentence.
    pub question: String,
    /// What sort of load it is.
    pub kind: Kind,
    /// Seed of everything drawn for it: same seed, same trace.
    #[serde(default = "default::seed")]
    pub seed: u64,
    /// Who the users are.
    #[serde(default)]
    pub population: PopulationFile,
    /// What arrives, and how often.
    #[serde(default)]
    pub load: Option<LoadFile>,
    /// Logins beside the requests (stationary only).
    #[serde(default)]
    pub logins: Option<LoginsFile>,
    /// How the generator connects.
    #[serde(default)]
    pub client: ClientFile,
}

/// What sort of load a scenario is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Logged-in users requesting at a steady rate, and logins beside them: measured in paired blocks.
    Stationary,
}

/// Who the users are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PopulationFile {
    /// Number of subjects, 1 to 100,000,000.
    pub subjects: u32,
    /// Devices per subject that are logged in before the start (stationary only), 1 to 16.
    pub devices: u8,
    /// Exponent of Zipf popularity, 0 (all alike) to 4.
    pub zipf: f64,
    /// Revoked credentials known to the server before the start, as a share of the live ones, 0 to 1.
    pub revoked: f64,
    /// Size of what a credential says about its subject, bytes, 64 to 4096.
    pub principal_bytes: u32,
    /// How logins check a password.
    pub password_hash: PasswordHash,
}

impl Default for PopulationFile {
    fn default() -> Self {
        Self {
            subjects: 10_000,
            devices: 1,
            zipf: 1.0,
            revoked: 0.01,
            principal_bytes: 256,
            password_hash: PasswordHash::Argon2id,
        }
    }
}

/// What arrives, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadFile {
    /// Arrivals per second: requests (stationary), users (workday) or trials (cafe).
    pub rate: f64,
    /// How they are spread over time.
    #[serde(default)]
    pub arrivals: Arrival,
    /// Length of the trace. In paired blocks the plan's block length wins.
    #[serde(default = "default::duration")]
    pub duration: HumanDuration,
    /// Share of the requests that write, 0 to 1.
    #[serde(default)]
    pub writes: f64,
}

/// Logins beside the requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginsFile {
    /// Logins per second.
    pub rate: f64,
    /// How they are spread over time.
    #[serde(default)]
    pub arrivals: Arrival,
}

/// How the generator connects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientFile {
    /// Keep-alive connections, 1 to 10,000.
    pub connections: u32,
    /// From intended start to giving up on an answer.
    pub deadline: HumanDuration,
}

impl Default for ClientFile {
    fn default() -> Self {
        Self { connections: 32, deadline: HumanDuration::from_millis(2000) }
    }
}

mod default {
    use super::HumanDuration;

    pub(super) fn seed() -> u64 {
        1
    }

    pub(super) fn duration() -> HumanDuration {
        HumanDuration::from_millis(10_000)
    }
}
