//! What load: scenario files, traces, the access-log importer and the HTTP contract.
//!
//! Invariant: this crate knows no runtime (tokio), no mechanism of authentication and no clock.

pub mod arrival;
pub mod backend;
pub mod balance;
pub mod builtin;
pub mod distribution;
pub mod error;
pub mod file;
pub mod import;
mod popularity;
mod random;
pub mod redis_address;
pub mod scenario;
pub mod schema;
pub mod trace;
pub mod units;
pub mod wire;

pub use arrival::Arrival;
pub use backend::BackendFile;
pub use balance::{Balance, Policy};
pub use error::FileError;
pub use scenario::{Scenario, Workload};
pub use trace::{Operation, Step, Trace, TraceOptions};
pub use units::HumanDuration;
