//! Synthetic recordings with a known truth.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "test code; each binary uses its own part"
)]

use measure::Plan;
use measure::block::{BlockRecord, GeneratorCost, ProcessCost, Quantiles, SCHEMA, StoreCost};
use stats::Random;

/// A row and its true figures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Truth {
    pub(crate) row: &'static str,
    pub(crate) response_ns: f64,
    pub(crate) server_cpu_ns: f64,
    /// CPU of the store per request and commands per request, for rows with a store.
    pub(crate) store: Option<(f64, u64)>,
}

pub(crate) const fn row(row: &'static str, response_ns: f64, server_cpu_ns: f64) -> Truth {
    Truth { row, response_ns, server_cpu_ns, store: None }
}

impl Truth {
    pub(crate) const fn stored(self, cpu_ns: f64, commands: u64) -> Self {
        Self { store: Some((cpu_ns, commands)), ..self }
    }
}

/// Requests per block.
pub(crate) const REQUESTS: u64 = 1_000;

pub(crate) fn plan(baseline: &str, rows: &[Truth], rounds: u32) -> Plan {
    let backends: Vec<&str> = rows.iter().map(|truth| truth.row).filter(|row| !row.contains('.')).collect();
    let text = format!(
        "name = 'synthetic'\nseed = 7\nbaseline = '{baseline}'\nbackends = {backends:?}\n
        [[paired]]\nscenario = 'steady'\nrounds = {rounds}\nwarm_ms = 200\nblock_ms = 600\n
        [statistics]\nalpha = 0.05\nmargin = 0.05\n
        [controls]\ntwins = 1\nextra_work = [0.1]\n"
    );
    toml::from_str(&text).unwrap()
}

/// One block per row and round: figures share a drifting machine and have their own noise of standard deviation `noise`.
pub(crate) fn blocks(rows: &[Truth], rounds: u32, noise: f64, seed: u64) -> Vec<BlockRecord> {
    let mut random = Random::new(seed, 0);
    let mut blocks = Vec::new();
    let mut machine = 0.0;
    for round in 0..rounds {
        machine = 0.9 * machine + 0.05 * random.normal();
        for (position, truth) in (0..).zip(rows) {
            let mut blur = || libm::exp(machine + noise * random.normal());
            let block = block(truth, blur(), blur(), blur());
            blocks.push(BlockRecord { sequence: blocks.len() as u64, round, position, ..block });
        }
    }
    blocks
}

fn block(truth: &Truth, time: f64, cpu: f64, store_cpu: f64) -> BlockRecord {
    let at = |factor: f64| (truth.response_ns * time * factor) as u64;
    let quantiles =
        Quantiles { count: REQUESTS, p50: at(1.0), p90: at(1.5), p99: at(3.0), p999: at(8.0), max: at(20.0) };
    let each = |per_request: f64| (per_request * REQUESTS as f64) as u64;
    let mut block: BlockRecord = serde_json::from_value(serde_json::json!({
        "schema": SCHEMA, "sequence": 0, "previous": "", "scenario": "steady", "backend": truth.row,
        "round": 0, "position": 0, "restart": 0, "kind": "paired", "started_unix_ns": 0,
        "measured_ns": 500_000_000, "offered_rate": 2000.0, "achieved_rate": 2.0 * REQUESTS as f64,
        "outcomes": { "request": { "ok": REQUESTS } },
        "response_ns": { "request": quantiles }, "service_ns": { "request": quantiles }, "send_lag_ns": null,
        "server": ProcessCost::default(), "store": null,
        "wire": { "sent_bytes": 200 * REQUESTS, "received_bytes": 150 * REQUESTS },
        "generator": GeneratorCost::default(), "steal": 0.0, "exposure": [],
        "validity": { "valid": true, "response_times": true, "reasons": [] },
    }))
    .unwrap();
    block.server.cpu_ns = each(truth.server_cpu_ns * cpu);
    block.server.pss_bytes = 40 << 20;
    block.store = truth.store.map(|(cpu_ns, commands)| StoreCost {
        cpu_ns: each(cpu_ns * store_cpu),
        commands: commands * REQUESTS,
        bytes_in: 60 * REQUESTS,
        bytes_out: 300 * REQUESTS,
        dataset_bytes: 8 << 20,
        evicted_keys: 0,
        shared: false,
    });
    block
}
