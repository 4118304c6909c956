//! The ratio of what two rows add over a floor.

use crate::error::{Unusable, finite};
use crate::interval::Interval;
use crate::quantile::quantile_sorted;
use crate::signed_rank::{cut, pairs_needed};

/// The ratio of two paired differences by inverting the signed-rank test of `row − ρ·baseline`, as Theil and Sen do for
/// slopes and Fieller for normal data: each Walsh average of that difference changes sign at the ratio
/// `(rowᵢ + rowⱼ)/(baselineᵢ + baselineⱼ)`, so these ratios take the place of the Walsh averages.
///
/// Pairs whose denominator is not positive could change sign the other way: they count as lying beyond either end, which
/// can only widen the interval. Too many of them, and the baseline's added cost is not resolved.
#[derive(Debug, Clone)]
pub(super) struct RatioAverages {
    pairs: usize,
    sorted: Vec<f64>,
    beyond: usize,
}

impl RatioAverages {
    pub(super) fn new(row: &[f64], baseline: &[f64]) -> Result<Self, Unusable> {
        finite(row)?;
        finite(baseline)?;
        if row.len() != baseline.len() {
            return Err(Unusable::BadParameter);
        }
        let mut sorted = Vec::with_capacity(row.len() * (row.len() + 1) / 2);
        let mut beyond = 0;
        for i in 0..row.len() {
            for j in i..row.len() {
                let denominator = baseline[i] + baseline[j];
                if denominator > 0.0 {
                    sorted.push((row[i] + row[j]) / denominator);
                } else {
                    beyond += 1;
                }
            }
        }
        finite(&sorted)?;
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(Self { pairs: row.len(), sorted, beyond })
    }

    pub(super) fn estimate(&self) -> Result<f64, Unusable> {
        quantile_sorted(&self.sorted, 0.5).ok_or(Unusable::NotResolved)
    }

    pub(super) fn interval(&self, level: f64) -> Result<Interval, Unusable> {
        let (cut, level) = cut(self.pairs, 1.0 - level)
            .ok_or(Unusable::TooFew { have: self.pairs, need: pairs_needed(level) })?;
        let low = cut.checked_sub(self.beyond).ok_or(Unusable::NotResolved)?;
        let high = self
            .sorted
            .len()
            .checked_sub(1 + low)
            .filter(|&high| high >= low)
            .ok_or(Unusable::NotResolved)?;
        Ok(Interval { low: self.sorted[low], high: self.sorted[high], level })
    }
}
