//! Following the log of what was ended, and saying nothing once that was too long ago.
//!
//! What is kept only grows until an entry ends by itself, so applying a change twice or late does no harm. A login ended
//! at `t` is known after the first reading of the log that began after `t`, and an answer at `now` rests on one that
//! began after `now − bound`, so no login is let in at `t + bound` or later, whatever was missed in between.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::answer::UnixMillis;
use crate::error::Error;
use crate::store::feed::{self, Change, Cursor, Feed, Message};
use crate::store::{Entry, Kind};

/// Changes read in one round trip.
const PAGE: usize = 64;

/// What a node makes of the entries of the log.
pub(crate) trait Keeps {
    /// Takes an entry in.
    fn take(&self, kind: Kind, entry: &Entry) -> Result<(), Error>;

    /// Asked before a reading: whether the log is wanted from its beginning.
    fn starts_anew(&self, _now: UnixMillis) -> bool {
        false
    }

    /// The log has been read to its end.
    fn is_complete(&self, _now: UnixMillis) {}
}

/// A follower of the log.
#[derive(Debug)]
pub(crate) struct Follower<K> {
    kept: K,
    /// How far the log was followed; held while it is being read, so that readings do not overtake each other.
    progress: tokio::sync::Mutex<Cursor>,
    /// When the last complete reading of the log began.
    current_at: AtomicU64,
    bound_ms: u64,
}

impl<K: Keeps> Follower<K> {
    /// One that says nothing before it has read the log, and nothing `bound_ms` after it last did.
    pub(crate) fn new(kept: K, bound_ms: u64) -> Self {
        Self {
            kept,
            progress: tokio::sync::Mutex::new(Cursor::START),
            current_at: AtomicU64::new(0),
            bound_ms,
        }
    }

    /// What it keeps, if that is current enough to be believed.
    pub(crate) fn believed(&self, now: UnixMillis) -> Result<&K, Error> {
        // A request that began just before a reading did is as well served by it.
        if now.abs_diff(self.current_at.load(Ordering::Acquire)) < self.bound_ms {
            return Ok(&self.kept);
        }
        Err(Error::Store(format!("the log of ended logins was not read within {} ms", self.bound_ms)))
    }

    /// What it keeps, however old.
    pub(crate) fn kept(&self) -> &K {
        &self.kept
    }

    /// Reads on in the log until its end. `now` is a time before this began.
    pub(crate) async fn follow(&self, log: &impl Feed, now: UnixMillis) -> Result<(), Error> {
        let mut progress = self.progress.lock().await;
        if self.kept.starts_anew(now) {
            *progress = Cursor::START;
        }
        loop {
            let page = log.since(*progress, PAGE).await?;
            if page.lost {
                *progress = Cursor::START;
                continue;
            }
            for change in page.changes {
                *progress = self.apply(change, now)?;
            }
            if !page.more {
                self.kept.is_complete(now);
                self.current_at.store(now, Ordering::Release);
                return Ok(());
            }
        }
    }

    /// Takes in a message. One that does not follow what is known is a gap: then the log is read.
    pub(crate) async fn hear(&self, log: &impl Feed, message: Message, now: UnixMillis) -> Result<(), Error> {
        let mut progress = self.progress.lock().await;
        if message.previous == *progress {
            *progress = self.apply(message.change, now)?;
        } else if message.change.at > *progress {
            drop(progress);
            self.follow(log, now).await?;
        }
        Ok(())
    }

    fn apply(&self, Change { at, payload }: Change, now: UnixMillis) -> Result<Cursor, Error> {
        for (kind, entry) in feed::decode(payload, now)? {
            self.kept.take(kind, &entry)?;
        }
        Ok(at)
    }
}
