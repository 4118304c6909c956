//! Looks on while a block is driven: judges each answer, reads clocks when the measured part begins and ends.

use std::sync::mpsc::Sender;

use loadgen::{Observation, Observer, Phase};

use crate::error::Error;
use crate::resources::ProcessProbe;
use crate::tally::Tally;

/// Width of the windows of a pilot's series, nanoseconds.
pub(super) const WINDOW_NS: u64 = 50_000_000;

/// A moment at which the measured part begins or ends.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    pub(super) unix_ns: u64,
    pub(super) server_cpu_ns: u64,
}

/// What was seen of one block.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) tally: Tally,
    pub(super) begin: Option<Mark>,
    pub(super) end: Option<Mark>,
    pub(super) fault: Option<Error>,
    /// Response times by window of intended start: only a pilot asks for them.
    pub(super) windows: Option<Vec<Vec<u64>>>,
}

/// The observer of one block.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    seen: Seen,
    servers: &'a [ProcessProbe],
    other: Sender<Phase>,
}

impl<'a> Watch<'a> {
    /// `other` is told of each phase: the thread that reads what would hold up the generator.
    pub(super) fn new(tally: Tally, servers: &'a [ProcessProbe], other: Sender<Phase>, series: bool) -> Self {
        let windows = series.then(Vec::new);
        Self { seen: Seen { tally, begin: None, end: None, fault: None, windows }, servers, other }
    }

    /// Lets go of the other thread, which ends it; what was seen stays.
    pub(super) fn close(self) -> Seen {
        self.seen
    }

    fn mark(&mut self) -> Mark {
        let mut mark = Mark { unix_ns: crate::clock::unix_ns(), server_cpu_ns: 0 };
        for probe in self.servers {
            match probe.cpu_ns() {
                Ok(cpu_ns) => mark.server_cpu_ns += cpu_ns,
                Err(error) => self.seen.fault = Some(error),
            }
        }
        mark
    }
}

impl Observer for Watch<'_> {
    fn observe(&mut self, observation: &Observation) {
        self.seen.tally.add(observation);
        if let Some(windows) = &mut self.seen.windows {
            let at = usize::try_from(observation.intended_ns / WINDOW_NS).unwrap_or(usize::MAX);
            if at >= windows.len() && at < 1_000_000 {
                windows.resize_with(at + 1, Vec::new);
            }
            if let Some(window) = windows.get_mut(at) {
                window.push(observation.done_ns.saturating_sub(observation.intended_ns));
            }
        }
    }

    fn phase(&mut self, phase: Phase, _at_ns: u64) {
        // The other thread ends only after this one has let go of it.
        match phase {
            Phase::Measure => {
                let _ = self.other.send(phase);
                self.seen.begin = Some(self.mark());
            }
            Phase::Drain => {
                self.seen.end = Some(self.mark());
                let _ = self.other.send(phase);
            }
        }
    }
}
