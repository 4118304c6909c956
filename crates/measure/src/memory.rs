//! The memory law: what a live login and an ended one take in server and store, and whether it is given back once they
//! have expired.
//!
//! [`memory`] starts each backend twice, with one server and, where it needs one, a store of its own: once to fill it with
//! live logins, once with logins that were ended at once. It reads both after every size and then waits until all have
//! expired. Lifetimes are shortened in the backend's file; every clock stays real.

mod fill;
mod record;

use scenario::HumanDuration;
use serde::{Deserialize, Serialize};

pub use fill::{MemoryEvent, memory};
pub use record::FILE;

use crate::affinity::Placement;
use crate::drill::Change;
use crate::environment::Environment;
use crate::event::Skipped;
use crate::recording::{StoreRecord, Tool};

/// Version of the schema of `memory.json`. Readers accept this and older ones.
pub const SCHEMA: u32 = 1;
/// Ended logins are made beside live ones, this many for each.
pub const ENDED_PER_LIVE: u32 = 1000;

/// What one login may take on both sides together, bytes: decides how many fills share the memory at one time.
const PER_LOGIN: u64 = 2048;
/// Share of the available memory that is used.
const SHARE: f64 = 0.6;
/// Logins that a server makes in a millisecond at least; only says beforehand how long it may take.
const PER_MS: u64 = 20;
/// Starting a server and reading it, milliseconds; only says beforehand how long it may take.
const START_MS: u64 = 1500;

/// Which backends are filled, how far, and how long they are watched.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryPlan {
    /// Backend names or files.
    pub backends: Vec<String>,
    /// Sizes, ascending, multiples of [`ENDED_PER_LIVE`].
    pub logins: Vec<u32>,
    /// Life of every login, whole seconds: longer than filling takes.
    pub lifetime: HumanDuration,
    /// How long after the last expiry memory is watched at most.
    pub settle: HumanDuration,
}

/// What a plan takes, said before the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryBudget {
    /// Fills: two for each backend.
    pub fills: u32,
    /// Of these at one time, so that they fit into the memory.
    pub together: u32,
    /// Memory that is reckoned with, bytes.
    pub most_bytes: u64,
    /// Longest time, milliseconds: everything waits for the last expiry and is watched to the end.
    pub most_ms: u64,
}

impl MemoryPlan {
    /// What the plan takes with so much memory available.
    ///
    /// # Errors
    ///
    /// The largest size that fits, where the plan's does not.
    pub fn budget(&self, available_bytes: u64) -> Result<MemoryBudget, u64> {
        let largest = u64::from(self.logins.last().copied().unwrap_or(0));
        let usable = (available_bytes as f64 * SHARE) as u64;
        let fills = 2 * self.backends.len() as u64;
        let together = (usable / (largest * PER_LOGIN).max(1)).min(fills);
        if together == 0 {
            return Err(usable / PER_LOGIN);
        }
        let turns = fills.div_ceil(together);
        let filling_ms = fills * (largest / PER_MS + START_MS * self.logins.len() as u64);
        let waiting_ms = (self.lifetime.as_nanos() + self.settle.as_nanos()) / 1_000_000;
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(MemoryBudget {
            fills: small(fills),
            together: small(together),
            most_bytes: together * largest * PER_LOGIN,
            most_ms: filling_ms + turns * waiting_ms,
        })
    }
}

/// `memory.json`: what was asked, where it was measured, every reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryRun {
    /// [`SCHEMA`] of the writer.
    pub schema: u32,
    /// Which build of this tool.
    pub tool: Tool,
    /// Start, nanoseconds of Unix time.
    pub started_unix_ns: u64,
    /// Sizes asked for.
    pub logins: Vec<u32>,
    /// Life of every login, nanoseconds.
    pub lifetime_ns: u64,
    /// How long after the last expiry memory was watched at most, nanoseconds.
    pub settle_ns: u64,
    /// What it was said to take.
    pub budget: MemoryBudget,
    /// CPUs of the servers.
    pub placement: Placement,
    /// The machine.
    pub environment: Environment,
    /// Backends in the order they were named.
    pub rows: Vec<MemoryRow>,
    /// Backends that could not be measured here.
    pub skipped: Vec<Skipped>,
    /// Was everything filled and watched to its end?
    pub complete: bool,
}

/// One backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryRow {
    /// Its name.
    pub name: String,
    /// SHA-256 of the backend file, hex.
    pub backend_sha256: String,
    /// Times that were changed.
    pub changes: Vec<Change>,
    /// What its server says of itself: the four choices, algorithm, sizes.
    pub describe: serde_json::Value,
    /// The store behind it, where it has one of its own.
    pub store: Option<StoreRecord>,
    /// Filled with live logins.
    pub live: Fill,
    /// Filled with logins that were ended at once, one live login for every [`ENDED_PER_LIVE`].
    pub ended: Fill,
}

/// What was read while a backend was filled, and after everything had expired.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    /// Before the first login.
    pub fresh: Reading,
    /// By size.
    pub points: Vec<FillPoint>,
    /// After the last expiry.
    pub after: Vec<AfterPoint>,
    /// What ended it early; points before it stand.
    pub failed: Option<String>,
}

/// One size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FillPoint {
    /// Logins so far.
    pub logins: u64,
    /// Since the first of them was made, nanoseconds.
    pub elapsed_ns: u64,
    /// What was read.
    pub reading: Reading,
}

/// One look after the expiry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AfterPoint {
    /// Since the last login expired, nanoseconds.
    pub after_ns: u64,
    /// What was read.
    pub reading: Reading,
}

/// Memory of both sides at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Proportional set size of the server process, bytes.
    pub server_bytes: u64,
    /// Files that the server holds open for writing, bytes: an embedded database. Absent where there is none.
    pub file_bytes: Option<u64>,
    /// `used_memory` of the store of its own, bytes: what a limit on its memory counts. Absent without such a store.
    pub store_bytes: Option<u64>,
    /// `used_memory_dataset` of it, bytes: without hash tables and connections.
    pub dataset_bytes: Option<u64>,
    /// Keys in it.
    pub keys: Option<u64>,
    /// Live logins that the server counts, where it counts them.
    pub live_entries: Option<u64>,
    /// Ended logins that the server counts, where it counts them.
    pub ended_entries: Option<u64>,
}

impl Reading {
    /// Bytes outside the server process: those of the store, or of the files.
    #[must_use]
    pub fn kept_bytes(&self) -> Option<u64> {
        self.store_bytes.or(self.file_bytes)
    }
}

impl MemoryRun {
    /// By name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&MemoryRow> {
        self.rows.iter().find(|row| row.name == name)
    }
}

/// The times of a backend's file as they are measured: everything ends within the plan's lifetime, nothing else is changed.
/// What is prolonged must outlive what is not, so that credentials end a second before the rest.
fn scale(lifetime: HumanDuration) -> crate::drill::ScalePlan {
    let shorter = HumanDuration::from_nanos(lifetime.as_nanos().saturating_sub(1_000_000_000));
    crate::drill::ScalePlan { lifetime: shorter, other_lifetimes: lifetime, divide: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(backends: usize, largest: u32) -> MemoryPlan {
        MemoryPlan {
            backends: vec!["none".to_owned(); backends],
            logins: vec![10_000, largest],
            lifetime: HumanDuration::from_millis(60_000),
            settle: HumanDuration::from_millis(300_000),
        }
    }

    #[test]
    fn what_does_not_fit_at_once_takes_turns_and_longer() {
        let gib = 1 << 30;
        let small = plan(8, 100_000).budget(16 * gib).unwrap();
        assert_eq!((small.fills, small.together), (16, 16));
        let large = plan(8, 1_000_000).budget(16 * gib).unwrap();
        assert_eq!((large.fills, large.together), (16, 5));
        assert!(large.most_ms > 4 * 360_000 && large.most_bytes <= 10 * gib, "{large:?}");
    }

    #[test]
    fn what_fits_at_no_time_is_refused_with_what_would() {
        let fits = plan(1, 1_000_000).budget(1 << 30).unwrap_err();
        assert!((300_000..330_000).contains(&fits), "{fits}");
    }
}
