//! A scenario measured in paired rounds: figures, comparisons, curves, blocks in time.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Figure;
use crate::metric::Metric;
use crate::verdict::{Unranked, Verdict};

/// One scenario in paired rounds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Scenario {
    /// Name; with the distance of the store, where it is modelled.
    pub name: String,
    /// Name of the scenario's file, the same at every distance.
    pub scenario: String,
    /// The operation whose times are shown, kebab-case.
    pub operation: String,
    /// Rounds measured.
    pub rounds: u32,
    /// Measured part of a block, ns.
    pub block_ns: f64,
    /// Scheduled operations per second; absent in closed loop.
    pub offered_per_second: Option<f64>,
    /// Modelled distance of the store, ns. 0 = store on the same host.
    pub store_distance_ns: f64,
    /// Live logins per row, provisioned before the start.
    pub logins_per_row: Option<u64>,
    /// Figures of every row, in the report's order of rows.
    pub rows: Vec<RowFigures>,
    /// Every row against every possible baseline.
    pub comparisons: Vec<Comparison>,
    /// Response and service time by percentile.
    pub curves: Vec<Curve>,
    /// Response time against the plan's baseline by quantile, paired by rounds.
    pub quantile_ratios: Vec<QuantileRatio>,
    /// Blocks whose response times are not used.
    pub blocks_void: u64,
    /// Why, the most frequent reason first.
    pub void_reasons: Vec<VoidReason>,
    /// Every block in the order of time.
    pub blocks: Vec<Block>,
}

/// Figures of one row.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RowFigures {
    /// Row.
    pub row: String,
    /// By metric, in its unit; a figure that was not measured is absent.
    pub figures: BTreeMap<Metric, Figure>,
    /// Cost added over the row without authentication, as a paired difference in the metric's unit.
    pub added: BTreeMap<Metric, Figure>,
    /// Memory of server and store above the row without authentication, per live login, bytes.
    pub memory_per_login_bytes: Option<Figure>,
    /// Blocks used for CPU.
    pub blocks: u32,
    /// Blocks used for response times as well.
    pub blocks_response: u32,
}

/// One row against a baseline on one metric, paired by rounds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The row compared with.
    pub baseline: String,
    /// The row compared.
    pub row: String,
    /// On what.
    pub metric: Metric,
    /// On the cost added over the row without authentication, instead of on whole requests.
    pub added: bool,
    /// Registered in the plan before the data; everything else is exploratory.
    pub registered: bool,
    /// Row divided by baseline, with the interval that decides a difference.
    pub ratio: Option<Figure>,
    /// Row minus baseline, in the metric's unit.
    pub difference: Figure,
    /// The interval that decides equivalence.
    pub equivalence: Option<[f64; 2]>,
    /// Margin of equivalence as a ratio minus one.
    pub margin: f64,
    /// The verdict.
    pub verdict: Verdict,
    /// A difference was shown, whatever the verdict: with `equivalent`, different but immaterial.
    pub different: bool,
    /// A difference proven to lie beyond the margin.
    pub material: bool,
    /// Why no rank is given.
    pub unranked: Option<Unranked>,
    /// Equivalence was reached but is withheld, because a control did not resolve.
    pub withheld: bool,
    /// Share of rounds in which the row was lower.
    pub lower_share: f64,
    /// Smallest ratio this run could have resolved.
    pub resolvable: Option<f64>,
    /// Rounds that equivalence at the margin would need.
    pub rounds_needed: Option<u32>,
    /// Rounds used.
    pub rounds: u32,
}

/// Times by percentile.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Curve {
    /// Row.
    pub row: String,
    /// Share of operations at or below, from 0.5 to 0.999.
    pub shares: Vec<f64>,
    /// Response time (from intended start) at each share, ns.
    pub response_ns: Vec<f64>,
    /// Service time (from send) at each share, ns.
    pub service_ns: Vec<f64>,
}

/// One row against the plan's baseline by quantile of the response time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct QuantileRatio {
    /// Row.
    pub row: String,
    /// Share of operations at or below; a quantile that blocks have too few operations for is absent.
    pub shares: Vec<f64>,
    /// Row divided by baseline at each share. The intervals of a row hold together.
    pub ratios: Vec<Figure>,
}

/// Why blocks are not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VoidReason {
    /// Which self-check failed, e.g. `send lag`.
    pub check: String,
    /// In how many blocks.
    pub blocks: u64,
    /// What it said of the first of them.
    pub example: String,
}

/// One block in time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Block {
    /// Row.
    pub row: String,
    /// Round, from 0.
    pub round: u32,
    /// Which of the row's blocks in the round, from 0.
    pub visit: u32,
    /// Start of the measured part, seconds from the start of the first block.
    pub start_s: f64,
    /// Length of the measured part, seconds.
    pub length_s: f64,
    /// Response time, median, ns.
    pub response_p50_ns: Option<f64>,
    /// CPU per request, server and store, ns.
    pub cpu_ns: Option<f64>,
    /// Share of CPU time stolen by the hypervisor.
    pub steal: f64,
    /// May its CPU figures be used?
    pub valid: bool,
}

/// Memory per login in words: a number that cannot be told from nothing says so.
#[must_use]
pub fn memory_words(memory: &Figure) -> String {
    match memory.interval() {
        Some((low, high)) if low <= 0.0 && high >= 0.0 => "≈ 0 B".to_owned(),
        _ => crate::number::bytes(memory.value),
    }
}

impl Scenario {
    /// Name without the distance.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.scenario
    }

    /// Figures of a row.
    #[must_use]
    pub fn figures(&self, row: &str) -> Option<&RowFigures> {
        self.rows.iter().find(|figures| figures.row == row)
    }

    /// One figure of a row.
    #[must_use]
    pub fn figure(&self, row: &str, metric: Metric) -> Option<Figure> {
        self.figures(row).and_then(|figures| figures.figures.get(&metric)).copied()
    }

    /// Cost that a row adds over the row without authentication.
    #[must_use]
    pub fn added(&self, row: &str, metric: Metric) -> Option<Figure> {
        self.figures(row).and_then(|figures| figures.added.get(&metric)).copied()
    }

    /// A row against a baseline on whole requests.
    #[must_use]
    pub fn comparison(&self, baseline: &str, row: &str, metric: Metric) -> Option<&Comparison> {
        self.comparisons
            .iter()
            .find(|c| !c.added && c.baseline == baseline && c.row == row && c.metric == metric)
    }
}
