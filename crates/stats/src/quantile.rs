//! Quantiles of a sorted slice and robust scale.

use crate::error::{Unusable, enough};

/// Factor that makes the median absolute deviation consistent for the standard deviation of normal data: 1/Φ⁻¹(3/4).
pub const MAD_TO_SD: f64 = 1.482_602_218_505_602;

/// Quantile of an ascending slice, `q` from 0 to 1, by linear interpolation between order statistics at position
/// `(n − 1)·q` (definition 7 of Hyndman & Fan, "Sample quantiles in statistical packages", The American
/// Statistician 50, 1996; the default of R and NumPy). `None` when the slice is empty or `q` is out of range.
#[must_use]
pub fn quantile_sorted(sorted: &[f64], q: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&q) {
        return None;
    }
    let last = sorted.len().checked_sub(1)?;
    let position = last as f64 * q;
    let below = (libm::floor(position) as usize).min(last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    Some(low + (position - below as f64) * (high - low))
}

/// The same of a slice in any order, without sorting all of it: what is needed is moved to its place.
#[must_use]
pub fn quantile(values: &mut [f64], q: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&q) {
        return None;
    }
    let last = values.len().checked_sub(1)?;
    let position = last as f64 * q;
    let below = (libm::floor(position) as usize).min(last);
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + (position - below as f64) * (high - low))
}

/// Ascending copy.
#[must_use]
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut copy = values.to_vec();
    copy.sort_unstable_by(f64::total_cmp);
    copy
}

/// Median; the mean of the two middle values when their number is even.
pub fn median(values: &[f64]) -> Result<f64, Unusable> {
    enough(values, 1)?;
    quantile_sorted(&sorted(values), 0.5).ok_or(Unusable::TooFew { have: 0, need: 1 })
}

/// Standard deviation as estimated by the median absolute deviation from the median, times [`MAD_TO_SD`]. One
/// stalled block among many hardly moves it.
pub fn mad_scale(values: &[f64]) -> Result<f64, Unusable> {
    let centre = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    Ok(MAD_TO_SD * median(&deviations)?)
}

/// Arithmetic mean.
pub fn mean(values: &[f64]) -> Result<f64, Unusable> {
    enough(values, 1)?;
    Ok(values.iter().sum::<f64>() / values.len() as f64)
}

/// Unbiased sample variance (divisor n − 1), two passes.
pub fn variance(values: &[f64]) -> Result<f64, Unusable> {
    enough(values, 2)?;
    let centre = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - centre) * (value - centre)).sum();
    Ok(squares / (values.len() - 1) as f64)
}
