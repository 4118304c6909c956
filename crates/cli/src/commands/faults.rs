//! `authbench faults`: stores, servers and clocks fail, and it is seen what each design answers meanwhile.

use std::env;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use measure::FileError;
use measure::faults::{FaultKind, FaultNews, FaultOptions, FaultPlan, FaultRecording, faults};
use measure::redact::redact;
use report::faults::{FaultReport, write};
use report::number::time;
use scenario::builtin::{Found, Shelf};

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::{clock, out_dir, signal};

const EXAMPLE: &str = "Examples:
  authbench faults
  authbench faults --backend session-redis --backend jwt-denylist --fault store-killed --out /tmp/faults
  authbench faults my-faults.toml --json

Each design meets each fault anew, with two servers and a Redis of its own that is started for it, under a load that goes
on by schedule. What it will take is printed before anything starts. `authbench run` on a fault plan does the same.

Exit codes: 0 every design did what it declares, and every request ended in time · 1 something could not be started or
written · 2 wrong usage or an invalid file · 3 a design did otherwise, a request had to wait longer than its deadline, a
503 came without Retry-After, or a server failed · 4 part of it shows nothing, or it was stopped";

/// Make stores, servers and clocks fail, and see what each design answers
///
/// What each operation is answered over time, the longest wait, ended logins that are let in, valid ones that are
/// refused, the time to recover, and whether a design fails open or closed as it declares. Leaves a recording with
/// report.html, report.md and report.json beside it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct FaultsArgs {
    /// Fault plan: a file, or a built-in name
    #[arg(default_value = "faults")]
    plan: String,
    /// Folder for the recording and the report
    ///
    /// [default: reports/local/DATE-faults-PLAN in a checkout, authbench-reports/DATE-faults-PLAN elsewhere]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only this backend, a name or a file (repeatable)
    #[arg(long, value_name = "NAME")]
    backend: Vec<String>,
    /// Only this fault (repeatable); login-flood is one too
    #[arg(long, value_name = "FAULT", value_parser = fault_from)]
    fault: Vec<FaultKind>,
    /// Seed of the moments of all operations
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Print report.json instead of the tables
    #[arg(long)]
    json: bool,
}

fn fault_from(text: &str) -> Result<FaultKind, String> {
    let all = || FaultKind::ALL.into_iter().chain([FaultKind::LoginFlood]);
    let names: Vec<&str> = all().map(FaultKind::name).collect();
    all().find(|fault| fault.name() == text).ok_or_else(|| format!("one of {}", names.join(", ")))
}

/// What another command hands over when it was given a fault plan.
#[derive(Debug, Default)]
pub(crate) struct Handed {
    pub(crate) out: Option<PathBuf>,
    pub(crate) backend: Vec<String>,
    pub(crate) seed: Option<u64>,
    pub(crate) json: bool,
}

/// The fault plan that is meant by a name, if one is: a built-in one, or a file that lists faults.
pub(crate) fn fault_plan(name: &str) -> Result<Option<Found>, FileError> {
    let is_ours = |text: &str| {
        let keys = toml::from_str::<toml::Table>(text).unwrap_or_default();
        keys.contains_key("faults") || keys.contains_key("flood")
    };
    match Shelf::Plans.resolve(name) {
        Ok(found) => Ok(is_ours(&found.text).then_some(found)),
        Err(error) => match Shelf::Faults.find(name) {
            Some(builtin) => Ok(Some(builtin.found())),
            None => Err(error),
        },
    }
}

pub(crate) fn run(args: &FaultsArgs, output: &mut Output) -> Result<Exit, Failure> {
    let found = Shelf::Faults.resolve(&args.plan)?;
    let handed =
        Handed { out: args.out.clone(), backend: args.backend.clone(), seed: args.seed, json: args.json };
    carry_out(&found, &handed, &args.fault, output)
}

/// Carries out a fault plan with what the command line changes.
pub(crate) fn carry_out(
    found: &Found,
    handed: &Handed,
    only: &[FaultKind],
    output: &mut Output,
) -> Result<Exit, Failure> {
    let plan = amended(found, handed, only)?;
    let here = env::current_dir().map_err(|e| Failure::tool("the current folder is gone").because(&e))?;
    let name = if plan.name == "faults" { plan.name.clone() } else { format!("faults-{}", plan.name) };
    let folder = out_dir::choose(handed.out.as_deref(), &here, &clock::today(), &name);
    out_dir::prepare(&folder)?;
    let executable =
        env::current_exe().map_err(|e| Failure::tool("this program cannot find itself").because(&e))?;
    let options = FaultOptions { executable, out_dir: folder.clone() };
    let stop = signal::stop_flag("the faults that are happening are finished, then the report is written")?;
    let done = faults(&options, &plan, &mut |news| tell(&news), &stop);
    if done.is_err() {
        out_dir::forget_if_empty(&folder);
    }
    let summary = done?;
    let report = FaultReport::of(&FaultRecording::open(&summary.recording)?);
    let written = write(&folder, &report)?;
    if handed.json {
        output.json(&report)?;
    } else {
        print(&report, output)?;
        output.line("")?;
        for path in written {
            output.line(&path.display().to_string())?;
        }
    }
    Ok(exit(&report))
}

/// Prints the tables.
pub(crate) fn print(report: &FaultReport, output: &mut Output) -> Result<(), Failure> {
    output.text(&report::faults::terminal(report))
}

/// What follows for a script.
pub(crate) fn exit(report: &FaultReport) -> Exit {
    if report.contradictions().next().is_some() {
        Exit::Violated
    } else if !report.complete
        || report.rows().next().is_none()
        || report.rows().any(|row| row.void.is_some())
    {
        Exit::Void
    } else {
        Exit::Good
    }
}

/// The plan with what the command line changes.
fn amended(found: &Found, handed: &Handed, only: &[FaultKind]) -> Result<FaultPlan, Failure> {
    let mut plan = FaultPlan::parse(&found.path, &found.text)?;
    plan.seed = handed.seed.unwrap_or(plan.seed);
    if !handed.backend.is_empty() {
        for name in &handed.backend {
            Shelf::Backends.resolve(name)?;
        }
        plan.backends.clone_from(&handed.backend);
        if let Some(flood) = &mut plan.flood {
            flood.backends.clone_from(&handed.backend);
        }
    }
    if !only.is_empty() {
        plan.faults.retain(|fault| only.contains(fault));
        for &fault in only {
            if fault != FaultKind::LoginFlood && !plan.faults.contains(&fault) {
                plan.faults.push(fault);
            }
        }
        plan.flood = plan.flood.filter(|_| only.contains(&FaultKind::LoginFlood));
        if only.contains(&FaultKind::LoginFlood) && plan.flood.is_none() {
            return Err(Failure::usage("--fault login-flood: this plan has no [flood]")
                .hint("add the table; `authbench init` writes one out in plans/faults.toml"));
        }
    }
    // A changed plan is held to the rules of a written one, before anything is started.
    Ok(FaultPlan::parse(&found.path, &plan.canonical())?)
}

/// Progress on stderr; what it will take and what was skipped everywhere, the rest where that is a terminal.
fn tell(news: &FaultNews) {
    let line = match news {
        FaultNews::Skipped(skipped) => {
            format!("skipped {}: {}\n  {}", skipped.row, skipped.reason, skipped.hint)
        }
        FaultNews::Expected { designs, results, ns } => {
            format!("{designs} designs, {results} faults in them, about {}", time(*ns as f64))
        }
        FaultNews::Group { fault, backends, done, total } if std::io::stderr().is_terminal() => {
            format!("{done} of {total}: {}: {}", fault.name(), backends.join(", "))
        }
        FaultNews::Group { .. } | FaultNews::Result(_) => return,
    };
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(anstream::stderr(), "{}", redact(&line));
}
