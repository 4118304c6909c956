//! From a recording to a comparison, verdicts and every output format.
//!
//! Invariant: nothing here can run anything; the same recording gives the same bytes.
