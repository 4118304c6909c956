//! Carries out a search for capacity: starts every backend, lets them take turns, keeps every probe.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use loadgen::capacity::{Step, step};
use loadgen::validity::Finding;
use scenario::{HumanDuration, Scenario, Workload};

use super::RunOptions;
use super::block::{Around, Driven, Slot, drive};
use super::fleet::{self, LiveRow, Parts, Start};
use super::order::order;
use super::parts::RealParts;
use super::rows::{Given, Resolved, Row, resolve_capacity};
use super::tool::tool;
use crate::affinity::{Bound, Placement, allowed};
use crate::block::{BlockKind, BlockRecord, Outcome};
use crate::capacity::{CapacityPlan, CapacityProbe, CapacityRow, CapacityRun, FILE, SCHEMA};
use crate::designs::nothing_left;
use crate::environment::environment;
use crate::error::Error;
use crate::event::Skipped;
use crate::generator::{Generator, Loadgen};
use crate::recording::sha256_hex;
use crate::redact::redact;

/// How often a probe is made again that failed while something else disturbed this machine.
const REPEATS: u32 = 2;
/// Longest wait for an answer, as a multiple of the objective's response time.
const DEADLINE_OVER_OBJECTIVE: u64 = 5;
/// The same at least, nanoseconds: a pause of the machine must not turn into a storm of new connections.
const SHORTEST_DEADLINE_NS: u64 = 50_000_000;

/// Something worth telling while capacities are searched for.
#[derive(Debug, Clone, PartialEq)]
pub enum CapacityEvent {
    /// A backend that cannot be measured here; the others go on without it.
    Skipped(Skipped),
    /// A backend is up, its logins provisioned.
    Ready {
        /// Its name.
        row: String,
    },
    /// A probe is on disk.
    Probed {
        /// Which backend.
        row: String,
        /// What it showed.
        probe: Box<CapacityProbe>,
    },
    /// A search came to its end, or its server did.
    Finished(Box<CapacityRow>),
}

/// Searches for the capacity of every backend of `plan` and leaves `capacity.json` in `options.out_dir`.
///
/// Runs on the calling thread, which is bound to the generator's core meanwhile. `stop` ends it within a probe; what was
/// made until then stands, marked as not complete. Every child process has ended when this returns. A backend whose
/// server or store dies is marked as failed, and the others go on.
///
/// # Errors
///
/// [`Error`], where nothing could be started or written, or a capacity already lies in the folder.
pub fn capacity(
    options: &RunOptions,
    plan: &CapacityPlan,
    events: &mut dyn FnMut(CapacityEvent),
    stop: &AtomicBool,
) -> Result<CapacityRun, Error> {
    let resolved = resolve_capacity(plan, &Given::of(options))?;
    let placement = Placement::named(&plan.cores.generator, &plan.cores.servers, &allowed()?)?;
    let parts = RealParts::new(options, &placement)?;
    let wanted = Wanted {
        plan,
        resolved: &resolved,
        placement: &placement,
        out_dir: &options.out_dir,
        executable: Some(&options.executable),
        stop,
    };
    conduct(&wanted, parts, Loadgen, events)
}

/// What is carried out, where.
pub(super) struct Wanted<'a> {
    pub(super) plan: &'a CapacityPlan,
    pub(super) resolved: &'a Resolved,
    pub(super) placement: &'a Placement,
    pub(super) out_dir: &'a Path,
    /// Hashed; absent in tests.
    pub(super) executable: Option<&'a Path>,
    pub(super) stop: &'a AtomicBool,
}

/// Carries it out.
pub(super) fn conduct<P: Parts, G: Generator>(
    wanted: &Wanted<'_>,
    mut parts: P,
    mut generator: G,
    events: &mut dyn FnMut(CapacityEvent),
) -> Result<CapacityRun, Error> {
    let resolved = wanted.resolved;
    resolved.skipped.iter().cloned().for_each(|skipped| events(CapacityEvent::Skipped(skipped)));
    let Some(planned) = resolved.scenarios.get(&wanted.plan.scenario).filter(|_| !resolved.rows.is_empty())
    else {
        return Err(nothing_left(&resolved.skipped));
    };
    prepare_folder(wanted.out_dir)?;
    let mut scenario = planned.scenario.clone();
    scenario.client.deadline = deadline(wanted.plan);
    // Without it the default slack of 50 µs shows in every response time; where it is refused, the self-checks say so.
    let _ = rustix::thread::set_current_timer_slack(Some(NonZeroU64::MIN));
    let mut live = up(wanted, &mut parts, &scenario, events)?;
    let mut run = record(wanted, &scenario, planned.text.as_bytes(), &live)?;
    let _bound = Bound::to(&wanted.placement.generator)?;
    let ceiling = generator.ceiling(scenario.client.connections, &wanted.placement.servers).ok();
    run.generator_ceiling = ceiling;
    let mut turns = Turns { wanted, scenario, generator, ceiling, order: 0 };
    run.complete = turns.all(&mut live, &mut run, events)?;
    run.write(wanted.out_dir)?;
    Ok(run)
}

/// Makes the folder, and refuses one that holds a capacity already.
pub(super) fn prepare_folder(folder: &Path) -> Result<(), Error> {
    let io = |source| Error::Io { path: folder.to_owned(), what: "cannot be made", source };
    fs::create_dir_all(folder).map_err(io)?;
    let path = folder.join(FILE);
    if path.exists() {
        let message =
            "is there already, and nothing is overwritten\n  help: name another folder: --out DIR".to_owned();
        return Err(Error::Recording { path, message });
    }
    Ok(())
}

fn deadline(plan: &CapacityPlan) -> HumanDuration {
    let bound = plan.objective.p99_ns.saturating_mul(DEADLINE_OVER_OBJECTIVE);
    HumanDuration::from_nanos(bound.max(SHORTEST_DEADLINE_NS))
}

/// Every backend, up and provisioned. Nothing has been measured yet, so that one that cannot be started ends it all.
fn up<P: Parts>(
    wanted: &Wanted<'_>,
    parts: &mut P,
    scenario: &Scenario,
    events: &mut dyn FnMut(CapacityEvent),
) -> Result<Vec<Option<LiveRow>>, Error> {
    let rows: Vec<&Row> = wanted.resolved.rows.iter().collect();
    let start = Start {
        scenario,
        cores: &wanted.plan.cores,
        server_cpus: &wanted.placement.servers,
        store_rtt_us: 0,
        extra_work_ns: &BTreeMap::new(),
    };
    let mut live = Vec::new();
    for started in fleet::start(parts, &rows, &start) {
        let mut row = started?;
        row.provision(scenario, Duration::ZERO)?;
        events(CapacityEvent::Ready { row: row.name.clone() });
        live.push(Some(row));
    }
    Ok(live)
}

fn record(
    wanted: &Wanted<'_>,
    scenario: &Scenario,
    text: &[u8],
    live: &[Option<LiveRow>],
) -> Result<CapacityRun, Error> {
    let plan = wanted.plan;
    let rows = wanted.resolved.rows.iter().zip(live).map(|(row, live)| CapacityRow {
        name: row.name.clone(),
        backend_sha256: sha256_hex(row.backend.text.as_bytes()),
        describe: live.as_ref().map_or(serde_json::Value::Null, |live| live.describe.clone()),
        rate: None,
        limit: None,
        failed: None,
        probes: Vec::new(),
    });
    Ok(CapacityRun {
        schema: SCHEMA,
        tool: tool(wanted.executable),
        started_unix_ns: crate::clock::unix_ns(),
        scenario: scenario.name.clone(),
        scenario_sha256: sha256_hex(text),
        seed: plan.seed,
        objective: plan.objective,
        search: plan.search,
        warm_ms: plan.warm_ms,
        probe_ms: plan.probe_ms,
        deadline_ns: scenario.client.deadline.as_nanos(),
        connections: scenario.client.connections,
        server_threads: plan.cores.server_threads,
        generator_ceiling: None,
        placement: wanted.placement.clone(),
        environment: environment()?,
        rows: rows.collect(),
        skipped: wanted.resolved.skipped.clone(),
        complete: false,
    })
}

/// The searches, taking turns.
struct Turns<'a, G> {
    wanted: &'a Wanted<'a>,
    scenario: Scenario,
    generator: G,
    ceiling: Option<f64>,
    /// Probes made so far.
    order: u64,
}

impl<G: Generator> Turns<'_, G> {
    /// One probe of every backend whose search goes on, in random order, until none does. False when stopped.
    fn all(
        &mut self,
        live: &mut [Option<LiveRow>],
        run: &mut CapacityRun,
        events: &mut dyn FnMut(CapacityEvent),
    ) -> Result<bool, Error> {
        let mut turn = 0;
        while live.iter().any(Option::is_some) {
            for at in order(self.wanted.plan.seed, &self.scenario.name, 0, turn, live.len()) {
                let Some(row) = &mut live[at] else { continue };
                let known = &mut run.rows[at];
                if self.wanted.stop.load(Ordering::Relaxed) {
                    return Ok(false);
                }
                match self.turn(row, known, events) {
                    Ok(Some(())) => {}
                    Ok(None) => return Ok(false),
                    Err(error) if is_of_the_row(&error) => known.failed = Some(redact(&error.to_string())),
                    Err(error) => return Err(error),
                }
                if known.limit.is_some() || known.failed.is_some() {
                    events(CapacityEvent::Finished(Box::new(known.clone())));
                    live[at] = None;
                }
                run.write(self.wanted.out_dir)?;
            }
            turn += 1;
        }
        Ok(true)
    }

    /// The next probe of one backend, made again while it failed under a disturbance. None when stopped.
    fn turn(
        &mut self,
        row: &mut LiveRow,
        known: &mut CapacityRow,
        events: &mut dyn FnMut(CapacityEvent),
    ) -> Result<Option<()>, Error> {
        let plan = self.wanted.plan;
        let Step::Probe(rate) = next(plan, known) else { return Ok(Some(())) };
        for again in 0..=REPEATS {
            let Some((mut probe, disturbed)) = self.probe(row, rate)? else { return Ok(None) };
            probe.repeated = disturbed && again < REPEATS;
            let repeated = probe.repeated;
            known.probes.push(probe.clone());
            events(CapacityEvent::Probed { row: known.name.clone(), probe: Box::new(probe) });
            if !repeated {
                break;
            }
        }
        if let Step::Done(capacity) = next(plan, known) {
            known.rate = capacity.rate;
            known.limit = Some(capacity.limit);
        }
        Ok(Some(()))
    }

    /// Drives one rate. The flag says that it failed while something else disturbed this machine. None when stopped.
    fn probe(&mut self, row: &mut LiveRow, rate: f64) -> Result<Option<(CapacityProbe, bool)>, Error> {
        let plan = self.wanted.plan;
        let scenario = at_rate(&self.scenario, rate);
        let (warm, measure) = (Duration::from_millis(plan.warm_ms), Duration::from_millis(plan.probe_ms));
        row.provision(&scenario, warm + measure)?;
        let slot = Slot {
            scenario_name: &scenario.name,
            scenario: &scenario,
            kind: BlockKind::Paired,
            round: u32::try_from(self.order).unwrap_or(u32::MAX),
            visit: 0,
            position: 0,
            restart: 0,
            store_rtt_us: 0,
            warm,
            measure: Some(measure),
            trace: Some(warm + measure),
        };
        let around =
            Around { placement: self.wanted.placement, ceiling: self.ceiling, stop: self.wanted.stop };
        let Some(driven) = drive(&mut self.generator, row, &slot, around)? else { return Ok(None) };
        let order = self.order;
        self.order += 1;
        match driven.fault {
            Some(fault) => Err(fault),
            None => Ok(Some(judged(plan, order, rate, &driven))),
        }
    }
}

/// What the search of a backend wants next.
fn next(plan: &CapacityPlan, known: &CapacityRow) -> Step {
    let made: Vec<_> =
        known.probes.iter().filter(|probe| !probe.repeated).map(CapacityProbe::for_search).collect();
    step(&plan.objective, &plan.search, &made)
}

/// A server or a store that failed is that row's affair; a file that cannot be written is everybody's.
fn is_of_the_row(error: &Error) -> bool {
    matches!(error, Error::Process { .. } | Error::Store { .. } | Error::Control { .. })
}

/// The scenario with its whole load faster or slower, so that its requests come at `rate`.
fn at_rate(scenario: &Scenario, rate: f64) -> Scenario {
    let mut scenario = scenario.clone();
    if let Workload::Stationary(load) = &mut scenario.workload {
        if let Some(logins) = &mut load.logins {
            logins.rate *= rate / load.rate;
        }
        load.rate = rate;
    }
    scenario
}

/// What a probe showed, and whether it failed under a disturbance.
fn judged(plan: &CapacityPlan, order: u64, rate: f64, driven: &Driven) -> (CapacityProbe, bool) {
    let record = &driven.record;
    let failed = |name: &str| {
        let of = |check: &&loadgen::validity::Check| check.name == name && check.finding == Finding::Failed;
        driven.certificate.checks.iter().any(|check| of(&check))
    };
    let times = record.main_operation().and_then(|operation| record.response_ns.get(&operation));
    let answered = record.answered();
    let each = |cpu_ns: u64| (answered > 0.0).then(|| (cpu_ns as f64 / answered).round());
    let mut probe = CapacityProbe {
        order,
        rate,
        offered_rate: record.offered_rate.unwrap_or(rate),
        achieved_rate: record.achieved_rate,
        p50_ns: times.map_or(0, |times| times.p50),
        p99_ns: times.map_or(u64::MAX, |times| times.p99),
        error_share: error_share(record),
        server_cpu_ns: each(record.server.cpu_ns),
        store_cpu_ns: record.store.as_ref().and_then(|store| each(store.cpu_ns)),
        // In overload the other self-checks fail because of the server: what it made wait was never sent.
        generator_kept_up: !["generator busy", "ceiling", "send lag"].into_iter().any(failed),
        holds: false,
        repeated: false,
        reasons: record.validity.reasons.clone(),
    };
    probe.holds = probe.for_search().holds(&plan.objective);
    let disturbed = !probe.holds && (failed("steal") || failed("send lag"));
    (probe, disturbed)
}

/// Operations that did not come out as they should, as a share of all.
fn error_share(record: &BlockRecord) -> f64 {
    let good = [Outcome::Ok, Outcome::RejectedAsExpected, Outcome::AcceptedAsDeclared];
    let (mut all, mut right) = (0, 0);
    for (outcome, count) in record.outcomes.values().flatten() {
        all += count;
        right += if good.contains(outcome) { *count } else { 0 };
    }
    if all == 0 { 1.0 } else { (all - right) as f64 / all as f64 }
}
