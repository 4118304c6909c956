//! What else goes on on this machine: CPU time stolen by the hypervisor, and what the generator could do at most.

use std::fs;
use std::sync::atomic::AtomicBool;

use crate::clock::Monotonic;
use crate::cores;
use crate::engine::Engine;
use crate::error::Error;
use crate::fixed::Fixed;
use crate::load::endless_requests;
use crate::null::{NullOptions, NullResponder};
use crate::observation::{Observation, Observer};
use crate::options::{Mode, Options};
use crate::report::{DriveReport, ratio};
use crate::transport::Sockets;
use crate::transport::target::Target;

/// CPU time of the whole machine, to be compared with a later reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StealMeter {
    total: u64,
    stolen: u64,
}

impl StealMeter {
    /// Reads `/proc/stat` now. All zero where it cannot be read.
    #[must_use]
    pub fn start() -> Self {
        Self::parse(&fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    /// Share of CPU time stolen since, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.share_until(Self::start())
    }

    fn share_until(&self, now: Self) -> f64 {
        let total = now.total.saturating_sub(self.total) as f64;
        ratio(now.stolen.saturating_sub(self.stolen) as f64, total)
    }

    /// The first line: user, nice, system, idle, iowait, irq, softirq, steal (proc_stat(5)); the two guest figures after
    /// them are already contained in user and nice.
    fn parse(text: &str) -> Self {
        let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
        let values: Vec<u64> = fields.map(|field| field.parse().unwrap_or(0)).collect();
        Self { total: values.iter().sum(), stolen: values.get(7).copied().unwrap_or(0) }
    }
}

/// What the generator can do at most on this machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceiling {
    /// Requests per second of generator CPU: what one full core would send.
    pub rate: f64,
    /// CPU per request, nanoseconds.
    pub cpu_ns_per_request: f64,
    /// Answers per second in the check itself, which the responder may have limited.
    pub achieved_rate: f64,
}

/// Measures the generator's ceiling: closed loop against the null responder, for `length_ns`.
///
/// The generator stays on the cores that the calling thread has; the responder gets `responder_cores` (empty: anywhere).
///
/// # Errors
/// [`Error::System`] when sockets or a thread cannot be had.
pub fn ceiling(connections: u32, length_ns: u64, responder_cores: &[usize]) -> Result<Ceiling, Error> {
    let options =
        NullOptions { cores: responder_cores.to_vec(), body: vec![b'x'; 54], ..NullOptions::default() };
    let responder = NullResponder::start(&options)?;
    let report = drive_null(&responder, connections, length_ns)?;
    let cpu_ns_per_request = ratio(report.cpu_ns as f64, report.answered_within as f64);
    let rate = if cpu_ns_per_request > 0.0 { 1e9 / cpu_ns_per_request } else { 0.0 };
    Ok(Ceiling { rate, cpu_ns_per_request, achieved_rate: report.achieved_rate() })
}

fn drive_null(responder: &NullResponder, connections: u32, length_ns: u64) -> Result<DriveReport, Error> {
    let target = Target::plain(vec![responder.address()]);
    let options = Options {
        connections,
        mode: Mode::Closed,
        warm_ns: length_ns / 10,
        measure_ns: length_ns,
        ..Options::default()
    };
    let transport = Sockets::new(&target, connections, options.wait)?;
    let mut work = Fixed::new(format!("GET /me HTTP/1.1\r\nHost: {}\r\n\r\n", target.host).into_bytes());
    let stop = AtomicBool::new(false);
    Engine::new((&mut work, Monotonic, transport), &options, endless_requests(), &stop, &mut Nobody).run()
}

/// Observes nothing: the report of the drive is all that is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _observation: &Observation) {}
}

/// Two disjoint sets of cores, generator first, where the calling thread may use more than one.
#[must_use]
pub fn split_cores() -> Option<(Vec<usize>, Vec<usize>)> {
    let allowed = cores::allowed();
    let (first, rest) = allowed.split_first()?;
    (!rest.is_empty()).then(|| (vec![*first], rest.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steal_is_the_eighth_figure_over_their_sum() {
        let before = StealMeter::parse("cpu  100 0 100 800 0 0 0 0 5 5\ncpu0 1 1");
        let after = StealMeter::parse("cpu  150 0 130 880 0 0 0 40 9 9\n");
        assert!((before.share_until(after) - 0.2).abs() < 1e-12);
        assert_eq!(StealMeter::parse(""), StealMeter::default());
    }
}
