//! Two runs of one plan, with a known change between them.

#![expect(clippy::unwrap_used, reason = "test code")]

mod synthetic;

use measure::{Operation, Outcome};
use report::across::{Change, Side, changes};
use report::comparison::{Analysis, Context, analyse};
use report::metric::Metric;
use report::verdict::{Unranked, Verdict};
use synthetic::{Truth, blocks, plan, row};

const BASELINE: &str = "session-redis";

fn rows() -> Vec<Truth> {
    vec![
        row("none", 50_000.0, 30_000.0),
        row(BASELINE, 80_000.0, 60_000.0),
        row("jwt-stateless", 64_000.0, 48_000.0),
        row("jwt-denylist", 104_000.0, 80_000.0),
    ]
}

struct Run {
    plan: measure::Plan,
    blocks: Vec<measure::BlockRecord>,
    analysis: Analysis,
}

impl Run {
    /// A whole machine that is `machine` times slower than the other one.
    fn new(
        rows: &[Truth],
        rounds: u32,
        seed: u64,
        machine: f64,
        edit: impl Fn(&mut measure::BlockRecord),
    ) -> Self {
        let slower: Vec<Truth> = rows
            .iter()
            .map(|truth| row(truth.row, truth.response_ns * machine, truth.server_cpu_ns * machine))
            .collect();
        let plan = plan(BASELINE, rows, rounds);
        let mut blocks = blocks(&slower, rounds, 0.015, seed);
        blocks.iter_mut().for_each(edit);
        let analysis = analyse(&plan, &blocks, &Context::default());
        Self { plan, blocks, analysis }
    }

    fn side(&self) -> Side<'_> {
        Side { plan: &self.plan, blocks: &self.blocks, analysis: &self.analysis }
    }
}

fn change<'a>(changes: &'a [Change], row: &str, metric: Metric) -> &'a Change {
    changes.iter().find(|change| change.row == row && change.metric == metric).unwrap()
}

#[test]
fn a_change_is_found_and_a_slower_machine_is_not_one() {
    let base = Run::new(&rows(), 24, 1, 1.0, |_| {});
    let mut changed = rows();
    changed[2].server_cpu_ns *= 1.15;
    let head = Run::new(&changed, 24, 2, 1.5, |_| {});
    let changes = changes(base.side(), head.side(), BASELINE);
    assert_eq!(changes.len(), 6, "three rows, two metrics");
    let dearer = change(&changes, "jwt-stateless", Metric::Cpu);
    assert_eq!((dearer.verdict, dearer.material), (Verdict::Slower, true));
    let figure = dearer.change.unwrap();
    assert!(figure.low.unwrap() < 1.15 && 1.15 < figure.high.unwrap(), "{figure:?}");
    assert!(
        (dearer.base.unwrap().value - 0.8).abs() < 0.02 && (dearer.head.unwrap().value - 0.92).abs() < 0.02
    );
    for (row, metric) in
        [("jwt-stateless", Metric::ResponseP50), ("jwt-denylist", Metric::Cpu), ("none", Metric::ResponseP50)]
    {
        assert_eq!(change(&changes, row, metric).verdict, Verdict::Equivalent, "{row} {metric:?}");
    }
}

#[test]
fn against_the_floor_a_change_of_the_baseline_shows() {
    let base = Run::new(&rows(), 24, 1, 1.0, |_| {});
    let mut changed = rows();
    changed[1].response_ns *= 0.8;
    let head = Run::new(&changed, 24, 2, 1.0, |_| {});
    let changes = changes(base.side(), head.side(), "none");
    assert_eq!(change(&changes, BASELINE, Metric::ResponseP50).verdict, Verdict::Faster);
    assert_eq!(change(&changes, "jwt-stateless", Metric::ResponseP50).verdict, Verdict::Equivalent);
}

#[test]
fn wrong_answers_and_few_rounds_deny_the_verdict() {
    let base = Run::new(&rows(), 24, 1, 1.0, |_| {});
    let head = Run::new(&rows(), 24, 2, 1.0, |block| {
        if block.backend == "jwt-stateless" {
            block.outcomes.get_mut(&Operation::Request).unwrap().insert(Outcome::WrongSubject, 1);
        }
        if block.backend == "jwt-denylist" && block.round > 0 {
            block.validity.valid = false;
        }
    });
    let changes = changes(base.side(), head.side(), BASELINE);
    assert_eq!(change(&changes, "jwt-stateless", Metric::Cpu).unranked, Some(Unranked::WrongAnswers));
    let few = change(&changes, "jwt-denylist", Metric::Cpu);
    assert_eq!(
        (few.verdict, few.unranked, few.rounds),
        (Verdict::Unranked, Some(Unranked::TooFewRounds), [24, 1])
    );
}

#[test]
fn what_only_one_run_measured_is_not_compared() {
    let base = Run::new(&rows()[..3], 12, 1, 1.0, |_| {});
    let head = Run::new(&rows(), 12, 2, 1.0, |_| {});
    let changes = changes(base.side(), head.side(), BASELINE);
    assert!(changes.iter().all(|change| change.row != "jwt-denylist") && changes.len() == 4);
}
