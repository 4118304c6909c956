//! A copy of what was ended, in this process.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::follower::Keeps;
use crate::answer::UnixMillis;
use crate::error::Error;
use crate::record::EpochRecord;
use crate::store::{Entry, Key, Kind, MemoryStore};

/// Every entry of the log, until it ends by itself.
#[derive(Debug, Default)]
pub(crate) struct Replica {
    values: MemoryStore,
    /// Held while a user's mark is compared and written.
    marking: Mutex<()>,
}

impl Replica {
    /// What it holds.
    pub(crate) fn read_all<const N: usize>(&self, keys: [Key<'_>; N], now: UnixMillis) -> [Option<Bytes>; N] {
        keys.map(|key| self.values.read(key, now))
    }

    /// Values of this kind.
    pub(crate) fn count(&self, kind: Kind) -> Option<u64> {
        crate::store::Store::count(&self.values, kind)
    }
}

impl Keeps for Replica {
    /// A user's mark never moves back, in whatever order it is heard of.
    fn take(&self, kind: Kind, entry: &Entry) -> Result<(), Error> {
        let key = Key { kind, id: &entry.id };
        let _marking = self.marking.lock().unwrap_or_else(PoisonError::into_inner);
        if kind == Kind::Epoch
            && let Some(known) = self.values.read(key, entry.span.now)
            && EpochRecord::decode(&known)?.mark > EpochRecord::decode(&entry.value)?.mark
        {
            return Ok(());
        }
        self.values.write(key, &entry.value, entry.span);
        Ok(())
    }
}
