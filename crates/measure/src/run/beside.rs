//! Reads beside the generator's thread what takes too long for it: the store's own figures, context switches, steal.

use std::sync::mpsc::Receiver;

use loadgen::{Phase, StealMeter};

use crate::error::Error;
use crate::resources::{ProcessProbe, Switches, cpu_pressure_us};
use crate::store::{Sample, Store};

/// What was read at one end of the measured part.
#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    store_cpu_ns: u64,
    store: Sample,
    switches: Switches,
    pressure_us: Option<u64>,
}

/// What happened between the two ends.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside {
    pub(super) store_cpu_ns: u64,
    pub(super) store: Sample,
    pub(super) switches: Switches,
    pub(super) pressure_us: Option<u64>,
    pub(super) steal: f64,
}

/// Reads at `Measure` and at `Drain`. None when the drive was stopped before its end.
pub(super) fn read(
    phases: &Receiver<Phase>,
    servers: &[ProcessProbe],
    mut store: Option<&mut Store>,
    steal_meter: fn() -> Option<StealMeter>,
) -> Result<Option<Beside>, Error> {
    let mut begin: Option<(Reading, Option<StealMeter>)> = None;
    let mut end: Option<(Reading, f64)> = None;
    while let Ok(phase) = phases.recv() {
        match phase {
            Phase::Measure => {
                // INFO costs the store some CPU: it is read before the clock here, and after it at the end.
                let sample = store.as_deref_mut().map(|store| store.gauge.read()).transpose()?;
                let mut reading = clocks(servers, store.as_deref())?;
                reading.store = sample.unwrap_or_default();
                begin = Some((reading, steal_meter()));
            }
            Phase::Drain => {
                let meter = begin.as_ref().and_then(|(_, meter)| meter.as_ref());
                let steal = meter.map_or(0.0, StealMeter::share);
                let mut reading = clocks(servers, store.as_deref())?;
                let sample = store.as_deref_mut().map(|store| store.gauge.read()).transpose()?;
                reading.store = sample.unwrap_or_default();
                end = Some((reading, steal));
            }
        }
    }
    let (Some((begin, _)), Some((end, steal))) = (begin, end) else { return Ok(None) };
    let used = store.as_ref().map(|store| store.gauge.between(begin.store, end.store)).unwrap_or_default();
    let private = store.as_ref().is_some_and(|store| store.probe.is_some());
    Ok(Some(Beside {
        store_cpu_ns: if private { end.store_cpu_ns.saturating_sub(begin.store_cpu_ns) } else { used.cpu_ns },
        store: used,
        switches: Switches {
            voluntary: end.switches.voluntary.saturating_sub(begin.switches.voluntary),
            involuntary: end.switches.involuntary.saturating_sub(begin.switches.involuntary),
        },
        pressure_us: end.pressure_us.zip(begin.pressure_us).map(|(end, begin)| end.saturating_sub(begin)),
        steal,
    }))
}

fn clocks(servers: &[ProcessProbe], store: Option<&Store>) -> Result<Reading, Error> {
    let store_cpu_ns = match store.and_then(|store| store.probe.as_ref()) {
        Some(probe) => probe.cpu_ns()?,
        None => 0,
    };
    let mut switches = Switches::default();
    for probe in servers {
        let one = probe.switches()?;
        switches.voluntary += one.voluntary;
        switches.involuntary += one.involuntary;
    }
    Ok(Reading { store_cpu_ns, store: Sample::default(), switches, pressure_us: cpu_pressure_us() })
}
