//! A memory law beside the synthetic recording, from the same truth.

use std::path::Path;

use serde_json::{Value, json};

use super::{STANDARD, START, environment, truths};

/// A memory law beside the recording in `dir`, from the same truth.
pub(crate) fn write(dir: &Path) {
    let rows: Vec<Value> = truths(STANDARD)
        .iter()
        .filter(|truth| !truth.name.contains('.'))
        .map(|truth| {
            let has_store = truth.design[3] == "store";
            let fill = |server: f64, store: f64| {
                let reading = |logins: f64| {
                    json!({
                        "server_bytes": (8e6 + server * logins) as u64, "file_bytes": null,
                        "store_bytes": has_store.then_some((1.2e6 + store * logins) as u64), "dataset_bytes": null,
                        "keys": null, "live_entries": null, "ended_entries": null,
                    })
                };
                let point = |logins: f64| {
                    // Tables that double.
                    let held = logins * (1.0 + 0.06 * (logins.log2().fract() - 0.5));
                    json!({ "logins": logins as u64, "elapsed_ns": 1, "reading": reading(held) })
                };
                let sizes = [10_000.0, 20_000.0, 50_000.0, 100_000.0];
                let after = json!({ "after_ns": 245_000_000_000_u64, "reading": reading(if server > 0.0 { 40_000.0 } else { 300.0 }) });
                json!({ "fresh": reading(0.0), "points": sizes.map(point), "after": [after], "failed": null })
            };
            let listed = if truth.design[2].contains("deny-list") { 172.0 } else { 0.0 };
            json!({
                "name": truth.name, "backend_sha256": "5".repeat(64), "changes": [], "describe": null,
                "store": has_store.then(|| json!({ "version": "redis 8.2.1", "private": true, "address": "", "settings": {} })),
                "live": fill(truth.memory[0], truth.memory[1]), "ended": fill(0.0, listed),
            })
        })
        .collect();
    let run = json!({
        "schema": 1,
        "tool": { "version": "0.1.0", "binary_sha256": "a".repeat(64), "rustc": "rustc 1.95.0", "target": "x86_64-unknown-linux-gnu", "profile": "release", "commit": null },
        "started_unix_ns": START, "logins": [10_000, 20_000, 50_000, 100_000],
        "lifetime_ns": 120_000_000_000_u64, "settle_ns": 300_000_000_000_u64,
        "budget": { "fills": 24, "together": 24, "most_bytes": 1, "most_ms": 1 },
        "placement": { "generator": [0], "servers": [1], "shared": false },
        "environment": environment(), "rows": rows, "skipped": [], "complete": true,
    });
    let run: measure::memory::MemoryRun = serde_json::from_value(run).unwrap();
    let folder = dir.join("memory");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(measure::memory::FILE), serde_json::to_vec(&run).unwrap()).unwrap();
}
