//! The whole analysis, in order: rows, wrong answers, figures, comparisons, controls, and what they permit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use measure::block::BlockKind;
use measure::recording::{Entered, Entry};
use measure::{BlockRecord, Operation, Plan, Recording};

use super::extract::main_operation;
use super::paired::{Setting, comparisons};
use super::table::Table;
use super::{Analysis, Comparison, Estimate, PairedScenario, WrongAnswers, cautions, episodes, figures};
use crate::claims::Special;
use crate::controls::{ControlCheck, ControlResult, FLOOR, Role, RunState, check};
use crate::metric::Metric;
use crate::verdict::{Unranked, Verdict};

/// Operations that may fail in one row beyond the other before neither is ranked against the other, as a share.
const FAILURES: f64 = 0.001;

/// What a recording knows besides plan and blocks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    /// CPU added to every request of a positive control, nanoseconds, by scenario and row. Where it is known, the control
    /// is held against it; otherwise against the share that its name states.
    pub extra_work_ns: BTreeMap<(String, String), f64>,
    /// Live logins per row that were provisioned, by scenario.
    pub logins: BTreeMap<String, u64>,
    /// Rows whose server or store died during the run.
    pub failed: BTreeSet<String>,
    /// Rows for which a security statement does not hold: no figure makes up for that.
    pub insecure: BTreeSet<String>,
    /// Figures of special measurements, by figure, scenario and row.
    pub special: BTreeMap<(Special, String, String), Estimate>,
}

impl Context {
    /// From what a recording says of its rows and of what happened besides blocks.
    #[must_use]
    pub fn of(recording: &Recording) -> Self {
        let run = &recording.run;
        let works = run.rows.iter().flat_map(|row| {
            row.calibration.iter().map(|(scenario, calibration)| {
                ((scenario.clone(), row.name.clone()), calibration.extra_work_ns as f64)
            })
        });
        let provisioned = run.scenarios.iter().filter(|scenario| scenario.provisioned > 0);
        Self {
            extra_work_ns: works.collect(),
            logins: provisioned.map(|scenario| (scenario.name.clone(), scenario.provisioned)).collect(),
            failed: run.rows.iter().filter(|row| row.failure.is_some()).map(|row| row.name.clone()).collect(),
            insecure: BTreeSet::new(),
            special: captured(&recording.events),
        }
    }
}

/// Bytes of credentials that were read on the wire.
fn captured(events: &[Entry]) -> BTreeMap<(Special, String, String), Estimate> {
    let mut found: BTreeMap<(Special, String, String), Estimate> = BTreeMap::new();
    for entry in events {
        if let Entered::Captured { row, scenario, credential_bytes, .. } = &entry.entered {
            let key = (Special::CredentialOnWire, scenario.clone(), row.clone());
            found.entry(key).or_insert(Estimate::bare(0.0)).value += *credential_bytes as f64;
        }
    }
    found
}

/// Analyses a recording.
#[must_use]
pub fn analyse(plan: &Plan, blocks: &[BlockRecord], context: &Context) -> Analysis {
    let mut sorted: Vec<&BlockRecord> = blocks.iter().collect();
    sorted.sort_by_key(|block| block.sequence);
    let rows = rows(plan, &sorted);
    let wrong = wrong_answers(&sorted);
    let floor = rows.iter().find(|(_, role)| *role == Role::Floor).map(|(row, _)| row.clone());
    let floor = floor.or_else(|| (plan.baseline == FLOOR).then(|| FLOOR.to_owned()));
    let statistics = &plan.statistics;
    let setting = Setting {
        rows: &rows,
        baseline: &plan.baseline,
        floor: floor.as_deref(),
        alpha: statistics.alpha,
        margin: statistics.margin,
        seed: plan.seed,
    };
    let slices = slices(plan, &sorted);
    let mut scenarios: Vec<PairedScenario> =
        slices.iter().map(|slice| scenario(slice, &setting, context)).collect();
    let remarks = scenarios.iter().zip(&slices);
    let remarks =
        remarks.flat_map(|(scenario, slice)| cautions::of(scenario, &slice.table, &plan.baseline)).collect();
    let checked = check::checks(&slices, &setting, context);
    let (state, reasons) = check::state(&checked, !scenarios.is_empty());
    let denied = Denied {
        wrong: wrong.iter().map(|wrong| wrong.row.as_str()).collect(),
        insecure: context.insecure.iter().map(String::as_str).collect(),
        failed: context.failed.iter().map(String::as_str).collect(),
    };
    for scenario in &mut scenarios {
        let here = |check: &&ControlCheck| {
            check.scenario == scenario.scenario
                && check.store_rtt_us == scenario.store_rtt_us
                && check.result == ControlResult::NotResolved
        };
        let not_resolved: Vec<&ControlCheck> = checked.iter().filter(here).collect();
        let failures: BTreeMap<&str, f64> =
            scenario.rows.iter().map(|row| (row.row.as_str(), row.failure_share())).collect();
        for comparison in &mut scenario.comparisons {
            let withheld = withheld(&not_resolved, comparison.metric);
            permit(comparison, state, &denied, withheld, &failures);
        }
    }
    Analysis {
        baseline: plan.baseline.clone(),
        family: setting.family(&plan.baseline),
        floor,
        state,
        reasons,
        cautions: remarks,
        controls: checked,
        wrong,
        failed: context.failed.clone(),
        scenarios,
        episodes: episodes::episodes(&sorted),
        special: context.special.clone(),
        rows,
    }
}

/// Rows that ran: the plan's order of backends, then controls, then whatever else there is.
fn rows(plan: &Plan, blocks: &[&BlockRecord]) -> Vec<(String, Role)> {
    let planned: Vec<&str> = plan.backends.iter().map(|backend| stem(backend)).collect();
    let names: BTreeSet<&str> = blocks.iter().map(|block| block.backend.as_str()).collect();
    let mut rows: Vec<(String, Role)> =
        names.into_iter().map(|name| (name.to_owned(), Role::of(name, &plan.baseline))).collect();
    let place = |name: &str| planned.iter().position(|planned| *planned == name).unwrap_or(planned.len());
    rows.sort_by_key(|(name, role)| (role.is_control(), place(name), name.clone()));
    rows
}

/// The name in a path to a file, or the name itself.
fn stem(backend: &str) -> &str {
    let named = backend.strip_suffix(".toml").map(Path::new).and_then(Path::file_name);
    named.and_then(|name| name.to_str()).unwrap_or(backend)
}

/// One paired scenario at one store distance.
#[derive(Debug)]
pub(crate) struct Slice<'a> {
    blocks: Vec<&'a BlockRecord>,
    operation: Operation,
    /// Its values.
    pub(crate) table: Table,
}

impl Slice<'_> {
    /// Name of the scenario.
    pub(crate) fn scenario(&self) -> &str {
        self.blocks.first().map_or("", |block| &block.scenario)
    }

    /// Modelled distance of the store.
    pub(crate) fn store_rtt_us(&self) -> u64 {
        self.blocks.first().map_or(0, |block| block.store_rtt_us)
    }

    /// Its blocks, in the order of the recording.
    pub(crate) fn blocks(&self) -> &[&BlockRecord] {
        &self.blocks
    }

    /// Was this row measured here?
    pub(crate) fn has(&self, row: &str) -> bool {
        self.blocks.iter().any(|block| block.backend == row)
    }
}

/// Every paired scenario at every store distance: the plan's order, then ascending distance.
pub(crate) fn slices<'a>(plan: &Plan, blocks: &[&'a BlockRecord]) -> Vec<Slice<'a>> {
    let planned: Vec<&str> = plan.paired.iter().map(|paired| stem(&paired.scenario)).collect();
    let mut slices: BTreeMap<(usize, &str, u64), Vec<&BlockRecord>> = BTreeMap::new();
    for block in blocks.iter().filter(|block| block.kind == BlockKind::Paired) {
        let place = planned.iter().position(|planned| *planned == block.scenario).unwrap_or(planned.len());
        slices.entry((place, &block.scenario, block.store_rtt_us)).or_default().push(block);
    }
    let slice = |blocks: Vec<&'a BlockRecord>| {
        let operation = main_operation(blocks.iter().copied());
        Slice { table: Table::new(&blocks, operation), operation, blocks }
    };
    slices.into_values().map(slice).collect()
}

fn scenario(slice: &Slice<'_>, setting: &Setting<'_>, context: &Context) -> PairedScenario {
    let (blocks, table) = (&slice.blocks, &slice.table);
    let level = 1.0 - setting.alpha;
    let names = || setting.rows.iter().map(|(row, _)| row.as_str()).filter(|row| slice.has(row));
    let restarts: BTreeSet<u32> = table.restart_of.iter().copied().collect();
    let over = |floor| names().filter(move |row| *row != floor).map(move |row| (row, floor));
    PairedScenario {
        scenario: slice.scenario().to_owned(),
        store_rtt_us: slice.store_rtt_us(),
        operation: slice.operation,
        rounds: u32::try_from(table.restart_of.len()).unwrap_or(u32::MAX),
        restarts: u32::try_from(restarts.len()).unwrap_or(u32::MAX),
        logins: context.logins.get(slice.scenario()).copied(),
        rows: names().map(|row| figures::row(row, blocks, table, level, setting.seed)).collect(),
        comparisons: comparisons(table, setting),
        added: setting
            .floor
            .into_iter()
            .flat_map(over)
            .flat_map(|(row, floor)| figures::added(row, floor, table, level))
            .collect(),
    }
}

/// Is equivalence withheld on this metric? A twin speaks for its metric, extra work for all times and CPU of the scenario;
/// counts and bytes do not hang on either.
fn withheld(not_resolved: &[&ControlCheck], metric: Metric) -> bool {
    let hangs_on_controls =
        metric.is_time() || matches!(metric, Metric::Cpu | Metric::CpuServer | Metric::CpuStore);
    hangs_on_controls && not_resolved.iter().any(|check| check.role != Role::Twin || check.metric == metric)
}

/// Answers that break a promise, over every block there is: a wrong answer is not excused by a disturbed block.
fn wrong_answers(blocks: &[&BlockRecord]) -> Vec<WrongAnswers> {
    let mut found: Vec<WrongAnswers> = Vec::new();
    let mut answers = BTreeMap::new();
    for block in blocks {
        for (operation, outcomes) in &block.outcomes {
            let key = (block.scenario.as_str(), block.backend.as_str(), *operation);
            let counts: &mut BTreeMap<measure::Outcome, u64> = answers.entry(key).or_default();
            for (outcome, count) in outcomes {
                *counts.entry(*outcome).or_default() += count;
            }
        }
    }
    for ((scenario, row, operation), outcomes) in answers {
        let of = outcomes.values().sum();
        found.extend(outcomes.into_iter().filter(|(outcome, count)| outcome.is_wrong() && *count > 0).map(
            |(outcome, count)| WrongAnswers {
                scenario: scenario.to_owned(),
                row: row.to_owned(),
                operation,
                outcome,
                count,
                of,
            },
        ));
    }
    found
}

/// Rows without a rank.
struct Denied<'a> {
    /// They gave wrong answers.
    wrong: BTreeSet<&'a str>,
    /// A security statement does not hold for them.
    insecure: BTreeSet<&'a str>,
    /// Their server or store died.
    failed: BTreeSet<&'a str>,
}

/// Takes back what wrong answers, failures or controls do not permit.
fn permit(
    comparison: &mut Comparison,
    state: RunState,
    denied: &Denied<'_>,
    withheld: bool,
    failures: &BTreeMap<&str, f64>,
) {
    let share = |row: &str| failures.get(row).copied().unwrap_or(0.0);
    let either = |rows: &BTreeSet<&str>| {
        rows.contains(comparison.row.as_str()) || rows.contains(comparison.baseline.as_str())
    };
    let reason = if either(&denied.wrong) {
        Some(Unranked::WrongAnswers)
    } else if either(&denied.insecure) {
        Some(Unranked::Insecure)
    } else if either(&denied.failed) {
        Some(Unranked::RowFailed)
    } else if state == RunState::Unreliable {
        Some(Unranked::UnreliableRun)
    } else if (share(&comparison.row) - share(&comparison.baseline)).abs() > FAILURES {
        Some(Unranked::Failures)
    } else {
        None
    };
    if let Some(reason) = reason {
        comparison.verdict = Verdict::Unranked;
        comparison.material = false;
        comparison.unranked = Some(reason);
    } else if withheld && comparison.verdict == Verdict::Equivalent {
        comparison.withheld = true;
        comparison.verdict = Verdict::Inconclusive;
    }
}

impl super::RowFigures {
    /// Failures of the service as a share of all operations.
    #[must_use]
    pub fn failure_share(&self) -> f64 {
        // Failures with an answer (5xx) are counted in both.
        self.failed as f64 / (self.answered.max(self.failed)).max(1) as f64
    }
}
