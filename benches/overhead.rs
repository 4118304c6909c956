//! Two requirements as a proof: what this project adds around `jsonwebtoken` (at most 5 % of the library's own decode),
//! and what a session in memory costs (under 300 ns).
//!
//! `cargo bench -p benches --bench overhead`; arguments meant for criterion, such as `--save-baseline`, are passed over.
//! The contenders take turns in batches short enough to fit between two
//! preemptions, so that the ratio holds on a busy machine too: minimum and median over all batches are printed, and the
//! exit code is 1 when the medians of the paired differences break a requirement.
#![expect(clippy::print_stdout, reason = "a program whose result is its output")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use auth::Access;
use benches::backends::{HELD, NOW, Subject, at_once, file};
use benches::library::{Library, jwt_backend};

const BATCH: usize = 64;
const ROUNDS: usize = 20_000;
const ADDED_SHARE: f64 = 0.05;
const SESSION_NS: f64 = 300.0;

/// Nanoseconds per call in each batch.
#[derive(Default)]
struct Times(Vec<f64>);

impl Times {
    fn batch<T>(&mut self, mut call: impl FnMut() -> T) {
        let start = Instant::now();
        for _ in 0..BATCH {
            black_box(call());
        }
        self.0.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
    }

    fn at(&self, quantile: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[(quantile * (sorted.len() - 1) as f64) as usize]
    }
}

fn main() -> ExitCode {
    let subject = |text: &str| Subject::in_memory(text).unwrap_or_else(|error| panic!("{error}"));
    let (jwt, session) = (subject(&jwt_backend("HS256")), subject(&file("session-memory")));

    let theirs = Library::default();
    let (mut library, mut backend, mut memory) = (Times::default(), Times::default(), Times::default());
    let mut at = 0;
    let mut next = || {
        at = (at + 1) % HELD as usize;
        at
    };
    for _ in 0..ROUNDS {
        library.batch(|| theirs.claims(jwt.presented(next()).bearer.unwrap_or("")).is_some());
        backend.batch(|| at_once(jwt.backend.verify(jwt.presented(next()), Access::Read, NOW)).is_ok());
        memory
            .batch(|| at_once(session.backend.verify(session.presented(next()), Access::Read, NOW)).is_ok());
    }
    for (name, times) in [("library", &library), ("backend", &backend), ("session-memory", &memory)] {
        println!("{name:<15} min {:>8.1} ns   p50 {:>8.1} ns", times.at(0.0), times.at(0.5));
    }
    let added =
        Times(backend.0.iter().zip(&library.0).map(|(ours, theirs)| ours / theirs - 1.0).collect()).at(0.5);
    println!(
        "added around the library: {:+.2} % (median of paired ratios), at most {:.0} %",
        added * 100.0,
        ADDED_SHARE * 100.0
    );
    println!("session in memory: {:.1} ns (minimum), under {SESSION_NS:.0} ns", memory.at(0.0));
    if added <= ADDED_SHARE && memory.at(0.0) < SESSION_NS { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
