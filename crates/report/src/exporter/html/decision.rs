//! The decision table: what each design is, adds, takes and risks, one row each.

use maud::{Markup, html};

use super::{chart, money, num};
use crate::answer::reading_order;
use crate::controls::Role;
use crate::metric::Metric;
use crate::model::{Comparison, Figure, Report, Row, Scenario, memory_words};
use crate::number;
use crate::verdict::{Unranked, Verdict};

/// Words and unit of the headings after the backend's.
const HEADINGS: [(&str, &str); 12] = [
    ("Client holds", ""),
    ("A request consults", ""),
    ("Stolen credential works", "measured"),
    ("Store down", ""),
    ("Response p50", "µs"),
    ("CPU", "µs"),
    ("Response p50", "ratio"),
    ("CPU", "ratio"),
    ("Response p50", "µs"),
    ("CPU", "µs"),
    ("HTTP bytes", "store cmd, bytes"),
    ("Memory per login", ""),
];

pub(super) fn decision(report: &Report) -> Markup {
    let Some(scenario) = report.headline() else { return html! {} };
    let baseline = &report.run.baseline;
    let rows: Vec<&Row> =
        reading_order(report, scenario).into_iter().filter_map(|row| report.row(row)).collect();
    let group =
        |wanted: fn(Role) -> bool| rows.iter().copied().filter(|row| wanted(row.role)).collect::<Vec<_>>();
    let controls = group(Role::is_control);
    let money = money::priced(report);
    let further = report.capacity.iter().map(|_| ("One server carries", "requests/s"));
    let further = further.chain(money.iter().map(|_| ("A million requests", "")));
    html! {
        section #decision aria-labelledby="decision-title" {
            div .title {
                h2 #decision-title { "Decide" }
                p .rebase hidden {
                    label { "Ratios against " select #baseline data-registered=(baseline) {
                        @for row in &rows { option value=(row.name) selected[row.name == *baseline] { (row.name) } }
                    } }
                    " " span #exploratory hidden { "exploratory: the plan registered " code { (baseline) } " before the data" }
                }
            }
            p .lead {
                "Scenario " code { (scenario.name) }
                @if let Some(rate) = scenario.offered_per_second {
                    ", " (num(rate, &number::short(rate))) " operations a second offered to every row"
                }
                ". Added = over a request without authentication, as a paired difference; ratios are of whole requests."
                @if let Some((_, _, own)) = money { " Money " span .load { (super::sentence(&crate::answer::load(own))) } "." }
            }
            div .scroll tabindex="0" role="region" aria-label="Decision table" {
                table .sortable .decision {
                    caption .sr { "Every backend: design, cost, resources and risk" }
                    thead {
                        tr {
                            td {}
                            th scope="colgroup" colspan="2" { "Design" }
                            th scope="colgroup" colspan="2" { "Risk" }
                            th scope="colgroup" colspan="2" { "Added over none" }
                            th scope="colgroup" colspan="2" { "Against " span data-baseline { (baseline) } }
                            th scope="colgroup" colspan="4" { "Whole request" }
                            @if report.capacity.is_some() { th scope="colgroup" { "Capacity" } }
                            @if let Some((_, cost, _)) = money { th scope="colgroup" { (cost.currency) } }
                        }
                        tr {
                            th scope="col" { "Backend" }
                            @for (words, unit) in HEADINGS.into_iter().chain(further) {
                                th scope="col" { (words) @if !unit.is_empty() { " " small { (unit) } } }
                            }
                        }
                    }
                    tbody { @for row in group(|role| role == Role::Floor) { (line(report, scenario, row)) } }
                    tbody .choices { @for row in group(Role::is_choice) { (line(report, scenario, row)) } }
                    @if !controls.is_empty() {
                        tbody .controls { @for row in controls { (line(report, scenario, row)) } }
                    }
                }
            }
            p .legend {
                span { b { "◀" } " lower than the baseline" }
                span { b { "≡" } " equivalent, within ±" (num(report.run.margin, &number::percent(report.run.margin))) }
                span { b { "▶" } " higher" }
                span { b { "?" } " inconclusive" }
                span { "[ ] 95 % interval" }
                span { "p99 is described, not ranked" }
            }
        }
    }
}

fn line(report: &Report, scenario: &Scenario, row: &Row) -> Markup {
    let name = row.name.as_str();
    let wrong = report.wrong.iter().any(|wrong| wrong.row == name);
    html! {
        tr .is-baseline[row.role == Role::Baseline] data-row=(name) {
            th scope="row" {
                code { (name) }
                @if let Some(label) = row.role.label() { " " span .tag { (label) } }
                @if wrong { " " span .tag .bad { "✗ wrong answers" } }
            }
            td { (row.credential) @if row.renewal != "none" && !row.renewal.is_empty() { small { "renewal: " (row.renewal) } } }
            td { @if row.checks.is_empty() { "nothing" } @else { (row.checks.join(", ")) small { (row.view) } } }
            (exposure(report, row))
            td { (row.store_down) }
            (added(scenario, name, Metric::ResponseP50))
            (added(scenario, name, Metric::Cpu))
            (verdict(report, scenario, row, Metric::ResponseP50))
            (verdict(report, scenario, row, Metric::Cpu))
            (response(scenario, name))
            (cpu(scenario, name))
            (traffic(scenario, name))
            (memory(scenario, name))
            @if let Some(capacity) = &report.capacity {
                td .n { @match capacity.row(name) { Some(row) => (chart::carried(row)), None => (NOTHING) } }
            }
            @if let Some((_, _, own)) = money::priced(report) {
                td .n data-money="all" {
                    @match own.row(name) {
                        // Its interval stands in the bill below.
                        Some(row) => (num(row.per_million.value, &number::money(row.per_million.value))),
                        None => (NOTHING),
                    }
                }
            }
        }
    }
}

const NOTHING: &str = "–";

fn plain(value: Option<f64>, print: impl Fn(f64) -> String) -> Markup {
    html! { td .n { @match value { Some(value) => (num(value, &print(value))), None => (NOTHING) } } }
}

fn response(scenario: &Scenario, row: &str) -> Markup {
    let Some(p50) = scenario.figure(row, Metric::ResponseP50) else { return plain(None, number::micros) };
    html! {
        td .n {
            (num(p50.value, &number::micros(p50.value)))
            @if let Some(p99) = scenario.figure(row, Metric::ResponseP99) {
                small { "p99 " (num(p99.value, &number::micros(p99.value))) }
            }
        }
    }
}

/// Added cost: the number, its interval, and a bar on the scale of the column.
fn added(scenario: &Scenario, row: &str, metric: Metric) -> Markup {
    let Some(figure) = scenario.added(row, metric) else { return plain(None, number::micros) };
    let widest = scenario
        .rows
        .iter()
        .filter_map(|figures| figures.added.get(&metric))
        .map(Figure::upper)
        .fold(f64::MIN_POSITIVE, f64::max);
    html! {
        td .n .added {
            (num(figure.value, &number::micros(figure.value)))
            @if let Some((low, high)) = figure.interval() {
                small { "[" (num(low, &number::micros(low))) ", " (num(high, &number::micros(high))) "]" }
            }
            (chart::spark(figure, widest))
        }
    }
}

fn traffic(scenario: &Scenario, row: &str) -> Markup {
    let bytes = scenario.figure(row, Metric::WireBytes);
    let commands = scenario.figure(row, Metric::StoreCommands).filter(|commands| commands.value > 0.0);
    html! {
        td .n {
            @match bytes { Some(b) => (num(b.value, &number::grouped(b.value, 0))), None => (NOTHING) }
            @if let Some(c) = commands {
                small { (num(c.value, &number::short(c.value))) " cmd" }
                @if let Some(b) = scenario.figure(row, Metric::StoreBytes) {
                    small { (num(b.value, &number::grouped(b.value, 0))) " B" }
                }
            }
        }
    }
}

fn memory(scenario: &Scenario, row: &str) -> Markup {
    let memory = scenario.figures(row).and_then(|figures| figures.memory_per_login_bytes);
    plain(memory.map(|m| m.value), |_| memory.map_or(NOTHING.to_owned(), |m| memory_words(&m)))
}

fn cpu(scenario: &Scenario, row: &str) -> Markup {
    let Some(cpu) = scenario.figure(row, Metric::Cpu) else { return plain(None, number::micros) };
    let store = scenario.figure(row, Metric::CpuStore).filter(|store| store.value > 0.0);
    html! {
        td .n {
            (num(cpu.value, &number::micros(cpu.value)))
            @if let Some(store) = store {
                small {
                    "store " (num(store.value, &number::micros(store.value)))
                }
            }
        }
    }
}

fn verdict(report: &Report, scenario: &Scenario, row: &Row, metric: Metric) -> Markup {
    let comparison = scenario.comparison(&report.run.baseline, &row.name, metric);
    html! {
        td .verdict data-pair=(metric.key()) data-scenario=(scenario.name) {
            @match comparison { Some(c) => (verdict_words(c)), None => (NOTHING) }
        }
    }
}

/// Glyph, word, ratio and interval of a comparison.
pub(super) fn verdict_words(c: &Comparison) -> Markup {
    html! {
        span class={ "v " (c.verdict.label()) } {
            b { (c.verdict.glyph()) } " "
            @match (c.verdict, c.unranked) {
                (Verdict::Unranked, Some(reason)) => (Unranked::label(reason)),
                _ => (c.verdict.label_on(c.metric)),
            }
        }
        @if let Some(ratio) = c.ratio {
            small {
                (num(ratio.value, &format!("{:.3}", ratio.value)))
                @if let Some((low, high)) = ratio.interval() {
                    " [" (num(low, &format!("{low:.3}"))) ", " (num(high, &format!("{high:.3}"))) "]"
                }
            }
        }
    }
}

fn exposure(report: &Report, row: &Row) -> Markup {
    let Some(e) = report.exposure(&row.name) else { return html! { td .quiet { "not measured" } } };
    let requests = |n: u64| {
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
        let value = n as f64;
        num(value, &number::count(n))
    };
    html! {
        td {
            @if e.accepted == 0 {
                span .v .ended { b { "■" } " " (num(e.longest_ns, "0 s")) }
            } @else {
                span .v .exposed {
                    b { "▲" } " " @if e.accepted == e.sent_after { "≥ " } (num(e.longest_ns, &number::time(e.longest_ns)))
                }
            }
            small { (requests(e.accepted)) " of " (requests(e.sent_after)) " let in" }
            @if e.accepted > 0 || row.revocation_bound_ns != Some(0.0) { small { "declared: " (row.revocation) } }
        }
    }
}
