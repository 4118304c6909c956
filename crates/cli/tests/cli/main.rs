//! The command as its users meet it: a process with arguments, output and an exit code.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod adr;
mod bad_input;
mod claims;
mod cluster;
mod conform;
mod failover;
mod faults;
mod fleet;
mod full_disk;
mod gates;
mod help;
mod interruptions;
mod load;
mod losses;
mod memory;
mod output;
mod processes;
mod reproduce;
mod run;
mod schema;
mod serve;
mod support;
#[path = "../../../report/tests/support/mod.rs"]
mod synthetic;
#[path = "../../../../benches/tiny.rs"]
mod tiny;
