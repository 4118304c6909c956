//! One table of the report, computed again from the folder of the recording by somebody else: a few lines of Python.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::allow_attributes, reason = "test code")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use measure::Recording;
use report::build;
use report::metric::Metric;
use support::STANDARD;

mod support;

/// CPU per request of every row, and its ratio to the baseline: the Hodges–Lehmann centre of the logarithms over rounds.
const SCRIPT: &str = r#"
import json, sys
from math import exp, log
from statistics import median

blocks = [json.loads(line) for line in open(sys.argv[1] + "/blocks.jsonl")]
scenario, baseline = sys.argv[2:4]
cpu = {}
for b in blocks:
    if b["kind"] == "paired" and b["scenario"] == scenario and b.get("store_rtt_us", 0) == 0 and b["validity"]["valid"]:
        used = b["server"]["cpu_ns"] + (b["store"]["cpu_ns"] if b["store"] else 0)
        answered = b["achieved_rate"] * b["measured_ns"] / 1e9
        # Of two blocks of one round, the second stands in for a void one only.
        cpu.setdefault(b["backend"], {}).setdefault((b["restart"], b["round"]), used / answered)
centre = lambda v: median((a + b) / 2 for i, a in enumerate(v) for b in v[i:])
table = {}
for row, own in cpu.items():
    base = cpu[baseline]
    logs = [log(own[r] / base[r]) for r in own if r in base]
    table[row] = [exp(centre([log(v) for v in own.values()])), exp(centre(logs))]
print(json.dumps(table))
"#;

fn agrees(folder: &Path) {
    let recording = Recording::open(folder).unwrap();
    let report = build(&recording).unwrap();
    let scenario = report.headline().unwrap();
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(folder)
        .args([&scenario.scenario, &report.run.baseline])
        .output()
        .expect("this test needs python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table: BTreeMap<String, [f64; 2]> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(table.len(), scenario.rows.len());
    for (row, [cpu, ratio]) in table {
        let said = scenario.figure(&row, Metric::Cpu).unwrap().value;
        assert!((cpu / said - 1.0).abs() < 1e-5, "{row}: {cpu} ns by Python, {said} ns in the report");
        let Some(compared) = scenario.comparison(&report.run.baseline, &row, Metric::Cpu) else {
            assert_eq!(row, report.run.baseline);
            continue;
        };
        let said = compared.ratio.unwrap().value;
        assert!((ratio - said).abs() < 1e-4, "{row}: {ratio} by Python, {said} in the report");
    }
}

#[test]
fn python_gets_the_same_table_from_a_synthetic_recording() {
    let dir = support::scratch();
    support::recording(dir.path(), STANDARD);
    agrees(dir.path());
}

#[test]
fn python_gets_the_same_table_from_every_committed_recording() {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports");
    let folders: Vec<PathBuf> = std::fs::read_dir(reports)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| folder.join("blocks.jsonl").is_file() && !folder.ends_with("local"))
        .collect();
    assert!(!folders.is_empty());
    folders.iter().for_each(|folder| agrees(folder));
}
