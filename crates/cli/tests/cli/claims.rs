//! Shipped claims from a recording on disk to the report, on recordings whose truth is known.

use serde_json::Value;

use crate::support::run_in;
use crate::synthetic::{self, STANDARD, Shape, drill};

/// CPU is all that is paid for.
const PRICES: &str = "name = 'cpu'\nsummary = 'CPU alone'\n[prices.app_vcpu_hour]\nprice = 0.04\ncurrency = 'USD'\n\
                      as_of = '2026-06-01'\nsource = 'a test'\n";

/// Nothing but what a claim needs.
const PAIRED: Shape = Shape { episodes: false, ..STANDARD };

/// Outcome and words of a claim in the report of such a recording, with a drill of logouts beside it.
fn claim(id: &str, shape: Shape, logouts: &[(&str, i64, u64)]) -> (String, String) {
    let folder = synthetic::scratch();
    synthetic::recording(&folder.path().join("recording"), shape);
    if !logouts.is_empty() {
        drill::write_logouts(&folder.path().join("recording"), logouts);
    }
    std::fs::write(folder.path().join("prices.toml"), PRICES).unwrap();
    let said = run_in(folder.path(), &["report", "recording", "--format", "json", "--prices", "prices.toml"]);
    // Whatever comes out of it: the shipped claims are reported, and fail nothing.
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let found = report["claims"].as_array().unwrap().iter().find(|claim| claim["id"] == id).unwrap();
    let text = |key: &str| found[key].as_str().unwrap().to_owned();
    (text("outcome"), text("detail"))
}

#[test]
fn whether_a_validity_period_bounds_the_damage_and_has_its_price() {
    // What was stolen works for 2.9 of 3 seconds: a minute and an hour less a tenth of a second.
    let within = [("jwt-refresh-1m", 2900, 60), ("jwt-refresh", 2900, 300), ("jwt-refresh-1h", 2900, 3600)];
    let dear = Shape { refreshed: Some([24e3, 18e3]), ..PAIRED };
    let (outcome, detail) = claim("C4", dear, &within);
    assert_eq!(outcome, "holds", "{detail}");
    assert!(detail.contains("one minute 59.9 s") && detail.contains("slower"), "{detail}");
    // A period that costs nothing.
    let free = Shape { refreshed: Some([18e3, 18e3]), ..PAIRED };
    let (outcome, detail) = claim("C4", free, &within);
    assert_eq!(outcome, "refuted", "{detail}");
    // One that bounds nothing.
    let beyond = [("jwt-refresh-1m", 3100, 60), ("jwt-refresh", 2900, 300), ("jwt-refresh-1h", 2900, 3600)];
    let (outcome, detail) = claim("C4", dear, &beyond);
    assert_eq!(outcome, "refuted", "{detail}");
    // Without thefts nobody knows.
    assert_eq!(claim("C4", dear, &[]).0, "not-measurable");
}

#[test]
fn whether_a_session_is_the_cheapest_for_an_ordinary_service() {
    let (outcome, detail) = claim("C9", PAIRED, &[]);
    assert_eq!(outcome, "holds", "{detail}");
    let (outcome, detail) = claim("C9", Shape { sessions: 4.0, ..PAIRED }, &[]);
    assert_eq!(outcome, "refuted", "{detail}");
}
