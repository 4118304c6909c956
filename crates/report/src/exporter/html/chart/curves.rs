//! Response time by percentile: one panel per backend, the others in grey behind it.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::super::{Depth, num, sentence, slug};
use super::{Scale, log_ticks, pct};
use crate::answer::{self, reading_order};
use crate::model::{Curve, Report, Scenario};
use crate::number;

/// Units of a panel's drawing, stretched to its size.
const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 1_000.0;
/// Height of a panel, pixels.
const PANEL: f64 = 130.0;
/// Percentiles with a tick.
const TICKS: [(f64, &str); 4] = [(0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9")];
/// Percentiles in the table.
const COLUMNS: [(f64, &str); 4] = [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9")];

pub(in super::super) fn curves(report: &Report, scenario: &Scenario, depth: Depth) -> Markup {
    let order = reading_order(report, scenario);
    let curves: Vec<&Curve> =
        order.iter().filter_map(|row| scenario.curves.iter().find(|curve| curve.row == *row)).collect();
    let times = || curves.iter().flat_map(|curve| curve.response_ns.iter().chain(&curve.service_ns)).copied();
    let (Some(low), Some(high)) = (times().reduce(f64::min), times().reduce(f64::max)) else {
        return html! {};
    };
    let y = Scale::log(low / 1.2, high * 1.2);
    let x = Scale::log(2.0, 1_000.0);
    let all = slug("curves", &scenario.name);
    let says = answer::curves(report, scenario);
    let ticks: Vec<f64> = log_ticks(low, high);
    let ticks: Vec<f64> = if ticks.len() > 4 {
        ticks.into_iter().filter(|tick| tick.log10().fract().abs() < 1e-9).collect()
    } else {
        ticks
    };
    html! {
        figure .wide {
            figcaption {
                h3 { "Response and service time by percentile" }
                p .says { (sentence(&says)) }
            }
            svg .defs aria-hidden="true" width="0" height="0" {
                symbol id=(all) viewBox="0 0 1000 1000" preserveAspectRatio="none" {
                    g .other { @for (i, curve) in curves.iter().enumerate() {
                        path .curve id={ (all) "-" (i) } d=(path(&curve.shares, &curve.response_ns, &x, &y)) {}
                    } }
                }
                symbol id={ (all) "-grid" } { (grid(&x, &y, &ticks)) }
                symbol id={ (all) "-scale" } {
                    @for tick in &ticks {
                        text .tick x="44" text-anchor="end" y=(super::px((1.0 - y.place(*tick)) * PANEL + 4.0)) {
                            (number::time_tick(*tick))
                        }
                    }
                }
            }
            div .panels {
                @for (i, curve) in curves.iter().enumerate() {
                    div .panel {
                        p { code { (curve.row) } }
                        div .plot {
                            svg .chart aria-hidden="true" width="50" height=(super::px(PANEL)) { use href={ "#" (all) "-scale" } {} }
                            (panel(curve, i, &all, &x, &y))
                        }
                    }
                }
            }
            p .key {
                (super::swatch("<path class=\"own\" d=\"M0 6H22\"/>", "response time, from the intended start"))
                (super::swatch("<path class=\"service\" d=\"M0 6H22\"/>", "service time, from the send"))
                (super::swatch("<path class=\"other\" d=\"M0 6H22\"/>", "all others"))
                span { "Across: percentile. Up: time. Both logarithmic." }
            }
            (super::numbers("Response time by percentile", (depth == Depth::Full).then(|| table(&curves)).as_ref()))
        }
    }
}

/// Lines and percentiles behind every panel.
fn grid(x: &Scale, y: &Scale, ticks: &[f64]) -> Markup {
    html! {
        g .axis {
            @for tick in ticks {
                @let h = super::px((1.0 - y.place(*tick)) * PANEL);
                line x1="0" x2="100%" y1=(h) y2=(h) {}
            }
            @for (share, label) in TICKS {
                @let place = x.place(1.0 / (1.0 - share));
                line x1=(pct(place)) x2=(pct(place)) y1="0" y2=(super::px(PANEL)) {}
                text .tick x=(pct(place)) y=(super::px(PANEL + 14.0))
                    text-anchor=(if place < 0.05 { "start" } else if place > 0.95 { "end" } else { "middle" }) { (label) }
            }
        }
    }
}

fn panel(curve: &Curve, i: usize, all: &str, x: &Scale, y: &Scale) -> Markup {
    let id = format!("{all}-t{i}");
    let at = |share| at(curve, share).map_or("–".to_owned(), |i| number::time(curve.response_ns[i]));
    html! {
        svg .chart role="img" width="100%" height=(super::px(PANEL + 18.0))
            aria-labelledby=(id) {
            title id=(id) { (curve.row) ": response time p50 " (at(0.5)) ", p99 " (at(0.99)) ", p99.9 " (at(0.999)) }
            use href={ "#" (all) "-grid" } width="100%" height=(super::px(PANEL + 18.0)) {}
            svg width="100%" height=(super::px(PANEL)) viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true" {
                use href={ "#" (all) } width="1000" height="1000" {}
                @if !curve.service_ns.is_empty() { path .service d=(path(&curve.shares, &curve.service_ns, x, y)) {} }
                use .own href={ "#" (all) "-" (i) } {}
            }
        }
    }
}

fn path(shares: &[f64], times: &[f64], x: &Scale, y: &Scale) -> String {
    let mut d = String::new();
    for (i, (share, time)) in shares.iter().zip(times).enumerate() {
        let across = x.place(1.0 / (1.0 - share).max(1e-6)) * WIDTH;
        let down = (1.0 - y.place(*time)) * HEIGHT;
        // Writing to a string cannot fail.
        let _ = write!(d, "{}{across:.0} {down:.0}", if i == 0 { "M" } else { " " });
    }
    d
}

fn at(curve: &Curve, share: f64) -> Option<usize> {
    curve.shares.iter().position(|s| (s - share).abs() < 1e-9)
}

fn table(curves: &[&Curve]) -> Markup {
    let cell = |curve: &Curve, times: &[f64], share: f64| match at(curve, share) {
        Some(i) => html! { td { (num(times[i], &number::time(times[i]))) } },
        None => html! { td { "–" } },
    };
    html! {
        table .nums {
            thead { tr {
                th scope="col" { "Backend" } th scope="col" { "Time" }
                @for (_, label) in COLUMNS { th scope="col" { (label) } }
            } }
            tbody {
                @for curve in curves {
                    tr { th scope="row" { code { (curve.row) } } td .t { "response" } @for (share, _) in COLUMNS { (cell(curve, &curve.response_ns, share)) } }
                    tr { th scope="row" { code { (curve.row) } } td .t { "service" } @for (share, _) in COLUMNS { (cell(curve, &curve.service_ns, share)) } }
                }
            }
        }
    }
}
