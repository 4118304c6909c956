//! `report.html` of a fault plan: sentences, one timeline and one table for each fault. No script, nothing loaded.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{STYLE, marked, num, policy_of, sentence};
use crate::faults::{FaultReport, Flood, Lane, Mark, Row, Share};
use crate::number::{self, count, time};

/// Height of a lane, and its distance from the next, pixels.
const LANE: (f64, f64) = (14.0, 20.0);

pub(crate) fn page(report: &FaultReport) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy_of(STYLE, None));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "authbench " (report.tool) };
                title { "authbench: " (report.plan) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a .skip href="#main" { "Skip to the answer" }
                header {
                    p .eyebrow { span { b { "authbench" } " · fault plan " code { (report.plan) } }
                        @if !report.complete { span .badge .warn { "stopped before the end" } } }
                    h1 { "What does each design answer while its store, a server or a clock fails?" }
                }
                main #main {
                    (alarm(report))
                    section .answer aria-label="The answer" {
                        @for words in &report.answer { div .card { p { (sentence(words)) } } }
                    }
                    (sections(report))
                    (provenance(report))
                }
            }
        }
    }
}

/// The part of a run's page, where faults were recorded beside the run.
pub(super) fn part(report: Option<&FaultReport>) -> Markup {
    let Some(report) = report else { return html! {} };
    html! {
        section aria-labelledby="faults-title" {
            h2 #faults-title { "What fails, and what is answered then" }
            p .lead { "Recorded beside this run by plan " code { (report.plan) } ", data " code { (report.data_sha256) } "." }
            @for words in &report.answer { p .says { (sentence(words)) } }
        }
        (alarm(report))
        (sections(report))
    }
}

fn alarm(report: &FaultReport) -> Markup {
    let mut all = report.contradictions().peekable();
    if all.peek().is_none() {
        return html! {};
    }
    html! {
        section .alarm aria-labelledby="against-title" {
            h2 #against-title { "✗ Not as declared" }
            ul { @for (row, words) in all { li { code { (row.backend) } ", " (row.fault) ": " (marked(words)) "." } } }
        }
    }
}

/// Each fault with its timeline and table, then the floods; nothing where there is neither.
fn sections(report: &FaultReport) -> Markup {
    html! {
        @for fault in &report.faults {
            section aria-labelledby={ "fault-" (fault.fault) } {
                h2 id={ "fault-" (fault.fault) } { code { (fault.fault) } " " small { (fault.words) } }
                figure .wide {
                    figcaption { h3 { "What requests were answered" } p .says { (sentence(&fault.says)) } }
                    (timelines(&fault.fault, &fault.rows.iter().collect::<Vec<_>>()))
                    (key())
                }
                (table(&fault.rows.iter().collect::<Vec<_>>()))
            }
        }
        @if !report.floods.is_empty() {
            section aria-labelledby="fault-login-flood" {
                h2 #fault-login-flood { code { "login-flood" } " " small { "more logins come than passwords can be hashed" } }
                figure .wide {
                    figcaption { h3 { "What requests were answered" } }
                    (timelines("login-flood", &report.floods.iter().map(|flood| &flood.row).collect::<Vec<_>>()))
                    (key())
                }
                (floods(&report.floods))
            }
        }
    }
}

fn key() -> Markup {
    let swatch = |class: &str, words: &str| {
        html! {
            span { svg aria-hidden="true" width="22" height="12" { rect class=(class) width="22" height="12" {} } " " (words) }
        }
    };
    html! { p .key {
        (swatch("lane-ok", "let in")) (swatch("lane-503", "503")) (swatch("lane-401", "401"))
        (swatch("lane-other", "something else")) (swatch("lane-none", "no answer"))
        span { "Across: time. Up: share of the requests. Between the lines: the fault." }
    } }
}

/// One lane for each design, its requests over time.
fn timelines(fault: &str, rows: &[&Row]) -> Markup {
    let length_ns = rows.iter().map(|row| row.length_ns).max().unwrap_or(0).max(1) as f64;
    let bottom = LANE.1 * rows.len() as f64;
    let at = |ns: f64| format!("{:.2}%", (ns / length_ns).clamp(0.0, 1.0) * 100.0);
    let ticks = (0..).map(|second| f64::from(second) * 1e9).take_while(|ns| *ns <= length_ns);
    let step = if length_ns > 12e9 { 2 } else { 1 };
    html! {
        div .lanes {
            div .lane-names aria-hidden="true" {
                @for row in rows { div { (row.mark.glyph()) " " code { (row.backend) } } }
            }
            svg .chart role="img" width="100%" height=(bottom + 22.0)
                aria-labelledby={ "lanes-" (fault) "-t" } {
                title id={ "lanes-" (fault) "-t" } { "Answers to requests over time, one lane for each design" }
                @for (at_row, row) in rows.iter().enumerate() {
                    svg x="0" y=(LANE.1 * at_row as f64 + 3.0) width=(at(row.length_ns as f64)) height=(LANE.0)
                        viewBox={ "0 0 " (requests(row).len().max(1)) " 100" } preserveAspectRatio="none" {
                        title { (row.backend) ": " (row.requests.words()) " during the fault" }
                        (lane(row))
                    }
                    @for edge in [row.began_at_ns, row.lifted_at_ns] {
                        line .lane-edge x1=(at(edge as f64)) x2=(at(edge as f64))
                            y1=(LANE.1 * at_row as f64) y2=(LANE.1 * (at_row as f64 + 1.0)) {}
                    }
                }
                @for ns in ticks.step_by(step) {
                    text .tick x=(at(ns)) y=(bottom + 16.0) text-anchor=(if ns == 0.0 { "start" } else { "middle" }) { (number::time_tick(ns)) }
                }
            }
        }
    }
}

fn requests(row: &Row) -> Vec<Share> {
    row.lanes.iter().find(|lane| lane.operation == "request").map(Lane::pieces).unwrap_or_default()
}

/// One kind of answers.
type CountOf = fn(&Share) -> u64;

/// Shares stacked from the bottom: let in, 503, 401, something else, no answer. Pieces that are alike are one step.
fn lane(row: &Row) -> Markup {
    let kinds: [(&str, CountOf); 5] = [
        ("lane-ok", |share| share.ok),
        ("lane-503", |share| share.unavailable),
        ("lane-401", |share| share.refused),
        ("lane-other", |share| share.other),
        ("lane-none", |share| share.none),
    ];
    let requests = requests(row);
    let mut below = vec![0.0; requests.len()];
    let mut paths = Vec::new();
    for (class, of) in kinds {
        let above: Vec<f64> = requests
            .iter()
            .zip(&below)
            .map(|(share, below)| below + of(share) as f64 * 100.0 / share.total().max(1) as f64)
            .collect();
        let steps = steps(&below, &above);
        if !steps.is_empty() {
            paths.push((class, steps));
        }
        below = above;
    }
    html! { @for (class, steps) in paths { path class=(class) d=(steps) {} } }
}

/// The area between two step functions, as one rectangle for each run of equal steps.
fn steps(below: &[f64], above: &[f64]) -> String {
    let level = |value: f64| (100.0 - value).round().clamp(0.0, 100.0);
    let mut text = String::new();
    let mut at = 0;
    while at < above.len() {
        let here = (level(below[at]), level(above[at]));
        let mut end = at + 1;
        while end < above.len() && (level(below[end]), level(above[end])) == here {
            end += 1;
        }
        if here.0 > here.1 {
            text.push_str(&format!("M{at} {}H{end}V{}H{at}Z", here.0, here.1));
        }
        at = end;
    }
    text
}

fn table(rows: &[&Row]) -> Markup {
    html! {
        details {
            summary { "The numbers" }
            div .scroll tabindex="0" role="region" aria-label="Numbers" {
                table .nums {
                    thead { tr {
                        th scope="col" { "Design" } th scope="col" { "Result" } th scope="col" { "Requests meanwhile" }
                        th scope="col" { "Logins meanwhile" } th scope="col" { "Longest wait" } th scope="col" { "Ended let in" }
                        th scope="col" { "Longest" } th scope="col" { "Valid refused" } th scope="col" { "Logins lost" }
                        th scope="col" { "503" } th scope="col" { "Recovers after" }
                    } }
                    tbody { @for row in rows { tr {
                        th scope="row" { code { (row.backend) } }
                        td .t { (row.mark.glyph()) " " (row.mark.label())
                            @if row.mark == Mark::Void { small { (row.void.as_deref().unwrap_or_default()) } } }
                        td .t { (row.requests.words()) }
                        td .t { (row.operations.get("login").map_or_else(|| "–".to_owned(), |share| share.words())) }
                        td { (num(row.longest_ns as f64, &time(row.longest_ns as f64))) }
                        td { (num(row.wrong_accepts as f64, &count(row.wrong_accepts))) " of " (count(row.replays))
                            @if row.wrong_accepts > 0 { small { (if row.loss_reported { "said by the server" } else { "unsaid" }) } } }
                        td { @if row.wrong_for_ns > 0 { (num(row.wrong_for_ns as f64, &time(row.wrong_for_ns as f64))) } @else { "–" } }
                        td { (num(row.wrong_rejects as f64, &count(row.wrong_rejects))) " of " (count(row.presented)) }
                        td { (num(row.lost_logins as f64, &count(row.lost_logins))) " of " (count(row.subjects)) }
                        td { (num(row.shed as f64, &count(row.shed))) }
                        td { @match row.recovery_ns {
                            Some(ns) => (num(ns as f64, &if ns == 0 { "at once".to_owned() } else { time(ns as f64) })),
                            None => "not before the end",
                        } }
                    } } }
                }
            }
        }
    }
}

fn floods(floods: &[Flood]) -> Markup {
    html! {
        div .scroll tabindex="0" role="region" aria-label="Logins by force" {
            table .nums {
                thead { tr {
                    th scope="col" { "Design" } th scope="col" { "p99 of requests before" } th scope="col" { "during" }
                    th scope="col" { "Rise" } th scope="col" { "Logins granted" } th scope="col" { "shed" }
                    th scope="col" { "Shed within, p50" } th scope="col" { "longest" } th scope="col" { "CPU before" } th scope="col" { "during" }
                } }
                tbody { @for flood in floods { tr {
                    th scope="row" { code { (flood.row.backend) } }
                    td { (num(flood.before.p99_ns as f64, &time(flood.before.p99_ns as f64))) }
                    td { (num(flood.during.p99_ns as f64, &time(flood.during.p99_ns as f64))) }
                    td { @match flood.p99_ratio { Some(rise) => (num(rise, &number::ratio(rise))), None => "–" } }
                    td { (num(flood.granted.count as f64, &count(flood.granted.count))) }
                    td { (num(flood.shed_logins.count as f64, &count(flood.shed_logins.count))) }
                    td { (num(flood.shed_logins.p50_ns as f64, &time(flood.shed_logins.p50_ns as f64))) }
                    td { (num(flood.shed_logins.max_ns as f64, &time(flood.shed_logins.max_ns as f64))) }
                    td { (num(flood.cpu_before, &number::percent(flood.cpu_before))) }
                    td { (num(flood.cpu_during, &number::percent(flood.cpu_during))) }
                } } }
            }
        }
    }
}

fn provenance(report: &FaultReport) -> Markup {
    html! {
        section aria-labelledby="provenance-title" {
            h2 #provenance-title { "Where the numbers come from" }
            dl .facts {
                div { dt { "Plan, registered before the data" } dd { code { (report.plan_sha256) } } }
                div { dt { "Data" } dd { code { (report.data_sha256) } } }
                div { dt { "Seed" } dd { code { (report.seed) } } }
                div { dt { "Servers of each design" } dd { (report.replicas) } }
                div { dt { "Deadline of a request" } dd { (num(report.deadline_ns as f64, &time(report.deadline_ns as f64)))
                    ", and " (num(report.tolerance_ns as f64, &time(report.tolerance_ns as f64))) " of tolerance" } }
                div { dt { "Machine" } dd { (report.machine) } }
            }
            details {
                summary { "What each design declares" }
                div .scroll tabindex="0" role="region" aria-label="Declarations" { table {
                    thead { tr { th scope="col" { "Design" } th scope="col" { "Store down" } th scope="col" { "Works after its end" } th scope="col" { "What it is" } } }
                    tbody { @for design in &report.designs { tr {
                        th scope="row" { code { (design.backend) } }
                        td { (design.store_down) } td { (design.revocation_lag) } td { (design.summary) }
                    } } }
                } }
            }
            @for skipped in &report.skipped { p { "Skipped " code { (skipped.backend) } ": " (marked(&skipped.reason)) } }
        }
        footer { p { "authbench " (report.tool) ". Every number on this page stands in " code { "report.json" } "." } }
    }
}
