//! How a drive is made: connections, loop, deadlines, bounds, phases.

use std::num::NonZeroUsize;

use scenario::Policy;

use crate::error::Error;
use crate::priority::RealTime;
use crate::transport::sockets::Wait;

/// Whether the schedule or the answers set the pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Every step has an intended start that no answer moves.
    #[default]
    Open,
    /// Each connection sends its next step as soon as the last one is answered; intended starts are ignored.
    Closed,
}

/// Options of a drive. Times are nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Connections, opened before the trace starts and used in turn.
    pub connections: u32,
    /// Connections serve one request after another. Otherwise each request has a new one, opened when it is due: its
    /// response time contains that, its service time does not.
    pub keep_alive: bool,
    /// Which of several replicas gets a step (in open loop).
    pub policy: Policy,
    /// Seed of the random policy.
    pub seed: u64,
    /// Open or closed loop.
    pub mode: Mode,
    /// How long before a send the thread stops sleeping and polls instead. 0 = never: cheaper, but a send is then
    /// late by as much as the kernel needs to wake a thread.
    pub spin_ns: u64,
    /// Whether the thread asks for a real-time priority in open loop, so that a send never waits for the slice of another
    /// thread. Only for a core that the server does not share: it would not get its turn.
    pub real_time: bool,
    /// How the thread sleeps.
    pub wait: Wait,
    /// Longest wait for an answer, from the send; and for a free connection, from the intended start.
    pub deadline_ns: u64,
    /// Longest response, head included.
    pub max_response_bytes: u64,
    /// Warm-up: steps intended before this are driven but not observed.
    pub warm_ns: u64,
    /// Length of the measured part after it. 0 = until the steps end.
    pub measure_ns: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: 64,
            keep_alive: true,
            policy: Policy::RoundRobin,
            seed: 1,
            mode: Mode::Open,
            spin_ns: default_spin_ns(),
            real_time: default_spin_ns() > 0,
            wait: Wait::default(),
            deadline_ns: 5_000_000_000,
            max_response_bytes: 1 << 20,
            warm_ns: 0,
            measure_ns: 0,
        }
    }
}

/// 50 µs where the process may use more than one core, 0 otherwise: on a shared core the spin would take the server's
/// time.
#[must_use]
pub fn default_spin_ns() -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    if cores > 1 { 50_000 } else { 0 }
}

impl Options {
    /// The priority these options ask for, where the system grants it.
    pub(crate) fn priority(&self) -> Option<RealTime> {
        if self.real_time && self.mode == Mode::Open { RealTime::take() } else { None }
    }

    /// Refuses what cannot be driven.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse =
            |option, value: u64, must| Err(Error::Options { option, value: value.to_string(), must });
        if self.connections == 0 || self.connections > 1_000_000 {
            return refuse("connections", self.connections.into(), "must lie between 1 and 1000000");
        }
        if self.deadline_ns == 0 {
            return refuse("deadline_ns", 0, "must be more than 0");
        }
        if self.max_response_bytes < 1024 {
            return refuse("max_response_bytes", self.max_response_bytes, "must be at least 1024");
        }
        Ok(())
    }
}
