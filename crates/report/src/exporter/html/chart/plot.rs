//! A field with two axes: horizontal places are percentages, vertical ones pixels, lines are drawn in a stretched layer.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::{Scale, px};

/// Units of the stretched layer.
const UNITS: f64 = 1_000.0;
/// Room for the labels below, pixels.
const BELOW: f64 = 18.0;

/// A tick: value and words.
pub(super) type Tick = (f64, String);

/// Two axes and the height between them.
pub(super) struct Plot {
    pub(super) x: Scale,
    pub(super) y: Scale,
    /// Pixels.
    pub(super) height: f64,
    pub(super) across: Vec<Tick>,
    pub(super) up: Vec<Tick>,
}

impl Plot {
    /// Pixels from the top.
    pub(super) fn down(&self, y: f64) -> f64 {
        (1.0 - self.y.place(y)) * self.height
    }

    /// A line through points, in the units of [`Self::layer`], which cuts off what lies outside.
    pub(super) fn path(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut d = String::new();
        for (x, y) in points {
            let start = if d.is_empty() { "M" } else { " " };
            let (across, down) = (self.x.place(x) * UNITS, (1.0 - self.y.beyond(y)) * UNITS);
            // Writing to a string cannot fail.
            let _ = write!(d, "{start}{across:.0} {down:.0}");
        }
        d
    }

    /// Upright lines, each at a place across and between two values, in the units of [`Self::layer`].
    pub(super) fn uprights(&self, lines: impl IntoIterator<Item = (f64, f64, f64)>) -> String {
        let down = |y: f64| (1.0 - self.y.place(y)) * UNITS;
        lines.into_iter().fold(String::new(), |mut d, (x, from, to)| {
            // Writing to a string cannot fail.
            let _ = write!(d, "M{:.0} {:.0}V{:.0}", self.x.place(x) * UNITS, down(from), down(to));
            d
        })
    }

    /// Where lines of [`Self::path`] go.
    pub(super) fn layer(&self, lines: &Markup) -> Markup {
        html! {
            svg .layer width="100%" height=(px(self.height)) viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true" { (lines) }
        }
    }

    /// Grid and labels, drawn once for all fields of a figure; `id` is its own.
    pub(super) fn defs(&self, id: &str) -> Markup {
        html! {
            svg .defs aria-hidden="true" width="0" height="0" {
                symbol id={ (id) "-up" } {
                    @for (tick, words) in &self.up {
                        text .tick x="44" text-anchor="end" y=(px(self.down(*tick) + 4.0)) { (words) }
                    }
                }
                symbol id={ (id) "-grid" } {
                    g .axis {
                        @for (tick, _) in &self.up {
                            @let y = px(self.down(*tick));
                            line x1="0" x2="100%" y1=(y) y2=(y) {}
                        }
                        @for (tick, words) in &self.across {
                            @let x = self.x.at(*tick);
                            line x1=(x) x2=(x) y1="0" y2=(px(self.height)) {}
                            text .tick x=(x) y=(px(self.height + 15.0)) text-anchor=(anchor(self.x.place(*tick))) { (words) }
                        }
                    }
                }
            }
        }
    }

    /// One field of a figure whose grid is in [`Self::defs`], by its number and in words.
    pub(super) fn field(&self, id: &str, number: usize, words: &str, body: &Markup) -> Markup {
        let all = px(self.height + BELOW);
        html! {
            div .plot {
                svg .chart aria-hidden="true" width="50" height=(all) { use href={ "#" (id) "-up" } {} }
                svg .chart role="img" width="100%" height=(all) aria-labelledby={ (id) "-t" (number) } {
                    title id={ (id) "-t" (number) } { (words) }
                    use href={ "#" (id) "-grid" } width="100%" height=(all) {}
                    (body)
                }
            }
        }
    }
}

/// Where a label at this place stands, so that it is not cut off.
pub(super) fn anchor(place: f64) -> &'static str {
    match place {
        p if p < 0.06 => "start",
        p if p > 0.94 => "end",
        _ => "middle",
    }
}

/// Powers of ten between two values, with words: `10`, `1 k`, `100 k`, `1 M`.
pub(super) fn powers(from: f64, to: f64) -> Vec<Tick> {
    let powers = (-12..16).map(|power| 10f64.powi(power));
    powers
        .filter(|tick| *tick >= from * 0.999 && *tick <= to * 1.001)
        .map(|tick| (tick, amount(tick)))
        .collect()
}

/// A round amount in few characters.
pub(super) fn amount(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{} M", super::trimmed(v / 1e6, 1)),
        v if v >= 1e3 => format!("{} k", super::trimmed(v / 1e3, 1)),
        v => super::trimmed(v, 12),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_at_the_lower_left() {
        let plot = Plot {
            x: Scale::log(10.0, 1_000.0),
            y: Scale::linear(0.0, 1.0),
            height: 100.0,
            across: Vec::new(),
            up: Vec::new(),
        };
        assert_eq!(plot.path([(10.0, 0.0), (100.0, 0.5), (1_000.0, 1.0)]), "M0 1000 500 500 1000 0");
        assert_eq!(plot.down(0.25), 75.0);
    }

    #[test]
    fn amounts_are_short() {
        assert_eq!(
            powers(10.0, 1e5).iter().map(|t| t.1.as_str()).collect::<Vec<_>>(),
            ["10", "100", "1 k", "10 k", "100 k"]
        );
        assert_eq!(amount(0.001), "0.001");
        assert_eq!(amount(1e7), "10 M");
    }
}
