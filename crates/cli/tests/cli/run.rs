//! `authbench run` end to end: real servers, a real Redis, small and short. What is judged is what is left behind, never
//! a measured time.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::support::{Said, authbench, gone, kill, kill_group, run_in, until};
use crate::tiny;

/// Two backends without and two with Redis, in so many rounds of 80 ms, and one short episode.
fn plan(rounds: u32) -> String {
    tiny::plan("tiny.toml", &["session-redis", "none", "session-memory", "jwt-stateless"], rounds)
        .replace("episodes = []", "episodes = [\"cafe\"]")
}

fn folder_with_plan(rounds: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), tiny::SCENARIO).unwrap();
    fs::write(folder.path().join("plan.toml"), plan(rounds)).unwrap();
    folder
}

/// 0, or 4 where this machine was too busy to measure: what the figures are worth is not what is tested here.
fn assert_measured(said: &Said) {
    assert!(matches!(said.code, Some(0 | 4)), "{said:?}");
}

/// In a process group of its own, as a shell starts it.
fn start(folder: &Path, arguments: &[&str]) -> Child {
    authbench()
        .process_group(0)
        .current_dir(folder)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts")
}

/// Processes whose parent is `parent`.
pub(crate) fn children(parent: u32) -> Vec<i32> {
    let of = |pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name, which may contain anything: state, then the parent's id.
        stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let pids = fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| of(*pid) == Some(parent)).collect()
}

pub(crate) fn finished_blocks(recording: &Path) -> usize {
    fs::read_to_string(recording.join("blocks.jsonl")).map_or(0, |text| text.lines().count())
}

/// Planned blocks on disk: one that failed its self-checks may have been measured a second time.
fn planned_blocks(recording: &Path) -> usize {
    let text = fs::read_to_string(recording.join("blocks.jsonl")).expect("blocks");
    let place = |line: &str| {
        let block: serde_json::Value = serde_json::from_str(line).expect("a block");
        format!("{} {} {}", block["scenario"], block["backend"], block["round"])
    };
    text.lines().map(place).collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn a_plan_is_measured_reported_and_reported_again_byte_for_byte() {
    let folder = folder_with_plan(6);
    let said = run_in(folder.path(), &["run", "plan.toml", "--out", "out"]);
    assert_measured(&said);
    assert!(said.stderr.contains("4 rows, 28 blocks: about"), "{}", said.stderr);
    for row in ["none", "session-memory", "session-redis", "jwt-stateless"] {
        assert!(said.stdout.contains(row), "{row} is not in:\n{}", said.stdout);
    }
    assert!(said.stdout.contains("out/report.html"), "{}", said.stdout);

    let out = folder.path().join("out");
    assert_eq!(planned_blocks(&out), 28);
    let finished = finished_blocks(&out);
    let written: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).expect("JSON");
    assert_eq!(written["wrong"], serde_json::json!([]), "no backend breaks its promise");
    assert_eq!(written["run"]["complete"], true);

    for (format, file) in [("json", "report.json"), ("html", "report.html"), ("markdown", "report.md")] {
        let again = run_in(folder.path(), &["report", "out", "--format", format]);
        assert_eq!(again.code, said.code, "{format}");
        assert!(
            again.stdout.as_bytes() == fs::read(out.join(file)).unwrap(),
            "{file} differs when it is built again"
        );
    }
    let again = run_in(folder.path(), &["report", "out", "--out", "again", "--format", "junit"]);
    assert_eq!(again.code, said.code);
    assert_eq!(fs::read_dir(folder.path().join("again")).unwrap().count(), 1);

    let refused = run_in(folder.path(), &["run", "plan.toml", "--out", "out"]);
    assert!(
        !matches!(refused.code, Some(0 | 4)),
        "an older recording must not be mixed with a new one: {refused:?}"
    );
    assert_eq!(finished_blocks(&out), finished);
}

#[test]
fn without_redis_what_needs_it_is_skipped_and_the_rest_is_measured() {
    let folder = folder_with_plan(6);
    let nothing = tempfile::tempdir().unwrap();
    let output = authbench()
        .current_dir(folder.path())
        .env("PATH", nothing.path())
        .args(["run", "plan.toml", "--scenario", "tiny.toml", "--backend", "session-memory", "--out", "out"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4)), "{stderr}");
    assert!(stderr.contains("skipped session-redis:") && stderr.contains("install"), "{stderr}");
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("out/report.json")).unwrap()).unwrap();
    assert_eq!(report["skipped"][0]["backend"], "session-redis");
    assert_eq!(planned_blocks(&folder.path().join("out")), 12);
}

#[test]
fn ctrl_c_keeps_the_finished_blocks_and_reports_them() {
    let folder = folder_with_plan(9000);
    let child = start(folder.path(), &["run", "plan.toml", "--scenario", "tiny.toml", "--out", "out"]);
    let (pid, out) = (child.id(), folder.path().join("out"));
    until("some blocks are finished", || finished_blocks(&out) >= 8);
    let started = children(pid);
    assert!(!started.is_empty(), "a run has servers");
    // What a terminal does on Ctrl-C: everything in the foreground group gets the signal.
    kill_group("-INT", pid);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(started.into_iter().all(gone), "every child has ended when the run has");
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["run"]["complete"], false);
    assert!(finished_blocks(&out) >= 8);
    assert!(out.join("manifest.json").exists(), "a run that was stopped ends in order");
}

#[test]
fn kill_9_leaves_no_orphan_and_a_recording_that_can_be_read() {
    let folder = folder_with_plan(9000);
    let mut child = start(folder.path(), &["run", "plan.toml", "--scenario", "tiny.toml", "--out", "out"]);
    let out = folder.path().join("out");
    until("some blocks are finished", || finished_blocks(&out) >= 8);
    let started = children(child.id());
    assert!(started.len() >= 5, "four servers and a Redis, not {started:?}");
    kill("-KILL", child.id());
    child.wait().unwrap();
    until("every child has ended", || started.iter().all(|pid| gone(*pid)));

    let said = run_in(folder.path(), &["report", "out", "--format", "json"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(report["run"]["complete"], false);
}

#[test]
fn a_folder_that_cannot_be_written_is_found_before_anything_is_measured() {
    let folder = folder_with_plan(9000);
    fs::write(folder.path().join("file"), "").unwrap();
    let said = run_in(folder.path(), &["run", "plan.toml", "--out", "file/below"]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("error: the report cannot be written to file/below"), "{}", said.stderr);
    assert!(
        said.stderr.contains("help: choose a folder that can be written to: --out DIR"),
        "{}",
        said.stderr
    );
    assert!(!said.stderr.contains("blocks: about"), "it was found late: {}", said.stderr);
}

#[test]
fn a_recording_that_was_changed_is_refused() {
    let folder = folder_with_plan(6);
    let run = ["run", "plan.toml", "--scenario", "tiny.toml", "--backend", "none", "--out", "out"];
    assert_measured(&run_in(folder.path(), &run));
    let blocks = folder.path().join("out/blocks.jsonl");
    let text = fs::read_to_string(&blocks).unwrap().replacen("\"round\":0", "\"round\":1", 1);
    fs::write(&blocks, text).unwrap();
    let said = run_in(folder.path(), &["report", "out"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(4), ""));
    assert!(said.stderr.contains("blocks.jsonl"), "{}", said.stderr);
}

#[test]
fn two_runs_are_compared_only_where_they_can_be() {
    let folder = folder_with_plan(6);
    let measure = |out: &str, seed: &str| {
        let two = ["--scenario", "tiny.toml", "--backend", "session-memory"];
        let run = [&["run", "plan.toml", "--seed", seed, "--out", out][..], &two[..]].concat();
        assert_measured(&run_in(folder.path(), &run));
    };
    measure("base", "1");
    measure("head", "1");
    measure("other", "2");

    let said = run_in(folder.path(), &["compare", "base", "head", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let compared: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        (&compared["reference"], &compared["differs"]),
        (&"session-redis".into(), &serde_json::json!([]))
    );
    let rows: Vec<&str> =
        compared["changes"].as_array().unwrap().iter().filter_map(|change| change["row"].as_str()).collect();
    assert!(rows.contains(&"none") && rows.contains(&"session-memory"), "{rows:?}");

    let said = run_in(folder.path(), &["compare", "base", "other"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
    assert!(said.stderr.contains("these runs are not comparable:\n  plan: "), "{}", said.stderr);
    assert!(said.stderr.contains("help: ") && said.stderr.contains("--anyway"), "{}", said.stderr);
    let said = run_in(folder.path(), &["compare", "base", "other", "--anyway"]);
    assert_eq!(said.code, Some(0));
    assert!(said.stdout.starts_with("warning: plan: "), "{}", said.stdout);

    let said = run_in(folder.path(), &["compare", "base", "head", "--reference", "nobody"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.stderr.contains("has no row `nobody`") && said.stderr.contains("session-redis"),
        "{}",
        said.stderr
    );
}
