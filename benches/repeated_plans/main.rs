//! Carries a small plan out many times in one process, and prints what the process holds after each.
//!
//! ```text
//! cargo build --release
//! cargo run --release -p benches --example repeated_plans -- target/release/authbench [--times 100]
//! ```
//!
//! The rows keep their state in a Redis that stays, in a file and in themselves. Files, threads, children, temporary
//! folders and keys must be the same after the last run as after the tenth. Memory may grow by at most 16 KiB a run
//! from then on: the allocator keeps pieces, what is leaked grows on and on. Exit code 1 when something grows.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use figures::{Held, Yard};

mod figures;
#[path = "../tiny.rs"]
mod tiny;

const USAGE: &str = "usage: repeated_plans AUTHBENCH [--times N, 20 or more]";
/// Runs until everything that is made once has been made.
const SETTLED: u32 = 10;
/// Growth per run that is none, KiB.
const GROWTH_KIB: u64 = 16;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "repeated_plans: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, Box<dyn std::error::Error>> {
    let (mut authbench, mut times) = (None, 100_u32);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--times" => times = arguments.next().ok_or(USAGE)?.parse()?,
            _ => authbench = Some(PathBuf::from(argument)),
        }
    }
    let authbench = authbench.filter(|_| times >= 2 * SETTLED).ok_or(USAGE)?.canonicalize()?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:>5}{:>13}{:>7}{:>9}{:>10}{:>9}{:>6}",
        "run", "memory KiB", "files", "threads", "children", "folders", "keys"
    )?;
    let mut yard = Yard::new(&authbench)?;
    let mut settled = None;
    let mut last = None;
    for number in 1..=times {
        let held = yard.once()?;
        if number <= 3 || number % 10 == 0 || number == times {
            let Held { memory_kib, files, threads, children, folders, keys } = held;
            writeln!(
                out,
                "{number:>5}{memory_kib:>13}{files:>7}{threads:>9}{children:>10}{folders:>9}{keys:>6}"
            )?;
        }
        if number == SETTLED {
            settled = Some(held);
        }
        last = Some(held);
    }
    let (Some(settled), Some(last)) = (settled, last) else { return Err(USAGE.into()) };
    let growth = last.memory_kib.saturating_sub(settled.memory_kib);
    let allowed = GROWTH_KIB * u64::from(times - SETTLED);
    let same = Held { memory_kib: settled.memory_kib, ..last } == settled;
    let nothing = (last.children, last.folders, last.keys) == (0, 0, 0);
    let good = same && nothing && growth <= allowed;
    writeln!(
        out,
        "memory grew by {growth} KiB from run {SETTLED} to run {times}, {allowed} KiB allowed: {}",
        if good { "nothing stays" } else { "SOMETHING STAYS" }
    )?;
    Ok(good)
}
