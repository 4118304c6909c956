//! Where state lies: atomic steps on one key, a bulk form for set-up, and an index of what belongs to a user.
//!
//! **Every operation touches one key** (bulk forms: several independent ones), so all of it runs on Redis Cluster.
//! **Absolute expiry stands in the value**, written by the caller and checked on read; a store's own time to live is
//! garbage collection.

mod any;
pub mod bits;
pub mod distance;
pub mod feed;
pub mod memory;
pub mod redis;
pub mod sql;

use std::future::Future;

use bytes::Bytes;

use crate::answer::UnixMillis;
use crate::error::Error;

pub use any::{AnyStore, AnySubscription};
pub use bits::Bits;
pub use feed::Feed;
pub use memory::MemoryStore;
pub use redis::{RedisSettings, RedisStore, RedisTopology};
pub use sql::{PostgresSettings, SqlStore};

/// What a key is about; part of the key, so that kinds never collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A live login: session record or allow-listed token.
    Live,
    /// A token that was ended.
    Deny,
    /// A user's "not before" mark.
    Epoch,
    /// A refresh family.
    Family,
    /// A user's row: changed password, disabled mark, failed logins.
    User,
    /// The index of a user's live logins.
    Index,
    /// A status list; see [`Bits`].
    Status,
}

impl Kind {
    /// All kinds, in the order of [`Kind::slot`].
    pub const ALL: [Self; 7] =
        [Self::Live, Self::Deny, Self::Epoch, Self::Family, Self::User, Self::Index, Self::Status];

    /// The name inside a key.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Deny => "deny",
            Self::Epoch => "epoch",
            Self::Family => "family",
            Self::User => "user",
            Self::Index => "index",
            Self::Status => "status",
        }
    }

    /// Position in [`Kind::ALL`].
    #[must_use]
    pub fn slot(self) -> usize {
        self as usize
    }
}

/// A key: its kind and an id of raw bytes (a digest, a `jti`, a user name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key<'a> {
    /// What it is about.
    pub kind: Kind,
    /// Which one.
    pub id: &'a [u8],
}

/// From now until when a value matters, in the caller's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The caller's clock.
    pub now: UnixMillis,
    /// When the value has no meaning any more.
    pub until: UnixMillis,
}

impl Span {
    /// Milliseconds left, at least one: a store refuses a time to live of zero.
    #[must_use]
    pub fn ttl_ms(self) -> u64 {
        self.until.saturating_sub(self.now).max(1)
    }
}

/// An id in a user's index and the end of what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// A session digest, a `jti` or a family digest.
    pub id: Bytes,
    /// When it ends by itself.
    pub until: UnixMillis,
}

/// Work done since the store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreCounters {
    /// Round trips, a pipeline counting as one. Zero in memory.
    pub round_trips: u64,
    /// Commands inside them.
    pub commands: u64,
}

/// Values under keys. Each call is one atomic step on one key.
pub trait Store: Feed + Bits + Send + Sync {
    /// Writes a value where there is none. `false`: there is one, and it stays.
    fn put_new(
        &self,
        key: Key<'_>,
        value: &[u8],
        span: Span,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Reads a value. What the store has collected is gone; what it has not may still be past its expiry.
    fn get(&self, key: Key<'_>, now: UnixMillis)
    -> impl Future<Output = Result<Option<Bytes>, Error>> + Send;

    /// Reads a value and prolongs the store's own time to live of it, in one step.
    fn get_and_touch(
        &self,
        key: Key<'_>,
        span: Span,
    ) -> impl Future<Output = Result<Option<Bytes>, Error>> + Send;

    /// Reads several keys in one round trip; no snapshot across them.
    fn get_many<const N: usize>(
        &self,
        keys: [Key<'_>; N],
        now: UnixMillis,
    ) -> impl Future<Output = Result<[Option<Bytes>; N], Error>> + Send;

    /// Removes a value and returns it.
    fn take(
        &self,
        key: Key<'_>,
        now: UnixMillis,
    ) -> impl Future<Output = Result<Option<Bytes>, Error>> + Send;

    /// Compare and set: writes `new` where the value is `old`. `false`: it is another or none.
    fn replace_if(
        &self,
        key: Key<'_>,
        old: &[u8],
        new: &[u8],
        span: Span,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Prolongs the store's own time to live of a value. `false`: there is none.
    fn touch(&self, key: Key<'_>, span: Span) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Bulk form of an unconditional write, for set-up and for ending many tokens: independent keys, pipelined.
    fn put_all(&self, kind: Kind, entries: &[Entry]) -> impl Future<Output = Result<(), Error>> + Send;

    /// Bulk form of [`Store::take`]: removes independent keys, pipelined, and says which were there.
    fn take_all(
        &self,
        kind: Kind,
        ids: &[Bytes],
        now: UnixMillis,
    ) -> impl Future<Output = Result<Vec<bool>, Error>> + Send;

    /// Work done so far.
    fn counters(&self) -> StoreCounters;

    /// Number of values of this kind, where the store can tell without a scan.
    fn count(&self, kind: Kind) -> Option<u64>;

    /// Values that the store dropped for want of memory since it was started, where it can do that and says so.
    fn evicted(&self) -> impl Future<Output = Result<Option<u64>, Error>> + Send {
        std::future::ready(Ok(None))
    }

    /// `memory`, `redis`, `sqlite` or `postgres`.
    fn name(&self) -> &'static str;
}

/// One value of a bulk write.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Id inside the kind.
    pub id: Bytes,
    /// Value.
    pub value: Bytes,
    /// How long it matters.
    pub span: Span,
}

/// The live logins of each user. Each call is one atomic step on that user's key.
pub trait Index: Send + Sync {
    /// Adds a member and forgets those that have ended by themselves.
    fn add(&self, user: &[u8], member: &[u8], span: Span) -> impl Future<Output = Result<(), Error>> + Send;

    /// The members that have not ended by themselves.
    fn members(
        &self,
        user: &[u8],
        now: UnixMillis,
    ) -> impl Future<Output = Result<Vec<Member>, Error>> + Send;

    /// Removes members.
    fn remove(
        &self,
        user: &[u8],
        members: &[Bytes],
        now: UnixMillis,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Bulk form of [`Index::add`]: `(user, member, span)`, pipelined.
    fn add_all(&self, members: &[(Bytes, Bytes, Span)]) -> impl Future<Output = Result<(), Error>> + Send;
}
