//! `ci`, `capacity` and the plan for decision records, small and short, with real servers.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::{authbench, run_in};
use crate::tiny;

/// Nothing short of a build that is nearly twice as slow fails it: what figures are worth is not what is tested here.
fn plan() -> String {
    tiny::plan("tiny.toml", &["session-memory", "none"], 6).replace("margin = 0.05", "margin = 0.9")
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), tiny::SCENARIO).unwrap();
    fs::write(folder.path().join("plan.toml"), plan()).unwrap();
    folder
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn two_builds_are_two_rows_of_one_run_with_a_summary() {
    let folder = folder();
    let program = env!("CARGO_BIN_EXE_authbench");
    let summary = folder.path().join("summary.md");
    let output = authbench()
        .current_dir(folder.path())
        .env("GITHUB_STEP_SUMMARY", &summary)
        .args(["ci", program, program, "--plan", "plan.toml", "--backend", "jwt-stateless", "--out", "out"])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    // 4 where this machine was too busy to measure.
    assert!(matches!(output.status.code(), Some(0 | 4)), "{stderr}");
    let text = fs::read_to_string(&summary).unwrap();
    assert_eq!(text.as_bytes(), output.stdout);
    assert!(text.contains("| tiny | jwt-stateless | "), "{text}");
    let run = json(&folder.path().join("out/run.json"));
    let rows: Vec<&str> =
        run["rows"].as_array().unwrap().iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(rows, ["base", "head"]);
    assert_eq!(run["rows"][0]["header"]["name"], "jwt-stateless");
    let hash = run["rows"][0]["executable_sha256"].as_str().unwrap();
    assert!(hash.len() == 64 && run["rows"][1]["executable_sha256"] == hash);
    assert!(folder.path().join("out/report.html").is_file());
    // The same recording, taken as two: its own ratios have not changed.
    let said = run_in(folder.path(), &["ci", "out", "out", "--json"]);
    assert!(matches!(said.code, Some(0 | 4)), "{said:?}");
    let gate: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&gate["kind"], &gate["findings"][0]["backend"]), (&"recordings".into(), &"head".into()));
}

#[test]
fn a_build_and_a_recording_are_not_compared() {
    let folder = folder();
    let program = env!("CARGO_BIN_EXE_authbench");
    let said = run_in(folder.path(), &["ci", program, "."]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
    assert!(said.stderr.contains("one is a program and the other a recording"), "{}", said.stderr);
    let said = run_in(folder.path(), &["ci", "nowhere", "."]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("nowhere: no such program or recording"), "{}", said.stderr);
}

#[test]
fn a_program_that_is_no_build_is_named_and_leaves_nothing() {
    let folder = folder();
    let program = env!("CARGO_BIN_EXE_authbench");
    let said = run_in(
        folder.path(),
        &["ci", program, "/bin/true", "--plan", "plan.toml", "--backend", "none", "--out", "out"],
    );
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("server of head"), "{}", said.stderr);
    assert!(!folder.path().join("out").exists());
}

#[test]
fn capacities_are_searched_and_kept_with_every_probe() {
    let folder = folder();
    let search = [
        "capacity",
        "--backend",
        "none",
        "--backend",
        "session-redis",
        "--scenario",
        "tiny.toml",
        "--start",
        "200",
        "--lowest",
        "100",
        "--highest",
        "400",
        "--probe",
        "100ms",
        "--warm",
        "20ms",
        "--p99",
        "1s",
        "--errors",
        "50%",
        "--out",
        "out",
    ];
    let said = run_in(folder.path(), &[&search[..], &["--json"]].concat());
    assert!(matches!(said.code, Some(0 | 4)), "{said:?}");
    let run: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(run, json(&folder.path().join("out/capacity.json")));
    assert_eq!(
        (&run["schema"], &run["complete"], &run["scenario"]),
        (&1.into(), &true.into(), &"tiny".into())
    );
    let rows = run["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let probes = row["probes"].as_array().unwrap();
        assert!(!probes.is_empty() && row["limit"].is_string(), "{row}");
        for probe in probes {
            assert!(probe["p99_ns"].as_u64() >= probe["p50_ns"].as_u64(), "{probe}");
            assert!(probe["server_cpu_ns"].as_f64().is_some_and(|cpu| cpu > 0.0), "{probe}");
            assert_eq!(probe["store_cpu_ns"].is_number(), row["name"] == "session-redis", "{probe}");
        }
    }
    let again = run_in(folder.path(), &search);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.stderr.contains("capacity.json: is there already"), "{}", again.stderr);
    let wrong = run_in(folder.path(), &["capacity", "--start", "10", "--lowest", "100"]);
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.stderr.contains("help: set --lowest, --start and --highest in this order"),
        "{}",
        wrong.stderr
    );
}

/// The shipped plan for decision records, with fewer rows and short blocks.
fn evidence() -> String {
    let shipped = include_str!("../../../../scenarios/plans/evidence.toml");
    let mut text = shipped.to_owned();
    for (from, to) in [
        ("scenario = \"steady\"", "scenario = \"tiny.toml\""),
        ("rounds = 24", "rounds = 6"),
        ("rounds_max = 48", "rounds_max = 6"),
        ("warm_ms = 100", "warm_ms = 20"),
        ("block_ms = 400", "block_ms = 60"),
        ("pilot_ms = 10000", "pilot_ms = 1000"),
        ("episodes = [\"cafe\", \"login-storm\", \"workday\"]", "episodes = []"),
        ("episode_ms = { login-storm = 3000 }\n", ""),
    ] {
        assert!(text.contains(from), "the shipped plan has no `{from}`");
        text = text.replace(from, to);
    }
    for dropped in ["session-memory", "jwt-denylist", "jwt-denylist-index", "jwt-allowlist", "jwt-refresh"] {
        text = text.replace(&format!("  \"{dropped}\",\n"), "");
    }
    text
}

#[test]
fn the_plan_for_decision_records_restarts_everything_and_compares_over_the_restarts() {
    let folder = folder();
    fs::write(folder.path().join("evidence.toml"), evidence()).unwrap();
    let said = run_in(folder.path(), &["run", "evidence.toml", "--out", "out"]);
    assert!(matches!(said.code, Some(0 | 4)), "{said:?}");
    let report = json(&folder.path().join("out/report.json"));
    assert_eq!((&report["run"]["restarts"], &report["run"]["complete"]), (&3.into(), &true.into()));
    // Each restart has rounds of its own, counted on, and every row in each.
    let scenario = &report["scenarios"][0];
    assert_eq!(scenario["rounds"], 18);
    let rows = ["none", "session-redis", "jwt-stateless", "session-redis.twin", "session-redis.plus10"];
    for row in rows {
        let rounds: BTreeSet<u64> = scenario["blocks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|block| block["row"] == row)
            .filter_map(|block| block["round"].as_u64())
            .collect();
        assert_eq!(rounds, (0..18).collect(), "{row}");
    }
    let events = fs::read_to_string(folder.path().join("out/events.jsonl")).unwrap();
    let started = events.lines().filter(|line| line.contains("\"event\":\"started\"")).count();
    let pilots = events.lines().filter(|line| line.contains("\"event\":\"pilot\"")).count();
    assert_eq!((started, pilots), (3, rows.len()));
    // Two restarts or fewer are remarked on; three carry their variance in the interval.
    assert!(!report["validity"]["cautions"].to_string().contains("restarted once"));
}
