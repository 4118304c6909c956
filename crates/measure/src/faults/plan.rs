//! A fault plan: which designs, which faults, what load goes on meanwhile, and when.

use std::path::Path;

use scenario::{FileError, HumanDuration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan_file::{PlanFile, canonical};

/// A fault plan as it stands in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "authbench fault plan")]
pub struct FaultPlan {
    /// Name, e.g. `faults`.
    pub name: String,
    /// Seed of the moments of all operations, and of whom they concern.
    pub seed: u64,
    /// Backend names or files.
    pub backends: Vec<String>,
    /// Server processes of each, 2 to 16.
    #[schemars(range(min = 2, max = 16))]
    pub replicas: u32,
    /// Designs that meet the same fault at the same time, 1 to 16.
    #[schemars(range(min = 1, max = 16))]
    pub together: u32,
    /// What goes wrong. A design without a shared store meets only the faults of servers and clocks.
    pub faults: Vec<FaultKind>,
    /// Longest time a server may take for one request, as it is started with.
    pub deadline: HumanDuration,
    /// What is asked meanwhile.
    pub load: FaultLoad,
    /// When.
    pub time: FaultTime,
    /// Logins by force, with passwords hashed as they should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flood: Option<FloodPlan>,
}

/// Operations per second over all servers, each on its own schedule: nothing waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultLoad {
    /// Users who are logged in throughout.
    pub subjects: u32,
    /// Logins that were ended before the start, and are tried again all the time.
    pub ended: u32,
    /// Requests (`GET /me`) by users who are logged in.
    pub requests: u32,
    /// Writes (`POST /note`) by them.
    pub writes: u32,
    /// Logins of further users.
    pub logins: u32,
    /// Logouts of these.
    pub logouts: u32,
    /// Renewals, where a design has them.
    pub refreshes: u32,
    /// Uses of a login that was ended.
    pub replays: u32,
    /// Uses of a credential that was never handed out.
    pub forgeries: u32,
}

/// When a fault begins and ends. It begins `before` after the start of the load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultTime {
    /// From the start of the load to the fault.
    pub before: HumanDuration,
    /// How long it lasts.
    pub during: HumanDuration,
    /// From its end to the end of the load.
    pub after: HumanDuration,
    /// Width of a piece of the timeline.
    pub bucket: HumanDuration,
}

/// Logins by force: each design alone, with one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FloodPlan {
    /// Backend names or files.
    pub backends: Vec<String>,
    /// Logins per second during the flood; there are none before and after it.
    pub logins: u32,
    /// Requests per second by users who are logged in.
    pub requests: u32,
    /// From the start to the flood: what it is compared with.
    pub before: HumanDuration,
    /// How long it lasts.
    pub during: HumanDuration,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The store is killed, and comes back with its data.
    StoreKilled,
    /// The store is stopped (SIGSTOP), so that connections hang, and goes on.
    StoreStopped,
    /// Answers of the store take 50 ms longer.
    #[serde(rename = "store-slow-50ms")]
    StoreSlow50Ms,
    /// Answers of the store take one second longer.
    #[serde(rename = "store-slow-1s")]
    StoreSlow1S,
    /// One replica is cut off from the store: nothing passes, and nobody is told.
    StoreCutOff,
    /// The store is killed and started again at once, without its data.
    StoreRestartedEmpty,
    /// The store has not enough memory any more, and drops keys that were not used lately.
    StoreOutOfMemory,
    /// The store refuses writes, as a replica does whose primary is gone.
    StoreReadOnly,
    /// Connections to the store are broken off and refused, again and again.
    StoreFlapping,
    /// One server is killed, and started again.
    ServerKilled,
    /// The clock of one server is set forward, and back again.
    ClockAhead,
    /// The clock of one server is set back, and forward again.
    ClockBehind,
    /// More logins than passwords can be hashed. Not in a list: `[flood]` says with which designs.
    LoginFlood,
}

impl FaultKind {
    /// As it is written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StoreKilled => "store-killed",
            Self::StoreStopped => "store-stopped",
            Self::StoreSlow50Ms => "store-slow-50ms",
            Self::StoreSlow1S => "store-slow-1s",
            Self::StoreCutOff => "store-cut-off",
            Self::StoreRestartedEmpty => "store-restarted-empty",
            Self::StoreOutOfMemory => "store-out-of-memory",
            Self::StoreReadOnly => "store-read-only",
            Self::StoreFlapping => "store-flapping",
            Self::ServerKilled => "server-killed",
            Self::ClockAhead => "clock-ahead",
            Self::ClockBehind => "clock-behind",
            Self::LoginFlood => "login-flood",
        }
    }

    /// All that a plan may list.
    pub const ALL: [Self; 12] = [
        Self::StoreKilled,
        Self::StoreStopped,
        Self::StoreSlow50Ms,
        Self::StoreSlow1S,
        Self::StoreCutOff,
        Self::StoreRestartedEmpty,
        Self::StoreOutOfMemory,
        Self::StoreReadOnly,
        Self::StoreFlapping,
        Self::ServerKilled,
        Self::ClockAhead,
        Self::ClockBehind,
    ];

    /// What it is, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::StoreKilled => "the store is killed, and comes back with its data",
            Self::StoreStopped => "the store is stopped, so that connections hang, and goes on",
            Self::StoreSlow50Ms => "answers of the store take 50 ms longer",
            Self::StoreSlow1S => "answers of the store take 1 s longer",
            Self::StoreCutOff => "one server is cut off from the store",
            Self::StoreRestartedEmpty => "the store is restarted without its data",
            Self::StoreOutOfMemory => "the store runs out of memory and drops keys",
            Self::StoreReadOnly => "the store refuses writes",
            Self::StoreFlapping => "connections to the store break off again and again",
            Self::ServerKilled => "one server is killed, and started again",
            Self::ClockAhead => "the clock of one server is 90 s ahead",
            Self::ClockBehind => "the clock of one server is 90 s behind",
            Self::LoginFlood => "more logins come than passwords can be hashed",
        }
    }

    /// Whether it is about the shared store: a design without one does not meet it.
    #[must_use]
    pub const fn of_store(self) -> bool {
        !matches!(self, Self::ServerKilled | Self::ClockAhead | Self::ClockBehind | Self::LoginFlood)
    }

    /// Whether no answer of the store arrives in time while it lasts, for the servers it concerns.
    #[must_use]
    pub const fn store_is_down(self) -> bool {
        matches!(self, Self::StoreKilled | Self::StoreStopped | Self::StoreSlow1S | Self::StoreCutOff)
    }

    /// Whether only the first server is concerned.
    #[must_use]
    pub const fn of_first_server(self) -> bool {
        matches!(self, Self::StoreCutOff | Self::ServerKilled | Self::ClockAhead | Self::ClockBehind)
    }

    /// Whether the store has lost what was written to it.
    #[must_use]
    pub const fn loses_data(self) -> bool {
        matches!(self, Self::StoreRestartedEmpty | Self::StoreOutOfMemory)
    }
}

/// Time that setting up and ending a group of designs takes beside its load, as printed beforehand, nanoseconds.
const BESIDE_NS: u64 = 1_500_000_000;

impl FaultPlan {
    /// Parses and validates a fault plan's text. `path` is used in errors.
    ///
    /// # Errors
    ///
    /// A [`FileError`] with line, key and a next step.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let plan: Self = scenario::file::parse(path, text)?;
        plan.check(path, text)?;
        Ok(plan)
    }

    /// The canonical text: what is hashed and recorded.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical(self)
    }

    /// How long it will take, nanoseconds, where so many of its designs have a shared store and so many in all are run,
    /// and so many are flooded.
    #[must_use]
    pub fn expected_ns(&self, with_store: usize, designs: usize, flooded: usize) -> u64 {
        let groups = |designs: usize| designs.div_ceil(self.together as usize) as u64;
        let one_ns = self.time.length_ns() + BESIDE_NS;
        let of = |kind: &FaultKind| groups(if kind.of_store() { with_store } else { designs }) * one_ns;
        let floods_ns = self.flood.as_ref().map_or(0, |flood| {
            (flood.before.as_nanos() + flood.during.as_nanos() + self.time.after.as_nanos() + BESIDE_NS)
                * flooded as u64
        });
        self.faults.iter().map(of).sum::<u64>() + floods_ns
    }

    fn check(&self, path: &Path, text: &str) -> Result<(), FileError> {
        let file = PlanFile { path, text, help: "see `authbench faults --help`" };
        file.begins(&self.name, self.seed, &self.backends)?;
        if self.faults.is_empty() && self.flood.is_none() {
            return file.refuse("faults", "names no fault", "add one, e.g. \"store-killed\", or [flood]");
        }
        if self.faults.contains(&FaultKind::LoginFlood) {
            return file.refuse("faults", "`login-flood` has a table of its own", "add [flood]");
        }
        file.within("replicas", self.replicas, 2..=16)?;
        file.within("together", self.together, 1..=16)?;
        file.within("deadline", self.deadline.as_nanos() / 1_000_000, 10..=10_000)?;
        let load = &self.load;
        file.within("load.subjects", load.subjects, 1..=10_000)?;
        file.within("load.ended", load.ended, 1..=10_000)?;
        file.within("load.requests", load.requests, 1..=2000)?;
        for (key, rate) in [
            ("load.writes", load.writes),
            ("load.logins", load.logins),
            ("load.logouts", load.logouts),
            ("load.refreshes", load.refreshes),
            ("load.replays", load.replays),
            ("load.forgeries", load.forgeries),
        ] {
            file.within(key, rate, 0..=1000)?;
        }
        let time = &self.time;
        for (key, length) in
            [("time.before", time.before), ("time.during", time.during), ("time.after", time.after)]
        {
            file.within(key, length.as_nanos() / 1_000_000, 100..=600_000)?;
        }
        let millis = time.bucket.as_nanos() / 1_000_000;
        file.within("time.bucket", millis, 20..=60_000)?;
        if time.length_ns() / time.bucket.as_nanos() > 1000 {
            return file.refuse("time.bucket", "makes a timeline of more than 1000 pieces", "make it longer");
        }
        if let Some(flood) = &self.flood {
            if flood.backends.is_empty() {
                return file.refuse("flood.backends", "names no backend", "leave [flood] out for no flood");
            }
            file.within("flood.logins", flood.logins, 1..=2000)?;
            file.within("flood.requests", flood.requests, 1..=2000)?;
            file.within("flood.before", flood.before.as_nanos() / 1_000_000, 100..=600_000)?;
            file.within("flood.during", flood.during.as_nanos() / 1_000_000, 100..=600_000)?;
        }
        Ok(())
    }
}

impl FaultTime {
    /// From the first operation to the last.
    #[must_use]
    pub fn length_ns(&self) -> u64 {
        self.before.as_nanos() + self.during.as_nanos() + self.after.as_nanos()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const PLAN: &str = r#"
name = "small"
seed = 1
backends = ["session-redis"]
replicas = 2
together = 2
faults = ["store-killed", "store-slow-1s"]
deadline = "250ms"

[load]
subjects = 8
ended = 4
requests = 40
writes = 5
logins = 5
logouts = 5
refreshes = 5
replays = 10
forgeries = 5

[time]
before = "500ms"
during = "1s"
after = "1s"
bucket = "100ms"

[flood]
backends = ["session-redis"]
logins = 100
requests = 200
before = "1s"
during = "1s"
"#;

    #[test]
    fn a_plan_survives_its_canonical_text() {
        let plan = FaultPlan::parse(Path::new("p.toml"), PLAN).unwrap();
        assert_eq!(FaultPlan::parse(Path::new("p.toml"), &plan.canonical()).unwrap(), plan);
    }

    #[test]
    fn names_are_those_of_the_file() {
        for kind in FaultKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(serde_json::from_value::<FaultKind>(kind.name().into()).unwrap(), kind);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_key() {
        for (from, to, part) in [
            ("replicas = 2", "replicas = 1", "replicas"),
            ("together = 2", "together = 0", "together"),
            ("\"store-killed\"", "\"store-kiled\"", "store-kiled"),
            ("\"store-killed\"", "\"login-flood\"", "login-flood"),
            ("backends = [\"session-redis\"]\nreplicas", "backends = []\nreplicas", "backends"),
            ("name = \"small\"", "name = \"S M\"", "name"),
            ("requests = 40", "requests = 0", "load.requests"),
            ("bucket = \"100ms\"", "bucket = \"1ms\"", "time.bucket"),
            ("deadline = \"250ms\"", "deadline = \"1ms\"", "deadline"),
            ("logins = 100", "logins = 0", "flood.logins"),
        ] {
            let error = FaultPlan::parse(Path::new("p.toml"), &PLAN.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn the_time_it_takes_is_known_beforehand() {
        let plan = FaultPlan::parse(Path::new("p.toml"), PLAN).unwrap();
        // Three designs in two groups, twice; one flood of 1 + 1 + 1 s.
        assert_eq!(plan.expected_ns(3, 5, 1), 4 * (2_500_000_000 + BESIDE_NS) + 3_000_000_000 + BESIDE_NS);
    }
}
