//! A null responder: the cheapest HTTP/1.1 server we can write, for the generator to be measured against.
//!
//! It answers every request head with the same bytes; it can wait a fixed time before each answer, stop for a known time,
//! and it stamps arrivals. It reads request heads only: a request with a body is answered at its head, and the body is
//! taken for part of the next head.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use crate::cores;
use crate::error::Error;
use reactor::Reactor;

mod reactor;

/// How the responder behaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NullOptions {
    /// Time between the arrival of a request and its answer, nanoseconds.
    pub delay_ns: u64,
    /// A stop of the whole responder.
    pub pause: Option<Pause>,
    /// Cores for the responder's thread; empty = wherever the kernel puts it.
    pub cores: Vec<usize>,
    /// Body of every answer.
    pub body: Vec<u8>,
}

/// A stop: nothing is read, answered or accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When it begins, nanoseconds from the first request.
    pub after_ns: u64,
    /// How long it lasts, nanoseconds.
    pub length_ns: u64,
    /// Rate of the schedule that is driven against it, requests per second: the backlog is drained when as many
    /// requests have been answered as the schedule has asked for.
    pub rate: u64,
}

/// What the responder saw.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NullReport {
    /// Requests answered.
    pub requests: u64,
    /// Index of dispersion of their arrivals in bins of 1 ms (variance over mean of counts).
    pub dispersion: f64,
    /// Complete bins.
    pub bins: u64,
    /// Length of the pause as it was, nanoseconds.
    pub paused_ns: u64,
    /// Time from the end of the pause until the backlog was drained, nanoseconds.
    pub drain_ns: Option<u64>,
    /// CPU of the responder's thread, nanoseconds.
    pub cpu_ns: u64,
}

/// A running responder, on a loopback port of its own.
#[derive(Debug)]
pub struct NullResponder {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
    thread: Option<JoinHandle<NullReport>>,
}

impl NullResponder {
    /// Starts a responder on a thread of its own.
    ///
    /// # Errors
    /// [`Error::System`] when no socket, epoll set or thread can be had.
    pub fn start(options: &NullOptions) -> Result<Self, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(Error::system("the null responder cannot listen on a loopback port"))?;
        let address =
            listener.local_addr().map_err(Error::system("the null responder has no local address"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut reactor = Reactor::new(listener, options, Arc::clone(&stop))?;
        let served = reactor.served();
        let chosen = options.cores.clone();
        let thread = std::thread::Builder::new()
            .name("null-responder".to_owned())
            .spawn(move || {
                if !chosen.is_empty() {
                    // Best effort: callers who depend on it have asked `cores::allowed` before.
                    let _ = cores::pin(&chosen);
                }
                reactor.run()
            })
            .map_err(Error::system("the null responder's thread cannot be started"))?;
        Ok(Self { address, stop, served, thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests answered so far.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Ends it.
    #[must_use]
    pub fn finish(mut self) -> NullReport {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for NullResponder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its report is not wanted any more.
            drop(thread.join());
        }
    }
}
