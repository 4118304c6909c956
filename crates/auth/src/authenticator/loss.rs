//! Whether the shared store still has what was written to it.
//!
//! Where ended logins are listed, a store that comes back empty lets them in again, and so does one that drops keys for
//! want of memory: nothing else in this crate would notice. Each process therefore keeps a mark of its own there, whose
//! absence says that data was lost, and looks how many keys were dropped since it left it.

use super::Authenticator;
use crate::answer::UnixMillis;
use crate::credential::random;
use crate::directory::Directory;
use crate::error::Error;
use crate::mechanism::{CheckKind, View};
use crate::store::{Index, Key, Kind, Span, Store};

/// How long a mark outlives the last look at it, milliseconds: it goes by itself once its process has ended.
const MARK_LIFE_MS: u64 = 3_600_000;

/// The mark of one process.
#[derive(Debug)]
pub struct Mark {
    /// No subject has such a name.
    id: Vec<u8>,
    /// Keys that the store had dropped by then, where it says so.
    evicted: Option<u64>,
}

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// Whether a store that loses its data would let ended logins in again.
    pub fn forgives_after_loss(&self) -> bool {
        let shared = self.mechanism.checks.iter().any(|check| check.view != View::Local);
        let lists_ended = self.mechanism.has(CheckKind::DenyList) || self.mechanism.has(CheckKind::Epoch);
        shared && lists_ended && !self.mechanism.has(CheckKind::LiveList)
    }

    /// Leaves a mark in the store.
    pub async fn leave_mark(&self, now: UnixMillis) -> Result<Mark, Error> {
        // A store may refuse to say (an access list, a stand-in for Redis): then the mark alone tells.
        let evicted = self.store.evicted().await.unwrap_or(None);
        let mark = Mark { id: [&b"\0mark"[..], &random::<16>()?].concat(), evicted };
        self.store.put_new(mark.key(), b"", span(now)).await?;
        Ok(mark)
    }

    /// Whether the mark is still there, and nothing was dropped since it was left; it is prolonged by that.
    pub async fn has_mark(&self, mark: &Mark, now: UnixMillis) -> Result<bool, Error> {
        if !self.store.touch(mark.key(), span(now)).await? {
            return Ok(false);
        }
        let Some(before) = mark.evicted else { return Ok(true) };
        let after = self.store.evicted().await?;
        Ok(after.is_none_or(|after| after <= before))
    }
}

impl Mark {
    fn key(&self) -> Key<'_> {
        Key { kind: Kind::Epoch, id: &self.id }
    }
}

fn span(now: UnixMillis) -> Span {
    Span { now, until: now.saturating_add(MARK_LIFE_MS) }
}
