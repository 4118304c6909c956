//! `authbench ci`: did this change make a backend slower? Two builds in one run, or two recordings.

mod summary;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use measure::{Build, Plan};
use report::Format;
use report::comparison::Scope;
use report::metric::Metric;
use report::model::Figure;
use report::verdict::{Unranked, Verdict};
use scenario::builtin::Shelf;
use serde::Serialize;

use crate::args::GivenRedis;
use crate::commands::compare::{Compared, Run};
use crate::commands::run::measure_plan;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::reporting::Reported;
use crate::{clock, out_dir, pricing, signal};

const EXAMPLE: &str = "Examples:
  authbench ci base/authbench head/authbench --backend session-redis
  authbench ci base/authbench head/authbench --plan standard --out reports/local/pull-request
  authbench ci reports/2026-11-01-main reports/2026-11-08-branch

Two builds serve the same backend as the rows `base` and `head` of one run, in turns, with the controls of the plan; this \
program measures. Two recordings are compared by their in-run ratios, as with `authbench compare`. The summary is printed \
and appended to the file that GITHUB_STEP_SUMMARY names, or --summary.

Exit codes: 0 not shown to be slower by more than the margin · 1 something could not be started or written · 2 wrong usage, \
an invalid file, or recordings that are not comparable · 3 slower by more than the margin, or wrong answers · 4 the \
measurement is void or unreliable, a server died, nothing could be ranked, or it was stopped";

/// Names of the two rows.
const BASE: &str = "base";
const HEAD: &str = "head";

/// Gate a change: compare two builds in one run, or two recordings
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct CiArgs {
    /// Build without the change: a program, or the recording of one
    base: PathBuf,
    /// Build with the change: the same kind
    head: PathBuf,
    /// Backend that both builds serve, a name or a file (repeatable: one run each) [default: session-redis]
    #[arg(long, value_name = "NAME")]
    backend: Vec<String>,
    /// Plan whose paired scenarios, margin and controls are used, a name or a file
    #[arg(long, value_name = "NAME", default_value = "smoke")]
    plan: String,
    /// Folder for recordings and reports [default: as for run]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    redis: GivenRedis,
    /// Row that the others are divided by, for recordings [default: the plan's baseline]
    #[arg(long, value_name = "ROW")]
    reference: Option<String>,
    /// Compare recordings although plan, scenario, machine or build profile differ
    #[arg(long)]
    anyway: bool,
    /// Append the summary to this file, Markdown [default: $GITHUB_STEP_SUMMARY, where it is set]
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Gate {
    /// `builds` in one run, or `recordings`.
    kind: &'static str,
    /// Folders that were written or read.
    folders: Vec<PathBuf>,
    /// Share by which head may be slower.
    margin: f64,
    findings: Vec<Finding>,
    /// What keeps the result from being relied on, one sentence each; empty when nothing does.
    void: Vec<String>,
    /// Undeclared wrong answers, one sentence each.
    wrong: Vec<String>,
    /// Remarks, one sentence each.
    notes: Vec<String>,
}

/// Head against base, on one metric.
#[derive(Debug, Clone, Serialize)]
struct Finding {
    scenario: String,
    backend: String,
    metric: Metric,
    /// Head divided by base.
    ratio: Option<Figure>,
    verdict: Verdict,
    /// Proven to lie beyond the margin.
    material: bool,
    unranked: Option<Unranked>,
    /// Smallest change that could have been shown, four times in five.
    resolvable: Option<f64>,
}

pub(crate) fn run(args: &CiArgs, output: &mut Output) -> Result<Exit, Failure> {
    let gate = match (kind_of(&args.base)?, kind_of(&args.head)?) {
        (Kind::Build, Kind::Build) => builds(args)?,
        (Kind::Recording, Kind::Recording) => recordings(args)?,
        _ => {
            return Err(Failure::usage("one is a program and the other a recording")
                .hint("name two builds of authbench, or two folders that `authbench run` wrote"));
        }
    };
    let text = summary::markdown(&gate);
    if let Some(file) = summary_file(args) {
        summary::append(&file, &text)?;
    }
    if args.json {
        output.json(&gate)?;
    } else {
        output.text(&text)?;
    }
    Ok(gate.exit())
}

enum Kind {
    Build,
    Recording,
}

fn kind_of(path: &Path) -> Result<Kind, Failure> {
    if path.is_dir() {
        return Ok(Kind::Recording);
    }
    if path.is_file() {
        return Ok(Kind::Build);
    }
    Err(Failure::usage(format!("{}: no such program or recording", path.display()))
        .hint("name two builds of authbench, or two folders that `authbench run` wrote"))
}

fn summary_file(args: &CiArgs) -> Option<PathBuf> {
    let set = || env::var_os("GITHUB_STEP_SUMMARY").filter(|name| !name.is_empty()).map(PathBuf::from);
    args.summary.clone().or_else(set)
}

impl Gate {
    fn exit(&self) -> Exit {
        let slower = |finding: &Finding| finding.verdict == Verdict::Slower && finding.material;
        if !self.wrong.is_empty() || self.findings.iter().any(slower) {
            Exit::Violated
        } else if !self.void.is_empty()
            || self.findings.iter().all(|finding| finding.verdict == Verdict::Unranked)
        {
            Exit::Void
        } else {
            Exit::Good
        }
    }
}

/// Both builds in one run for each backend.
fn builds(args: &CiArgs) -> Result<Gate, Failure> {
    let redis = args.redis.address()?;
    let default = ["session-redis".to_owned()];
    let backends = if args.backend.is_empty() { &default[..] } else { &args.backend };
    let plan = plan_of(&args.plan)?;
    // Absolute: servers are not started in this folder by everyone who measures.
    let absolute = |path: &Path| {
        path.canonicalize()
            .map_err(|e| Failure::usage(format!("{} cannot be read", path.display())).because(&e))
    };
    let (base, head) = (absolute(&args.base)?, absolute(&args.head)?);
    let here = env::current_dir().map_err(|e| Failure::tool("the current folder is gone").because(&e))?;
    let out = out_dir::choose(args.out.as_deref(), &here, &clock::today(), &plan.name);
    let mut gate = Gate {
        kind: "builds",
        folders: Vec::new(),
        margin: plan.statistics.margin,
        findings: Vec::new(),
        void: Vec::new(),
        wrong: Vec::new(),
        notes: Vec::new(),
    };
    let stop = signal::stop_flag("the block being measured is finished, then the summary is written")?;
    for backend in backends {
        Shelf::Backends.resolve(backend)?;
        let name = Path::new(backend).file_stem().and_then(|stem| stem.to_str()).unwrap_or(backend);
        let folder = if backends.len() == 1 { out.clone() } else { out.join(name) };
        let build = |executable: &Path| Build { backend: backend.clone(), executable: executable.to_owned() };
        let rows = BTreeMap::from([(BASE.to_owned(), build(&base)), (HEAD.to_owned(), build(&head))]);
        measured(&mut gate, name, &plan, folder, redis.as_deref(), rows, &stop)?;
    }
    Ok(gate)
}

/// The plan of that name with the two rows in the place of its backends.
fn plan_of(name: &str) -> Result<Plan, Failure> {
    let found = Shelf::Plans.resolve(name)?;
    let mut plan = Plan::parse(&found.path, &found.text)?;
    if plan.paired.is_empty() {
        return Err(Failure::usage(format!("plan `{name}` has no paired scenario"))
            .hint("two builds are compared round by round: name a plan with [[paired]], such as smoke"));
    }
    plan.name = "ci".to_owned();
    plan.baseline = BASE.to_owned();
    plan.backends = vec![BASE.to_owned(), HEAD.to_owned()];
    plan.episodes.clear();
    plan.episode_ms.clear();
    Ok(Plan::parse(Path::new("<the plan of ci>"), &plan.canonical())?)
}

/// Measures one backend and adds what came of it.
fn measured(
    gate: &mut Gate,
    backend: &str,
    plan: &Plan,
    folder: PathBuf,
    redis: Option<&str>,
    rows: BTreeMap<String, Build>,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    out_dir::prepare(&folder)?;
    let result = measure_plan(redis, plan, &folder, stop, rows);
    if result.is_err() {
        out_dir::forget_if_empty(&folder);
    }
    let summary = result?;
    if summary.blocks == 0 {
        out_dir::forget_if_empty(&folder);
        return Err(Failure::void(
            "stopped before the first block was finished: there is nothing to compare",
        ));
    }
    let reported = Reported::read(&summary.recording, &[], &pricing::sheet(pricing::SHIPPED)?)?;
    report::write(&folder, &Format::USUAL, &reported.report)?;
    let run = Run::read(&summary.recording)?;
    let findings = run.analysis.scenarios.iter().flat_map(|scenario| {
        Metric::PRIMARY.into_iter().map(|metric| {
            let found = scenario.comparison(BASE, HEAD, metric, Scope::Whole);
            Finding {
                scenario: scenario.scenario.clone(),
                backend: backend.to_owned(),
                metric,
                ratio: found.and_then(|c| c.ratio).map(Figure::from),
                verdict: found.map_or(Verdict::Unranked, |c| c.verdict),
                material: found.is_some_and(|c| c.material),
                unranked: found.map_or(Some(Unranked::TooFewRounds), |c| c.unranked),
                resolvable: found.and_then(|c| c.resolvable),
            }
        })
    });
    gate.findings.extend(findings);
    if !run.recording.is_complete() {
        gate.void.push(format!("{backend}: the run was stopped"));
    }
    for row in run.recording.run.rows.iter().filter(|row| row.failure.is_some()) {
        let message = row.failure.as_ref().map_or("", |failure| failure.message.lines().next().unwrap_or(""));
        gate.void.push(format!("{backend}, {}: {message}", row.name));
    }
    if run.analysis.state == report::controls::RunState::Unreliable {
        gate.void.push(format!("{backend}: {}", run.analysis.reasons.join("; ")));
    }
    for wrong in &reported.report.wrong {
        gate.wrong.push(format!(
            "{backend}, {}: {} of {} answers to {} were {}",
            wrong.row, wrong.count, wrong.of, wrong.operation, wrong.outcome
        ));
    }
    gate.notes.push(format!("{backend}: {}", reported.report.validity.sentence));
    gate.folders.push(folder);
    Ok(())
}

/// As `compare`, every row of the two runs.
fn recordings(args: &CiArgs) -> Result<Gate, Failure> {
    let compared = Compared::of([&args.base, &args.head], args.reference.as_deref(), args.anyway)?;
    let head = Run::read(&args.head)?;
    let void = [&args.base, &args.head].into_iter().filter_map(|folder| {
        let run = Run::read(folder).ok()?;
        (!run.recording.is_complete()).then(|| format!("{}: the run was stopped", folder.display()))
    });
    let findings = compared.changes.iter().map(|change| Finding {
        scenario: change.scenario.clone(),
        backend: change.row.clone(),
        metric: change.metric,
        ratio: change.change,
        verdict: change.verdict,
        material: change.material,
        unranked: change.unranked,
        resolvable: change.resolvable,
    });
    let mut notes = vec![format!(
        "Each row divided by {} of its own run, then head by base: nanoseconds do not travel between runs, ratios do.",
        compared.reference
    )];
    notes.extend(compared.differs.iter().map(|refusal| format!("compared although it differs: {refusal}")));
    Ok(Gate {
        kind: "recordings",
        folders: vec![args.base.clone(), args.head.clone()],
        margin: head.recording.plan.statistics.margin,
        findings: findings.collect(),
        void: void.collect(),
        wrong: Vec::new(),
        notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn finding(verdict: Verdict, material: bool) -> Finding {
        Finding {
            scenario: "steady".into(),
            backend: "session-redis".into(),
            metric: Metric::Cpu,
            ratio: Some(Figure::between(1.1234, 1.05, 1.2)),
            verdict,
            material,
            unranked: (verdict == Verdict::Unranked).then_some(Unranked::TooFewRounds),
            resolvable: Some(0.08),
        }
    }

    pub(super) fn gate(findings: Vec<Finding>) -> Gate {
        Gate {
            kind: "builds",
            folders: vec!["out".into()],
            margin: 0.1,
            findings,
            void: Vec::new(),
            wrong: Vec::new(),
            notes: vec!["session-redis: every control came out as it must.".into()],
        }
    }

    #[test]
    fn the_exit_code_says_what_came_out() {
        let of = |findings: Vec<Finding>| gate(findings).exit();
        let (equal, open) = (finding(Verdict::Equivalent, false), finding(Verdict::Inconclusive, false));
        assert_eq!(of(vec![equal.clone(), open.clone()]), Exit::Good);
        assert_eq!(of(vec![finding(Verdict::Slower, false)]), Exit::Good);
        assert_eq!(of(vec![finding(Verdict::Faster, true)]), Exit::Good);
        assert_eq!(of(vec![equal.clone(), finding(Verdict::Slower, true)]), Exit::Violated);
        assert_eq!(of(vec![finding(Verdict::Unranked, false)]), Exit::Void);
        assert_eq!(of(Vec::new()), Exit::Void);
        let void = Gate { void: vec!["stopped".into()], ..gate(vec![equal.clone()]) };
        assert_eq!(void.exit(), Exit::Void);
        let wrong = Gate { wrong: vec!["head".into()], void: vec!["stopped".into()], ..gate(vec![equal]) };
        assert_eq!(wrong.exit(), Exit::Violated);
    }

    #[test]
    fn a_plan_is_taken_over_without_its_backends_and_episodes() {
        let plan = plan_of("smoke").unwrap();
        assert_eq!((plan.baseline.as_str(), plan.backends.len(), plan.episodes.len()), ("base", 2, 0));
        assert_eq!(plan.control_names(), ["base.twin", "base.plus20"]);
        assert!(plan_of("no-such-plan").is_err());
    }
}
