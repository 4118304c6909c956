//! A drill plan: which designs, which endings, which thieves, and how lifetimes are shortened.

use std::path::Path;

use scenario::file::locate;
use scenario::{FileError, HumanDuration};
use serde::{Deserialize, Serialize};

/// NumericDate has steps of one second: a token of two may live for one.
const SHORTEST_LIFETIME_MS: u64 = 3000;

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
    /// What rotation of refresh tokens costs an honest owner.
    #[serde(default)]
    pub price: Option<PricePlan>,
    /// Logouts that race slow writers.
    #[serde(default)]
    pub resurrection: Option<ResurrectionPlan>,
    /// How configured times are shortened.
    pub scale: ScalePlan,
}

/// Stolen credentials, ended in several ways.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// How configured times are shortened. Clocks stay real.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
        #[expect(clippy::expect_used, reason = "a plan holds only strings, numbers and tables of them")]
        toml::to_string_pretty(self).expect("a plan serialises")
    }

    fn check(&self, path: &Path, text: &str) -> Result<(), FileError> {
        let refuse = |key: &str, message: &str, hint: &str| {
            Err(locate(path, text, key, None, format!("`{key}`: {message}"), Some(hint.to_owned())))
        };
        let within = |key: &str, value: u32, low: u32, high: u32| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            refuse(key, &format!("{value} is not between {low} and {high}"), "see `authbench drill --help`")
        };
        if !scenario::file::is_name(&self.name) {
            return refuse("name", "is not a name", "use 1 to 64 of a-z, 0-9 and -");
        }
        if i64::try_from(self.seed).is_err() {
            return refuse("seed", "is too large", "use a whole number below 2^63");
        }
        if self.backends.is_empty() {
            return refuse("backends", "names no backend", "`authbench list` shows the built-in ones");
        }
        within("replicas", self.replicas, 1, 16)?;
        within("scale.divide", self.scale.divide, 1, 10_000)?;
        if self.scale.lifetime.as_nanos() < SHORTEST_LIFETIME_MS * 1_000_000 {
            return refuse("scale.lifetime", "is too short: tokens expire in steps of a second", "use 3s");
        }
        if !self.scale.lifetime.as_nanos().is_multiple_of(1_000_000_000)
            || !self.scale.other_lifetimes.as_nanos().is_multiple_of(1_000_000_000)
        {
            return refuse("scale", "lifetimes are whole seconds", "use 3s and 60s");
        }
        if let Some(survival) = &self.survival {
            within("survival.trials", survival.trials, 1, 10_000)?;
            within("survival.replays_per_s", survival.replays_per_s, 1, 1000)?;
            within("survival.together", survival.together, 1, 16)?;
            if survival.events.is_empty() || survival.thieves.is_empty() {
                return refuse("survival", "names no event or no thief", "add `events` and `thieves`");
            }
        }
        if let Some(price) = &self.price {
            within("price.refreshes", price.refreshes, 1, 1_000_000)?;
            within("price.thefts", price.thefts, 0, 100_000)?;
        }
        if let Some(resurrection) = &self.resurrection {
            within("resurrection.logouts", resurrection.logouts, 1, 10_000_000)?;
            within("resurrection.writers", resurrection.writers, 1, 64)?;
        }
        if self.survival.is_none() && self.price.is_none() && self.resurrection.is_none() {
            return refuse(
                "survival",
                "there is nothing to drill",
                "add [survival], [price] or [resurrection]",
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
        ] {
            let error = DrillPlan::parse(Path::new("p.toml"), &PLAN.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    }
}
