//! A synthetic run of twelve rows, from a seed: what a `standard` plan would have recorded on a quiet machine.

use std::collections::BTreeMap;

use report::answer;
use report::claims::{ClaimOutcome, ClaimResult, Expectation};
use report::controls::{Role, RunState};
use report::metric::Metric;
use report::model::*;
use report::verdict::Verdict;

/// SplitMix64: enough for a fixture, the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Roughly normal, mean 0, standard deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

/// Values by row and round.
type Series = Vec<Vec<f64>>;

/// One row's truth.
struct Truth {
    name: &'static str,
    role: Role,
    design: [&'static str; 4],
    revocation: (&'static str, Option<f64>),
    store_down: &'static str,
    logout_all: &'static str,
    /// µs: median response, CPU of the server, CPU of the store.
    cost: [f64; 3],
    /// Store commands, HTTP bytes, memory per login.
    amounts: [f64; 3],
    /// Seconds a left-behind credential worked; requests accepted of 40.
    exposure: (f64, u64),
}

fn truths() -> Vec<Truth> {
    let redis = "shared store";
    let t = |name, role, design, revocation, store_down, logout_all, cost, amounts, exposure| Truth {
        name,
        role,
        design,
        revocation,
        store_down,
        logout_all,
        cost,
        amounts,
        exposure,
    };
    let closed = "refused (503)";
    let free = "unaffected";
    let at_once = ("at once", Some(0.0));
    let life = |text, s: f64| (text, Some(s * 1e9));
    vec![
        t(
            "none",
            Role::Floor,
            ["bare subject", "", "", "none"],
            ("never ends", None),
            free,
            "cannot",
            [58.0, 15.2, 0.0],
            [0.0, 431.0, 0.0],
            (30.0, 40),
        ),
        t(
            "session-memory",
            Role::Contender,
            ["opaque random id", "live list", "node-local memory", "sliding"],
            at_once,
            free,
            "index",
            [59.1, 16.0, 0.0],
            [0.0, 487.0, 611.0],
            (0.0, 0),
        ),
        t(
            "session-redis",
            Role::Baseline,
            ["opaque random id", "live list", redis, "sliding"],
            at_once,
            closed,
            "index",
            [118.4, 30.6, 14.9],
            [1.0, 489.0, 745.0],
            (0.0, 0),
        ),
        t(
            "jwt-stateless",
            Role::Contender,
            ["signed JWT (HS256)", "", "", "none"],
            life("until it expires, 15 min", 900.0),
            free,
            "cannot",
            [61.6, 17.9, 0.0],
            [0.0, 951.0, 0.0],
            (29.2, 40),
        ),
        t(
            "jwt-stateless-es256",
            Role::Contender,
            ["signed JWT (ES256)", "", "", "none"],
            life("until it expires, 15 min", 900.0),
            free,
            "cannot",
            [172.3, 128.0, 0.0],
            [0.0, 994.0, 0.0],
            (29.4, 40),
        ),
        t(
            "jwt-denylist",
            Role::Contender,
            ["signed JWT (HS256)", "deny list, epoch", redis, "none"],
            at_once,
            closed,
            "epoch",
            [122.8, 33.9, 15.6],
            [1.0, 953.0, 21.0],
            (0.0, 0),
        ),
        t(
            "jwt-denylist-index",
            Role::Contender,
            ["signed JWT (HS256)", "deny list", redis, "none"],
            at_once,
            closed,
            "index",
            [120.0, 32.1, 15.1],
            [1.0, 953.0, 188.0],
            (0.0, 0),
        ),
        t(
            "jwt-denylist-cached",
            Role::Contender,
            ["signed JWT (HS256)", "deny list", "cached 2 s", "none"],
            life("at most 2.00 s", 2.0),
            "let in unchecked",
            "epoch",
            [64.2, 19.1, 0.9],
            [0.06, 953.0, 64.0],
            (1.86, 3),
        ),
        t(
            "jwt-allowlist",
            Role::Contender,
            ["signed JWT (HS256)", "live list", redis, "none"],
            at_once,
            closed,
            "index",
            [120.9, 32.8, 15.0],
            [1.0, 951.0, 690.0],
            (0.0, 0),
        ),
        t(
            "jwt-refresh",
            Role::Contender,
            ["signed JWT (HS256)", "", "", "rotating refresh token"],
            life("until it expires, 5 min", 300.0),
            free,
            "index",
            [62.3, 18.4, 0.4],
            [0.02, 958.0, 412.0],
            (29.1, 40),
        ),
        t(
            "session-redis.twin",
            Role::Twin,
            ["opaque random id", "live list", redis, "sliding"],
            at_once,
            closed,
            "index",
            [118.4, 30.6, 14.9],
            [1.0, 489.0, 745.0],
            (0.0, 0),
        ),
        t(
            "session-redis.plus10",
            Role::ExtraWork(0.10),
            ["opaque random id", "live list", redis, "sliding"],
            at_once,
            closed,
            "index",
            [122.9, 35.15, 14.9],
            [1.0, 489.0, 745.0],
            (0.0, 0),
        ),
    ]
}

fn row(t: &Truth) -> Row {
    let checks = t.design[1].split(", ").filter(|c| !c.is_empty()).map(str::to_owned).collect();
    let mut facts = BTreeMap::new();
    facts.insert("leeway".to_owned(), "0 s".to_owned());
    Row {
        name: t.name.to_owned(),
        role: t.role,
        summary: "synthetic".to_owned(),
        credential: t.design[0].to_owned(),
        checks,
        view: t.design[2].to_owned(),
        renewal: t.design[3].to_owned(),
        revocation: t.revocation.0.to_owned(),
        revocation_bound_ns: t.revocation.1,
        logout_all: t.logout_all.to_owned(),
        store_down: t.store_down.to_owned(),
        facts,
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn spread(values: &[f64]) -> Figure {
    let m = median(values);
    let mut off: Vec<f64> = values.iter().map(|v| (v - m).abs()).collect();
    off.sort_by(f64::total_cmp);
    let half = 1.4826 * off[off.len() / 2] * 2.2 / (values.len() as f64).sqrt();
    Figure::between(m, m - half, m + half)
}

/// The synthetic report.
pub(crate) fn report(seed: u64, rounds: u32) -> Report {
    let truths = truths();
    let mut random = Random::new(seed);
    let (mut p50, mut server, mut store): (Series, Series, Series) =
        (vec![vec![]; truths.len()], vec![vec![]; truths.len()], vec![vec![]; truths.len()]);
    let mut blocks = Vec::new();
    let mut now = 0.0;
    let mut drift: f64 = 0.0;
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..truths.len()).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, (random.next() * (i + 1) as f64) as usize);
        }
        for i in order {
            drift = 0.97 * drift + 0.02 * random.normal();
            let steal = if random.next() < 0.06 { 0.03 * random.next() } else { 0.002 * random.next() };
            let noise = |r: &mut Random, s: f64| (drift + s * r.normal() + steal).exp();
            let t = &truths[i];
            p50[i].push(t.cost[0] * 1e3 * noise(&mut random, 0.025));
            server[i].push(t.cost[1] * 1e3 * noise(&mut random, 0.018));
            store[i].push(t.cost[2] * 1e3 * noise(&mut random, 0.018));
            let last = round as usize;
            blocks.push(Block {
                row: t.name.to_owned(),
                round,
                start_s: now,
                length_s: 0.7,
                response_p50_ns: Some(p50[i][last]),
                cpu_ns: Some(server[i][last] + store[i][last]),
                steal,
                valid: steal < 0.028,
            });
            now += 0.9 + 0.02 * random.next();
        }
    }
    let cpu: Vec<Vec<f64>> =
        server.iter().zip(&store).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect();
    let less = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
    let mut rows = Vec::new();
    let mut curves = Vec::new();
    let mut comparisons = Vec::new();
    for (i, t) in truths.iter().enumerate() {
        let mut figures = BTreeMap::new();
        let mut added = BTreeMap::new();
        if i > 0 {
            added.insert(Metric::ResponseP50, spread(&less(&p50[i], &p50[0])));
            added.insert(Metric::Cpu, spread(&less(&cpu[i], &cpu[0])));
        }
        let m = median(&p50[i]);
        let tail = |share: f64| m * (1.0 + 0.42 * ((1.0 / (1.0 - share)).ln() - 2f64.ln()).powf(1.35));
        figures.insert(Metric::ResponseP50, spread(&p50[i]));
        figures.insert(Metric::ResponseP90, Figure::exact(tail(0.9)));
        figures
            .insert(Metric::ResponseP99, Figure::between(tail(0.99), tail(0.99) * 0.84, tail(0.99) * 1.22));
        figures.insert(Metric::ServiceP50, Figure::exact(m * 0.93));
        figures.insert(Metric::Cpu, spread(&cpu[i]));
        figures.insert(Metric::CpuServer, spread(&server[i]));
        if t.cost[2] > 0.0 {
            figures.insert(Metric::CpuStore, spread(&store[i]));
        }
        figures.insert(Metric::StoreCommands, Figure::exact(t.amounts[0]));
        figures.insert(Metric::WireBytes, Figure::exact(t.amounts[1]));
        rows.push(RowFigures {
            row: t.name.to_owned(),
            figures,
            added,
            memory_per_login_bytes: Some(t.amounts[2]),
            blocks: rounds,
            blocks_response: rounds,
        });
        let shares: Vec<f64> = (0..=34).map(|k| 1.0 - 0.5 * 500f64.powf(-f64::from(k) / 34.0)).collect();
        curves.push(Curve {
            row: t.name.to_owned(),
            response_ns: shares.iter().map(|s| tail(*s)).collect(),
            service_ns: shares.iter().map(|s| tail(*s) * (0.93 - 0.2 * (s - 0.5))).collect(),
            shares,
        });
        for (j, base) in truths.iter().enumerate().filter(|(j, _)| *j != i) {
            for (metric, values) in [(Metric::ResponseP50, &p50), (Metric::Cpu, &cpu)] {
                let d: Vec<f64> = values[i].iter().zip(&values[j]).map(|(a, b)| (a / b).ln()).collect();
                let f = spread(&d);
                let ratio = Figure::between(f.value.exp(), f.lower().exp(), f.upper().exp());
                let wide = 1.3 * (f.upper() - f.value);
                let tost = [(f.value - wide).exp(), (f.value + wide).exp()];
                let verdict = match (ratio.lower(), ratio.upper()) {
                    _ if tost[0] > 1.0 / 1.05 && tost[1] < 1.05 => Verdict::Equivalent,
                    (_, high) if high < 1.0 => Verdict::Faster,
                    (low, _) if low > 1.0 => Verdict::Slower,
                    _ => Verdict::Inconclusive,
                };
                comparisons.push(Comparison {
                    added: false,
                    registered: j == 2,
                    difference: spread(&less(&values[i], &values[j])),
                    different: false,
                    unranked: None,
                    withheld: false,
                    baseline: base.name.to_owned(),
                    row: t.name.to_owned(),
                    metric,
                    ratio: Some(ratio),
                    equivalence: Some(tost),
                    margin: 0.05,
                    verdict,
                    material: ratio.upper() < 1.0 / 1.05 || ratio.lower() > 1.05,
                    lower_share: d.iter().filter(|d| **d < 0.0).count() as f64 / d.len() as f64,
                    resolvable: Some(wide.exp()),
                    rounds_needed: Some(19),
                    rounds,
                });
            }
        }
    }
    let episode = |name: &str, operation: &str| Episode {
        name: name.to_owned(),
        rows: truths
            .iter()
            .filter(|t| !t.role.is_control())
            .map(|t| {
                let storm = operation == "login";
                let p = if storm { 17.2e6 + t.cost[0] * 2e3 } else { t.cost[0] * 1.1e3 };
                let mut outcomes = BTreeMap::from([("ok".to_owned(), 400)]);
                if !storm {
                    outcomes = BTreeMap::from([("rejected-as-expected".to_owned(), 40 - t.exposure.1)]);
                    outcomes.insert("accepted-as-declared".to_owned(), t.exposure.1);
                    outcomes.retain(|_, n| *n > 0);
                }
                EpisodeRow {
                    row: t.name.to_owned(),
                    seconds: 30.0,
                    offered_per_second: Some(40.0),
                    achieved_per_second: if storm { 40.0 - t.cost[0] / 100.0 } else { 40.0 },
                    cpu_per_operation_ns: Some(if storm { 14.2e6 } else { t.cost[1] * 1e3 }),
                    operations: BTreeMap::from([(
                        operation.to_owned(),
                        OperationFigures {
                            outcomes,
                            response_p50_ns: Some(p),
                            response_p99_ns: Some(p * 2.7),
                            response_max_ns: Some(p * 5.1),
                        },
                    )]),
                    exposure: if storm {
                        vec![]
                    } else {
                        vec![ExposureFigures {
                            by: "logout-all".to_owned(),
                            sent_after: 40,
                            accepted: t.exposure.1,
                            longest_ns: t.exposure.0 * 1e9,
                        }]
                    },
                }
            })
            .collect(),
    };
    let mut report = Report {
        schema: SCHEMA.to_owned(),
        question: "Which way of authentication costs least on the same traffic, and how long does a stolen credential keep working in each?".to_owned(),
        answer: vec![],
        run: Run {
            plan: "standard".to_owned(),
            plan_sha256: "3f6c0b1de4a8b0d2c1f1a7f94e9b8c5a6d7e8f90123456789abcdef012345678".to_owned(),
            data_sha256: "b41d0cfe93a8b0d2c1f1a7f94e9b8c5a6d7e8f90123456789abcdef012345678".to_owned(),
            seed: 20_261_123,
            baseline: "session-redis".to_owned(),
            floor: Some("none".to_owned()),
            alpha: 0.05,
            margin: 0.05,
            restarts: 1,
            complete: true,
            started: "2026-11-23T19:20:00Z".to_owned(),
            seconds: now,
            blocks: blocks.len() as u64,
            blocks_used: blocks.iter().filter(|b| b.valid).count() as u64,
            tool: "0.1.0".to_owned(),
        },
        validity: Validity {
            status: RunState::Ok,
            sentence: Sentence::new()
                .text("The identical twin of the baseline came out equivalent, and the control with 10 % more work was found."),
            reasons: vec![],
            cautions: vec![],
            controls: vec![],
        },
        rows: truths.iter().map(row).collect(),
        scenarios: vec![Scenario {
            name: "steady".to_owned(),
            rounds,
            block_ns: 7e8,
            offered_per_second: Some(1_500.0),
            store_distance_ns: 0.0,
            rows,
            comparisons,
            curves,
            blocks,
        }],
        episodes: vec![episode("cafe", "replay"), episode("login-storm", "login")],
        wrong: vec![],
        skipped: vec![],
        warnings: vec![Warning {
            text: "Frequency scaling could not be read on this machine.".to_owned(),
            advice: "Compare ratios, not nanoseconds, with other machines.".to_owned(),
        }],
        claims: vec![ClaimResult {
            id: "C8".to_owned(),
            sentence: "A JWT allowlist in a shared store is nearly a session.".to_owned(),
            outcome: ClaimOutcome::Holds,
            detail: "jwt-allowlist against session-redis: equivalent within ±5 % on response time and CPU.".to_owned(),
            expect: Expectation::Any,
        }],
        notes: vec![],
        environment: BTreeMap::from([
            (
                "machine".to_owned(),
                BTreeMap::from([("cpu".to_owned(), "AMD EPYC 9B14".to_owned()), ("cores".to_owned(), "2".to_owned())]),
            ),
            ("build".to_owned(), BTreeMap::from([("rustc".to_owned(), "1.95.0".to_owned())])),
        ]),
    };
    report.answer = answer::answer(&report);
    report
}
