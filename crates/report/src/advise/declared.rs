//! What a row declares and what was measured of it: how long a credential works after its login was ended.

use measure::recording::RowRecord;
use measure::{Lag, Recording};

/// Longest time after the end of a login, as declared, nanoseconds; `None` = without end, or the lifetime is not known.
pub(crate) fn bound_ns(row: &RowRecord) -> Option<f64> {
    match row.header.promises.revocation_lag {
        Lag::None => Some(0.0),
        Lag::Millis(millis) => Some(millis as f64 * 1e6),
        Lag::Lifetime => {
            let seconds = |key: &str| row.describe[key].as_f64();
            Some((seconds("access_lifetime_s")? + seconds("leeway_s").unwrap_or(0.0)) * 1e9)
        }
        Lag::Never => None,
    }
}

/// The declaration in words.
pub(crate) fn words(row: &RowRecord) -> String {
    match (row.header.promises.revocation_lag, bound_ns(row)) {
        (Lag::None, _) => "not at all".to_owned(),
        (Lag::Lifetime, Some(bound)) => format!("until it expires, {}", crate::number::time(bound)),
        (Lag::Lifetime, None) => "until it expires".to_owned(),
        (_, Some(bound)) => format!("at most {}", crate::number::time(bound)),
        (_, None) => "without end".to_owned(),
    }
}

/// What was measured of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Exposed {
    /// Requests sent with ended credentials.
    pub(crate) sent_after: u64,
    /// Of these, accepted.
    pub(crate) accepted: u64,
    /// Longest time after the acknowledged end at which one that was accepted had been sent, nanoseconds.
    pub(crate) longest_ns: u64,
}

/// Over all blocks of a row; `None` where no ended credential was tried.
pub(crate) fn measured(recording: &Recording, row: &str) -> Option<Exposed> {
    let own = recording.blocks.iter().filter(|block| block.backend == row);
    let tried = own.flat_map(|block| &block.exposure).filter(|exposure| exposure.sent_after > 0);
    tried.fold(None, |sum: Option<Exposed>, exposure| {
        let sum = sum.unwrap_or_default();
        Some(Exposed {
            sent_after: sum.sent_after + exposure.sent_after,
            accepted: sum.accepted + exposure.accepted,
            longest_ns: sum.longest_ns.max(exposure.longest_ns),
        })
    })
}
