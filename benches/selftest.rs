//! Do verdicts hold on this machine? Runs the self-test plan many times and counts what its controls say.
//!
//! The plan measures a baseline, identical twins of it, and rows with 5 and 10 % of work added. Every second run is made
//! beside another command (a compiler, say), started again whenever it ends; the others are made on a quiet machine.
//!
//! ```text
//! cargo build --release
//! cargo run --release -p benches --example selftest -- target/release/authbench DIR \
//!     [--plan selftest] [--runs 10] [--beside 'cargo check --workspace --target-dir DIR/beside']
//! ```
//!
//! Run N is left in `DIR/run-NN-quiet` or `DIR/run-NN-busy`; one that is there already is read and not repeated, so the
//! table can be printed again and an interrupted series goes on. Prints every control of every run, the counts with
//! Clopper-Pearson bounds, and what must hold. Exit code 1 when something that must hold does not.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use measure::Recording;
use report::comparison::{Analysis, Context, analyse};
use report::controls::selftest::{Trial, tally};

const USAGE: &str = "usage: selftest AUTHBENCH DIR [--plan PLAN] [--runs N] [--beside COMMAND]";

fn main() -> ExitCode {
    let result = Settings::read(std::env::args().skip(1)).and_then(|settings| run(&settings));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "selftest: {error}");
            ExitCode::from(2)
        }
    }
}

struct Settings {
    authbench: PathBuf,
    directory: PathBuf,
    plan: String,
    runs: u32,
    beside: Option<String>,
}

impl Settings {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut positional = Vec::new();
        let (mut plan, mut runs, mut beside) = ("selftest".to_owned(), 10, None);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(USAGE);
            match argument.as_str() {
                "--plan" => plan = value()?,
                "--runs" => runs = value()?.parse()?,
                "--beside" => beside = Some(value()?),
                _ => positional.push(argument),
            }
        }
        let [authbench, directory] = positional.try_into().map_err(|_| USAGE)?;
        Ok(Self { authbench: authbench.into(), directory: directory.into(), plan, runs, beside })
    }

    /// Folder of a run, and whether it is a quiet one. Without a command to run beside, all are.
    fn folder(&self, run: u32) -> (PathBuf, bool) {
        let quiet = self.beside.is_none() || run % 2 == 1;
        let kind = if quiet { "quiet" } else { "busy" };
        (self.directory.join(format!("run-{run:02}-{kind}")), quiet)
    }
}

fn run(settings: &Settings) -> Result<bool, Box<dyn Error>> {
    fs::create_dir_all(&settings.directory)?;
    let mut out = io::stdout().lock();
    let mut analyses = Vec::new();
    for number in 1..=settings.runs {
        let (folder, quiet) = settings.folder(number);
        if !folder.join("manifest.json").exists() {
            measure_one(settings, &folder, quiet)?;
        }
        let recording = Recording::open(&folder)?;
        let analysis = analyse(&recording.plan, &recording.blocks, &Context::of(&recording));
        print_run(&mut out, &folder, &analysis)?;
        analyses.push((analysis, quiet));
    }
    let trials: Vec<Trial<'_>> =
        analyses.iter().map(|(analysis, quiet)| Trial { analysis, quiet: *quiet }).collect();
    let selftest = tally(&trials);
    writeln!(out, "\ncounts over {} runs", trials.len())?;
    for (metric, twins) in &selftest.twins {
        let name = metric.label();
        writeln!(out, "{name}: twins different {}", twins.different)?;
        writeln!(
            out,
            "{name}: twins equivalent, quiet {}, busy {}",
            twins.equivalent_quiet, twins.equivalent_busy
        )?;
        writeln!(out, "{name}: scatter {}, ratios {}", range(twins.scatter), range(twins.ratios))?;
    }
    for work in &selftest.work {
        let share = work.share * 100.0;
        writeln!(out, "+{share:.0} % of CPU: found {}, in quiet runs {}", work.found, work.found_quiet)?;
        writeln!(
            out,
            "+{share:.0} % of CPU: interval excludes it {}, ratios {}",
            work.excluded,
            range(work.ratios)
        )?;
    }
    writeln!(out, "\nmust hold")?;
    let requirements = selftest.requirements();
    for requirement in &requirements {
        writeln!(out, "{} {}", if requirement.met { "met    " } else { "NOT MET" }, requirement.text)?;
    }
    Ok(requirements.iter().all(|requirement| requirement.met))
}

fn range(range: Option<[f64; 2]>) -> String {
    range.map_or_else(|| "none".to_owned(), |[low, high]| format!("{low:.3} to {high:.3}"))
}

fn print_run(out: &mut impl Write, folder: &Path, analysis: &Analysis) -> io::Result<()> {
    writeln!(out, "\n{}: {:?}", folder.display(), analysis.state)?;
    for check in &analysis.controls {
        let ratio = check.ratio.map_or_else(
            || "too few rounds".to_owned(),
            |ratio| format!("{:.3} [{}]", ratio.value, range(ratio.interval).replace(" to ", ", ")),
        );
        let (row, metric, verdict) = (&check.row, check.metric.label(), check.verdict.label());
        writeln!(out, "  {row:<28} {metric:<18} {ratio:<24} expected {:.3}  {verdict}", check.expected)?;
    }
    Ok(())
}

/// One run of the plan; beside the other command where it is not a quiet one. Exit code 4 (low resolution, or unreliable)
/// is a result here, not an error.
fn measure_one(settings: &Settings, folder: &Path, quiet: bool) -> Result<(), Box<dyn Error>> {
    let mut command = Command::new(&settings.authbench);
    command.arg("run").arg(&settings.plan).arg("--out").arg(folder).stdout(Stdio::null());
    let over = AtomicBool::new(false);
    let status = thread::scope(|scope| {
        if let Some(beside) = settings.beside.as_ref().filter(|_| !quiet) {
            scope.spawn(|| keep_busy(beside, &over));
        }
        let status = command.status();
        over.store(true, Ordering::Relaxed);
        status
    })?;
    match status.code() {
        Some(0 | 4) => Ok(()),
        _ => Err(format!("{} ended with {status}", settings.authbench.display()).into()),
    }
}

/// Runs the command again and again until the run is over, then ends it.
fn keep_busy(beside: &str, over: &AtomicBool) {
    let start = || -> io::Result<Child> {
        Command::new("sh")
            .arg("-c")
            .arg(format!("exec {beside}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    };
    while !over.load(Ordering::Relaxed) {
        let Ok(mut child) = start() else { return };
        while matches!(child.try_wait(), Ok(None)) {
            if over.load(Ordering::Relaxed) {
                let _ = child.kill();
            }
            thread::sleep(Duration::from_millis(100));
        }
        // A command that ends at once must not be started in a busy loop of its own.
        thread::sleep(Duration::from_millis(100));
    }
}
