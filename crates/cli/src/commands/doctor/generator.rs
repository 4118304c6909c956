//! `authbench doctor --generator`: the load generator against truths that are known beforehand.

use std::sync::atomic::{AtomicBool, Ordering};

use loadgen::conformance::{Check, Scale, Verdict, check_generator};

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;

/// Runs the checks. On the terminal each is printed as soon as it is known.
pub(super) fn run(full: bool, json: bool, stop: &AtomicBool, output: &mut Output) -> Result<Exit, Failure> {
    let scale = if full { Scale::Full } else { Scale::Quick };
    let mut printed = Ok(());
    let checks = check_generator(scale, stop, |check| {
        if !json && printed.is_ok() {
            printed = print(check, output);
        }
    })?;
    printed?;
    if json {
        output.json(&checks)?;
    }
    let missed = checks.iter().any(|check| check.verdict == Verdict::Missed);
    let stopped = stop.load(Ordering::SeqCst);
    Ok(if missed || stopped { Exit::Void } else { Exit::Good })
}

fn print(check: &Check, output: &mut Output) -> Result<(), Failure> {
    let mark = match check.verdict {
        Verdict::Passed => "passed",
        Verdict::Missed => "MISSED",
        Verdict::NotMeasurable => "-",
    };
    let unit = check.unit;
    let measured =
        check.measured.map_or(String::new(), |value| format!(": {value:.3} {unit}").trim_end().to_owned());
    let bounds = check.bounds.map_or(String::new(), |[low, high]| format!(" (from {low:.3} to {high:.3})"));
    output.line(&format!("{mark:7} {}{measured}{bounds}", check.name))?;
    output.line(&format!("        {}", check.note))?;
    output.flush()
}
