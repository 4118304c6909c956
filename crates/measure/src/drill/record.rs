//! What a drill leaves on disk: a folder with the plan, the results, each with the hash of the one before, and a manifest.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::plan::{DrillEvent, DrillPlan, Thief};
use super::scaled::Change;
use super::survival::{Replica, Spread};
use crate::error::Error;
use crate::ledger::{Ledger, LedgerWriter, Line, Names};
use crate::recording::Ended;

/// Files of the folder.
pub(super) const NAMES: Names = Names { plan: "drill.toml", results: "drills.jsonl" };

/// One line of `drills.jsonl`.
pub type DrillLine = Line<DrillResult>;

/// Writes a drill's folder.
pub(super) type DrillWriter = LedgerWriter<DrillResult>;

/// What one part of a drill came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "drill", rename_all = "kebab-case")]
pub enum DrillResult {
    /// A design, as it was drilled.
    Design(DesignRecord),
    /// How long a stolen credential went on working.
    Survival(SurvivalRecord),
    /// What rotation of refresh tokens cost an honest owner.
    Price(PriceRecord),
    /// A stolen refresh token presented some generations behind.
    Theft(TheftRecord),
    /// Logouts that raced slow writers.
    Resurrection(ResurrectionRecord),
}

/// A design, as it was drilled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DesignRecord {
    /// Row name.
    pub backend: String,
    /// One line about it.
    pub summary: String,
    /// SHA-256 (hex) of its file.
    pub backend_sha256: String,
    /// Times that were shortened.
    pub changes: Vec<Change>,
    /// What its server says of itself: the four choices, algorithm, lifetimes in force.
    pub describe: serde_json::Value,
}

/// How long a stolen credential went on working: one event × one thief × one design. Times are nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SurvivalRecord {
    /// Row name.
    pub backend: String,
    /// What ended the credential.
    pub event: DrillEvent,
    /// What was stolen.
    pub thief: Thief,
    /// Trials.
    pub trials: u64,
    /// Trials whose credential was ended, or was said to be: the others have no survival.
    pub ended: u64,
    /// Trials in which the design answered that it cannot (501): the owner had been told, so the clock runs.
    pub cannot: u64,
    /// Replays sent before the end, and of these accepted.
    pub sent_before: u64,
    /// Accepted ones.
    pub accepted_before: u64,
    /// Replays sent after the acknowledged end.
    pub sent_after: u64,
    /// Accepted ones: what the thief got.
    pub accepted_after: u64,
    /// From the acknowledgement to the send of the last accepted replay, over trials; 0 where none was.
    pub survival_ns: Spread,
    /// The same by replica.
    pub by_replica: Vec<Replica>,
    /// Trials in which the design noticed two holders: a refresh was refused before anything had been ended.
    pub alarms: u64,
    /// Trials in which it was the owner who was refused, and had to log in again.
    pub forced_logouts: u64,
    /// Between two replays of one token at one replica: no survival is known more finely.
    pub resolution_ns: u64,
    /// How late replays were sent.
    pub lateness_ns: Spread,
    /// Configured life of an access credential, leeway included.
    pub lifetime_ns: u64,
    /// The longest that the design declares; absent = no end is promised.
    pub bound_ns: Option<u64>,
    /// No accepted replay beyond that.
    pub within: bool,
    /// Why nothing can be concluded; absent where something can.
    pub void: Option<String>,
}

/// What rotation of refresh tokens cost an honest owner: one habit × one grace window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriceRecord {
    /// Row name.
    pub backend: String,
    /// Grace window in force, nanoseconds.
    pub grace_ns: u64,
    /// `two-tabs`: two requests with the same token at the same time. `lost-response`: the answer to a refresh is lost, and
    /// the client tries again with the token it still has. `plain`: one after the other.
    pub habit: String,
    /// Between the lost answer and the second attempt, nanoseconds; 0 for the other habits.
    pub retry_after_ns: u64,
    /// Refreshes that were made.
    pub refreshes: u64,
    /// Attempts that were refused.
    pub refused: u64,
    /// Refreshes after which no party held a token that works: the owner had to log in again.
    pub forced_logouts: u64,
}

impl PriceRecord {
    /// Forced logouts per 1,000 refreshes.
    #[must_use]
    pub fn per_thousand(&self) -> f64 {
        if self.refreshes == 0 { 0.0 } else { self.forced_logouts as f64 * 1000.0 / self.refreshes as f64 }
    }
}

/// A stolen refresh token presented some generations behind the owner's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TheftRecord {
    /// Row name.
    pub backend: String,
    /// Grace window in force, nanoseconds.
    pub grace_ns: u64,
    /// How often the owner had exchanged it since.
    pub generations: u32,
    /// Thefts.
    pub thefts: u64,
    /// The thief was handed a working token.
    pub granted: u64,
    /// The family was ended by it: the owner's next refresh was refused.
    pub alarms: u64,
}

/// Logouts that raced slow writers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResurrectionRecord {
    /// Row name.
    pub backend: String,
    /// Logouts that were acknowledged.
    pub logouts: u64,
    /// Logouts that were not.
    pub refused: u64,
    /// Writes under way when each was sent.
    pub writers: u32,
    /// Writes that were granted, before or after.
    pub writes: u64,
    /// Modelled distance of the store, nanoseconds.
    pub store_rtt_ns: u64,
    /// Credentials that were let in, on any replica, once the logout and every write had been answered.
    pub revived: u64,
}

/// A drill's folder, read and verified.
#[derive(Debug, Clone)]
pub struct DrillRecording {
    /// Its plan.
    pub plan: DrillPlan,
    /// Its results, in the order they were found.
    pub results: Vec<DrillResult>,
    /// How it ended; absent: it was cut off, and its lines are usable.
    pub ended: Option<Ended>,
}

impl DrillRecording {
    /// Reads the folder.
    ///
    /// # Errors
    ///
    /// When a file is missing, was changed, or was written by a newer version of this tool.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let Ledger { plan: (path, text), results, ended, .. } = Ledger::open(NAMES, directory)?;
        Ok(Self { plan: DrillPlan::parse(&path, &text)?, results, ended })
    }
}
