//! The wall clock of this replica: the system's, plus an offset that the control address can set.
//!
//! The only place in this crate that reads a clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use auth::answer::UnixMillis;

/// A moment to measure from, on the clock that timers run on.
#[expect(clippy::disallowed_methods, reason = "this is the clock module")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// System time with an offset, in milliseconds since the Unix epoch.
#[derive(Debug, Default)]
pub(crate) struct WallClock {
    offset_ms: AtomicI64,
}

impl WallClock {
    /// Now, as this replica believes it. A clock before 1970 reads as 0.
    #[expect(clippy::disallowed_methods, reason = "this is the clock module")]
    pub(crate) fn now(&self) -> UnixMillis {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let system = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        system.saturating_add_signed(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Sets the offset in milliseconds; it replaces the one before.
    pub(crate) fn set_offset(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_moves_the_clock_and_never_wraps() {
        let clock = WallClock::default();
        let before = clock.now();
        clock.set_offset(3_600_000);
        assert!(clock.now() >= before + 3_600_000);
        clock.set_offset(i64::MIN);
        assert_eq!(clock.now(), 0);
    }
}
