//! From plan to recording: rounds, processes, resources, environment, judging.
//!
//! Invariants: nothing here knows a mechanism or how a result is presented; a run writes recordings, reports read them.

pub mod block;
pub mod plan;

pub use block::{BlockRecord, Outcome};
pub use plan::Plan;
