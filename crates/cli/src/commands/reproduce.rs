//! `authbench reproduce`: the plan of a recording, measured again, and its ratios held against the earlier ones.

use std::env;
use std::path::{Path, PathBuf};

use report::across::{Change, Refusal, changes, refusals};
use report::controls::RunState;
use report::verdict::Verdict;
use scenario::builtin::Shelf;
use serde::Serialize;

use crate::args::GivenRedis;
use crate::commands::compare::{Run, print_changes};
use crate::commands::run::measure_plan;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::reporting::Reported;
use crate::{clock, out_dir, pricing, signal};

const EXAMPLE: &str = "Examples:
  authbench reproduce reports/2026-11-23-host/recording
  authbench reproduce reports/2026-11-23-host/report.json --out reports/local/again

Another machine gives other nanoseconds; what should come out alike are the ratios between the rows of one run. A ratio is \
reproduced when the two runs together show that it changed by less than the plan's margin.

Exit codes: 0 no ratio is shown to differ by more than the margin · 2 not a recording, or a backend file has changed since · \
3 a ratio differs by more than the margin · 4 one of the two runs is void, or nothing could be ranked";

/// Measure the plan of a recording again and compare
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct ReproduceArgs {
    /// Folder of the recording, or a report that lies in it
    #[arg(value_name = "RECORDING|REPORT")]
    earlier: PathBuf,
    /// Folder for the new recording and report [default: as for run]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    redis: GivenRedis,
    /// Go on although backend or scenario files are not those of the recording
    #[arg(long)]
    anyway: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Reproduced {
    earlier: PathBuf,
    now: PathBuf,
    reproduced: usize,
    differ: usize,
    open: usize,
    unranked: usize,
    differs: Vec<Refusal>,
    changes: Vec<Change>,
}

pub(crate) fn run(args: &ReproduceArgs, output: &mut Output) -> Result<Exit, Failure> {
    let redis = args.redis.address()?;
    let folder = recording_of(&args.earlier)?;
    let earlier = Run::read(&folder)?;
    sound(&earlier, &folder)?;
    let changed = changed_files(&earlier);
    if !changed.is_empty() && !args.anyway {
        let message = format!("not what was measured then: {}", changed.join("; "));
        return Err(Failure::usage(message).hint("use the version of then, or insist: --anyway"));
    }
    let plan = &earlier.recording.plan;
    let here = env::current_dir().map_err(|e| Failure::tool("the current folder is gone").because(&e))?;
    let out = out_dir::choose(args.out.as_deref(), &here, &clock::today(), &plan.name);
    out_dir::prepare(&out)?;
    let stop = signal::stop_flag("the block being measured is finished, then the runs are compared")?;
    let measured = measure_plan(redis.as_deref(), plan, &out, &stop, std::collections::BTreeMap::new());
    if measured.is_err() {
        out_dir::forget_if_empty(&out);
    }
    let summary = measured?;
    if summary.blocks == 0 {
        out_dir::forget_if_empty(&out);
        return Err(Failure::void(
            "stopped before the first block was finished: there is nothing to compare",
        ));
    }
    let reported = Reported::read(&summary.recording, &[], &pricing::sheet(pricing::SHIPPED)?)?;
    report::write(&out, &report::Format::USUAL, &reported.report)?;
    let now = Run::read(&summary.recording)?;
    sound(&now, &summary.recording)?;
    let changes = changes(earlier.side(), now.side(), &plan.baseline);
    let count = |wanted: &dyn Fn(&Change) -> bool| changes.iter().filter(|change| wanted(change)).count();
    let found = Reproduced {
        earlier: folder,
        now: summary.recording,
        reproduced: count(&|change| change.verdict == Verdict::Equivalent),
        differ: count(&|change| change.material),
        unranked: count(&|change| change.verdict == Verdict::Unranked),
        open: count(&is_open),
        differs: refusals(&earlier.recording, &now.recording),
        changes,
    };
    if args.json {
        output.json(&found)?;
    } else {
        print(&found, &plan.baseline, output)?;
    }
    Ok(exit(&found))
}

/// Different, but not shown to be by more than the margin; or neither.
fn is_open(change: &Change) -> bool {
    !change.material && !matches!(change.verdict, Verdict::Equivalent | Verdict::Unranked)
}

fn exit(found: &Reproduced) -> Exit {
    if found.differ > 0 {
        Exit::Violated
    } else if found.unranked == found.changes.len() {
        Exit::Void
    } else {
        Exit::Good
    }
}

/// A folder, or the folder that a report lies in.
fn recording_of(named: &Path) -> Result<PathBuf, Failure> {
    if named.is_file() {
        let folder = named.parent().filter(|folder| !folder.as_os_str().is_empty());
        return Ok(folder.unwrap_or(Path::new(".")).to_owned());
    }
    if named.is_dir() {
        return Ok(named.to_owned());
    }
    Err(Failure::usage(format!("{}: no such folder or report", named.display()))
        .hint("name the folder that `authbench run` wrote, or the report in it"))
}

fn sound(run: &Run, folder: &Path) -> Result<(), Failure> {
    if !run.recording.is_complete() {
        return Err(Failure::void(format!("{}: the run was interrupted", folder.display()))
            .hint("its finished blocks can be reported: authbench report DIR"));
    }
    match run.analysis.state {
        RunState::Unreliable => {
            let why = run.analysis.reasons.join("; ");
            Err(Failure::void(format!("{}: the run is unreliable: {why}", folder.display()))
                .hint("see what disturbs this machine: authbench doctor"))
        }
        _ => Ok(()),
    }
}

/// Backend and scenario files that are not what they were.
fn changed_files(run: &Run) -> Vec<String> {
    let recording = &run.recording;
    let named = |shelf: Shelf, name: &str, hash: &str, what: &str| match shelf.resolve(name) {
        Ok(found) if measure::recording::sha256_hex(found.text.as_bytes()) == hash => None,
        Ok(_) => Some(format!("{what} `{name}` has changed")),
        Err(_) => Some(format!("{what} `{name}` is not there")),
    };
    let row = |name: &String| {
        let stem = Path::new(name).file_stem()?.to_str()?;
        let row = recording.run.rows.iter().find(|row| row.name == *name || row.name == stem)?;
        named(Shelf::Backends, name, &row.backend_sha256, "backend")
    };
    let scenarios =
        recording.plan.paired.iter().map(|paired| &paired.scenario).chain(&recording.plan.episodes);
    let scenario = |name: &String| {
        let stem = Path::new(name).file_stem()?.to_str()?;
        let facts = recording.run.scenarios.iter().find(|facts| facts.name == *name || facts.name == stem)?;
        named(Shelf::Scenarios, name, &facts.sha256, "scenario")
    };
    recording.plan.backends.iter().filter_map(row).chain(scenarios.filter_map(scenario)).collect()
}

fn print(found: &Reproduced, baseline: &str, output: &mut Output) -> Result<(), Failure> {
    for refusal in &found.differs {
        output.line(&format!("note: {refusal}"))?;
    }
    output.line(&format!("Each row divided by {baseline} of its own run; the change is now over then."))?;
    print_changes(&found.changes, output)?;
    output.line(&format!(
        "\n{} of {} ratios are reproduced within the margin, {} differ by more, {} are open, {} have no rank.",
        found.reproduced,
        found.changes.len(),
        found.differ,
        found.open,
        found.unranked
    ))?;
    output.line(&format!("The new recording: {}", found.now.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(differ: usize, unranked: usize) -> Reproduced {
        let change = Change {
            scenario: "steady".into(),
            store_rtt_us: 0,
            row: "jwt".into(),
            metric: report::metric::Metric::Cpu,
            base: None,
            head: None,
            change: None,
            equivalence: None,
            p_adjusted: 1.0,
            verdict: Verdict::Inconclusive,
            material: false,
            unranked: None,
            resolvable: None,
            rounds: [8, 8],
        };
        Reproduced {
            earlier: PathBuf::new(),
            now: PathBuf::new(),
            reproduced: 0,
            differ,
            open: 0,
            unranked,
            differs: Vec::new(),
            changes: vec![change.clone(), change],
        }
    }

    #[test]
    fn the_exit_code_says_what_came_out() {
        assert_eq!(exit(&found(1, 1)), Exit::Violated);
        assert_eq!(exit(&found(0, 2)), Exit::Void);
        assert_eq!(exit(&found(0, 1)), Exit::Good);
    }
}
