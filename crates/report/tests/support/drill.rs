//! A synthetic drill, to lie beside the synthetic recording: three replicas, every event, three designs of the truth.

use std::fmt::Write as _;
use std::path::Path;

use measure::drill::DrillLine;
use measure::recording::sha256_hex;
use serde_json::{Value, json};

use super::environment;

const PLAN: &str = include_str!("../../../../scenarios/drills/matrix.toml");
const STEP_NS: i64 = 50_000_000;
const EVENTS: [&str; 7] =
    ["logout", "logout-all", "password-change", "disable", "key-rotation", "reuse", "expiry"];
/// Name, longest time that what was stolen works after the end, ms, and whether one replica alone knows at once.
const DESIGNS: [(&str, i64, bool); 5] = [
    ("session-redis", 0, false),
    ("jwt-allowlist", 0, false),
    ("jwt-denylist-cached", 500, true),
    ("jwt-refresh", 3000, false),
    ("jwt-stateless", 3000, false),
];

/// Writes a drill into the folder `drill` beside the recording. It was cut off: there is no manifest.
pub(crate) fn write(dir: &Path) {
    write_cells(dir, DESIGNS.iter().flat_map(|design| EVENTS.map(|event| survival(*design, event))));
}

/// The same of logouts alone. By design: how long what was stolen worked, ms, its credentials living for three seconds; and
/// how long they live by its file, s.
pub(crate) fn write_logouts(dir: &Path, designs: &[(&str, i64, u64)]) {
    let cells = designs.iter().map(|&(row, works_ms, life_s)| {
        let mut cell = survival((row, works_ms, false), "logout");
        cell["bound_ns"] = cell["lifetime_ns"].clone();
        cell["unscaled_bound_ns"] = json!(life_s * 1_000_000_000);
        cell
    });
    write_cells(dir, cells);
}

fn write_cells(dir: &Path, cells: impl Iterator<Item = Value>) {
    let folder = dir.join("drill");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("drill.toml"), PLAN).unwrap();
    std::fs::write(folder.join("environment.json"), environment().to_string()).unwrap();
    let mut previous = sha256_hex(PLAN.as_bytes());
    let mut text = String::new();
    for (sequence, mut line) in cells.enumerate() {
        line["schema"] = json!(1);
        line["sequence"] = json!(sequence);
        line["previous"] = json!(previous);
        // Whatever reads it must find it whole.
        let line: DrillLine = serde_json::from_value(line).unwrap();
        let line = serde_json::to_string(&line).unwrap();
        previous = sha256_hex(line.as_bytes());
        writeln!(text, "{line}").unwrap();
    }
    std::fs::write(folder.join("drills.jsonl"), text).unwrap();
}

fn survival((row, works_ms, one_knows): (&str, i64, bool), event: &str) -> Value {
    let works_ns = if event == "expiry" { 0 } else { works_ms * 1_000_000 };
    let steps: Vec<i64> = (-6..66).map(|step| step * STEP_NS).collect();
    let replica = |number: i64| {
        let until = if one_knows && number == 0 { 0 } else { works_ns };
        // Caches run out one after the other; lives end together.
        let share = |at: i64| match at {
            at if at < 0 => 1.0,
            at if at >= until => 0.0,
            at if works_ms < 1000 => 1.0 - at as f64 / until as f64,
            _ => 1.0,
        };
        let accepted: Vec<u64> = steps.iter().map(|at| (100.0 * share(*at)) as u64).collect();
        json!({ "sent": vec![100; steps.len()], "accepted": accepted })
    };
    let replicas: Vec<Value> = (0..3).map(replica).collect();
    let accepted: u64 = replicas
        .iter()
        .flat_map(|replica| replica["accepted"].as_array().unwrap().iter().skip(6))
        .map(|count| count.as_u64().unwrap())
        .sum();
    let spread = json!({ "p50": works_ns / 2, "p99": works_ns, "max": works_ns });
    let there = json!({ "accepted_after": accepted / 3, "longest_ns": works_ns });
    json!({
        "drill": "survival", "backend": row, "event": event, "thief": "access", "trials": 100, "ended": 100,
        "cannot": 0, "sent_before": 1800, "accepted_before": 1800, "sent_after": 19_800, "accepted_after": accepted,
        "survival_ns": spread, "by_replica": [there, there, there], "alarms": 0, "forced_logouts": 0,
        "resolution_ns": STEP_NS, "lateness_ns": { "p50": 0, "p99": 1, "max": 2 }, "lifetime_ns": 3_000_000_000_u64,
        "bound_ns": works_ns, "within": true, "void": null,
        "timeline": { "from_ns": -6 * STEP_NS, "step_ns": STEP_NS, "replicas": replicas },
    })
}
