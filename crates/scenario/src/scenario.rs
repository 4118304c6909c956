//! A scenario: what load, as validated values. Code behind this border never re-checks a file.

pub mod file;
mod validate;

use std::path::Path;

use crate::arrival::Arrival;
use crate::balance::Balance;
use crate::builtin::Shelf;
use crate::distribution::Law;
use crate::error::FileError;
use crate::trace::Recorded;
use crate::units::HumanDuration;
use crate::wire::{PasswordHash, Provision};

pub use file::ScenarioFile;

/// A validated scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Kebab-case name.
    pub name: String,
    /// The question it answers, one sentence.
    pub question: String,
    /// Seed of everything drawn for it.
    pub seed: u64,
    /// Who the users are.
    pub population: Population,
    /// How the generator connects.
    pub client: Client,
    /// Replicas and how requests are spread over them; absent = as many as a backend's file says, in turn.
    pub balance: Option<Balance>,
    /// What is done.
    pub workload: Workload,
    /// Length of its trace: of an episode, or of a stationary trace when no block length is given.
    pub duration: HumanDuration,
}

/// Who the users are.
#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    /// Number of subjects, at least 1.
    pub subjects: u32,
    /// Devices per subject that are logged in before the start, in stationary scenarios.
    pub devices: u8,
    /// Exponent of Zipf popularity; 0 = all alike.
    pub zipf: f64,
    /// Revoked credentials known to the server before the start, per million live ones.
    pub revoked_per_million: u32,
    /// Size of a principal's canonical form, bytes.
    pub principal_bytes: u32,
    /// How logins check a password.
    pub password_hash: PasswordHash,
}

/// How the generator connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Connections at one time.
    pub connections: u32,
    /// From intended start to giving up.
    pub deadline: HumanDuration,
    /// Connections serve one request after another; otherwise each request has a new one.
    pub keep_alive: bool,
    /// TLS between generator and server.
    pub tls: bool,
    /// Before the first block, bytes between generator and server are captured and searched for credentials.
    pub capture: bool,
}

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Workload {
    /// Logged-in users requesting at a steady rate, and logins beside them: measured in paired blocks.
    Stationary(Stationary),
    /// Users arrive, log in, request, think, leave: a whole episode.
    Workday(Workday),
    /// A login left behind, "log out everywhere", and a replay of the left-behind credential: a whole episode.
    Cafe(Cafe),
    /// A trace file, generated or imported: a whole episode.
    Recorded(Recorded),
}

/// Logged-in users requesting, and logins beside them.
#[derive(Debug, Clone, PartialEq)]
pub struct Stationary {
    /// Authenticated requests per second.
    pub rate: f64,
    /// How they are spread over time.
    pub arrivals: Arrival,
    /// Share of the requests that write, 0 to 1.
    pub writes: f64,
    /// Logins beside them.
    pub logins: Option<Logins>,
}

/// Logins beside the requests, each on a device of its own, so that no request waits for one.
#[derive(Debug, Clone, PartialEq)]
pub struct Logins {
    /// Per second.
    pub rate: f64,
    /// How they are spread over time.
    pub arrivals: Arrival,
}

/// Users arrive, log in, request, think, leave.
#[derive(Debug, Clone, PartialEq)]
pub struct Workday {
    /// Users per second of trace time.
    pub rate: f64,
    /// How they are spread over time.
    pub arrivals: Arrival,
    /// Share of the requests that write, 0 to 1.
    pub writes: f64,
    /// Requests per visit.
    pub requests: Law,
    /// Time between two steps of a user, nanoseconds of the user's own time.
    pub think: Law,
    /// Share of the visits that end with a logout; the others just stop.
    pub logout: f64,
    /// A user's own time runs so many times faster than the trace's: think times and lifetimes are divided by it.
    pub speed: f64,
}

/// A login left behind on a public machine (device 0), "log out everywhere" from one's own (device 1).
#[derive(Debug, Clone, PartialEq)]
pub struct Cafe {
    /// Trials begun per second, each by a subject of its own.
    pub rate: f64,
    /// How they are spread over time.
    pub arrivals: Arrival,
    /// Requests on each of the two devices before the end of all logins.
    pub requests: u32,
    /// Mean time between two steps; each is drawn between half of it and one and a half.
    pub think: HumanDuration,
    /// Time between two replays of the left-behind credential.
    pub replay_every: HumanDuration,
    /// How long after "log out everywhere" it is replayed.
    pub replay_for: HumanDuration,
}

impl Cafe {
    /// The longest a trial can last, nanoseconds.
    #[must_use]
    pub fn longest_ns(&self) -> u64 {
        let pauses = 2 * (1 + u64::from(self.requests));
        (pauses.saturating_mul(self.think.as_nanos()) / 2)
            .saturating_mul(3)
            .saturating_add(self.replay_for.as_nanos())
    }
}

impl Scenario {
    /// Parses and validates a scenario file's text. `path` is used in errors, and for files named in it.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let file: ScenarioFile = crate::file::parse(path, text)?;
        validate::scenario(&file, &validate::Source { path, text })
    }

    /// What a user means by `name`: a trace file, a scenario file, or a built-in scenario.
    pub fn open(name: &str) -> Result<Self, FileError> {
        let path = Path::new(name);
        if Recorded::is_one(path) {
            return Recorded::open(path).map(Self::recorded);
        }
        let found = Shelf::Scenarios.resolve(name)?;
        Self::parse(&found.path, &found.text)
    }

    /// The scenario of replaying a trace file.
    #[must_use]
    pub fn recorded(trace: Recorded) -> Self {
        let header = trace.header();
        let nanos = trace.duration().as_nanos().try_into().unwrap_or(u64::MAX);
        Self {
            name: header.name.clone(),
            question: format!("What does the recorded traffic in {} cost?", trace.path().display()),
            seed: header.seed,
            population: Population {
                subjects: header.subjects,
                devices: header.devices,
                zipf: 0.0,
                revoked_per_million: header.revoked_per_million,
                principal_bytes: header.principal_bytes,
                password_hash: header.password_hash,
            },
            client: Client {
                connections: header.connections,
                deadline: header.deadline,
                keep_alive: true,
                tls: false,
                capture: false,
            },
            balance: None,
            duration: HumanDuration::from_nanos(nanos),
            workload: Workload::Recorded(trace),
        }
    }

    /// Whether it may be measured in paired blocks. Otherwise it runs as a whole episode.
    #[must_use]
    pub fn is_stationary(&self) -> bool {
        matches!(self.workload, Workload::Stationary(_))
    }

    /// Devices of a subject that occur in the trace: its indices are below this.
    #[must_use]
    pub fn device_count(&self) -> u8 {
        match &self.workload {
            Workload::Stationary(load) => self.population.devices + u8::from(load.logins.is_some()),
            Workload::Workday(_) => self.population.devices,
            Workload::Cafe(_) => 2,
            Workload::Recorded(recorded) => recorded.header().devices,
        }
    }

    /// What must be logged in before the start; nothing where users log in themselves.
    #[must_use]
    pub fn provision(&self) -> Option<Provision> {
        let devices = match &self.workload {
            Workload::Stationary(_) => self.population.devices,
            Workload::Recorded(recorded) => recorded.header().logged_in,
            Workload::Workday(_) | Workload::Cafe(_) => 0,
        };
        (devices > 0).then_some(Provision {
            first: 0,
            subjects: self.population.subjects,
            devices,
            revoked_per_million: self.population.revoked_per_million,
        })
    }
}
