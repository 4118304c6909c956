//! What a fault plan leaves on disk: one line for each design and fault.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::{FaultKind, FaultPlan};
use super::schedule::FaultOperation;
use crate::environment::Environment;
use crate::error::Error;
use crate::event::Skipped;
use crate::ledger::{Ledger, LedgerWriter, Names};
use crate::recording::{Ended, sha256_hex};
use scenario::backend::Promises;

/// Files of the folder.
pub(super) const NAMES: Names = Names { plan: PLAN, results: "faults.jsonl" };
/// The plan in force; a folder with it holds a fault recording.
const PLAN: &str = "faults.toml";

/// Writes the folder.
pub(super) type FaultWriter = LedgerWriter<FaultResult>;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum FaultResult {
    /// A design, before its first fault.
    Design(FaultDesign),
    /// A design that could not be run here.
    Skipped(Skipped),
    /// What came of a fault.
    Fault(Box<FaultRecord>),
    /// What came of logins by force.
    Flood(Box<FloodRecord>),
}

/// A design that meets faults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultDesign {
    /// Row name.
    pub backend: String,
    /// One line about it.
    pub summary: String,
    /// SHA-256 (hex) of its file.
    pub backend_sha256: String,
    /// What it declares.
    pub promises: Promises,
    /// Whether it has a shared store, which faults can happen to.
    pub shared_store: bool,
}

/// Answers to one kind of operation, by piece of the timeline of the intended starts. An answer that never came up is
/// absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Timeline {
    /// Granted (2xx).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ok: Vec<u32>,
    /// Refused for what was presented (400, 401, 403).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<u32>,
    /// 503.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unavailable: Vec<u32>,
    /// Anything else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<u32>,
    /// No answer: the connection was refused or broken off, or nothing came within [`PATIENCE_NS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub none: Vec<u32>,
}

/// How long an answer is waited for, nanoseconds: eight times the default deadline.
pub const PATIENCE_NS: u64 = 2_000_000_000;
/// How much longer than its deadline an answer may take, nanoseconds.
pub const TOLERANCE_NS: u64 = 50_000_000;

/// The longest wait for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongestWait {
    /// For what.
    pub operation: FaultOperation,
    /// From the send, nanoseconds.
    pub service_ns: u64,
    /// Whether an answer came.
    pub answered: bool,
}

/// How a design answered while its store was down, against what it declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreDownCheck {
    /// Requests and writes that fell due once everything that may be believed without the store had run out.
    pub judged: u64,
    /// Of the requests: let in, refused, 503, anything else or no answer.
    pub requests: [u64; 4],
    /// Of the writes, in the same order.
    pub writes: [u64; 4],
    /// What contradicts the declaration; absent where nothing does.
    pub contradiction: Option<String>,
}

/// What came of one fault in one design. Times are nanoseconds; those named `at` count from the start of the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// Row name.
    pub backend: String,
    /// What went wrong.
    pub fault: FaultKind,
    /// Server processes.
    pub replicas: u32,
    /// The fault began.
    pub began_at_ns: u64,
    /// It was over.
    pub lifted_at_ns: u64,
    /// The last operation fell due by then.
    pub length_ns: u64,
    /// Width of a piece of the timelines.
    pub bucket_ns: u64,
    /// What each operation was answered over time.
    pub timelines: BTreeMap<FaultOperation, Timeline>,
    /// Deadline of a request that the servers were started with.
    pub deadline_ns: u64,
    /// Answers that came later than that and [`TOLERANCE_NS`], from the send, or not at all for so long.
    pub late: u64,
    /// Operations without an answer, though the server that was asked ran all the time.
    pub unanswered: u64,
    /// The longest wait.
    pub longest: Option<LongestWait>,
    /// 503 answers, and those of them without Retry-After.
    pub shed: u64,
    /// 503 answers without Retry-After.
    pub shed_without_retry_after: u64,
    /// Answers 5xx other than 501 and 503: the server failed.
    pub server_errors: u64,
    /// `GET /me` named somebody else.
    pub strangers: u64,
    /// Uses of ended logins that were let in although the declared lag had passed.
    pub wrong_accepts: u64,
    /// Uses of ended logins that were let in within what is declared.
    pub declared_accepts: u64,
    /// Uses of ended logins.
    pub replays: u64,
    /// Longest time from an acknowledged end to the send of a use that was wrongly let in.
    pub wrong_for_ns: u64,
    /// Ended logins were still let in after the fault was over.
    pub wrong_after: bool,
    /// Credentials that were never handed out and were let in.
    pub forged_accepts: u64,
    /// Uses of credentials that were never handed out; absent where a design looks at none.
    pub forgeries: Option<u64>,
    /// Valid logins, passwords or renewals that were refused, and how many were presented.
    pub wrong_rejects: u64,
    /// Operations of users with a valid login or password.
    pub presented: u64,
    /// Users whose login was refused at their last attempt.
    pub lost_logins: u64,
    /// Users who were logged in throughout.
    pub subjects: u64,
    /// From the end of the fault to the end of the last request that was not served; absent: not before the end.
    pub recovery_ns: Option<u64>,
    /// While the store was down, where this fault is that.
    pub store_down: Option<StoreDownCheck>,
    /// Some server said that its store had lost data.
    pub loss_reported: bool,
    /// Keys that the store dropped for want of memory, where it runs as long as the load.
    pub evicted_keys: Option<u64>,
    /// Processes that ended by themselves, in words.
    pub died: Vec<String>,
    /// Panics in the servers' own words.
    pub panics: Vec<String>,
    /// How late operations were sent, 99th percentile.
    pub lateness_p99_ns: u64,
    /// Why nothing can be concluded; absent where something can.
    pub void: Option<String>,
}

/// What came of logins by force. Times are nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FloodRecord {
    /// The same as of any fault, with one server.
    #[serde(flatten)]
    pub fault: FaultRecord,
    /// Requests before the flood.
    pub before: Percentiles,
    /// Requests during the flood.
    pub during: Percentiles,
    /// Logins that were granted during it.
    pub granted: Percentiles,
    /// Logins that were shed during it (503): how long that took.
    pub shed_logins: Percentiles,
    /// CPU time of the server while before it, and during it, as a share of one CPU.
    pub cpu_before: f64,
    /// During the flood.
    pub cpu_during: f64,
}

/// Some times, in nanoseconds; zeros where there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// How many.
    pub count: u64,
    /// Median.
    pub p50_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// How many times longer the p99 of requests may be during a flood.
pub const FLOOD_FACTOR: f64 = 2.0;

impl FloodRecord {
    /// p99 of requests during the flood over that before it; absent without requests.
    #[must_use]
    pub fn p99_ratio(&self) -> Option<f64> {
        (self.before.p99_ns > 0).then(|| self.during.p99_ns as f64 / self.before.p99_ns as f64)
    }
}

impl FaultRecord {
    /// What is against the design's declarations, or against what holds for every server; one sentence each, without the
    /// design's name. None for one that shows nothing.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.void.is_some() {
            return found;
        }
        let mut say = |happened: bool, sentence: String| {
            if happened {
                found.push(sentence);
            }
        };
        let limit_ms = (self.deadline_ns + TOLERANCE_NS) / 1_000_000;
        let longest_ms = self.longest.map_or(0, |longest| longest.service_ns / 1_000_000);
        say(self.late > 0, format!("{} waits longer than {limit_ms} ms, up to {longest_ms} ms", self.late));
        say(self.unanswered > 0, format!("{} without any answer", self.unanswered));
        say(
            self.shed_without_retry_after > 0,
            format!("{} times 503 without Retry-After", self.shed_without_retry_after),
        );
        say(self.server_errors > 0, format!("{} answers say that the server failed", self.server_errors));
        say(self.strangers > 0, format!("{} answers named somebody else", self.strangers));
        say(self.forged_accepts > 0, format!("{} forged credentials were let in", self.forged_accepts));
        // Who loses what was written cannot keep a login ended, but can say so.
        let silent = !(self.fault.loses_data() && self.loss_reported);
        say(
            self.wrong_accepts > 0 && silent,
            format!(
                "{} uses of ended logins were let in, {} what is declared",
                self.wrong_accepts,
                if self.fault.loses_data() { "unreported and against" } else { "against" }
            ),
        );
        if let Some(contradiction) = self.store_down.as_ref().and_then(|check| check.contradiction.clone()) {
            say(true, contradiction);
        }
        say(!self.died.is_empty(), self.died.join("; "));
        say(!self.panics.is_empty(), format!("panicked: {}", self.panics.join("; ")));
        found
    }
}

impl FaultResult {
    /// The facts about a fault, floods included.
    #[must_use]
    pub fn record(&self) -> Option<&FaultRecord> {
        match self {
            Self::Fault(record) => Some(record),
            Self::Flood(flood) => Some(&flood.fault),
            Self::Design(_) | Self::Skipped(_) => None,
        }
    }

    /// What is against a declaration, one sentence each, with design and fault.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.record().map_or_else(Vec::new, |record| {
            let place = format!("{}, {}", record.backend, record.fault.name());
            record.violations().into_iter().map(|sentence| format!("{place}: {sentence}")).collect()
        })
    }

    /// Why it shows nothing, with design and fault, if it does not.
    #[must_use]
    pub fn void(&self) -> Option<String> {
        let record = self.record()?;
        let why = record.void.as_ref()?;
        Some(format!("{}, {}: {why}", record.backend, record.fault.name()))
    }
}

/// A fault plan's folder, read and verified.
#[derive(Debug, Clone)]
pub struct FaultRecording {
    /// Its plan.
    pub plan: FaultPlan,
    /// SHA-256 (hex) of the plan's text.
    pub plan_sha256: String,
    /// Its results, in the order they were found.
    pub results: Vec<FaultResult>,
    /// The machine.
    pub environment: Option<Environment>,
    /// How it ended; absent: it was cut off, and its lines are usable.
    pub ended: Option<Ended>,
    /// SHA-256 (hex) of the last line, which holds all before it.
    pub sha256: String,
}

impl FaultRecording {
    /// Whether a folder holds one.
    #[must_use]
    pub fn is_in(directory: &Path) -> bool {
        directory.join(PLAN).is_file()
    }

    /// Reads the folder.
    ///
    /// # Errors
    ///
    /// When a file is missing, was changed, or was written by a newer version of this tool.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let Ledger { plan: (path, text), results, environment, ended, sha256 } =
            Ledger::open(NAMES, directory)?;
        let plan_sha256 = sha256_hex(text.as_bytes());
        Ok(Self { plan: FaultPlan::parse(&path, &text)?, plan_sha256, results, environment, ended, sha256 })
    }
}
