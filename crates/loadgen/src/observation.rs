//! What the generator reports of each finished operation: facts, no judgement.

use scenario::Operation;
use serde::{Deserialize, Serialize};

/// One finished operation. Times are nanoseconds of the monotonic clock from the start of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    /// What was done.
    pub operation: Operation,
    /// By whom.
    pub subject: u32,
    /// From which device.
    pub device: u8,
    /// When it should have started (in closed loop: when it was sent). Response time runs from here.
    pub intended_ns: u64,
    /// When the first byte was handed to the kernel. Service time runs from here.
    pub sent_ns: u64,
    /// When the answer was complete, or the deadline struck.
    pub done_ns: u64,
    /// What came back.
    pub answer: Answer,
    /// What was known of the credential when it was sent.
    pub credential: CredentialFact,
    /// Which replica was asked, by its place among the addresses; absent where nothing was sent.
    pub replica: Option<u8>,
    /// Which replica issued the credential sent (those that were there from the start: the first); absent without one.
    pub issuer: Option<u8>,
    /// Bytes written for it.
    pub bytes_sent: u32,
    /// Bytes read for it.
    pub bytes_received: u32,
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A complete HTTP response.
    Response {
        /// Status code.
        status: u16,
        /// Who the server says was let in.
        identity: Identity,
    },
    /// Nothing, or not all, before the deadline.
    TimedOut,
    /// The connection could not be made.
    Unreachable,
    /// The connection was made, but TLS was not: name mismatch, unknown issuer, no common version.
    TlsRefused,
    /// The server closed before the answer was complete.
    Closed,
    /// The answer breaks HTTP/1.1 framing, or a second answer came unasked.
    Malformed,
    /// The answer is longer than the bound.
    TooLarge,
    /// It could not be sent: there was no credential to send (an earlier login or refresh failed).
    NothingHeld,
}

/// Whether the answer names the subject that sent the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The subject and principal digest expected.
    Expected,
    /// Somebody else.
    Wrong,
    /// The answer names nobody.
    Absent,
}

/// What the client itself knows of the credential it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialFact {
    /// None was sent (login).
    None,
    /// Nothing is known against it.
    Held,
    /// An event that should end it was acknowledged (2xx complete; for "log out everywhere" also 501: the server said that
    /// it cannot) before this operation was sent.
    Ended {
        /// Which.
        by: Ending,
        /// When the acknowledgement was complete, same clock as the observation's times.
        acknowledged_ns: u64,
    },
    /// Such an event was sent but not yet acknowledged when this operation was sent: either answer is right.
    Ending,
}

/// What ends a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// `POST /logout` from the same device.
    Logout,
    /// `POST /logout-all` from any device.
    LogoutAll,
    /// `POST /password` from another device.
    PasswordChange,
    /// The token was exchanged for a newer one.
    Replaced,
}

/// Part of a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The measured part begins: steps intended from here on are observed.
    Measure,
    /// Nothing new falls due; what is in flight is awaited.
    Drain,
}

/// Receives every observation, in order of completion, on the generator's thread: it must be cheap and must not block.
///
/// Steps intended during warm-up are driven but not observed.
pub trait Observer {
    /// One finished operation, intended in the measured part.
    fn observe(&mut self, observation: &Observation);

    /// A phase begins at `at_ns` from the start of the trace: the moment to read process clocks.
    /// `Measure` comes once even without warm-up; `Drain` follows unless the drive was stopped before.
    fn phase(&mut self, phase: Phase, at_ns: u64) {
        let _ = (phase, at_ns);
    }
}
