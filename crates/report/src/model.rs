//! The report as data: what `report.json` holds and what every other format draws.
//!
//! Invariant: exporters read nothing but a [`Report`], and a number that a format shows stands in here first.
//! Durations are nanoseconds, sizes bytes, shares 0 to 1, ratios plain; the unit is the end of the field's name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::claims::{ClaimOutcome, ClaimResult};
use crate::controls::{ControlResult, RunState};
use crate::cost::Cost;
use crate::faults::FaultReport;
use crate::metric::Metric;
use crate::verdict::Verdict;

mod capacity;
mod conformance;
mod drill;
mod episode;
mod figure;
mod memory;
mod row;
mod scenario;
mod sentence;

pub use capacity::{Capacity, CapacityPoint, CapacityRow};
pub use conformance::{Conformance, ConformanceRow, Exchange, Statement, StatementResult, StatementVerdict};
pub use drill::{Drill, DrillCell, DrillSteps, DrillTimeline};
pub use episode::{Episode, EpisodeRow, ExposureFigures, OperationFigures};
pub use figure::Figure;
pub use memory::{Memory, MemoryAfter, MemoryFill, MemoryLine, MemoryPoint, MemoryRow};
pub use row::Row;
pub use scenario::{Block, Comparison, Curve, QuantileRatio, RowFigures, Scenario, VoidReason, memory_words};
pub use sentence::{Part, Sentence};

/// Version of the schema of `report.json`.
pub const SCHEMA: &str = "authbench.report/v1";

/// Everything a report says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The question the run answers.
    pub question: String,
    /// The answer: three sentences, with intervals.
    pub answer: Vec<Sentence>,
    /// Which run this is.
    pub run: Run,
    /// How far the run may be believed.
    pub validity: Validity,
    /// Every row of the tables: backends and controls, in the plan's order.
    pub rows: Vec<Row>,
    /// Scenarios measured in paired rounds.
    pub scenarios: Vec<Scenario>,
    /// Scenarios run once, whole: described, not ranked.
    pub episodes: Vec<Episode>,
    /// Wrong answers against what a backend declares. Not empty = red, first, and no rank.
    pub wrong: Vec<WrongAnswers>,
    /// Backends of the plan that did not run.
    pub skipped: Vec<Skipped>,
    /// What a reader must know before believing a figure.
    pub warnings: Vec<Warning>,
    /// Executable sentences and their results.
    pub claims: Vec<ClaimResult>,
    /// What each row costs in money, where a price sheet was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// How much one server carries, where that was searched for beside the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// What logins take in memory, where that was measured beside the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// What each design answers while something fails, where that was recorded beside the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<FaultReport>,
    /// What security demands and what holds of it, where that was checked beside the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conformance: Option<Conformance>,
    /// Exposure against cost, where thefts were measured beside the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<crate::sweep::Sweep>,
    /// How long stolen credentials went on working in drills, where one lies beside the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<Drill>,
    /// What the numbers do and do not mean.
    pub notes: Vec<Note>,
    /// Machine, build and settings, by group.
    pub environment: BTreeMap<String, BTreeMap<String, String>>,
}

/// Which run a report is about.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Run {
    /// Plan's name.
    pub plan: String,
    /// SHA-256 (hex) of the plan as registered before the data.
    pub plan_sha256: String,
    /// SHA-256 (hex) of the data the report was built from.
    pub data_sha256: String,
    /// Seed of everything random.
    pub seed: u64,
    /// The row every other is compared with.
    pub baseline: String,
    /// The row without authentication, when it ran: the floor that added cost is counted from.
    pub floor: Option<String>,
    /// Family-wise error rate.
    pub alpha: f64,
    /// Equivalence margin as a ratio minus one.
    pub margin: f64,
    /// How often everything was restarted.
    pub restarts: u32,
    /// Finished, or cut off with its finished blocks.
    pub complete: bool,
    /// Start of the first block, RFC 3339 UTC.
    pub started: String,
    /// Seconds from the start of the first block to the end of the last.
    pub seconds: f64,
    /// Blocks measured, and of these, used for response times.
    pub blocks: u64,
    /// Blocks whose response times were used.
    pub blocks_used: u64,
    /// Version of the tool that wrote the report.
    pub tool: String,
}

/// How far a run may be believed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Validity {
    /// The state.
    pub status: RunState,
    /// One sentence for the badge.
    pub sentence: Sentence,
    /// Why it is not `ok`, one sentence each.
    pub reasons: Vec<String>,
    /// Remarks that change no verdict, one sentence each.
    pub cautions: Vec<String>,
    /// What came of each control.
    pub controls: Vec<Control>,
}

/// What came of one control on one metric of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Control {
    /// Scenario.
    pub scenario: String,
    /// Row.
    pub row: String,
    /// On what.
    pub metric: Metric,
    /// Control divided by baseline.
    pub ratio: Option<Figure>,
    /// The ratio it should have.
    pub expected: f64,
    /// The least it may have: added work may miss what the sleeps it spared can have cost. Otherwise the same.
    pub expected_least: f64,
    /// Its verdict by the rules that the backends are held to.
    pub verdict: Verdict,
    /// What follows.
    pub result: ControlResult,
}

impl RunState {
    /// Short word for the badge.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ok => "valid",
            Self::Uncontrolled => "no controls",
            Self::LowResolution => "low resolution",
            Self::Unreliable => "unreliable",
        }
    }

    /// Mark for the badge, so that colour never carries it alone.
    #[must_use]
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Ok => "✓",
            Self::Uncontrolled => "○",
            Self::LowResolution => "△",
            Self::Unreliable => "✗",
        }
    }
}

/// Wrong answers of one row that its backend does not declare.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WrongAnswers {
    /// Scenario.
    pub scenario: String,
    /// Row.
    pub row: String,
    /// Operation, kebab-case.
    pub operation: String,
    /// What was wrong, kebab-case: `wrongly-accepted`, `wrongly-rejected`, `wrong-subject`, …
    pub outcome: String,
    /// How many.
    pub count: u64,
    /// Out of how many answers to this operation.
    pub of: u64,
}

/// A backend of the plan that did not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Skipped {
    /// Backend.
    pub backend: String,
    /// Why.
    pub reason: String,
    /// What to do, e.g. the install line.
    pub advice: String,
}

/// A data-quality warning with its advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Warning {
    /// What is the matter.
    pub text: String,
    /// What to do next.
    pub advice: String,
}

/// What a figure means, or does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Note {
    /// Two or three words.
    pub title: String,
    /// One or two sentences.
    pub text: String,
}

impl ClaimOutcome {
    /// A mark beside the word.
    #[must_use]
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Holds => "✓",
            Self::Refuted => "✗",
            Self::Inconclusive => "?",
            Self::NotMeasurable => "–",
        }
    }
}

impl Report {
    /// The row of this name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The paired scenario that the first screen is about: the first of the plan.
    #[must_use]
    pub fn headline(&self) -> Option<&Scenario> {
        self.scenarios.first()
    }

    /// What was measured of a credential that should have ended, over all scenarios and episodes, by row.
    #[must_use]
    pub fn exposure(&self, row: &str) -> Option<ExposureFigures> {
        self.episodes
            .iter()
            .flat_map(|episode| &episode.rows)
            .filter(|figures| figures.row == row)
            .flat_map(|figures| &figures.exposure)
            .cloned()
            .reduce(ExposureFigures::worst)
    }
}
