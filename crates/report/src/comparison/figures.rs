//! Figures of single rows, and what they add over the floor.

use std::collections::BTreeMap;

use measure::BlockRecord;
use stats::{Bootstrap, Interval, Unusable};

use super::extract::{count, is_answer, is_failure};
use super::table::Table;
use super::{Added, Estimate, RowFigures, RowMetric};
use crate::metric::Metric;

/// Resamples behind a descriptive interval.
const DRAWS: usize = 2_000;

/// An interval as it is printed.
pub(crate) fn estimate(value: f64, interval: Result<Interval, Unusable>) -> Estimate {
    interval.map_or(Estimate::bare(value), |interval| Estimate {
        value,
        interval: Some([interval.low, interval.high]),
        level: interval.level,
    })
}

/// Figures of a row: counts, and every metric that has a value.
pub(super) fn row(name: &str, blocks: &[&BlockRecord], table: &Table, level: f64, seed: u64) -> RowFigures {
    let own = || blocks.iter().filter(|block| block.backend == name);
    let valid = || own().filter(|block| block.validity.valid);
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let metrics = Metric::ALL
        .into_iter()
        .filter_map(|metric| Some((metric, centre(name, metric, table, level, seed)?)));
    let mut outcomes = BTreeMap::new();
    for (outcome, count) in valid().flat_map(|block| block.outcomes.values()).flatten() {
        *outcomes.entry(*outcome).or_insert(0) += count;
    }
    RowFigures {
        row: name.to_owned(),
        blocks: number(own().count()),
        void: number(own().count() - valid().count()),
        response_withheld: number(valid().filter(|block| !block.validity.response_times).count()),
        answered: valid().map(|block| count(block, is_answer)).sum(),
        failed: valid().map(|block| count(block, is_failure)).sum(),
        outcomes,
        metrics: metrics.collect(),
    }
}

fn centre(row: &str, metric: Metric, table: &Table, level: f64, seed: u64) -> Option<RowMetric> {
    let rounds: BTreeMap<u32, f64> =
        (0..).zip(table.values(row, metric)).filter_map(|(round, value)| Some((round, (*value)?))).collect();
    let aligned = table.aligned([row], metric);
    let [values] = &aligned.columns;
    let centre = if metric.is_tail() {
        let median = stats::quantile::median(values).ok()?;
        estimate(median, tail_interval(&[values], level, seed, |medians| medians[0]))
    } else if values.iter().all(|&value| value > 0.0) {
        // A positive figure varies by factors: on logarithms its errors are closer to symmetric.
        let logs: Vec<f64> = values.iter().map(|&value| libm::log(value)).collect();
        let Estimate { value, interval, level } = plain(&logs, &aligned.restarts, level)?;
        Estimate { value: libm::exp(value), interval: interval.map(|bounds| bounds.map(libm::exp)), level }
    } else {
        plain(values, &aligned.restarts, level)?
    };
    Some(RowMetric { centre, rounds })
}

/// Centre of values in their own unit, with its interval where there are enough of them.
pub(crate) fn plain(values: &[f64], restarts: &[u32], level: f64) -> Option<Estimate> {
    match stats::pairs::centre(values, restarts, level) {
        Ok((value, interval)) => Some(estimate(value, Ok(interval))),
        Err(_) => stats::location::hodges_lehmann(values).ok().map(Estimate::bare),
    }
}

/// What a row adds over the floor, for every metric that both have.
pub(super) fn added(row: &str, floor: &str, table: &Table, level: f64) -> Vec<Added> {
    let one = |metric: Metric| {
        let aligned = table.aligned([row, floor], metric);
        let difference = plain(&aligned.minus(0, 1), &aligned.restarts, level)?;
        Some(Added { row: row.to_owned(), metric, difference, rounds: aligned.rounds() })
    };
    Metric::ALL.into_iter().filter(|metric| !metric.is_tail()).filter_map(one).collect()
}

/// Bootstrap over rounds of a function of the medians of several columns: the same rounds are drawn for all.
pub(super) fn tail_interval(
    columns: &[&Vec<f64>],
    level: f64,
    seed: u64,
    figure: impl Fn(&[f64]) -> f64,
) -> Result<Interval, Unusable> {
    let rounds = columns.first().map_or(0, |column| column.len());
    let ranked: Vec<Ranked> = columns.iter().map(|column| Ranked::new(column)).collect();
    let mut medians = vec![0.0; columns.len()];
    let mut drawn = vec![0_u32; rounds];
    Bootstrap { draws: DRAWS, level, seed }.interval(rounds, |indices| {
        drawn.fill(0);
        indices.iter().for_each(|&index| drawn[index] += 1);
        for (median, ranked) in medians.iter_mut().zip(&ranked) {
            *median = ranked.median(&drawn);
        }
        Some(figure(&medians))
    })
}

/// A column in ascending order, so that the median of a resample is found by counting.
struct Ranked {
    ascending: Vec<(usize, f64)>,
}

impl Ranked {
    fn new(column: &[f64]) -> Self {
        let mut ascending: Vec<(usize, f64)> = column.iter().copied().enumerate().collect();
        ascending.sort_by(|a, b| a.1.total_cmp(&b.1));
        Self { ascending }
    }

    /// Median when round `i` was drawn `drawn[i]` times, as many draws in all as rounds.
    fn median(&self, drawn: &[u32]) -> f64 {
        let size = self.ascending.len();
        let at = |position: usize| {
            let mut seen = 0;
            let found = self.ascending.iter().find(|(round, _)| {
                seen += drawn[*round] as usize;
                seen > position
            });
            found.map_or(f64::NAN, |(_, value)| *value)
        };
        if size % 2 == 1 { at(size / 2) } else { 0.5 * (at(size / 2 - 1) + at(size / 2)) }
    }
}
