//! Estimators, intervals and tests: pure and seeded.
//!
//! Invariant: no files, no async, no units, no type of another crate. Slices of `f64` in, plain values out.
//! The transcendental functions come from `libm` and the random numbers from ChaCha8, so the same input gives
//! the same bits on every platform.

pub mod binomial;
pub mod bootstrap;
pub mod error;
pub mod interval;
pub mod line;
pub mod location;
pub mod multiplicity;
pub mod pairs;
pub mod planning;
pub mod quantile;
pub mod random;
pub mod restarts;
pub mod series;
pub mod signed_rank;
pub mod simulation;
pub mod special;
pub mod two_sample;
pub mod verdict;

pub use bootstrap::Bootstrap;
pub use error::Unusable;
pub use interval::Interval;
pub use line::Line;
pub use pairs::{Pairs, Prepared, Values};
pub use random::Random;
pub use verdict::{Judged, Rules, Verdict, judge};
