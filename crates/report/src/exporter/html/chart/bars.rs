//! Bars of CPU per request, and points of cost added over none.

use maud::{Markup, html};

use super::super::Depth;
use super::super::slug;
use super::{AXIS, ROW, Scale, axis, figure, num, pct, px, round_ticks, row_text, svg, swatch, whisker};
use crate::answer::{self, reading_order, time_with_interval};
use crate::metric::Metric;
use crate::model::{Figure, Report, Scenario};
use crate::number;

/// CPU per request: server and store stacked, with the interval of the sum.
pub(in super::super) fn cpu(report: &Report, scenario: &Scenario, depth: Depth) -> Markup {
    let rows: Vec<(&str, Figure)> = reading_order(report, scenario)
        .into_iter()
        .filter_map(|row| Some((row, scenario.figure(row, Metric::Cpu)?)))
        .collect();
    let Some(most) = rows.iter().map(|(_, cpu)| cpu.upper()).reduce(f64::max) else { return html! {} };
    let scale = Scale::linear(0.0, most);
    let id = slug("cpu", &scenario.name);
    let bottom = ROW * count(rows.len());
    let says = answer::cpu(report, scenario);
    let body = html! {
        defs {
            pattern id={ (id) "-hatch" } .hatch width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                rect width="6" height="6" {}
                line x1="0" x2="0" y1="0" y2="6" {}
            }
        }
        (axis(&scale, &round_ticks(0.0, most, 8.0), number::micros_tick, bottom))
        @for (i, (row, cpu)) in rows.iter().enumerate() {
            @let top = ROW * count(i);
            @let server = scenario.figure(row, Metric::CpuServer).map_or(cpu.value, |f| f.value);
            @let store = scenario.figure(row, Metric::CpuStore).map_or(0.0, |f| f.value);
            (row_text(top, row, cpu.value, &time_with_interval(*cpu)))
            rect .server x="0" y=(px(top + 20.0)) height="11" width=(scale.at(server)) {}
            @if store > 0.0 {
                rect .store x=(scale.at(server)) y=(px(top + 20.0)) height="11"
                    width=(pct(scale.place(server + store) - scale.place(server))) fill={ "url(#" (id) "-hatch)" } {}
            }
            (whisker(&scale, cpu, top + 25.5))
        }
    };
    let table = html! {
        table .nums {
            thead { tr { th scope="col" { "Backend" } th scope="col" { "Server" } th scope="col" { "Store" } th scope="col" { "Both" } } }
            tbody { @for (row, cpu) in &rows { tr {
                th scope="row" { code { (row) } }
                (cell(scenario.figure(row, Metric::CpuServer)))
                (cell(scenario.figure(row, Metric::CpuStore)))
                (cell(Some(*cpu)))
            } } }
        }
    };
    let key = html! { p .key {
        (swatch("<rect class=\"server\" width=\"22\" height=\"11\"/>", "server"))
        (swatch("<rect class=\"store-key\" width=\"22\" height=\"11\"/><path class=\"store-key\" d=\"M3 11 11 0M10 11 18 0\"/>", "store (hatched)"))
        (swatch("<path class=\"ci\" d=\"M1 6H21\"/>", "95 % interval of the sum"))
    } };
    let chart = svg(&id, bottom + AXIS, "CPU per request, server and store", &says.to_string(), &body);
    figure("wide", "CPU per request, µs", &says, &chart, &key, (depth == Depth::Full).then_some(&table))
}

/// Cost added over none on one metric: point, interval, and the band of equivalence around the baseline.
pub(in super::super) fn added(report: &Report, scenario: &Scenario, metric: Metric, depth: Depth) -> Markup {
    let rows: Vec<(&str, Figure)> = reading_order(report, scenario)
        .into_iter()
        .filter_map(|row| Some((row, scenario.added(row, metric)?)))
        .collect();
    let Some(most) = rows.iter().map(|(_, f)| f.upper()).reduce(f64::max) else { return html! {} };
    let least = rows.iter().map(|(_, f)| f.lower()).fold(0.0, f64::min);
    let scale = Scale::linear(least, most);
    let id = slug(&format!("added-{}", metric.key()), &scenario.name);
    let bottom = ROW * count(rows.len());
    let says = answer::added(report, scenario, metric);
    let band = scenario.added(&report.run.baseline, metric).filter(|f| f.value > 0.0).map(|f| {
        let margin = 1.0 + report.run.margin;
        (scale.place(f.value / margin), scale.place(f.value * margin))
    });
    let body = html! {
        @if let Some((from, to)) = band {
            rect .band x=(pct(from)) width=(pct(to - from)) y="0" height=(px(bottom)) {}
        }
        (axis(&scale, &round_ticks(least, most, 6.0), number::micros_tick, bottom))
        line .zero x1=(scale.at(0.0)) x2=(scale.at(0.0)) y1="0" y2=(px(bottom)) {}
        @for (i, (row, figure)) in rows.iter().enumerate() {
            @let top = ROW * count(i);
            (row_text(top, row, figure.value, &time_with_interval(*figure)))
            line .stem x1=(scale.at(0.0)) x2=(scale.at(figure.value)) y1=(px(top + 26.0)) y2=(px(top + 26.0)) {}
            (whisker(&scale, figure, top + 26.0))
            circle .point cx=(scale.at(figure.value)) cy=(px(top + 26.0)) r="4" {}
        }
    };
    let what = match metric {
        Metric::Cpu => "CPU added over none, µs per request",
        _ => "Response time added over none, p50, µs",
    };
    let table = html! {
        table .nums {
            thead { tr { th scope="col" { "Backend" } th scope="col" { (what) } } }
            tbody { @for (row, figure) in &rows { tr { th scope="row" { code { (row) } } (cell(Some(*figure))) } } }
        }
    };
    let key = html! { p .key {
        (swatch("<circle class=\"point\" cx=\"11\" cy=\"6\" r=\"4\"/>", "paired difference"))
        (swatch("<path class=\"ci\" d=\"M1 6H21\"/>", "95 % interval"))
        @if band.is_some() {
            (swatch("<rect class=\"band\" width=\"22\" height=\"12\"/>", "within the margin of the baseline"))
        }
    } };
    let chart = svg(&id, bottom + AXIS, what, &says.to_string(), &body);
    figure("", what, &says, &chart, &key, (depth == Depth::Full).then_some(&table))
}

fn cell(figure: Option<Figure>) -> Markup {
    let Some(figure) = figure else { return html! { td { "–" } } };
    html! {
        td {
            (num(figure.value, &number::time(figure.value)))
            @if let Some((low, high)) = figure.interval() {
                " [" (num(low, &number::time(low))) ", " (num(high, &number::time(high))) "]"
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "rows of a table")]
fn count(n: usize) -> f64 {
    n as f64
}
