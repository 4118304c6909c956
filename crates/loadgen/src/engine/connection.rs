//! Per-connection state in one flat array, with a list of what is in flight in the order it was sent.

use scenario::{Operation, Step};

use crate::http::Decoder;

/// No connection.
pub(super) const NONE: u32 = u32::MAX;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not open; to be opened again at `since_ns`.
    Down,
    /// Being opened.
    Opening,
    /// Ready for a request.
    Idle,
    /// A request is in flight.
    Busy,
}

/// One connection and the request in flight on it.
#[derive(Debug)]
pub(super) struct Connection<K> {
    pub(super) state: State,
    /// Whether it stands in the idle queue.
    pub(super) queued: bool,
    /// Whether a request was sent since it was opened.
    pub(super) used: bool,
    /// Times it went down since it was last open.
    pub(super) failures: u32,
    /// Since when it is in this state (`Opening`, `Busy`), or until when (`Down`).
    pub(super) since_ns: u64,
    pub(super) step: Step,
    pub(super) ticket: K,
    pub(super) bytes_sent: u32,
    pub(super) bytes_received: u32,
    /// What the kernel did not take yet.
    pub(super) unsent: Vec<u8>,
    pub(super) decoder: Decoder,
    previous: u32,
    next: u32,
}

/// All connections.
#[derive(Debug)]
pub(super) struct Connections<K> {
    all: Vec<Connection<K>>,
    /// Oldest of the list of connections with a deadline (`Opening` and `Busy`).
    oldest: u32,
    newest: u32,
}

impl<K: Copy + Default> Connections<K> {
    pub(super) fn new(count: u32) -> Self {
        let mut all = Vec::new();
        all.resize_with(count as usize, Connection::down);
        Self { all, oldest: NONE, newest: NONE }
    }

    pub(super) fn count(&self) -> u32 {
        self.all.len() as u32
    }

    /// Puts a connection at the young end of the deadline list.
    pub(super) fn arm(&mut self, index: u32, now_ns: u64) {
        let newest = self.newest;
        let connection = &mut self[index];
        connection.since_ns = now_ns;
        connection.previous = newest;
        connection.next = NONE;
        if newest == NONE {
            self.oldest = index;
        } else {
            self[newest].next = index;
        }
        self.newest = index;
    }

    /// Takes a connection out of the deadline list.
    pub(super) fn disarm(&mut self, index: u32) {
        let (previous, next) = (self[index].previous, self[index].next);
        if previous == NONE {
            self.oldest = next;
        } else {
            self[previous].next = next;
        }
        if next == NONE {
            self.newest = previous;
        } else {
            self[next].previous = previous;
        }
    }

    /// The connection whose deadline comes first, and since when it counts.
    pub(super) fn oldest(&self) -> Option<(u32, u64)> {
        (self.oldest != NONE).then(|| (self.oldest, self[self.oldest].since_ns))
    }
}

impl<K> std::ops::Index<u32> for Connections<K> {
    type Output = Connection<K>;
    fn index(&self, index: u32) -> &Connection<K> {
        &self.all[index as usize]
    }
}

impl<K> std::ops::IndexMut<u32> for Connections<K> {
    fn index_mut(&mut self, index: u32) -> &mut Connection<K> {
        &mut self.all[index as usize]
    }
}

impl<K: Default> Connection<K> {
    fn down() -> Self {
        Self {
            state: State::Down,
            queued: false,
            used: false,
            failures: 0,
            since_ns: 0,
            step: Step { intended_ns: 0, subject: 0, device: 0, operation: Operation::Request },
            ticket: K::default(),
            bytes_sent: 0,
            bytes_received: 0,
            unsent: Vec::new(),
            decoder: Decoder::default(),
            previous: NONE,
            next: NONE,
        }
    }
}
