//! Hodges–Lehmann estimate of the centre of paired differences, with the exact signed-rank interval.

use crate::error::{Unusable, enough, open_unit};
use crate::interval::Interval;
use crate::quantile::quantile_sorted;
use crate::signed_rank::{cut, pairs_needed};

/// Walsh averages `(dᵢ + dⱼ)/2`, `i ≤ j`, ascending: n(n+1)/2 values.
#[derive(Debug, Clone, PartialEq)]
pub struct Walsh {
    pairs: usize,
    averages: Vec<f64>,
}

impl Walsh {
    /// From at least one finite difference.
    pub fn new(differences: &[f64]) -> Result<Self, Unusable> {
        enough(differences, 1)?;
        let mut averages = Vec::with_capacity(differences.len() * (differences.len() + 1) / 2);
        for (index, &first) in differences.iter().enumerate() {
            averages.extend(differences[index..].iter().map(|&second| 0.5 * first + 0.5 * second));
        }
        averages.sort_unstable_by(f64::total_cmp);
        Ok(Self { pairs: differences.len(), averages })
    }

    /// Median of the averages: Hodges & Lehmann, "Estimates of location based on rank tests", Annals of Mathematical
    /// Statistics 34 (1963).
    #[must_use]
    pub fn estimate(&self) -> f64 {
        quantile_sorted(&self.averages, 0.5).unwrap_or(f64::NAN)
    }

    /// Two-sided interval of at least confidence `level`: the averages left after cutting as many from each end as the
    /// signed-rank distribution allows (Hollander, Wolfe & Chicken, "Nonparametric Statistical Methods", 3rd ed., §3.3).
    /// Exact for symmetric errors whatever their distribution. Too few pairs is an error, not a narrower interval.
    pub fn interval(&self, level: f64) -> Result<Interval, Unusable> {
        open_unit(level)?;
        let (cut, level) = cut(self.pairs, 1.0 - level)
            .ok_or(Unusable::TooFew { have: self.pairs, need: pairs_needed(level) })?;
        let last = self.averages.len() - 1;
        Ok(Interval { low: self.averages[cut], high: self.averages[last - cut], level })
    }
}

/// [`Walsh::estimate`] of these differences.
pub fn hodges_lehmann(differences: &[f64]) -> Result<f64, Unusable> {
    Ok(Walsh::new(differences)?.estimate())
}

/// [`Walsh::interval`] of these differences.
pub fn signed_rank_interval(differences: &[f64], level: f64) -> Result<Interval, Unusable> {
    Walsh::new(differences)?.interval(level)
}

/// Log ratios `ln(aᵢ/bᵢ)` of paired positive values; [`Unusable::NotFinite`] when a value is not positive, and
/// [`Unusable::BadParameter`] when the slices differ in length.
pub fn log_ratios(a: &[f64], b: &[f64]) -> Result<Vec<f64>, Unusable> {
    if a.len() != b.len() {
        return Err(Unusable::BadParameter);
    }
    let ratio = |(&a, &b): (&f64, &f64)| {
        (a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite()).then(|| libm::log(a) - libm::log(b))
    };
    a.iter().zip(b).map(ratio).collect::<Option<_>>().ok_or(Unusable::NotFinite)
}
