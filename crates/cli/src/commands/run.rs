//! `authbench run`: a plan, measured and reported.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use measure::{Build, Plan, RunOptions, RunSummary};
use report::Format;
use scenario::builtin::{Found, Shelf};

use crate::amend::Amendments;
use crate::args::GivenRedis;
use crate::commands::conform;
use crate::commands::faults::{Handed, carry_out, fault_plan};
use crate::commands::report::format_from;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::pricing::{self, Pricing};
use crate::progress::Progress;
use crate::reporting::{CONFORMANCE, Reported};
use crate::{clock, out_dir, signal};

const EXAMPLE: &str = "Examples:
  authbench run
  authbench run quick --backend session-redis --backend jwt-stateless --out /tmp/two
  authbench run my-plan.toml --redis redis://127.0.0.1:6379

What it will take is printed before anything starts. A backend whose server or store dies is not measured any more: its \
finished blocks are shown without a rank, and the others go on. Ctrl-C ends it after the block that is being \
measured: the finished blocks are kept and reported, and the exit code is 4.

Exit codes: 0 measured and reported · 1 something could not be started or written · 2 wrong usage or an invalid file · \
3 wrong answers that a backend does not declare, or a contradicted claim · 4 nothing can be ranked, a backend's server or \
store died, or the run was stopped";

/// Measure a plan and write the report
///
/// Starts every backend of the plan in its own process, drives the same traffic against each in turn and leaves a
/// recording with report.html, report.md and report.json beside it. Without Redis on PATH (or --redis), backends that
/// need it are skipped and listed. A plan that lists faults is carried out as `authbench faults` does.
///
/// The prefix of keys at --redis stands in run.json: those of a run that was killed end with their time to live.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct RunArgs {
    /// Plan: a file, or a built-in name
    #[arg(default_value = "quick")]
    plan: String,
    /// Folder for the recording and the report
    ///
    /// [default: reports/local/DATE-PLAN in a checkout, authbench-reports/DATE-PLAN elsewhere]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    redis: GivenRedis,
    /// Check first what security demands of every backend of the plan, as `authbench conform` does
    ///
    /// The results are written as conformance.json and shown in the report; a backend for which a statement does not hold
    /// is measured and shown without a rank.
    #[arg(long)]
    conform: bool,
    #[command(flatten)]
    amendments: Amendments,
    /// Test this claim as well, a file (repeatable)
    #[arg(long, value_name = "FILE")]
    claim: Vec<String>,
    #[command(flatten)]
    pricing: Pricing,
    /// Write this format as well: terminal, junit, bmf, gha-benchmark, openmetrics, cost, cost-curve (repeatable)
    #[arg(long, value_name = "FORMAT", value_parser = format_from)]
    format: Vec<Format>,
    /// Print report.json instead of the table
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &RunArgs, output: &mut Output) -> Result<Exit, Failure> {
    if let Some(found) = fault_plan(&args.plan)? {
        return hand_over(args, &found, output);
    }
    let redis = args.redis.address()?;
    let found = Shelf::Plans.resolve(&args.plan)?;
    let sheet = pricing::sheet(&args.pricing.name)?;
    let mut plan = Plan::parse(&found.path, &found.text)?;
    args.amendments.apply(&mut plan)?;

    let here = env::current_dir().map_err(|e| Failure::tool("the current folder is gone").because(&e))?;
    let folder = out_dir::choose(args.out.as_deref(), &here, &clock::today(), &plan.name);
    out_dir::prepare(&folder)?;

    let stop = signal::stop_flag("the block being measured is finished, then the report is written")?;
    let checked = match args.conform {
        true => conform::into_file(&plan.backends, redis.as_deref(), &stop, &folder.join(CONFORMANCE)),
        false => Ok(()),
    };
    let measured =
        checked.and_then(|()| measure_plan(redis.as_deref(), &plan, &folder, &stop, BTreeMap::new()));
    if measured.is_err() {
        out_dir::forget_if_empty(&folder);
    }
    let summary = measured?;
    if summary.blocks == 0 {
        out_dir::forget_if_empty(&folder);
        return Err(Failure::void("stopped before the first block was finished: there is nothing to report"));
    }
    let reported = Reported::read(&summary.recording, &args.claim, &sheet)?;
    let mut formats = Format::USUAL.to_vec();
    formats.extend(args.format.iter().filter(|format| !Format::USUAL.contains(format)));
    let written = report::write(&folder, &formats, &reported.report)?;
    if args.json {
        output.json(&reported.report)?;
    } else {
        reported.print(output)?;
        output.line("")?;
        for path in &written {
            output.line(&path.display().to_string())?;
        }
    }
    Ok(reported.exit())
}

/// Carries out a fault plan, as far as the options have a meaning for one.
fn hand_over(args: &RunArgs, found: &Found, output: &mut Output) -> Result<Exit, Failure> {
    let Amendments { backend, scenario, rounds, seed } = &args.amendments;
    let meaningless = [
        ("--redis", args.redis.is_given()),
        ("--scenario", !scenario.is_empty()),
        ("--rounds", rounds.is_some()),
        ("--conform", args.conform),
        ("--claim", !args.claim.is_empty()),
        ("--format", !args.format.is_empty()),
    ];
    if let Some((option, _)) = meaningless.into_iter().find(|(_, given)| *given) {
        return Err(Failure::usage(format!("{option} has no meaning for a fault plan"))
            .hint("its designs fail with a Redis of their own: see `authbench faults --help`"));
    }
    let handed = Handed { out: args.out.clone(), backend: backend.clone(), seed: *seed, json: args.json };
    carry_out(found, &handed, &[], output)
}

/// Carries out a plan with this program as its servers, but for the rows that `builds` names; progress on stderr.
pub(crate) fn measure_plan(
    redis: Option<&str>,
    plan: &Plan,
    folder: &Path,
    stop: &AtomicBool,
    builds: BTreeMap<String, Build>,
) -> Result<RunSummary, Failure> {
    let executable =
        env::current_exe().map_err(|e| Failure::tool("this program cannot find itself").because(&e))?;
    let options = RunOptions {
        executable,
        out_dir: folder.to_owned(),
        redis: redis.map(str::to_owned),
        existing: BTreeMap::new(),
        builds,
    };
    let progress = Progress::on_stderr();
    let result = measure::run(&options, plan, &mut |event| progress.show(&event), stop);
    progress.finish();
    Ok(result?)
}
