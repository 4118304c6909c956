//! The two parts of an amount, once per draw: what a request costs, and what stands there at each number of logins. Every
//! point of a curve and every break-even follows from them, so that no draw is priced twice.

use super::formula::{self, Crossing, Usage};
use super::usage::{Measured, MeasuredRow};
use super::{bounded, rounded};
use crate::model::Figure;
use crate::prices::PriceSheet;

/// The parts of one row: per million requests, and per hour by live logins in the order of the axis.
pub(super) struct Parts<'a> {
    pub(super) row: &'a MeasuredRow,
    value: Part,
    draws: Vec<Option<Part>>,
}

struct Part {
    request: f64,
    standing: Vec<f64>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(row: &'a MeasuredRow, axis: &[f64], sheet: &PriceSheet) -> Self {
        let part = |usage: &Usage| Part {
            request: formula::per_request_part(usage, sheet),
            standing: axis
                .iter()
                .map(|&logins| formula::standing_per_hour(usage, logins, row.replicas, sheet))
                .collect(),
        };
        Self {
            row,
            value: part(&row.usage),
            draws: row.draws.iter().map(|usage| usage.as_ref().map(part)).collect(),
        }
    }

    /// A million requests at a rate, with the logins at this place of the axis.
    pub(super) fn per_million(&self, measured: &Measured, logins: usize, rate: f64) -> Figure {
        let of = |part: &Part| part.request + part.standing[logins] * 1e6 / 3_600.0 / rate;
        let draws = self.draws.iter().flatten().map(of).collect();
        bounded(rounded(of(&self.value)), measured.bounds(draws).ok())
    }

    /// Where this row and another one cost the same, and the interval of the rate: present where nearly every draw says
    /// the same kind of thing.
    pub(super) fn crossing(
        &self,
        other: &Self,
        measured: &Measured,
        logins: usize,
    ) -> (Crossing, Option<stats::Interval>) {
        let at = |own: &Part, other: &Part| {
            formula::meet((own.request, own.standing[logins]), (other.request, other.standing[logins]))
        };
        let found = at(&self.value, &other.value);
        let drawn = self.draws.iter().zip(&other.draws).filter_map(|(own, other)| {
            match (at(own.as_ref()?, other.as_ref()?), found) {
                (Crossing::At { rate, second_above }, Crossing::At { second_above: wanted, .. }) => {
                    (second_above == wanted).then_some(rate)
                }
                (drawn, found) => (drawn == found).then_some(0.0),
            }
        });
        (found, measured.bounds(drawn.collect()).ok())
    }
}
