//! Drives a trace against a server: dispatch, pacing, connections, credentials held, self-checks.
//!
//! Invariant: the generator never learns which backend it drives. It records facts; `measure` judges them.

pub mod observation;

pub use observation::{Answer, CredentialFact, Ending, Identity, Observation, Observer, Phase};
