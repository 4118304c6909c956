//! From a recording to a comparison, verdicts and every output format.
//!
//! Invariant: nothing here can run anything; the same recording gives the same bytes.

pub mod claims;
pub mod comparison;
pub mod controls;
pub mod metric;
pub mod verdict;
