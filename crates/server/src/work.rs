//! The positive control: a known amount of CPU time burnt in every request, which a measurement has to find again.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Steps of integer work between two looks at the CPU clock: about 50 ns.
const STEPS_PER_LOOK: u32 = 64;

/// Burns at least `amount` of this thread's CPU time.
///
/// The thread CPU clock decides when it is enough, the same clock that a measurement reads, so neither frequency
/// scaling nor a preempted thread shifts the amount. It overshoots by one look at the clock and the steps between two
/// looks: 0.2 to 0.5 µs, the same in every request. An amount of zero costs one comparison.
pub(crate) fn burn(amount: Duration) {
    if amount.is_zero() {
        return;
    }
    let enough = thread_cpu() + amount;
    let mut state = 1_u64;
    while thread_cpu() < enough {
        for _ in 0..STEPS_PER_LOOK {
            state = std::hint::black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
    }
}

/// CPU time of the calling thread.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burns_at_least_what_is_asked() {
        let before = thread_cpu();
        burn(Duration::from_micros(200));
        assert!(thread_cpu() - before >= Duration::from_micros(200));
    }
}
