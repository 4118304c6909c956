//! A scenario as it stands in a file: every key, with its default.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arrival::Arrival;
use crate::balance::Policy;
use crate::distribution::Distribution;
use crate::units::HumanDuration;
use crate::wire::PasswordHash;

/// A scenario file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "authbench scenario")]
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
    /// What each user does (workday only).
    #[serde(default)]
    pub visit: Option<VisitFile>,
    /// What each trial consists of (cafe only).
    #[serde(default)]
    pub trial: Option<TrialFile>,
    /// How the generator connects.
    #[serde(default)]
    pub client: ClientFile,
    /// Replicas of every backend, and how requests are spread over them.
    #[serde(default)]
    pub balance: Option<BalanceFile>,
}

/// What sort of load a scenario is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Logged-in users requesting at a steady rate, and logins beside them: measured in paired blocks.
    Stationary,
    /// Users arrive, log in, request, think, leave: a whole episode.
    Workday,
    /// A login left behind, "log out everywhere", and a replay of the left-behind credential: a whole episode.
    Cafe,
}

impl Kind {
    /// As it is written in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stationary => "stationary",
            Self::Workday => "workday",
            Self::Cafe => "cafe",
        }
    }
}

/// Who the users are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PopulationFile {
    /// Number of subjects, 1 to 100,000,000.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub subjects: u32,
    /// Devices per subject, 1 to 16. Stationary: all of them are logged in before the start. Workday: a user who comes
    /// back takes the next. Cafe: always two.
    #[schemars(range(min = 1, max = 16))]
    pub devices: u8,
    /// Exponent of Zipf popularity, 0 (all alike) to 4.
    #[schemars(range(min = 0.0, max = 4.0))]
    pub zipf: f64,
    /// Revoked credentials known to the server before the start, as a share of the live ones, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub revoked: f64,
    /// Size of what a credential says about its subject, bytes, 64 to 4096.
    #[schemars(range(min = 64, max = 4096))]
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
    #[schemars(range(min = 1e-6, max = 1e7))]
    pub rate: f64,
    /// How they are spread over time.
    #[serde(default)]
    pub arrivals: Arrival,
    /// Length of the trace. In paired blocks the plan's block length wins.
    #[serde(default = "default::duration")]
    pub duration: HumanDuration,
    /// Share of the requests that write, 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub writes: f64,
}

/// Logins beside the requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginsFile {
    /// Logins per second.
    #[schemars(range(min = 1e-6, max = 1e7))]
    pub rate: f64,
    /// How they are spread over time.
    #[serde(default)]
    pub arrivals: Arrival,
}

/// What each user of a workday does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VisitFile {
    /// Requests per visit.
    pub requests: Distribution<f64>,
    /// Time between two steps of a user.
    pub think: Distribution<HumanDuration>,
    /// Share of the visits that end with a logout, 0 to 1; the others just stop.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub logout: f64,
    /// So many times faster than life: think times and credential lifetimes are divided by it.
    #[schemars(range(min = 1e-3, max = 1e6))]
    pub speed: f64,
}

impl Default for VisitFile {
    fn default() -> Self {
        let think = HumanDuration::from_millis(3000);
        let max = HumanDuration::from_millis(30 * 60 * 1000);
        Self {
            requests: Distribution::LogNormal { median: 6.0, sigma: 1.0, max: Some(200.0) },
            think: Distribution::LogNormal { median: think, sigma: 2.5, max: Some(max) },
            logout: 0.3,
            speed: 1.0,
        }
    }
}

/// What each trial of a cafe consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrialFile {
    /// Requests on each of the two devices before "log out everywhere", 0 to 1000.
    #[schemars(range(min = 0, max = 1000))]
    pub requests: u32,
    /// Mean time between two steps.
    pub think: HumanDuration,
    /// Time between two replays of the left-behind credential.
    pub replay_every: HumanDuration,
    /// How long after "log out everywhere" it is replayed.
    pub replay_for: HumanDuration,
}

impl Default for TrialFile {
    fn default() -> Self {
        Self {
            requests: 2,
            think: HumanDuration::from_millis(20),
            replay_every: HumanDuration::from_millis(20),
            replay_for: HumanDuration::from_millis(600),
        }
    }
}

/// How the generator connects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientFile {
    /// Connections at one time, 1 to 10,000.
    #[schemars(range(min = 1, max = 10_000))]
    pub connections: u32,
    /// From intended start to giving up on an answer.
    pub deadline: HumanDuration,
    /// Whether a connection serves one request after another. `false`: a new connection for every request, opened when the
    /// request is due, with a full TLS handshake where `tls` is on.
    pub keep_alive: bool,
    /// TLS on the measured port, with a certificate made for the run.
    pub tls: bool,
    /// Captures some traffic before the first block, unmeasured, and searches it for the credentials in use.
    pub capture: bool,
}

impl Default for ClientFile {
    fn default() -> Self {
        Self {
            connections: 32,
            deadline: HumanDuration::from_millis(2000),
            keep_alive: true,
            tls: false,
            capture: false,
        }
    }
}

/// Replicas of every backend, and how requests are spread over them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BalanceFile {
    /// Server processes of every backend, 2 to 64, instead of what its own file says. They share the signing key and, where
    /// there is one, the store.
    #[schemars(range(min = 2, max = 64))]
    pub replicas: u32,
    /// Which of them gets a request.
    pub policy: Policy,
}

impl Default for BalanceFile {
    fn default() -> Self {
        Self { replicas: 3, policy: Policy::RoundRobin }
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
