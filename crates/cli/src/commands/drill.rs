//! `authbench drill`: credentials are stolen and ended, and it is seen how long they go on working.

use std::collections::BTreeMap;
use std::env;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use measure::RunOptions;
use measure::drill::{DrillEvent, DrillNews, DrillPlan, DrillResult, SurvivalRecord, drill};
use measure::redact::redact;
use report::number::{count, time};
use scenario::builtin::Shelf;
use serde::Serialize;

use crate::args::redis_address;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::{clock, out_dir, signal};

const EXAMPLE: &str = "Examples:
  authbench drill
  authbench drill --backend session-redis --backend jwt-stateless --event logout --out /tmp/drill
  authbench drill my-drill.toml --json

Every design runs with several replicas. A thief copies what a plan says and uses it at every replica on schedule, while
the owner goes on; then something ends the login. Survival is the time from the acknowledged end to the send of the last
request that was let in; it is known to the interval between two uses. Lifetimes in the designs' files are shortened as
the plan says, every clock stays real.

Exit codes: 0 every design kept what it declares · 1 something could not be started or written · 2 wrong usage or an
invalid file · 3 a credential worked longer than declared, or an ended login came back · 4 part of it shows nothing, or it
was stopped";

/// Steal credentials, end them, and see how long they keep working
///
/// Also: what noticing a theft costs honest owners (two tabs, lost answers), and whether a logout can be undone by a
/// write that was under way. Results are left in a folder, one line each, every line with the hash of the one before.
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
    /// A Redis that already runs, or - to read its address from stdin; only keys under this run's prefix are touched,
    /// and removed at the end
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
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

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    recording: String,
    results: &'a [DrillResult],
    violations: Vec<String>,
    void: Vec<String>,
    stopped: bool,
}

pub(crate) fn run(args: &DrillArgs, output: &mut Output) -> Result<Exit, Failure> {
    let redis = redis_address(args.redis.as_deref())?;
    let plan = amended(args)?;
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
    let (violations, void) = (summary.violations(), summary.void());
    let exit = if !violations.is_empty() {
        Exit::Violated
    } else if summary.stopped || !void.is_empty() || summary.results.is_empty() {
        Exit::Void
    } else {
        Exit::Good
    };
    let recording = summary.recording.display().to_string();
    if args.json {
        let results = &summary.results;
        output.json(&Printed { recording, results, violations, void, stopped: summary.stopped })?;
        return Ok(exit);
    }
    print(&plan, &summary.results, output)?;
    for (title, sentences) in [("NOT AS DECLARED", &violations), ("SHOWS NOTHING", &void)] {
        if !sentences.is_empty() {
            output.line(&format!("\n{title}"))?;
            sentences.iter().try_for_each(|sentence| output.line(&format!("  {sentence}")))?;
        }
    }
    if summary.stopped {
        output.line("\nStopped before the end.")?;
    }
    output.line(&format!("\n{recording}"))?;
    Ok(exit)
}

/// The plan with what the command line changes.
fn amended(args: &DrillArgs) -> Result<DrillPlan, Failure> {
    let found = Shelf::Drills.resolve(&args.plan)?;
    let mut plan = DrillPlan::parse(&found.path, &found.text)?;
    if !args.backend.is_empty() {
        plan.backends.clone_from(&args.backend);
    }
    if let Some(survival) = &mut plan.survival {
        if !args.event.is_empty() {
            survival.events.clone_from(&args.event);
        }
        survival.trials = args.trials.unwrap_or(survival.trials);
    }
    if args.survival_only {
        (plan.price, plan.resurrection) = (None, None);
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
        DrillNews::Design { .. } | DrillNews::Result(_) => return,
    };
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(anstream::stderr(), "{}", redact(&line));
}

fn print(plan: &DrillPlan, results: &[DrillResult], output: &mut Output) -> Result<(), Failure> {
    let cells: Vec<&SurvivalRecord> = results
        .iter()
        .filter_map(|result| match result {
            DrillResult::Survival(cell) => Some(cell),
            _ => None,
        })
        .collect();
    if let Some(first) = cells.first() {
        output.line(&format!(
            "How long a stolen credential works after its end ({} trials a cell, {} replicas, lifetimes cut to {}; known to {})",
            first.trials,
            plan.replicas,
            plan.scale.lifetime,
            time(first.resolution_ns as f64)
        ))?;
        output.line(&format!(
            "  {:20} {:16} {:8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}",
            "design", "event", "stolen", "p50", "p99", "max", "declared", "accepted", "alarms"
        ))?;
    }
    for cell in cells {
        let survived = |ns: u64| if ns == 0 { "0".to_owned() } else { time(ns as f64) };
        let declared = cell.bound_ns.map_or_else(|| "never".to_owned(), survived);
        let mark = match (&cell.void, cell.within) {
            (Some(_), _) => "  shows nothing",
            (None, false) => "  NOT AS DECLARED",
            (None, true) if cell.ended == 0 => "  not noticed",
            (None, true) if cell.cannot > 0 => "  cannot",
            (None, true) => "",
        };
        output.line(&format!(
            "  {:20} {:16} {:8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}{mark}",
            cell.backend,
            cell.event.name(),
            cell.thief.name(),
            survived(cell.survival_ns.p50),
            survived(cell.survival_ns.p99),
            survived(cell.survival_ns.max),
            declared,
            count(cell.accepted_after),
            cell.alarms
        ))?;
    }
    prices(results, output)?;
    races(results, output)
}

fn prices(results: &[DrillResult], output: &mut Output) -> Result<(), Failure> {
    let mut titled = false;
    for result in results {
        let line = match result {
            DrillResult::Price(price) => format!(
                "  {:20} grace {:>8}  {:14} {:>9.1} of 1,000 refreshes forced a login ({} of {}, {} refused)",
                price.backend,
                time(price.grace_ns as f64),
                price.habit,
                price.per_thousand(),
                count(price.forced_logouts),
                count(price.refreshes),
                count(price.refused)
            ),
            DrillResult::Theft(theft) => format!(
                "  {:20} grace {:>8}  thief {} behind  {} of {} got a token, {} noticed",
                theft.backend,
                time(theft.grace_ns as f64),
                theft.generations,
                theft.granted,
                theft.thefts,
                theft.alarms
            ),
            _ => continue,
        };
        if !titled {
            output.line("\nWhat rotating refresh tokens costs an honest owner, and what it catches")?;
            titled = true;
        }
        output.line(&line)?;
    }
    Ok(())
}

fn races(results: &[DrillResult], output: &mut Output) -> Result<(), Failure> {
    let mut titled = false;
    for result in results {
        let DrillResult::Resurrection(race) = result else { continue };
        if !titled {
            output.line("\nLogins that a write under way brought back after their logout")?;
            titled = true;
        }
        output.line(&format!(
            "  {:20} {} of {} logouts, {} writes beside them",
            race.backend,
            count(race.revived),
            count(race.logouts),
            count(race.writes)
        ))?;
    }
    Ok(())
}
