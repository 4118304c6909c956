//! The blocks of the synthetic recording: paired rounds with drift and steal, and whole episodes.

use hdrhistogram::Histogram;
use measure::block::SCHEMA;
use measure::recording::{Kind, ToWrite, Writer};
use measure::{BlockRecord, Operation};
use serde_json::{Value, json};
use stats::Random;

use super::{LOGINS, PAIRED, Shape, Truth};

/// A block with everything but its figures.
fn block(scenario: &str, row: &str, round: u32, start: u64, length: u64) -> Value {
    json!({
        "schema": SCHEMA, "sequence": 0, "previous": "", "scenario": scenario, "backend": row, "round": round,
        "position": 0, "restart": 0, "kind": if PAIRED.contains(&scenario) { "paired" } else { "episode" },
        "started_unix_ns": start, "measured_ns": length, "offered_rate": 1500.0, "achieved_rate": 1500.0,
        "outcomes": {}, "response_ns": {}, "service_ns": {}, "send_lag_ns": null,
        "server": { "cpu_ns": 0, "pss_bytes": 0, "peak_bytes": 0, "voluntary_switches": 0, "involuntary_switches": 0 },
        "store": null, "wire": { "sent_bytes": 0, "received_bytes": 0 },
        "generator": { "cpu_ns": 0, "spin_ns": 0, "in_flight_mean": null },
        "steal": 0.0, "exposure": [], "validity": { "valid": true, "response_times": true, "reasons": [] },
    })
}

/// Times of a server whose median is `median`: a body and a tail.
fn times(median: f64, count: u64, random: &mut Random) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap();
    for _ in 0..count {
        let body = 0.14 * random.normal();
        let tail = if random.uniform() < 0.06 { 1.1 * random.uniform() } else { 0.0 };
        histogram.record((median * libm::exp(body + tail)) as u64).unwrap();
    }
    histogram
}

fn quantiles(histogram: &Histogram<u64>) -> Value {
    let at = |share| histogram.value_at_quantile(share);
    json!({ "count": histogram.len(), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999), "max": histogram.max() })
}

pub(super) fn steady(
    writer: &mut Writer,
    name: &str,
    truths: &[Truth],
    shape: Shape,
    distance: u64,
    random: &mut Random,
    now: &mut u64,
) {
    let requests = 1_050u64;
    let mut drift = 0.0;
    for round in 0..shape.rounds {
        let mut order: Vec<usize> = (0..truths.len()).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, (random.uniform() * (i + 1) as f64) as usize);
        }
        for (position, at) in order.into_iter().enumerate() {
            let truth = &truths[at];
            drift = 0.97 * drift + 0.012 * random.normal();
            let steal =
                if random.uniform() < 0.05 { 0.03 * random.uniform() } else { 0.002 * random.uniform() };
            let void = steal > 0.025;
            let mut blur = |sd: f64| libm::exp(drift + steal + sd * random.normal());
            let (time, cpu, store) = (blur(0.022), blur(0.016), blur(0.016));
            let away = truth.amounts[0] * distance as f64 * 1e3;
            let response = times(truth.cost[0] * time + away, requests, random);
            let service = times(truth.cost[0] * time * 0.93 + away, requests, random);
            let mut record = block(name, truth.name, round, *now, 700_000_000);
            record["position"] = json!(position);
            record["store_rtt_us"] = json!(distance);
            record["outcomes"] = json!({ "request": { "ok": requests } });
            if shape.wrong && truth.name == "jwt-allowlist" {
                record["outcomes"] = json!({ "request": { "ok": requests - 3, "wrong-subject": 3 } });
            }
            record["response_ns"] = json!({ "request": quantiles(&response) });
            record["service_ns"] = json!({ "request": quantiles(&service) });
            let each = |per: f64| (per * requests as f64) as u64;
            record["server"]["cpu_ns"] = json!(each(truth.cost[1] * cpu));
            let jitter = 300_000.0 * random.normal();
            record["server"]["pss_bytes"] = json!((24e6 + truth.memory[0] * LOGINS as f64 + jitter) as u64);
            if truth.cost[2] > 0.0 {
                record["store"] = json!({
                    "cpu_ns": each(truth.cost[2] * store), "commands": each(truth.amounts[0]),
                    "bytes_in": each(60.0), "bytes_out": each(300.0),
                    "dataset_bytes": (truth.memory[1] * LOGINS as f64) as u64, "evicted_keys": 0, "shared": false,
                });
            }
            record["wire"] = json!({ "sent_bytes": each(truth.amounts[1] * 0.55), "received_bytes": each(truth.amounts[1] * 0.45) });
            record["steal"] = json!(steal);
            if void {
                record["validity"] = json!({ "valid": false, "response_times": false, "reasons": ["the hypervisor took more than 2 % of the CPU time"] });
            }
            let record: BlockRecord = serde_json::from_value(record).unwrap();
            let request = Some(Operation::Request);
            let histograms = [
                ToWrite { operation: request, kind: Kind::Response, histogram: &response },
                ToWrite { operation: request, kind: Kind::Service, histogram: &service },
            ];
            writer.block(record, &histograms).unwrap();
            *now += 920_000_000;
        }
    }
}

/// 40 replays over 600 ms after everything was ended.
pub(super) fn cafe(writer: &mut Writer, truth: &Truth, random: &mut Random, now: &mut u64) {
    let sent = 40u64;
    let step = 15.0;
    let accepted = (truth.works_ms / step).min(sent as f64) as u64;
    let login = times(truth.cost[0] * 2.0, 80, random);
    let replay = times(truth.cost[0] * 1.1, sent, random);
    let mut record = block("cafe", truth.name, 0, *now, 1_200_000_000);
    let refused = sent - accepted;
    record["outcomes"] = json!({ "login": { "ok": 80 }, "replay": {
        "accepted-as-declared": accepted, "rejected-as-expected": refused } });
    record["response_ns"] = json!({ "login": quantiles(&login), "replay": quantiles(&replay) });
    record["service_ns"] = record["response_ns"].clone();
    record["server"]["cpu_ns"] = json!((120.0 * truth.cost[1]) as u64);
    record["achieved_rate"] = json!(100.0);
    record["exposure"] = json!([{ "by": "logout-all", "sent_after": sent, "accepted": accepted,
        "longest_ns": (accepted as f64 * step * 1e6) as u64 }]);
    writer.block(serde_json::from_value(record).unwrap(), &[]).unwrap();
    *now += 1_500_000_000;
}

pub(super) fn storm(writer: &mut Writer, truth: &Truth, random: &mut Random, now: &mut u64) {
    let login = times(17.2e6 + truth.cost[0], 300, random);
    let request = times(truth.cost[0] * 1.4, 3_000, random);
    let mut record = block("login-storm", truth.name, 0, *now, 10_000_000_000);
    record["outcomes"] = json!({ "login": { "ok": 300 }, "request": { "ok": 3_000 } });
    record["response_ns"] = json!({ "login": quantiles(&login), "request": quantiles(&request) });
    record["service_ns"] = record["response_ns"].clone();
    record["server"]["cpu_ns"] = json!((300.0 * 14.2e6 + 3_000.0 * truth.cost[1]) as u64);
    record["achieved_rate"] = json!(330.0);
    writer.block(serde_json::from_value(record).unwrap(), &[]).unwrap();
    *now += 10_500_000_000;
}
