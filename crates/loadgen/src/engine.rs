//! Dispatch: one thread, one state machine over connections, with time and network passed in.
//!
//! The loop: take what fell due, give up what took too long, sleep until the next thing (the last bit of it awake),
//! handle what arrived. Nothing on the way of a request allocates, and the clock is read twice per request: when it is
//! handed to the kernel and when its answer is complete.

use std::collections::VecDeque;
use std::io;
use std::iter::Peekable;
use std::sync::atomic::{AtomicBool, Ordering};

use scenario::Step;

use crate::clock::Clock;
use crate::error::Error;
use crate::http::{HeadMemo, Limits};
use crate::observation::{Answer, Observer, Phase};
use crate::options::{Mode, Options};
use crate::report::DriveReport;
use crate::transport::Transport;
use crate::work::Work;
use connection::Connections;
use lanes::Lanes;
use tally::Tally;

mod answers;
mod connection;
#[cfg(test)]
mod fake;
mod flow;
mod lanes;
pub(crate) mod meter;
mod opening;
mod tally;
#[cfg(test)]
mod tests;

/// Longest sleep, so that the stop flag is seen.
const NAP_NS: u64 = 5_000_000;
/// Between opening the connections and the start of the trace.
const LEAD_NS: u64 = 1_000_000;
/// Bytes taken from a socket at once.
const RECEIVE: usize = 64 * 1024;
/// Longest response head.
const HEAD_LIMIT: usize = 64 * 1024;

/// A step that waits for a connection.
#[derive(Debug, Clone, Copy)]
struct Pending {
    step: Step,
    eligible_ns: u64,
}

/// One drive.
pub(crate) struct Engine<'a, W: Work, C, T, O, I: Iterator<Item = Step>> {
    work: &'a mut W,
    clock: C,
    transport: T,
    observer: &'a mut O,
    steps: Peekable<I>,
    stop: &'a AtomicBool,
    open_loop: bool,
    spin_ns: u64,
    deadline_ns: u64,
    limits: Limits,
    /// Clock reading at the start of the trace.
    origin_ns: u64,
    connections: Connections<W::Ticket>,
    lanes: Lanes,
    keep_alive: bool,
    down: VecDeque<u32>,
    opening: u32,
    retry_ns: u64,
    refusal: Answer,
    /// Closed loop: steps taken that wait for a predecessor.
    waiting: u32,
    /// Released steps are being placed.
    releasing: bool,
    /// The trace has started.
    started: bool,
    /// No further step will be taken.
    exhausted: bool,
    /// Steps due and not finished.
    unfinished: u64,
    tally: Tally,
    memo: HeadMemo,
    output: Vec<u8>,
    input: Box<[u8]>,
}

impl<'a, W: Work, C: Clock, T: Transport, O: Observer, I: Iterator<Item = Step>> Engine<'a, W, C, T, O, I> {
    pub(crate) fn new(
        parts: (&'a mut W, C, T),
        options: &Options,
        steps: I,
        stop: &'a AtomicBool,
        observer: &'a mut O,
    ) -> Self {
        let (work, clock, transport) = parts;
        Self {
            work,
            clock,
            transport,
            observer,
            steps: steps.peekable(),
            stop,
            open_loop: options.mode == Mode::Open,
            spin_ns: options.spin_ns,
            deadline_ns: options.deadline_ns,
            limits: Limits { head: HEAD_LIMIT, response: options.max_response_bytes },
            origin_ns: 0,
            connections: Connections::new(options.connections),
            lanes: Lanes::new(1, options.connections, options.policy, options.seed),
            keep_alive: options.keep_alive,
            down: (0..options.connections).collect(),
            opening: 0,
            // Ten thousand refused connections must not become a flood of attempts.
            retry_ns: (u64::from(options.connections) * 50_000).max(20_000_000),
            refusal: Answer::Unreachable,
            waiting: 0,
            releasing: false,
            started: false,
            exhausted: false,
            unfinished: 0,
            tally: Tally::new(options),
            memo: HeadMemo::default(),
            output: Vec::with_capacity(16 * 1024),
            input: vec![0; RECEIVE].into_boxed_slice(),
        }
    }

    /// Spreads the steps over so many replicas by the policy of the options.
    pub(crate) fn balanced(mut self, replicas: usize, options: &Options) -> Self {
        self.lanes = Lanes::new(replicas, options.connections, options.policy, options.seed);
        self
    }

    /// Opens the connections, drives the steps, and waits for the last answer.
    pub(crate) fn run(mut self) -> Result<DriveReport, Error> {
        self.open_all().map_err(Error::system("waiting for sockets failed"))?;
        self.origin_ns = self.clock.now_ns() + LEAD_NS;
        self.restart_deadlines();
        self.started = true;
        while self.clock.now_ns() < self.origin_ns {
            self.poll(LEAD_NS / 4).map_err(Error::system("waiting for sockets failed"))?;
        }
        while !self.turn().map_err(Error::system("waiting for sockets failed"))? {}
        Ok(self.tally.finish(self.unfinished))
    }

    /// Nanoseconds from the start of the trace.
    #[inline]
    fn now(&self) -> u64 {
        self.clock.now_ns().saturating_sub(self.origin_ns)
    }

    /// One turn of the loop; true when the drive is over.
    fn turn(&mut self) -> io::Result<bool> {
        let now = self.now();
        self.tally.sample(now, self.unfinished);
        if self.stop.load(Ordering::Relaxed) {
            self.enter_drain(now);
            self.tally.interrupted = true;
            return Ok(true);
        }
        if self.open_loop {
            self.take_due(now);
        } else {
            self.take_free(now);
        }
        self.enter_phases(now);
        self.expire(now);
        self.reopen(now);
        if self.exhausted && self.unfinished == 0 && self.tally.drained() {
            return Ok(true);
        }
        self.rest()?;
        Ok(false)
    }

    /// Sleeps until something may happen, then handles what did.
    fn rest(&mut self) -> io::Result<()> {
        let now = self.now();
        let due = if self.open_loop { self.steps.peek().map(|step| step.intended_ns) } else { None };
        let due = due.filter(|_| !self.exhausted);
        let until_due = due.map_or(NAP_NS, |due| due.saturating_sub(now));
        if due.is_some() && until_due <= self.spin_ns {
            // The final spin: poll, so that answers are stamped when they come, not when the spin ends.
            if self.poll(0)? == 0 {
                let spent = self.now() - now;
                self.tally.spin_ns += spent;
            }
            return Ok(());
        }
        let until_due = if due.is_some() { until_due - self.spin_ns } else { until_due };
        let timeout = until_due.min(self.until_alarm(now)).min(NAP_NS);
        self.poll(timeout).map(drop)
    }

    /// Time until the next deadline, phase or reopening.
    fn until_alarm(&self, now: u64) -> u64 {
        let mut alarm = self.tally.next_phase_ns();
        if let Some((_, since)) = self.connections.oldest() {
            alarm = alarm.min(since + self.deadline_ns);
        }
        for pending in self.lanes.iter().filter_map(|lane| lane.pending.front()) {
            alarm = alarm.min(pending.step.intended_ns + self.deadline_ns);
        }
        if let Some(&down) = self.down.front() {
            alarm = alarm.min(self.connections[down].since_ns);
        }
        if !self.open_loop
            && !self.exhausted
            && !self.lanes.none_idle()
            && self.waiting < self.connections.count()
        {
            return 0;
        }
        alarm.saturating_sub(now)
    }

    /// Waits and handles; returns how many events there were.
    fn poll(&mut self, timeout_ns: u64) -> io::Result<usize> {
        let count = self.transport.wait(timeout_ns)?;
        for index in 0..count {
            if let Some(ready) = self.transport.ready(index) {
                self.handle(ready);
            }
        }
        Ok(count)
    }

    /// Crosses into the measured part and out of it.
    fn enter_phases(&mut self, now: u64) {
        if self.tally.starts(now) {
            self.tally.begin(self.clock.cpu_ns());
            self.observer.phase(Phase::Measure, now);
        }
        if self.tally.ends(now, self.exhausted) {
            self.enter_drain(now);
            self.observer.phase(Phase::Drain, now);
        }
    }

    fn enter_drain(&mut self, now: u64) {
        self.exhausted = true;
        let cpu_ns = self.clock.cpu_ns();
        self.tally.end(now, cpu_ns);
    }
}
