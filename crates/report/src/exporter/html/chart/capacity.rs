//! Response time and CPU against the request rate, one field per backend, up to what one server carries.

use maud::{Markup, html};

use super::super::{Depth, num};
use super::plot::{Plot, Tick, amount};
use super::{Scale, figure, log_ticks, px, swatch};
use crate::answer::{self, reading_order};
use crate::model::{Capacity, CapacityPoint, CapacityRow, Report};
use crate::number;

/// Height of a field, pixels.
const PANEL: f64 = 140.0;
/// Most that a response time axis reaches, as a multiple of the objective.
const BEYOND: f64 = 4.0;

pub(in super::super) fn capacity(report: &Report, capacity: &Capacity, depth: Depth) -> Markup {
    let order = report.headline().map(|scenario| reading_order(report, scenario)).unwrap_or_default();
    let rows: Vec<&CapacityRow> =
        order.iter().filter_map(|row| capacity.row(row)).filter(|row| row.points.len() > 1).collect();
    let points = || rows.iter().flat_map(|row| &row.points);
    let rates = || points().map(|point| point.per_second);
    let (Some(slow), Some(fast)) = (rates().reduce(f64::min), rates().reduce(f64::max)) else {
        return html! {};
    };
    let most = capacity.objective_p99_ns * BEYOND;
    let times = || {
        points()
            .flat_map(|p| [p.response_p50_ns, p.response_p99_ns, p.cpu_ns])
            .flatten()
            .map(|ns| ns.min(most))
    };
    let (Some(low), Some(high)) = (times().reduce(f64::min), times().reduce(f64::max)) else {
        return html! {};
    };
    let (low, high) = (low / 1.3, high.max(capacity.objective_p99_ns) * 1.3);
    let powers =
        |from: f64, to: f64| log_ticks(from, to).into_iter().filter(|t| t.log10().fract().abs() < 1e-9);
    let ticks: Vec<f64> = log_ticks(slow, fast);
    let across: Vec<Tick> = if ticks.len() > 5 {
        powers(slow, fast).map(|tick| (tick, amount(tick))).collect()
    } else {
        ticks.into_iter().map(|tick| (tick, amount(tick))).collect()
    };
    let plot = Plot {
        x: Scale::log(slow, fast),
        y: Scale::log(low, high),
        height: PANEL,
        across,
        up: powers(low, high).map(|tick| (tick, number::time_tick(tick))).collect(),
    };
    let says = answer::capacity(report, capacity);
    let line = |row: &CapacityRow, of: fn(&CapacityPoint) -> Option<f64>| {
        plot.path(row.points.iter().filter_map(|point| Some((point.per_second, of(point)?))))
    };
    let panels = html! {
        (plot.defs("capacity"))
        div .panels {
            @for (i, row) in rows.iter().enumerate() {
                div .panel {
                    p { code { (row.row) } ": " (carried(row)) @if row.per_second.is_some() { "/s" } }
                    (plot.field("capacity", i, &format!("{} carries {} requests a second", row.row, row.words()), &html! {
                        line .limit x1="0" x2="100%" y1=(px(plot.down(capacity.objective_p99_ns))) y2=(px(plot.down(capacity.objective_p99_ns))) {}
                        @if let Some(rate) = row.per_second {
                            line .declared x1=(plot.x.at(rate)) x2=(plot.x.at(rate)) y1="0" y2=(px(plot.height)) {}
                        }
                        (plot.layer(&html! {
                            path .own d=(line(row, |point| point.response_p50_ns)) {}
                            path .service d=(line(row, |point| point.response_p99_ns)) {}
                            path .cpu d=(line(row, |point| point.cpu_ns)) {}
                        }))
                    }))
                }
            }
        }
    };
    let key = html! { p .key {
        (swatch("<path class=\"own\" d=\"M0 6H22\"/>", "response time p50"))
        (swatch("<path class=\"service\" d=\"M0 6H22\"/>", "response time p99"))
        (swatch("<path class=\"cpu\" d=\"M0 6H22\"/>", "CPU per request, server and store"))
        (swatch("<path class=\"limit\" d=\"M0 6H22\"/>", "objective for p99"))
        (swatch("<path class=\"declared\" d=\"M11 0V12\"/>", "carries"))
        span { "Across: requests a second. Up: time. Both logarithmic." }
    } };
    let table = html! {
        table .nums {
            thead { tr {
                th scope="col" { "Backend" } th scope="col" { "Requests/s" } th scope="col" { "p50" } th scope="col" { "p99" }
                th scope="col" { "CPU" } th scope="col" { "Objective" }
            } }
            tbody { @for row in &rows { @for point in &row.points { tr {
                th scope="row" { code { (row.row) } }
                td { (num(point.per_second, &number::grouped(point.per_second, 0))) }
                @for ns in [point.response_p50_ns, point.response_p99_ns, point.cpu_ns] {
                    td { @match ns { Some(ns) => (num(ns, &number::time(ns))), None => "–" } }
                }
                td .t { (if point.holds { "✓ holds" } else { "✗ fails" }) }
            } } } }
        }
    };
    let title = "Response time and CPU against the request rate";
    figure("wide", title, &says, &panels, &key, (depth == Depth::Full).then_some(&table))
}

/// What it carries, marked.
pub(in super::super) fn carried(row: &CapacityRow) -> Markup {
    match row.per_second {
        Some(rate) => html! { @if row.at_least { "≥ " } (num(rate, &number::grouped(rate, 0))) },
        None => html! { "none" },
    }
}
