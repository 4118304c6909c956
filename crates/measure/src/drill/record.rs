//! What a drill records: one line of `drills.jsonl` for each part, schema of [`crate::block`].
//!
//! A folder holds `drill.toml` (the plan, canonical), `environment.json`, `drills.jsonl` and, written last beside its
//! place and renamed, `manifest.json` with the SHA-256 of the others. Every line has `schema`, `sequence` (from 0),
//! `previous` (SHA-256 of the line before; of the plan for the first) and `drill`, which says what else it has:
//!
//! | `drill` | one line for | what it has |
//! |---|---|---|
//! | `budget` | the drill, first | what it was to take, by arithmetic before anything started: [`DrillBudget`] |
//! | `design` | each design | how its times were shortened, what it says of itself: [`DesignRecord`] |
//! | `survival` | event × thief × design | how long what was stolen went on working, with a timeline: [`SurvivalRecord`] |
//! | `expiry` | design × leeway × issuing replica × using replica | age at the last acceptance, clocks apart: [`ExpiryRecord`] |
//! | `restart` | design | what users saw while replicas were restarted one after the other: [`RestartRecord`] |
//! | `price` | design × grace window × habit | what rotation cost an honest owner: [`PriceRecord`] |
//! | `theft` | design × grace window × age of the stolen token | who got a token, and whether it was noticed: [`TheftRecord`] |
//! | `resurrection` | design | logouts undone by a write under way: [`ResurrectionRecord`] |
//! | `failover` | design × store × loss × wait | what was lost with a master of the store: [`FailoverRecord`] |
//! | `took` | the drill, last, if it was carried out | what it did take: [`TookRecord`] |
//!
//! Times are whole nanoseconds. Fields that came later are absent from older lines and read as empty.

use serde::{Deserialize, Serialize};

use super::failover::Deed;
use super::plan::{DrillEvent, Loss, Thief};
use super::scaled::Change;
use super::survival::{Replica, Spread, Timeline};
use crate::store::StoreTopology;

/// What one part of a drill came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "drill", rename_all = "kebab-case")]
pub enum DrillResult {
    /// What the drill was to take.
    Budget(DrillBudget),
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
    /// A master of the store that was lost under load.
    Failover(FailoverRecord),
    /// How old a credential was when it was last accepted.
    Expiry(ExpiryRecord),
    /// What users saw of a rolling restart.
    Restart(RestartRecord),
    /// What the drill did take.
    Took(TookRecord),
}

/// What a drill is to take, by arithmetic before anything starts. Milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillBudget {
    /// Designs that are drilled.
    pub designs: u32,
    /// Cells: event × thief × design.
    pub cells: u32,
    /// Starting servers and stores.
    pub start_ms: u64,
    /// Stolen credentials, ended.
    pub survival_ms: u64,
    /// Ages at the last acceptance.
    pub expiry_ms: u64,
    /// Rolling restarts.
    #[serde(default)]
    pub restart_ms: u64,
    /// Prices of rotation and thefts.
    pub price_ms: u64,
    /// Logouts against writers.
    pub resurrection_ms: u64,
    /// Masters of the store lost under load.
    #[serde(default)]
    pub failover_ms: u64,
}

impl DrillBudget {
    /// All of it, milliseconds.
    #[must_use]
    pub const fn total_ms(&self) -> u64 {
        self.start_ms
            + self.survival_ms
            + self.expiry_ms
            + self.restart_ms
            + self.price_ms
            + self.resurrection_ms
            + self.failover_ms
    }
}

/// What a drill did take. Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TookRecord {
    /// From the first start to the last end, by part as in the budget.
    pub parts: DrillBudget,
    /// Of all.
    pub total_ms: u64,
    /// What the budget said.
    pub budget_ms: u64,
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
    /// Configured life of an access credential before it was shortened, leeway included; absent where the file names none.
    #[serde(default)]
    pub configured_life_ns: Option<u64>,
    /// The same as it was drilled.
    #[serde(default)]
    pub drilled_life_ns: Option<u64>,
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
    /// Drilled with every time as its file has it.
    #[serde(default)]
    pub unscaled: bool,
    /// Trials in which one of the last replays of all was still accepted: their survival is a lower bound.
    #[serde(default)]
    pub still_working: u64,
    /// Subscriptions to the store that were cut off while this cell and those beside it ran.
    #[serde(default)]
    pub subscriptions_cut: u64,
    /// [`Self::bound_ns`] before anything was shortened: what was measured, times this, over that bound, is what the
    /// design does at its own settings.
    #[serde(default)]
    pub unscaled_bound_ns: Option<u64>,
    /// From the theft to the refused refresh, over the trials that noticed two holders.
    #[serde(default)]
    pub noticed_ns: Spread,
    /// Replays around the acknowledged end.
    #[serde(default)]
    pub timeline: Timeline,
    /// CPU of servers and store over what the CPUs they may use have, while this cell and those beside it ran; absent
    /// where their processes are not ours to read.
    #[serde(default)]
    pub server_load: Option<f64>,
}

/// How old credentials were when they were last accepted: one design × one leeway × one pair of replicas. A credential is
/// made by one replica and used at another, whose clocks are set apart. Ages are by the clock of the generator, from the
/// answer to the login to the send of the last accepted use. Nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpiryRecord {
    /// Row name.
    pub backend: String,
    /// Configured lifetime, leeway apart.
    pub lifetime_ns: u64,
    /// Leeway in force: added to the lifetime by whoever checks it.
    pub leeway_ns: u64,
    /// Offset of the clock of the replica that made the credentials.
    pub issuer_offset_ns: i64,
    /// Offset of the clock of the replica that was asked.
    pub verifier_offset_ns: i64,
    /// Credentials.
    pub trials: u64,
    /// Of these, accepted at least once.
    pub ever_accepted: u64,
    /// Age at the last acceptance less the configured lifetime, over the credentials that were accepted.
    pub beyond_ns: SignedSpread,
    /// The most that follows from leeway and clocks: `leeway + issuer offset - verifier offset`. A design whose store
    /// forgets by a clock of its own stays below that.
    pub expected_ns: i64,
    /// Between two uses: nothing is known more finely.
    pub resolution_ns: u64,
    /// Still accepted when the drill gave up on it.
    pub unending: u64,
}

impl ExpiryRecord {
    /// Whether one was accepted for longer than its lifetime, leeway and the clocks explain.
    #[must_use]
    pub const fn too_long(&self) -> bool {
        self.ever_accepted > 0 && self.beyond_ns.max > self.expected_ns
    }
}

/// How a quantity with a sign is spread: nearest-rank quantiles, exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedSpread {
    /// Smallest.
    pub min: i64,
    /// Median.
    pub p50: i64,
    /// Largest.
    pub max: i64,
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
    /// Presented while the grace window was still open, as a thief who is quick does; otherwise after it.
    #[serde(default)]
    pub within_grace: bool,
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

/// A master of the store that was lost under load. Times are nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailoverRecord {
    /// Row name.
    pub backend: String,
    /// How several Redis servers were one store.
    pub topology: StoreTopology,
    /// How the master was lost.
    pub loss: Loss,
    /// Replicas that a write waited for before it was acknowledged.
    pub wait: u32,
    /// A master that does not answer for so long is replaced.
    pub node_timeout_ns: u64,
    /// It was cut off from its replicas so long before; 0 = it was not.
    pub cut_ns: u64,
    /// Operations per second.
    pub rate_per_s: u32,
    /// The load went on for so long after the loss.
    pub after_ns: u64,
    /// Longest wait of a request for the store, as the server was told.
    pub deadline_ns: u64,
    /// By operation, from the loss on.
    pub tallies: Vec<FailoverTally>,
    /// Operations that failed before anything was done to the store.
    pub failed_before: u64,
    /// From the loss to the due time of the last operation without an answer or with an error; absent: there were such to
    /// the end.
    pub recovered_ns: Option<u64>,
    /// Longest wait for an answer, from the due time of an operation.
    pub longest_ns: u64,
    /// Logins that were acknowledged and are in force; of these, refused afterwards.
    pub logins: u64,
    /// Those that were lost.
    pub logins_lost: u64,
    /// Logouts that were acknowledged.
    pub logouts: u64,
    /// Credentials that were let in although the end of their login had been acknowledged.
    pub logouts_lost: u64,
    /// Credentials of which nothing certain was learnt.
    pub unsure: u64,
    /// Requests of a login in force that were refused under load.
    pub refused_in_force: u64,
    /// Why nothing can be concluded; absent where something can.
    pub void: Option<String>,
}

impl FailoverRecord {
    /// What it is called in a sentence.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} on a {}, {}, wait {}", self.backend, self.topology.name(), self.loss.name(), self.wait)
    }

    /// What must not happen: an operation without any answer, or a loss of what replicas were waited for. What is lost
    /// without waiting is what asynchronous replication promises.
    #[must_use]
    pub fn violation(&self) -> Option<String> {
        let unanswered: u64 = self.tallies.iter().map(|tally| tally.unanswered).sum();
        let (logins, logouts) = (self.logins_lost, self.logouts_lost);
        match self.void {
            Some(_) => None,
            None if self.wait > 0 && logins + logouts > 0 => Some(format!(
                "{}: {logouts} logouts and {logins} logins were lost although {} replica had each",
                self.title(),
                self.wait
            )),
            None if unanswered > 0 => {
                Some(format!("{}: {unanswered} operations got no answer", self.title()))
            }
            None => None,
        }
    }

    /// Operations from the loss on that were not answered or with an error, and all of them.
    #[must_use]
    pub fn unserved(&self) -> (u64, u64) {
        self.tallies.iter().fold((0, 0), |(lost, sent), tally| {
            (lost + tally.unavailable + tally.unanswered, sent + tally.sent)
        })
    }
}

/// How one operation was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverTally {
    /// Which.
    pub operation: Deed,
    /// Sent.
    pub sent: u64,
    /// Granted: 2xx.
    pub granted: u64,
    /// Refused: 3xx and 4xx.
    pub refused: u64,
    /// Answered with an error: 5xx.
    pub unavailable: u64,
    /// Not answered.
    pub unanswered: u64,
}

/// What users saw while every replica was restarted, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartRecord {
    /// Row name.
    pub backend: String,
    /// Users who were logged in.
    pub users: u64,
    /// Requests per second of all of them, on schedule.
    pub rate: u32,
    /// How long each replica was away, from the order to end until it answered again, nanoseconds.
    pub away_ns: Vec<u64>,
    /// Before the first restart.
    pub before: Seen,
    /// From the first order to the last replica that answered again.
    pub during: Seen,
    /// After that.
    pub after: Seen,
    /// Users whom some replica refused once all was over: they had to log in again.
    pub logged_out: u64,
}

/// What came back for requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Requests, by when they were due.
    pub requests: u64,
    /// Let in.
    pub accepted: u64,
    /// Refused as not logged in.
    pub refused: u64,
    /// Any other answer: a server that could not.
    pub unavailable: u64,
    /// Whose first replica took no connection, or broke it off, so that the next one was asked.
    pub passed_over: u64,
    /// That the next one did not answer either.
    pub failed: u64,
}
