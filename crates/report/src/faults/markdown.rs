//! `report.md` of a fault plan: sentences and one table for each fault, at most 60 KB.

use std::fmt::Write as _;

use super::{FaultReport, Row, says};
use crate::model::{Part, Sentence};
use crate::number::{count, time};

/// Largest size, bytes.
const LIMIT: usize = 60 * 1024;
/// Kept free for the line that says what was left out.
const RESERVE: usize = 256;

pub(super) fn render(report: &FaultReport) -> String {
    let mut text = head(report);
    let mut left_out = 0;
    for section in sections(report) {
        if text.len() + section.len() + RESERVE > LIMIT {
            left_out += 1;
        } else {
            text.push_str(&section);
        }
    }
    if left_out > 0 {
        let _ = writeln!(text, "\n_{left_out} sections did not fit here: see report.html._");
    }
    text
}

/// The part of a run's `report.md`: sentences, no tables.
pub(crate) fn part(report: &FaultReport) -> String {
    titled("##", report)
}

fn head(report: &FaultReport) -> String {
    titled("#", report)
}

fn titled(level: &str, report: &FaultReport) -> String {
    let mut text = format!("{level} What each design answers while its store, a server or a clock fails\n\n");
    for sentence in &report.answer {
        let _ = writeln!(text, "- {}", words(sentence));
    }
    let against: Vec<_> = report.contradictions().collect();
    if !against.is_empty() {
        text.push_str("\n**✗ Not as declared**\n\n");
        for (row, sentence) in against {
            let _ = writeln!(text, "- `{}`, {}: {}", row.backend, row.fault, plain(sentence));
        }
    }
    text
}

fn sections(report: &FaultReport) -> Vec<String> {
    let mut sections = Vec::new();
    for fault in &report.faults {
        let mut text = format!("\n## {}: {}\n\n{}\n\n", fault.fault, fault.words, words(&fault.says));
        text.push_str(
            "| | Design | Meanwhile | Longest wait | Ended let in | Valid refused | Lost | Recovers |\n",
        );
        text.push_str("|---|---|---|---:|---:|---:|---:|---:|\n");
        for row in &fault.rows {
            let _ = writeln!(text, "{}", line(row));
        }
        sections.push(text);
    }
    if !report.floods.is_empty() {
        let mut text = "\n## login-flood: more logins come than passwords can be hashed\n\n".to_owned();
        for flood in &report.floods {
            let _ = writeln!(text, "- {}", words(&says::flood(flood)));
        }
        sections.push(text);
    }
    let mut last = "\n## Where the numbers come from\n\n".to_owned();
    let _ = writeln!(
        last,
        "Plan `{}` (SHA-256 `{}`), data `{}`, seed {}, {} servers each, {}. ✓ as declared, △ at a price, ✗ not as \
         declared, – shows nothing. `!`: no server says so.",
        report.plan,
        report.plan_sha256,
        report.data_sha256,
        report.seed,
        report.replicas,
        plain(&report.machine)
    );
    for skipped in &report.skipped {
        let _ = writeln!(last, "\n`{}` was skipped: {}", skipped.backend, plain(&skipped.reason));
    }
    sections.push(last);
    sections
}

fn line(row: &Row) -> String {
    let recovers = row.recovery_ns.map_or_else(
        || "not before the end".to_owned(),
        |ns| if ns == 0 { "at once".to_owned() } else { time(ns as f64) },
    );
    let said = if row.wrong_accepts > 0 && !row.loss_reported { "!" } else { "" };
    format!(
        "| {} | `{}` | {} | {} | {}{said} of {} | {} of {} | {} of {} | {recovers} |",
        row.mark.glyph(),
        row.backend,
        row.void.as_ref().map_or_else(|| row.requests.words(), |why| plain(why)),
        time(row.longest_ns as f64),
        count(row.wrong_accepts),
        count(row.replays),
        count(row.wrong_rejects),
        count(row.presented),
        count(row.lost_logins),
        count(row.subjects),
    )
}

fn words(sentence: &Sentence) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => plain(text),
        Part::Name(name) => format!("`{name}`"),
        Part::Figure { text, .. } => format!("**{text}**"),
    };
    sentence.0.iter().map(part).collect()
}

/// Text that cannot be taken for markup, on one line.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '|' | '[' | ']' | '#' | '~' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
