//! Interrupts runs at random moments, and looks at what they leave.
//!
//! ```text
//! cargo build --release
//! cargo run --release -p benches --example interruptions -- target/release/authbench [--times 200] [--seed 2026]
//! ```
//!
//! Each run is sent SIGINT, SIGTERM or SIGKILL in turn, at a moment that is drawn evenly from the time that a whole run
//! takes, start and report included. Afterwards no process of it may live, the finished blocks must be readable and make
//! a report, and nothing may lie in the folder for temporary files; what SIGKILL leaves there, the next run must take
//! away. Exit code 1 when something of that does not hold; the same seed draws the same moments.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use stats::Random;
use trial::{Ground, Interruption, Moment};

#[path = "../tiny.rs"]
mod tiny;
#[expect(dead_code, reason = "the test of the command waits for blocks, and for no time")]
mod trial;

const USAGE: &str = "usage: interruptions AUTHBENCH [--times N] [--seed N]";
/// Rounds of the plan: about three seconds of blocks.
const ROUNDS: u32 = 6;

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "interruptions: {error}");
            ExitCode::from(2)
        }
    }
}

/// How many trials left what they must not leave.
fn run() -> Result<usize, Box<dyn std::error::Error>> {
    let (mut authbench, mut times, mut seed) = (None, 200_usize, 2026_u64);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(USAGE);
        match argument.as_str() {
            "--times" => times = value()?.parse()?,
            "--seed" => seed = value()?.parse()?,
            _ => authbench = Some(PathBuf::from(argument)),
        }
    }
    let authbench = authbench.ok_or(USAGE)?.canonicalize()?;
    let mut out = io::stdout().lock();
    let mut ground = Ground::new(&authbench, ROUNDS)?;
    let started = now();
    let blocks = ground.uninterrupted()?;
    let whole = started.elapsed();
    writeln!(out, "a whole run: {blocks} blocks in {:.1} s", whole.as_secs_f64())?;
    let mut random = Random::new(seed, 0);
    let mut findings = 0;
    let mut counts: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for number in 0..times {
        let how = Interruption::ALL[number % Interruption::ALL.len()];
        let after = whole.mul_f64(random.below(10_000) as f64 / 10_000.0);
        let count = counts.entry(how.name()).or_default();
        count[0] += 1;
        match ground.interrupted(how, Moment::After(after)) {
            Ok(left) => {
                count[1] += left.blocks;
                count[2] += usize::from(left.blocks == 0);
                count[3] += usize::from(left.too_late);
            }
            Err(what) => {
                findings += 1;
                writeln!(out, "{} after {} ms: {what}", how.name(), after.as_millis())?;
            }
        }
    }
    for (name, [sent, blocks, none, late]) in counts {
        writeln!(
            out,
            "{name}: {sent} runs, {blocks} finished blocks left and readable, {none} runs before their first block, {late} over before the signal"
        )?;
    }
    let remains = ground.remains.len();
    ground.uninterrupted()?;
    writeln!(
        out,
        "{remains} temporary folders of killed runs were there at the end; one more run took them away"
    )?;
    writeln!(
        out,
        "{findings} findings in {times} interrupted runs, {:.0} s",
        started.elapsed().as_secs_f64()
    )?;
    Ok(findings)
}

#[expect(clippy::disallowed_methods, reason = "a program that waits for a part of a run reads the clock")]
fn now() -> Instant {
    Instant::now()
}
