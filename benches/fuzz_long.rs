//! Mutates inputs for a while and says how many were run and what was found.
//!
//! ```text
//! cargo run --release -p benches --example fuzz_long [SECONDS_PER_ENTRY] [SEED]
//! cargo run --release -p benches --example fuzz_long -- --seeds DIR
//! ```
//!
//! The second form writes the inputs that everything begins with into DIR, a folder per entry point, for the targets in
//! `benches/fuzz/`.
//!
//! 600 seconds for each entry point by default. Exit code 1 when an input made one panic, break or let somebody in; the
//! input is printed, and the same seed finds it again.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use benches::untrusted::{Entry, NAMES};
use stats::Random;

/// Findings that are printed of one entry point; it is left after that many.
const SHOWN: usize = 5;
/// Inputs between two looks at the clock.
const BATCH: u32 = 256;

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if let [option, folder] = given.as_slice()
        && option == "--seeds"
    {
        return match write_seeds(Path::new(folder)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(io::stderr(), "fuzz_long: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let mut arguments = given.iter().map(|argument| argument.parse::<u64>());
    let (Ok(seconds), Ok(seed)) = (arguments.next().unwrap_or(Ok(600)), arguments.next().unwrap_or(Ok(2026)))
    else {
        let _ = writeln!(io::stderr(), "usage: fuzz_long [SECONDS_PER_ENTRY] [SEED]");
        return ExitCode::from(2);
    };
    match run(Duration::from_secs(seconds), seed) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "fuzz_long: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_seeds(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    for name in NAMES {
        let below = folder.join(name);
        std::fs::create_dir_all(&below)?;
        for (number, seed) in Entry::named(name)?.seeds().iter().enumerate() {
            std::fs::write(below.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}

/// All entry points, one after the other; how many findings.
fn run(time: Duration, seed: u64) -> Result<usize, Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    let mut found = 0;
    for name in NAMES {
        let entry = Entry::named(name)?;
        let mut random = Random::new(seed, 0);
        let (started, mut executions, mut findings) = (now(), 0u64, 0);
        while started.elapsed() < time && findings < SHOWN {
            for _ in 0..BATCH {
                executions += 1;
                if let Err(finding) = entry.once(&mut random) {
                    findings += 1;
                    writeln!(
                        out,
                        "{}: {}: {:?}",
                        finding.entry,
                        finding.what,
                        finding.input.escape_ascii().to_string()
                    )?;
                }
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        writeln!(out, "{}: {executions} executions in {seconds:.0} s, {findings} findings", entry.name)?;
        found += findings;
    }
    Ok(found)
}

#[expect(clippy::disallowed_methods, reason = "a program that runs for a time reads the clock")]
fn now() -> Instant {
    Instant::now()
}
