//! Helpers shared by the benches.

pub mod backends;
pub mod fuzz;
pub mod library;
