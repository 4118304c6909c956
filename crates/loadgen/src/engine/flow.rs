//! The way of a step to a connection: due, admitted, placed, sent; or finished without ever being sent.

use std::io;

use scenario::Step;
use scenario::balance::MOST_REPLICAS;

use super::connection::State;
use super::{Engine, Pending};
use crate::clock::Clock;
use crate::observation::{Answer, Observation, Observer};
use crate::transport::Transport;
use crate::work::{Admission, Facts, Outcome, Times, Work};

impl<W: Work, C: Clock, T: Transport, O: Observer, I: Iterator<Item = Step>> Engine<'_, W, C, T, O, I> {
    /// Open loop: takes every step that fell due.
    pub(super) fn take_due(&mut self, mut now: u64) {
        while !self.exhausted {
            let Some(&step) = self.steps.peek() else {
                // An endless measured part without steps still lasts its time.
                self.exhausted = self.tally.without_length() || !self.tally.within(now);
                return;
            };
            if !self.tally.within(step.intended_ns) {
                // Exhausted only when the measured part is over: until then nothing else falls due anyway.
                self.exhausted = !self.tally.within(now);
                return;
            }
            if step.intended_ns > now {
                return;
            }
            if self.tally.starts(step.intended_ns) {
                self.enter_phases(now);
            }
            self.steps.next();
            now = self.take(step, now);
        }
    }

    /// A due step: admitted and placed, or kept by the work behind its predecessor. Returns the time.
    fn take(&mut self, step: Step, now: u64) -> u64 {
        if self.open_loop {
            self.tally.offer(step.intended_ns);
        }
        self.tally.sample(now, self.unfinished);
        self.tally.arrive(step.intended_ns);
        self.unfinished += 1;
        let admission = self.work.admit(&step);
        self.proceed(step, admission, now, step.intended_ns)
    }

    /// A step with its admission. Returns the time.
    fn proceed(&mut self, step: Step, admission: Admission, now: u64, eligible_ns: u64) -> u64 {
        match admission {
            Admission::Send => return self.place(step, now, eligible_ns),
            Admission::Wait => {
                self.waiting += 1;
                self.tally.act(step.intended_ns, now);
                return now;
            }
            Admission::Skip => self.tally.skip(step.intended_ns),
            Admission::NothingHeld => {
                let times = Times { sent_ns: now, done_ns: now, replica: 0 };
                self.observe(&step, times, &Facts::unsent(Answer::NothingHeld), None, (0, 0));
            }
        }
        if !self.open_loop {
            self.tally.offer(step.intended_ns);
        }
        self.unfinished -= 1;
        now
    }

    /// Sends an admitted step on an idle connection, or queues it for the next free one. Returns the time.
    pub(super) fn place(&mut self, step: Step, now: u64, eligible_ns: u64) -> u64 {
        if step.intended_ns + self.deadline_ns <= now && self.open_loop {
            self.finish_unsent(&step, Outcome::Failed(Answer::TimedOut));
            return now;
        }
        self.hand_over(step, now, eligible_ns, true)
    }

    /// A step to a replica: on one of its idle connections, or behind what waits for one. `acts`: this is the first time.
    pub(super) fn hand_over(&mut self, step: Step, now: u64, eligible_ns: u64, acts: bool) -> u64 {
        let lane = self.lane_for(&step);
        while let Some(index) = self.lanes[lane].idle.pop_front() {
            self.connections[index].queued = false;
            if self.connections[index].state == State::Idle
                && let Some(sent_ns) = self.send(index, step, eligible_ns)
            {
                if acts {
                    self.tally.act(step.intended_ns, sent_ns);
                }
                return sent_ns;
            }
        }
        if acts {
            self.tally.act(step.intended_ns, now);
        }
        if self.cut_off(lane) {
            self.finish_unsent(&step, Outcome::Failed(self.refusal));
        } else {
            self.lanes[lane].pending.push_back(Pending { step, eligible_ns });
        }
        now
    }

    /// The replica that gets a step.
    #[inline]
    fn lane_for(&mut self, step: &Step) -> usize {
        if self.lanes.count() == 1 {
            return 0;
        }
        if !self.open_loop {
            return self.lanes.any_idle();
        }
        let mut up = [false; MOST_REPLICAS as usize];
        for (lane, up) in up.iter_mut().enumerate().take(self.lanes.count()) {
            *up = !self.cut_off(lane);
        }
        self.lanes.choose(step, |lane| up.get(lane).copied().unwrap_or(false))
    }

    /// Hands a request to the kernel. `None`: the connection was found dead and is gone, nothing was sent.
    fn send(&mut self, index: u32, mut step: Step, eligible_ns: u64) -> Option<u64> {
        self.output.clear();
        let ticket = self.work.write(&step, &mut self.output);
        let sent_ns = self.now();
        let taken = match self.transport.send(index, &self.output) {
            Ok(taken) => taken,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(_) => {
                self.drop_connection(index);
                return None;
            }
        };
        if !self.open_loop {
            step.intended_ns = sent_ns;
            self.tally.offer(sent_ns);
        }
        self.tally.sent(step.intended_ns, eligible_ns, sent_ns);
        self.tally.bytes_sent += self.output.len() as u64;
        let connection = &mut self.connections[index];
        connection.state = State::Busy;
        connection.used = true;
        connection.step = step;
        connection.ticket = ticket;
        connection.bytes_sent = self.output.len() as u32;
        connection.bytes_received = 0;
        if taken < self.output.len() {
            connection.unsent.extend_from_slice(&self.output[taken..]);
        }
        self.connections.arm(index, sent_ns);
        let lane = self.lanes.of(index);
        self.lanes[lane].busy += 1;
        Some(sent_ns)
    }

    /// An open connection without a request: takes the oldest waiting step, in closed loop the next one, or rests.
    /// `now` is known where an answer has just been stamped.
    pub(super) fn free(&mut self, index: u32, now: Option<u64>) {
        let lane = self.lanes.of(index);
        while let Some(pending) = self.lanes[lane].pending.pop_front() {
            let now = now.unwrap_or_else(|| self.now());
            let expired = pending.step.intended_ns + self.deadline_ns <= now && self.open_loop;
            if expired {
                self.finish_unsent(&pending.step, Outcome::Failed(Answer::TimedOut));
            } else if self.send(index, pending.step, pending.eligible_ns.max(now)).is_some() {
                return;
            } else {
                self.lanes[lane].pending.push_front(pending);
                return;
            }
        }
        if !self.connections[index].queued {
            self.connections[index].queued = true;
            self.lanes[lane].idle.push_back(index);
        }
    }

    /// Closed loop: gives every idle connection its next step.
    pub(super) fn take_free(&mut self, now: u64) {
        self.exhausted |= !self.tally.within(now);
        // A bound per turn: steps that send nothing must not keep the loop from looking at its sockets.
        for _ in 0..2 * self.connections.count() {
            let room = self.waiting < self.connections.count();
            if self.exhausted || self.lanes.none_idle() || !room || !self.take_next(now) {
                return;
            }
        }
    }

    /// Closed loop: the next step, if there is one.
    fn take_next(&mut self, now: u64) -> bool {
        let Some(mut step) = self.steps.next() else {
            self.exhausted = true;
            return false;
        };
        step.intended_ns = now;
        self.take(step, now);
        true
    }

    /// Closed loop: the next step ends as the attempt to connect did.
    pub(super) fn fail_next(&mut self) {
        let now = self.now();
        if self.exhausted || !self.tally.within(now) {
            return;
        }
        let Some(mut step) = self.steps.next() else {
            self.exhausted = true;
            return;
        };
        step.intended_ns = now;
        self.unfinished += 1;
        match self.work.admit(&step) {
            Admission::Send => self.finish_unsent(&step, Outcome::Failed(self.refusal)),
            Admission::Wait => self.waiting += 1,
            Admission::Skip | Admission::NothingHeld => self.unfinished -= 1,
        }
    }

    /// Gives up what took too long.
    pub(super) fn expire(&mut self, now: u64) {
        while let Some((index, since)) = self.connections.oldest() {
            if since + self.deadline_ns > now {
                break;
            }
            match self.connections[index].state {
                State::Opening => self.refused(index, crate::transport::Refusal::Unreachable),
                _ => self.finish(index, now, Outcome::Failed(Answer::TimedOut), false),
            }
        }
        for lane in 0..self.lanes.count() {
            while let Some(pending) = self.lanes[lane].pending.front().copied() {
                if pending.step.intended_ns + self.deadline_ns > now {
                    break;
                }
                self.lanes[lane].pending.pop_front();
                self.finish_unsent(&pending.step, Outcome::Failed(Answer::TimedOut));
            }
        }
    }

    /// An admitted step that was never sent.
    pub(super) fn finish_unsent(&mut self, step: &Step, outcome: Outcome<'_>) {
        let now = self.now();
        let times = Times { sent_ns: now, done_ns: now, replica: 0 };
        let facts = self.work.finish(step, None, times, outcome);
        self.tally.sample(now, self.unfinished);
        self.unfinished -= 1;
        if !self.open_loop {
            self.tally.offer(step.intended_ns);
        }
        if facts.answer == Answer::TimedOut {
            self.tally.times(step.intended_ns, None, now);
        }
        self.observe(step, times, &facts, None, (0, 0));
        self.place_released(now);
    }

    /// Steps that waited for one that is now finished. Not recursive: a chain of them may be long.
    #[inline]
    pub(super) fn place_released(&mut self, now: u64) {
        if std::mem::replace(&mut self.releasing, true) {
            return;
        }
        while let Some((step, admission)) = self.work.released() {
            self.waiting -= 1;
            self.proceed(step, admission, now, now);
        }
        self.releasing = false;
    }

    pub(super) fn observe(
        &mut self,
        step: &Step,
        times: Times,
        facts: &Facts,
        replica: Option<u8>,
        bytes: (u32, u32),
    ) {
        self.tally.stamp(step.intended_ns, times.done_ns);
        if matches!(facts.answer, Answer::Response { .. }) {
            self.tally.answer(step.intended_ns);
        }
        if self.tally.measured(step.intended_ns) {
            self.observer.observe(&Observation {
                operation: step.operation,
                subject: step.subject,
                device: step.device,
                intended_ns: step.intended_ns,
                sent_ns: times.sent_ns,
                done_ns: times.done_ns,
                answer: facts.answer,
                credential: facts.credential,
                replica,
                issuer: facts.issuer,
                bytes_sent: bytes.0,
                bytes_received: bytes.1,
            });
        }
    }
}
