//! A scripted server in virtual time: the clock moves only when the engine waits.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::rc::Rc;

use crate::clock::Clock;
use crate::transport::{Ready, Refusal, Transport};

/// Virtual time.
#[derive(Debug, Clone, Default)]
pub(super) struct FakeClock(Rc<Cell<u64>>);

impl Clock for FakeClock {
    fn now_ns(&self) -> u64 {
        self.0.get()
    }

    fn cpu_ns(&self) -> u64 {
        0
    }
}

/// One answer of the script: how long the server works on it, and its bytes (empty: never answers).
pub(super) struct Scripted {
    pub(super) service_ns: u64,
    pub(super) bytes: Vec<u8>,
}

/// A single-threaded server: requests queue, each takes its time, and for a while nothing happens at all.
pub(super) struct FakeServer<S> {
    clock: FakeClock,
    script: S,
    /// Nothing is begun between these times.
    pub(super) pause: Option<(u64, u64)>,
    /// Every answer comes this much after its request, all at the same time: nobody queues.
    pub(super) parallel_ns: Option<u64>,
    /// Connections that are refused.
    pub(super) refuses: fn(u32) -> bool,
    free_ns: u64,
    events: BinaryHeap<Reverse<(u64, u64, u32)>>,
    serial: u64,
    inbox: Vec<VecDeque<(u64, Vec<u8>)>>,
    ready: Vec<Ready>,
}

impl<S: FnMut(&str) -> Scripted> FakeServer<S> {
    pub(super) fn new(clock: &FakeClock, connections: u32, script: S) -> Self {
        let inbox = (0..connections).map(|_| VecDeque::new()).collect();
        let (events, ready) = (BinaryHeap::new(), Vec::new());
        let clock = clock.clone();
        let (pause, parallel_ns, refuses): (_, _, fn(u32) -> bool) = (None, None, |_| false);
        Self { clock, script, pause, parallel_ns, refuses, free_ns: 0, events, serial: 0, inbox, ready }
    }

    /// An answer that nobody asked for.
    pub(super) fn send_unasked(&mut self, connection: u32, at_ns: u64, bytes: &[u8]) {
        self.arrive(connection, at_ns, bytes.to_vec());
    }

    fn arrive(&mut self, connection: u32, at_ns: u64, bytes: Vec<u8>) {
        let inbox = &mut self.inbox[connection as usize];
        let place = inbox.partition_point(|(at, _)| *at <= at_ns);
        inbox.insert(place, (at_ns, bytes));
        self.schedule(at_ns, connection);
    }

    fn schedule(&mut self, at_ns: u64, connection: u32) {
        self.serial += 1;
        self.events.push(Reverse((at_ns, self.serial, connection)));
    }
}

impl<S: FnMut(&str) -> Scripted> Transport for FakeServer<S> {
    fn connect(&mut self, connection: u32) -> io::Result<()> {
        if (self.refuses)(connection) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        self.schedule(self.clock.now_ns(), connection);
        Ok(())
    }

    fn establish(&mut self, _connection: u32) -> Result<bool, Refusal> {
        Ok(true)
    }

    fn close(&mut self, connection: u32) {
        self.inbox[connection as usize].clear();
    }

    fn send(&mut self, connection: u32, bytes: &[u8]) -> io::Result<usize> {
        let now = self.clock.now_ns();
        let answer = (self.script)(std::str::from_utf8(bytes).unwrap());
        if let Some(parallel_ns) = self.parallel_ns {
            self.arrive(connection, now + answer.service_ns + parallel_ns, answer.bytes);
            return Ok(bytes.len());
        }
        let mut begins = now.max(self.free_ns);
        if let Some((from, to)) = self.pause
            && (from..to).contains(&begins)
        {
            begins = to;
        }
        if !answer.bytes.is_empty() {
            self.free_ns = begins + answer.service_ns;
            self.arrive(connection, self.free_ns, answer.bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self, _connection: u32) -> io::Result<bool> {
        Ok(true)
    }

    fn receive(&mut self, connection: u32, buffer: &mut [u8]) -> io::Result<usize> {
        let now = self.clock.now_ns();
        let inbox = &mut self.inbox[connection as usize];
        match inbox.front() {
            Some((at, bytes)) if *at <= now => {
                let length = bytes.len();
                buffer[..length].copy_from_slice(bytes);
                inbox.pop_front();
                Ok(length)
            }
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn may_hold_more(&self, _connection: u32, _got: usize, _asked: usize) -> bool {
        false
    }

    /// Moves time to the next event or to the end of the timeout; a poll without timeout costs 1 µs.
    fn wait(&mut self, timeout_ns: u64) -> io::Result<usize> {
        let now = self.clock.now_ns();
        let until = now + timeout_ns.max(1000);
        let next = self.events.peek().map_or(u64::MAX, |Reverse((at, ..))| *at);
        self.clock.0.set(now.max(until.min(next)));
        self.ready.clear();
        while let Some(&Reverse((at, _, connection))) = self.events.peek() {
            if at > self.clock.now_ns() {
                break;
            }
            self.events.pop();
            self.ready.push(Ready { connection, hangup: false });
        }
        Ok(self.ready.len())
    }

    fn ready(&self, index: usize) -> Option<Ready> {
        self.ready.get(index).copied()
    }
}
