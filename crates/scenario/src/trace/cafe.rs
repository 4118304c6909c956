//! One trial of the café: a login left behind on a public machine, "log out everywhere" from home, and somebody who
//! sits down at the public machine.

use crate::random::Stream;
use crate::scenario::Cafe;
use crate::trace::episode::Cast;
use crate::trace::{Operation, Step};

/// The public machine, whose credential is left behind.
pub(super) const PUBLIC: u8 = 0;
/// The user's own machine.
pub(super) const OWN: u8 = 1;

/// A trial under way.
#[derive(Debug)]
pub(super) struct Trial {
    stream: Stream,
    load: Cafe,
    subject: u32,
    at: u64,
    /// Steps made so far.
    made: u32,
    /// Replays end here; known once "log out everywhere" is due.
    replay_until: u64,
}

impl Trial {
    pub(super) fn new(cast: &Cast<Cafe>, number: u64, at: u64) -> Self {
        let (stream, subject) = cast.person(number);
        Self { stream, load: cast.workload.clone(), subject, at, made: 0, replay_until: u64::MAX }
    }

    /// Between half and one and a half of the pause: trials must not march in step.
    fn pause(&mut self) -> u64 {
        (self.load.think.as_nanos() as f64 * (0.5 + self.stream.unit())) as u64
    }

    fn step(&mut self, device: u8, operation: Operation) -> Option<Step> {
        self.made += 1;
        Some(Step { intended_ns: self.at, subject: self.subject, device, operation })
    }
}

impl Iterator for Trial {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let requests = self.load.requests;
        let logout_all = 2 * (1 + requests);
        if self.made > 0 && self.made <= logout_all {
            self.at += self.pause();
        }
        if self.made < logout_all {
            let device = if self.made <= requests { PUBLIC } else { OWN };
            let login = self.made == 0 || self.made == 1 + requests;
            return self.step(device, if login { Operation::Login } else { Operation::Request });
        }
        if self.made == logout_all {
            self.replay_until = self.at + self.load.replay_for.as_nanos();
            return self.step(OWN, Operation::LogoutAll);
        }
        // The first replay falls anywhere in the interval, so that all trials together see every moment after the end.
        let every = self.load.replay_every.as_nanos();
        self.at += if self.made == logout_all + 1 { self.stream.below(every) } else { every };
        if self.at >= self.replay_until { None } else { self.step(PUBLIC, Operation::Replay) }
    }
}
