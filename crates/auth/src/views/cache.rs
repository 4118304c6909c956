//! A bounded cache of what the store said, "nothing" included, each answer believed for one time to live.
//!
//! Two generations per shard: new answers go into the young one; when it is full it becomes the old one, and what was
//! old is dropped. So the bound holds at constant cost per answer, and a hit moves and allocates nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::answer::UnixMillis;
use crate::store::memory::hash::Seed;
use crate::store::{Key, Kind};

const SHARDS: usize = 16;

/// What the store said lately, by kind.
pub(crate) struct Cache {
    ttl_ms: u64,
    /// Answers in one generation of one shard.
    half: usize,
    tables: Vec<(Kind, Table)>,
    /// How often something was forgotten.
    forgets: AtomicU64,
}

/// The moment before the store is asked: an answer is kept only if nothing was forgotten since, for it may be older
/// than the end of a login that this node has just made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    at: UnixMillis,
    forgets: u64,
}

type Table = [Mutex<Shard>; SHARDS];

struct Shard {
    young: Generation,
    old: Generation,
}

type Generation = HashMap<Box<[u8]>, Answer, Seed>;

struct Answer {
    value: Option<Bytes>,
    /// A time before the store was asked.
    asked: UnixMillis,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What lies in it is other people's logins.
        formatter.debug_struct("Cache").field("ttl_ms", &self.ttl_ms).finish_non_exhaustive()
    }
}

impl Cache {
    /// A cache for these kinds, with `entries` answers of each at most (rounded up to full shards).
    pub(crate) fn new(kinds: impl Iterator<Item = Kind>, ttl_ms: u64, entries: u32) -> Self {
        let seed = Seed::random();
        let generation = || HashMap::with_hasher(seed);
        let shard = || Mutex::new(Shard { young: generation(), old: generation() });
        let tables = kinds.map(|kind| (kind, std::array::from_fn(|_| shard()))).collect();
        Self { ttl_ms, half: (entries as usize).div_ceil(2 * SHARDS), tables, forgets: AtomicU64::new(0) }
    }

    /// All of these, if every one is known and believed.
    pub(crate) fn read_all<const N: usize>(
        &self,
        keys: [Key<'_>; N],
        now: UnixMillis,
    ) -> Option<[Option<Bytes>; N]> {
        let mut found = [const { None }; N];
        for (key, found) in keys.into_iter().zip(&mut found) {
            *found = self.read(key, now)?;
        }
        Some(found)
    }

    fn read(&self, key: Key<'_>, now: UnixMillis) -> Option<Option<Bytes>> {
        let shard = self.shard(key)?;
        let answer = shard.young.get(key.id).or_else(|| shard.old.get(key.id))?;
        // A clock that was set back would otherwise make an answer last longer than its time to live.
        let believed = (answer.asked..answer.asked.saturating_add(self.ttl_ms)).contains(&now);
        believed.then(|| answer.value.clone())
    }

    /// To be called before the store is asked.
    pub(crate) fn asked(&self, at: UnixMillis) -> Asked {
        Asked { at, forgets: self.forgets.load(Ordering::SeqCst) }
    }

    /// Takes an answer in.
    pub(crate) fn keep(&self, key: Key<'_>, value: Option<&Bytes>, asked: Asked) {
        let Some(mut shard) = self.shard(key) else { return };
        // Under the lock: whoever counts on after this waits for the lock and then removes what is kept here.
        if self.forgets.load(Ordering::SeqCst) != asked.forgets {
            return;
        }
        if shard.young.len() >= self.half && !shard.young.contains_key(key.id) {
            let Shard { young, old } = &mut *shard;
            std::mem::swap(young, old);
            young.clear();
        }
        shard.young.insert(key.id.into(), Answer { value: value.cloned(), asked: asked.at });
    }

    /// Drops what is known of a key.
    pub(crate) fn forget(&self, key: Key<'_>) {
        self.forgets.fetch_add(1, Ordering::SeqCst);
        let Some(mut shard) = self.shard(key) else { return };
        shard.young.remove(key.id);
        shard.old.remove(key.id);
    }

    fn shard(&self, key: Key<'_>) -> Option<MutexGuard<'_, Shard>> {
        let (_, table) = self.tables.iter().find(|(kind, _)| *kind == key.kind)?;
        let tail = key.id.last().copied().unwrap_or(0);
        // The last byte of a digest, of a random id and of a number in a name all spread.
        let shard = &table[usize::from(tail) % SHARDS];
        // No user code runs under the lock: a poisoned map is still a whole map.
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Cache, SHARDS};
    use crate::store::{Key, Kind};

    fn key(id: &[u8]) -> Key<'_> {
        Key { kind: Kind::Deny, id }
    }

    fn cache(entries: u32) -> Cache {
        Cache::new([Kind::Deny].into_iter(), 1000, entries)
    }

    #[test]
    fn an_answer_is_believed_for_its_time_to_live_and_not_longer() {
        let (cache, value) = (cache(100), Bytes::from_static(b"x"));
        assert_eq!(cache.read_all([key(b"a")], 5000), None);
        cache.keep(key(b"a"), Some(&value), cache.asked(5000));
        cache.keep(key(b"b"), None, cache.asked(5000));
        for at in [5000, 5999] {
            assert_eq!(cache.read_all([key(b"a"), key(b"b")], at), Some([Some(value.clone()), None]));
        }
        for at in [6000, 4999, 0, u64::MAX] {
            assert_eq!(cache.read_all([key(b"a")], at), None, "{at}");
        }
        assert_eq!(cache.read_all([key(b"a"), key(b"c")], 5000), None, "one that is missing");
        cache.forget(key(b"a"));
        assert_eq!(cache.read_all([key(b"a")], 5000), None);
        assert_eq!(cache.read_all([Key { kind: Kind::Live, id: b"b" }], 5000), None, "another kind");
    }

    #[test]
    fn an_answer_from_before_an_end_is_not_kept_after_it() {
        let (cache, value) = (cache(100), Bytes::from_static(b"x"));
        let asked = cache.asked(5000);
        cache.forget(key(b"a"));
        cache.keep(key(b"a"), Some(&value), asked);
        assert_eq!(cache.read_all([key(b"a")], 5000), None);
        cache.keep(key(b"a"), Some(&value), cache.asked(5000));
        assert_eq!(cache.read_all([key(b"a")], 5000), Some([Some(value)]));
    }

    #[test]
    fn it_never_holds_more_than_it_may_and_keeps_the_newest() {
        let cache = cache(64);
        for number in 0..10_000u32 {
            cache.keep(key(&number.to_be_bytes()), None, cache.asked(0));
            assert_eq!(cache.read_all([key(&number.to_be_bytes())], 0), Some([None]));
        }
        let held: usize = cache.tables[0]
            .1
            .iter()
            .map(|shard| {
                let shard = shard.lock().unwrap();
                shard.young.len() + shard.old.len()
            })
            .sum();
        assert!((SHARDS..=64).contains(&held), "{held}");
    }
}
