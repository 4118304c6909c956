//! `authbench report`: the report of a recording, built again without measuring.

use std::path::{Path, PathBuf};

use measure::drill::DrillRecording;
use measure::faults::FaultRecording;
use measure::memory::MemoryRun;
use report::Format;
use report::faults::FaultReport;

use crate::commands::{drill, faults, memory};
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::pricing::{self, Pricing};
use crate::reporting::Reported;

const EXAMPLE: &str = "Examples:
  authbench report reports/local/2026-11-23-quick
  authbench report reports/local/2026-11-23-quick --format json | jq '.answer'
  authbench report reports/local/2026-11-23-quick --format markdown >> \"$GITHUB_STEP_SUMMARY\"
  authbench report reports/local/2026-11-23-quick --out again

What was measured beside it is shown with it: capacity.json in the folder of the recording, and the folder `memory`
inside it. A folder that `authbench memory` or `authbench drill` wrote can be named alone as well.

The same recording gives the same bytes. A recording that was changed is refused; one that was cut off is reported with
its finished blocks. The exit code is the one that `run` had: 3 for wrong answers or a contradicted claim, 4 where
nothing can be ranked or the recording was changed.";

/// Build the report of a recording again
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct ReportArgs {
    /// Folder of the recording, of a memory law, or of a drill
    recording: PathBuf,
    /// Format: terminal (default), html, markdown, json, junit, bmf, gha-benchmark, openmetrics, cost, cost-curve, pareto (repeatable with --out)
    #[arg(long, value_name = "FORMAT", value_parser = format_from)]
    format: Vec<Format>,
    /// Write files into this folder instead of printing: report.html, report.md and report.json unless --format says else
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Test this claim as well, a file (repeatable)
    #[arg(long, value_name = "FILE")]
    claim: Vec<String>,
    #[command(flatten)]
    pricing: Pricing,
}

pub(crate) fn format_from(name: &str) -> Result<Format, String> {
    Format::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Format::ALL.into_iter().map(Format::name).collect();
        format!("known formats: {}", known.join(", "))
    })
}

pub(crate) fn run(args: &ReportArgs, output: &mut Output) -> Result<Exit, Failure> {
    if FaultRecording::is_in(&args.recording) {
        return of_faults(args, output);
    }
    if DrillRecording::is_in(&args.recording) {
        return match (&args.out, args.format.as_slice()) {
            (None, [] | [Format::Terminal]) => drill::again(&args.recording, false, &args.claim, output),
            (None, [Format::Json]) => drill::again(&args.recording, true, &args.claim, output),
            _ => Err(Failure::usage("a drill is printed as text or as JSON")
                .hint("--format terminal, or --format json")),
        };
    }
    if let Some(law) = memory_law(&args.recording)? {
        return match (&args.out, args.format.as_slice()) {
            (None, [] | [Format::Terminal]) => memory::again(&law, false, output),
            (None, [Format::Json]) => memory::again(&law, true, output),
            _ => Err(Failure::usage("a memory law alone is printed as text or as JSON")
                .hint("lay its folder into that of a recording, as `memory`, and report that one")),
        };
    }
    let sheet = pricing::sheet(&args.pricing.name)?;
    let reported = Reported::read(&args.recording, &args.claim, &sheet)?;
    match (&args.out, args.format.as_slice()) {
        (Some(folder), formats) => {
            let formats = if formats.is_empty() { &Format::USUAL[..] } else { formats };
            for path in report::write(folder, formats, &reported.report)? {
                output.line(&path.display().to_string())?;
            }
        }
        (None, [] | [Format::Terminal]) => reported.print(output)?,
        (None, [format]) => match report::export(*format, &reported.report)?.as_slice() {
            [artifact] => output.write(&artifact.bytes)?,
            several => return Err(several_files(&format!("{} is {} files", format.name(), several.len()))),
        },
        (None, _) => return Err(several_files("several formats are several files")),
    }
    Ok(reported.exit())
}

/// The memory law in a folder that holds nothing else.
fn memory_law(folder: &Path) -> Result<Option<MemoryRun>, Failure> {
    if folder.join("plan.toml").exists() { Ok(None) } else { Ok(MemoryRun::read(folder)?) }
}

/// The report of a fault plan's recording.
fn of_faults(args: &ReportArgs, output: &mut Output) -> Result<Exit, Failure> {
    let report = FaultReport::of(&FaultRecording::open(&args.recording)?);
    match (&args.out, args.format.as_slice()) {
        (Some(folder), []) => {
            std::fs::create_dir_all(folder)
                .map_err(|e| Failure::tool(format!("{} cannot be made", folder.display())).because(&e))?;
            for path in report::faults::write(folder, &report)? {
                output.line(&path.display().to_string())?;
            }
        }
        (None, []) => faults::print(&report, output)?,
        (None, [format]) => match report::faults::export(&report, *format) {
            Some(text) => output.text(&text)?,
            None => {
                let message = format!("the report of faults is not written as {}", format.name());
                return Err(Failure::usage(message).hint("terminal, html, markdown or json"));
            }
        },
        _ => {
            return Err(Failure::usage(
                "the report of faults is written whole into a folder, or printed in one format",
            )
            .hint("leave out --format, or --out"));
        }
    }
    Ok(faults::exit(&report))
}

fn several_files(message: &str) -> Failure {
    Failure::usage(message).hint("name a folder for them: --out DIR")
}
