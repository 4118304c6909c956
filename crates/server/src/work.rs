//! The positive control: a known amount of CPU time burnt in every request, which a measurement has to find again.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Steps of integer work between two looks at the CPU clock: about 50 ns.
const STEPS_PER_LOOK: u32 = 64;
/// A look at the clock costs as much whatever is burnt; this much is burnt to find out how much.
const TRIAL: Duration = Duration::from_micros(5);
/// Trials in a batch, and batches: 10 ms in all, of which the median batch counts.
const TRIALS: u32 = 200;
const BATCHES: usize = 11;

/// A calibrated amount of CPU time.
///
/// The thread CPU clock decides when it is burnt, the same clock that a measurement reads, so neither frequency scaling
/// nor a preempted thread shifts the amount. What looking at that clock costs by itself (a system call each, 0.3 to 1 µs
/// together) is measured once at the start and taken off. The mean is right to about 0.1 µs from 2 µs upwards; below, it
/// is what looking costs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExtraWork {
    /// How long to look at the clock; `None`: nothing is to be burnt.
    until: Option<Duration>,
}

impl ExtraWork {
    /// `amount` per request. Zero needs no calibration and costs one comparison.
    pub(crate) fn calibrated(amount: Duration) -> Self {
        Self { until: (!amount.is_zero()).then(|| amount.saturating_sub(overshoot())) }
    }

    /// Burns it on the calling thread.
    pub(crate) fn burn(self) {
        if let Some(until) = self.until {
            burn(until);
        }
    }
}

/// By how much [`burn`] burns more than it is told, in the median batch.
fn overshoot() -> Duration {
    let mut means: Vec<Duration> = (0..BATCHES)
        .map(|_| {
            let start = thread_cpu();
            (0..TRIALS).for_each(|_| burn(TRIAL));
            (thread_cpu() - start) / TRIALS
        })
        .collect();
    means.sort_unstable();
    means[BATCHES / 2].saturating_sub(TRIAL)
}

fn burn(amount: Duration) {
    let enough = thread_cpu() + amount;
    let mut state = 1_u64;
    while thread_cpu() < enough {
        for _ in 0..STEPS_PER_LOOK {
            state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
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

    fn mean_of(work: ExtraWork, times: u32) -> Duration {
        let start = thread_cpu();
        (0..times).for_each(|_| work.burn());
        (thread_cpu() - start) / times
    }

    #[test]
    fn burns_what_is_asked_on_the_clock_that_is_measured() {
        // CPU time, not wall time: another process on the same core does not count. A tenth either way is far more
        // than calibration leaves and far less than any mistake in units.
        for micros in [20, 100] {
            let asked = Duration::from_micros(micros);
            let burnt = mean_of(ExtraWork::calibrated(asked), 500);
            assert!(burnt > asked * 9 / 10 && burnt < asked * 11 / 10, "{burnt:?} of {asked:?}");
        }
    }

    #[test]
    fn nothing_is_burnt_when_nothing_is_asked() {
        assert!(ExtraWork::calibrated(Duration::ZERO).until.is_none());
    }
}
