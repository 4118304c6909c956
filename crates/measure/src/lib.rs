//! From plan to recording: rounds, processes, resources, environment, judging.
//!
//! Invariants: nothing here knows a mechanism or how a result is presented; a run writes recordings, reports read them.

pub mod block;
pub mod error;
pub mod event;
pub mod plan;
pub mod run;

pub use block::{BlockRecord, Outcome};
pub use error::Error;
pub use event::Event;
pub use loadgen::Ending;
pub use plan::Plan;
pub use run::{RunOptions, RunSummary, run};
pub use scenario::Operation;
