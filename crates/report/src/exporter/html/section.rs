//! The sections of the page around the decision table.

use maud::{Markup, html};

use super::{Depth, chart, decision::verdict_words, marked, num, sentence, slug};
use crate::answer::reading_order;
use crate::claims::ClaimResult;
use crate::metric::Metric;
use crate::model::{Report, Scenario};
use crate::number;

/// Titles of the answer's sentences.
const ASKED: [&str; 3] = ["What it costs", "What is equivalent", "How long a stolen credential works"];

pub(super) fn head(report: &Report) -> Markup {
    let run = &report.run;
    let status = report.validity.status;
    html! {
        header {
            p .eyebrow {
                span { b { "authbench" } " · plan " code { (run.plan) } }
                time datetime=(run.started) { (run.started.replace('T', " ").replace('Z', " UTC")) }
                span .badge .(status_class(report)) { b { (status.glyph()) } " " (status.label()) }
            }
            h1 { @for part in questions(&report.question) { span { (part) } " " } }
        }
    }
}

/// The questions of the heading, one a line.
fn questions(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive("? ").map(str::trim)
}

fn status_class(report: &Report) -> &'static str {
    use crate::controls::RunState;
    match report.validity.status {
        RunState::Ok => "good",
        RunState::Uncontrolled | RunState::LowResolution => "warn",
        RunState::Unreliable => "bad",
    }
}

pub(super) fn wrong(report: &Report) -> Markup {
    if report.wrong.is_empty() {
        return html! {};
    }
    html! {
        section .alarm aria-labelledby="wrong-title" {
            h2 #wrong-title { "✗ Wrong answers" }
            p { "These backends broke what they declare, so they have no rank." }
            ul {
                @for wrong in &report.wrong {
                    li {
                        code { (wrong.row) } " in " code { (wrong.scenario) } ": "
                        (number::count(wrong.count)) " of " (number::count(wrong.of)) " " (wrong.operation)
                        " answers were " b { (wrong.outcome.replace('-', " ")) } "."
                    }
                }
            }
        }
    }
}

pub(super) fn answer(report: &Report) -> Markup {
    // Without comparisons there is nothing that could be equivalent.
    let asked: &[&str] = match report.answer.len() {
        3 => &ASKED,
        2 => &[ASKED[0], ASKED[2]],
        _ => &[],
    };
    html! {
        section .answer aria-label="The answer" {
            @for (i, words) in report.answer.iter().enumerate() {
                div .card {
                    @if let Some(asked) = asked.get(i) { h2 { (asked) } }
                    p { (sentence(words)) }
                }
            }
            @let money = crate::answer::money(report);
            @if !money.is_empty() { div .card { h2 { "What that is in money" } p { (sentence(&money)) } } }
        }
        section .validity .(status_class(report)) aria-label="Validity" {
            p { b .state { (report.validity.status.glyph()) " " (report.validity.status.label()) ". " } (sentence(&report.validity.sentence)) }
            @if !report.validity.reasons.is_empty() {
                ul { @for reason in &report.validity.reasons { li { (reason) } } }
            }
            @if !report.validity.controls.is_empty() { (controls(report)) }
        }
        @if !report.skipped.is_empty() || !report.warnings.is_empty() {
            section .warnings aria-label="Warnings" {
                ul {
                    @for skipped in &report.skipped {
                        li { b { "– Skipped " code { (skipped.backend) } ". " } (marked(&skipped.reason)) " " em { (marked(&skipped.advice)) } }
                    }
                    @for warning in &report.warnings {
                        li { b { "! " } (marked(&warning.text)) " " em { (marked(&warning.advice)) } }
                    }
                }
            }
        }
    }
}

fn controls(report: &Report) -> Markup {
    html! {
        details {
            summary { "The controls, number by number" }
            div .scroll tabindex="0" role="region" aria-label="Controls" {
                table {
                    thead { tr {
                        th scope="col" { "Control" } th scope="col" { "Scenario" } th scope="col" { "On" }
                        th scope="col" { "Should be" } th scope="col" { "Measured" } th scope="col" { "Result" }
                    } }
                    tbody {
                        @for control in &report.validity.controls {
                            tr {
                                th scope="row" { code { (control.row) } }
                                td { (control.scenario) }
                                td { (control.metric.label()) }
                                td .n {
                                    @if control.expected_least < control.expected {
                                        (num(control.expected_least, &number::ratio(control.expected_least))) " to "
                                    }
                                    (num(control.expected, &number::ratio(control.expected)))
                                }
                                td .n {
                                    @if let Some(ratio) = control.ratio {
                                        (num(ratio.value, &number::ratio(ratio.value)))
                                        @if let Some((low, high)) = ratio.interval() {
                                            " [" (num(low, &format!("{low:.3}"))) ", " (num(high, &format!("{high:.3}"))) "]"
                                        }
                                    } @else { "–" }
                                }
                                td { (control.verdict.glyph()) " " (control.result.label()) }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn scenario(report: &Report, scenario: &Scenario, (depth, rounds): (Depth, Depth)) -> Markup {
    let id = slug("scenario", &scenario.name);
    // What a farther store changes stands in one section for all distances.
    let farther = report.scenarios.iter().find(|other| other.base() == scenario.base()) != Some(scenario);
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { "Traffic: " code { (scenario.name) } }
            p .lead {
                (number::grouped(f64::from(scenario.rounds), 0)) " rounds; in each, every row once for "
                (num(scenario.block_ns, &number::time(scenario.block_ns))) ", in random order. "
                @if scenario.store_distance_ns > 0.0 {
                    "The store stands at a modelled distance of "
                    (num(scenario.store_distance_ns, &number::time(scenario.store_distance_ns))) " per round trip."
                } @else { "The store is on the same host." }
            }
            div .figures {
                @if farther || (depth == Depth::Bare && report.headline() != Some(scenario)) {
                    (chart::forest(report, scenario, Metric::ResponseP50, depth))
                    (chart::forest(report, scenario, Metric::Cpu, depth))
                } @else {
                    @if report.headline() == Some(scenario) { (chart::price(report, scenario, depth)) }
                    (chart::cpu(report, scenario, depth))
                    (chart::added(report, scenario, Metric::ResponseP50, depth))
                    (chart::added(report, scenario, Metric::Cpu, depth))
                    (chart::forest(report, scenario, Metric::ResponseP50, depth))
                    (chart::forest(report, scenario, Metric::Cpu, depth))
                    (chart::curves(report, scenario, depth))
                    @if depth != Depth::Bare { (chart::quantiles(report, scenario, rounds)) }
                    @if let Some(capacity) = report.capacity.as_ref().filter(|_| report.headline() == Some(scenario)) {
                        (chart::capacity(report, capacity, depth))
                    }
                    (chart::strip(report, scenario, rounds))
                }
            }
        }
    }
}

/// Passes of one scenario at several distances of the store.
pub(super) fn distances(report: &Report) -> Markup {
    let mut bases: Vec<&str> = report.scenarios.iter().map(Scenario::base).collect();
    bases.dedup();
    html! {
        @for base in bases {
            @let passes: Vec<&Scenario> = report.scenarios.iter().filter(|s| s.base() == base).collect();
            @if passes.len() > 1 {
                @let id = slug("distance", base);
                section aria-labelledby=(id) {
                    h2 id=(id) { "Distance to the store: " code { (base) } }
                    div .figures {
                        (chart::distance(report, &passes, Metric::ResponseP50))
                        (chart::distance(report, &passes, Metric::Cpu))
                    }
                }
            }
        }
    }
}

/// What logins take in memory, where that was measured.
pub(super) fn memory(report: &Report, depth: Depth) -> Markup {
    let Some(memory) = &report.memory else { return html! {} };
    html! {
        section aria-labelledby="memory-title" {
            h2 #memory-title { "Memory" }
            p .lead {
                "Apart from the traffic, each backend was filled with up to "
                (num(memory.most_logins, &number::grouped(memory.most_logins, 0)))
                " logins, once with live ones and once with ended ones, and read after every size. Lifetimes were shortened to "
                (num(memory.lifetime_ns, &number::time(memory.lifetime_ns))) " so that the expiry could be waited for."
                @if !memory.complete { " It was stopped before its end." }
                @if !memory.same_build { " It was measured with another build than the traffic." }
            }
            div .figures {
                (chart::memory(report, memory, false, depth))
                (chart::memory(report, memory, true, depth))
            }
        }
    }
}

pub(super) fn episodes(report: &Report) -> Markup {
    html! {
        @for episode in &report.episodes {
            @let id = slug("episode", &episode.name);
            section aria-labelledby=(id) {
                h2 id=(id) { "Episode: " code { (episode.name) } " " span .tag { "unranked" } }
                p .lead { "Run once, whole, per backend: described, not ranked." }
                div .figures {
                    (chart::exposure(report, episode))
                    (chart::storm(report, episode))
                }
                (chart::operations(report, episode))
            }
        }
    }
}

/// What was stolen, ended and used again, where that was drilled.
pub(super) fn drill(report: &Report, depth: Depth) -> Markup {
    let Some(drill) = report.drill.as_ref() else { return html! {} };
    html! {
        section aria-labelledby="drill-title" {
            h2 #drill-title { "Drills: stolen credentials" }
            p .lead {
                "Apart from the traffic, " (number::count(drill.trials)) " credentials were stolen from every design for every event, and used "
                (num(drill.replays_per_s, &number::short(drill.replays_per_s))) " times a second at each of "
                (number::grouped(f64::from(drill.replicas), 0)) " replicas while their owners went on. Lives were shortened to "
                (num(drill.lifetime_ns, &number::time(drill.lifetime_ns))) ", other times divided by "
                (number::grouped(f64::from(drill.divided_by), 0)) "; every clock was real."
                @if !drill.complete { " It was stopped before its end." }
            }
            (chart::drill_key(depth))
            div .figures { @for event in drill.events() { (chart::drill(drill, event, depth)) } }
        }
    }
}

pub(super) fn claims(report: &Report) -> Markup {
    if report.claims.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="claims-title" {
            h2 #claims-title { "Claims put to the test" }
            ul .claims { @for claim in &report.claims { (one_claim(claim)) } }
        }
    }
}

fn one_claim(claim: &ClaimResult) -> Markup {
    html! {
        li .contradicts[claim.contradicts()] {
            p { b { (claim.id) } " " (marked(&claim.sentence)) " " span .tag { (claim.outcome.glyph()) " " (claim.outcome.label()) } }
            @if !claim.detail.is_empty() { p .quiet { (marked(&claim.detail)) } }
        }
    }
}

pub(super) fn reading(report: &Report) -> Markup {
    html! {
        section aria-labelledby="reading-title" {
            h2 #reading-title { "What the numbers mean" }
            dl .notes {
                @for note in &report.notes { div { dt { (note.title) } dd { (note.text.replace(" %", "\u{a0}%")) } } }
            }
            @if !report.validity.cautions.is_empty() {
                details {
                    summary { "Remarks that change no verdict" }
                    ul { @for caution in &report.validity.cautions { li { (caution) } } }
                }
            }
        }
    }
}

pub(super) fn provenance(report: &Report) -> Markup {
    let run = &report.run;
    html! {
        section aria-labelledby="provenance-title" {
            h2 #provenance-title { "Where the numbers come from" }
            dl .facts {
                div { dt { "Plan, registered before the data" } dd { code { (run.plan_sha256) } } }
                div { dt { "Data" } dd { code { (run.data_sha256) } @if !run.complete { " (interrupted: finished blocks only)" } } }
                div { dt { "Seed" } dd { code { (run.seed) } } }
                div { dt { "Blocks" } dd { (number::count(run.blocks)) ", of which " (number::count(run.blocks_used)) " with usable response times, in " (num(run.seconds, &number::time(run.seconds * 1e9))) } }
                div { dt { "Statistics" } dd {
                    "Hodges–Lehmann over paired rounds, exact signed-rank intervals, equivalence by two one-sided tests at ±"
                    (num(run.margin, &number::percent(run.margin))) ", family-wise error rate "
                    (num(run.alpha, &number::short(run.alpha))) " (Holm)" } }
            }
            @for (group, facts) in &report.environment {
                details {
                    summary { "Environment: " (group) }
                    dl .facts { @for (key, value) in facts { div { dt { (key) } dd { (value) } } } }
                }
            }
            (designs(report))
        }
    }
}

/// What the servers said about themselves.
fn designs(report: &Report) -> Markup {
    let order = report.headline().map_or_else(Vec::new, |scenario| reading_order(report, scenario));
    html! {
        @if !order.is_empty() {
            details {
                summary { "Backends: what each server said about itself" }
                @for row in order.into_iter().filter_map(|row| report.row(row)).filter(|row| !row.role.is_control()) {
                    h3 { code { (row.name) } }
                    p { (row.summary) }
                    dl .facts {
                        div { dt { "log out everywhere" } dd { (row.logout_all) } }
                        @for (key, value) in &row.facts { div { dt { (key) } dd { (value) } } }
                    }
                }
            }
        }
    }
}

pub(super) fn foot(report: &Report) -> Markup {
    html! {
        footer {
            p { "authbench " (report.run.tool) ". Every number on this page stands in " code { "report.json" }
                "; the page is rebuilt from the recording with " code { "authbench report DIR --format html" } "." }
        }
    }
}

/// The table of a comparison figure, for its `<details>`.
pub(super) fn ratio_table(report: &Report, scenario: &Scenario, metric: Metric) -> Markup {
    let rows = reading_order(report, scenario);
    html! {
        table {
            thead { tr {
                th scope="col" { "Backend" } th scope="col" { "Ratio and verdict" }
                th scope="col" { "Lower in" } th scope="col" { "Could have shown" } th scope="col" { "Rounds" }
            } }
            tbody {
                @for c in rows.iter().filter_map(|row| scenario.comparison(&report.run.baseline, row, metric)) {
                    tr data-row=(c.row) {
                        th scope="row" { code { (c.row) } }
                        td .verdict { (verdict_words(c)) }
                        td .n { (num(c.lower_share, &number::percent(c.lower_share))) " of rounds" }
                        td .n { @if let Some(r) = c.resolvable { (num(r, &number::ratio(r))) } @else { "–" } }
                        td .n { (number::grouped(f64::from(c.rounds), 0)) @if let Some(n) = c.rounds_needed.filter(|n| *n > c.rounds) { small { "needs " (number::grouped(f64::from(n), 0)) } } }
                    }
                }
            }
        }
    }
}
