//! Ratio to the baseline by quantile: one field per backend, with intervals that hold together.

use maud::{Markup, html};

use super::super::{Depth, num, slug};
use super::plot::{Plot, Tick};
use super::{Scale, figure, px, swatch};
use crate::answer::{self, ratio_with_interval, reading_order};
use crate::model::{QuantileRatio, Report, Scenario};
use crate::number;

/// Height of a field, pixels.
const PANEL: f64 = 130.0;
/// Ratios that a tick may stand at.
const TICKS: [f64; 9] = [0.1, 0.25, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0, 10.0];

pub(in super::super) fn quantiles(report: &Report, scenario: &Scenario, depth: Depth) -> Markup {
    let rows: Vec<&QuantileRatio> = reading_order(report, scenario)
        .into_iter()
        .filter_map(|row| scenario.quantile_ratios.iter().find(|ratio| ratio.row == row))
        .collect();
    let all = || rows.iter().flat_map(|row| &row.ratios);
    if rows.is_empty() {
        return html! {};
    }
    let farthest = all().map(|r| r.upper().max(1.0 / r.lower().max(1e-3))).fold(1.3, f64::max);
    let shares = rows.iter().map(|row| &row.shares).max_by_key(|shares| shares.len());
    let shares = shares.cloned().unwrap_or_default();
    let beyond = |share: f64| 1.0 / (1.0 - share).max(1e-6);
    let y = Scale::around_one(farthest.min(1e2), report.run.margin);
    let mut up: Vec<Tick> = Vec::new();
    for tick in TICKS.into_iter().filter(|tick| *tick == 1.0 || (*tick < farthest && *tick > 1.0 / farthest))
    {
        // Two labels need some room between them.
        if up.last().is_none_or(|(last, _)| (y.place(tick) - y.place(*last)) * PANEL > 12.0) {
            up.push((tick, format!("{tick}×")));
        }
    }
    let plot = Plot {
        x: Scale::log(1.8, beyond(shares.last().copied().unwrap_or(0.9)) * 1.15),
        y,
        height: PANEL,
        across: shares.iter().map(|share| (beyond(*share), label(*share))).collect(),
        up,
    };
    let margin = 1.0 + report.run.margin;
    let id = slug("quantiles", &scenario.name);
    let says = answer::quantiles(report, scenario);
    let panels = html! {
        (plot.defs(&id))
        div .panels {
            @for (i, row) in rows.iter().enumerate() {
                div .panel {
                    p { code { (row.row) } }
                    (plot.field(&id, i, &format!("{}: ratio by quantile, {}", row.row, described(row)), &html! {
                        rect .band x="0" width="100%" y=(px(plot.down(margin))) height=(px(plot.down(1.0 / margin) - plot.down(margin))) {}
                        line .zero x1="0" x2="100%" y1=(px(plot.down(1.0))) y2=(px(plot.down(1.0))) {}
                        (plot.layer(&html! {
                            path .own d=(plot.path(row.shares.iter().map(|s| beyond(*s)).zip(row.ratios.iter().map(|r| r.value)))) {}
                            path .whiskers d=(plot.uprights(row.shares.iter().zip(&row.ratios).filter_map(|(share, ratio)| {
                                let (low, high) = ratio.interval()?;
                                Some((beyond(*share), low, high))
                            }))) {}
                        }))
                        @for (share, ratio) in row.shares.iter().zip(&row.ratios) {
                            circle class=(if ratio.interval().is_some() { "point" } else { "hollow" })
                                cx=(plot.x.at(beyond(*share))) cy=(px(plot.down(ratio.value))) r="3" {}
                        }
                    }))
                }
            }
        }
    };
    let key = html! { p .key {
        (swatch("<circle class=\"point\" cx=\"11\" cy=\"6\" r=\"3\"/>", &format!("ratio to {}", report.run.baseline)))
        (swatch("<path class=\"ci\" d=\"M11 0V12\"/>", "95 % interval, all of a row at once"))
        (swatch("<rect class=\"band\" width=\"22\" height=\"12\"/>", "equivalent"))
        span { "Across: percentile of the response time. Up: ratio, stretched around 1. Described, not ranked." }
    } };
    let table = html! {
        table .nums {
            thead { tr { th scope="col" { "Backend" } @for share in &shares { th scope="col" { "p" (label(*share)) } } } }
            tbody { @for row in &rows { tr {
                th scope="row" { code { (row.row) } }
                @for share in &shares { td {
                    @match row.shares.iter().position(|s| s == share) {
                        Some(at) => {
                            @let ratio = row.ratios[at];
                            (num(ratio.value, &number::ratio(ratio.value)))
                            @if let Some((low, high)) = ratio.interval() { " [" (num(low, &format!("{low:.3}"))) ", " (num(high, &format!("{high:.3}"))) "]" }
                        }
                        None => "–",
                    }
                } }
            } } }
        }
    };
    figure(
        "wide",
        "Ratio of response times by quantile",
        &says,
        &panels,
        &key,
        (depth == Depth::Full).then_some(&table),
    )
}

fn label(share: f64) -> String {
    super::trimmed(share * 100.0, 2)
}

/// The first and the last in words.
fn described(row: &QuantileRatio) -> String {
    let at = |i: usize| format!("p{}: {}", label(row.shares[i]), ratio_with_interval(row.ratios[i]));
    match row.shares.len() {
        0 => String::new(),
        n => format!("{}, {}", at(0), at(n - 1)),
    }
}
