//! One block: drive it, look on, put the figures together.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::time::Duration;

use hdrhistogram::Histogram;
use loadgen::{Certificate, DriveReport, Options, Surroundings, certify};
use scenario::{Operation, Scenario, TraceOptions};

use super::beside::{self, Beside};
use super::fleet::LiveRow;
use super::watch::{Mark, Watch};
use crate::affinity::{self, Placement};
use crate::block::{BlockKind, BlockRecord, GeneratorCost, ProcessCost, StoreCost, Validity, WireCost};
use crate::error::Error;
use crate::generator::{Generator, Job};
use crate::recording::{Kind, ToWrite};
use crate::tally::{Tally, quantiles};

/// How long the generator polls instead of sleeping before a send, nanoseconds, where it has a core of its own.
const SPIN_NS: u64 = 50_000;

/// Which block.
#[derive(Debug, Clone)]
pub(super) struct Slot<'a> {
    pub(super) scenario_name: &'a str,
    pub(super) scenario: &'a Scenario,
    pub(super) kind: BlockKind,
    pub(super) round: u32,
    pub(super) visit: u32,
    pub(super) position: u32,
    pub(super) restart: u32,
    pub(super) store_rtt_us: u64,
    /// Discarded start.
    pub(super) warm: Duration,
    /// Measured part; absent = until the trace ends.
    pub(super) measure: Option<Duration>,
    /// Length of the trace instead of the scenario's own.
    pub(super) trace: Option<Duration>,
}

impl Slot<'_> {
    /// Number of the trace: the same for all rows of a visit, another one for each visit. The first visit has that of
    /// the round, and no pilot's is reached.
    fn draw(&self) -> u32 {
        self.round.wrapping_add(self.visit << 24)
    }
}

/// What is known of the machine while a block is driven.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) placement: &'a Placement,
    pub(super) ceiling: Option<f64>,
    pub(super) stop: &'a AtomicBool,
}

/// A block that was driven to its end.
#[derive(Debug)]
pub(super) struct Driven {
    pub(super) record: BlockRecord,
    pub(super) tally: Tally,
    pub(super) send_lag: Histogram<u64>,
    /// Response times by window, for pilots.
    pub(super) windows: Vec<Vec<u64>>,
    /// What the generator says of itself.
    pub(super) certificate: Certificate,
    /// What ended the row during the block: its record says that it is not valid.
    pub(super) fault: Option<Error>,
}

impl Driven {
    /// The histograms that go beside its record.
    pub(super) fn histograms(&self) -> Vec<ToWrite<'_>> {
        let mut all = Vec::new();
        for (operation, times) in self.tally.times() {
            let operation = Some(operation);
            all.push(ToWrite { operation, kind: Kind::Response, histogram: &times.response });
            all.push(ToWrite { operation, kind: Kind::Service, histogram: &times.service });
        }
        if !self.send_lag.is_empty() {
            all.push(ToWrite { operation: None, kind: Kind::SendLag, histogram: &self.send_lag });
        }
        all
    }
}

/// Drives one block. None when it was stopped before its end.
pub(super) fn drive(
    generator: &mut impl Generator,
    row: &mut LiveRow,
    slot: &Slot<'_>,
    around: Around<'_>,
) -> Result<Option<Driven>, Error> {
    let options = Options {
        connections: slot.scenario.client.connections,
        keep_alive: slot.scenario.client.keep_alive,
        policy: slot.scenario.balance.map(|balance| balance.policy).unwrap_or_default(),
        seed: slot.scenario.seed.wrapping_add(u64::from(slot.draw())),
        deadline_ns: slot.scenario.client.deadline.as_nanos(),
        spin_ns: if around.placement.shared { 0 } else { SPIN_NS },
        real_time: !around.placement.shared,
        warm_ns: crate::clock::nanos(slot.warm),
        measure_ns: slot.measure.map_or(0, crate::clock::nanos),
        ..Options::default()
    };
    let mut steps = slot.scenario.trace(&TraceOptions {
        round: slot.draw(),
        duration: slot.trace,
        access_lifetime: row.access_lifetime,
    });
    let mut tally = Tally::new(row.judge.clone());
    tally.expect_replicas(row.address.addresses.len());
    if slot.scenario.is_stationary() {
        tally.expect(Operation::Request);
    }
    let (sender, phases) = mpsc::channel();
    let (servers, store) = (&row.servers, row.store.as_mut());
    let (cpus, steal_meter) = (&around.placement.servers, generator.steal_meter());
    let mut watch = Watch::new(tally, servers, sender, slot.kind == BlockKind::Pilot);
    let job = Job {
        target: &row.address,
        options: &options,
        jar: &mut row.jar,
        steps: &mut steps,
        stop: around.stop,
    };
    let (report, watch, beside) = std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            affinity::bind(cpus)?;
            beside::read(&phases, servers, store, steal_meter)
        });
        let report = generator.drive(job, &mut watch);
        // Letting go of the channel ends the reader.
        let watch = watch.close();
        let beside = reader
            .join()
            .unwrap_or_else(|_| Err(Error::Probe { what: "the reading thread", message: "panicked".into() }));
        (report, watch, beside)
    });
    let report =
        report.map_err(|error| Error::Generator { row: row.name.clone(), message: error.to_string() })?;
    if let Some(failure) = steps.failure() {
        return Err(failure.clone().into());
    }
    let ended = row.has_ended();
    let (beside, store_fault) = match beside {
        Ok(beside) => (beside, None),
        Err(error) => (None, Some(error)),
    };
    let fault = ended.or(store_fault).or(watch.fault);
    if report.interrupted || (fault.is_none() && (watch.begin.is_none() || watch.end.is_none())) {
        return Ok(None);
    }
    let marks = (watch.begin.unwrap_or_default(), watch.end.unwrap_or_default());
    let mut record = record(row, slot, &report, marks, &watch.tally, beside.unwrap_or_default());
    let certificate = certificate(&report, &record, around);
    record.validity = validity(&certificate, &record, fault.as_ref());
    if fault.is_none() {
        memory(row, &mut record)?;
    }
    Ok(Some(Driven {
        record,
        tally: watch.tally,
        send_lag: report.send_lag,
        windows: watch.windows.unwrap_or_default(),
        certificate,
        fault,
    }))
}

fn record(
    row: &LiveRow,
    slot: &Slot<'_>,
    report: &DriveReport,
    (begin, end): (Mark, Mark),
    tally: &Tally,
    beside: Beside,
) -> BlockRecord {
    let (sent_bytes, received_bytes) = tally.bytes();
    let measured_ns = report.measured_ns;
    BlockRecord {
        schema: 0,
        sequence: 0,
        previous: String::new(),
        scenario: slot.scenario_name.to_owned(),
        backend: row.name.clone(),
        round: slot.round,
        visit: slot.visit,
        position: slot.position,
        restart: slot.restart,
        store_rtt_us: slot.store_rtt_us,
        kind: slot.kind,
        started_unix_ns: begin.unix_ns,
        measured_ns,
        offered_rate: report.open_loop.then(|| report.offered_rate()),
        achieved_rate: report.achieved_rate(),
        outcomes: tally.outcomes(),
        by_replica: tally.by_replica(),
        response_ns: tally
            .times()
            .map(|(operation, times)| (operation, quantiles(&times.response)))
            .collect(),
        service_ns: tally.times().map(|(operation, times)| (operation, quantiles(&times.service))).collect(),
        send_lag_ns: report.open_loop.then(|| quantiles(&report.send_lag)),
        server: ProcessCost {
            cpu_ns: end.server_cpu_ns.saturating_sub(begin.server_cpu_ns),
            pss_bytes: 0,
            peak_bytes: 0,
            voluntary_switches: beside.switches.voluntary,
            involuntary_switches: beside.switches.involuntary,
        },
        store: row.store.as_ref().map(|store| StoreCost {
            cpu_ns: beside.store_cpu_ns,
            commands: beside.store.commands,
            bytes_in: beside.store.bytes_in,
            bytes_out: beside.store.bytes_out,
            dataset_bytes: beside.store.dataset_bytes,
            evicted_keys: beside.store.evicted_keys,
            shared: !store.record.private,
        }),
        wire: WireCost { sent_bytes, received_bytes },
        generator: GeneratorCost {
            cpu_ns: report.cpu_ns,
            spin_ns: report.spin_ns,
            real_time: report.real_time,
            in_flight_mean: report.open_loop.then_some(report.in_flight.sampled_mean),
        },
        steal: beside.steal,
        cpu_pressure: beside
            .pressure_us
            .filter(|_| measured_ns > 0)
            .map(|waited_us| waited_us as f64 * 1000.0 / measured_ns as f64),
        exposure: tally.exposure(),
        validity: Validity { valid: true, response_times: true, reasons: Vec::new() },
    }
}

/// Memory at the end of the block: read after it, because it takes milliseconds.
fn memory(row: &LiveRow, record: &mut BlockRecord) -> Result<(), Error> {
    for probe in &row.servers {
        let memory = probe.memory()?;
        record.server.pss_bytes += memory.pss_bytes;
        record.server.peak_bytes += memory.peak_bytes;
    }
    Ok(())
}

fn certificate(report: &DriveReport, record: &BlockRecord, around: Around<'_>) -> Certificate {
    certify(
        report,
        &Surroundings {
            ceiling_rate: around.ceiling,
            // With a single core there is no other: the run says so once, and its blocks stand.
            cores_shared: Some(false),
            steal: Some(record.steal),
        },
    )
}

fn validity(certificate: &Certificate, record: &BlockRecord, fault: Option<&Error>) -> Validity {
    let mut validity = Validity {
        valid: certificate.is_usable(),
        response_times: certificate.status == loadgen::Status::Valid,
        reasons: certificate.reasons.clone(),
    };
    let mut void = |reason: String| {
        validity.valid = false;
        validity.response_times = false;
        validity.reasons.push(reason);
    };
    if record.store.as_ref().is_some_and(|store| store.evicted_keys > 0) {
        void("the store evicted keys: logins may have vanished".to_owned());
    }
    if let Some(fault) = fault {
        void(fault.to_string().lines().next().unwrap_or_default().to_owned());
    }
    validity
}
