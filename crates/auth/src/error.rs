//! What can break: the backend itself, or its description. A rejected credential is neither.

use std::ops::Range;

/// The backend broke: the request is answered with 503 (or let in, where the backend declares itself open).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store did not answer, or not in time.
    #[error("store unavailable: {0}")]
    Store(String),
    /// The password hashing queue is full: answered with 503 and Retry-After at once.
    #[error("password hashing queue is full")]
    Busy,
    /// The mechanism cannot do this by design: answered with 501.
    #[error("this backend cannot {0}")]
    Unsupported(&'static str),
    /// A signing or random-number failure.
    #[error("cryptographic failure: {0}")]
    Crypto(String),
}

/// A `[mechanism]` table that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MechanismError {
    /// Dotted key, e.g. `mechanism.credential.algorithm`.
    pub key: String,
    /// Bytes of the file's text the message is about.
    pub span: Option<Range<usize>>,
    /// What is wrong: a lowercase fragment.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}
