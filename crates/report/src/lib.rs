//! From a recording to a comparison, verdicts and every output format.
//!
//! Invariant: nothing here can run anything; the same recording gives the same bytes.

pub mod across;
pub mod adr;
pub mod advise;
pub mod answer;
mod build;
pub mod claims;
pub mod comparison;
pub mod controls;
pub mod cost;
pub mod decision;
pub mod drill;
pub mod exporter;
pub mod faults;
pub mod memory;
pub mod metric;
pub mod model;
pub mod number;
pub mod prices;
pub mod sweep;
pub mod verdict;

pub use build::{build, build_from};
pub use exporter::{Artifact, ExportError, Format, export, write};
pub use model::Report;
