//! A synthetic search for capacity, to lie beside the synthetic recording.

use std::path::Path;

use serde_json::{Value, json};

use super::{STANDARD, START, environment, truths};

/// Writes a search for capacity beside the recording: what each row carries follows from its CPU.
pub(crate) fn write(dir: &Path) {
    let rows: Vec<Value> = truths(STANDARD)
        .iter()
        .filter(|truth| !truth.name.contains('.'))
        .map(|truth| {
            let carries = 0.8e9 / truth.cost[1];
            let probe = |(order, share): (usize, f64)| {
                let waits = 1.0 / (1.02 - share.min(1.0));
                json!({
                    "order": order, "rate": carries * share, "offered_rate": carries * share, "achieved_rate": carries * share,
                    "p50_ns": (truth.cost[0] * (0.8 + 0.2 * waits)) as u64, "p99_ns": (truth.cost[0] * 3.0 * waits) as u64,
                    "error_share": 0.0, "server_cpu_ns": truth.cost[1] * (1.2 - 0.2 * share), "store_cpu_ns": null,
                    "generator_kept_up": true, "holds": share <= 1.0, "repeated": false, "reasons": [],
                })
            };
            let probes: Vec<Value> = [0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1].into_iter().enumerate().map(probe).collect();
            json!({
                "name": truth.name, "backend_sha256": "5".repeat(64), "describe": null, "rate": carries,
                "limit": if truth.name == "none" { "generator" } else { "objective" }, "failed": null, "probes": probes,
            })
        })
        .collect();
    let run = json!({
        "schema": 1,
        "tool": { "version": "0.1.0", "binary_sha256": "a".repeat(64), "rustc": "rustc 1.95.0", "target": "x86_64-unknown-linux-gnu", "profile": "release", "commit": null },
        "started_unix_ns": START, "scenario": "steady", "scenario_sha256": "3".repeat(64), "seed": 1,
        "objective": { "p99_ns": 10_000_000, "error_share": 0.001 },
        "search": { "start": 1000.0, "lowest": 1.0, "highest": 1e6, "tolerance": 1.05, "confirmations": 2 },
        "warm_ms": 200, "probe_ms": 1000, "deadline_ns": 1_000_000_000, "connections": 64, "server_threads": 1,
        "generator_ceiling": null, "placement": { "generator": [0], "servers": [1], "shared": false },
        "environment": environment(), "rows": rows, "skipped": [], "complete": true,
    });
    // Whatever reads it must find it whole.
    let run: measure::capacity::CapacityRun = serde_json::from_value(run).unwrap();
    std::fs::write(dir.join(measure::capacity::FILE), serde_json::to_vec(&run).unwrap()).unwrap();
}
