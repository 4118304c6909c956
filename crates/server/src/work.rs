//! The positive control: a known amount of CPU time burnt in every request, which a measurement has to find again.

use std::hint::black_box;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Steps of integer work between two looks at the CPU clock: about 50 ns.
const STEPS_PER_LOOK: u32 = 64;

/// An amount of CPU time per request.
///
/// The thread CPU clock decides when it is burnt, the same clock that a measurement reads, so neither frequency scaling
/// nor a preempted thread shifts the amount. Looking at that clock is a system call that costs 0.3 to 0.6 µs, more after
/// a sleep than in a row: what it costs is taken from the request at hand, not from a calibration. What one request
/// burns too much the next one burns less.
#[derive(Debug)]
pub(crate) struct ExtraWork {
    /// Nanoseconds; 0: nothing is to be burnt.
    each_ns: i64,
    /// Nanoseconds burnt beyond what was asked so far.
    ahead_ns: AtomicI64,
}

impl ExtraWork {
    /// `each` per request. Zero costs one comparison.
    pub(crate) fn new(each: Duration) -> Self {
        Self { each_ns: i64::try_from(each.as_nanos()).unwrap_or(i64::MAX), ahead_ns: AtomicI64::new(0) }
    }

    /// Burns it on the calling thread.
    pub(crate) fn burn(&self) {
        if self.each_ns > 0 {
            let due_ns = self.each_ns - self.ahead_ns.swap(0, Ordering::Relaxed);
            self.ahead_ns.fetch_add(burn(due_ns, thread_cpu_ns) - due_ns, Ordering::Relaxed);
        }
    }
}

/// Burns about `due_ns` by a clock; how much it was in truth.
fn burn(due_ns: i64, clock: impl Fn() -> i64) -> i64 {
    let first = clock();
    let second = clock();
    // Before the first look has its value, and after the last one has, together one look's cost goes by unseen.
    let unseen = second - first;
    let mut last = second;
    let mut state = 1_u64;
    while last - first + unseen < due_ns {
        for _ in 0..STEPS_PER_LOOK {
            state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        last = clock();
    }
    last - first + unseen
}

/// CPU time of the calling thread, nanoseconds.
fn thread_cpu_ns() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn burns_what_is_asked_on_the_clock_that_is_measured() {
        // CPU time, not wall time: another process on the same core does not count. A tenth either way is far more
        // than looking leaves and far less than any mistake in units. What interrupts and a hypervisor take counts as
        // the thread's own, but does not come every time.
        for micros in [20, 100] {
            let asked = i64::try_from(micros).unwrap() * 1_000;
            let once = || {
                let work = ExtraWork::new(Duration::from_micros(micros));
                let start = thread_cpu_ns();
                (0..100).for_each(|_| work.burn());
                (thread_cpu_ns() - start) / 100
            };
            let least = (0..20).map(|_| once()).min().unwrap();
            assert!(least > asked * 9 / 10 && least < asked * 11 / 10, "{least} ns of {asked} ns");
        }
    }

    #[test]
    fn looking_counts_and_is_not_known_better_than_the_clock_tells() {
        let now = Cell::new(0);
        let look = || now.replace(now.get() + 300);
        // Five looks of 300 ns, and the part of a look on either side.
        assert_eq!(burn(1_500, look), 1_500);
        assert_eq!(burn(1_501, look), 1_800);
        // Whatever is asked, two looks cost what they cost.
        assert_eq!(burn(-5_000, look), 600);
    }

    #[test]
    fn what_one_request_burns_too_much_the_next_one_burns_less() {
        let work = ExtraWork::new(Duration::from_nanos(100));
        let start = thread_cpu_ns();
        // Less than looking costs: every request is ahead, and the debt is never forgotten.
        (0..10).for_each(|_| work.burn());
        assert!(work.ahead_ns.load(Ordering::Relaxed) > 0 && thread_cpu_ns() > start);
    }

    #[test]
    fn nothing_is_burnt_when_nothing_is_asked() {
        let work = ExtraWork::new(Duration::ZERO);
        work.burn();
        assert_eq!(work.ahead_ns.load(Ordering::Relaxed), 0);
    }
}
