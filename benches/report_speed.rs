//! How long a report takes: a synthetic recording of the standard plan's size, twelve rows in 24 rounds and two episodes,
//! read, analysed, priced and written as page, Markdown and JSON.
//!
//! `cargo run --release -p benches --example report_speed`. At most a second is allowed; more ends with exit code 1.
#![expect(clippy::print_stdout, reason = "a program whose result is its output")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use measure::Recording;
use report::comparison::{Context, analyse};
use report::{Format, export};

#[path = "../crates/report/tests/support/mod.rs"]
mod synthetic;

/// Most that a report may take.
const LIMIT: Duration = Duration::from_secs(1);
/// Times it is built; the median counts.
const TIMES: usize = 7;

/// What takes how long, in order.
type Steps = [(&'static str, Duration); 5];

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let folder = synthetic::scratch();
    synthetic::recording(folder.path(), synthetic::STANDARD);
    let runs: Vec<Steps> = (0..TIMES).map(|_| once(folder.path())).collect::<Result<_, _>>()?;
    let median = |of: &dyn Fn(&Steps) -> Duration| {
        let mut times: Vec<Duration> = runs.iter().map(of).collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    for (place, (step, _)) in runs[0].iter().enumerate() {
        println!("{step:<28}{:>8.1} ms", median(&|steps| steps[place].1).as_secs_f64() * 1e3);
    }
    let whole = median(&|steps| steps.iter().map(|step| step.1).sum());
    println!(
        "{:<28}{:>8.1} ms, at most {:.0} ms",
        "together",
        whole.as_secs_f64() * 1e3,
        LIMIT.as_secs_f64() * 1e3
    );
    Ok(if whole <= LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn once(folder: &std::path::Path) -> Result<Steps, Box<dyn std::error::Error>> {
    let (recording, reading) = timed(|| Recording::open(folder));
    let recording = recording?;
    let (analysis, analysing) =
        timed(|| analyse(&recording.plan, &recording.blocks, &Context::of(&recording)));
    let (report, building) = timed(|| report::build_from(&recording, &analysis));
    let mut report = report?;
    let (cost, pricing) = timed(|| report::cost::of(&recording, &synthetic::sheet(), None));
    report.cost = Some(cost);
    let (written, writing) =
        timed(|| Format::USUAL.iter().try_for_each(|format| export(*format, &report).map(|_| ())));
    written?;
    Ok([
        ("read the recording", reading),
        ("compare", analysing),
        ("curves and quantiles", building),
        ("price", pricing),
        ("write page, text and data", writing),
    ])
}

#[expect(clippy::disallowed_methods, reason = "this program is a stopwatch")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}
