//! Values in the order of time: dependence, warm-up, drift, burstiness.

use crate::error::{Unusable, enough};
use crate::quantile::{mean, variance};
use crate::special::t_cdf;

/// Autocorrelation at lag 1; 0 for a constant series. About ±2/√n is noise.
pub fn lag1_autocorrelation(series: &[f64]) -> Result<f64, Unusable> {
    enough(series, 3)?;
    let centre = mean(series)?;
    let total: f64 = series.iter().map(|x| (x - centre) * (x - centre)).sum();
    let product: f64 = series.windows(2).map(|pair| (pair[0] - centre) * (pair[1] - centre)).sum();
    Ok(if total > 0.0 { product / total } else { 0.0 })
}

/// How many independent values a dependent series is worth, by batch means: neighbours are merged two by two, level by
/// level; while batches are shorter than the dependence, `batch length · Var(batch mean) / Var(value)` keeps growing
/// towards the factor by which the variance of the mean is inflated (Flyvbjerg & Petersen, "Error estimates on averages
/// of correlated data", Journal of Chemical Physics 91, 1989). The largest factor seen is used; merging ends once a batch
/// is five times as long as the factor, or fewer than eight batches are left. From 1 to n.
pub fn effective_sample_size(series: &[f64]) -> Result<f64, Unusable> {
    enough(series, 2)?;
    let single = variance(series)?;
    let size = series.len() as f64;
    if single <= 0.0 {
        return Ok(size);
    }
    let mut batches = series.to_vec();
    let (mut length, mut inflation) = (1.0_f64, 1.0_f64);
    while batches.len() >= 16 && length < 5.0 * inflation {
        batches = batches.chunks_exact(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect();
        length *= 2.0;
        inflation = inflation.max(length * variance(&batches)? / single);
    }
    Ok((size / inflation).clamp(1.0, size))
}

/// Where the start-up transient ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncation {
    /// Values to discard from the start.
    pub discard: usize,
    /// False when the best cut lies at the end of the first half: the series does not settle, or is too short to tell.
    pub settled: bool,
}

/// MSER-5: the series in batches of five, cut where the standard error of the mean of what remains is smallest, looked
/// for in the first half (White, "An effective truncation heuristic for bias reduction in simulation output",
/// Simulation 69, 1997; batches of five: White, Cobb & Spratt, WSC 2000). At least 20 values.
pub fn mser5(series: &[f64]) -> Result<Truncation, Unusable> {
    const BATCH: usize = 5;
    enough(series, 4 * BATCH)?;
    let batches: Vec<f64> = series.chunks_exact(BATCH).map(|five| five.iter().sum::<f64>() / 5.0).collect();
    let (mut sum, mut squares, mut best) = (0.0, 0.0, (f64::INFINITY, 0));
    // Centred first: the running sums below would lose digits on large values.
    let centre = mean(&batches)?;
    for start in (0..batches.len()).rev() {
        let value = batches[start] - centre;
        sum += value;
        squares += value * value;
        let left = (batches.len() - start) as f64;
        let error = (squares - sum * sum / left).max(0.0) / (left * left);
        if start <= batches.len() / 2 && error <= best.0 {
            best = (error, start);
        }
    }
    Ok(Truncation { discard: best.1 * BATCH, settled: best.1 < batches.len() / 2 })
}

/// Index of dispersion of counts, variance over mean: 1 for Poisson arrivals, near 0 for even ones, above 1 for bursts.
pub fn dispersion(counts: &[f64]) -> Result<f64, Unusable> {
    let (mean, variance) = (mean(counts)?, variance(counts)?);
    if mean > 0.0 { Ok(variance / mean) } else { Err(Unusable::BadParameter) }
}

/// A rank correlation and its p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// Spearman's ρ, −1 to 1.
    pub rho: f64,
    /// Two-sided p-value by the t approximation on n − 2 degrees of freedom (good from about ten values).
    pub p: f64,
}

/// Drift: Spearman's rank correlation of the values with their position. Ties get midranks; a constant series has ρ = 0.
pub fn drift(series: &[f64]) -> Result<Correlation, Unusable> {
    let positions: Vec<f64> = (0..series.len()).map(|index| index as f64).collect();
    spearman(&positions, series)
}

/// Spearman's rank correlation of two slices of one length, at least three values.
pub fn spearman(a: &[f64], b: &[f64]) -> Result<Correlation, Unusable> {
    enough(a, 3)?;
    enough(b, 3)?;
    if a.len() != b.len() {
        return Err(Unusable::BadParameter);
    }
    let (a, b) = (midranks(a), midranks(b));
    let (mean_a, mean_b) = (mean(&a)?, mean(&b)?);
    let product: f64 = a.iter().zip(&b).map(|(x, y)| (x - mean_a) * (y - mean_b)).sum();
    let df = (a.len() - 1) as f64;
    let scale = libm::sqrt(variance(&a)? * variance(&b)?) * df;
    let rho = if scale > 0.0 { (product / scale).clamp(-1.0, 1.0) } else { 0.0 };
    let df = df - 1.0;
    let rest = 1.0 - rho * rho;
    let p = if rest > 0.0 { 2.0 * t_cdf(-rho.abs() * libm::sqrt(df / rest), df) } else { 0.0 };
    Ok(Correlation { rho, p: p.min(1.0) })
}

/// Ranks from 1, equal values sharing the mean of theirs.
fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let before = order.partition_point(|&index| values[index] < values[tied[0]]);
        for &index in tied {
            ranks[index] = before as f64 + 0.5 * (tied.len() + 1) as f64;
        }
    }
    ranks
}
