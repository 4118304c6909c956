//! Security conformance: every statement as a black-box check over HTTP, and an attack corpus with a token writer of its
//! own.
//!
//! Invariant: nothing here uses the crates that are checked, and no JWT library: a bug that both sides share would hide.
//! What a check knows of a backend is its address, what it says about itself, and what it promises.

mod case;
mod check;
mod clock;
pub mod corpus;
pub mod http;
pub mod key;
pub mod object;
pub mod outcome;
mod probe;
pub mod randomness;
mod redact;
mod resp;
pub mod statement;
mod suite;
pub mod target;
pub mod template;
pub mod token;

pub use case::{Case, Expect, Send};
pub use key::{Algorithm, Key};
pub use outcome::{BackendResult, Results, StatementResult, Verdict};
pub use suite::run;
pub use target::{Surroundings, Target};
