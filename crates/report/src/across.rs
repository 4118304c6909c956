//! Two runs of one plan: what changed from one build to the next.
//!
//! Nanoseconds do not travel between runs, ratios do. What is compared is each row's ratio to a reference row of its own
//! run, round by round. The two runs share no rounds, so the change is estimated between independent samples; it holds
//! for these two starts of every process unless both runs restarted everything three times or more.

use std::collections::BTreeSet;

use measure::{BlockRecord, Plan, Recording};
use schemars::JsonSchema;
use serde::Serialize;
use stats::{Judged, Pairs, Rules, Unusable, Values, judge};

use crate::comparison::analyse::{Slice, slices};
use crate::comparison::paired::{log_ratios, named};
use crate::comparison::{Analysis, Estimate};
use crate::controls::{ControlResult, Role, RunState};
use crate::metric::Metric;
use crate::model::Figure;
use crate::verdict::{Unranked, Verdict};

/// Why two runs are not comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refusal {
    /// What differs.
    pub what: String,
    /// In the run compared with.
    pub base: String,
    /// In the other.
    pub head: String,
}

/// One run, analysed.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Its plan.
    pub plan: &'a Plan,
    /// Its blocks.
    pub blocks: &'a [BlockRecord],
    /// Its analysis.
    pub analysis: &'a Analysis,
}

/// How a row's ratio to the reference row changed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    /// Scenario.
    pub scenario: String,
    /// Modelled distance of the store, microseconds per round trip.
    pub store_rtt_us: u64,
    /// Row.
    pub row: String,
    /// On what: a primary metric.
    pub metric: Metric,
    /// Row over reference in the run compared with.
    pub base: Option<Figure>,
    /// Row over reference in the other.
    pub head: Option<Figure>,
    /// The second ratio over the first: below 1 the row became cheaper against the reference.
    pub change: Option<Figure>,
    /// The interval equivalence ("unchanged") is decided on.
    pub equivalence: Option<[f64; 2]>,
    /// p-value of "no change", adjusted by Holm over the rows of this scenario and metric.
    pub p_adjusted: f64,
    /// Faster, slower, equivalent (unchanged within the margin), or neither.
    pub verdict: Verdict,
    /// A change proven to lie beyond the margin.
    pub material: bool,
    /// Why no verdict is given.
    pub unranked: Option<Unranked>,
    /// Smallest change that these two runs could have shown, four times in five.
    pub resolvable: Option<f64>,
    /// Rounds used, of the run compared with and of the other.
    pub rounds: [u32; 2],
}

/// What keeps two recordings from being compared: another plan, another text of a scenario, another machine, another
/// optimisation. Empty when nothing does. Different binaries do not: that is what is compared.
#[must_use]
pub fn refusals(base: &Recording, head: &Recording) -> Vec<Refusal> {
    let mut found = Vec::new();
    let mut same = |what: &str, base: String, head: String| {
        if base != head {
            found.push(Refusal { what: what.to_owned(), base, head });
        }
    };
    same("plan", base.plan_sha256.clone(), head.plan_sha256.clone());
    same("machine", base.environment.machine(), head.environment.machine());
    same("build profile", base.run.tool.profile.clone(), head.run.tool.profile.clone());
    for scenario in &base.run.scenarios {
        if let Some(other) = head.run.scenarios.iter().find(|other| other.name == scenario.name) {
            same(&format!("scenario {}", scenario.name), scenario.sha256.clone(), other.sha256.clone());
        }
    }
    found
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} against {}", self.what, self.base, self.head)
    }
}

/// The change of every backend that both runs measured, against the row `reference` (usually the plan's baseline; the row
/// without authentication shows what changed in the baseline itself). Rules are those of the second run's plan.
#[must_use]
pub fn changes(base: Side<'_>, head: Side<'_>, reference: &str) -> Vec<Change> {
    let (before, after) = (sorted(base), sorted(head));
    let (before, after) = (slices(base.plan, &before), slices(head.plan, &after));
    let mut changes = Vec::new();
    for new in &after {
        let same =
            |old: &&Slice<'_>| old.scenario() == new.scenario() && old.store_rtt_us() == new.store_rtt_us();
        let Some(old) = before.iter().find(same) else { continue };
        for metric in Metric::PRIMARY {
            changes.extend(of_metric([base, head], [old, new], reference, metric));
        }
    }
    changes
}

fn sorted(side: Side<'_>) -> Vec<&BlockRecord> {
    let mut blocks: Vec<&BlockRecord> = side.blocks.iter().collect();
    blocks.sort_by_key(|block| block.sequence);
    blocks
}

/// Log ratios of one row to the reference in one run.
struct Ratios {
    logs: Result<Vec<f64>, Unusable>,
    restarts: Vec<u32>,
}

impl Ratios {
    /// Nothing where there is no ratio.
    fn values(&self) -> &[f64] {
        self.logs.as_deref().unwrap_or_default()
    }

    fn restarts(&self) -> &[u32] {
        if self.logs.is_ok() { &self.restarts } else { &[] }
    }
}

fn ratios(slice: &Slice<'_>, row: &str, reference: &str, metric: Metric) -> Ratios {
    let aligned = slice.table.aligned([row, reference], metric);
    Ratios { logs: log_ratios(&aligned.columns[0], &aligned.columns[1]), restarts: aligned.restarts }
}

fn of_metric(sides: [Side<'_>; 2], slices: [&Slice<'_>; 2], reference: &str, metric: Metric) -> Vec<Change> {
    let [_, head] = sides;
    let rows: Vec<&str> = head
        .analysis
        .rows
        .iter()
        .filter(|(_, role)| role.is_choice() || *role == Role::Floor)
        .map(|(row, _)| row.as_str())
        .filter(|row| *row != reference && slices.iter().all(|slice| slice.has(row) && slice.has(reference)))
        .collect();
    let both: Vec<[Ratios; 2]> =
        rows.iter().map(|row| slices.map(|slice| ratios(slice, row, reference, metric))).collect();
    let statistics = &head.plan.statistics;
    let rules = Rules { alpha: statistics.alpha, margin: statistics.margin, family: rows.len().max(1) };
    let pairs: Vec<Pairs<'_>> = both
        .iter()
        .map(|[old, new]| Pairs {
            values: Values::Separate {
                row: new.values(),
                baseline: old.values(),
                baseline_restarts: old.restarts(),
            },
            restarts: new.restarts(),
        })
        .collect();
    let judged = judge(&pairs, rules);
    rows.iter()
        .zip(&both)
        .zip(judged)
        .map(|((row, ratios), judged)| change(sides, slices[1], row, reference, metric, ratios, judged))
        .collect()
}

fn change(
    sides: [Side<'_>; 2],
    slice: &Slice<'_>,
    row: &str,
    reference: &str,
    metric: Metric,
    ratios: &[Ratios; 2],
    judged: Result<Judged, Unusable>,
) -> Change {
    let level = 1.0 - sides[1].plan.statistics.alpha;
    let [base, head] = [0, 1].map(|side| own_ratio(&ratios[side], level));
    let rounds = [0, 1].map(|side: usize| u32::try_from(ratios[side].values().len()).unwrap_or(u32::MAX));
    let (mut verdict, mut material, mut unranked) = match &judged {
        Ok(judged) => named(judged.verdict),
        Err(Unusable::TooFew { .. }) => (Verdict::Unranked, false, Some(Unranked::TooFewRounds)),
        Err(_) => (Verdict::Unranked, false, Some(Unranked::NoRatio)),
    };
    if let Some(reason) = denied(sides, [row, reference]) {
        (verdict, material, unranked) = (Verdict::Unranked, false, Some(reason));
    } else if verdict == Verdict::Equivalent
        && sides.iter().any(|side| not_resolved(side.analysis, slice, metric))
    {
        verdict = Verdict::Inconclusive;
    }
    let known = judged.as_ref().ok();
    Change {
        scenario: slice.scenario().to_owned(),
        store_rtt_us: slice.store_rtt_us(),
        row: row.to_owned(),
        metric,
        base,
        head,
        change: known.map(|judged| Figure::between(judged.ratio, judged.interval.low, judged.interval.high)),
        equivalence: known
            .and_then(|judged| judged.equivalence)
            .map(|interval| [interval.low, interval.high]),
        p_adjusted: known.map_or(1.0, |judged| judged.p_adjusted),
        verdict,
        material,
        unranked,
        resolvable: known.map(|judged| judged.resolvable),
        rounds,
    }
}

/// The ratio within one run.
fn own_ratio(ratios: &Ratios, level: f64) -> Option<Figure> {
    let logs = ratios.logs.as_deref().ok()?;
    let Estimate { value, interval, level } =
        crate::comparison::figures::plain(logs, &ratios.restarts, level)?;
    let estimate =
        Estimate { value: libm::exp(value), interval: interval.map(|bounds| bounds.map(libm::exp)), level };
    Some(Figure::from(estimate))
}

/// What denies a verdict in either run: wrong answers of either row, its end, or an unreliable run.
fn denied(sides: [Side<'_>; 2], rows: [&str; 2]) -> Option<Unranked> {
    let wrong: BTreeSet<&str> =
        sides.iter().flat_map(|side| &side.analysis.wrong).map(|wrong| wrong.row.as_str()).collect();
    if rows.iter().any(|row| wrong.contains(row)) {
        Some(Unranked::WrongAnswers)
    } else if sides.iter().any(|side| rows.iter().any(|row| side.analysis.failed.contains(*row))) {
        Some(Unranked::RowFailed)
    } else if sides.iter().any(|side| side.analysis.state == RunState::Unreliable) {
        Some(Unranked::UnreliableRun)
    } else {
        None
    }
}

/// Did a control of this run leave the metric unresolved?
fn not_resolved(analysis: &Analysis, slice: &Slice<'_>, metric: Metric) -> bool {
    analysis.controls.iter().any(|check| {
        check.scenario == slice.scenario()
            && check.store_rtt_us == slice.store_rtt_us()
            && check.result == ControlResult::NotResolved
            && (check.role != Role::Twin || check.metric == metric)
    })
}
