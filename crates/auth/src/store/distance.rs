//! Modelled distance of a store: a delay per round trip, below a millisecond and without holding the connection.
//!
//! tokio's own timer has steps of one millisecond. This one arms a `timerfd` (nanosecond steps) per waiting round trip
//! and takes it from a pool, so that concurrent waits are independent.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::error::Error;

/// Timers kept for reuse; more may wait at once, the surplus is closed.
const POOLED: usize = 256;

/// A fixed delay.
#[derive(Debug)]
pub struct Distance {
    delay: Duration,
    pool: Mutex<Vec<AsyncFd<OwnedFd>>>,
}

impl Distance {
    /// A distance of `delay` per round trip; zero costs nothing.
    #[must_use]
    pub fn new(delay: Duration) -> Self {
        Self { delay, pool: Mutex::new(Vec::new()) }
    }

    /// Waits once. A dropped wait closes its timer.
    pub async fn travel(&self) -> Result<(), Error> {
        if self.delay.is_zero() {
            return Ok(());
        }
        let timer = match self.pool().pop() {
            Some(timer) => timer,
            None => new_timer()
                .map_err(|error| Error::Store(format!("no timer for the modelled distance: {error}")))?,
        };
        let failed = |error: std::io::Error| Error::Store(format!("timer of the modelled distance: {error}"));
        self.wait_on(&timer).await.map_err(failed)?;
        let mut pool = self.pool();
        if pool.len() < POOLED {
            pool.push(timer);
        }
        Ok(())
    }

    async fn wait_on(&self, timer: &AsyncFd<OwnedFd>) -> std::io::Result<()> {
        let once = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec {
                tv_sec: i64::try_from(self.delay.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(self.delay.subsec_nanos()),
            },
        };
        timerfd_settime(timer.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut ready = timer.readable().await?;
            let mut expirations = [0u8; 8];
            match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut expirations)?)) {
                Ok(result) => return result.map(|_| ()),
                // Readiness was stale: the expiry is still to come.
                Err(_would_block) => {}
            }
        }
    }

    fn pool(&self) -> std::sync::MutexGuard<'_, Vec<AsyncFd<OwnedFd>>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for descriptors that may close early; an OwnedFd cannot"
)]
fn new_timer() -> std::io::Result<AsyncFd<OwnedFd>> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    AsyncFd::with_interest(timer, tokio::io::Interest::READABLE)
}
