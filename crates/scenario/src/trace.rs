//! Scheduled operations: what the generator is told to do, and when.

mod cafe;
mod episode;
mod format;
mod saved;
mod stationary;
mod summary;
mod workday;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::scenario::{Cafe, Scenario, Workday, Workload};
use episode::{Cast, EpisodeSteps};
use saved::RecordedSteps;
use stationary::StationarySteps;

pub use format::{Digest, Header, MAGIC, save, write};
pub use saved::Recorded;
pub use summary::Summary;

/// What a subject does in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// `POST /login` with the subject's password; the answer's credential is kept for this device.
    Login,
    /// `GET /me` with the credential held.
    Request,
    /// `POST /note`, a write, with the credential held.
    Write,
    /// `POST /refresh` with the refresh token held; falls back to nothing where the credential has none.
    Refresh,
    /// `POST /logout` with the credential held; the client keeps a copy for later replay.
    Logout,
    /// `POST /logout-all` with the credential held.
    LogoutAll,
    /// `POST /password`.
    PasswordChange,
    /// `GET /me` with a credential that was left behind or stolen: it may have been ended in the meantime.
    Replay,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Login,
        Self::Request,
        Self::Write,
        Self::Refresh,
        Self::Logout,
        Self::LogoutAll,
        Self::PasswordChange,
        Self::Replay,
    ];

    /// As it is written in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Request => "request",
            Self::Write => "write",
            Self::Refresh => "refresh",
            Self::Logout => "logout",
            Self::LogoutAll => "logout-all",
            Self::PasswordChange => "password-change",
            Self::Replay => "replay",
        }
    }
}

/// One scheduled operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Intended start in nanoseconds from the start of the trace.
    pub intended_ns: u64,
    /// Index of the subject, from 0.
    pub subject: u32,
    /// Which of the subject's devices, from 0.
    pub device: u8,
    /// What is done.
    pub operation: Operation,
}

/// What a trace depends on besides its scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceOptions {
    /// Each round has its own draws; within a round every backend sees the same.
    pub round: u32,
    /// Length of the trace instead of the scenario's own.
    pub duration: Option<Duration>,
    /// How long an access credential lives before it must be refreshed; absent where there is nothing to refresh.
    /// It adds refresh steps and changes no other.
    pub access_lifetime: Option<Duration>,
}

/// Steps in order of their intended start, made as they are asked for: memory does not grow with subjects or length.
#[derive(Debug)]
pub struct Trace {
    steps: Steps,
}

#[derive(Debug)]
enum Steps {
    Stationary(Box<StationarySteps>),
    Workday(Box<EpisodeSteps<Cast<Workday>>>),
    Cafe(Box<EpisodeSteps<Cast<Cafe>>>),
    Recorded(Box<RecordedSteps>),
}

impl Trace {
    /// Why the trace ended early: a trace file that was whole when it was opened could no longer be read. Look at it
    /// after the last step.
    #[must_use]
    pub fn failure(&self) -> Option<&FileError> {
        match &self.steps {
            Steps::Recorded(steps) => steps.failure(),
            Steps::Stationary(_) | Steps::Workday(_) | Steps::Cafe(_) => None,
        }
    }
}

impl Scenario {
    /// The trace of this scenario: same scenario and options, same steps on every machine.
    #[must_use]
    pub fn trace(&self, options: &TraceOptions) -> Trace {
        let steps = match &self.workload {
            Workload::Stationary(load) => {
                Steps::Stationary(Box::new(StationarySteps::new(self, load, options)))
            }
            Workload::Workday(load) => Steps::Workday(Box::new(episode::workday(self, load, options))),
            Workload::Cafe(load) => Steps::Cafe(Box::new(episode::cafe(self, load, options))),
            Workload::Recorded(recorded) => Steps::Recorded(Box::new(recorded.replay(options))),
        };
        Trace { steps }
    }
}

impl Iterator for Trace {
    type Item = Step;

    #[inline]
    fn next(&mut self) -> Option<Step> {
        match &mut self.steps {
            Steps::Stationary(steps) => steps.next(),
            Steps::Workday(steps) => steps.next(),
            Steps::Cafe(steps) => steps.next(),
            Steps::Recorded(steps) => steps.next(),
        }
    }
}
