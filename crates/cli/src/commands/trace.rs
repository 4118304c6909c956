//! `authbench trace`: what a scenario does, step by step, as a file and in figures.

use std::fs;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use scenario::import::{self, ImportOptions, ImportReport};
use scenario::trace::{self, Header, Summary};
use scenario::{HumanDuration, Scenario, TraceOptions};

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;

const EXAMPLE: &str = "Examples:
  authbench trace show cafe
  authbench trace generate steady --duration 5s --out steady.trace";

const GENERATE: &str = "Examples:
  authbench trace generate steady --duration 5s --out steady.trace
  authbench trace generate cafe --seed 7 | head

The same scenario, seed and options give the same bytes on every machine. A plan may name the file as a scenario.";

const SHOW: &str = "Examples:
  authbench trace show workday
  authbench trace show my.trace --json";

const IMPORT: &str = "Examples:
  authbench trace import /var/log/nginx/access.log --speed 60 --out morning.trace
  authbench run quick --scenario morning.trace

Reads the Common and the Combined Log Format (nginx, Apache). Each client is a subject; a request after a pause of \
30 minutes becomes a login. Malformed lines are counted, named on stderr and skipped.";

/// Generate, import and look at traces
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE, disable_help_subcommand = true)]
pub(crate) struct TraceArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Generate(GenerateArgs),
    Import(ImportArgs),
    Show(ShowArgs),
}

/// Write the steps of a scenario to a file
#[derive(Debug, clap::Args)]
#[command(after_help = GENERATE)]
struct GenerateArgs {
    /// Scenario: a file, or a built-in name
    scenario: String,
    /// File to write; standard output when left out
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    choice: Choice,
}

/// Make a trace from an access log
#[derive(Debug, clap::Args)]
#[command(after_help = IMPORT)]
struct ImportArgs {
    /// Access log
    log: PathBuf,
    /// File to write; standard output when left out
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Run so many times faster than the log
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    speed: f64,
    /// A longer pause of a client makes its next request a login
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pause: HumanDuration,
    /// Print what was found as JSON; needs --out
    #[arg(long, requires = "out")]
    json: bool,
}

/// Count what a scenario or a trace file contains
#[derive(Debug, clap::Args)]
#[command(after_help = SHOW)]
struct ShowArgs {
    /// Scenario or trace: a file, or a built-in name
    scenario: String,
    /// Print this many steps as well, from the start
    #[arg(long, value_name = "N", default_value_t = 0)]
    steps: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    choice: Choice,
}

/// Which trace of a scenario.
#[derive(Debug, clap::Args)]
struct Choice {
    /// Seed instead of the scenario's own
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Round: each draws anew
    #[arg(long, value_name = "N", default_value_t = 0)]
    round: u32,
    /// Length instead of the scenario's own, e.g. 10s
    #[arg(long, value_name = "TIME")]
    duration: Option<HumanDuration>,
    /// Add the refreshes of a credential that lives this long, e.g. 5m
    #[arg(long, value_name = "TIME")]
    lifetime: Option<HumanDuration>,
}

impl Choice {
    fn scenario(&self, name: &str) -> Result<(Scenario, TraceOptions), Failure> {
        let mut scenario = Scenario::open(name)?;
        scenario.seed = self.seed.unwrap_or(scenario.seed);
        let options = TraceOptions {
            round: self.round,
            duration: self.duration.map(HumanDuration::get),
            access_lifetime: self.lifetime.map(HumanDuration::get),
        };
        Ok((scenario, options))
    }
}

pub(crate) fn run(args: &TraceArgs, output: &mut Output) -> Result<Exit, Failure> {
    match &args.what {
        What::Generate(args) => generate(args, output),
        What::Import(args) => import(args, output),
        What::Show(args) => show(args, output),
    }
}

fn generate(args: &GenerateArgs, output: &mut Output) -> Result<Exit, Failure> {
    let (scenario, options) = args.choice.scenario(&args.scenario)?;
    let mut header = Header::of(&scenario);
    header.duration = args.choice.duration.or(header.duration);
    let mut steps = scenario.trace(&options);
    match &args.out {
        None => output.stream(|sink| trace::write(sink, &header, &mut steps).map(drop))?,
        Some(path) => {
            let digest = trace::save(path, &header, &mut steps).map_err(|e| unwritable(path, &e))?;
            output.line(&format!("{}: {} steps, digest {}", path.display(), digest.steps(), digest.hex()))?;
        }
    }
    ended_well(&steps)
}

fn import(args: &ImportArgs, output: &mut Output) -> Result<Exit, Failure> {
    let log = fs::File::open(&args.log)
        .map_err(|e| Failure::usage(format!("{} cannot be read", args.log.display())).because(&e))?;
    let options = ImportOptions { pause: args.pause, speed: args.speed, ..ImportOptions::default() };
    let imported = import::read(BufReader::new(log), options).map_err(|e| e.in_file(&args.log))?;
    tell_skipped(&args.log, &imported.report);
    let stem = args.log.file_stem().unwrap_or(args.log.as_os_str()).to_string_lossy();
    let header = imported.header(&kebab(&stem));
    match &args.out {
        None => output.stream(|sink| trace::write(sink, &header, imported.steps()).map(drop))?,
        Some(path) => {
            let digest = trace::save(path, &header, imported.steps()).map_err(|e| unwritable(path, &e))?;
            let ImportReport { clients, logins, writes, .. } = &imported.report;
            if args.json {
                output.json(&imported.report)?;
            } else {
                output.line(&format!(
                    "{}: {} steps of {clients} clients, {logins} of them logins and {writes} writes, digest {}",
                    path.display(),
                    digest.steps(),
                    digest.hex()
                ))?;
            }
        }
    }
    Ok(Exit::Good)
}

/// Skipped lines go to stderr whether or not anyone watches: a log that was half understood must not pass unnoticed.
fn tell_skipped(log: &Path, report: &ImportReport) {
    let mut stderr = anstream::stderr();
    let mut say = |text: String| {
        // With stderr gone there is nobody left to tell.
        let _ = writeln!(stderr, "{text}");
    };
    for (line, fault) in &report.told {
        say(format!("warning: {}:{line}: skipped: {fault}", log.display()));
    }
    let untold = report.malformed - report.told.len() as u64;
    if untold > 0 {
        say(format!("warning: {}: {untold} more lines skipped, {} in all", log.display(), report.malformed));
    }
}

/// A name that a scenario may have.
fn kebab(text: &str) -> String {
    let kebab: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let short: String = kebab.trim_matches('-').chars().take(64).collect();
    if short.is_empty() { "imported".to_owned() } else { short }
}

fn show(args: &ShowArgs, output: &mut Output) -> Result<Exit, Failure> {
    let (scenario, options) = args.choice.scenario(&args.scenario)?;
    let mut steps = scenario.trace(&options);
    let summary = Summary::of(&mut steps);
    ended_well(&steps)?;
    if args.json {
        output.json(&summary)?;
        return Ok(Exit::Good);
    }
    output.line(&format!("{}: {}", scenario.name, scenario.question))?;
    output.line(&format!("  steps        {}", summary.steps))?;
    for (operation, count) in &summary.operations {
        output.line(&format!("    {:15} {count}", operation.name()))?;
    }
    output.line(&format!("  subjects     {}", summary.subjects))?;
    output.line(&format!("  logins       {} (pairs of subject and device)", summary.logins))?;
    output.line(&format!("  last step    {:.3} s", summary.last_ns as f64 / 1e9))?;
    output.line(&format!(
        "  rate         {:.1}/s on average, {} in the busiest second",
        summary.mean_rate, summary.peak_rate
    ))?;
    output.line(&format!("  digest       {}", summary.digest))?;
    for step in scenario.trace(&options).take(args.steps) {
        let (at, name) = (step.intended_ns as f64 / 1e9, step.operation.name());
        output
            .line(&format!("{at:>14.6} s  subject {:>8}  device {:>3}  {name}", step.subject, step.device))?;
    }
    Ok(Exit::Good)
}

fn ended_well(steps: &scenario::Trace) -> Result<Exit, Failure> {
    match steps.failure() {
        Some(failure) => Err(failure.clone().into()),
        None => Ok(Exit::Good),
    }
}

fn unwritable(path: &Path, source: &std::io::Error) -> Failure {
    let hint = match path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty() && fs::metadata(folder).is_err())
    {
        Some(folder) => format!("make the folder first: mkdir -p {}", folder.display()),
        None => "choose another file with --out".to_owned(),
    };
    Failure::tool(format!("{} could not be written", path.display())).because(source).hint(hint)
}
