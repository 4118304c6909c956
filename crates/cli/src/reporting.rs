//! From a recording to what is printed and written, and to the exit code that follows from it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use conformance::Results;
use measure::Recording;
use measure::block::BlockKind;
use report::Report;
use report::claims::{Claim, evaluate};
use report::comparison::{Context, analyse};
use report::controls::RunState;
use report::exporter::terminal::{Palette, render};
use report::model::Warning;
use report::prices::PriceSheet;
use report::verdict::Verdict;
use scenario::builtin::Shelf;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Output, width};

mod secured;

/// Results of `authbench conform` beside a recording.
pub(crate) const CONFORMANCE: &str = "conformance.json";

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
        let checked = checked(folder)?;
        let insecure = insecure(checked.as_ref());
        let mut context = Context { insecure: insecure.keys().cloned().collect(), ..Context::of(&recording) };
        if let Some(drill) = report::sweep::beside(&recording)? {
            context.special.extend(report::drill::figures(&drill.results));
        }
        context.special.extend(report::sweep::relogins(&recording));
        let mut analysis = analyse(&recording.plan, &recording.blocks, &context);
        analysis.special.extend(report::decision::figures(&recording, &analysis, sheet));
        let mut report = report::build_from(&recording, &analysis)?;
        let warnings = insecure.iter().filter(|(row, _)| report.row(row).is_some()).map(warning);
        let warnings: Vec<Warning> = warnings.collect();
        report.warnings.splice(0..0, warnings);
        report.conformance = checked.map(secured::of);
        report.cost = Some(report::cost::of(&recording, sheet, report.memory.as_ref()));
        report.claims = evaluate(&shipped_claims(claims)?, &analysis);
        Ok(Self { recording, report })
    }

    /// Prints the first screen.
    pub(crate) fn print(&self, output: &mut Output) -> Result<(), Failure> {
        // Styles are taken out again by the output where they have no place.
        output.text(&render(&self.report, Palette::colour(), width()))
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

/// The results that `conform --out` left beside the recording. None where nobody left any.
fn checked(folder: &Path) -> Result<Option<Results>, Failure> {
    let path = folder.join(CONFORMANCE);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Failure::tool(format!("{} cannot be read", path.display())).because(&error));
        }
    };
    let results = serde_json::from_slice(&text).map_err(|error| {
        Failure::usage(format!("{} is no file that `authbench conform --out` wrote", path.display()))
            .because(&error)
            .hint("write it again, or take it away")
    })?;
    Ok(Some(results))
}

/// The rows for which security statements do not hold, and these.
fn insecure(results: Option<&Results>) -> BTreeMap<String, Vec<String>> {
    let failing = results.into_iter().flat_map(|results| &results.backends).map(|backend| {
        let statements = backend.failing().map(|statement| statement.id.clone()).collect::<Vec<_>>();
        (backend.backend.clone(), statements)
    });
    failing.filter(|(_, statements)| !statements.is_empty()).collect()
}

fn warning((row, statements): (&String, &Vec<String>)) -> Warning {
    let (word, verb) = if statements.len() == 1 { ("statement", "does") } else { ("statements", "do") };
    Warning {
        text: format!("{row} has no rank: the security {word} {} {verb} not hold.", statements.join(", ")),
        advice: format!("`authbench conform {row}` shows what was sent and what came back"),
    }
}

/// The shipped claims, and those that are named: files or built-in names.
pub(crate) fn shipped_claims(further: &[String]) -> Result<Vec<Claim>, Failure> {
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
