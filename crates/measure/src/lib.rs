//! From plan to recording: rounds, processes, resources, environment, judging.
//!
//! Invariants: nothing here knows a mechanism or how a result is presented; a run writes recordings, reports read them.

pub mod affinity;
pub mod block;
pub mod capacity;
mod certificate;
mod clock;
mod designs;
pub mod drill;
pub mod environment;
pub mod error;
pub mod event;
pub mod faults;
mod generator;
pub mod judge;
mod ledger;
pub mod memory;
pub mod plan;
mod plan_file;
pub mod process;
pub mod recording;
pub mod redact;
mod relay;
pub mod resources;
pub mod rounds;
pub mod run;
pub mod store;
mod tally;
pub mod target;

pub use block::{BlockRecord, Outcome};
pub use error::Error;
pub use event::Event;
pub use loadgen::Ending;
pub use plan::{ExposurePlan, Plan, Vary};
pub use recording::Recording;
pub use run::{Build, RunOptions, RunSummary, run};
pub use scenario::backend::{Lag, LogoutAll, Promises, Replicas, StoreDown};
pub use scenario::{FileError, Operation, file};
