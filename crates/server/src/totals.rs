//! Counts since the start of the process, for the control address.

use std::sync::atomic::{AtomicU64, Ordering};

/// Requests of the measured address; the control address is not counted.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    requests: AtomicU64,
    failures: AtomicU64,
}

impl Totals {
    /// One request was answered.
    pub(crate) fn answered(&self, server_error: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if server_error {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Requests answered so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Of these, 5xx.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}
