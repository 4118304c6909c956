//! Variance between restarts: what changes when every process is started anew (address layout, hash seeds, placement of
//! memory) does not average out over rounds, however many there are.
//!
//! The model is that of Kalibera & Jones ("Rigorous benchmarking in reasonable time", ISMM 2013; "Quantifying performance
//! changes with effect size confidence intervals", 2012, §6): a pair is truth + effect of its restart + noise of its
//! round. Their interval rests on the highest level alone: the estimates per restart are independent values around the
//! truth, so Student's t on them, with restarts − 1 degrees of freedom, carries both variances. Three values are
//! sometimes close together by luck; the interval of a comparison is therefore the hull of this one and of the rank
//! interval over all rounds: never narrower than either.

use crate::error::{Unusable, enough, open_unit};
use crate::interval::Interval;
use crate::quantile::{mean, variance};
use crate::special::{t_cdf, t_quantile};

/// Fewest restarts from which a variance between them is estimated.
pub const FEWEST_RESTARTS: usize = 3;

/// Student's t interval of the mean of one estimate per restart.
pub fn between_interval(estimates: &[f64], level: f64) -> Result<Interval, Unusable> {
    enough(estimates, FEWEST_RESTARTS)?;
    open_unit(level)?;
    let size = estimates.len() as f64;
    let half = t_quantile(0.5 + 0.5 * level, size - 1.0)? * libm::sqrt(variance(estimates)? / size);
    let centre = mean(estimates)?;
    Ok(Interval { low: centre - half, high: centre + half, level })
}

/// Two-sided p-value that the estimates per restart have mean `null`; 1 when all equal it.
pub fn between_p_value(estimates: &[f64], null: f64) -> Result<f64, Unusable> {
    enough(estimates, FEWEST_RESTARTS)?;
    let size = estimates.len() as f64;
    let distance = (mean(estimates)? - null).abs();
    if distance == 0.0 {
        return Ok(1.0);
    }
    let error = libm::sqrt(variance(estimates)? / size);
    Ok(if error > 0.0 { 2.0 * t_cdf(-distance / error, size - 1.0) } else { 0.0 })
}

/// Welch's t interval of the difference of two means, one estimate per restart in each run; at least three each.
pub fn welch_interval(first: &[f64], second: &[f64], level: f64) -> Result<Interval, Unusable> {
    open_unit(level)?;
    let Welch { difference, error, df } = welch(first, second)?;
    let half = if error > 0.0 { t_quantile(0.5 + 0.5 * level, df)? * error } else { 0.0 };
    Ok(Interval { low: difference - half, high: difference + half, level })
}

/// Two-sided p-value of Welch's test that the difference of the means is `null`.
pub fn welch_p_value(first: &[f64], second: &[f64], null: f64) -> Result<f64, Unusable> {
    let Welch { difference, error, df } = welch(first, second)?;
    let distance = (difference - null).abs();
    if distance == 0.0 {
        return Ok(1.0);
    }
    Ok(if error > 0.0 { 2.0 * t_cdf(-distance / error, df) } else { 0.0 })
}

struct Welch {
    difference: f64,
    error: f64,
    df: f64,
}

/// Welch, "The generalization of 'Student's' problem when several different population variances are involved",
/// Biometrika 34 (1947).
fn welch(first: &[f64], second: &[f64]) -> Result<Welch, Unusable> {
    enough(first, FEWEST_RESTARTS)?;
    enough(second, FEWEST_RESTARTS)?;
    let part = |values: &[f64]| -> Result<(f64, f64), Unusable> {
        let size = values.len() as f64;
        Ok((variance(values)? / size, size - 1.0))
    };
    let ((a, df_a), (b, df_b)) = (part(first)?, part(second)?);
    let df = (a + b) * (a + b) / (a * a / df_a + b * b / df_b);
    Ok(Welch { difference: mean(first)? - mean(second)?, error: libm::sqrt(a + b), df })
}

/// Smallest interval that contains both; its level is the lower of the two.
#[must_use]
pub fn hull(a: Interval, b: Interval) -> Interval {
    Interval { low: a.low.min(b.low), high: a.high.max(b.high), level: a.level.min(b.level) }
}

/// Variance by cause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VarianceParts {
    /// Between restarts, the noise of rounds taken out; 0 when rounds explain all of it.
    pub restart: f64,
    /// Between rounds of one restart.
    pub round: f64,
}

/// Splits the variance of pairs grouped by restart (one-way analysis of variance, unequal sizes allowed; Searle, Casella
/// & McCulloch, "Variance Components", 1992, §3.6). At least two groups of two.
pub fn variance_parts(groups: &[Vec<f64>]) -> Result<VarianceParts, Unusable> {
    if groups.len() < 2 {
        return Err(Unusable::TooFew { have: groups.len(), need: 2 });
    }
    let all: Vec<f64> = groups.concat();
    let grand = mean(&all)?;
    let (mut within, mut between, mut squares) = (0.0, 0.0, 0.0);
    for group in groups {
        let size = group.len() as f64;
        within += variance(group)? * (size - 1.0);
        between += size * (mean(group)? - grand) * (mean(group)? - grand);
        squares += size * size;
    }
    let (total, count) = (all.len() as f64, groups.len() as f64);
    let round = within / (total - count);
    let effective = (total - squares / total) / (count - 1.0);
    Ok(VarianceParts { restart: ((between / (count - 1.0) - round) / effective).max(0.0), round })
}
