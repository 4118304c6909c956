//! Real sockets: non-blocking TCP, one epoll registration per connection (edge-triggered, never changed), one wait.
//!
//! Edge-triggered epoll needs no `epoll_ctl` after registration; in exchange, what is readable must be read until a
//! short read, which on a stream socket means "drained" (epoll(7)). `epoll_pwait2` (Linux 5.11) takes its timeout in
//! nanoseconds, so that a wait is one system call; a timerfd in the same epoll set needs two.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};

use super::target::{Target, TlsTarget};
use super::tls::TlsStream;
use super::{Ready, Refusal, Transport};
use crate::error::Error;

/// Readiness entries taken per wait.
const BATCH: usize = 256;
/// Event data of the timer; connections use their index and generation.
const TIMER: u64 = u64::MAX;

/// How the thread sleeps until a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// The timeout of `epoll_pwait2`: one system call per wait.
    #[default]
    Pwait2,
    /// A timerfd in the epoll set: two system calls per wait.
    Timerfd,
}

/// Real connections to a [`Target`].
pub(crate) struct Sockets {
    epoll: OwnedFd,
    timer: Option<OwnedFd>,
    events: Vec<epoll::Event>,
    slots: Vec<Slot>,
    addresses: Vec<SocketAddr>,
    tls: Option<TlsTarget>,
}

#[derive(Debug, Default)]
struct Slot {
    stream: Option<Stream>,
    /// Counts the sockets that had this index, so that events of an earlier one are recognised.
    generation: u32,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Sockets {
    /// Sockets for `connections` connections, none open yet. Sets the calling thread's timer slack to 1 ns.
    pub(crate) fn new(target: &Target, connections: u32, wait: Wait) -> Result<Self, Error> {
        let system = |what| move |errno: rustix::io::Errno| Error::System { what, source: errno.into() };
        allow_descriptors(u64::from(connections) + 64);
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(system("epoll is not available"))?;
        try_wait(&epoll)
            .map_err(system("epoll_pwait2 is not available: the generator needs Linux 5.11 or later"))?;
        let timer = match wait {
            Wait::Pwait2 => None,
            Wait::Timerfd => Some(timer_in(&epoll).map_err(system("timerfd is not available"))?),
        };
        // Default slack is 50 us: every wait would end that much late. Best effort: lag is measured anyway.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        let mut slots = Vec::new();
        slots.resize_with(connections as usize, Slot::default);
        let events = Vec::with_capacity(BATCH);
        Ok(Self { epoll, timer, events, slots, addresses: target.addresses.clone(), tls: target.tls.clone() })
    }

    fn stream(&mut self, connection: u32) -> io::Result<&mut Stream> {
        let slot = self.slots.get_mut(connection as usize);
        slot.and_then(|slot| slot.stream.as_mut()).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

/// Raises the process's soft limit of open files where it is too low for the connections and may be raised. What cannot
/// be opened in the end is an outcome of its own.
fn allow_descriptors(needed: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        let current = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limit.maximum });
    }
}

/// Whether the kernel knows `epoll_pwait2` and lets us use it.
fn try_wait(epoll: &OwnedFd) -> rustix::io::Result<()> {
    let mut events = Vec::with_capacity(1);
    epoll::wait(epoll, spare_capacity(&mut events), Some(&timespec(0))).map(drop)
}

fn timer_in(epoll: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
    // Edge-triggered: an expiry is one event, and the count need not be read.
    let interest = epoll::EventFlags::IN | epoll::EventFlags::ET;
    epoll::add(epoll, &timer, epoll::EventData::new_u64(TIMER), interest)?;
    Ok(timer)
}

fn timespec(ns: u64) -> Timespec {
    Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ }
}

impl Transport for Sockets {
    fn connect(&mut self, connection: u32) -> io::Result<()> {
        let address = self.addresses[connection as usize % self.addresses.len()];
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        rustix::net::sockopt::set_tcp_nodelay(&socket, true)?;
        // Requests are one small segment at a time. Where the system's default is BBR, its bookkeeping costs per packet
        // and its pacing may hold a send back; Reno, which every kernel has, does neither. Best effort.
        let _ = rustix::net::sockopt::set_tcp_congestion(&socket, "reno");
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
            Err(errno) => return Err(errno.into()),
        }
        let slot = &mut self.slots[connection as usize];
        slot.generation = slot.generation.wrapping_add(1);
        let data = (u64::from(slot.generation) << 32) | u64::from(connection);
        let interest =
            epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        epoll::add(&self.epoll, &socket, epoll::EventData::new_u64(data), interest)?;
        let tcp = TcpStream::from(socket);
        slot.stream = Some(match &self.tls {
            None => Stream::Plain(tcp),
            Some(tls) => Stream::Tls(Box::new(TlsStream::new(tcp, tls)?)),
        });
        Ok(())
    }

    fn establish(&mut self, connection: u32) -> Result<bool, Refusal> {
        match self.stream(connection).map_err(|_| Refusal::Unreachable)? {
            Stream::Plain(tcp) => tcp_established(tcp),
            Stream::Tls(tls) => tls.establish(),
        }
    }

    fn close(&mut self, connection: u32) {
        if let Some(slot) = self.slots.get_mut(connection as usize) {
            // Closing the only descriptor takes it out of the epoll set (epoll(7)).
            slot.stream = None;
            slot.generation = slot.generation.wrapping_add(1);
        }
    }

    fn send(&mut self, connection: u32, bytes: &[u8]) -> io::Result<usize> {
        match self.stream(connection)? {
            Stream::Plain(tcp) => tcp.write(bytes),
            Stream::Tls(tls) => tls.send(bytes),
        }
    }

    fn flush(&mut self, connection: u32) -> io::Result<bool> {
        match self.stream(connection)? {
            Stream::Plain(_) => Ok(true),
            Stream::Tls(tls) => tls.flush(),
        }
    }

    fn receive(&mut self, connection: u32, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stream(connection)? {
            Stream::Plain(tcp) => tcp.read(buffer),
            Stream::Tls(tls) => tls.receive(buffer),
        }
    }

    fn may_hold_more(&self, connection: u32, got: usize, asked: usize) -> bool {
        let stream = self.slots.get(connection as usize).and_then(|slot| slot.stream.as_ref());
        got == asked || matches!(stream, Some(Stream::Tls(_)))
    }

    fn wait(&mut self, timeout_ns: u64) -> io::Result<usize> {
        self.events.clear();
        let timeout = match &self.timer {
            Some(timer) if timeout_ns > 0 => {
                let at = Itimerspec { it_interval: timespec(0), it_value: timespec(timeout_ns) };
                rustix::time::timerfd_settime(timer, TimerfdTimerFlags::empty(), &at)?;
                None
            }
            _ => Some(timespec(timeout_ns)),
        };
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout.as_ref()) {
            Ok(_) => Ok(self.events.len()),
            Err(rustix::io::Errno::INTR) => Ok(0),
            Err(errno) => Err(errno.into()),
        }
    }

    fn ready(&self, index: usize) -> Option<Ready> {
        let event = self.events.get(index)?;
        let data = event.data.u64();
        let connection = data as u32;
        // The timer's own entry falls through here: no slot has its index.
        let slot = self.slots.get(connection as usize)?;
        if slot.generation != (data >> 32) as u32 {
            return None;
        }
        let flags = event.flags;
        let gone = epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR;
        Some(Ready { connection, hangup: flags.intersects(gone) })
    }
}

/// Whether a connecting socket has arrived: no error pending, and a peer.
pub(super) fn tcp_established(tcp: &TcpStream) -> Result<bool, Refusal> {
    if !matches!(tcp.take_error(), Ok(None)) {
        return Err(Refusal::Unreachable);
    }
    match tcp.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(_) => Err(Refusal::Unreachable),
    }
}
