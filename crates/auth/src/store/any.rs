//! The stores a backend file can lead to, behind one type: an enum, so that no call to memory or Redis is boxed. The
//! futures of SQL are large, and would be part of every request's, so they alone are.

use bytes::Bytes;

use super::bits::Bits;
use super::feed::{Cursor, Feed, Message, Page, Subscription};
use super::{Entry, Index, Key, Kind, Member, MemoryStore, RedisStore, Span, SqlStore, Store, StoreCounters};
use crate::answer::UnixMillis;
use crate::error::Error;

/// Memory, Redis or SQL.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one per process, and a box would be one more step to each key"
)]
pub enum AnyStore {
    /// This process's memory.
    Memory(MemoryStore),
    /// A Redis server.
    Redis(RedisStore),
    /// A SQL database.
    Sql(Box<SqlStore>),
}

macro_rules! either {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            AnyStore::Memory($store) => $call,
            AnyStore::Redis($store) => $call,
            AnyStore::Sql($store) => $call,
        }
    };
}

macro_rules! awaited {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            AnyStore::Memory($store) => $call.await,
            AnyStore::Redis($store) => $call.await,
            AnyStore::Sql($store) => Box::pin($call).await,
        }
    };
}

impl Store for AnyStore {
    async fn put_new(&self, key: Key<'_>, value: &[u8], span: Span) -> Result<bool, Error> {
        awaited!(self, store => store.put_new(key, value, span))
    }
    async fn get(&self, key: Key<'_>, now: UnixMillis) -> Result<Option<Bytes>, Error> {
        awaited!(self, store => store.get(key, now))
    }
    async fn get_and_touch(&self, key: Key<'_>, span: Span) -> Result<Option<Bytes>, Error> {
        awaited!(self, store => store.get_and_touch(key, span))
    }
    async fn get_many<const N: usize>(
        &self,
        keys: [Key<'_>; N],
        now: UnixMillis,
    ) -> Result<[Option<Bytes>; N], Error> {
        awaited!(self, store => store.get_many(keys, now))
    }
    async fn take(&self, key: Key<'_>, now: UnixMillis) -> Result<Option<Bytes>, Error> {
        awaited!(self, store => store.take(key, now))
    }
    async fn replace_if(&self, key: Key<'_>, old: &[u8], new: &[u8], span: Span) -> Result<bool, Error> {
        awaited!(self, store => store.replace_if(key, old, new, span))
    }
    async fn touch(&self, key: Key<'_>, span: Span) -> Result<bool, Error> {
        awaited!(self, store => store.touch(key, span))
    }
    async fn put_all(&self, kind: Kind, entries: &[Entry]) -> Result<(), Error> {
        awaited!(self, store => store.put_all(kind, entries))
    }
    async fn take_all(&self, kind: Kind, ids: &[Bytes], now: UnixMillis) -> Result<Vec<bool>, Error> {
        awaited!(self, store => store.take_all(kind, ids, now))
    }
    fn counters(&self) -> StoreCounters {
        either!(self, store => store.counters())
    }
    fn count(&self, kind: Kind) -> Option<u64> {
        either!(self, store => store.count(kind))
    }
    async fn evicted(&self) -> Result<Option<u64>, Error> {
        awaited!(self, store => store.evicted())
    }
    fn name(&self) -> &'static str {
        either!(self, store => store.name())
    }
}

impl Index for AnyStore {
    async fn add(&self, user: &[u8], member: &[u8], span: Span) -> Result<(), Error> {
        awaited!(self, store => store.add(user, member, span))
    }
    async fn members(&self, user: &[u8], now: UnixMillis) -> Result<Vec<Member>, Error> {
        awaited!(self, store => store.members(user, now))
    }
    async fn remove(&self, user: &[u8], members: &[Bytes], now: UnixMillis) -> Result<(), Error> {
        awaited!(self, store => store.remove(user, members, now))
    }
    async fn add_all(&self, members: &[(Bytes, Bytes, Span)]) -> Result<(), Error> {
        awaited!(self, store => store.add_all(members))
    }
}

impl Bits for AnyStore {
    async fn reserve(&self, list: u64, count: u64, span: Span) -> Result<u64, Error> {
        awaited!(self, store => store.reserve(list, count, span))
    }
    async fn set_bits(&self, list: u64, places: &[u64], span: Span) -> Result<(), Error> {
        awaited!(self, store => store.set_bits(list, places, span))
    }
    async fn bit(&self, list: u64, place: u64, now: UnixMillis) -> Result<bool, Error> {
        awaited!(self, store => store.bit(list, place, now))
    }
    async fn bits(&self, list: u64, now: UnixMillis) -> Result<Bytes, Error> {
        awaited!(self, store => store.bits(list, now))
    }
}

impl Feed for AnyStore {
    type Subscription = AnySubscription;

    async fn append(&self, payload: Bytes, span: Span) -> Result<(), Error> {
        awaited!(self, store => store.append(payload, span))
    }
    async fn since(&self, cursor: Cursor, limit: usize) -> Result<Page, Error> {
        awaited!(self, store => store.since(cursor, limit))
    }
    async fn subscribe(&self) -> Result<AnySubscription, Error> {
        Ok(match self {
            Self::Memory(store) => AnySubscription::Memory(store.subscribe().await?),
            Self::Redis(store) => AnySubscription::Redis(Box::new(store.subscribe().await?)),
            Self::Sql(store) => match store.subscribe().await? {},
        })
    }
}

/// A subscription to any of them.
#[derive(Debug)]
pub enum AnySubscription {
    /// Within this process.
    Memory(<MemoryStore as Feed>::Subscription),
    /// A connection to Redis.
    Redis(Box<<RedisStore as Feed>::Subscription>),
}

impl Subscription for AnySubscription {
    async fn next(&mut self) -> Option<Message> {
        match self {
            Self::Memory(subscription) => subscription.next().await,
            Self::Redis(subscription) => subscription.next().await,
        }
    }
}
