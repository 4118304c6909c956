//! A synthetic recording of twelve rows with a known truth, from a seed: what a `standard` plan would have left behind.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::allow_attributes,
    reason = "test code; each binary uses its own part"
)]

use std::path::Path;

use measure::recording::{Ended, Entered, Writer};
use measure::{Plan, Recording};
use serde_json::{Value, json};
use stats::Random;

use self::blocks::{cafe, steady, storm};

mod blocks;
pub(crate) mod browser;
pub(crate) mod capacity;
pub(crate) mod drill;
pub(crate) mod markup;
pub(crate) mod memory;

/// A folder for a recording: in memory where there is such a place, because every block is synced to disk.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// The shipped price sheet.
pub(crate) fn sheet() -> report::prices::PriceSheet {
    let text = include_str!("../../../../scenarios/prices/cloud-2026-06.toml");
    report::prices::PriceSheet::parse(Path::new("shipped"), text).unwrap()
}

/// The report of a recording with its prices, as the command line builds it.
pub(crate) fn priced(recording: &Recording) -> report::Report {
    let mut report = report::build(recording).unwrap();
    report.cost = Some(report::cost::of(recording, &sheet(), report.memory.as_ref()));
    report
}

/// What a run is to look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) seed: u64,
    pub(crate) rounds: u32,
    /// Scenarios in paired rounds.
    pub(crate) scenarios: usize,
    /// Modelled distances of the store, one pass each, µs.
    pub(crate) distances: &'static [u64],
    /// With a twin and a row of extra work.
    pub(crate) controls: bool,
    /// `jwt-allowlist` lets somebody in who should not be.
    pub(crate) wrong: bool,
    /// The twin is as slow as another machine.
    pub(crate) broken_twin: bool,
    /// With `cafe` and `login-storm`.
    pub(crate) episodes: bool,
    /// The run was cut off.
    pub(crate) interrupted: bool,
    /// So many times what requests cost otherwise is what they cost with a session.
    pub(crate) sessions: f64,
    /// CPU of a request with a token that is refreshed every minute, and of one refreshed every hour, ns; without them,
    /// neither is a row.
    pub(crate) refreshed: Option<[f64; 2]>,
}

pub(crate) const STANDARD: Shape = Shape {
    seed: 7,
    rounds: 24,
    scenarios: 1,
    distances: &[0],
    controls: true,
    wrong: false,
    broken_twin: false,
    episodes: true,
    interrupted: false,
    sessions: 1.0,
    refreshed: None,
};

/// A row and its true figures.
struct Truth {
    name: &'static str,
    /// Credential, algorithm, checks, view, renewal.
    design: [&'static str; 5],
    lag: Value,
    lifetime_s: f64,
    store_down: &'static str,
    logout_all: &'static str,
    /// Median response, CPU of the server, CPU of the store, ns.
    cost: [f64; 3],
    /// Store commands and HTTP bytes per request.
    amounts: [f64; 2],
    /// Memory per live login in server and store, bytes.
    memory: [f64; 2],
    /// How long a left-behind credential works, ms.
    works_ms: f64,
}

/// Scenarios in paired rounds.
const PAIRED: [&str; 2] = ["steady", "steady-write"];
const LOGINS: u64 = 20_000;
const START: u64 = 1_795_461_600_000_000_000;

fn truths(shape: Shape) -> Vec<Truth> {
    let t =
        |name, design, lag: Value, lifetime_s, store_down, logout_all, cost, amounts, memory, works_ms| {
            Truth { name, design, lag, lifetime_s, store_down, logout_all, cost, amounts, memory, works_ms }
        };
    let session = ["opaque", "", "live-list", "store", ""];
    let hs = |checks, view, renewal| ["jwt", "HS256", checks, view, renewal];
    let none = || json!("none");
    let life = || json!("lifetime");
    let far = 1e9;
    let twin = if shape.broken_twin { 1.3 } else { 1.0 };
    let mut all = vec![
        t(
            "none",
            ["bare-subject", "", "", "", ""],
            json!("never"),
            0.0,
            "unaffected",
            "cannot",
            [58e3, 15.2e3, 0.0],
            [0.0, 431.0],
            [0.0, 0.0],
            far,
        ),
        t(
            "session-memory",
            ["opaque", "", "live-list", "local", ""],
            none(),
            28_800.0,
            "unaffected",
            "index",
            [59.1e3, 16.0e3, 0.0],
            [0.0, 487.0],
            [611.0, 0.0],
            0.0,
        ),
        t(
            "session-redis",
            session,
            none(),
            28_800.0,
            "closed",
            "index",
            [118.4e3, 30.6e3, 14.9e3],
            [1.0, 489.0],
            [0.0, 745.0],
            0.0,
        ),
        t(
            "jwt-stateless",
            hs("", "", ""),
            life(),
            900.0,
            "unaffected",
            "cannot",
            [61.6e3, 17.9e3, 0.0],
            [0.0, 951.0],
            [0.0, 0.0],
            far,
        ),
        t(
            "jwt-stateless-es256",
            ["jwt", "ES256", "", "", ""],
            life(),
            900.0,
            "unaffected",
            "cannot",
            [172.3e3, 128.0e3, 0.0],
            [0.0, 994.0],
            [0.0, 0.0],
            far,
        ),
        t(
            "jwt-denylist",
            hs("deny-list,epoch", "store", ""),
            none(),
            900.0,
            "closed",
            "epoch",
            [122.8e3, 33.9e3, 16.2e3],
            [2.0, 953.0],
            [0.0, 21.0],
            0.0,
        ),
        t(
            "jwt-denylist-index",
            hs("deny-list", "store", ""),
            none(),
            900.0,
            "closed",
            "index",
            [120.0e3, 32.1e3, 15.1e3],
            [1.0, 953.0],
            [0.0, 188.0],
            0.0,
        ),
        t(
            "jwt-denylist-cached",
            hs("deny-list", "cached", ""),
            json!("200ms"),
            900.0,
            "open",
            "epoch",
            [64.2e3, 19.1e3, 0.9e3],
            [0.06, 953.0],
            [0.0, 64.0],
            190.0,
        ),
        t(
            "jwt-allowlist",
            hs("live-list", "store", ""),
            none(),
            900.0,
            "closed",
            "index",
            [118.9e3, 30.8e3, 15.0e3],
            [1.0, 951.0],
            [0.0, 690.0],
            0.0,
        ),
        t(
            "jwt-refresh",
            hs("", "", "refresh"),
            life(),
            300.0,
            "unaffected",
            "index",
            [62.3e3, 18.4e3, 0.4e3],
            [0.02, 958.0],
            [0.0, 412.0],
            far,
        ),
    ];
    let refreshed = ["jwt-refresh-1m", "jwt-refresh-1h"].into_iter().zip([60.0, 3600.0]);
    for ((name, lifetime_s), cpu) in refreshed.zip(shape.refreshed.into_iter().flatten()) {
        all.push(t(
            name,
            hs("", "", "refresh"),
            life(),
            lifetime_s,
            "unaffected",
            "index",
            [62.3e3, cpu, 0.4e3],
            [0.02, 958.0],
            [0.0, 412.0],
            far,
        ));
    }
    if shape.controls {
        all.push(t(
            "session-redis.twin",
            session,
            none(),
            28_800.0,
            "closed",
            "index",
            [118.4e3 * twin, 30.6e3 * twin, 14.9e3],
            [1.0, 489.0],
            [0.0, 745.0],
            0.0,
        ));
        all.push(t(
            "session-redis.plus10",
            session,
            none(),
            28_800.0,
            "closed",
            "index",
            [122.9e3, 35.15e3, 14.9e3],
            [1.0, 489.0],
            [0.0, 745.0],
            0.0,
        ));
    }
    for session in all.iter_mut().filter(|truth| truth.design[0] == "opaque") {
        session.cost = session.cost.map(|ns| ns * shape.sessions);
    }
    all
}

fn plan(shape: Shape, truths: &[Truth]) -> Plan {
    let backends: Vec<&str> = truths.iter().map(|t| t.name).filter(|name| !name.contains('.')).collect();
    let controls = if shape.controls { "twins = 1\nextra_work = [0.1]" } else { "" };
    let episodes = if shape.episodes { "['cafe', 'login-storm']" } else { "[]" };
    let paired: String = PAIRED[..shape.scenarios]
        .iter()
        .map(|name| {
            format!(
                "[[paired]]\nscenario = '{name}'\nrounds = {}\nwarm_ms = 200\nblock_ms = 700\n",
                shape.rounds
            )
        })
        .collect();
    let text = format!(
        "store_rtt_us = {:?}\nname = 'standard'\nseed = {}\nbaseline = 'session-redis'\nbackends = {backends:?}\nepisodes = {episodes}\n\
         {paired}\
         [statistics]\nalpha = 0.05\nmargin = 0.05\n[controls]\n{controls}\n",
        shape.distances, shape.seed
    );
    toml::from_str(&text).unwrap()
}

fn row(shape: Shape, truth: &Truth) -> Value {
    let [credential, algorithm, checks, view, renewal] = truth.design;
    let text = |s: &str| if s.is_empty() { Value::Null } else { json!(s) };
    let checks: Vec<Value> = checks
        .split(',')
        .filter(|c| !c.is_empty())
        .map(|kind| json!({ "kind": kind, "view": view }))
        .collect();
    let control = match truth.name.rsplit_once('.') {
        Some((_, "twin")) => json!("twin"),
        Some(_) => json!({ "extra-work": 0.1 }),
        None => Value::Null,
    };
    let calibration = if truth.name.ends_with("plus10") {
        let baseline = 45_500.0 * shape.sessions;
        let work =
            json!({ "baseline_cpu_ns": baseline, "extra_work_ns": (baseline / 10.0) as u64, "pilots": 3 });
        json!({ "steady": work, "steady-write": work })
    } else {
        json!({})
    };
    json!({
        "name": truth.name,
        "header": {
            "name": truth.name.split('.').next(), "summary": "a synthetic row", "needs": [], "replicas": 1,
            "promises": { "revocation_lag": truth.lag, "logout_all": truth.logout_all, "store_down": truth.store_down },
        },
        "backend_sha256": "5".repeat(64), "control": control, "store": null, "calibration": calibration,
        "describe": {
            "credential": credential, "algorithm": text(algorithm), "access_lifetime_s": truth.lifetime_s, "leeway_s": 0,
            "checks": checks, "renewal": { "kind": if renewal.is_empty() { "none" } else { renewal }, "rotates": true },
            "principal_bytes": 256, "store": "redis",
        },
    })
}

fn run(shape: Shape, plan: &Plan, truths: &[Truth]) -> Value {
    let scenario = |name: &str, question: &str, paired: bool, hash: &str| {
        json!({
            "name": name, "question": question, "paired": paired, "seed": 1, "sha256": "3".repeat(64),
            "text": format!("name = '{name}'\n[population]\nsubjects = 10000\npassword_hash = '{hash}'\n"),
            "provisioned": if paired { LOGINS } else { 0 }, "revoked": if paired { LOGINS / 100 } else { 0 },
        })
    };
    let question = "What does it cost to check a user who is already logged in?";
    let mut scenarios: Vec<Value> =
        PAIRED[..shape.scenarios].iter().map(|name| scenario(name, question, true, "argon2id")).collect();
    if shape.episodes {
        scenarios.push(scenario("cafe", "How long does a login left behind still work?", false, "cheap"));
        scenarios.push(scenario("login-storm", "What happens while others log in?", false, "argon2id"));
    }
    json!({
        "schema": measure::block::SCHEMA,
        "tool": { "version": "0.1.0", "binary_sha256": "a".repeat(64), "rustc": "rustc 1.95.0", "target": "x86_64-unknown-linux-gnu", "profile": "release", "commit": "0123456789abcdef" },
        "started_unix_ns": START, "plan_sha256": plan.sha256(), "seed": plan.seed,
        "budget": { "rows": truths.len(), "blocks": 1, "paired_ms": 1, "paired_max_ms": 1, "episodes_ms": 1, "set_up_ms": 1 },
        "placement": { "generator": [0], "servers": [1], "shared": false },
        "timer_slack_ns": 1, "generator_ceiling": 61_234.5,
        "rows": truths.iter().map(|truth| row(shape, truth)).collect::<Vec<_>>(),
        "skipped": [{ "row": "session-cluster", "reason": "redis-cluster is not on PATH.", "hint": "Install it with: apt-get install redis" }],
        "scenarios": scenarios,
    })
}

/// Writes the recording and reads it back, as `authbench report` would.
pub(crate) fn recording(dir: &Path, shape: Shape) -> Recording {
    let truths = truths(shape);
    let plan = plan(shape, &truths);
    let mut writer = Writer::create(dir, &plan.canonical()).unwrap();
    writer.run(&serde_json::from_value(run(shape, &plan, &truths)).unwrap()).unwrap();
    writer.environment(&serde_json::from_value(environment()).unwrap()).unwrap();
    let mut random = Random::new(shape.seed, 0);
    let mut now = START;
    for name in &PAIRED[..shape.scenarios] {
        for distance in shape.distances {
            steady(&mut writer, name, &truths, shape, *distance, &mut random, &mut now);
        }
    }
    if shape.episodes {
        for truth in truths.iter().filter(|t| !t.name.contains('.')) {
            cafe(&mut writer, truth, &mut random, &mut now);
        }
        for truth in truths.iter().filter(|t| !t.name.contains('.')) {
            storm(&mut writer, truth, &mut random, &mut now);
        }
    }
    let warning = json!({ "kind": "frequency", "row": "", "message": "The processor's frequency could not be read: compare ratios, not nanoseconds, with other machines." });
    writer.event(Entered::Warning(serde_json::from_value(warning).unwrap())).unwrap();
    if !shape.interrupted {
        writer.finish(Ended::Completed).unwrap();
    }
    Recording::open(dir).unwrap()
}

fn environment() -> Value {
    json!({
        "cpu": { "model": "AMD EPYC 9B14", "architecture": "x86_64", "online": 2, "caches": { "L1d": "32K" }, "crypto": ["aes", "sha_ni"] },
        "memory": { "total_bytes": 8_321_499_136u64 }, "system": { "kernel": "6.18.1", "virtualization": "kvm" },
        "limits": { "cpus": [0, 1] }, "network": { "net.core.somaxconn": "4096" }, "load_average": [0.2, 0.3, 0.3],
    })
}
