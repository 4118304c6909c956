//! What load: scenario files, traces, the access-log importer and the HTTP contract.
//!
//! Invariant: this crate knows no runtime (tokio), no mechanism of authentication and no clock.

pub mod backend;
pub mod error;
pub mod trace;
pub mod wire;

pub use backend::BackendFile;
pub use error::FileError;
pub use trace::{Operation, Step};
