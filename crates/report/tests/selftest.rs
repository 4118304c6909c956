//! The tally of many runs, on synthetic ones.

mod synthetic;

use report::comparison::{Analysis, Context, analyse};
use report::controls::selftest::{Trial, tally};
use report::metric::Metric;
use synthetic::{blocks, plan, row};

fn run(seed: u64, noise: f64, extra: f64) -> Analysis {
    let cpu = 40_000.0;
    let rows = [
        row("session-memory", 80_000.0, cpu),
        row("session-memory.twin", 80_000.0, cpu),
        row("session-memory.twin2", 80_000.0, cpu),
        row("session-memory.plus5", 80_000.0, cpu * 1.05),
        row("session-memory.plus10", 80_000.0, cpu * (1.0 + extra)),
    ];
    analyse(&plan("session-memory", &rows, 24), &blocks(&rows, 24, noise, seed), &Context::default())
}

#[test]
fn a_good_machine_meets_every_requirement() {
    let runs: Vec<Analysis> = (0..10).map(|seed| run(seed, 0.015, 0.10)).collect();
    let trials: Vec<Trial<'_>> = runs
        .iter()
        .enumerate()
        .map(|(number, analysis)| Trial { analysis, quiet: number % 2 == 0 })
        .collect();
    let selftest = tally(&trials);
    let twins = &selftest.twins[&Metric::Cpu];
    assert_eq!((twins.different.of, twins.equivalent_quiet.of, twins.equivalent_busy.of), (20, 10, 10));
    let [low, high] = twins.scatter.unwrap();
    assert!(low > 0.01 && high < 0.04, "paired noise of 0.015·√2: {low} to {high}");
    let shares: Vec<f64> = selftest.work.iter().map(|work| work.share).collect();
    assert_eq!(shares, [0.05, 0.1]);
    assert_eq!((selftest.work[1].found.hits, selftest.work[1].found.of), (10, 10));
    assert!(selftest.work[1].found.bounds[0] > 0.69 && selftest.work[1].found.bounds[1] == 1.0);
    let requirements = selftest.requirements();
    assert_eq!(requirements.len(), 6);
    assert!(requirements.iter().all(|requirement| requirement.met), "{requirements:#?}");
    assert!(requirements[5].text.ends_with("10 of 10 [69.2 %, 100.0 %]"), "{}", requirements[5].text);
}

#[test]
fn a_bad_machine_fails_them() {
    let noisy = run(1, 0.2, 0.0);
    let trials = [Trial { analysis: &noisy, quiet: true }];
    assert!(tally(&trials).requirements().iter().any(|requirement| !requirement.met));
    let nothing = tally(&[]).requirements();
    assert!(nothing.iter().all(|requirement| !requirement.met), "nothing counted proves nothing");
}
