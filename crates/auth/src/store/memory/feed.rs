//! The log of the memory store, and its subscribers.

use std::collections::VecDeque;
use std::sync::Mutex;

use bytes::Bytes;
use tokio::sync::broadcast::{Receiver, Sender};

use super::{MemoryStore, locked};
use crate::answer::UnixMillis;
use crate::error::Error;
use crate::store::Span;
use crate::store::feed::{Change, Cursor, Feed, Message, Page, Subscription};

/// Messages that wait for a subscriber that does not take them; one more is a gap.
const WAITING: usize = 256;

/// The log and whom to tell of it.
#[derive(Debug)]
pub(super) struct Log {
    changes: Mutex<Changes>,
    told: Sender<Message>,
}

#[derive(Debug, Default)]
struct Changes {
    last: Cursor,
    kept: VecDeque<(Change, UnixMillis)>,
}

impl Default for Log {
    fn default() -> Self {
        Self { changes: Mutex::default(), told: Sender::new(WAITING) }
    }
}

impl Feed for MemoryStore {
    type Subscription = Receiver<Message>;

    async fn append(&self, payload: Bytes, span: Span) -> Result<(), Error> {
        let mut changes = locked(&self.log.changes);
        while changes.kept.front().is_some_and(|(_, until)| *until <= span.now) {
            changes.kept.pop_front();
        }
        let previous = changes.last;
        let at = Cursor { millis: 1, number: previous.number + 1 };
        let change = Change { at, payload };
        changes.last = at;
        changes.kept.push_back((change.clone(), span.until));
        // Told under the lock, so that messages come in the order of the log. Nobody listening is no failure.
        let _ = self.log.told.send(Message { previous, change });
        Ok(())
    }

    async fn since(&self, cursor: Cursor, limit: usize) -> Result<Page, Error> {
        let changes = locked(&self.log.changes);
        let start = changes.kept.partition_point(|(change, _)| change.at <= cursor);
        let known = start.checked_sub(1).is_some_and(|at| changes.kept[at].0.at == cursor);
        let rest = changes.kept.len() - start;
        Ok(Page {
            changes: changes.kept.range(start..).take(limit).map(|(change, _)| change.clone()).collect(),
            more: rest > limit,
            lost: cursor != Cursor::START && !known,
        })
    }

    async fn subscribe(&self) -> Result<Receiver<Message>, Error> {
        Ok(self.log.told.subscribe())
    }
}

impl Subscription for Receiver<Message> {
    async fn next(&mut self) -> Option<Message> {
        self.recv().await.ok()
    }
}
