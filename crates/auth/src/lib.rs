//! What is compared: credentials, checks, views, renewal, stores and passwords.
//!
//! Invariants: nothing here knows HTTP, load or measurement; **a rejected credential is a value, `Err` means the
//! backend broke**; time comes in as a parameter.

pub mod answer;
pub mod authenticator;
pub mod error;

pub use answer::{Access, Grant, LoginAnswer, Presented, Principal, Rejection, Verdict};
pub use authenticator::Authenticator;
pub use error::{Error, MechanismError};
