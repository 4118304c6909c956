//! The comparison layer on recordings whose truth is known.

#![expect(clippy::unwrap_used, reason = "test code")]

mod synthetic;

use measure::block::BlockKind;
use measure::{BlockRecord, Operation, Outcome};
use report::comparison::{Analysis, Context, Scope, analyse};
use report::controls::{ControlResult, Role, RunState};
use report::metric::Metric;
use report::verdict::{Unranked, Verdict};
use synthetic::{REQUESTS, Truth, blocks, plan, row};

const BASELINE: &str = "session-redis";

/// Floor 50 µs, baseline 80 µs, and rows that are equal to it, 20 % faster and 30 % slower; twin and +10 % of CPU.
fn rows() -> Vec<Truth> {
    let redis = |name, response, cpu| row(name, response, cpu).stored(20_000.0, 1);
    vec![
        row("none", 50_000.0, 30_000.0),
        redis(BASELINE, 80_000.0, 40_000.0),
        redis("jwt-allowlist", 80_300.0, 40_100.0),
        row("jwt-stateless", 64_000.0, 48_000.0),
        redis("jwt-denylist", 104_000.0, 60_000.0),
        redis("session-redis.twin", 80_000.0, 40_000.0),
        redis("session-redis.plus10", 82_000.0, 46_000.0),
    ]
}

fn analysis(rows: &[Truth], rounds: u32, noise: f64) -> Analysis {
    analyse(&plan(BASELINE, rows, rounds), &blocks(rows, rounds, noise, 1), &Context::default())
}

fn verdict(analysis: &Analysis, row: &str, metric: Metric) -> Verdict {
    comparison(analysis, row, metric).verdict
}

fn comparison<'a>(analysis: &'a Analysis, row: &str, metric: Metric) -> &'a report::comparison::Comparison {
    analysis.scenarios[0].comparison(BASELINE, row, metric, Scope::Whole).unwrap()
}

#[test]
fn a_quiet_run_finds_the_truth() {
    let analysis = analysis(&rows(), 24, 0.015);
    assert_eq!(analysis.state, RunState::Ok, "{:?}", analysis.reasons);
    assert_eq!((analysis.family, analysis.floor.as_deref()), (3, Some("none")));
    let names: Vec<&str> = analysis.rows.iter().map(|(row, _)| row.as_str()).collect();
    assert_eq!(names[..2], ["none", BASELINE]);
    assert!(names[5..].iter().all(|name| analysis.role(name).unwrap().is_control()));
    for metric in Metric::PRIMARY {
        assert_eq!(verdict(&analysis, "jwt-allowlist", metric), Verdict::Equivalent);
        assert_eq!(verdict(&analysis, "jwt-denylist", metric), Verdict::Slower);
        assert_eq!(verdict(&analysis, "jwt-stateless", metric), Verdict::Faster);
    }
    let faster = comparison(&analysis, "jwt-stateless", Metric::ResponseP50);
    assert!(faster.material && faster.registered && faster.different && faster.unranked.is_none());
    assert_eq!(faster.rounds, 24);
    let ratio = faster.ratio.unwrap();
    let [low, high] = ratio.interval.unwrap();
    assert!((0.78..0.82).contains(&ratio.value) && low < 0.8 && 0.8 < high && ratio.level >= 0.95);
    assert!((faster.difference.value + 16_000.0).abs() < 1_500.0, "{:?}", faster.difference);
    assert!(faster.lower_share > 0.9 && faster.resolvable.unwrap() < 1.05);
}

#[test]
fn the_headline_is_the_cost_added_over_the_floor() {
    let analysis = analysis(&rows(), 24, 0.005);
    let scenario = &analysis.scenarios[0];
    for (row, metric, truth) in [
        (BASELINE, Metric::ResponseP50, 30_000.0),
        (BASELINE, Metric::Cpu, 30_000.0),
        ("jwt-stateless", Metric::ResponseP50, 14_000.0),
        ("jwt-stateless", Metric::Cpu, 18_000.0),
    ] {
        let added = scenario.added(row, metric).unwrap();
        assert!((added.difference.value - truth).abs() < 1_500.0, "{row} {metric:?}: {added:?}");
        let [low, high] = added.difference.interval.unwrap();
        assert!(low < added.difference.value && added.difference.value < high);
    }
    let over = scenario.comparison(BASELINE, "jwt-stateless", Metric::ResponseP50, Scope::Added).unwrap();
    assert_eq!((over.verdict, over.registered), (Verdict::Faster, true));
    let ratio = over.ratio.unwrap();
    assert!((ratio.value - 14.0 / 30.0).abs() < 0.03, "undiluted by the HTTP that all share: {ratio:?}");
    assert!(scenario.comparison("none", BASELINE, Metric::Cpu, Scope::Added).is_none());
    assert!(scenario.comparison(BASELINE, "none", Metric::Cpu, Scope::Added).is_none());
}

#[test]
fn every_row_can_be_the_baseline() {
    let analysis = analysis(&rows(), 12, 0.01);
    let scenario = &analysis.scenarios[0];
    for (baseline, _) in &analysis.rows {
        for (row, _) in analysis.rows.iter().filter(|(row, _)| row != baseline) {
            let whole = scenario.comparison(baseline, row, Metric::Cpu, Scope::Whole).unwrap();
            let other = scenario.comparison(row, baseline, Metric::Cpu, Scope::Whole).unwrap();
            let product = whole.ratio.unwrap().value * other.ratio.unwrap().value;
            assert!((product - 1.0).abs() < 1e-9, "{row} over {baseline} inverts");
            assert_eq!(whole.registered, baseline == BASELINE && analysis.role(row).unwrap().is_choice());
        }
    }
}

#[test]
fn counts_that_are_zero_have_a_difference_but_no_ratio() {
    let analysis = analysis(&rows(), 12, 0.01);
    let commands = comparison(&analysis, "jwt-stateless", Metric::StoreCommands);
    assert_eq!((commands.verdict, commands.unranked), (Verdict::Unranked, Some(Unranked::NoRatio)));
    assert_eq!((commands.ratio, commands.difference.value), (None, -1.0));
    assert_eq!(verdict(&analysis, "jwt-allowlist", Metric::StoreCommands), Verdict::Equivalent);
    let scenario = &analysis.scenarios[0];
    let both_zero =
        scenario.comparison("none", "jwt-stateless", Metric::StoreCommands, Scope::Whole).unwrap();
    assert_eq!(both_zero.verdict, Verdict::Equivalent);
}

#[test]
fn tails_are_described_and_never_ranked() {
    let analysis = analysis(&rows(), 12, 0.05);
    let tail = comparison(&analysis, "jwt-stateless", Metric::ResponseP99);
    assert_eq!((tail.verdict, tail.unranked), (Verdict::Unranked, Some(Unranked::Descriptive)));
    let ratio = tail.ratio.unwrap();
    let [low, high] = ratio.interval.unwrap();
    assert!(low < ratio.value && ratio.value < high && high - low > 0.01, "{ratio:?}");
    let centre = analysis.scenarios[0].metric(BASELINE, Metric::ResponseP99).unwrap().centre;
    assert!(centre.interval.is_some() && (200_000.0..280_000.0).contains(&centre.value));
}

#[test]
fn a_twin_that_differs_makes_the_run_unreliable() {
    let mut rows = rows();
    rows[5].response_ns = 90_000.0;
    let analysis = analysis(&rows, 24, 0.015);
    assert_eq!(analysis.state, RunState::Unreliable);
    assert!(analysis.reasons[0].contains("identical servers differ"), "{:?}", analysis.reasons);
    let ranked = analysis.scenarios[0].comparisons.iter().find(|c| c.verdict != Verdict::Unranked);
    assert_eq!(ranked, None, "nothing is ranked");
    assert_eq!(comparison(&analysis, "jwt-stateless", Metric::Cpu).unranked, Some(Unranked::UnreliableRun));
}

#[test]
fn added_work_measured_as_something_else_makes_the_run_unreliable() {
    let mut rows = rows();
    rows[6].server_cpu_ns = 40_000.0 * 1.4;
    let analysis = analysis(&rows, 24, 0.015);
    assert_eq!(analysis.state, RunState::Unreliable);
    assert!(analysis.reasons[0].contains("excludes the 1.100"), "{:?}", analysis.reasons);
}

#[test]
fn known_work_is_held_against_nanoseconds() {
    let mut rows = rows();
    rows[6].server_cpu_ns = 40_000.0 + 9_000.0;
    let key = ("steady".to_owned(), "session-redis.plus10".to_owned());
    let check = |added: f64| {
        let context = Context { extra_work_ns: [(key.clone(), added)].into(), ..Context::default() };
        analyse(&plan(BASELINE, &rows, 24), &blocks(&rows, 24, 0.01, 1), &context)
    };
    let right = check(9_000.0);
    assert_eq!(right.state, RunState::Ok, "{:?}", right.reasons);
    let work = right.controls.iter().find(|control| matches!(control.role, Role::ExtraWork(_))).unwrap();
    assert!((work.expected - 1.15).abs() < 0.01);
    assert_eq!(check(6_000.0).state, RunState::Unreliable);
}

#[test]
fn what_fewer_sleeps_saved_may_be_missing_from_added_work_and_no_more() {
    let mut rows = rows();
    rows[6].server_cpu_ns = 40_000.0 + 7_500.0;
    let key = ("steady".to_owned(), "session-redis.plus10".to_owned());
    let context = Context { extra_work_ns: [(key, 9_000.0)].into(), ..Context::default() };
    // Sleeps per request of the row with work; the baseline sleeps once, so each one less saves 40 µs at most.
    let check = |sleeps: f64| {
        let mut blocks = blocks(&rows, 24, 0.01, 1);
        for (row, each) in [(BASELINE, 1.0), ("session-redis.plus10", sleeps)] {
            edit(&mut blocks, row, 0..24, |block| {
                block.server.voluntary_switches = (each * block.answered()) as u64;
            });
        }
        analyse(&plan(BASELINE, &rows, 24), &blocks, &context)
    };
    assert_eq!(check(1.0).state, RunState::Unreliable);
    assert_eq!(check(1.1).state, RunState::Unreliable);
    let right = check(0.95);
    assert_eq!(right.state, RunState::Ok, "{:?}", right.reasons);
    let work = right.controls.iter().find(|control| matches!(control.role, Role::ExtraWork(_))).unwrap();
    assert!((work.saved * 60_000.0 - 2_000.0).abs() < 100.0, "{}", work.saved);
}

#[test]
fn what_a_noisy_run_cannot_resolve_withholds_equivalence() {
    let noisy = analysis(&rows(), 10, 0.25);
    assert_eq!(noisy.state, RunState::LowResolution, "{:?}", noisy.reasons);
    for check in &noisy.controls {
        assert_ne!(check.result, ControlResult::Failed, "{check:?}");
    }
    for comparison in &noisy.scenarios[0].comparisons {
        let hangs_on_controls = Metric::PRIMARY.contains(&comparison.metric);
        assert!(!hangs_on_controls || comparison.verdict != Verdict::Equivalent, "{comparison:?}");
    }
    assert!(noisy.reasons.iter().any(|reason| reason.contains("not detected")), "{:?}", noisy.reasons);
}

#[test]
fn proven_differences_stand_at_low_resolution() {
    let mut rows = rows();
    rows[3].response_ns = 30_000.0;
    let analysis = analysis(&rows, 12, 0.08);
    assert_eq!(analysis.state, RunState::LowResolution, "{:?}", analysis.reasons);
    assert_eq!(verdict(&analysis, "jwt-stateless", Metric::ResponseP50), Verdict::Faster);
}

#[test]
fn without_controls_the_run_says_so() {
    let rows = &rows()[..5];
    let analysis = analysis(rows, 8, 0.01);
    assert_eq!(analysis.state, RunState::Uncontrolled);
    assert_eq!(analysis.reasons.len(), 1);
    assert_eq!(verdict(&analysis, "jwt-denylist", Metric::Cpu), Verdict::Slower);
}

fn edit(
    blocks: &mut [BlockRecord],
    row: &str,
    rounds: std::ops::Range<u32>,
    edit: impl Fn(&mut BlockRecord),
) {
    blocks.iter_mut().filter(|block| block.backend == row && rounds.contains(&block.round)).for_each(edit);
}

#[test]
fn wrong_answers_come_first_and_deny_the_rank() {
    let rows = rows();
    let mut blocks = blocks(&rows, 24, 0.01, 1);
    edit(&mut blocks, "jwt-stateless", 3..4, |block| {
        block.outcomes.get_mut(&Operation::Request).unwrap().insert(Outcome::WrongSubject, 2);
        block.validity.valid = false;
    });
    let analysis = analyse(&plan(BASELINE, &rows, 24), &blocks, &Context::default());
    let [wrong] = analysis.wrong.as_slice() else { panic!("{:?}", analysis.wrong) };
    assert_eq!((wrong.row.as_str(), wrong.outcome, wrong.count), ("jwt-stateless", Outcome::WrongSubject, 2));
    assert_eq!(wrong.of, 24 * REQUESTS + 2);
    assert_eq!(comparison(&analysis, "jwt-stateless", Metric::Cpu).unranked, Some(Unranked::WrongAnswers));
    assert_eq!(verdict(&analysis, "jwt-denylist", Metric::Cpu), Verdict::Slower);
}

#[test]
fn declared_acceptance_is_not_a_wrong_answer() {
    let rows = rows();
    let mut blocks = blocks(&rows, 12, 0.01, 1);
    edit(&mut blocks, "jwt-stateless", 0..12, |block| {
        block.outcomes.get_mut(&Operation::Request).unwrap().insert(Outcome::AcceptedAsDeclared, 5);
    });
    let analysis = analyse(&plan(BASELINE, &rows, 12), &blocks, &Context::default());
    assert_eq!(analysis.wrong, []);
    assert_eq!(verdict(&analysis, "jwt-stateless", Metric::ResponseP50), Verdict::Faster);
}

#[test]
fn void_blocks_are_left_out_and_counted() {
    let rows = rows();
    let mut blocks = blocks(&rows, 12, 0.01, 1);
    edit(&mut blocks, "jwt-denylist", 0..3, |block| {
        block.validity.valid = false;
        block.server.cpu_ns *= 1_000;
    });
    edit(&mut blocks, "jwt-denylist", 3..5, |block| block.validity.response_times = false);
    let analysis = analyse(&plan(BASELINE, &rows, 12), &blocks, &Context::default());
    let figures = analysis.scenarios[0].figures("jwt-denylist").unwrap();
    assert_eq!((figures.blocks, figures.void, figures.response_withheld), (12, 3, 2));
    assert_eq!(comparison(&analysis, "jwt-denylist", Metric::Cpu).rounds, 9);
    assert_eq!(comparison(&analysis, "jwt-denylist", Metric::ResponseP50).rounds, 7);
    assert!(analysis.cautions.iter().any(|caution| caution.contains("3 of 12 blocks are void")));
}

#[test]
fn too_few_rounds_are_not_ranked() {
    let rows = rows();
    let mut blocks = blocks(&rows, 12, 0.01, 1);
    edit(&mut blocks, "jwt-denylist", 5..12, |block| block.validity.valid = false);
    let analysis = analyse(&plan(BASELINE, &rows, 12), &blocks, &Context::default());
    let few = comparison(&analysis, "jwt-denylist", Metric::Cpu);
    assert_eq!((few.verdict, few.unranked, few.rounds), (Verdict::Unranked, Some(Unranked::TooFewRounds), 5));
    assert_eq!(few.ratio.unwrap().interval, None, "a number, but no interval that would be wrong");
    assert_eq!(analysis.family, 3, "it still counts in the family");
}

#[test]
fn failing_fast_is_not_being_fast() {
    let rows = rows();
    let mut blocks = blocks(&rows, 12, 0.01, 1);
    edit(&mut blocks, "jwt-stateless", 0..12, |block| {
        block.outcomes.get_mut(&Operation::Request).unwrap().insert(Outcome::Unavailable, 20);
    });
    let analysis = analyse(&plan(BASELINE, &rows, 12), &blocks, &Context::default());
    assert_eq!(comparison(&analysis, "jwt-stateless", Metric::Cpu).unranked, Some(Unranked::Failures));
}

#[test]
fn the_same_blocks_in_any_order_give_the_same_analysis() {
    let rows = rows();
    let plan = plan(BASELINE, &rows, 12);
    let blocks = blocks(&rows, 12, 0.05, 1);
    let mut reversed = blocks.clone();
    reversed.reverse();
    let (one, other) =
        (analyse(&plan, &blocks, &Context::default()), analyse(&plan, &reversed, &Context::default()));
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
}

#[test]
fn store_distances_are_never_paired() {
    let rows = rows();
    let mut all = blocks(&rows, 8, 0.01, 1);
    let mut far = blocks(&rows, 8, 0.01, 2);
    far.iter_mut().for_each(|block| {
        block.store_rtt_us = 500;
        block.sequence += all.len() as u64;
    });
    all.extend(far);
    let analysis = analyse(&plan(BASELINE, &rows, 8), &all, &Context::default());
    let distances: Vec<u64> = analysis.scenarios.iter().map(|scenario| scenario.store_rtt_us).collect();
    assert_eq!(distances, [0, 500]);
    assert!(analysis.scenarios.iter().all(|scenario| scenario.rounds == 8));
}

#[test]
fn restarts_enter_the_interval() {
    let rows = rows();
    let mut blocks = blocks(&rows, 24, 0.005, 1);
    let alone = analyse(&plan(BASELINE, &rows, 24), &blocks, &Context::default());
    blocks.iter_mut().for_each(|block| {
        block.restart = block.round / 8;
        if block.backend == "jwt-denylist" {
            block.server.cpu_ns =
                (block.server.cpu_ns as f64 * [0.8, 1.0, 1.25][block.restart as usize]) as u64;
        }
    });
    let restarted = analyse(&plan(BASELINE, &rows, 24), &blocks, &Context::default());
    let width = |analysis: &Analysis| {
        let [low, high] = comparison(analysis, "jwt-denylist", Metric::Cpu).ratio.unwrap().interval.unwrap();
        high - low
    };
    assert_eq!((restarted.scenarios[0].restarts, restarted.scenarios[0].rounds), (3, 24));
    assert!(width(&restarted) > 5.0 * width(&alone), "{} {}", width(&restarted), width(&alone));
    assert_eq!(verdict(&restarted, "jwt-denylist", Metric::Cpu), Verdict::Inconclusive);
}

#[test]
fn episodes_are_described_and_pilots_ignored() {
    let rows = rows();
    let mut blocks = blocks(&rows, 1, 0.01, 1);
    blocks.iter_mut().for_each(|block| {
        block.kind = if block.backend == "none" { BlockKind::Pilot } else { BlockKind::Episode };
        block.scenario = "cafe".to_owned();
    });
    let analysis = analyse(&plan(BASELINE, &rows, 1), &blocks, &Context::default());
    assert_eq!((analysis.scenarios.len(), analysis.episodes.len()), (0, rows.len() - 1));
    assert!(analysis.episodes[0].metrics.contains_key(&Metric::Cpu));
}

#[test]
fn an_empty_recording_is_no_reason_to_panic() {
    let analysis = analyse(&plan(BASELINE, &[], 8), &[], &Context::default());
    assert_eq!((analysis.rows.len(), analysis.scenarios.len()), (0, 0));
}
