//! `authbench drill`: credentials are stolen and ended, and it is seen how long they go on working.

use std::collections::BTreeMap;
use std::env;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use measure::RunOptions;
use measure::drill::{DrillBudget, DrillEvent, DrillNews, DrillPlan, DrillRecording, DrillResult, drill};
use measure::redact::redact;
use report::drill::{DrillReport, render};
use report::number::time;
use scenario::builtin::Shelf;

use crate::args::GivenRedis;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::reporting::shipped_claims;
use crate::{clock, out_dir, signal};

const EXAMPLE: &str = "Examples:
  authbench drill
  authbench drill --backend session-redis --backend jwt-stateless --event logout --out /tmp/drill
  authbench drill clocks --out /tmp/clocks && authbench report /tmp/clocks
  authbench drill failover --backend session-redis
  authbench drill my-drill.toml --json

Built in: matrix (every way to end a credential), at-once (a thousand thefts where no lag is declared), cut-off
(subscriptions that miss messages), clocks (replicas' clocks apart), unscaled (does shortening times change anything
else?), restart (replicas restarted one after the other), failover (a master of the store lost under load).
What it will take is computed and printed beforehand, and held against what it took.

Every design runs with several replicas. A thief copies what a plan says and uses it at every replica on schedule, while
the owner goes on; then something ends the login. Survival is the time from the acknowledged end to the send of the last
request that was let in; it is known to the interval between two uses. Lifetimes in the designs' files are shortened as
the plan says, every clock stays real.

Exit codes: 0 every design kept what it declares · 1 something could not be started or written · 2 wrong usage or an
invalid file · 3 a credential worked longer than declared, an ended login came back, or a failover lost what a replica was
waited for · 4 part of it shows nothing, or it was stopped";

/// Steal credentials, end them, and see how long they keep working
///
/// Also: what noticing a theft costs honest owners (two tabs, lost answers), whether a logout can be undone by a write
/// that was under way, and what a failover of the store loses (`drill failover`). Results are left in a folder, one line
/// each, every line with the hash of the one before.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct DrillArgs {
    /// Drill plan: a file, or a built-in name
    #[arg(default_value = "matrix")]
    plan: String,
    /// Folder for the results
    ///
    /// [default: reports/local/DATE-drill-PLAN in a checkout, authbench-reports/DATE-drill-PLAN elsewhere]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    redis: GivenRedis,
    /// Drill only this backend, a name or a file (repeatable)
    #[arg(long, value_name = "NAME")]
    backend: Vec<String>,
    /// End credentials only this way (repeatable)
    #[arg(long, value_name = "EVENT", value_parser = event_from)]
    event: Vec<DrillEvent>,
    /// Trials of each cell
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    trials: Option<u32>,
    /// Only the thefts: no price of refreshing, no races against logouts
    #[arg(long)]
    survival_only: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

fn event_from(text: &str) -> Result<DrillEvent, String> {
    let names: Vec<&str> = DrillEvent::ALL.into_iter().map(DrillEvent::name).collect();
    let found = DrillEvent::ALL.into_iter().find(|event| event.name() == text);
    found.ok_or_else(|| format!("one of {}", names.join(", ")))
}

pub(crate) fn run(args: &DrillArgs, output: &mut Output) -> Result<Exit, Failure> {
    let redis = args.redis.address()?;
    let plan = amended(args)?;
    if let Some(why) = own_store(&plan).filter(|_| redis.is_some()) {
        return Err(Failure::usage(format!("--redis has no meaning for this plan: {why}"))
            .hint("leave --redis out: redis-server on PATH is started as the drill's own"));
    }
    let here = env::current_dir().map_err(|e| Failure::tool("the current folder is gone").because(&e))?;
    let folder =
        out_dir::choose(args.out.as_deref(), &here, &clock::today(), &format!("drill-{}", plan.name));
    out_dir::prepare(&folder)?;
    let executable =
        env::current_exe().map_err(|e| Failure::tool("this program cannot find itself").because(&e))?;
    let options =
        RunOptions { executable, out_dir: folder, redis, existing: BTreeMap::new(), builds: BTreeMap::new() };
    let stop = signal::stop_flag("the cells that are running are finished, then the results are printed")?;
    let done = drill(&options, &plan, &mut |news| tell(&news), &stop);
    if done.is_err() {
        out_dir::forget_if_empty(&options.out_dir);
    }
    let summary = done?;
    show(&DrillRecording::open(&summary.recording)?, args.json, &[], output)?;
    if !args.json {
        output.line(&format!("\n{}", summary.recording.display()))?;
    }
    Ok(exit(&summary.results, summary.stopped))
}

/// Prints a recorded drill again, as text or as JSON.
pub(crate) fn again(
    folder: &Path,
    json: bool,
    claims: &[String],
    output: &mut Output,
) -> Result<Exit, Failure> {
    let recording = DrillRecording::open(folder)?;
    let report = show(&recording, json, claims, output)?;
    Ok(exit(&recording.results, !report.complete))
}

fn show(
    recording: &DrillRecording,
    json: bool,
    claims: &[String],
    output: &mut Output,
) -> Result<DrillReport, Failure> {
    let report = DrillReport::of(recording, &shipped_claims(claims)?);
    if json {
        output.json(&report)?;
    } else {
        output.text(&render(&report))?;
    }
    Ok(report)
}

fn exit(results: &[DrillResult], stopped: bool) -> Exit {
    if results.iter().any(|result| result.violation().is_some()) {
        Exit::Violated
    } else if stopped || results.is_empty() || results.iter().any(|result| result.void().is_some()) {
        Exit::Void
    } else {
        Exit::Good
    }
}

/// Why a plan is carried out on servers of its own only, if it is.
fn own_store(plan: &DrillPlan) -> Option<&'static str> {
    let others = [
        plan.survival.is_some(),
        plan.expiry.is_some(),
        plan.restart.is_some(),
        plan.price.is_some(),
        plan.resurrection.is_some(),
    ];
    if plan.survival.as_ref().is_some_and(|survival| survival.cut_every.is_some()) {
        Some("`survival.cut_every` cuts subscriptions off, which must be nobody else's")
    } else if plan.failover.is_some() && !others.contains(&true) {
        Some("a failover loses servers, which must be nobody else's")
    } else {
        None
    }
}

/// The plan with what the command line changes.
fn amended(args: &DrillArgs) -> Result<DrillPlan, Failure> {
    let found = Shelf::Drills.resolve(&args.plan)?;
    let mut plan = DrillPlan::parse(&found.path, &found.text)?;
    if !args.backend.is_empty() {
        plan.backends.clone_from(&args.backend);
        let kept = |names: &mut Vec<String>| names.retain(|name| args.backend.contains(name));
        plan.unscaled.iter_mut().for_each(|unscaled| kept(&mut unscaled.backends));
        plan.expiry.iter_mut().for_each(|expiry| kept(&mut expiry.backends));
    }
    if let Some(survival) = &mut plan.survival {
        if !args.event.is_empty() {
            survival.events.clone_from(&args.event);
        }
        survival.trials = args.trials.unwrap_or(survival.trials);
    }
    if args.survival_only {
        (plan.price, plan.resurrection, plan.expiry, plan.restart, plan.failover) =
            (None, None, None, None, None);
    }
    Ok(DrillPlan::parse(&found.path, &plan.canonical())?)
}

/// Progress, on stderr where that is a terminal; what was skipped everywhere.
fn tell(news: &DrillNews) {
    let line = match news {
        DrillNews::Skipped(skipped) => {
            format!("skipped {}: {}\n  {}", skipped.row, skipped.reason, skipped.hint)
        }
        DrillNews::Design { backend, done, total } if std::io::stderr().is_terminal() => {
            format!("{} of {total}: {backend}", done + 1)
        }
        DrillNews::Result(result) => match **result {
            DrillResult::Budget(budget) => beforehand(&budget),
            _ => return,
        },
        DrillNews::Design { .. } => return,
    };
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(anstream::stderr(), "{}", redact(&line));
}

/// What it will take, part by part.
fn beforehand(budget: &DrillBudget) -> String {
    let seconds = |ms: u64| time(ms as f64 * 1e6);
    let parts = [
        ("thefts", budget.survival_ms),
        ("expiry", budget.expiry_ms),
        ("restarts", budget.restart_ms),
        ("prices", budget.price_ms),
        ("logouts against writers", budget.resurrection_ms),
        ("failovers", budget.failover_ms),
        ("starts", budget.start_ms),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(_, ms)| *ms > 0).map(|(name, ms)| format!("{name} {}", seconds(*ms))).collect();
    format!(
        "{} designs, {} cells: {} ({})",
        budget.designs,
        budget.cells,
        seconds(budget.total_ms()),
        parts.join(", ")
    )
}
