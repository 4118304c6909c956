//! What logins take in memory, where that was measured beside the recording.

use schemars::JsonSchema;
use serde::Serialize;

use crate::number;

/// The memory law of the rows of this report.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Memory {
    /// Most logins that a backend was filled with.
    pub most_logins: f64,
    /// Life of every login, ns: shortened, so that the expiry could be waited for.
    pub lifetime_ns: f64,
    /// Was everything filled and watched to its end?
    pub complete: bool,
    /// Was it the same build of the tool that made the recording?
    pub same_build: bool,
    /// Backends.
    pub rows: Vec<MemoryRow>,
}

/// One backend.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MemoryRow {
    /// Row.
    pub row: String,
    /// What keeps its state outside the server process, e.g. `redis 8.2.1` or `file`; empty where nothing does.
    pub store: String,
    /// Filled with live logins.
    pub live: MemoryFill,
    /// Filled with logins that were ended at once.
    pub ended: MemoryFill,
}

/// One backend, filled with logins of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct MemoryFill {
    /// The server's memory over logins; absent with fewer than three sizes.
    pub server: Option<MemoryLine>,
    /// The store's; absent where there is none.
    pub store: Option<MemoryLine>,
    /// By size.
    pub points: Vec<MemoryPoint>,
    /// What was left after the last login had expired; absent where that was not waited for.
    pub after: Option<MemoryAfter>,
    /// What ended it early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// A straight line through the sizes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct MemoryLine {
    /// Bytes for each login: the slope.
    pub each_bytes: f64,
    /// Bytes without any: the intercept.
    pub base_bytes: f64,
    /// Bytes between the line and the size farthest from it.
    pub residual_bytes: f64,
    /// Does it rise by more than it misses its points, and by more than comes and goes anyway? Otherwise no growth can be told from what comes and goes.
    pub seen: bool,
    /// Bytes for each login that growth would have had to exceed to be seen.
    pub least_bytes: f64,
}

/// One size.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MemoryPoint {
    /// Logins.
    pub logins: f64,
    /// Server process, bytes (proportional set size).
    pub server_bytes: f64,
    /// The same above what it had before the first login.
    pub server_taken_bytes: f64,
    /// Store, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_bytes: Option<f64>,
    /// The same above what it had before the first login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_taken_bytes: Option<f64>,
}

/// After the last login had expired.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct MemoryAfter {
    /// When it was looked at last, ns after the last expiry.
    pub watched_ns: f64,
    /// Share of what the server had taken that it still held then; absent where no growth was seen.
    pub server_left_share: Option<f64>,
    /// Share of what the store had taken that it still held then.
    pub store_left_share: Option<f64>,
}

impl MemoryLine {
    /// `611 B`, or `< 20 B` where no growth was seen.
    #[must_use]
    pub fn words(&self) -> String {
        if self.seen {
            number::bytes(self.each_bytes)
        } else {
            format!("< {}", number::bytes(self.least_bytes))
        }
    }

    /// What [`Self::words`] prints.
    #[must_use]
    pub const fn value(&self) -> f64 {
        if self.seen { self.each_bytes } else { self.least_bytes }
    }

    /// Bytes for each login where growth was seen.
    #[must_use]
    pub fn grows(&self) -> Option<f64> {
        self.seen.then_some(self.each_bytes)
    }
}

impl MemoryFill {
    /// Bytes for each login on both sides together; absent where no growth was seen on either.
    #[must_use]
    pub fn each_bytes(&self) -> Option<f64> {
        let sides = [self.server, self.store].into_iter().flatten();
        sides.filter_map(|line| line.grows()).reduce(|a, b| a + b)
    }
}

impl Memory {
    /// The law of a row.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&MemoryRow> {
        self.rows.iter().find(|row| row.row == name)
    }
}
