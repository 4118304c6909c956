//! The log of what was ended: nodes that keep a copy of it read on from a cursor, or are told of each change.
//!
//! A change is one append of any number of entries. The log keeps every change for as long as it matters, so reading it
//! from its beginning yields all that is in force: that is how a new node starts, and what one does that lost the thread.

use std::future::Future;

use bytes::{Buf, BufMut, Bytes};

use super::{Entry, Kind, Span};
use crate::answer::UnixMillis;
use crate::error::Error;

/// Entries in one change, at most: bounds what is sent to each subscriber at once.
const BATCH: usize = 512;

/// A place in the log: the time of the change in the store's clock (milliseconds) and a number within it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Milliseconds, by the clock of the store.
    pub millis: u64,
    /// Number of the change within the millisecond.
    pub number: u64,
}

impl Cursor {
    /// Before the first change.
    pub const START: Self = Self { millis: 0, number: 0 };
}

/// One change of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its place.
    pub at: Cursor,
    /// What it says, as written by [`encode`].
    pub payload: Bytes,
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The changes after the cursor, in their order.
    pub changes: Vec<Change>,
    /// Whether there are more after them.
    pub more: bool,
    /// The change at the cursor is not in the log any more: there may have been others that are gone, and the log may
    /// have begun anew. It has to be read from [`Cursor::START`].
    pub lost: bool,
}

/// A change as a subscriber is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The place of the change before it. A subscriber that is elsewhere has missed something.
    pub previous: Cursor,
    /// The change.
    pub change: Change,
}

/// A log of changes. Each call is one atomic step on one key.
pub trait Feed: Send + Sync {
    /// What a subscriber listens on.
    type Subscription: Subscription;

    /// Appends a change and tells every subscriber. It is kept at least as long as the span is.
    fn append(&self, payload: Bytes, span: Span) -> impl Future<Output = Result<(), Error>> + Send;

    /// At most `limit` changes after a cursor.
    fn since(&self, cursor: Cursor, limit: usize) -> impl Future<Output = Result<Page, Error>> + Send;

    /// Listens from now on. What happened before is in the log.
    fn subscribe(&self) -> impl Future<Output = Result<Self::Subscription, Error>> + Send;
}

/// The receiving end of a subscription.
pub trait Subscription: Send {
    /// Waits for the next message. `None`: the connection is gone, or messages were dropped because nobody took them.
    fn next(&mut self) -> impl Future<Output = Option<Message>> + Send;
}

/// Payloads that say these values are in force, [`BATCH`] entries each.
pub(crate) fn encode(kind: Kind, entries: &[Entry]) -> impl Iterator<Item = Bytes> {
    entries.chunks(BATCH).map(move |chunk| {
        let length: usize = chunk.iter().map(|entry| 11 + entry.id.len() + entry.value.len()).sum();
        let mut out = Vec::with_capacity(length);
        for Entry { id, value, span } in chunk {
            out.put_u8(kind.slot() as u8);
            // Ids are digests, token ids and user names, values a few numbers: far below these widths.
            out.put_u64(span.until);
            out.put_u16(id.len() as u16);
            out.put_slice(id);
            out.put_u16(value.len() as u16);
            out.put_slice(value);
        }
        Bytes::from(out)
    })
}

/// The values a payload says are in force.
pub(crate) fn decode(mut payload: Bytes, now: UnixMillis) -> Result<Vec<(Kind, Entry)>, Error> {
    let mut entries = Vec::new();
    while payload.has_remaining() {
        entries.push(one(&mut payload, now).ok_or_else(unreadable)?);
    }
    Ok(entries)
}

fn one(from: &mut Bytes, now: UnixMillis) -> Option<(Kind, Entry)> {
    let kind = *Kind::ALL.get(usize::from(from.try_get_u8().ok()?))?;
    let until = from.try_get_u64().ok()?;
    let mut part = || {
        let length = usize::from(from.try_get_u16().ok()?);
        // Copied, so that an entry does not keep the whole change in memory.
        (length <= from.len()).then(|| Bytes::copy_from_slice(&from.split_to(length)))
    };
    let (id, value) = (part()?, part()?);
    Some((kind, Entry { id, value, span: Span { now, until } }))
}

fn unreadable() -> Error {
    Error::Store("a change in the log of ended logins is not one of ours".into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn changes_survive_the_log(
            values in prop::collection::vec((any::<[u8; 16]>(), prop::collection::vec(any::<u8>(), 0..40), any::<u64>()), 0..1200),
        ) {
            let entries: Vec<Entry> = values
                .iter()
                .map(|(id, value, until)| Entry {
                    id: Bytes::copy_from_slice(id),
                    value: Bytes::copy_from_slice(value),
                    span: Span { now: 5, until: *until },
                })
                .collect();
            let payloads: Vec<Bytes> = encode(Kind::Epoch, &entries).collect();
            prop_assert_eq!(payloads.len(), entries.len().div_ceil(BATCH));
            let read: Vec<_> = payloads.into_iter().flat_map(|payload| decode(payload, 5).unwrap()).collect();
            prop_assert_eq!(read.len(), entries.len());
            for ((kind, read), written) in read.iter().zip(&entries) {
                prop_assert_eq!(*kind, Kind::Epoch);
                prop_assert_eq!((&read.id, &read.value, read.span), (&written.id, &written.value, written.span));
            }
        }

        #[test]
        fn foreign_bytes_are_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(Bytes::from(bytes), 0);
        }
    }
}
