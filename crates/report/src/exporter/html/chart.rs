//! Charts as inline SVG. Horizontal places are percentages and vertical ones pixels, so that a chart fills any width
//! while its text keeps its size.

use maud::{Markup, PreEscaped, html};

use crate::model::{Figure, Sentence};

use super::{num, sentence};

mod bars;
mod capacity;
mod curves;
mod distance;
mod drill;
mod episode;
mod forest;
mod memory;
mod money;
mod plot;
mod price;
mod quantile;
mod strip;

pub(super) use bars::{added, cpu};
pub(super) use capacity::{capacity, carried};
pub(super) use curves::curves;
pub(super) use distance::distance;
pub(super) use drill::{drill, drill_key};
pub(super) use episode::{exposure, operations, storm};
pub(super) use forest::forest;
pub(super) use memory::memory;
pub(super) use money::{break_even, cost_curves};
pub(super) use price::price;
pub(super) use quantile::quantiles;
pub(super) use strip::strip;

/// Height of one row of a row chart, pixels.
const ROW: f64 = 38.0;
/// Room for the axis below, pixels.
const AXIS: f64 = 24.0;

/// A chart with its title, the sentence that states its result, and its numbers as a table.
fn figure(
    class: &str,
    title: &str,
    says: &Sentence,
    chart: &Markup,
    key: &Markup,
    table: Option<&Markup>,
) -> Markup {
    html! {
        figure class=(class) {
            figcaption {
                h3 { (title) }
                p .says { (sentence(says)) }
            }
            (chart)
            (key)
            (numbers(title, table))
        }
    }
}

/// The numbers of a figure as a table; without one, where they are.
fn numbers(title: &str, table: Option<&Markup>) -> Markup {
    html! {
        details {
            summary { "The numbers" }
            @match table {
                Some(table) => div .scroll tabindex="0" role="region" aria-label={ "Numbers: " (title) } { (table) },
                None => p { "This run is long: these numbers stand in " code { "report.json" } "." },
            }
        }
    }
}

/// An SVG as wide as its container, named for those who cannot see it.
fn svg(id: &str, height: f64, title: &str, description: &str, body: &Markup) -> Markup {
    html! {
        svg .chart role="img" width="100%" height=(px(height))
            aria-labelledby={ (id) "-t " (id) "-d" } {
            title id={ (id) "-t" } { (title) }
            desc id={ (id) "-d" } { (description) }
            (body)
        }
    }
}

/// A place along the horizontal axis, from 0 to 1, as a percentage.
fn pct(place: f64) -> String {
    trimmed(place * 100.0, 2) + "%"
}

/// Pixels with at most one decimal.
fn px(value: f64) -> String {
    trimmed(value, 1)
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Maps values to places along the axis.
struct Scale {
    kind: Kind,
    from: f64,
    to: f64,
}

#[derive(Clone, Copy)]
enum Kind {
    Linear,
    Log,
    /// Linear around a ratio of 1 and logarithmic far from it: `asinh(ln(x) / width)`.
    AroundOne(f64),
}

impl Scale {
    fn linear(from: f64, to: f64) -> Self {
        Self { kind: Kind::Linear, from, to }
    }

    fn log(from: f64, to: f64) -> Self {
        Self { kind: Kind::Log, from: from.max(f64::MIN_POSITIVE).ln(), to: to.max(f64::MIN_POSITIVE).ln() }
    }

    /// As far to either side of 1 as the farthest ratio.
    fn around_one(farthest: f64, margin: f64) -> Self {
        let width = (1.0 + margin).ln();
        let edge = (farthest.ln() / width).asinh();
        Self { kind: Kind::AroundOne(width), from: -edge, to: edge }
    }

    /// Place of a value, 0 to 1; outside values are held at the ends.
    fn place(&self, value: f64) -> f64 {
        self.beyond(value).clamp(0.0, 1.0)
    }

    /// Does the axis reach this value?
    fn holds(&self, value: f64) -> bool {
        (self.from..=self.to).contains(&self.along(value))
    }

    /// A value in the axis' own measure.
    fn along(&self, value: f64) -> f64 {
        match self.kind {
            Kind::Linear => value,
            Kind::Log => value.max(f64::MIN_POSITIVE).ln(),
            Kind::AroundOne(width) => (value.max(f64::MIN_POSITIVE).ln() / width).asinh(),
        }
    }

    /// Place of a value, beyond 0 and 1 for one that lies outside.
    fn beyond(&self, value: f64) -> f64 {
        let span = self.to - self.from;
        if span > 0.0 { (self.along(value) - self.from) / span } else { 0.0 }
    }

    fn at(&self, value: f64) -> String {
        pct(self.place(value))
    }
}

/// About `n` round numbers from 0 to `to`.
fn round_ticks(from: f64, to: f64, n: f64) -> Vec<f64> {
    let span = (to - from).max(f64::MIN_POSITIVE);
    let power = 10f64.powf((span / n).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|s| s * power).find(|s| span / s <= n).unwrap_or(span);
    let first = (from / step).ceil();
    (0..64).map(|i| (first + f64::from(i)) * step).take_while(|tick| *tick <= to * 1.000_001).collect()
}

/// 1, 2 and 5 times the powers of ten between two values.
fn log_ticks(from: f64, to: f64) -> Vec<f64> {
    (-3..13)
        .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)))
        .filter(|tick| *tick >= from && *tick <= to)
        .collect()
}

/// Lines and labels of an axis below `rows` rows. Ticks are not figures of the report.
fn axis(scale: &Scale, ticks: &[f64], print: impl Fn(f64) -> String, bottom: f64) -> Markup {
    html! {
        g .axis aria-hidden="true" {
            @for tick in ticks {
                @let x = scale.at(*tick);
                @let place = scale.place(*tick);
                line x1=(x) x2=(x) y1="0" y2=(px(bottom)) {}
                text .tick x=(x) y=(px(bottom + 16.0))
                    text-anchor=(if place < 0.04 { "start" } else if place > 0.96 { "end" } else { "middle" }) { (print(*tick)) }
            }
        }
    }
}

/// Name at the left and figure at the right of a row.
fn row_text(top: f64, name: &str, value: f64, text: &str) -> Markup {
    html! {
        text .name x="0" y=(px(top + 14.0)) { (name) }
        text .value x="100%" y=(px(top + 14.0)) text-anchor="end" data-value=(value) {
            // On a phone the interval is drawn, and stands in the table.
            @match text.split_once(" [") {
                Some((estimate, interval)) => { (estimate) tspan .interval { " [" (interval) } }
                None => (text),
            }
        }
    }
}

/// An interval as a line.
fn whisker(scale: &Scale, figure: &Figure, y: f64) -> Markup {
    let Some((low, high)) = figure.interval() else { return html! {} };
    html! { line .ci x1=(scale.at(low)) x2=(scale.at(high)) y1=(px(y)) y2=(px(y)) {} }
}

/// The bar inside a cell of the decision table, on the scale of its column.
pub(super) fn spark(figure: Figure, widest: f64) -> Markup {
    let scale = Scale::linear(0.0, widest);
    html! {
        svg .spark aria-hidden="true" width="100%" height="6" {
            rect x="0" y="1" width=(scale.at(figure.value)) height="4" {}
            @if let Some((low, high)) = figure.interval() {
                line x1=(scale.at(low)) x2=(scale.at(high)) y1="3" y2="3" {}
            }
        }
    }
}

/// A swatch of the key, drawn as in the chart.
fn swatch(body: &str, words: &str) -> Markup {
    html! {
        span { svg aria-hidden="true" width="22" height="12" { (PreEscaped(body.to_owned())) } " " (words) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_hold_their_ends() {
        let scale = Scale::linear(0.0, 10.0);
        assert_eq!(scale.at(5.0), "50%");
        assert_eq!(scale.at(50.0), "100%");
        assert_eq!(scale.at(-1.0), "0%");
        let ratio = Scale::around_one(4.0, 0.05);
        assert_eq!(ratio.at(1.0), "50%");
        assert!((ratio.place(2.0) + ratio.place(0.5) - 1.0).abs() < 1e-12, "as far up as down");
        assert!(ratio.place(1.05) - 0.5 > 0.05, "the margin can be seen");
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(round_ticks(0.0, 118.0, 6.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(log_ticks(40.0, 1_200.0), [50.0, 100.0, 200.0, 500.0, 1_000.0]);
        assert_eq!(Scale::linear(0.0, 0.0).at(1.0), "0%");
    }
}
