//! Results in the terminal: one line per backend, then what fails and with what evidence.

use std::io::{IsTerminal, Write};

use conformance::outcome::{BackendResult, Evidence, Results};
use conformance::{StatementResult, Verdict};

use crate::error::Failure;
use crate::output::Output;

/// Steps that are shown of a statement that fails.
const SHOWN: usize = 5;

/// Where a check stands, on stderr where that is a terminal.
pub(super) struct Progress {
    name: String,
    shown: bool,
}

impl Progress {
    pub(super) fn of(name: &str) -> Self {
        Self { name: name.to_owned(), shown: std::io::stderr().is_terminal() }
    }

    pub(super) fn at(&self, statement: &str) {
        self.write(&format!("\r\x1b[K{}: {statement}", self.name));
    }

    pub(super) fn finish(&self) {
        self.write("\r\x1b[K");
    }

    fn write(&self, text: &str) {
        if self.shown {
            let mut stderr = anstream::stderr().lock();
            // With stderr gone there is nobody left to tell.
            let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
        }
    }
}

pub(super) fn results(output: &mut Output, results: &Results, details: bool) -> Result<(), Failure> {
    let width = results.backends.iter().map(|backend| backend.backend.len()).max().unwrap_or(0).max(7);
    output.line(&format!(
        "{:width$}  {:>5}  {:>5}  {:>14}  {:>7}  {:>7}",
        "backend", "holds", "fails", "does not apply", "not run", "attacks"
    ))?;
    for backend in &results.backends {
        output.line(&line(backend, width))?;
    }
    for backend in &results.backends {
        if details {
            every(output, backend)?;
        }
        for statement in backend.failing() {
            output.line("")?;
            failing(output, &backend.backend, statement)?;
        }
        if let Some(why) = &backend.broken {
            output.line(&format!("\n✗ {} could not be checked: {why}", backend.backend))?;
        }
    }
    Ok(())
}

fn line(backend: &BackendResult, width: usize) -> String {
    if backend.broken.is_some() {
        return format!("{:width$}  could not be checked", backend.backend);
    }
    let count = |verdict| backend.count(verdict);
    format!(
        "{:width$}  {:>5}  {:>5}  {:>14}  {:>7}  {:>7}",
        backend.backend,
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::DoesNotApply),
        count(Verdict::NotRun),
        backend.cases(),
    )
}

fn every(output: &mut Output, backend: &BackendResult) -> Result<(), Failure> {
    output.line(&format!("\n{}", backend.backend))?;
    for statement in &backend.statements {
        let glyph = match statement.verdict {
            Verdict::Pass => "✓",
            Verdict::Fail => "✗",
            Verdict::DoesNotApply => "–",
            Verdict::NotRun => "?",
        };
        output.line(&format!("  {glyph} {:3} {}", statement.id, statement.text))?;
        if !statement.reason.is_empty() {
            output.line(&format!("        {}", statement.reason))?;
        }
    }
    Ok(())
}

fn failing(output: &mut Output, backend: &str, statement: &StatementResult) -> Result<(), Failure> {
    output.line(&format!("✗ {backend} {}: {}", statement.id, statement.text))?;
    output.line(&format!("  demanded by {}", statement.source))?;
    let wrong: Vec<&Evidence> = statement.evidence.iter().filter(|evidence| !evidence.good).collect();
    for evidence in wrong.iter().take(SHOWN) {
        output.line(&format!("  · {}", evidence.step))?;
        output.line(&format!("      wanted: {}", evidence.wanted))?;
        output.line(&format!("      came back: {}", indented(&evidence.came_back)))?;
        if !evidence.sent.is_empty() {
            output.line(&format!("      sent: {}", indented(&evidence.sent)))?;
        }
    }
    if wrong.len() > SHOWN {
        output.line(&format!("  · and {} more: --json shows all", wrong.len() - SHOWN))?;
    }
    Ok(())
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n        ")
}
