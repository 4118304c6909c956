//! The positive control: a known amount of CPU time per request, which a measurement has to find again.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Steps of integer work between two looks at the CPU clock: about a microsecond, which is what a request may have to
/// wait for it.
const STEPS_PER_LOOK: u32 = 1024;
/// Pause between two payments while requests come, and the longest one when none does.
const PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

/// CPU time that every request adds to this process.
///
/// It is burnt by a thread beside those that answer, on the same cores, which gives way after each microsecond. Burnt
/// while a request is answered, it would come out as less than it is: a server that is busy for longer finds the next
/// request waiting more often and sleeps less, which saves a part of what was added (up to a quarter of it at 4,000
/// requests per second), and nobody knows how large a part beforehand.
///
/// The thread's own CPU clock says what was paid, its waking and looking included, so neither frequency scaling nor a
/// preempted thread shifts the amount, and what one payment has too much the next one has less.
#[derive(Debug)]
pub(crate) struct ExtraWork {
    /// `None`: nothing is to be burnt.
    debt: Option<Arc<Debt>>,
}

/// What requests owe.
#[derive(Debug)]
struct Debt {
    each: Duration,
    requests: AtomicU64,
}

impl Debt {
    /// All that was ever owed.
    fn total(&self) -> Duration {
        let each = u64::try_from(self.each.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(each.saturating_mul(self.requests.load(Ordering::Relaxed)))
    }
}

impl ExtraWork {
    /// `each` per request, paid by a thread that ends with this. Zero starts none.
    ///
    /// # Errors
    ///
    /// That of starting the thread.
    pub(crate) fn start(each: Duration) -> std::io::Result<Self> {
        if each.is_zero() {
            return Ok(Self { debt: None });
        }
        let debt = Arc::new(Debt { each, requests: AtomicU64::new(0) });
        let owed = Arc::downgrade(&debt);
        thread::Builder::new().name("extra-work".into()).spawn(move || pay(&owed, thread::park_timeout))?;
        Ok(Self { debt: Some(debt) })
    }

    /// One more request.
    pub(crate) fn owe(&self) {
        if let Some(debt) = &self.debt {
            debt.requests.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Burns on the calling thread, which does nothing else, what is owed, until nobody can owe any more.
fn pay(debt: &Weak<Debt>, mut pause: impl FnMut(Duration)) {
    let mut length = PAUSE;
    while let Some(owed) = debt.upgrade().map(|debt| debt.total()) {
        let pays = thread_cpu() < owed;
        while thread_cpu() < owed {
            work();
            thread::yield_now();
        }
        length = if pays { PAUSE } else { (length * 2).min(LONGEST_PAUSE) };
        pause(length);
    }
}

fn work() {
    let mut state = 1_u64;
    for _ in 0..STEPS_PER_LOOK {
        state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

/// CPU time of the calling thread since its start.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pays_what_is_owed_on_the_clock_that_is_measured_and_ends_with_its_debtor() {
        let paid = thread::spawn(|| {
            let mut debt =
                Some(Arc::new(Debt { each: Duration::from_micros(20), requests: AtomicU64::new(0) }));
            let owed = Arc::downgrade(debt.as_ref().unwrap());
            let (mut pauses, mut lengths) = (0, Vec::new());
            pay(&owed, |length| {
                pauses += 1;
                lengths.push(length);
                match pauses {
                    // Nothing comes, then 500 requests at once, then nothing again.
                    1 | 2 => {}
                    3 => debt.as_ref().unwrap().requests.store(500, Ordering::Relaxed),
                    4 => assert!(thread_cpu() >= Duration::from_millis(10)),
                    _ => debt = None,
                }
            });
            (thread_cpu(), lengths)
        });
        let (paid, lengths) = paid.join().unwrap();
        // CPU time, not wall time: another process on the same core does not count. A tenth is far more than the last
        // look leaves and far less than any mistake in units.
        assert!(paid >= Duration::from_millis(10) && paid < Duration::from_millis(11), "{paid:?}");
        let ms = |ms: &[u64]| ms.iter().copied().map(Duration::from_millis).collect::<Vec<_>>();
        assert_eq!(lengths, ms(&[2, 4, 8, 1, 2]));
    }

    #[test]
    fn nothing_is_burnt_when_nothing_is_asked() {
        assert!(ExtraWork::start(Duration::ZERO).unwrap().debt.is_none());
    }
}
