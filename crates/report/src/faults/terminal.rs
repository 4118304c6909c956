//! The tables on the terminal, 80 columns.

use std::fmt::Write as _;

use super::{FaultReport, Row};
use crate::exporter::terminal::wrap;
use crate::number::{count, time};

/// Columns.
const WIDTH: usize = 80;

/// The whole report as text.
#[must_use]
pub fn terminal(report: &FaultReport) -> String {
    let mut out = String::new();
    for sentence in &report.answer {
        push_wrapped(&mut out, &sentence.to_string(), 0);
    }
    let contradictions: Vec<_> = report.contradictions().collect();
    if !contradictions.is_empty() {
        out.push_str("\nNOT AS DECLARED\n");
        for (row, sentence) in contradictions {
            push_wrapped(&mut out, &format!("✗ {}, {}: {sentence}", row.backend, row.fault), 2);
        }
    }
    for fault in &report.faults {
        push_line(&mut out, "");
        push_wrapped(&mut out, &format!("{}: {}", fault.fault, fault.words), 0);
        push_line(&mut out, HEAD);
        for row in &fault.rows {
            push_line(&mut out, &line(row));
        }
    }
    if !report.floods.is_empty() {
        push_line(&mut out, "\nlogin-flood: more logins come than passwords can be hashed");
        push_line(
            &mut out,
            "  design                p99 before  p99 during    rise  granted    shed  shed in",
        );
        for flood in &report.floods {
            let rise = flood.p99_ratio.map_or_else(|| "–".to_owned(), |rise| format!("{rise:.2}x"));
            let shed_in = time(flood.shed_logins.p50_ns as f64);
            push_line(
                &mut out,
                &format!(
                    "{} {:20} {:>11} {:>11} {rise:>7} {:>8} {:>7} {shed_in:>8}",
                    flood.row.mark.glyph(),
                    flood.row.backend,
                    time(flood.before.p99_ns as f64),
                    time(flood.during.p99_ns as f64),
                    count(flood.granted.count),
                    count(flood.shed_logins.count),
                ),
            );
        }
    }
    let void: Vec<&Row> = report.rows().filter(|row| row.void.is_some()).collect();
    if !void.is_empty() {
        out.push_str("\nSHOWS NOTHING\n");
        for row in void {
            let why = row.void.as_deref().unwrap_or_default();
            push_wrapped(&mut out, &format!("– {}, {}: {why}", row.backend, row.fault), 2);
        }
    }
    for skipped in &report.skipped {
        push_wrapped(
            &mut out,
            &format!("– skipped {}: {}; {}", skipped.backend, skipped.reason, skipped.advice),
            2,
        );
    }
    push_line(&mut out, "");
    push_wrapped(
        &mut out,
        "✓ as declared  △ at a price  ✗ not as declared  – shows nothing. In: uses of ended logins let in. Out: valid \
         ones refused. Lost: users without their login at the end. Waits are from the send.",
        0,
    );
    if !report.complete {
        out.push_str("\nStopped before the end.\n");
    }
    out
}

const HEAD: &str = "  design                meanwhile       longest     in    out   lost   recovers";

fn line(row: &Row) -> String {
    let recovers = row.recovery_ns.map_or_else(
        || "not yet".to_owned(),
        |ns| if ns == 0 { "at once".to_owned() } else { time(ns as f64) },
    );
    let said = if row.wrong_accepts > 0 && !row.loss_reported { "!" } else { "" };
    format!(
        "{} {:20}  {:14} {:>8} {:>6} {:>6} {:>6} {recovers:>10}",
        row.mark.glyph(),
        row.backend,
        row.requests.words(),
        time(row.longest_ns as f64),
        format!("{}{said}", count(row.wrong_accepts)),
        count(row.wrong_rejects),
        count(row.lost_logins),
    )
}

fn push_line(out: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{line}");
}

/// Words in lines of at most [`WIDTH`] columns, the further ones indented.
fn push_wrapped(out: &mut String, text: &str, indent: usize) {
    for (number, line) in wrap(text, WIDTH - indent).iter().enumerate() {
        let indent = if number == 0 { 0 } else { indent };
        push_line(out, &format!("{}{line}", " ".repeat(indent)));
    }
}
