//! What happens during a run, as values: the command line renders them, nothing here prints.

use serde::{Deserialize, Serialize};

use crate::block::BlockRecord;

/// Something worth telling while a run goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// What the run will take, before anything is started.
    Budget(Budget),
    /// A backend that cannot be measured here; the run goes on without it.
    Skipped(Skipped),
    /// Set-up goes on: one line, e.g. `session-redis: 20000 logins provisioned in 0.3 s`.
    SetUp {
        /// The row it is about; empty for the whole run.
        row: String,
        /// What was done.
        message: String,
    },
    /// What the generator can do at most on this machine, against the built-in responder.
    Ceiling {
        /// Operations per second.
        per_second: f64,
    },
    /// A scenario begins.
    ScenarioStarted {
        /// Its name.
        scenario: String,
        /// Paired rounds, or whole episodes?
        paired: bool,
        /// Rounds planned (1 for episodes).
        rounds: u32,
    },
    /// A block is on disk.
    BlockFinished {
        /// What stands on disk.
        block: Box<BlockRecord>,
        /// How far the run is.
        progress: Progress,
    },
    /// More rounds, because the intervals are still wider than the registered precision.
    RoundsAdded {
        /// Scenario name.
        scenario: String,
        /// Rounds so far.
        from: u32,
        /// Rounds to be.
        to: u32,
        /// Widest half-width so far (ratio minus one).
        half_width: f64,
    },
    /// A row's server or store died: it is not measured any more, the others are.
    RowFailed {
        /// Row name.
        row: String,
        /// What happened, where.
        message: String,
    },
    /// Something that does not end the run but belongs into the report.
    Warning(Warning),
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Blocks and episodes finished.
    pub done: u64,
    /// Blocks and episodes planned, growth not included until it is decided.
    pub total: u64,
    /// Since the start, nanoseconds.
    pub elapsed_ns: u64,
    /// Still to come, nanoseconds, by the plan's own lengths.
    pub remaining_ns: u64,
}

/// Time a plan takes: rows × rounds × (warm + block) for each scenario, the episodes and the set-up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Rows measured, controls included.
    pub rows: u32,
    /// Blocks and episodes.
    pub blocks: u64,
    /// Paired rounds, milliseconds.
    pub paired_ms: u64,
    /// The same if every scenario grows to its last round, milliseconds.
    pub paired_max_ms: u64,
    /// Episodes, milliseconds.
    pub episodes_ms: u64,
    /// Starting, provisioning, pilots and ceiling, milliseconds: an estimate.
    pub set_up_ms: u64,
    /// Blocks that failed their self-checks and are measured again, at most, milliseconds.
    #[serde(default)]
    pub repeats_max_ms: u64,
    /// Thefts once all blocks are measured, milliseconds.
    #[serde(default)]
    pub exposure_ms: u64,
    /// What the plan allows the whole run, milliseconds: repeats end there.
    #[serde(default)]
    pub limit_ms: Option<u64>,
}

impl Budget {
    /// All of it without growth and repeats, milliseconds.
    #[must_use]
    pub fn total_ms(&self) -> u64 {
        self.paired_ms + self.episodes_ms + self.set_up_ms + self.exposure_ms
    }

    /// All of it with every scenario grown to its last round and every void block measured again that may be,
    /// milliseconds.
    #[must_use]
    pub fn total_max_ms(&self) -> u64 {
        let planned_ms = self.paired_max_ms + self.episodes_ms + self.set_up_ms + self.exposure_ms;
        let all_ms = planned_ms + self.repeats_max_ms;
        self.limit_ms.map_or(all_ms, |limit_ms| all_ms.min(limit_ms.max(planned_ms)))
    }
}

/// A row that is not measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Row name.
    pub row: String,
    /// Why, one sentence.
    pub reason: String,
    /// What to do, e.g. the command that installs Redis here.
    pub hint: String,
}

/// A remark that belongs into the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Short stable name, e.g. `shared-core`.
    pub kind: String,
    /// The row it is about; empty for the whole run.
    pub row: String,
    /// One sentence.
    pub message: String,
}
