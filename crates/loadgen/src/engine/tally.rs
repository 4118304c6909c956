//! Counting: phases of the drive, histograms, and the figures of the report.

use hdrhistogram::Histogram;

use super::meter::{Dispersion, InFlightMeter};
use crate::options::{Mode, Options};
use crate::report::{Arrivals, DriveReport, nanosecond_histogram};

/// Width of the bins in which arrivals are counted.
const BIN_NS: u64 = 1_000_000;

/// Where the drive stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Warm,
    Measure,
    Drain,
}

/// Counters that are read at the start and the end of the measured part.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    cpu_ns: u64,
    spin_ns: u64,
    bytes_sent: u64,
    bytes_received: u64,
}

/// Figures of one drive.
#[derive(Debug)]
pub(super) struct Tally {
    open_loop: bool,
    stage: Stage,
    warm_ns: u64,
    /// End of the measured part, once known.
    end_ns: Option<u64>,
    /// Intended start of the last step taken.
    last_intended_ns: u64,
    start: Mark,
    stop: Mark,
    pub(super) interrupted: bool,
    pub(super) spin_ns: u64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    pub(super) unsolicited: u64,
    pub(super) reopened: u64,
    pub(super) open: u32,
    pub(super) peak: u32,
    offered: u64,
    skipped: u64,
    answered: u64,
    answered_within: u64,
    response: Histogram<u64>,
    service: Histogram<u64>,
    send_lag: Histogram<u64>,
    own_lag: Histogram<u64>,
    in_flight: InFlightMeter,
    intended: Dispersion,
    acted: Dispersion,
}

impl Tally {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            open_loop: options.mode == Mode::Open,
            stage: Stage::Warm,
            warm_ns: options.warm_ns,
            end_ns: (options.measure_ns > 0).then(|| options.warm_ns.saturating_add(options.measure_ns)),
            last_intended_ns: 0,
            start: Mark::default(),
            stop: Mark::default(),
            interrupted: false,
            spin_ns: 0,
            bytes_sent: 0,
            bytes_received: 0,
            unsolicited: 0,
            reopened: 0,
            open: 0,
            peak: 0,
            offered: 0,
            skipped: 0,
            answered: 0,
            answered_within: 0,
            response: nanosecond_histogram(),
            service: nanosecond_histogram(),
            send_lag: nanosecond_histogram(),
            own_lag: nanosecond_histogram(),
            in_flight: InFlightMeter::new(options.warm_ns),
            intended: Dispersion::new(BIN_NS),
            acted: Dispersion::new(BIN_NS),
        }
    }

    /// Whether a step intended at this time is observed.
    #[inline]
    pub(super) fn measured(&self, intended_ns: u64) -> bool {
        intended_ns >= self.warm_ns && self.end_ns.is_none_or(|end| intended_ns < end)
    }

    /// Whether a step intended at this time is still part of the drive.
    #[inline]
    pub(super) fn within(&self, intended_ns: u64) -> bool {
        self.end_ns.is_none_or(|end| intended_ns < end)
    }

    /// Whether the measured part ends with the last step.
    pub(super) fn without_length(&self) -> bool {
        self.end_ns.is_none()
    }

    /// A step falls due (closed loop: is sent).
    #[inline]
    pub(super) fn offer(&mut self, intended_ns: u64) {
        self.last_intended_ns = self.last_intended_ns.max(intended_ns);
        self.offered += u64::from(self.measured(intended_ns));
    }

    pub(super) fn skip(&mut self, intended_ns: u64) {
        let measured = u64::from(self.measured(intended_ns));
        self.offered = self.offered.saturating_sub(measured);
        self.skipped += measured;
    }

    /// The engine acts on a due step: sends it, or finds that it must wait for the server.
    #[inline]
    pub(super) fn act(&mut self, intended_ns: u64, acted_ns: u64) {
        if self.open_loop && self.measured(intended_ns) {
            self.intended.add(intended_ns - self.warm_ns);
            self.acted.add(acted_ns.max(self.warm_ns) - self.warm_ns);
        }
    }

    #[inline]
    pub(super) fn sent(&mut self, intended_ns: u64, eligible_ns: u64, sent_ns: u64) {
        if self.open_loop && self.measured(intended_ns) {
            self.send_lag.saturating_record(sent_ns.saturating_sub(intended_ns));
            self.own_lag.saturating_record(sent_ns.saturating_sub(eligible_ns.max(intended_ns)));
        }
    }

    /// A complete response to a step of any phase.
    #[inline]
    pub(super) fn answer(&mut self, intended_ns: u64) {
        self.answered += u64::from(self.measured(intended_ns));
        self.answered_within += u64::from(self.stage == Stage::Measure);
    }

    #[inline]
    pub(super) fn times(&mut self, intended_ns: u64, sent_ns: Option<u64>, done_ns: u64) {
        if self.measured(intended_ns) {
            self.response.saturating_record(done_ns.saturating_sub(intended_ns));
            // In closed loop both are the same; one is counted, and copied at the end.
            if let Some(sent_ns) = sent_ns.filter(|_| self.open_loop) {
                self.service.saturating_record(done_ns.saturating_sub(sent_ns));
            }
        }
    }

    #[inline]
    pub(super) fn sample(&mut self, now_ns: u64, unfinished: u64) {
        if self.open_loop {
            self.in_flight.sample(now_ns, unfinished);
        }
    }

    /// The engine has come to a step, late or in time.
    #[inline]
    pub(super) fn arrive(&mut self, intended_ns: u64) {
        if self.open_loop {
            self.in_flight.arrive(intended_ns);
        }
    }

    #[inline]
    pub(super) fn stamp(&mut self, from_ns: u64, to_ns: u64) {
        if self.open_loop {
            self.in_flight.stamp(from_ns, to_ns);
        }
    }

    /// When the next phase begins, if that is known.
    pub(super) fn next_phase_ns(&self) -> u64 {
        match self.stage {
            Stage::Warm => self.warm_ns,
            Stage::Measure => self.end_ns.unwrap_or(u64::MAX),
            Stage::Drain => u64::MAX,
        }
    }

    pub(super) fn starts(&self, now_ns: u64) -> bool {
        self.stage == Stage::Warm && now_ns >= self.warm_ns
    }

    pub(super) fn begin(&mut self, cpu_ns: u64) {
        self.stage = Stage::Measure;
        self.start = self.mark(cpu_ns);
    }

    /// The measured part ends at its length, or with the last step where it has none.
    pub(super) fn ends(&self, now_ns: u64, exhausted: bool) -> bool {
        self.stage == Stage::Measure && self.end_ns.map_or(exhausted, |end| now_ns >= end)
    }

    pub(super) fn end(&mut self, now_ns: u64, cpu_ns: u64) {
        if self.stage == Stage::Drain {
            return;
        }
        if self.stage == Stage::Warm {
            self.start = self.mark(cpu_ns);
        }
        self.stage = Stage::Drain;
        // Without a length, up to and including the last step; after a stop, up to now.
        let end = match self.end_ns {
            Some(end) => end.min(now_ns.max(1)),
            None if self.open_loop => self.last_intended_ns + 1,
            None => now_ns,
        };
        self.end_ns = Some(end);
        self.in_flight.cut(end);
        let measured = end.saturating_sub(self.warm_ns);
        self.intended.advance(measured);
        self.acted.advance(measured);
        self.stop = self.mark(cpu_ns);
    }

    pub(super) fn drained(&self) -> bool {
        self.stage == Stage::Drain
    }

    fn mark(&self, cpu_ns: u64) -> Mark {
        let (bytes_sent, bytes_received) = (self.bytes_sent, self.bytes_received);
        Mark { cpu_ns, spin_ns: self.spin_ns, bytes_sent, bytes_received }
    }

    pub(super) fn opened(&mut self, again: bool) {
        self.open += 1;
        self.peak = self.peak.max(self.open);
        self.reopened += u64::from(again);
    }

    pub(super) fn finish(self, unfinished: u64) -> DriveReport {
        let end_ns = self.end_ns.unwrap_or(self.warm_ns);
        let arrivals = Arrivals {
            bins: self.intended.bins().min(self.acted.bins()),
            bin_ns: BIN_NS,
            intended: self.intended.index(),
            sent: self.acted.index(),
        };
        DriveReport {
            open_loop: self.open_loop,
            interrupted: self.interrupted,
            measured_ns: end_ns.saturating_sub(self.warm_ns),
            offered: self.offered,
            answered: self.answered,
            answered_within: self.answered_within,
            skipped: self.skipped,
            abandoned: unfinished,
            unsolicited: self.unsolicited,
            reopened: self.reopened,
            peak_connections: self.peak,
            bytes_sent: self.stop.bytes_sent - self.start.bytes_sent,
            bytes_received: self.stop.bytes_received - self.start.bytes_received,
            service: if self.open_loop { self.service } else { self.response.clone() },
            response: self.response,
            send_lag: self.send_lag,
            own_lag: self.own_lag,
            cpu_ns: self.stop.cpu_ns.saturating_sub(self.start.cpu_ns),
            spin_ns: self.stop.spin_ns.saturating_sub(self.start.spin_ns),
            real_time: false,
            in_flight: self.in_flight.finish(),
            arrivals: self.open_loop.then_some(arrivals),
        }
    }
}
