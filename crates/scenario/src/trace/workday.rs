//! One user's visit: login, requests with think times, refreshes when the access credential has expired, and a logout
//! or nothing at all.

use crate::random::Stream;
use crate::scenario::Workday;
use crate::trace::episode::Cast;
use crate::trace::{Operation, Step};

/// A visit under way.
#[derive(Debug)]
pub(super) struct Visit {
    stream: Stream,
    load: Workday,
    subject: u32,
    device: u8,
    at: u64,
    stage: Stage,
    /// When the access credential in use was granted.
    granted: u64,
    refresh_after: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Login,
    /// So many requests to come.
    Requests(u32),
    /// This operation is due now; after it, so many requests are to come.
    Due(Operation, u32),
    Over,
}

impl Visit {
    pub(super) fn new(cast: &Cast<Workday>, number: u64, at: u64) -> Self {
        let (stream, subject) = cast.person(number);
        let turn = number / u64::from(cast.subjects);
        Self {
            stream,
            load: cast.workload.clone(),
            subject,
            device: (turn % u64::from(cast.devices)) as u8,
            at,
            stage: Stage::Login,
            granted: at,
            refresh_after: cast.refresh_after,
        }
    }

    /// What happens after a pause: one of the requests, or the logout.
    fn after_thinking(&mut self, remaining: u32) -> Option<Operation> {
        let pause = self.load.think.sample(&mut self.stream) / self.load.speed;
        self.at = self.at.saturating_add(pause as u64);
        let chance = self.stream.unit();
        if remaining > 0 {
            Some(if chance < self.load.writes { Operation::Write } else { Operation::Request })
        } else {
            (chance < self.load.logout).then_some(Operation::Logout)
        }
    }

    fn step(&self, operation: Operation) -> Option<Step> {
        Some(Step { intended_ns: self.at, subject: self.subject, device: self.device, operation })
    }
}

impl Iterator for Visit {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        match self.stage {
            Stage::Login => {
                let requests = libm::round(self.load.requests.sample(&mut self.stream)).max(1.0);
                self.stage = Stage::Requests(requests as u32);
                self.step(Operation::Login)
            }
            Stage::Requests(remaining) => {
                let Some(operation) = self.after_thinking(remaining) else {
                    self.stage = Stage::Over;
                    return None;
                };
                let after = match remaining.checked_sub(1) {
                    Some(rest) => Stage::Requests(rest),
                    None => Stage::Over,
                };
                if self.refresh_after.is_some_and(|lifetime| self.at - self.granted >= lifetime) {
                    self.granted = self.at;
                    self.stage = Stage::Due(operation, remaining);
                    return self.step(Operation::Refresh);
                }
                self.stage = after;
                self.step(operation)
            }
            Stage::Due(operation, remaining) => {
                self.stage = remaining.checked_sub(1).map_or(Stage::Over, Stage::Requests);
                self.step(operation)
            }
            Stage::Over => None,
        }
    }
}
