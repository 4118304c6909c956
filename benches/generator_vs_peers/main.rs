//! The generator against its peers and its own limits: one command, one table with floors, aims and pass or miss.
//!
//! ```text
//! cargo run --release -p benches --example generator_vs_peers            # about five minutes; needs a quiet machine
//! cargo run --release -p benches --example generator_vs_peers -- --quick # about one minute, for a look
//! … -- --only checks    # one part: cpu, many, calls, memory, subjects, checks
//! ```
//!
//! What is measured:
//! - CPU per request (user and system, of the whole process, by the kernel's accounting of finished children), closed
//!   loop over 32 and 64 connections, against the same responder: ours, a bare epoll read/write loop (`roles.rs`), wrk,
//!   `h2load --h1`, oha and hey where installed. One thread each, bound to one core; the responder has another.
//!   Tools take turns within a round and the order rotates; a ratio is the median over rounds of the ratio within one.
//! - System calls per request, by `strace -c`, where installed.
//! - Resident memory at full rate.
//! - Pacing, arrivals at the receiver, stall oracle and known delays: the checks of `loadgen::conformance`.
//! - Memory at a million subjects beyond their credentials, and CPU per request at 10^6 subjects against 10^3.
//!
//! Requests are counted by the responder, for all tools alike. Nothing leaves the loopback interface.

use std::io::{self, Write};
use std::process::ExitCode;

mod figures;
mod roles;
mod tools;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => figures::measure(figures::Scale::full(), None),
        ["--quick"] => figures::measure(figures::Scale::quick(), None),
        ["--only", part] => figures::measure(figures::Scale::full(), Some(part)),
        ["--quick", "--only", part] => figures::measure(figures::Scale::quick(), Some(part)),
        ["role", role, rest @ ..] => roles::play(role, rest),
        _ => Err(io::Error::other("usage: generator_vs_peers [--quick] [--only PART]").into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be done when standard error is gone.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
