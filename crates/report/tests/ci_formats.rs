//! The formats for continuous integration, read by parsers that nobody here wrote: junitparser, the OpenMetrics parser
//! of prometheus_client, and jsonschema. Needs Python with these three.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::allow_attributes, reason = "test code")]

use std::path::Path;
use std::process::Command;

use report::claims::{ClaimOutcome, ClaimResult, Expectation};
use report::{Format, Report, build, export, write};
use serde_json::Value;
use support::{STANDARD, Shape};

mod support;

fn python() -> Command {
    let has = |name: &&str| {
        let import = "import jsonschema, junitparser, prometheus_client.openmetrics.parser";
        Command::new(name)
            .args(["-W", "ignore", "-c", import])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let name = ["python3", "/usr/bin/python3"].into_iter().find(has).expect(
        "this test needs Python with three parsers: install them with \
         `apt-get install python3-jsonschema python3-junitparser python3-prometheus-client`",
    );
    let mut command = Command::new(name);
    command.args(["-W", "ignore"]);
    command
}

fn claim(id: &str, outcome: ClaimOutcome, expect: Expectation) -> ClaimResult {
    let detail = "a ratio of 1.007× [0.992, 1.021] & \u{7}more".to_owned();
    ClaimResult { id: id.to_owned(), sentence: "A <sentence> \"said\"".to_owned(), outcome, detail, expect }
}

fn parsed(dir: &Path, report: &Report) -> Value {
    write(dir, &Format::ALL, report).unwrap();
    let schema = serde_json::to_vec(&schemars::schema_for!(Report)).unwrap();
    std::fs::write(dir.join("report.schema.json"), schema).unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ci_formats");
    let output = python().arg(here.join("check.py")).arg(dir).arg(&here).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn parsers_of_others_read_what_we_write() {
    let dir = support::scratch();
    let shape = Shape { rounds: 10, wrong: true, ..STANDARD };
    let mut report = build(&support::recording(&dir.path().join("recording"), shape)).unwrap();
    report.claims = vec![
        claim("held", ClaimOutcome::Holds, Expectation::Any),
        claim("refuted-but-any", ClaimOutcome::Refuted, Expectation::Any),
        claim("contradicted", ClaimOutcome::Refuted, Expectation::Holds),
        claim("open", ClaimOutcome::Inconclusive, Expectation::Holds),
        claim("later", ClaimOutcome::NotMeasurable, Expectation::Holds),
    ];
    let found = parsed(dir.path(), &report);

    let case = |name: &str| found["cases"][format!("standard.{name}")].as_str().map(str::to_owned);
    assert_eq!(found["cases"].as_object().unwrap().len(), 6);
    assert_eq!(case("claims.held").as_deref(), Some("Passed"));
    assert_eq!(case("claims.refuted-but-any").as_deref(), Some("Passed"));
    assert_eq!(case("claims.contradicted").as_deref(), Some("Failure"));
    assert_eq!(case("claims.open").as_deref(), Some("Skipped"));
    assert_eq!(case("claims.later").as_deref(), Some("Skipped"));
    assert_eq!(case("run.validity").as_deref(), Some("Passed"));

    let metrics = found["metrics"].as_object().unwrap();
    for (name, family) in metrics {
        let unit = family["unit"].as_str().unwrap();
        assert!(unit.is_empty() || name.ends_with(&format!("_{unit}")), "{name} {unit}");
        assert!(family["samples"].as_u64().unwrap() > 0, "{name}");
    }
    assert_eq!(metrics["authbench_run"]["type"], "info");
    assert_eq!(metrics["authbench_verdict"]["type"], "stateset");
    // Five verdicts of eleven rows on two metrics.
    assert_eq!(metrics["authbench_verdict"]["samples"], 5 * 11 * 2);
    assert_eq!(metrics["authbench_response_p50_seconds"]["samples"], 12 * 3);
    assert_eq!(metrics["authbench_wrong_answers"]["samples"], 1);

    let bmf = found["bmf"].as_object().unwrap();
    assert!(bmf.contains_key("steady/jwt-denylist vs session-redis"), "{:?}", bmf.keys());
    assert!(bmf.contains_key("steady/session-redis.twin vs session-redis-bencher-ignore"));
    assert_eq!(
        bmf["steady/jwt-denylist vs session-redis"],
        serde_json::json!(["cpu-ratio", "response-p50-ratio"])
    );
    let names = found["smaller"].as_array().unwrap();
    assert!(
        names.iter().any(|name| name == "steady/jwt-denylist: CPU per request ratio to session-redis"),
        "{names:?}"
    );
    assert_eq!(found["bigger"].as_array().unwrap().len(), 10);
}

#[test]
fn an_unreliable_run_fails_no_build() {
    let dir = support::scratch();
    let shape = Shape { rounds: 10, broken_twin: true, ..STANDARD };
    let report = build(&support::recording(&dir.path().join("recording"), shape)).unwrap();
    let found = parsed(dir.path(), &report);
    assert_eq!(found["cases"]["standard.run.validity"], "Skipped");
}

#[test]
fn the_same_recording_gives_the_same_bytes() {
    let dir = support::scratch();
    let folder = dir.path().join("recording");
    let first = build(&support::recording(&folder, Shape { rounds: 10, ..STANDARD })).unwrap();
    let again = build(&measure::Recording::open(&folder).unwrap()).unwrap();
    for format in Format::ALL {
        assert_eq!(export(format, &first).unwrap(), export(format, &again).unwrap(), "{}", format.name());
        assert_eq!(Format::from_name(format.name()), Some(format));
    }
}

#[test]
fn files_are_whole_or_not_there() {
    let dir = support::scratch();
    let shape = Shape { rounds: 10, interrupted: true, episodes: false, ..STANDARD };
    let report = build(&support::recording(&dir.path().join("recording"), shape)).unwrap();
    assert!(!report.run.complete);
    let out = dir.path().join("a/b");
    let written = write(&out, &Format::USUAL, &report).unwrap();
    let mut names: Vec<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["report.html", "report.json", "report.md"]);
    assert_eq!(written.len(), 3);

    // Where a file stands in the way of the folder, the error names it and says what to do.
    let blocked = dir.path().join("file");
    std::fs::write(&blocked, "x").unwrap();
    let error = write(&blocked, &Format::USUAL, &report).unwrap_err().to_string();
    assert!(error.contains("file") && error.contains("--out"), "{error}");
}
