//! Plans: the shipped ones, what a wrong one is told, and what a plan takes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;

use measure::Plan;
use proptest::prelude::*;
use scenario::Scenario;
use scenario::builtin::Shelf;

const PLAN: &str = r#"name = "mine"
seed = 1
baseline = "none"
backends = ["none", "jwt-stateless"]
episodes = ["cafe"]

[[paired]]
scenario = "steady"
rounds = 8
warm_ms = 100
block_ms = 500

[statistics]
alpha = 0.05
margin = 0.05
precision = 0.02

[controls]
twins = 1
extra_work = [0.10]
"#;

fn parse(text: &str) -> Result<Plan, String> {
    Plan::parse(Path::new("mine.toml"), text).map_err(|error| error.to_string())
}

#[test]
fn a_wrong_plan_is_told_where_and_what_next() {
    parse(PLAN).unwrap();
    for (from, to, at, part) in [
        ("baseline = ", "baselin = ", "mine.toml:3", "did you mean `baseline`?"),
        ("rounds = 8", "rounds = 5", "mine.toml:9", "fewer than 6"),
        ("rounds = 8", "rounds = 8\nrounds_max = 7", "mine.toml:10", "is below `rounds`"),
        ("precision = 0.02", "", "mine.toml", ""),
        ("block_ms = 500", "block_ms = 5", "mine.toml:11", "500 to 1000 is usual"),
        ("block_ms = 500", "block_ms = \"500\"", "mine.toml:11", "block_ms"),
        ("[\"none\", \"jwt-stateless\"]", "[\"none\", \"none\"]", "mine.toml:4", "named twice"),
        ("[\"none\", \"jwt-stateless\"]", "[]", "mine.toml:4", "names no backend"),
        ("episodes = [\"cafe\"]", "episodes = [\"steady\"]", "mine.toml:5", "is paired as well"),
        ("episodes = [\"cafe\"]", "episode_ms = { cafe = 1 }", "mine.toml:5", "is no episode"),
        ("alpha = 0.05", "alpha = 0.0", "mine.toml:14", "0.05 is usual"),
        ("margin = 0.05", "margin = 5", "mine.toml:15", "0.05 means ±5 %"),
        ("precision = 0.02", "precision = nan", "mine.toml:16", "0.02 means ±2 %"),
        ("precision = 0.02", "restarts = 0", "mine.toml:16", "1 = started once"),
        ("twins = 1", "twins = 99", "mine.toml:19", "1 is enough"),
        ("extra_work = [0.10]", "extra_work = [-0.1]", "mine.toml:20", "0.10 means +10 %"),
        ("extra_work = [0.10]", "extra_work = [0.1, 0.1]", "mine.toml:20", "there twice"),
        ("seed = 1", "seed = -1", "mine.toml:2", "seed"),
        ("name = \"mine\"", "name = \"My plan\"", "mine.toml:1", "use 1 to 64 of a-z"),
        ("seed = 1", "seed = 1\nstore_rtt_us = [0, 0]", "mine.toml:3", "twice"),
        ("seed = 1", "seed = 1\nepisode_ms = { cafe = 5 }", "mine.toml:3", "nothing would have happened"),
        ("seed = 1", "seed = 1\nepisode_ms = { cafe = 90000000 }", "mine.toml:3", "longer than a day"),
        ("seed = 1", "seed = 1\npilot_ms = 200", "mine.toml:3", "to find a steady state in"),
        ("seed = 1", "seed = 1\nlimit_ms = 1", "mine.toml:3", "60000"),
        ("rounds = 8", "rounds = 8\nrounds_max = 20000", "mine.toml:10", "more than 10000"),
        ("extra_work = [0.10]", "extra_work = [0.0001]", "mine.toml:20", "0.001 to 10"),
        (
            "extra_work = [0.10]",
            "extra_work = [0.10]\n[cores]\nserver_threads = 0",
            "mine.toml:22",
            "1 is the default",
        ),
        (
            "extra_work = [0.10]",
            "extra_work = [0.10]\n[cores]\ngenerator = [0]",
            "mine.toml:21",
            "name `generator` and `servers`",
        ),
    ] {
        let result = parse(&PLAN.replacen(from, to, 1));
        if part.is_empty() {
            // Rounds are fixed here, so that no precision is needed.
            result.unwrap();
            continue;
        }
        let error = result.unwrap_err();
        assert!(error.starts_with(at) && error.contains(part), "{from} → {to}:\n{error}");
    }
}

#[test]
fn what_only_rounds_use_is_refused_without_rounds() {
    let unpaired = "name = \"mine\"\nseed = 1\nbaseline = \"none\"\nbackends = [\"none\"]\nepisodes = [\"cafe\"]\n\
                    paired = []\n[statistics]\nalpha = 0.05\nmargin = 0.05\n";
    parse(unpaired).unwrap();
    for (from, to, at) in [
        ("paired = []", "paired = []\nstore_rtt_us = [0, 250]", "mine.toml:7"),
        ("paired = []", "paired = []\npilot_ms = 10000", "mine.toml:7"),
        ("margin = 0.05", "margin = 0.05\nrestarts = 3", "mine.toml:10"),
    ] {
        let error = parse(&unpaired.replace(from, to)).unwrap_err();
        assert!(error.starts_with(at) && error.contains("add [[paired]]"), "{error}");
    }
}

#[test]
fn growing_needs_a_registered_precision() {
    let text = PLAN.replace("rounds = 8", "rounds = 8\nrounds_max = 16");
    parse(&text).unwrap();
    let error = parse(&text.replace("precision = 0.02", "")).unwrap_err();
    assert!(error.contains("precision = 0.02"), "{error}");
}

#[test]
fn the_canonical_text_is_the_plan_and_the_hash_is_of_it() {
    let plan = parse(PLAN).unwrap();
    assert_eq!(parse(&plan.canonical()).unwrap(), plan);
    // Comments and order are no change; figures are.
    let commented = format!("# a comment\n{PLAN}");
    assert_eq!(parse(&commented).unwrap().sha256(), plan.sha256());
    assert_ne!(parse(&PLAN.replace("0.02", "0.03")).unwrap().sha256(), plan.sha256());
}

#[test]
fn controls_are_named_after_the_baseline() {
    let text = PLAN.replace("twins = 1", "twins = 3").replace("[0.10]", "[0.05, 0.1, 0.125, 0.2]");
    let names = parse(&text).unwrap().control_names();
    let expected = [
        "none.twin",
        "none.twin2",
        "none.twin3",
        "none.plus5",
        "none.plus10",
        "none.plus12.5",
        "none.plus20",
    ];
    assert_eq!(names, expected);
}

fn shipped(name: &str) -> (Plan, Vec<(String, Scenario)>) {
    let found = Shelf::Plans.resolve(name).unwrap();
    let plan = Plan::parse(&found.path, &found.text).unwrap();
    let names = plan.paired.iter().map(|paired| &paired.scenario).chain(&plan.episodes);
    let scenarios = names
        .map(|name| {
            let found = Shelf::Scenarios.resolve(name).unwrap();
            (name.clone(), Scenario::parse(&found.path, &found.text).unwrap())
        })
        .collect();
    (plan, scenarios)
}

/// What a shipped plan takes with all its backends.
fn budget(name: &str) -> measure::event::Budget {
    let (plan, scenarios) = shipped(name);
    let backends = u32::try_from(plan.backends.len()).unwrap();
    let controls = u32::try_from(plan.control_names().len()).unwrap();
    plan.budget(backends, controls, |name| {
        scenarios.iter().find(|(known, _)| known == name).map(|(_, scenario)| scenario)
    })
}

#[test]
fn every_shipped_plan_is_whole() {
    for builtin in Shelf::Plans.all() {
        let (plan, _) = shipped(builtin.name);
        assert_eq!(plan.name, builtin.name);
        for backend in &plan.backends {
            assert!(Shelf::Backends.find(backend).is_some(), "{backend}");
        }
        assert!(plan.backends.contains(&plan.baseline));
    }
    let names: Vec<&str> = Shelf::Plans.all().iter().map(|builtin| builtin.name).collect();
    assert_eq!(names, ["quick", "smoke", "standard", "evidence", "selftest", "replicas", "wire", "sweep"]);
}

#[test]
fn the_shipped_plans_take_what_they_promise() {
    let quick = budget("quick");
    assert!(quick.total_ms() <= 60_000 && quick.set_up_ms <= 10_000, "{quick:?}");
    assert_eq!((quick.rows, quick.blocks), (8, 8 * 8 + 2 * 8));
    assert!(quick.repeats_max_ms > 0 && quick.total_max_ms() <= 60_000, "{quick:?}");
    let smoke = budget("smoke");
    assert!(smoke.rows <= 6 && smoke.total_ms() <= 120_000, "{smoke:?}");
    let standard = budget("standard");
    assert!(standard.total_max_ms() <= 15 * 60_000 && standard.total_max_ms() > standard.total_ms());
    let evidence = budget("evidence");
    assert!(evidence.total_ms() > 2 * standard.total_ms());
}

#[test]
fn more_rows_and_rounds_take_more_time() {
    let plan = parse(PLAN).unwrap();
    let of = |plan: &Plan, rows| plan.budget(rows, 2, |_| None).total_ms();
    assert!(of(&plan, 3) > of(&plan, 2));
    let more = parse(&PLAN.replace("rounds = 8", "rounds = 9")).unwrap();
    assert_eq!(of(&more, 2) - of(&plan, 2), 4 * (100 + 500 + 20));
}

proptest! {
    /// Whatever is written over a plan, it is a plan or an error with a message: never a panic.
    #[test]
    fn no_text_panics(at in 0.0_f64..1.0, length in 0_usize..20, text in "[ -~\n]{0,12}") {
        let mut plan = PLAN.to_owned();
        let start = (at * plan.len() as f64) as usize;
        let end = (start + length).min(plan.len());
        plan.replace_range(start..end, &text);
        if let Err(error) = parse(&plan) {
            prop_assert!(!error.is_empty());
        }
    }
}
