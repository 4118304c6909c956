//! Traces: ascending, honest about rates, equal for every backend, and the same on every machine.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use scenario::builtin::Shelf;
use scenario::trace::{Digest, Header, Recorded, Summary, save, write};
use scenario::{Operation, Scenario, Step, TraceOptions};

const ROUND: fn(u32) -> TraceOptions = |round| TraceOptions { round, ..DEFAULT };
const DEFAULT: TraceOptions = TraceOptions { round: 0, duration: None, access_lifetime: None };

fn shipped(name: &str) -> Scenario {
    let found = Shelf::Scenarios.find(name).unwrap().found();
    Scenario::parse(&found.path, &found.text).unwrap()
}

fn parse(text: &str) -> Scenario {
    Scenario::parse("test.toml".as_ref(), text).unwrap()
}

fn digest(scenario: &Scenario, options: &TraceOptions) -> (u64, String) {
    let mut digest = Digest::default();
    scenario.trace(options).for_each(|step| digest.add(&step));
    (digest.steps(), digest.hex())
}

/// If this fails, traces of earlier recordings can no longer be made again: change the seed streams only on purpose.
#[test]
fn shipped_traces_are_the_same_everywhere() {
    let lifetime = Some(Duration::from_secs(300));
    let mut found = String::new();
    for name in ["steady", "login-storm", "workday", "cafe"] {
        let scenario = shipped(name);
        for (what, options) in [
            ("plain", DEFAULT),
            ("round 7", ROUND(7)),
            ("5m", TraceOptions { access_lifetime: lifetime, ..DEFAULT }),
        ] {
            let (steps, hex) = digest(&scenario, &options);
            found.push_str(&format!("{name} {what}: {steps} steps {hex}\n"));
        }
    }
    assert_eq!(found, include_str!("digests.txt"));
}

#[test]
fn steps_ascend_within_bounds() {
    for builtin in Shelf::Scenarios.all() {
        let scenario = shipped(builtin.name);
        let mut last = 0;
        for step in scenario.trace(&TraceOptions { access_lifetime: Some(Duration::from_secs(5)), ..DEFAULT })
        {
            assert!(step.intended_ns >= last && step.intended_ns < scenario.duration.as_nanos());
            assert!(step.subject < scenario.population.subjects && step.device < scenario.device_count());
            last = step.intended_ns;
        }
        assert!(last > 0, "{}", builtin.name);
    }
}

#[test]
fn a_lifetime_adds_refreshes_and_changes_nothing_else() {
    for name in ["steady", "login-storm", "workday"] {
        let scenario = shipped(name);
        let plain: Vec<Step> = scenario.trace(&DEFAULT).collect();
        let mut before = u64::MAX;
        for seconds in [1, 60, 28_800] {
            let options = TraceOptions { access_lifetime: Some(Duration::from_secs(seconds)), ..DEFAULT };
            let with: Vec<Step> = scenario.trace(&options).collect();
            let (refreshes, rest): (Vec<Step>, Vec<Step>) =
                with.iter().partition(|step| step.operation == Operation::Refresh);
            assert_eq!(rest, plain, "{name} {seconds} s");
            let refreshes = refreshes.len() as u64;
            assert!(refreshes < before, "{name}: {refreshes} refreshes at {seconds} s");
            before = refreshes;
        }
    }
}

/// A request of a device that makes λ per second finds its credential of life L expired with a chance of 1/(1 + λL).
#[test]
fn refreshes_come_at_the_rate_of_the_lifetime() {
    let scenario = parse(
        "name = \"r\"\nquestion = \"?\"\nkind = \"stationary\"\n[population]\nsubjects = 100\nzipf = 0\n[load]\nrate = 2000\n",
    );
    let options = TraceOptions {
        access_lifetime: Some(Duration::from_millis(200)),
        duration: Some(Duration::from_secs(20)),
        ..DEFAULT
    };
    // λ = 20 per second, λL = 4: one request in five.
    let count =
        |operation| scenario.trace(&options).filter(|step| step.operation == operation).count() as f64;
    let (requests, refreshes) = (count(Operation::Request), count(Operation::Refresh));
    let sigma = (requests * 0.2 * 0.8).sqrt();
    assert!((refreshes - requests * 0.2).abs() < 4.5 * sigma, "{refreshes} of {requests}");
}

#[test]
fn rates_and_popularity_are_those_of_the_file() {
    let scenario = shipped("steady");
    let mut counts = BTreeMap::<u32, u64>::new();
    let mut total = 0.0;
    for round in 0..5 {
        let steps: Vec<Step> = scenario.trace(&ROUND(round)).collect();
        let expected = 4000.0 * 10.0;
        assert!((steps.len() as f64 - expected).abs() < 4.5 * f64::sqrt(expected), "{}", steps.len());
        total += steps.len() as f64;
        steps.iter().for_each(|step| *counts.entry(step.subject).or_default() += 1);
    }
    let mut ranked: Vec<u64> = counts.values().copied().collect();
    ranked.sort_unstable_by(|a, b| b.cmp(a));
    let harmonic: f64 = (1..=10_000).map(|rank| 1.0 / f64::from(rank)).sum();
    for rank in [1, 2, 4, 8] {
        let expected = total / harmonic / rank as f64;
        let found = ranked[rank - 1] as f64;
        assert!(
            (found - expected).abs() < 4.5 * expected.sqrt(),
            "rank {rank}: {found}, expected {expected:.0}"
        );
    }
}

#[test]
fn logins_do_not_meet_requests() {
    let scenario = shipped("login-storm");
    let summary = Summary::of(scenario.trace(&DEFAULT));
    let logins = summary.operations[&Operation::Login] as f64;
    assert!((logins - 300.0).abs() < 4.5 * 300.0_f64.sqrt(), "{logins}");
    let steps = scenario.trace(&DEFAULT);
    assert!(steps.into_iter().all(|step| (step.operation == Operation::Login) == (step.device == 1)));
    assert_eq!((scenario.device_count(), scenario.provision().unwrap().devices), (2, 1));
}

#[test]
fn every_visit_begins_with_its_login_and_ends_with_its_logout() {
    let scenario = shipped("workday");
    let mut visits = BTreeMap::<u32, Vec<Operation>>::new();
    for step in scenario.trace(&TraceOptions { access_lifetime: Some(Duration::from_secs(60)), ..DEFAULT }) {
        visits.entry(step.subject).or_default().push(step.operation);
    }
    assert!((60..140).contains(&visits.len()), "{}", visits.len());
    let count = |operation| visits.values().flatten().filter(|other| **other == operation).count();
    for operations in visits.values() {
        assert_eq!(operations[0], Operation::Login);
        assert!(!operations[1..].contains(&Operation::Login));
        let logout = operations.iter().position(|operation| *operation == Operation::Logout);
        assert!(logout.is_none_or(|at| at + 1 == operations.len()), "{operations:?}");
    }
    assert!(count(Operation::Refresh) > 0 && count(Operation::Write) > 0 && count(Operation::Logout) > 0);
    assert!(count(Operation::Logout) < visits.len(), "some never log out");
}

#[test]
fn every_trial_replays_only_what_was_left_behind() {
    let scenario = shipped("cafe");
    let mut trials = BTreeMap::<u32, Vec<Step>>::new();
    for step in scenario.trace(&DEFAULT) {
        trials.entry(step.subject).or_default().push(step);
    }
    assert!(trials.len() > 100, "{}", trials.len());
    use Operation::{Login, LogoutAll, Replay, Request};
    for steps in trials.values() {
        let start: Vec<(u8, Operation)> =
            steps.iter().take(7).map(|step| (step.device, step.operation)).collect();
        let expected =
            [(0, Login), (0, Request), (0, Request), (1, Login), (1, Request), (1, Request), (1, LogoutAll)];
        assert_eq!(start, expected);
        let replays = &steps[7..];
        assert!(replays.iter().all(|step| step.device == 0 && step.operation == Replay));
        assert!((29..=30).contains(&replays.len()), "{}", replays.len());
    }
}

#[test]
fn rounds_differ_and_blocks_repeat() {
    let scenario = shipped("steady");
    let block =
        |round| TraceOptions { round, duration: Some(Duration::from_millis(600)), access_lifetime: None };
    assert_eq!(digest(&scenario, &block(3)), digest(&scenario, &block(3)));
    let digests: BTreeSet<String> = (0..50).map(|round| digest(&scenario, &block(round)).1).collect();
    assert_eq!(digests.len(), 50);
}

#[test]
fn a_million_subjects_cost_no_memory_to_begin() {
    let scenario = parse(
        "name = \"big\"\nquestion = \"?\"\nkind = \"stationary\"\n[population]\nsubjects = 1_000_000\n[load]\nrate = 100_000\n",
    );
    let subjects: BTreeSet<u32> = scenario.trace(&DEFAULT).take(20_000).map(|step| step.subject).collect();
    assert!(subjects.len() > 5_000 && subjects.range(900_000..).next().is_some());
}

#[test]
fn saved_and_loaded_is_byte_identical() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a.trace"), folder.path().join("b.trace"));
    for builtin in Shelf::Scenarios.all() {
        let scenario = shipped(builtin.name);
        save(&first, &Header::of(&scenario), scenario.trace(&DEFAULT)).unwrap();
        let loaded = Scenario::open(first.to_str().unwrap()).unwrap();
        assert_eq!(digest(&loaded, &DEFAULT), digest(&scenario, &DEFAULT));
        assert_eq!(loaded.provision().is_some(), scenario.provision().is_some());
        assert_eq!(loaded.duration, scenario.duration);
        let trace = loaded.trace(&DEFAULT);
        save(&second, &Header::of(&loaded), trace).unwrap();
        assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap(), "{}", builtin.name);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing half-written is left");
}

#[test]
fn a_damaged_trace_is_refused_with_its_line() {
    let scenario = shipped("cafe");
    let mut bytes = Vec::new();
    write(&mut bytes, &Header::of(&scenario), scenario.trace(&DEFAULT).take(20)).unwrap();
    let good = String::from_utf8(bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.trace");
    let open = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Recorded::open(&path).map(|_| ()).map_err(|error| (error.line, error.to_string()))
    };
    assert_eq!(open(&good), Ok(()));
    let lines: Vec<&str> = good.lines().collect();
    let without = |at: usize| {
        let mut kept = lines.clone();
        kept.remove(at);
        kept.join("\n")
    };
    let swapped = |at: usize| {
        let mut other = lines.clone();
        other.swap(at, at + 1);
        other.join("\n")
    };
    for (text, line, says) in [
        (without(0), 1, "not a trace"),
        (without(1), 2, "header"),
        (without(5), 22, "19 steps"),
        (without(22), 23, "without its `# end`"),
        (swapped(2), 4, "ascend"),
        (good.replacen("login", "logon", 1), 3, "unknown operation"),
        (good.replacen("\t0\tlogin", "\t7\tlogin", 1), 3, "device 7"),
        (good.replacen("xxh3\":\"", "xxh3\":\"0", 1), 23, "digest"),
        (good.replace("\"speed\"", "\"sped\""), 2, "did you mean `speed`"),
        (format!("{good}more"), 24, "after the `# end`"),
        (format!("{}\n{}", lines[0], "#".repeat(10_000)), 2, "too long"),
    ] {
        let (found, message) = open(&text).unwrap_err();
        assert!(found == line && message.contains(says), "line {found}: {message}");
    }
}

proptest! {
    #[test]
    fn no_trace_file_panics(bytes in prop::collection::vec(any::<u8>(), 0..600), headed: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.trace");
        let mut text = Vec::new();
        if headed {
            write(&mut text, &Header::of(&shipped("cafe")), std::iter::empty()).unwrap();
            text.truncate(text.len().saturating_sub(80));
        }
        text.extend(bytes);
        std::fs::write(&path, text).unwrap();
        let _ = Recorded::open(&path);
    }
}
