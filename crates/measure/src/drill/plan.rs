//! A drill plan: which designs, which endings, which thieves, and how lifetimes are shortened.

use std::path::Path;

use scenario::{FileError, HumanDuration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan_file::{PlanFile, canonical};
use crate::store::StoreTopology;

/// NumericDate has steps of one second: a token of two may live for one.
const SHORTEST_LIFETIME_MS: u64 = 3000;
/// Longer replays are a slip of the keyboard.
const LONGEST_REPLAYS_NS: u64 = 3_600_000_000_000;
/// Cut more often than that, a subscription would never stand.
const SHORTEST_CUT_NS: u64 = 10_000_000;
/// As servers have it.
const LONGEST_LEEWAY_NS: u64 = 60_000_000_000;
/// Clocks further apart would make the drill as long.
const FURTHEST_CLOCK_S: u32 = 300;

/// A drill plan as it stands in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrillPlan {
    /// Name, e.g. `matrix`.
    pub name: String,
    /// Seed of the moments at which credentials are ended.
    pub seed: u64,
    /// Backend names or files.
    pub backends: Vec<String>,
    /// Server processes of each.
    pub replicas: u32,
    /// How credentials are stolen and ended.
    #[serde(default)]
    pub survival: Option<SurvivalPlan>,
    /// The same cells once more with every time as its file has it.
    #[serde(default)]
    pub unscaled: Option<UnscaledPlan>,
    /// How old credentials are when they are last accepted, by replicas whose clocks differ.
    #[serde(default)]
    pub expiry: Option<ExpiryPlan>,
    /// Replicas that are restarted one after the other while their users go on.
    #[serde(default)]
    pub restart: Option<RestartPlan>,
    /// What rotation of refresh tokens costs an honest owner.
    #[serde(default)]
    pub price: Option<PricePlan>,
    /// Logouts that race slow writers.
    #[serde(default)]
    pub resurrection: Option<ResurrectionPlan>,
    /// A master of the store that is lost under load.
    #[serde(default)]
    pub failover: Option<FailoverPlan>,
    /// How configured times are shortened.
    pub scale: ScalePlan,
}

/// Stolen credentials, ended in several ways.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SurvivalPlan {
    /// What ends the credential.
    pub events: Vec<DrillEvent>,
    /// What the thief copies.
    pub thieves: Vec<Thief>,
    /// Trials of a cell, each by a subject of its own, all at the same time.
    pub trials: u32,
    /// Replays per second, for each token at each replica.
    pub replays_per_s: u32,
    /// Cells of one design that run at the same time.
    #[serde(default = "two")]
    pub together: u32,
    /// Trials of one cell at the same time: with more trials they run in waves.
    #[serde(default = "hundred")]
    pub at_once: u32,
    /// Every subscription to a private store is cut off so often: what was published meanwhile is missed. Absent = never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_every: Option<HumanDuration>,
}

/// The cells of `[survival]` once more with every time as its file has it: it confirms that shortening changed nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnscaledPlan {
    /// Designs of the plan that are drilled so; their access credentials should be short-lived.
    pub backends: Vec<String>,
    /// How they are ended.
    pub events: Vec<DrillEvent>,
    /// How long replays go on after the end of a credential at most; what still works then works longer.
    pub replay_for: HumanDuration,
}

/// How old credentials are when they are last accepted, by replicas whose clocks differ: each credential is made by one
/// replica and used at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpiryPlan {
    /// Designs of the plan that are drilled so; empty = all.
    #[serde(default)]
    pub backends: Vec<String>,
    /// Clock of each replica against the machine's, seconds; as many replicas are started.
    pub clock_offsets_s: Vec<i32>,
    /// Leeways, set one after the other in the files of designs that have one.
    pub leeways: Vec<HumanDuration>,
    /// Credentials from each replica.
    pub trials: u32,
    /// Uses per second of each credential at each replica.
    pub replays_per_s: u32,
}

/// Replicas that are restarted one after the other while their users go on, round robin and without asking twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestartPlan {
    /// Users who are logged in.
    pub users: u32,
    /// Requests per second, all users together.
    pub rate: u32,
    /// Between two restarts, and before the first and after the last.
    pub pause: HumanDuration,
}

/// What rotation of refresh tokens costs an honest owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricePlan {
    /// Refreshes by each habit at each grace window.
    pub refreshes: u32,
    /// Grace windows; each is set in the design's file in turn.
    pub grace: Vec<HumanDuration>,
    /// How long a client waits before it tries again after a lost response.
    pub retry_after: HumanDuration,
    /// Thefts by each age of the stolen token.
    pub thefts: u32,
}

/// Logouts that race slow writers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResurrectionPlan {
    /// Logouts of each design.
    pub logouts: u32,
    /// Writes (`POST /note`) under way when each is sent.
    pub writers: u32,
    /// Modelled distance of the store: makes writers slow.
    pub store_rtt: HumanDuration,
}

/// A master of the store that is lost under load: each design that keeps its state in Redis, on each topology, by each
/// loss, with each wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailoverPlan {
    /// How several Redis servers are one store.
    pub topologies: Vec<StoreTopology>,
    /// How a master is lost.
    pub losses: Vec<Loss>,
    /// Replicas that a write waits for before it is acknowledged.
    pub wait: Vec<u32>,
    /// A master that does not answer for so long is replaced.
    pub node_timeout: HumanDuration,
    /// Operations per second: logins, logouts, and twice as many requests.
    pub rate_per_s: u32,
    /// From the beginning to the loss.
    pub before: HumanDuration,
    /// A master that is cut off first is so for this long.
    pub cut: HumanDuration,
    /// From the loss to the end.
    pub after: HumanDuration,
}

/// How a master is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// It is killed, its replicas up to date but for what was on the way.
    Crash,
    /// It is cut off from its replicas, goes on for a while, and is killed: what it acknowledged meanwhile nobody else has.
    CutOff,
}

impl Loss {
    /// As it is written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::CutOff => "cut-off",
        }
    }
}

/// How configured times are shortened. Clocks stay real.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScalePlan {
    /// Lifetime of (access) credentials that live longer.
    pub lifetime: HumanDuration,
    /// Every other lifetime that is longer, e.g. of refresh tokens.
    pub other_lifetimes: HumanDuration,
    /// Grace windows, poll intervals, cache lifetimes and declared lags are divided by this.
    pub divide: u32,
}

/// What ends a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DrillEvent {
    /// Its owner logs out.
    Logout,
    /// Its owner logs out everywhere, from another device.
    LogoutAll,
    /// Its owner changes the password on another device.
    PasswordChange,
    /// An operator disables the user.
    Disable,
    /// An operator rotates the signing key on every replica, one after the other.
    KeyRotation,
    /// A refresh token is presented that was exchanged before.
    Reuse,
    /// Its lifetime ends.
    Expiry,
}

impl DrillEvent {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Logout,
        Self::LogoutAll,
        Self::PasswordChange,
        Self::Disable,
        Self::KeyRotation,
        Self::Reuse,
        Self::Expiry,
    ];

    /// As it is written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::LogoutAll => "logout-all",
            Self::PasswordChange => "password-change",
            Self::Disable => "disable",
            Self::KeyRotation => "key-rotation",
            Self::Reuse => "reuse",
            Self::Expiry => "expiry",
        }
    }
}

/// What a thief copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Thief {
    /// The credential that requests carry.
    Access,
    /// The refresh token.
    Refresh,
    /// Both.
    Both,
}

impl Thief {
    /// As it is written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Both => "both",
        }
    }

    /// Whether a refresh token is copied.
    #[must_use]
    pub const fn refreshes(self) -> bool {
        matches!(self, Self::Refresh | Self::Both)
    }
}

fn two() -> u32 {
    2
}

fn hundred() -> u32 {
    100
}

/// NumericDate has nothing finer.
fn whole_seconds(duration: HumanDuration) -> bool {
    duration.as_nanos().is_multiple_of(1_000_000_000)
}

impl DrillPlan {
    /// Parses and validates a drill plan's text. `path` is used in errors.
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

    /// What a plan must satisfy beyond its types.
    pub(crate) fn check(&self, path: &Path, text: &str) -> Result<(), FileError> {
        let file = PlanFile { path, text, help: "see `authbench drill --help`" };
        file.begins(&self.name, self.seed, &self.backends)?;
        file.within("replicas", self.replicas, 1..=16)?;
        file.within("scale.divide", self.scale.divide, 1..=10_000)?;
        if self.scale.lifetime.as_nanos() < SHORTEST_LIFETIME_MS * 1_000_000 {
            return file.refuse(
                "scale.lifetime",
                "is too short: tokens expire in steps of a second",
                "use 3s",
            );
        }
        if !whole_seconds(self.scale.lifetime) || !whole_seconds(self.scale.other_lifetimes) {
            return file.refuse("scale", "lifetimes are whole seconds", "use 3s and 60s");
        }
        if let Some(survival) = &self.survival {
            file.within("survival.trials", survival.trials, 1..=10_000)?;
            file.within("survival.replays_per_s", survival.replays_per_s, 1..=1000)?;
            file.within("survival.together", survival.together, 1..=16)?;
            file.within("survival.at_once", survival.at_once, 1..=10_000)?;
            let cut_ns = survival.cut_every.map_or(LONGEST_REPLAYS_NS, HumanDuration::as_nanos);
            if !(SHORTEST_CUT_NS..=LONGEST_REPLAYS_NS).contains(&cut_ns) {
                return file.refuse("survival.cut_every", "is not between 10 ms and an hour", "use 300ms");
            }
            if survival.events.is_empty() || survival.thieves.is_empty() {
                return file.refuse("survival", "names no event or no thief", "add `events` and `thieves`");
            }
        }
        let unknown = |named: &[String]| named.iter().find(|name| !self.backends.contains(name)).cloned();
        if let Some(unscaled) = &self.unscaled {
            if let Some(name) = unknown(&unscaled.backends) {
                let message = format!("`{name}` is not among the plan's backends");
                return file.refuse("unscaled.backends", message, "name it in `backends` too");
            }
            if self.survival.is_none() || unscaled.events.is_empty() {
                return file.refuse("unscaled", "there is nothing to repeat", "add [survival] and `events`");
            }
            if unscaled.replay_for.as_nanos() > LONGEST_REPLAYS_NS {
                return file.refuse("unscaled.replay_for", "is more than an hour", "use 2m");
            }
        }
        if let Some(expiry) = &self.expiry {
            if let Some(name) = unknown(&expiry.backends) {
                let message = format!("`{name}` is not among the plan's backends");
                return file.refuse("expiry.backends", message, "name it in `backends` too");
            }
            let many = u32::try_from(expiry.clock_offsets_s.len()).unwrap_or(u32::MAX);
            file.within("expiry.clock_offsets_s", many, 1..=16)?;
            if expiry.clock_offsets_s.iter().any(|offset| offset.unsigned_abs() > FURTHEST_CLOCK_S) {
                return file.refuse(
                    "expiry.clock_offsets_s",
                    "holds more than five minutes",
                    "use [-30, 0, 30]",
                );
            }
            if expiry.leeways.is_empty() || expiry.leeways.iter().any(|leeway| !whole_seconds(*leeway)) {
                return file.refuse(
                    "expiry.leeways",
                    "is empty or holds parts of a second",
                    "use [\"0s\", \"5s\"]",
                );
            }
            if expiry.leeways.iter().any(|leeway| leeway.as_nanos() > LONGEST_LEEWAY_NS) {
                return file.refuse("expiry.leeways", "holds more than a minute", "use [\"0s\", \"5s\"]");
            }
            file.within("expiry.trials", expiry.trials, 1..=1000)?;
            file.within("expiry.replays_per_s", expiry.replays_per_s, 1..=1000)?;
        }
        if let Some(restart) = &self.restart {
            file.within("restart.users", restart.users, 1..=100_000)?;
            file.within("restart.rate", restart.rate, 1..=10_000)?;
            if !(100_000_000..=60_000_000_000).contains(&restart.pause.as_nanos()) {
                return file.refuse("restart.pause", "is not between 100 ms and a minute", "use 1s");
            }
        }
        if let Some(price) = &self.price {
            file.within("price.refreshes", price.refreshes, 1..=1_000_000)?;
            file.within("price.thefts", price.thefts, 0..=100_000)?;
        }
        if let Some(resurrection) = &self.resurrection {
            file.within("resurrection.logouts", resurrection.logouts, 1..=10_000_000)?;
            file.within("resurrection.writers", resurrection.writers, 1..=64)?;
        }
        if let Some(failover) = &self.failover {
            let named =
                [failover.topologies.is_empty(), failover.losses.is_empty(), failover.wait.is_empty()];
            if named.contains(&true) {
                return file.refuse(
                    "failover",
                    "names no topology, loss or wait",
                    "add them: see scenarios/README.md",
                );
            }
            for wait in &failover.wait {
                file.within("failover.wait", *wait, 0..=2)?;
            }
            file.within("failover.rate_per_s", failover.rate_per_s, 4..=10_000)?;
            let second = 1_000_000_000;
            for (key, time, least, most) in [
                ("failover.node_timeout", failover.node_timeout, second / 5, 60 * second),
                ("failover.before", failover.before, second, 600 * second),
                ("failover.after", failover.after, 2 * second, 600 * second),
                ("failover.cut", failover.cut, second / 10, failover.before.as_nanos()),
            ] {
                if !(least..=most).contains(&time.as_nanos()) {
                    return file.refuse(key, "is too short or too long", "see scenarios/README.md");
                }
            }
        }
        let parts = [
            self.survival.is_some(),
            self.expiry.is_some(),
            self.restart.is_some(),
            self.price.is_some(),
            self.resurrection.is_some(),
            self.failover.is_some(),
        ];
        if !parts.contains(&true) {
            return file.refuse(
                "survival",
                "there is nothing to drill",
                "add [survival], [expiry], [restart], [price], [resurrection] or [failover]",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"
name = "small"
seed = 1
backends = ["session-redis"]
replicas = 3

[survival]
events = ["logout", "expiry"]
thieves = ["access"]
trials = 10
replays_per_s = 20

[scale]
lifetime = "3s"
other_lifetimes = "60s"
divide = 4
"#;

    const FAILOVER_WITHOUT_TOPOLOGY: &str = r#"
[failover]
topologies = []
losses = ["crash"]
wait = [0]
node_timeout = "1s"
rate_per_s = 100
before = "2s"
cut = "1s"
after = "4s"

[scale]"#;

    #[test]
    fn a_plan_survives_its_canonical_text() {
        let plan = DrillPlan::parse(Path::new("p.toml"), PLAN).unwrap();
        assert_eq!(DrillPlan::parse(Path::new("p.toml"), &plan.canonical()).unwrap(), plan);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_key() {
        for (from, to, part) in [
            ("\"3s\"", "\"2s\"", "scale.lifetime"),
            ("replicas = 3", "replicas = 0", "replicas"),
            ("trials = 10", "trials = 0", "survival.trials"),
            ("[\"access\"]", "[]", "survival"),
            ("\"logout\"", "\"logot\"", "logot"),
            ("[\"session-redis\"]", "[]", "backends"),
            ("name = \"small\"", "name = \"S M\"", "name"),
            ("\n[scale]", FAILOVER_WITHOUT_TOPOLOGY, "failover"),
        ] {
            let error = DrillPlan::parse(Path::new("p.toml"), &PLAN.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    }
}
