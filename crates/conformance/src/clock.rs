//! The only clocks this crate reads: one for deadlines, one for the times that tokens carry.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Now, for deadlines and for how long an answer took.
#[expect(clippy::disallowed_methods, reason = "this is the clock module")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Whole seconds of Unix time, as tokens carry them. A clock before 1970 reads as 0.
#[expect(clippy::disallowed_methods, reason = "this is the clock module")]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Waits: only where a statement is about time that passes and no clock can be moved.
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
