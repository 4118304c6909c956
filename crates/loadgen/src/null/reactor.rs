//! The responder's loop: level-triggered accept, edge-triggered connections, answers in due order.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use super::{NullOptions, NullReport, Pause};
use crate::clock::{Clock, Monotonic};
use crate::engine::meter::Dispersion;
use crate::error::Error;

const LISTENER: u64 = u64::MAX;
/// Longest sleep, so that the stop flag is seen.
const NAP_NS: u64 = 5_000_000;

pub(super) struct Reactor {
    epoll: OwnedFd,
    listener: TcpListener,
    connections: Vec<Option<Peer>>,
    free: Vec<usize>,
    /// Answers that wait for their delay: when, to whom, which connection of that index, how many.
    due: VecDeque<(u64, usize, u64, u32)>,
    accepted: u64,
    answer: Vec<u8>,
    answers: Vec<u8>,
    delay_ns: u64,
    pause: Option<Pause>,
    stop: Arc<AtomicBool>,
    /// The count of the report, for others to read meanwhile.
    served: Arc<AtomicU64>,
    first_ns: Option<u64>,
    arrivals: Dispersion,
    drain: Option<Drain>,
    report: NullReport,
}

struct Peer {
    stream: TcpStream,
    serial: u64,
    /// How much of the empty line that ends a head has been seen: 0 to 3 bytes.
    matched: u8,
}

/// The backlog of a pause, by the schedule.
#[derive(Debug, Clone, Copy)]
struct Drain {
    began_ns: u64,
    ended_ns: u64,
    answered_before: u64,
    rate: u64,
}

impl Reactor {
    pub(super) fn new(
        listener: TcpListener,
        options: &NullOptions,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let system = |source: rustix::io::Errno| Error::System {
            what: "the null responder cannot have an epoll set",
            source: source.into(),
        };
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(system)?;
        listener
            .set_nonblocking(true)
            .map_err(Error::system("the null responder cannot listen without blocking"))?;
        epoll::add(&epoll, &listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)
            .map_err(system)?;
        let mut answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", options.body.len()).into_bytes();
        answer.extend_from_slice(&options.body);
        Ok(Self {
            epoll,
            listener,
            connections: Vec::new(),
            free: Vec::new(),
            due: VecDeque::new(),
            accepted: 0,
            answer,
            answers: Vec::new(),
            delay_ns: options.delay_ns,
            pause: options.pause,
            stop,
            served: Arc::default(),
            first_ns: None,
            arrivals: Dispersion::new(1_000_000),
            drain: None,
            report: NullReport::default(),
        })
    }

    pub(super) fn served(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.served)
    }

    pub(super) fn run(&mut self) -> NullReport {
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        let cpu_ns = Monotonic.cpu_ns();
        let mut events = Vec::with_capacity(256);
        let mut buffer = vec![0; 64 * 1024];
        while !self.stop.load(Ordering::Relaxed) {
            self.rest_if_paused();
            self.answer_due();
            events.clear();
            let timeout = self.timeout_ns();
            let timeout =
                Timespec { tv_sec: (timeout / 1_000_000_000) as _, tv_nsec: (timeout % 1_000_000_000) as _ };
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => break,
            }
            for event in &events {
                match event.data.u64() {
                    LISTENER => self.accept(),
                    index => self.read(index as usize, &mut buffer),
                }
            }
        }
        self.report.cpu_ns = Monotonic.cpu_ns() - cpu_ns;
        self.report.dispersion = self.arrivals.index();
        self.report.bins = self.arrivals.bins();
        self.report
    }

    /// With a delay the responder never sleeps once it has a client: the time to wake up would be added to the delay.
    fn timeout_ns(&self) -> u64 {
        if self.delay_ns > 0 && self.first_ns.is_some() { 0 } else { NAP_NS }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let index = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let interest = epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
            let data = epoll::EventData::new_u64(index as u64);
            let registered = stream.set_nonblocking(true).is_ok()
                && stream.set_nodelay(true).is_ok()
                && epoll::add(&self.epoll, &stream, data, interest).is_ok();
            if registered {
                self.accepted += 1;
                self.connections[index] = Some(Peer { stream, serial: self.accepted, matched: 0 });
            } else {
                self.free.push(index);
            }
        }
    }

    fn read(&mut self, index: usize, buffer: &mut [u8]) {
        loop {
            let Some(Some(peer)) = self.connections.get_mut(index) else { return };
            let got = match peer.stream.read(buffer) {
                Ok(0) => return self.drop_peer(index),
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return self.drop_peer(index),
            };
            let (heads, serial) = (peer.count_heads(&buffer[..got]), peer.serial);
            if heads > 0 {
                let now = Monotonic.now_ns();
                self.stamp(heads, now);
                if self.delay_ns == 0 {
                    self.send(index, heads);
                } else {
                    self.due.push_back((now + self.delay_ns, index, serial, heads));
                }
            }
            // A short read has drained the socket; an end behind it makes a new edge.
            if got < buffer.len() {
                return;
            }
        }
    }

    fn stamp(&mut self, heads: u32, now: u64) {
        let first = *self.first_ns.get_or_insert(now);
        for _ in 0..heads {
            self.arrivals.add(now - first);
        }
    }

    fn answer_due(&mut self) {
        while let Some(&(due_ns, index, serial, heads)) = self.due.front() {
            if due_ns > Monotonic.now_ns() {
                return;
            }
            self.due.pop_front();
            let same = matches!(self.connections.get(index), Some(Some(peer)) if peer.serial == serial);
            if same {
                self.send(index, heads);
            }
        }
    }

    fn send(&mut self, index: usize, heads: u32) {
        let Some(Some(peer)) = self.connections.get_mut(index) else { return };
        let sent = if heads == 1 {
            peer.stream.write(&self.answer).is_ok_and(|sent| sent == self.answer.len())
        } else {
            self.answers.clear();
            (0..heads).for_each(|_| self.answers.extend_from_slice(&self.answer));
            peer.stream.write(&self.answers).is_ok_and(|sent| sent == self.answers.len())
        };
        if !sent {
            // A client that does not read its answers is of no use here.
            return self.drop_peer(index);
        }
        self.report.requests += u64::from(heads);
        self.served.store(self.report.requests, Ordering::Relaxed);
        if self.drain.is_some() {
            self.watch_drain();
        }
    }

    fn drop_peer(&mut self, index: usize) {
        if let Some(peer) = self.connections.get_mut(index) {
            *peer = None;
            self.free.push(index);
        }
    }

    fn rest_if_paused(&mut self) {
        let (Some(pause), Some(first)) = (self.pause, self.first_ns) else { return };
        let began_ns = Monotonic.now_ns();
        if began_ns < first + pause.after_ns {
            return;
        }
        self.pause = None;
        let mut now = began_ns;
        while now < began_ns + pause.length_ns && !self.stop.load(Ordering::Relaxed) {
            let nap = (began_ns + pause.length_ns - now).min(NAP_NS);
            std::thread::sleep(std::time::Duration::from_nanos(nap));
            now = Monotonic.now_ns();
        }
        self.report.paused_ns = now - began_ns;
        let answered_before = self.report.requests;
        self.drain = Some(Drain { began_ns, ended_ns: now, answered_before, rate: pause.rate });
    }

    /// The backlog is drained when as many requests are answered since the pause began as the schedule asked for.
    fn watch_drain(&mut self) {
        let Some(drain) = self.drain else { return };
        let now = Monotonic.now_ns();
        let asked = u128::from(now - drain.began_ns) * u128::from(drain.rate) / 1_000_000_000;
        let answered = u128::from(self.report.requests - drain.answered_before);
        if answered + 1 >= asked {
            self.report.drain_ns = Some(now - drain.ended_ns);
            self.drain = None;
        }
    }
}

impl Peer {
    /// Heads that end in these bytes: each ends with `\r\n\r\n`.
    fn count_heads(&mut self, bytes: &[u8]) -> u32 {
        // The common case: one whole head, and nothing before it.
        if self.matched == 0 && bytes.ends_with(b"\r\n\r\n") && only_head(bytes) {
            return 1;
        }
        let mut heads = 0;
        for &byte in bytes {
            self.matched = match (self.matched, byte) {
                (0 | 2, b'\r') => self.matched + 1,
                (1, b'\n') => 2,
                (3, b'\n') => {
                    heads += 1;
                    0
                }
                (_, b'\r') => 1,
                _ => 0,
            };
        }
        heads
    }
}

/// Whether the empty line at the end is the only one.
fn only_head(bytes: &[u8]) -> bool {
    let body = &bytes[..bytes.len() - 4];
    let mut rest = body;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\n') {
        if rest[at + 1..].starts_with(b"\r\n") {
            return false;
        }
        rest = &rest[at + 1..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_counted_in_any_split() {
        let text = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        for split in 0..text.len() {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let mut peer = Peer { stream, serial: 0, matched: 0 };
            let (a, b) = text.split_at(split);
            assert_eq!(peer.count_heads(a) + peer.count_heads(b), 2, "split at {split}");
        }
    }
}
