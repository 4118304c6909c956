//! Where a check reads its state, and how far behind the shared store that place may be.

/// Where a check reads its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The shared store, on every request.
    Store,
    /// Memory of this process only.
    Local,
    /// The shared store, at most once per key and `ttl_ms`; what it said, "nothing" included, is kept in this process.
    Cached {
        /// How long an answer is believed, milliseconds.
        ttl_ms: u64,
        /// Answers kept per check, at most.
        entries: u32,
    },
    /// A copy of what was ended, kept in this process by reading on in the log every so often.
    Polled {
        /// Time between two readings, milliseconds.
        interval_ms: u64,
        /// How much later than that a reading may be before this node refuses to answer, milliseconds.
        tolerance_ms: u64,
    },
    /// The same copy, told of each change as it happens; whether any was missed is looked up in the log.
    Pushed {
        /// Time between two looks into the log, milliseconds.
        heartbeat_ms: u64,
        /// How much later than that a look may be before this node refuses to answer, milliseconds.
        tolerance_ms: u64,
    },
    /// A membership filter of what was ended, in this process, in front of the shared store.
    Filter {
        /// Time between two readings of the log, milliseconds.
        interval_ms: u64,
        /// How much later than that a reading may be before this node refuses to answer, milliseconds.
        tolerance_ms: u64,
        /// Whether an alarm is looked up in the store. Otherwise a false one refuses a login that was not ended.
        confirm: bool,
        /// One false alarm in so many live tokens, when the filter holds what it is made for.
        one_in: u32,
    },
    /// What another process says, the authority, which reads the shared store; kept here for `ttl_ms`.
    Authority {
        /// How long an answer is believed, milliseconds; zero: every request asks.
        ttl_ms: u64,
        /// Answers kept, at most.
        entries: u32,
    },
}

impl View {
    /// All names, as a backend file writes them.
    pub const NAMES: [&'static str; 7] =
        ["store", "local", "cached", "polled", "pushed", "filter", "authority"];

    /// Its name in a backend file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Local => "local",
            Self::Cached { .. } => "cached",
            Self::Polled { .. } => "polled",
            Self::Pushed { .. } => "pushed",
            Self::Filter { .. } => "filter",
            Self::Authority { .. } => "authority",
        }
    }

    /// How long after the acknowledged end of a login another node may still let it in, milliseconds. No node is wrong
    /// for longer: one that cannot know any more what was ended refuses to answer.
    #[must_use]
    pub fn lag_ms(self) -> u64 {
        match self {
            Self::Store | Self::Local => 0,
            Self::Cached { ttl_ms, .. } | Self::Authority { ttl_ms, .. } => ttl_ms,
            Self::Polled { interval_ms, tolerance_ms }
            | Self::Pushed { heartbeat_ms: interval_ms, tolerance_ms }
            | Self::Filter { interval_ms, tolerance_ms, .. } => interval_ms.saturating_add(tolerance_ms),
        }
    }

    /// Whether this node keeps up with the log of what was ended, which therefore must be written.
    #[must_use]
    pub fn follows_the_log(self) -> bool {
        matches!(self, Self::Polled { .. } | Self::Pushed { .. } | Self::Filter { .. })
    }

    /// Whether other nodes see what it shows.
    #[must_use]
    pub fn is_shared(self) -> bool {
        self != Self::Local
    }
}
