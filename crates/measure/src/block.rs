//! One line of `blocks.jsonl`: everything measured in one backend's slice of a round.

use std::collections::BTreeMap;

use scenario::Operation;
use serde::{Deserialize, Serialize};

/// Version of the recording's schema. Readers accept this and older ones.
pub const SCHEMA: u32 = 3;

/// One finished block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockRecord {
    /// [`SCHEMA`] of the writer.
    pub schema: u32,
    /// Position in the recording, from 0.
    pub sequence: u64,
    /// SHA-256 (hex) of the line before; of the plan's bytes for the first.
    pub previous: String,
    /// Scenario name.
    pub scenario: String,
    /// Row name: the backend's, or `NAME.twin`, `NAME.plus10` for controls.
    pub backend: String,
    /// Round, from 0.
    pub round: u32,
    /// Which of the row's blocks in the round, from 0.
    #[serde(default)]
    pub visit: u32,
    /// Position within the round's random order, from 0; visits follow each other.
    pub position: u32,
    /// How often everything had been restarted before it.
    pub restart: u32,
    /// Modelled distance of the store in this pass, microseconds per round trip; 0 = as it is. Passes at different
    /// distances are never paired with each other.
    #[serde(default)]
    pub store_rtt_us: u64,
    /// Warm-up, whole episode or paired block.
    pub kind: BlockKind,
    /// Start of the measured part, nanoseconds of Unix time.
    pub started_unix_ns: u64,
    /// Length of the measured part, nanoseconds.
    pub measured_ns: u64,
    /// Scheduled operations per second in the measured part; absent in closed loop.
    pub offered_rate: Option<f64>,
    /// Answered operations per second.
    pub achieved_rate: f64,
    /// Judged outcomes, by operation.
    pub outcomes: BTreeMap<Operation, BTreeMap<Outcome, u64>>,
    /// The same by the replica that was asked, all operations together; empty where there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_replica: Vec<BTreeMap<Outcome, u64>>,
    /// Response time (from intended start) by operation, nanoseconds.
    pub response_ns: BTreeMap<Operation, Quantiles>,
    /// Service time (from send) by operation, nanoseconds.
    pub service_ns: BTreeMap<Operation, Quantiles>,
    /// Actual minus intended send, nanoseconds; absent in closed loop.
    pub send_lag_ns: Option<Quantiles>,
    /// The server process(es), summed over replicas.
    pub server: ProcessCost,
    /// The store, where the backend has one.
    pub store: Option<StoreCost>,
    /// Bytes between generator and server, both directions.
    pub wire: WireCost,
    /// The generator itself.
    pub generator: GeneratorCost,
    /// Share of CPU time stolen by the hypervisor during the block, 0 to 1.
    pub steal: f64,
    /// Time in which some task waited for a CPU, as a share of the block (PSI `some`); absent where the kernel does not
    /// tell.
    #[serde(default)]
    pub cpu_pressure: Option<f64>,
    /// Longest and total overrun past a revocation, by what ended the credential.
    pub exposure: Vec<Exposure>,
    /// Whether the block may be used, and if not, why.
    pub validity: Validity,
}

impl BlockRecord {
    /// The operation that most of the block's answers belong to: response times are compared on it.
    #[must_use]
    pub fn main_operation(&self) -> Option<Operation> {
        let largest = self.response_ns.iter().max_by_key(|(_, quantiles)| quantiles.count);
        largest.map(|(operation, _)| *operation)
    }

    /// Operations answered in the measured part.
    #[must_use]
    pub fn answered(&self) -> f64 {
        self.achieved_rate * self.measured_ns as f64 / 1e9
    }

    /// CPU of server and store per answered operation, nanoseconds.
    #[must_use]
    pub fn cpu_ns_per_operation(&self) -> Option<f64> {
        let store = self.store.as_ref().map_or(0, |store| store.cpu_ns);
        let answered = self.answered();
        (answered > 0.0).then(|| (self.server.cpu_ns + store) as f64 / answered)
    }

    /// Answers that break what the backend promises.
    #[must_use]
    pub fn wrong_answers(&self) -> u64 {
        let wrong = |counts: &BTreeMap<Outcome, u64>| {
            counts.iter().filter(|(outcome, _)| outcome.is_wrong()).map(|(_, count)| count).sum::<u64>()
        };
        self.outcomes.values().map(wrong).sum()
    }
}

/// How a block is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// Paired with the others of its round.
    Paired,
    /// A whole episode: descriptive, unranked.
    Episode,
    /// A pilot that sets the warm-up.
    Pilot,
}

/// A judged answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Let in, as it should be, and the right subject.
    Ok,
    /// Refused, as it should be.
    RejectedAsExpected,
    /// Let in after the credential was ended, within what the backend declares: the design's price.
    AcceptedAsDeclared,
    /// Refused by a replica that did not issue the credential, where the backend declares that only the issuer knows it: the
    /// design's price.
    RejectedAsDeclared,
    /// Let in after the credential was ended, against what the backend declares.
    WronglyAccepted,
    /// Refused although nothing was against it.
    WronglyRejected,
    /// Let in as somebody else.
    WrongSubject,
    /// 503 with a full queue or an unreadable store.
    Unavailable,
    /// Any other 5xx.
    ServerError,
    /// An answer outside the contract.
    Unexpected,
    /// No complete answer before the deadline.
    TimedOut,
    /// The connection failed or was closed.
    ConnectionFailed,
    /// HTTP framing broken, or longer than the bound.
    Malformed,
    /// Could not be sent: an earlier login or refresh failed.
    NothingHeld,
}

impl Outcome {
    /// All, in the order of their discriminants.
    pub const ALL: [Self; 14] = [
        Self::Ok,
        Self::RejectedAsExpected,
        Self::AcceptedAsDeclared,
        Self::RejectedAsDeclared,
        Self::WronglyAccepted,
        Self::WronglyRejected,
        Self::WrongSubject,
        Self::Unavailable,
        Self::ServerError,
        Self::Unexpected,
        Self::TimedOut,
        Self::ConnectionFailed,
        Self::Malformed,
        Self::NothingHeld,
    ];

    /// Does it break what the backend promises about who is let in? Such a backend is not ranked.
    #[must_use]
    pub const fn is_wrong(self) -> bool {
        matches!(self, Self::WronglyAccepted | Self::WronglyRejected | Self::WrongSubject)
    }

    /// Is it an answer that the contract and the backend's promises allow?
    #[must_use]
    pub const fn is_right(self) -> bool {
        matches!(
            self,
            Self::Ok | Self::RejectedAsExpected | Self::AcceptedAsDeclared | Self::RejectedAsDeclared
        )
    }
}

/// Quantiles of one histogram; the histogram itself stands in the `.hlog`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named after the quantiles")]
pub struct Quantiles {
    pub count: u64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
}

/// What a process used during the measured part.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ProcessCost {
    /// CPU, nanoseconds (process CPU clock).
    pub cpu_ns: u64,
    /// Proportional set size at the end, bytes.
    pub pss_bytes: u64,
    /// Peak resident size since the server became ready, bytes.
    pub peak_bytes: u64,
    /// Voluntary context switches.
    pub voluntary_switches: u64,
    /// Involuntary context switches.
    pub involuntary_switches: u64,
}

/// What the store used during the measured part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoreCost {
    /// CPU, nanoseconds; process clock for a private server, `INFO` otherwise.
    pub cpu_ns: u64,
    /// Commands processed, `INFO`'s own subtracted.
    pub commands: u64,
    /// Bytes received by the store.
    pub bytes_in: u64,
    /// Bytes sent by the store.
    pub bytes_out: u64,
    /// `used_memory_dataset` at the end, bytes.
    pub dataset_bytes: u64,
    /// `evicted_keys` so far: anything but 0 voids the block.
    pub evicted_keys: u64,
    /// Another client may have disturbed these figures (`--redis`).
    pub shared: bool,
}

/// Bytes of HTTP as seen by the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WireCost {
    /// To the server.
    pub sent_bytes: u64,
    /// From the server.
    pub received_bytes: u64,
}

/// What the generator itself used.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct GeneratorCost {
    /// CPU of the generator thread, nanoseconds, final spin included.
    pub cpu_ns: u64,
    /// Of which final spin.
    pub spin_ns: u64,
    /// Whether the generator's thread had a real-time priority; absent in older recordings: no.
    #[serde(default)]
    pub real_time: bool,
    /// Operations in flight, mean over samples taken on their own clock; absent in closed loop.
    pub in_flight_mean: Option<f64>,
}

/// A credential that went on working after an acknowledged end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// What should have ended it.
    pub by: loadgen::Ending,
    /// Requests sent after the acknowledgement.
    pub sent_after: u64,
    /// Of these, accepted.
    pub accepted: u64,
    /// Longest time from acknowledgement to the *send* of an accepted request, nanoseconds.
    pub longest_ns: u64,
}

/// Validity certificate of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    /// May the CPU figures be used?
    pub valid: bool,
    /// May the response times be used as well? (False with too much send lag.)
    pub response_times: bool,
    /// Why not, one sentence each; empty when both hold.
    pub reasons: Vec<String>,
}
