//! Scheduled operations: what the generator is told to do, and when.

use serde::{Deserialize, Serialize};

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
