//! The clock module: the only place of the generator that reads time.

use rustix::time::{ClockId, clock_gettime};

/// Monotonic time and the calling thread's CPU time, both in nanoseconds from an arbitrary origin.
pub trait Clock {
    /// Monotonic time (`CLOCK_MONOTONIC`).
    fn now_ns(&self) -> u64;
    /// CPU used by the calling thread (`CLOCK_THREAD_CPUTIME_ID`), user and system.
    fn cpu_ns(&self) -> u64;
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Monotonic;

impl Clock for Monotonic {
    fn now_ns(&self) -> u64 {
        read(ClockId::Monotonic)
    }

    fn cpu_ns(&self) -> u64 {
        read(ClockId::ThreadCPUTime)
    }
}

/// CPU used by the whole process so far, nanoseconds (`CLOCK_PROCESS_CPUTIME_ID`).
#[must_use]
pub fn process_cpu_ns() -> u64 {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    // Both parts of these clocks are never negative.
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
