//! The HTTP contract over loopback: real server, real sockets, every shipped backend.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "helpers of tests may fail the test")]
#![expect(clippy::print_stdout, reason = "a failing loop names the backend it is at")]

mod bad_input;
mod client;
mod contract;
mod control;
mod csrf;
mod fixture;
mod lifecycle;
mod redis;
