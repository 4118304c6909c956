//! The security checks: a table of the backends, what does not hold with what was sent and came back, every statement.

use maud::{Markup, html};

use super::{marked, num, slug};
use crate::model::{Conformance, ConformanceRow, Exchange, Report, StatementResult, StatementVerdict};
use crate::number;

pub(super) fn conformance(report: &Report) -> Markup {
    html! {
        @if let Some(conformance) = &report.conformance {
            section aria-labelledby="conformance-title" {
                h2 #conformance-title { "Does it hold what security demands?" }
                p { (marked(&summary(conformance))) }
                div .scroll tabindex="0" role="region" aria-label="Security checks" { (table(conformance)) }
                @for row in &conformance.backends { @for result in row.failing() { (failing(conformance, row, result)) } }
                details {
                    summary { "Every statement, with an example of what was sent and what came back" }
                    @for statement in &conformance.statements {
                        h3 #(slug("statement", &statement.id)) { (statement.id) ". " (marked(&statement.text)) }
                        p .quiet { "Demanded by " (statement.source) ". " (outcomes(conformance, &statement.id)) }
                        @if let Some(exchange) = example(conformance, &statement.id) { (shown(exchange)) }
                    }
                }
                p .quiet { "What was sent to each backend, the steps of each check and why a statement does not apply stand in " code { "report.json" } "." }
            }
        }
    }
}

fn summary(conformance: &Conformance) -> String {
    let names = |of: fn(&&ConformanceRow) -> bool| {
        let names: Vec<String> =
            conformance.backends.iter().filter(of).map(|row| format!("`{}`", row.row)).collect();
        names.join(", ")
    };
    let (failing, broken) = (names(|row| row.fails > 0), names(|row| row.broken.is_some()));
    let mut text = match failing.is_empty() {
        true => "Every statement that applies and could be run holds.".to_owned(),
        false => format!("A statement does not hold for {failing}: no rank."),
    };
    if !broken.is_empty() {
        text.push_str(&format!(" Not checked: {broken}."));
    }
    text
}

fn table(conformance: &Conformance) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Backend" } th scope="col" { "Holds" } th scope="col" { "Does not hold" }
                th scope="col" { "Does not apply" } th scope="col" { "Not run" } th scope="col" { "Attacks sent" }
            } }
            tbody {
                @for row in &conformance.backends {
                    tr data-row=(row.row) {
                        th scope="row" { code { (row.row) } }
                        @if let Some(why) = &row.broken {
                            td colspan="5" { "could not be checked: " (marked(why)) }
                        } @else {
                            @for count in [row.holds, row.fails, row.does_not_apply, row.not_run, row.attacks] {
                                td .n { (num(count as f64, &number::count(count))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn failing(conformance: &Conformance, row: &ConformanceRow, result: &StatementResult) -> Markup {
    let text = conformance.statement(&result.id).map_or("", |statement| statement.text.as_str());
    html! {
        details open {
            summary { "✗ " code { (row.row) } " " (result.id) ": " (marked(text)) }
            @for exchange in &result.exchanges { (shown(exchange)) }
        }
    }
}

fn shown(exchange: &Exchange) -> Markup {
    html! {
        dl .facts {
            div { dt { (exchange.step) } dd { "wanted: " (exchange.wanted) } }
            @if !exchange.sent.is_empty() { div { dt { "sent" } dd { (lines(&exchange.sent)) } } }
            div { dt { "came back" } dd { (lines(&exchange.came_back)) } }
        }
    }
}

fn lines(text: &str) -> Markup {
    html! { @for (i, line) in text.lines().enumerate() { @if i > 0 { br; } code { (line) } } }
}

/// For which backends it came out how.
fn outcomes(conformance: &Conformance, id: &str) -> Markup {
    use StatementVerdict::{DoesNotApply, Fails, Holds, NotRun};
    let of = |verdict: StatementVerdict| -> Vec<&str> {
        let came_out = |row: &&ConformanceRow| {
            row.results.iter().any(|result| result.id == id && result.verdict == verdict)
        };
        conformance.backends.iter().filter(came_out).map(|row| row.row.as_str()).collect()
    };
    html! {
        @for (verdict, rows) in [Holds, Fails, DoesNotApply, NotRun].map(|verdict| (verdict, of(verdict))) {
            @if !rows.is_empty() {
                br; (verdict.glyph()) " " (verdict.label()) ": "
                @for (i, row) in rows.iter().enumerate() { @if i > 0 { ", " } code { (row) } }
            }
        }
    }
}

/// Of the first backend for which it was run.
fn example<'a>(conformance: &'a Conformance, id: &str) -> Option<&'a Exchange> {
    let results = conformance.backends.iter().flat_map(|row| &row.results).filter(|result| result.id == id);
    let mut exchanges = results.flat_map(|result| &result.exchanges);
    let sent = exchanges.clone().find(|exchange| !exchange.sent.is_empty());
    sent.or_else(|| exchanges.next())
}
