//! Decision records (MADR 4.0.0) whose numbers can be derived again from the recording they rest on.
//!
//! The tool writes drivers, options, what speaks for and against each, and how to check it; it never chooses. What it
//! writes stands between two comments that name plan, data and prices by their hashes; everything outside belongs to the
//! people who decide. [`verify`] writes these parts anew and compares them line by line.

mod document;
mod options;
mod part;

use measure::Recording;

use crate::comparison::Analysis;
use crate::controls::RunState;
use crate::cost::Cost;

pub use document::document;
pub use part::{AdrError, Mark, Part, parse};

/// What a decision record rests on.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// What the comparison layer makes of it.
    pub analysis: &'a Analysis,
    /// Its cost.
    pub cost: &'a Cost,
    /// Where the recording lies, as the record names it: relative to the record's folder.
    pub place: &'a str,
    /// The price sheet, as the record names it: a file or a built-in name.
    pub prices: &'a str,
}

/// A line that the data no longer give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Line of the record, from 1.
    pub line: usize,
    /// What the record says; empty where a line is missing.
    pub says: String,
    /// What the data give; empty where they give nothing.
    pub data: String,
}

/// Why a recording supports no decision, if it does not.
#[must_use]
pub fn void(recording: &Recording, analysis: &Analysis) -> Option<String> {
    if !recording.is_complete() {
        return Some("the run was interrupted: its plan was not carried out to the end".to_owned());
    }
    if analysis.scenarios.iter().all(|scenario| scenario.rows.iter().all(|row| row.blocks == row.void)) {
        return Some("no block of a paired scenario is usable".to_owned());
    }
    match analysis.state {
        RunState::Unreliable => Some(format!("the run is unreliable: {}", analysis.reasons.join("; "))),
        _ => None,
    }
}

/// Compares every part of a record with what the evidence gives now. Nothing is returned when all of it agrees.
#[must_use]
pub fn verify(parts: &[Part], evidence: &Evidence<'_>) -> Vec<Drift> {
    parts.iter().flat_map(|part| drift(part, evidence)).collect()
}

fn drift(part: &Part, evidence: &Evidence<'_>) -> Vec<Drift> {
    let mut found = Vec::new();
    let marks = [
        ("plan", &part.mark.plan, evidence.recording.plan_sha256.as_str()),
        ("data", &part.mark.data, evidence.recording.sha256.as_deref().unwrap_or("none: interrupted")),
        ("prices", &part.mark.prices_sha256, evidence.cost.sheet_sha256.as_str()),
    ];
    for (what, says, data) in marks {
        if says != data {
            let named = |hash: &str| format!("{what}=sha256:{hash}");
            found.push(Drift { line: part.line, says: named(says), data: named(data) });
        }
    }
    let given = document::part_lines(&part.mark.name, evidence);
    let longest = part.lines.len().max(given.len());
    for at in 0..longest {
        let says = part.lines.get(at).map_or("", |line| line.trim_end());
        let data = given.get(at).map_or("", |line| line.trim_end());
        if says != data {
            found.push(Drift { line: part.line + 1 + at, says: says.to_owned(), data: data.to_owned() });
        }
    }
    found
}
