//! What this node keeps of the shared state, and how a check reads it: the `view` of a mechanism at work.
//!
//! **No view is wrong without a bound.** Whoever ends a login is told so only after the shared store knows; a node that
//! reads from what it keeps lets an ended login in for [`View::lag_ms`](crate::mechanism::View::lag_ms) more at most,
//! and refuses to answer when it cannot keep that. The node that ended a login forgets or learns it at once.

mod cache;
mod filter;
mod follower;
mod listed;
mod replica;

use std::sync::Arc;

use bytes::Bytes;

use self::cache::{Asked, Cache};
use self::filter::Filter;
use self::follower::{Follower, Keeps};
use self::listed::StatusLists;
use self::replica::Replica;
use crate::answer::UnixMillis;
use crate::authority::Authority;
use crate::error::Error;
use crate::mechanism::{CheckKind, Mechanism, View};
use crate::store::feed::{Feed, Message};
use crate::store::{Entry, Key, Kind};

/// Where the checks of this node read.
#[derive(Debug)]
pub(crate) enum Reader {
    /// The store this backend was built over, every time.
    Store,
    /// What was said lately by the store or, where there is one, by the authority.
    Cached(Cache, Option<Arc<dyn Authority>>),
    /// Status lists that were fetched lately.
    Listed(StatusLists),
    /// A copy of what was ended.
    Copied(Follower<Replica>),
    /// A filter of what was ended, in front of the store.
    Filtered(Follower<Filter>),
}

impl Reader {
    /// The reader of a mechanism: its checks share one view.
    pub(crate) fn new(mechanism: &Mechanism) -> Self {
        let kinds = mechanism.checks.iter().map(|check| check.kind.state());
        let bound_ms = mechanism.lag_ms();
        match mechanism.checks.first().map(|check| check.view) {
            None | Some(View::Store | View::Local) => Self::Store,
            Some(View::Authority { ttl_ms, .. }) if mechanism.has(CheckKind::StatusBit) => {
                Self::Listed(StatusLists::new(ttl_ms))
            }
            Some(View::Cached { ttl_ms, entries } | View::Authority { ttl_ms, entries }) => {
                Self::Cached(Cache::new(kinds, ttl_ms, entries), None)
            }
            Some(View::Polled { .. } | View::Pushed { .. }) => {
                Self::Copied(Follower::new(Replica::default(), bound_ms))
            }
            Some(View::Filter { one_in, confirm, .. }) => {
                let period_ms = mechanism.login_lifetime_ms().unwrap_or(u64::MAX);
                Self::Filtered(Follower::new(Filter::new(one_in, confirm, period_ms), bound_ms))
            }
        }
    }

    /// From now on asks this authority instead of the store.
    pub(crate) fn ask_instead(&mut self, other: Arc<dyn Authority>) {
        match self {
            Self::Cached(_, authority) => *authority = Some(other),
            Self::Listed(lists) => lists.ask_instead(other),
            _ => {}
        }
    }

    /// Whom to ask instead of the store.
    pub(crate) fn authority(&self) -> Option<&dyn Authority> {
        match self {
            Self::Cached(_, authority) => authority.as_deref(),
            _ => None,
        }
    }

    /// Catches up with the log, where it is followed. `now` is a time before this began.
    pub(crate) async fn follow(&self, log: &impl Feed, now: UnixMillis) -> Result<(), Error> {
        match self {
            Self::Store | Self::Cached(..) | Self::Listed(_) => Ok(()),
            Self::Copied(follower) => follower.follow(log, now).await,
            Self::Filtered(follower) => follower.follow(log, now).await,
        }
    }

    /// Takes in a message of a subscription to the log.
    pub(crate) async fn hear(&self, log: &impl Feed, message: Message, now: UnixMillis) -> Result<(), Error> {
        match self {
            Self::Store | Self::Cached(..) | Self::Listed(_) => Ok(()),
            Self::Copied(follower) => follower.hear(log, message, now).await,
            Self::Filtered(follower) => follower.hear(log, message, now).await,
        }
    }

    /// What is known here without asking anybody. `None`: the store must be asked, and the answer goes to
    /// [`Reader::keep`]. An error: this node is too far behind to say anything.
    pub(crate) fn at_hand<const N: usize>(
        &self,
        keys: [Key<'_>; N],
        now: UnixMillis,
    ) -> Result<Option<[Option<Bytes>; N]>, Error> {
        match self {
            Self::Store | Self::Listed(_) => Ok(None),
            Self::Cached(cache, _) => Ok(cache.read_all(keys, now)),
            Self::Copied(follower) => Ok(Some(follower.believed(now)?.read_all(keys, now))),
            Self::Filtered(follower) => Ok(follower.believed(now)?.read_all(keys)),
        }
    }

    /// To be called before the store is asked, for [`Self::keep`].
    pub(crate) fn asked(&self, now: UnixMillis) -> Option<Asked> {
        if let Self::Cached(cache, _) = self { Some(cache.asked(now)) } else { None }
    }

    /// Takes note of what the store said.
    pub(crate) fn keep(&self, key: Key<'_>, found: Option<&Bytes>, asked: Option<Asked>) {
        if let (Self::Cached(cache, _), Some(asked)) = (self, asked) {
            cache.keep(key, found, asked);
        }
    }

    /// The store holds these values from now on.
    pub(crate) fn written(&self, kind: Kind, entries: &[Entry]) -> Result<(), Error> {
        match self {
            Self::Store | Self::Listed(_) => {}
            Self::Cached(..) => self.removed(kind, entries.iter().map(|entry| &entry.id)),
            Self::Copied(follower) => take_all(follower.kept(), kind, entries)?,
            Self::Filtered(follower) => take_all(follower.kept(), kind, entries)?,
        }
        Ok(())
    }

    /// Values of this kind that are known here, where all of them are.
    pub(crate) fn count(&self, kind: Kind) -> Option<u64> {
        match self {
            Self::Store | Self::Cached(..) | Self::Listed(_) => None,
            Self::Copied(follower) => follower.kept().count(kind),
            Self::Filtered(follower) => (kind == Kind::Deny).then(|| follower.kept().count()),
        }
    }

    /// The store does not hold these keys any more.
    pub(crate) fn removed<'a>(&self, kind: Kind, ids: impl Iterator<Item = &'a Bytes>) {
        if let Self::Cached(cache, _) = self {
            ids.for_each(|id| cache.forget(Key { kind, id }));
        }
    }
}

fn take_all(kept: &impl Keeps, kind: Kind, entries: &[Entry]) -> Result<(), Error> {
    entries.iter().try_for_each(|entry| kept.take(kind, entry))
}

impl CheckKind {
    /// The kind of values it consults.
    pub(crate) fn state(self) -> Kind {
        match self {
            Self::LiveList => Kind::Live,
            Self::DenyList => Kind::Deny,
            Self::Epoch => Kind::Epoch,
            Self::UserRow => Kind::User,
            Self::StatusBit => Kind::Status,
        }
    }
}
