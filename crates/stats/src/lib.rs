//! Estimators, intervals and tests: pure and seeded.
//!
//! Invariant: no files, no async, no units, no type of another crate. Slices of `f64` in, plain values out.
