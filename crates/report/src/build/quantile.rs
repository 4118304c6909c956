//! Ratio to the baseline by quantile: where a difference lies, in the whole body or in the tail only.
//!
//! A ratio is taken between blocks of one round, so drift of the machine cancels here as it does for the medians. The
//! intervals of one row hold together: each is drawn at the level that Bonferroni asks of so many.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use measure::BlockRecord;
use measure::recording::{Kind, RecordedHistogram};
use measure::rounds::Round;

use crate::comparison::PairedScenario;
use crate::comparison::figures::plain;
use crate::comparison::paired::log_ratios;
use crate::model::QuantileRatio;

/// Shares looked at, and the operations that a block must have for each: ten beyond the quantile, so that it is no
/// single observation.
const SHARES: [(f64, u64); 6] =
    [(0.5, 20), (0.75, 40), (0.9, 100), (0.95, 200), (0.99, 1_000), (0.999, 10_000)];

/// By share, in the order of [`SHARES`].
type Quantiles = [Option<f64>; SHARES.len()];

/// Of every row but the baseline.
pub(super) fn ratios(
    baseline: &str,
    alpha: f64,
    paired: &PairedScenario,
    blocks: &[&BlockRecord],
    histograms: &[RecordedHistogram],
) -> Vec<QuantileRatio> {
    let usable: BTreeMap<u64, &BlockRecord> = blocks
        .iter()
        .filter(|block| block.validity.valid && block.validity.response_times)
        .map(|block| (block.sequence, *block))
        .collect();
    // Histograms of a round's blocks add up exactly.
    let mut merged: BTreeMap<&str, BTreeMap<Round, Histogram<u64>>> = BTreeMap::new();
    let own = |h: &&RecordedHistogram| h.operation == Some(paired.operation) && h.kind == Kind::Response;
    for recorded in histograms.iter().filter(own) {
        let Some(block) = usable.get(&recorded.sequence) else { continue };
        let rounds = merged.entry(&block.backend).or_default();
        add(rounds, (block.restart, block.round), &recorded.histogram);
    }
    let rows: BTreeMap<&str, BTreeMap<Round, Quantiles>> = merged
        .into_iter()
        .map(|(row, rounds)| (row, rounds.iter().map(|(round, h)| (*round, quantiles(h))).collect()))
        .collect();
    let Some(base) = rows.get(baseline) else { return Vec::new() };
    let level = 1.0 - alpha / SHARES.len() as f64;
    let named = paired.rows.iter().map(|figures| figures.row.as_str()).filter(|row| *row != baseline);
    named.filter_map(|row| one(row, rows.get(row)?, base, level)).collect()
}

fn quantiles(histogram: &Histogram<u64>) -> Quantiles {
    SHARES
        .map(|(share, fewest)| (histogram.len() >= fewest).then(|| histogram.value_at_quantile(share) as f64))
}

/// Adds a histogram to the sum kept under a key.
pub(super) fn add<K: Ord>(sums: &mut BTreeMap<K, Histogram<u64>>, key: K, histogram: &Histogram<u64>) {
    let sum = sums.entry(key).or_insert_with(|| {
        let mut empty = Histogram::new_from(histogram);
        empty.auto(true);
        empty
    });
    // Only a histogram of a coarser kind could fail to be added; ours are all alike and grow.
    let _ = sum.add(histogram);
}

fn one(
    row: &str,
    own: &BTreeMap<Round, Quantiles>,
    base: &BTreeMap<Round, Quantiles>,
    level: f64,
) -> Option<QuantileRatio> {
    let mut found = QuantileRatio { row: row.to_owned(), shares: Vec::new(), ratios: Vec::new() };
    for (place, (share, _)) in SHARES.into_iter().enumerate() {
        let pair = |(round, quantiles): (&Round, &Quantiles)| {
            Some((round.0, quantiles[place]?, base.get(round)?[place]?))
        };
        let pairs: Vec<(u32, f64, f64)> = own.iter().filter_map(pair).collect();
        let column = |of: fn(&(u32, f64, f64)) -> f64| pairs.iter().map(of).collect::<Vec<f64>>();
        let restarts: Vec<u32> = pairs.iter().map(|pair| pair.0).collect();
        let Ok(logs) = log_ratios(&column(|pair| pair.1), &column(|pair| pair.2)) else { continue };
        let Some(centre) = plain(&logs, &restarts, level) else { continue };
        found.shares.push(share);
        found.ratios.push(super::ratio(crate::comparison::Estimate {
            value: libm::exp(centre.value),
            interval: centre.interval.map(|bounds| bounds.map(libm::exp)),
            level: centre.level,
        }));
    }
    // One quantile alone says nothing that the table does not.
    (found.shares.len() > 1).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Figure;

    fn rounds(of: impl Fn(u32) -> f64) -> BTreeMap<Round, Quantiles> {
        (0..12).map(|round| ((0, round), SHARES.map(|_| Some(of(round))))).collect()
    }

    #[test]
    fn drift_of_the_machine_cancels() {
        let drift = |round: u32| 1e5 * (1.0 + f64::from(round));
        let found = one("a", &rounds(|round| 1.2 * drift(round)), &rounds(drift), 0.95).unwrap();
        assert_eq!(found.shares.len(), SHARES.len());
        assert!(found.ratios.iter().all(|ratio| (ratio.value - 1.2).abs() < 1e-3));
    }

    #[test]
    fn rounds_without_a_partner_are_left_out() {
        let mut base = rounds(|_| 1e5);
        base.retain(|(_, round), _| *round < 3);
        let found = one("a", &rounds(|_| 2e5), &base, 0.95).unwrap();
        assert!(
            found.ratios.iter().all(|ratio: &Figure| ratio.interval().is_none()),
            "three rounds give no interval"
        );
    }
}
