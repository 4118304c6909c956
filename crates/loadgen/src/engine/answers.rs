//! What arrives: progress on a connection, answers, ends, and what nobody asked for.

use std::io;

use scenario::Step;

use super::Engine;
use super::connection::State;
use crate::clock::Clock;
use crate::http::{Fault, Progress};
use crate::observation::{Answer, Observer};
use crate::transport::{Ready, Transport};
use crate::work::{Outcome, Response, Times, Work};

/// What a read did to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// The answer is not complete.
    Waiting,
    /// The request is finished and the connection lives on.
    Finished,
    /// The connection is gone.
    Gone,
}

impl<W: Work, C: Clock, T: Transport, O: Observer, I: Iterator<Item = Step>> Engine<'_, W, C, T, O, I> {
    /// Handles one event.
    #[inline]
    pub(super) fn handle(&mut self, ready: Ready) {
        let index = ready.connection;
        match self.connections[index].state {
            State::Down => {}
            State::Opening => self.handle_opening(index),
            State::Idle | State::Busy => {
                if self.flush(index) {
                    self.read(index, ready.hangup);
                }
            }
        }
    }

    /// Hands over what the kernel did not take before. False when the connection is gone.
    #[inline]
    fn flush(&mut self, index: u32) -> bool {
        while !self.connections[index].unsent.is_empty() {
            match self.transport.send(index, &self.connections[index].unsent) {
                Ok(taken) => drop(self.connections[index].unsent.drain(..taken)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The reason stands in what can still be read.
                Err(_) => self.connections[index].unsent.clear(),
            }
        }
        match self.transport.flush(index) {
            Ok(_) => true,
            Err(_) => {
                self.end(index, Answer::Closed);
                false
            }
        }
    }

    /// Reads until nothing is left.
    fn read(&mut self, index: u32, hangup: bool) {
        let mut buffer = std::mem::take(&mut self.input);
        loop {
            let asked = buffer.len();
            let got = match self.transport.receive(index, &mut buffer) {
                Ok(0) => {
                    self.closed(index);
                    break;
                }
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {
                    self.closed(index);
                    break;
                }
            };
            self.tally.bytes_received += got as u64;
            if self.take_bytes(index, &buffer[..got], hangup) == After::Gone {
                break;
            }
            if !hangup && !self.transport.may_hold_more(index, got, asked) {
                break;
            }
        }
        self.input = buffer;
    }

    /// Bytes that arrived on a connection.
    #[inline]
    fn take_bytes(&mut self, index: u32, bytes: &[u8], hangup: bool) -> After {
        if self.connections[index].state != State::Busy {
            self.tally.unsolicited += 1;
            self.drop_connection(index);
            return After::Gone;
        }
        let connection = &mut self.connections[index];
        connection.bytes_received = connection.bytes_received.saturating_add(bytes.len() as u32);
        if connection.decoder.is_fresh() {
            match self.take_whole(index, bytes, hangup) {
                After::Waiting => {}
                after => return after,
            }
        }
        self.take_piece(index, bytes, hangup)
    }

    /// The common case: one read holds one whole response.
    #[inline]
    fn take_whole(&mut self, index: u32, bytes: &[u8], hangup: bool) -> After {
        let Some(head) = self.memo.whole(bytes, self.limits) else { return After::Waiting };
        let now = self.now();
        let (head_bytes, body) = bytes.split_at(head.length);
        let response =
            Response { status: head.status, sets_cookie: head.sets_cookie, head: head_bytes, body };
        let keep = head.keep_alive && !hangup;
        self.finish(index, now, Outcome::Response(response), keep);
        if keep { After::Finished } else { After::Gone }
    }

    /// Everything else goes through the decoder.
    #[cold]
    fn take_piece(&mut self, index: u32, bytes: &[u8], hangup: bool) -> After {
        let limits = self.limits;
        let progress = self.connections[index].decoder.push(bytes, limits, W::KEEPS_BODIES);
        let answer = match progress {
            Ok(Progress::Partial) => return After::Waiting,
            Ok(Progress::Complete { consumed }) if consumed == bytes.len() => {
                let keep =
                    self.connections[index].decoder.head().is_some_and(|head| head.keep_alive) && !hangup;
                self.finish_decoded(index, keep);
                return if keep { After::Finished } else { After::Gone };
            }
            // A second answer, or part of one, behind the first: nothing on this connection can be trusted.
            Ok(Progress::Complete { .. }) | Err(Fault::Malformed) => Answer::Malformed,
            Err(Fault::TooLarge) => Answer::TooLarge,
        };
        self.end(index, answer);
        After::Gone
    }

    /// Finishes with what the decoder holds.
    fn finish_decoded(&mut self, index: u32, keep: bool) {
        let now = self.now();
        let decoder = std::mem::take(&mut self.connections[index].decoder);
        let (status, sets_cookie) = decoder.head().map_or((0, false), |head| (head.status, head.sets_cookie));
        let response = Response { status, sets_cookie, head: decoder.head_bytes(), body: decoder.body() };
        self.finish(index, now, Outcome::Response(response), keep);
    }

    /// The server closed.
    fn closed(&mut self, index: u32) {
        if self.connections[index].state == State::Busy && self.connections[index].decoder.end() {
            self.finish_decoded(index, false);
        } else {
            self.end(index, Answer::Closed);
        }
    }

    /// The connection is lost, and with it the answer to what was in flight.
    fn end(&mut self, index: u32, answer: Answer) {
        if self.connections[index].state == State::Busy {
            let now = self.now();
            self.finish(index, now, Outcome::Failed(answer), false);
        } else {
            self.drop_connection(index);
        }
    }

    /// A request is finished: counted, observed, and the connection freed or dropped.
    #[inline]
    pub(super) fn finish(&mut self, index: u32, now: u64, outcome: Outcome<'_>, keep: bool) {
        self.connections.disarm(index);
        let connection = &mut self.connections[index];
        connection.state = State::Idle;
        let step = connection.step;
        let lane = self.lanes.of(index);
        self.lanes[lane].busy -= 1;
        let replica = lane as u8;
        let times = Times { sent_ns: connection.since_ns, done_ns: now, replica };
        let bytes = (connection.bytes_sent, connection.bytes_received);
        let facts = self.work.finish(&step, Some(connection.ticket), times, outcome);
        self.tally.sample(now, self.unfinished);
        self.unfinished -= 1;
        if matches!(facts.answer, Answer::Response { .. } | Answer::TimedOut) {
            self.tally.times(step.intended_ns, Some(times.sent_ns), now);
        }
        self.observe(&step, times, &facts, Some(replica), bytes);
        if keep && self.keep_alive {
            self.free(index, Some(now));
        } else {
            self.drop_connection(index);
        }
        self.place_released(now);
        if self.open_loop { self.take_due(now) } else { self.take_free(now) }
    }
}
