//! What a node does beside requests: following the log of what was ended. Whoever owns it runs this as a task.

use super::Authenticator;
use crate::answer::UnixMillis;
use crate::directory::Directory;
use crate::error::Error;
use crate::mechanism::View;
use crate::store::feed::{self, Message};
use crate::store::{Entry, Index, Kind, Span, Store};

/// The clocks of nodes and store may differ by this much: a change stays in the log longer by it, milliseconds.
const CLOCK_MARGIN_MS: u64 = 60_000;

/// What a node needs done beside requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upkeep {
    /// Time between two calls of [`Authenticator::sync`], milliseconds.
    pub every_ms: u64,
    /// Whether it also listens: [`Authenticator::subscribe`], and each message into [`Authenticator::hear`].
    pub listens: bool,
}

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// What this node needs done beside requests; `None`: nothing. Until the first [`Authenticator::sync`] a node that
    /// needs it answers no request.
    pub fn upkeep(&self) -> Option<Upkeep> {
        match self.mechanism.checks.first()?.view {
            View::Store | View::Local | View::Cached { .. } | View::Authority { .. } => None,
            View::Polled { interval_ms, .. } | View::Filter { interval_ms, .. } => {
                Some(Upkeep { every_ms: interval_ms, listens: false })
            }
            View::Pushed { heartbeat_ms, .. } => Some(Upkeep { every_ms: heartbeat_ms, listens: true }),
        }
    }

    /// Catches up with the shared state, as far as the view keeps a part of it here. `now` is the time at the call.
    pub async fn sync(&self, now: UnixMillis) -> Result<(), Error> {
        self.reader.follow(&self.store, now).await
    }

    /// Listens for what is ended from now on; what was ended before is found by the [`Authenticator::sync`] that must
    /// follow.
    pub async fn subscribe(&self) -> Result<S::Subscription, Error> {
        self.store.subscribe().await
    }

    /// Takes in a message of a subscription.
    pub async fn hear(&self, message: Message, now: UnixMillis) -> Result<(), Error> {
        self.reader.hear(&self.store, message, now).await
    }

    /// Writes to the log that these values are in force, where somebody follows it.
    pub(super) async fn announce(&self, kind: Kind, entries: &[Entry]) -> Result<(), Error> {
        if !self.mechanism.checks.iter().any(|check| check.view.follows_the_log()) {
            return Ok(());
        }
        let Some(first) = entries.first() else { return Ok(()) };
        let until = entries.iter().map(|entry| entry.span.until).max().unwrap_or(first.span.until);
        let span = Span { now: first.span.now, until: until.saturating_add(CLOCK_MARGIN_MS) };
        for payload in feed::encode(kind, entries) {
            self.store.append(payload, span).await?;
        }
        Ok(())
    }
}
