//! Many comparisons at once: Holm's step-down adjustment.

/// Adjusted p-values in the order given: `max over the smaller ones of (m − rank)·p`, at most 1. Rejecting those at or
/// below α keeps the chance of any false rejection at α, whatever the dependence (Holm, "A simple sequentially
/// rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979).
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (step, &index) in order.iter().enumerate() {
        largest = largest.max(((p_values.len() - step) as f64 * p_values[index]).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

/// The level each hypothesis is held against in Holm's procedure: `α/(m − rank)`, rank from 0 by p-value. An interval
/// with this miss probability excludes the null value exactly when its own step of the procedure rejects.
#[must_use]
pub fn holm_levels(p_values: &[f64], alpha: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut levels = vec![alpha; p_values.len()];
    for (step, &index) in order.iter().enumerate() {
        levels[index] = alpha / (p_values.len() - step) as f64;
    }
    levels
}
