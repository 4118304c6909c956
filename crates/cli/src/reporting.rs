//! From a recording to what is printed and written, and to the exit code that follows from it.

use std::path::Path;

use measure::Recording;
use measure::block::BlockKind;
use report::Report;
use report::claims::{Claim, evaluate};
use report::comparison::{Context, analyse};
use report::controls::RunState;
use report::exporter::terminal::{Palette, render};
use report::prices::PriceSheet;
use report::verdict::Verdict;
use scenario::builtin::Shelf;
use terminal_size::{Width, terminal_size_of};

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;

/// Columns where stdout is no terminal.
const COLUMNS: usize = 80;

/// A recording and what it says.
pub(crate) struct Reported {
    recording: Recording,
    /// The report.
    pub(crate) report: Report,
}

impl Reported {
    /// Reads a recording. The shipped claims are tested, and those in `claims` (files or built-in names) as well.
    /// Priced by `sheet`.
    pub(crate) fn read(folder: &Path, claims: &[String], sheet: &PriceSheet) -> Result<Self, Failure> {
        let recording = Recording::open(folder)?;
        let analysis = analyse(&recording.plan, &recording.blocks, &Context::of(&recording));
        let mut report = report::build_from(&recording, &analysis)?;
        report.cost = Some(report::cost::of(&recording, sheet));
        report.claims = evaluate(&self::claims(claims)?, &analysis);
        Ok(Self { recording, report })
    }

    /// Prints the first screen.
    pub(crate) fn print(&self, output: &mut Output) -> Result<(), Failure> {
        // Styles are taken out again by the output where they have no place.
        let width = terminal_size_of(std::io::stdout()).map_or(COLUMNS, |(Width(columns), _)| columns.into());
        output.text(&render(&self.report, Palette::colour(), width))
    }

    /// What follows for a script. A wrong answer is a fact, whatever the figures are worth; a claim is not.
    pub(crate) fn exit(&self) -> Exit {
        let report = &self.report;
        let mut ranked =
            self.recording.blocks.iter().filter(|block| block.kind == BlockKind::Paired).peekable();
        let all_void = ranked.peek().is_some() && ranked.all(|block| !block.validity.valid);
        let mut verdicts = report.scenarios.iter().flat_map(|scenario| &scenario.comparisons).peekable();
        let unranked = verdicts.peek().is_some() && verdicts.all(|it| it.verdict == Verdict::Unranked);
        let row_failed = report.rows.iter().any(|row| row.failure.is_some());
        if !report.wrong.is_empty() {
            Exit::Violated
        } else if !report.run.complete
            || row_failed
            || all_void
            || unranked
            || report.validity.status == RunState::Unreliable
        {
            Exit::Void
        } else if report.claims.iter().any(report::claims::ClaimResult::contradicts) {
            Exit::Violated
        } else {
            Exit::Good
        }
    }
}

fn claims(further: &[String]) -> Result<Vec<Claim>, Failure> {
    let shipped = Shelf::Claims.all().iter().map(|file| Ok(file.found()));
    let named = further.iter().map(|name| Shelf::Claims.resolve(name));
    shipped
        .chain(named)
        .map(|found| {
            let found = found?;
            Ok(Claim::parse(&found.path.display().to_string(), &found.text)?)
        })
        .collect()
}
