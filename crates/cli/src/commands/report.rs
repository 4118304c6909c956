//! `authbench report`: the report of a recording, built again without measuring.

use std::path::PathBuf;

use report::Format;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::reporting::Reported;

const EXAMPLE: &str = "Examples:
  authbench report reports/local/2026-11-23-quick
  authbench report reports/local/2026-11-23-quick --format json | jq '.answer'
  authbench report reports/local/2026-11-23-quick --out /tmp/again

The same recording gives the same bytes. A recording that was changed is refused; one that was cut off is reported with
its finished blocks. The exit code is the one that `run` had: 3 for wrong answers or a contradicted claim, 4 where
nothing can be ranked.";

/// Build the report of a recording again
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct ReportArgs {
    /// Folder of the recording
    recording: PathBuf,
    /// Format to print
    #[arg(long, value_name = "FORMAT", default_value = "terminal", value_parser = format_from)]
    format: Format,
    /// Write every file of the report into this folder instead of printing
    #[arg(long, value_name = "DIR", conflicts_with = "format")]
    out: Option<PathBuf>,
    /// Test this claim as well, a file (repeatable)
    #[arg(long, value_name = "FILE")]
    claim: Vec<String>,
}

fn format_from(name: &str) -> Result<Format, String> {
    Format::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Format::ALL.into_iter().map(Format::name).collect();
        format!("known formats: {}", known.join(", "))
    })
}

pub(crate) fn run(args: &ReportArgs, output: &mut Output) -> Result<Exit, Failure> {
    let reported = Reported::read(&args.recording, &args.claim)?;
    match (&args.out, args.format) {
        (Some(folder), _) => {
            for path in reported.write(folder)? {
                output.line(&path.display().to_string())?;
            }
        }
        (None, Format::Terminal) => reported.print(output)?,
        (None, format) => {
            for artifact in report::export(format, &reported.report)? {
                output.write(&artifact.bytes)?;
            }
        }
    }
    Ok(reported.exit())
}
