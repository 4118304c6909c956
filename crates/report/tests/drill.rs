//! Drills: what follows from results whose truth is known.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::path::Path;

use measure::drill::{DrillPlan, DrillRecording, DrillResult, SurvivalRecord};
use measure::recording::Ended;
use report::claims::{Claim, ClaimOutcome, Special, evaluate};
use report::drill::{DrillReport, Rule, analysis, figures, render, unscaled_ns};
use serde_json::json;

const S: u64 = 1_000_000_000;

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// A cell whose credentials lived for three seconds instead of five minutes.
fn cell(
    backend: &str,
    event: &str,
    thief: &str,
    longest_ns: u64,
    bound_ns: u64,
    own_ns: u64,
) -> SurvivalRecord {
    let spread = json!({ "p50": longest_ns, "p99": longest_ns, "max": longest_ns });
    let value = json!({
        "backend": backend, "event": event, "thief": thief, "trials": 100, "ended": 100, "cannot": 0,
        "sent_before": 100, "accepted_before": 100, "sent_after": 100,
        "accepted_after": if longest_ns > 0 { 60 } else { 0 }, "survival_ns": spread, "by_replica": [],
        "alarms": 0, "forced_logouts": 0, "resolution_ns": 50_000_000, "lateness_ns": spread,
        "lifetime_ns": 3 * S, "bound_ns": bound_ns, "within": longest_ns <= bound_ns, "void": null,
        "unscaled_bound_ns": own_ns,
    });
    // What came with a later schema is absent here, as in an older recording.
    serde_json::from_value(value).unwrap()
}

fn both(backend: &str, alarms: u64) -> DrillResult {
    let cell = cell(backend, "reuse", "both", 2 * S, 3 * S, 300 * S);
    DrillResult::Survival(SurvivalRecord { alarms, ..cell })
}

fn recording(results: Vec<DrillResult>) -> DrillRecording {
    let plan = DrillPlan::parse(Path::new("matrix.toml"), &shipped("drills/matrix.toml")).unwrap();
    let (ended, environment, sha256) = (Some(Ended::Completed), None, "00".to_owned());
    DrillRecording { plan, results, ended, environment, sha256 }
}

#[test]
fn what_was_measured_is_lengthened_as_the_bound_was_shortened() {
    // Two of three seconds of a life: one second is missing to the end, of five minutes as well.
    let life = cell("a", "logout", "access", 2 * S, 3 * S, 300 * S);
    assert_eq!(unscaled_ns(&life, 2 * S), Some(299e9));
    // Half of a lag is half of it.
    let lag = cell("a", "logout", "access", S / 4, S / 2, 2 * S);
    assert_eq!(unscaled_ns(&lag, S / 4), Some(1e9));
    let none = cell("a", "logout", "access", 0, 0, 0);
    assert_eq!(unscaled_ns(&none, 0), Some(0.0));
    let endless = SurvivalRecord { bound_ns: None, ..life.clone() };
    let void = SurvivalRecord { void: Some("busy".to_owned()), ..life };
    assert_eq!((unscaled_ns(&endless, S), unscaled_ns(&void, S)), (None, None));
}

#[test]
fn whether_a_refresh_token_adds_something_follows_from_what_was_noticed() {
    let claim = Claim::parse("C5", &shipped("claims/C5.toml")).unwrap();
    for (alarms, expected) in
        [(100, ClaimOutcome::Refuted), (0, ClaimOutcome::Holds), (50, ClaimOutcome::Inconclusive)]
    {
        let results = vec![both("jwt-refresh", alarms), both("jwt-refresh-static", 0)];
        let outcome = &evaluate(std::slice::from_ref(&claim), &analysis(&results))[0];
        assert_eq!(outcome.outcome, expected, "{}", outcome.detail);
        assert!(outcome.detail.contains("worked for up to"), "{}", outcome.detail);
    }
    let none = &evaluate(&[claim], &analysis(&[]))[0];
    assert_eq!(none.outcome, ClaimOutcome::NotMeasurable);
}

#[test]
fn figures_are_found_by_event_and_thief() {
    let results = vec![DrillResult::Survival(cell("a", "logout", "access", 2 * S, 3 * S, 300 * S))];
    let found = figures(&results);
    let key = (Special::Survival, "drill-logout-access".to_owned(), "a".to_owned());
    assert_eq!(found.iter().find(|(own, _)| *own == key).unwrap().1.value, 299e9);
}

#[test]
fn a_cell_with_nothing_shortened_is_held_against_the_other() {
    let own = |longest_ns, bound_ns| {
        let cell = cell("a", "logout", "access", longest_ns, bound_ns, bound_ns);
        DrillResult::Survival(SurvivalRecord { unscaled: true, lifetime_ns: 300 * S, ..cell })
    };
    let short = DrillResult::Survival(cell("a", "logout", "access", 2 * S, 3 * S, 300 * S));
    for (longest_ns, agrees) in [(299 * S, true), (298 * S, true), (290 * S, false)] {
        let report = DrillReport::of(&recording(vec![short.clone(), own(longest_ns, 300 * S)]), &[]);
        let one = &report.confirmed[0];
        assert_eq!((one.rule, one.foretold_ns, one.agrees), (Rule::Lifetime, 299e9, agrees), "{longest_ns}");
        let text = render(&report);
        assert!(text.contains(if agrees { "agrees" } else { "DIFFERS" }), "{text}");
    }
    let at_once = DrillResult::Survival(cell("a", "logout", "access", 0, 0, 0));
    for (longest_ns, agrees) in [(0, true), (1, false)] {
        let report = DrillReport::of(&recording(vec![at_once.clone(), own(longest_ns, 0)]), &[]);
        assert_eq!((report.confirmed[0].rule, report.confirmed[0].agrees), (Rule::Never, agrees));
    }
}
