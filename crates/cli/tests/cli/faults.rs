//! Fault plans from the command to the report, with real servers and a real Redis. Nothing here looks at measured times:
//! what is asserted holds on a machine that is busy with something else, too.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::run::children;
use crate::support::{authbench, gone, run_in, until};

const PLAN: &str = r#"
name = "small"
seed = 1
backends = ["session-redis", "jwt-denylist", "jwt-stateless"]
replicas = 2
together = 2
faults = ["store-killed", "store-stopped"]
deadline = "1s"

[load]
subjects = 4
ended = 2
requests = 30
writes = 4
logins = 4
logouts = 4
refreshes = 2
replays = 10
forgeries = 4

[time]
before = "500ms"
during = "2s"
after = "1500ms"
bucket = "100ms"
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.toml"), PLAN).unwrap();
    folder
}

fn report(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("out/report.json")).unwrap()).unwrap()
}

#[test]
fn a_store_that_is_killed_or_stopped_is_met_recorded_and_reported() {
    let folder = folder();
    // `run` hands a plan of what fails over.
    let said = run_in(folder.path(), &["run", "small.toml", "--out", "out"]);
    assert!(matches!(said.code, Some(0 | 3 | 4)), "{said:?}");
    assert!(said.stderr.contains("3 designs, 4 faults in them, about "), "{}", said.stderr);
    assert!(
        said.stdout.lines().all(|line| line.chars().count() <= 80 || line.contains('/')),
        "{}",
        said.stdout
    );
    let report = report(folder.path());
    assert_eq!((&report["complete"], report["designs"].as_array().unwrap().len()), (&true.into(), 3));
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 2);
    for fault in faults {
        // Who has no store does not meet its faults.
        let rows = fault["rows"].as_array().unwrap();
        let designs: Vec<&str> = rows.iter().map(|row| row["backend"].as_str().unwrap()).collect();
        assert_eq!(designs, ["session-redis", "jwt-denylist"]);
        for row in rows {
            let requests = &row["requests"];
            assert!(requests["unavailable"].as_u64().unwrap() > 0, "{row}");
            assert_eq!(
                (&requests["refused"], &row["wrong_accepts"], &row["lost_logins"], &row["forged_accepts"]),
                (&0.into(), &0.into(), &0.into(), &0.into()),
                "{row}"
            );
            assert!(row["forgeries"].as_u64().unwrap() > 0 && row["replays"].as_u64().unwrap() > 0, "{row}");
            let against = row["contradictions"].to_string();
            assert!(!against.contains("Retry-After") && !against.contains("failed"), "{against}");
            assert!(!against.contains("panicked") && !against.contains("ended during"), "{against}");
        }
    }

    // The same recording gives the same report, and one that was changed none.
    let again = run_in(folder.path(), &["report", "out", "--out", "again"]);
    assert_eq!(again.code, said.code, "{again:?}");
    for name in ["report.html", "report.md", "report.json"] {
        let read = |below: &str| fs::read(folder.path().join(below).join(name)).unwrap();
        assert!(read("out") == read("again"), "{name}");
    }
    let results = folder.path().join("out/faults.jsonl");
    let text = fs::read_to_string(&results).unwrap();
    fs::write(&results, text.replacen("\"replicas\":2", "\"replicas\":3", 1)).unwrap();
    let refused = run_in(folder.path(), &["report", "out"]);
    assert!(!matches!(refused.code, Some(0 | 3)) && refused.stderr.contains("was changed"), "{refused:?}");
}

#[test]
fn what_has_no_meaning_for_a_fault_plan_is_refused_before_anything_starts() {
    let folder = folder();
    for (arguments, part) in [
        (vec!["run", "small.toml", "--rounds", "8"], "--rounds has no meaning"),
        (vec!["run", "small.toml", "--redis", "redis://127.0.0.1:1"], "--redis has no meaning"),
        (vec!["faults", "small.toml", "--fault", "store-kiled"], "one of store-killed"),
        (vec!["faults", "small.toml", "--fault", "login-flood"], "no [flood]"),
        (vec!["faults", "small.toml", "--backend", "session-rediss"], "did you mean `session-redis`?"),
        (vec!["faults", "nothing-of-that-name"], "no built-in fault plan"),
    ] {
        let said = run_in(folder.path(), &arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:?}");
        assert!(said.stderr.contains(part), "{arguments:?}: {}", said.stderr);
        assert!(!folder.path().join("authbench-reports").exists(), "{arguments:?}");
    }
    let checked = run_in(folder.path(), &["check", "small.toml"]);
    assert_eq!(
        (checked.code, checked.stdout.as_str()),
        (Some(0), "small.toml: fault plan `small` is good\n")
    );
}

#[test]
fn what_a_killed_fault_plan_leaves_the_next_command_takes_away() {
    let folder = folder();
    let temporary = folder.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let there = || -> Vec<String> {
        let entries = fs::read_dir(&temporary).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let mut faults = authbench()
        .current_dir(folder.path())
        .env("TMPDIR", &temporary)
        .args(["faults", "small.toml", "--out", "out"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Each of the two stores that are to come back with their data keeps them in the run's own folder.
    let stores = || {
        let own = there().into_iter().filter_map(|name| fs::read_dir(temporary.join(name)).ok()).flatten();
        let named = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        own.map(named).filter(|name| name.starts_with("store-")).count()
    };
    until("both stores have a folder", || stores() == 2);
    let started = children(faults.id());
    faults.kill().unwrap();
    faults.wait().unwrap();
    until("its children are gone", || started.iter().all(|pid| gone(*pid)));
    assert!(there().iter().all(|name| name.starts_with("authbench-run-")), "{:?}", there());
    let next = authbench().env("TMPDIR", &temporary).args(["conform", "none"]).output().unwrap();
    assert_eq!(there(), [""; 0], "{}", String::from_utf8_lossy(&next.stderr));
}
