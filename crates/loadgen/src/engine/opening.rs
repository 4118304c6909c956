//! Opening and reopening of connections, and what happens to steps while none can be had.

use std::io;

use super::connection::State;
use super::{Engine, LEAD_NS};
use crate::clock::Clock;
use crate::observation::{Answer, Observer};
use crate::transport::{Refusal, Transport};
use crate::work::Work;
use scenario::Step;

/// Connections being opened at one time: a listener's queue is short.
const AT_ONCE: u32 = 256;

impl<W: Work, C: Clock, T: Transport, O: Observer, I: Iterator<Item = Step>> Engine<'_, W, C, T, O, I> {
    /// Opens every connection once, and waits until each is open or refused.
    ///
    /// Where every request has a connection of its own, none is opened before there is a request.
    pub(super) fn open_all(&mut self) -> io::Result<()> {
        self.origin_ns = self.clock.now_ns();
        if !self.keep_alive {
            return Ok(());
        }
        loop {
            let now = self.now();
            self.open_some(now, 0);
            self.expire(now);
            let untried = self.down.front().is_some_and(|&down| self.connections[down].failures == 0);
            let stopped = self.stop.load(std::sync::atomic::Ordering::Relaxed);
            if stopped || (self.opening == 0 && !untried) {
                return Ok(());
            }
            self.poll(LEAD_NS)?;
        }
    }

    /// The trace starts: its clock does, too.
    pub(super) fn restart_deadlines(&mut self) {
        for index in 0..self.connections.count() {
            self.connections[index].since_ns = 0;
        }
    }

    /// Opens again what is down and has waited long enough.
    #[inline]
    pub(super) fn reopen(&mut self, now: u64) {
        let over = self.exhausted && self.unfinished == 0;
        if over || self.down.is_empty() {
            return;
        }
        if self.keep_alive { self.open_some(now, now) } else { self.open_wanted(now) }
    }

    /// Opens as many connections as steps wait for.
    fn open_wanted(&mut self, now: u64) {
        for lane in 0..self.lanes.count() {
            let wanted = self.lanes[lane].pending.len().saturating_sub(self.lanes[lane].opening as usize);
            for _ in 0..wanted {
                let fits =
                    |&index: &u32| self.lanes.of(index) == lane && self.connections[index].since_ns <= now;
                let Some(at) = self.down.iter().position(fits) else { break };
                let Some(index) = self.down.remove(at) else { break };
                self.open(index, now);
            }
        }
    }

    fn open_some(&mut self, now: u64, since_at_most: u64) {
        while self.opening < AT_ONCE {
            let Some(&index) = self.down.front() else { return };
            if self.connections[index].since_ns > since_at_most {
                return;
            }
            self.down.pop_front();
            self.open(index, now);
        }
    }

    fn open(&mut self, index: u32, now: u64) {
        let lane = self.lanes.of(index);
        self.lanes[lane].usable += 1;
        self.lanes[lane].opening += 1;
        self.opening += 1;
        self.connections[index].state = State::Opening;
        self.connections.arm(index, now);
        if self.transport.connect(index).is_err() {
            self.refused(index, Refusal::Unreachable);
        }
    }

    fn opened_or_refused(&mut self, index: u32) {
        let lane = self.lanes.of(index);
        self.lanes[lane].opening -= 1;
        self.opening -= 1;
        self.connections.disarm(index);
    }

    /// Progress on a connection that is being opened.
    pub(super) fn handle_opening(&mut self, index: u32) {
        match self.transport.establish(index) {
            Ok(false) => {}
            Ok(true) => {
                self.opened_or_refused(index);
                let connection = &mut self.connections[index];
                let again = connection.failures > 0;
                connection.failures = 0;
                connection.used = false;
                connection.state = State::Idle;
                self.tally.opened(again);
                self.free(index, None);
            }
            Err(refusal) => self.refused(index, refusal),
        }
    }

    /// A connection that could not be opened.
    pub(super) fn refused(&mut self, index: u32, refusal: Refusal) {
        self.opened_or_refused(index);
        self.refusal = match refusal {
            Refusal::Unreachable => Answer::Unreachable,
            Refusal::Tls => Answer::TlsRefused,
        };
        let until = self.now() + self.retry_ns;
        self.put_down(index, until);
        // In closed loop an attempt that failed is the outcome of the step it was made for.
        if self.started && !self.open_loop {
            self.fail_next();
        }
        self.move_pending_if_cut_off(index);
    }

    /// An open connection that is of no more use. It is opened again at once, unless it was closed before it was ever
    /// used: then another attempt at once would most likely meet the same fate.
    pub(super) fn drop_connection(&mut self, index: u32) {
        self.tally.open -= 1;
        let mut until = 0;
        if !self.connections[index].used {
            self.refusal = Answer::Closed;
            until = self.now() + self.retry_ns;
        }
        self.put_down(index, until);
        self.move_pending_if_cut_off(index);
    }

    fn put_down(&mut self, index: u32, until: u64) {
        self.transport.close(index);
        let lane = self.lanes.of(index);
        self.lanes[lane].usable -= 1;
        let connection = &mut self.connections[index];
        connection.state = State::Down;
        connection.failures += 1;
        connection.since_ns = until;
        connection.unsent.clear();
        connection.decoder.reset();
        if until == 0 { self.down.push_front(index) } else { self.down.push_back(index) }
    }

    /// Steps that wait for a connection to a replica while none is open, being opened, or about to be: another replica
    /// gets them if there is one.
    fn move_pending_if_cut_off(&mut self, index: u32) {
        let lane = self.lanes.of(index);
        if !self.cut_off(lane) {
            return;
        }
        let now = self.now();
        let stranded = self.lanes[lane].pending.len();
        for _ in 0..stranded {
            let Some(pending) = self.lanes[lane].pending.pop_front() else { return };
            self.hand_over(pending.step, now, pending.eligible_ns, false);
        }
    }

    /// No connection to a replica can be expected before the next attempt.
    pub(super) fn cut_off(&self, lane: usize) -> bool {
        let soon = |&index: &u32| self.connections[index].since_ns == 0 && self.lanes.of(index) == lane;
        self.lanes[lane].usable == 0 && !self.down.iter().any(soon)
    }
}
