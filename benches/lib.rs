//! Helpers shared by the benches.

pub mod backends;
pub mod library;
pub mod untrusted;
