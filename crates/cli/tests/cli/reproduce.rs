//! `reproduce` from end to end: a plan is measured by real processes, and measured again from the report it left.

use std::fs;
use std::path::Path;

use crate::support::{Said, run_in};
use crate::tiny;

/// A folder with a run of the plan in `then/`.
fn measured() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let plan = tiny::plan("tiny.toml", &["session-memory", "none", "jwt-stateless"], 6);
    fs::write(folder.path().join("tiny.toml"), tiny::SCENARIO).unwrap();
    fs::write(folder.path().join("plan.toml"), plan).unwrap();
    let said = run_in(folder.path(), &["run", "plan.toml", "--out", "then"]);
    assert!(matches!(said.code, Some(0 | 4)), "{said:?}");
    folder
}

fn reproduce(folder: &Path, more: &[&str]) -> Said {
    run_in(folder, &[&["reproduce", "then/report.json", "--out", "now"], more].concat())
}

#[test]
fn a_report_is_measured_again_and_its_ratios_compared() {
    let folder = measured();
    let said = reproduce(folder.path(), &["--json"]);
    // What this machine's figures are worth is not what is tested: they may differ, or be void.
    assert!(matches!(said.code, Some(0 | 3 | 4)), "{said:?}");
    let found: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let changes = found["changes"].as_array().unwrap();
    let rows: Vec<&str> = changes.iter().map(|change| change["row"].as_str().unwrap()).collect();
    assert!(rows.contains(&"none") && rows.contains(&"jwt-stateless"), "{rows:?}");
    assert!(!rows.contains(&"session-memory"), "the reference has no ratio: {rows:?}");
    let counts = ["reproduced", "differ", "open", "unranked"];
    let sum: u64 = counts.iter().map(|count| found[count].as_u64().unwrap()).sum();
    assert_eq!(sum, changes.len() as u64, "{found}");
    assert_eq!(found["differs"], serde_json::json!([]), "the plan and the machine are those of then");
    assert_eq!(said.code == Some(3), found["differ"] != 0);
    // The new recording is whole, of the same plan and seed, and its report is written beside it.
    let plan = |run: &str| fs::read_to_string(folder.path().join(run).join("plan.toml")).unwrap();
    assert_eq!(plan("now"), plan("then"));
    assert!(folder.path().join("now/report.html").is_file());
    let compared = run_in(folder.path(), &["compare", "then", "now"]);
    assert_eq!(compared.code, Some(0), "{compared:?}");

    // What is there is not measured over.
    let again = reproduce(folder.path(), &[]);
    assert_eq!(again.code, Some(2), "{again:?}");

    // Another scenario under the same name is not the same measurement.
    let other = tiny::SCENARIO.replace("rate = 300", "rate = 200");
    fs::write(folder.path().join("tiny.toml"), other).unwrap();
    let changed = run_in(folder.path(), &["reproduce", "then", "--out", "later"]);
    assert_eq!(changed.code, Some(2), "{changed:?}");
    assert!(changed.stderr.contains("scenario `tiny.toml` has changed"), "{changed:?}");
    assert!(!folder.path().join("later").exists());

    // Neither is a recording that was touched.
    let blocks = folder.path().join("then/blocks.jsonl");
    let text = fs::read_to_string(&blocks).unwrap();
    fs::write(&blocks, text.replacen("\"round\":0", "\"round\":1", 1)).unwrap();
    let touched = run_in(folder.path(), &["reproduce", "then", "--out", "later"]);
    assert_eq!(touched.code, Some(4), "{touched:?}");
    assert!(touched.stderr.contains("was changed after it was recorded"), "{touched:?}");
}
