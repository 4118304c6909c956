//! `authbench compare`: two recordings of one plan, before and after a change of a build.

use std::path::{Path, PathBuf};

use measure::Recording;
use report::across::{Change, Refusal, Side, changes, refusals};
use report::comparison::{Analysis, Context, analyse};
use report::number::ratio;
use report::verdict::Verdict;
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;

const EXAMPLE: &str = "Examples:
  authbench compare reports/2026-11-01-before reports/2026-11-08-after
  authbench compare base head --reference none --fail-on-slower

What is compared is each row's ratio to a reference row of its own run: nanoseconds do not travel from one run to \
another, ratios do. The two runs share no rounds, so a change must be larger to be seen than a difference within a run.

Exit codes: 0 compared · 2 not comparable (and what to do) · 3 with --fail-on-slower: a row is proven slower by more \
than the plan's margin · 4 with --fail-on-slower: nothing could be ranked";

/// Compare two recordings of one plan by their in-run ratios
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct CompareArgs {
    /// Recording of the run compared with
    base: PathBuf,
    /// Recording of the other
    head: PathBuf,
    /// Row that the others are divided by [default: the plan's baseline]
    #[arg(long, value_name = "ROW")]
    reference: Option<String>,
    /// Compare although plan, scenario, machine or build profile differ
    #[arg(long)]
    anyway: bool,
    /// Exit with code 3 when a row is proven slower by more than the margin
    #[arg(long)]
    fail_on_slower: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A recording and its analysis.
pub(crate) struct Run {
    pub(crate) recording: Recording,
    pub(crate) analysis: Analysis,
}

impl Run {
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let recording = Recording::open(folder)?;
        let analysis = analyse(&recording.plan, &recording.blocks, &Context::of(&recording));
        Ok(Self { recording, analysis })
    }

    pub(crate) fn side(&self) -> Side<'_> {
        Side { plan: &self.recording.plan, blocks: &self.recording.blocks, analysis: &self.analysis }
    }
}

/// Two runs, held against each other.
#[derive(Debug, Serialize)]
pub(crate) struct Compared {
    pub(crate) reference: String,
    /// What differs between the runs; not empty only with `--anyway`.
    pub(crate) differs: Vec<Refusal>,
    pub(crate) changes: Vec<Change>,
}

pub(crate) fn run(args: &CompareArgs, output: &mut Output) -> Result<Exit, Failure> {
    let compared = Compared::of([&args.base, &args.head], args.reference.as_deref(), args.anyway)?;
    let exit = if args.fail_on_slower { compared.gate() } else { Exit::Good };
    if args.json {
        output.json(&compared)?;
    } else {
        print(&compared, output)?;
    }
    Ok(exit)
}

impl Compared {
    /// Reads two recordings, and refuses what is not comparable unless `anyway`.
    pub(crate) fn of(folders: [&Path; 2], reference: Option<&str>, anyway: bool) -> Result<Self, Failure> {
        let (base, head) = (Run::read(folders[0])?, Run::read(folders[1])?);
        let differs = refusals(&base.recording, &head.recording);
        if !differs.is_empty() && !anyway {
            let reasons: Vec<String> = differs.iter().map(|refusal| format!("\n  {refusal}")).collect();
            return Err(Failure::usage(format!("these runs are not comparable:{}", reasons.concat()))
                .hint("measure both with the same plan on the same machine, or insist: --anyway"));
        }
        let reference = reference.map_or_else(|| head.recording.plan.baseline.clone(), str::to_owned);
        for (run, folder) in [(&base, folders[0]), (&head, folders[1])] {
            if run.analysis.role(&reference).is_none() {
                let rows: Vec<&str> = run.analysis.rows.iter().map(|(name, _)| name.as_str()).collect();
                return Err(Failure::usage(format!("{} has no row `{reference}`", folder.display()))
                    .hint(format!("name one of its rows with --reference: {}", rows.join(", "))));
            }
        }
        let changes = changes(base.side(), head.side(), &reference);
        Ok(Self { reference, differs, changes })
    }

    /// 3 where a row became slower by more than the margin, 4 where nothing could be ranked.
    pub(crate) fn gate(&self) -> Exit {
        if self.changes.iter().any(|change| change.verdict == Verdict::Slower && change.material) {
            Exit::Violated
        } else if self.changes.iter().all(|change| change.verdict == Verdict::Unranked) {
            Exit::Void
        } else {
            Exit::Good
        }
    }
}

fn print(compared: &Compared, output: &mut Output) -> Result<(), Failure> {
    for refusal in &compared.differs {
        output.line(&format!("warning: {refusal}"))?;
    }
    output.line(&format!(
        "Each row divided by {} of its own run; the change is head over base.",
        compared.reference
    ))?;
    print_changes(&compared.changes, output)
}

/// One line per row, under a heading per scenario and metric.
pub(crate) fn print_changes(changes: &[Change], output: &mut Output) -> Result<(), Failure> {
    let mut heading = String::new();
    for change in changes {
        let distance = match change.store_rtt_us {
            0 => String::new(),
            micros => format!(", store {micros} µs away"),
        };
        let next = format!("{}{distance}: {}", change.scenario, change.metric.label());
        if next != heading {
            output.line(&format!("\n{next}"))?;
            heading = next;
        }
        output.line(&line(change))?;
    }
    Ok(())
}

fn line(change: &Change) -> String {
    let plain =
        |figure: Option<report::model::Figure>| figure.map_or("-".to_owned(), |figure| ratio(figure.value));
    let interval = match change.change.and_then(|figure| figure.interval()) {
        Some((low, high)) => format!(" [{low:.3}, {high:.3}]"),
        None => String::new(),
    };
    let resolvable = match (change.verdict, change.resolvable) {
        (Verdict::Inconclusive, Some(share)) => format!(" (could have resolved {:.1} %)", share * 100.0),
        _ => String::new(),
    };
    let why = change.unranked.map(|why| format!(": {}", why.label())).unwrap_or_default();
    let material = if change.material { ", by more than the margin" } else { "" };
    format!(
        "  {:24} {} → {}  change {}{interval}  {} {}{material}{resolvable}{why}",
        change.row,
        plain(change.base),
        plain(change.head),
        plain(change.change),
        change.verdict.glyph(),
        change.verdict.label_on(change.metric),
    )
}
