//! From blocks to comparisons: figures per row, paired ratios, cost added over the floor, verdicts.
//!
//! Invariant: a pure function of the plan and the blocks. The same input gives the same values, bit for bit, in the
//! plan's order of scenarios and rows. The replicate is the round: no statistic is taken over single requests.

pub(crate) mod analyse;
mod cautions;
mod episodes;
mod extract;
pub(crate) mod figures;
pub(crate) mod paired;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use measure::block::Exposure;
use measure::{Operation, Outcome};

use crate::claims::Special;
use crate::controls::{ControlCheck, Role, RunState};
use crate::metric::Metric;
use crate::verdict::{Unranked, Verdict};

pub use analyse::{Context, analyse};

/// Everything the comparison layer says about a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Row every other is compared with by the plan.
    pub baseline: String,
    /// The row without authentication, when it ran: cost is counted from it.
    pub floor: Option<String>,
    /// Rows that ran, in the plan's order, controls last.
    pub rows: Vec<(String, Role)>,
    /// How many real rows are compared with the baseline: the family of every verdict against it.
    pub family: usize,
    /// How far the run may be believed.
    pub state: RunState,
    /// Why it is not [`RunState::Ok`], one sentence each.
    pub reasons: Vec<String>,
    /// Remarks that change no verdict: drift, autocorrelation, excluded blocks. One sentence each.
    pub cautions: Vec<String>,
    /// What came of each control, per scenario and primary metric.
    pub controls: Vec<ControlCheck>,
    /// Undeclared wrong answers. Not empty: these rows have no rank, and this stands first.
    pub wrong: Vec<WrongAnswers>,
    /// Rows whose server or store died during the run: they have no rank either.
    pub failed: BTreeSet<String>,
    /// Scenarios measured in paired rounds, in the plan's order.
    pub scenarios: Vec<PairedScenario>,
    /// Whole episodes: described, not ranked.
    pub episodes: Vec<EpisodeRow>,
    /// Figures of special measurements, by figure, scenario and row; empty where a recording holds none.
    pub special: BTreeMap<(Special, String, String), Estimate>,
}

/// Answers that break what a backend promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongAnswers {
    /// Scenario.
    pub scenario: String,
    /// Row.
    pub row: String,
    /// To which operation.
    pub operation: Operation,
    /// What was wrong: [`Outcome::WronglyAccepted`], [`Outcome::WrongSubject`] or [`Outcome::WronglyRejected`].
    pub outcome: Outcome,
    /// How many.
    pub count: u64,
    /// Of how many answers to this operation.
    pub of: u64,
}

/// One scenario measured in paired rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedScenario {
    /// Name.
    pub scenario: String,
    /// Modelled distance of the store, microseconds per round trip; 0 = as it is. A plan that sweeps it has one entry
    /// per distance.
    pub store_rtt_us: u64,
    /// The operation whose response time is compared: the most frequent one.
    pub operation: Operation,
    /// Rounds with at least one block.
    pub rounds: u32,
    /// Times everything had been restarted, plus one.
    pub restarts: u32,
    /// Live logins per row that were provisioned before measuring; absent where users log in themselves.
    pub logins: Option<u64>,
    /// Figures by row, in the order of [`Analysis::rows`].
    pub rows: Vec<RowFigures>,
    /// Every row against every other as a baseline, on every comparable metric.
    pub comparisons: Vec<Comparison>,
    /// Cost added over the floor, by row and metric; empty when the floor did not run.
    pub added: Vec<Added>,
}

/// One row in one scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct RowFigures {
    /// Row.
    pub row: String,
    /// Blocks measured.
    pub blocks: u32,
    /// Blocks that are void: used for nothing.
    pub void: u32,
    /// Further blocks whose response times are withheld; their CPU is used.
    pub response_withheld: u32,
    /// Operations of all kinds that were answered, void blocks left out.
    pub answered: u64,
    /// Answers that are failures of the service (5xx, timeouts, broken connections), void blocks left out.
    pub failed: u64,
    /// Judged outcomes of all operations, void blocks left out.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// By metric, what was measured; a metric without any value is absent.
    pub metrics: BTreeMap<Metric, RowMetric>,
}

/// One metric of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct RowMetric {
    /// Middle over rounds with its interval: Hodges–Lehmann and signed rank, or for tails the median with a bootstrap
    /// over rounds. Only `value` when there are too few rounds.
    pub centre: Estimate,
    /// Value per round, by round number, counted on through restarts.
    pub rounds: BTreeMap<u32, f64>,
}

/// A number and, where the data suffice, its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// `[low, high]`.
    pub interval: Option<[f64; 2]>,
    /// Confidence level reached, 0 to 1; 0 without an interval.
    pub level: f64,
}

/// One row against another on one metric, paired over rounds in which both are valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The row compared with.
    pub baseline: String,
    /// The row compared.
    pub row: String,
    /// On what.
    pub metric: Metric,
    /// On the whole request, or on the cost added over the floor?
    pub scope: Scope,
    /// Registered in the plan: its baseline, a primary metric, a real row. Everything else is exploratory.
    pub registered: bool,
    /// Rounds used.
    pub rounds: u32,
    /// Row divided by baseline; absent when a value is zero on one side only.
    pub ratio: Option<Estimate>,
    /// The interval equivalence is decided on, as ratios. Absent with too few rounds.
    pub equivalence: Option<[f64; 2]>,
    /// Row minus baseline, in the metric's unit.
    pub difference: Estimate,
    /// Margin as a ratio minus one.
    pub margin: f64,
    /// p-value of "no difference", adjusted by Holm over the family; 1 when it could not be computed.
    pub p_adjusted: f64,
    /// A difference was shown, whatever the verdict: with [`Verdict::Equivalent`], "different but immaterial".
    pub different: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// A difference proven to lie beyond the margin.
    pub material: bool,
    /// Why no rank is given; set exactly when the verdict is [`Verdict::Unranked`].
    pub unranked: Option<Unranked>,
    /// Equivalence was reached but is withheld, because a control did not resolve.
    pub withheld: bool,
    /// Share of rounds in which the row was lower, 0 to 1.
    pub lower_share: f64,
    /// Smallest ratio this run could have shown to differ, four times in five; tails have none.
    pub resolvable: Option<f64>,
    /// Rounds after which a conclusion could be expected, in all.
    pub rounds_needed: Option<u32>,
}

/// What a comparison is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The whole request, with the HTTP that all share.
    Whole,
    /// What is added over the floor.
    Added,
}

/// Cost added over the floor: the headline.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// Row.
    pub row: String,
    /// Metric.
    pub metric: Metric,
    /// Row minus floor, paired over rounds: Hodges–Lehmann with signed-rank interval, in the metric's unit.
    pub difference: Estimate,
    /// Rounds used.
    pub rounds: u32,
}

/// One row's whole episode.
#[derive(Debug, Clone, PartialEq)]
pub struct EpisodeRow {
    /// Scenario.
    pub scenario: String,
    /// Row.
    pub row: String,
    /// May its figures be used?
    pub valid: bool,
    /// Metrics of this one episode: no interval.
    pub metrics: BTreeMap<Metric, f64>,
    /// Credentials that went on working after an acknowledged end.
    pub exposure: Vec<Exposure>,
    /// Judged outcomes, by operation.
    pub outcomes: BTreeMap<Operation, BTreeMap<Outcome, u64>>,
}

impl Analysis {
    /// The paired scenario of this name.
    #[must_use]
    pub fn scenario(&self, name: &str) -> Option<&PairedScenario> {
        self.scenarios.iter().find(|scenario| scenario.scenario == name)
    }

    /// Role of a row.
    #[must_use]
    pub fn role(&self, row: &str) -> Option<Role> {
        self.rows.iter().find(|(name, _)| name == row).map(|(_, role)| *role)
    }
}

impl PairedScenario {
    /// Figures of a row.
    #[must_use]
    pub fn figures(&self, row: &str) -> Option<&RowFigures> {
        self.rows.iter().find(|figures| figures.row == row)
    }

    /// One metric of a row.
    #[must_use]
    pub fn metric(&self, row: &str, metric: Metric) -> Option<&RowMetric> {
        self.figures(row).and_then(|figures| figures.metrics.get(&metric))
    }

    /// A row against a baseline.
    #[must_use]
    pub fn comparison(&self, baseline: &str, row: &str, metric: Metric, scope: Scope) -> Option<&Comparison> {
        self.comparisons
            .iter()
            .find(|c| c.metric == metric && c.scope == scope && c.row == row && c.baseline == baseline)
    }

    /// Memory of server and store that one live login takes: what the row holds over the floor, per provisioned login,
    /// bytes.
    #[must_use]
    pub fn memory_per_login(&self, row: &str) -> Option<Estimate> {
        let logins = self.logins.filter(|&logins| logins > 0)? as f64;
        let Estimate { value, interval, level } = self.added(row, Metric::Memory)?.difference;
        let interval = interval.map(|bounds| bounds.map(|bound| bound / logins));
        Some(Estimate { value: value / logins, interval, level })
    }

    /// Cost added over the floor.
    #[must_use]
    pub fn added(&self, row: &str, metric: Metric) -> Option<&Added> {
        self.added.iter().find(|added| added.row == row && added.metric == metric)
    }
}

impl Estimate {
    /// A number without an interval.
    #[must_use]
    pub const fn bare(value: f64) -> Self {
        Self { value, interval: None, level: 0.0 }
    }
}
