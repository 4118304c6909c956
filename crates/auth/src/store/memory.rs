//! The reference store: this process's memory, sharded so that several threads rarely meet.
//!
//! A value past its expiry is not returned. It is freed by a sweep of its shard, which an insertion triggers once the
//! shard has doubled since the last one (amortised constant cost), or by [`MemoryStore::sweep`] and
//! [`MemoryStore::sweep_one`], which a server calls on a timer.

mod bits;
mod feed;
pub(crate) mod hash;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::hash::Seed;
use super::{Entry, Index, Key, Kind, Member, Span, Store, StoreCounters};
use crate::answer::UnixMillis;
use crate::error::Error;
use bytes::Bytes;

const SHARDS: usize = 32;
const FIRST_SWEEP: usize = 1024;

/// Memory of this process. A clone is another handle on the same memory.
#[derive(Clone)]
pub struct MemoryStore {
    values: Arc<[Table<Slot>; Kind::ALL.len()]>,
    indexes: Arc<Table<Vec<Member>>>,
    log: Arc<feed::Log>,
    lists: Arc<bits::Lists>,
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What lies in it is other people's logins.
        formatter.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

struct Slot {
    value: Bytes,
    until: UnixMillis,
}

type Table<V> = [Mutex<Shard<V>>; SHARDS];

struct Shard<V> {
    entries: HashMap<Box<[u8]>, V, Seed>,
    sweep_at: usize,
}

/// What a sweep asks of an entry.
trait Mortal {
    /// Drops what has ended; `false` when nothing is left.
    fn outlives(&mut self, now: UnixMillis) -> bool;
}

impl Mortal for Slot {
    fn outlives(&mut self, now: UnixMillis) -> bool {
        self.until > now
    }
}

impl Mortal for Vec<Member> {
    fn outlives(&mut self, now: UnixMillis) -> bool {
        self.retain(|member| member.until > now);
        !self.is_empty()
    }
}

impl<V: Mortal> Shard<V> {
    fn sweep(&mut self, now: UnixMillis) {
        self.entries.retain(|_, entry| entry.outlives(now));
        self.sweep_at = (self.entries.len() * 2).max(FIRST_SWEEP);
        if self.entries.capacity() > self.sweep_at * 2 {
            self.entries.shrink_to(self.sweep_at);
        }
    }

    fn make_room(&mut self, now: UnixMillis) {
        if self.entries.len() >= self.sweep_at {
            self.sweep(now);
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store. Its hash function is seeded from the operating system.
    #[must_use]
    pub fn new() -> Self {
        let seed = Seed::random();
        Self {
            values: Arc::new(std::array::from_fn(|_| table(seed))),
            indexes: Arc::new(table(seed)),
            log: Arc::default(),
            lists: Arc::default(),
        }
    }

    /// Frees everything that has ended by `now`.
    pub fn sweep(&self, now: UnixMillis) {
        for shard in self.values.iter().flatten() {
            locked(shard).sweep(now);
        }
        for shard in self.indexes.iter() {
            locked(shard).sweep(now);
        }
    }

    /// Frees what has ended by `now` in one shard, the `turn`-th in a round of all of them: [`Self::SWEEP_TURNS`] turns
    /// visit every shard once, and no turn holds a lock longer than one shard takes.
    pub fn sweep_one(&self, turn: usize, now: UnixMillis) {
        let (table, shard) = (turn / SHARDS % (Kind::ALL.len() + 1), turn % SHARDS);
        match self.values.get(table) {
            Some(values) => locked(&values[shard]).sweep(now),
            None => locked(&self.indexes[shard]).sweep(now),
        }
    }

    /// Turns of [`Self::sweep_one`] after which every shard was visited.
    pub const SWEEP_TURNS: usize = SHARDS * (Kind::ALL.len() + 1);

    fn shard(&self, key: Key<'_>) -> MutexGuard<'_, Shard<Slot>> {
        locked(&self.values[key.kind.slot()][Self::place(key.id)])
    }

    fn index(&self, user: &[u8]) -> MutexGuard<'_, Shard<Vec<Member>>> {
        locked(&self.indexes[Self::place(user)])
    }

    /// Any spread will do here: the map inside the shard has the hash that must not be guessed.
    fn place(id: &[u8]) -> usize {
        let tail = id.last_chunk::<8>().map_or(0, |tail| u64::from_be_bytes(*tail));
        // Fibonacci hashing: the product's top bits depend on all of the tail's.
        (tail.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize >> (32 - SHARDS.trailing_zeros())
    }

    /// A value that is in force, read without waiting.
    pub(crate) fn read(&self, key: Key<'_>, now: UnixMillis) -> Option<Bytes> {
        self.shard(key).entries.get(key.id).filter(|slot| slot.until > now).map(|slot| slot.value.clone())
    }

    /// Writes a value whatever there is, without waiting.
    pub(crate) fn write(&self, key: Key<'_>, value: &Bytes, span: Span) {
        let mut shard = self.shard(key);
        shard.make_room(span.now);
        shard.entries.insert(key.id.into(), Slot { value: value.clone(), until: span.until });
    }

    fn join(&self, user: &[u8], member: &[u8], span: Span) {
        let mut shard = self.index(user);
        if let Some(members) = shard.entries.get_mut(user) {
            members.retain(|other| other.until > span.now && other.id != member);
            members.push(Member { id: Bytes::copy_from_slice(member), until: span.until });
            return;
        }
        shard.make_room(span.now);
        let member = Member { id: Bytes::copy_from_slice(member), until: span.until };
        shard.entries.insert(user.into(), vec![member]);
    }
}

fn table<V>(seed: Seed) -> Table<V> {
    std::array::from_fn(|_| Mutex::new(Shard { entries: HashMap::with_hasher(seed), sweep_at: FIRST_SWEEP }))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No user code runs under the lock: a poisoned map is still a whole map.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for MemoryStore {
    async fn put_new(&self, key: Key<'_>, value: &[u8], span: Span) -> Result<bool, Error> {
        let mut shard = self.shard(key);
        if shard.entries.get(key.id).is_some_and(|slot| slot.until > span.now) {
            return Ok(false);
        }
        shard.make_room(span.now);
        shard.entries.insert(key.id.into(), Slot { value: Bytes::copy_from_slice(value), until: span.until });
        Ok(true)
    }

    async fn get(&self, key: Key<'_>, now: UnixMillis) -> Result<Option<Bytes>, Error> {
        Ok(self.read(key, now))
    }

    async fn get_and_touch(&self, key: Key<'_>, span: Span) -> Result<Option<Bytes>, Error> {
        let mut shard = self.shard(key);
        let live = shard.entries.get_mut(key.id).filter(|slot| slot.until > span.now);
        Ok(live.map(|slot| {
            slot.until = span.until;
            slot.value.clone()
        }))
    }

    async fn get_many<const N: usize>(
        &self,
        keys: [Key<'_>; N],
        now: UnixMillis,
    ) -> Result<[Option<Bytes>; N], Error> {
        Ok(keys.map(|key| self.read(key, now)))
    }

    async fn take(&self, key: Key<'_>, now: UnixMillis) -> Result<Option<Bytes>, Error> {
        let slot = self.shard(key).entries.remove(key.id);
        Ok(slot.filter(|slot| slot.until > now).map(|slot| slot.value))
    }

    async fn replace_if(&self, key: Key<'_>, old: &[u8], new: &[u8], span: Span) -> Result<bool, Error> {
        let mut shard = self.shard(key);
        match shard.entries.get_mut(key.id).filter(|slot| slot.until > span.now && slot.value == old) {
            Some(slot) => {
                *slot = Slot { value: Bytes::copy_from_slice(new), until: span.until };
                Ok(true)
            }
            None => Ok(false),
        }
    }

    async fn touch(&self, key: Key<'_>, span: Span) -> Result<bool, Error> {
        let mut shard = self.shard(key);
        match shard.entries.get_mut(key.id).filter(|slot| slot.until > span.now) {
            Some(slot) => {
                slot.until = span.until;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    async fn put_all(&self, kind: Kind, entries: &[Entry]) -> Result<(), Error> {
        for Entry { id, value, span } in entries {
            self.write(Key { kind, id }, value, *span);
        }
        Ok(())
    }

    async fn take_all(&self, kind: Kind, ids: &[Bytes], now: UnixMillis) -> Result<Vec<bool>, Error> {
        let gone = |id: &Bytes| self.shard(Key { kind, id }).entries.remove(&id[..]);
        Ok(ids.iter().map(|id| gone(id).is_some_and(|slot| slot.until > now)).collect())
    }

    fn counters(&self) -> StoreCounters {
        StoreCounters::default()
    }

    fn count(&self, kind: Kind) -> Option<u64> {
        if kind == Kind::Index {
            return Some(self.indexes.iter().map(|shard| locked(shard).entries.len() as u64).sum());
        }
        Some(self.values[kind.slot()].iter().map(|shard| locked(shard).entries.len() as u64).sum())
    }

    fn name(&self) -> &'static str {
        "memory"
    }
}

impl Index for MemoryStore {
    async fn add(&self, user: &[u8], member: &[u8], span: Span) -> Result<(), Error> {
        self.join(user, member, span);
        Ok(())
    }

    async fn members(&self, user: &[u8], now: UnixMillis) -> Result<Vec<Member>, Error> {
        let shard = self.index(user);
        let members = shard.entries.get(user);
        Ok(members.into_iter().flatten().filter(|member| member.until > now).cloned().collect())
    }

    async fn remove(&self, user: &[u8], members: &[Bytes], _now: UnixMillis) -> Result<(), Error> {
        let mut shard = self.index(user);
        if let Some(present) = shard.entries.get_mut(user) {
            present.retain(|member| !members.contains(&member.id));
            if present.is_empty() {
                shard.entries.remove(user);
            }
        }
        Ok(())
    }

    async fn add_all(&self, members: &[(Bytes, Bytes, Span)]) -> Result<(), Error> {
        for (user, member, span) in members {
            self.join(user, member, *span);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{MemoryStore, SHARDS};

    #[test]
    fn names_and_counters_spread_over_the_shards() {
        let spread = |ids: &dyn Fn(u32) -> Vec<u8>| {
            let mut counts = [0u32; SHARDS];
            (0..32_000).for_each(|number| counts[MemoryStore::place(&ids(number))] += 1);
            counts.iter().all(|&count| (500..2000).contains(&count))
        };
        assert!(spread(&|number| format!("u{number:08}").into_bytes()));
        assert!(spread(&|number| u64::from(number).to_be_bytes().to_vec()));
        assert!(spread(&|number| crate::credential::opaque::sha256(&number.to_be_bytes()).to_vec()));
        assert!(MemoryStore::place(b"") < SHARDS && MemoryStore::place(&[0xff; 8]) < SHARDS);
    }
}
