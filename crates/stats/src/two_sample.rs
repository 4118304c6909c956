//! Two runs that were not interleaved: the shift between two independent samples, by ranks.
//!
//! What pairing takes out (the state of the machine) must have been taken out before, by ratios within each run.

use crate::error::{Unusable, enough, open_unit};
use crate::interval::Interval;
use crate::quantile::quantile_sorted;
use crate::special::{normal_cdf, normal_quantile};

/// Up to this many values in both samples together the distribution is exact; beyond, normal with continuity correction.
pub const EXACT_UP_TO: usize = 100;

/// All differences `xᵢ − yⱼ`, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct Shifts {
    first: usize,
    second: usize,
    differences: Vec<f64>,
}

impl Shifts {
    /// From two samples of at least one finite value.
    pub fn new(first: &[f64], second: &[f64]) -> Result<Self, Unusable> {
        enough(first, 1)?;
        enough(second, 1)?;
        let mut differences: Vec<f64> =
            first.iter().flat_map(|x| second.iter().map(move |y| x - y)).collect();
        differences.sort_unstable_by(f64::total_cmp);
        Ok(Self { first: first.len(), second: second.len(), differences })
    }

    /// Hodges–Lehmann estimate of the shift: the median difference.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        quantile_sorted(&self.differences, 0.5).unwrap_or(f64::NAN)
    }

    /// Two-sided interval of the shift of at least confidence `level`: as many differences are cut from each end as the
    /// Mann–Whitney distribution allows (Hollander, Wolfe & Chicken, "Nonparametric Statistical Methods", 3rd ed., §4.3).
    pub fn interval(&self, level: f64) -> Result<Interval, Unusable> {
        open_unit(level)?;
        let few = || Unusable::TooFew { have: self.first.min(self.second), need: needed(level) };
        let (cut, level) = cut(self.first, self.second, 1.0 - level).ok_or_else(few)?;
        let last = self.differences.len() - 1;
        Ok(Interval { low: self.differences[cut], high: self.differences[last - cut], level })
    }
}

/// Smallest equal sizes with which an interval of confidence `level` exists: `2/C(2n, n) ≤ 1 − level`.
fn needed(level: f64) -> usize {
    let mut ways = 1.0;
    (1..=EXACT_UP_TO / 2)
        .find(|&n| {
            // C(2n, n) = C(2n−2, n−1)·(2n−1)·2/n.
            ways *= (2 * n - 1) as f64 * 2.0 / n as f64;
            2.0 / ways <= 1.0 - level
        })
        .unwrap_or(EXACT_UP_TO / 2)
}

/// Two-sided p-value of the test of Mann & Whitney (Annals of Mathematical Statistics 18, 1947) that both samples come
/// from one distribution. Ties get midranks, and the distribution is the exact one of the midranks at hand.
pub fn p_value(first: &[f64], second: &[f64]) -> Result<f64, Unusable> {
    enough(first, 1)?;
    enough(second, 1)?;
    let ranks = doubled_midranks(first, second);
    let sum: usize = ranks[..first.len()].iter().sum();
    let total: usize = ranks.iter().sum();
    let (m, n) = (first.len() as f64, second.len() as f64);
    if ranks.len() <= EXACT_UP_TO {
        let counts = sums(&ranks, first.len());
        let all: f64 = counts.iter().sum();
        let below: f64 = counts[..=sum].iter().sum();
        let above: f64 = counts[sum..].iter().sum();
        return Ok((2.0 * below.min(above) / all).min(1.0));
    }
    let mean = m * total as f64 / (m + n);
    let centre = total as f64 / (m + n);
    let spread: f64 = ranks.iter().map(|&rank| (rank as f64 - centre) * (rank as f64 - centre)).sum();
    let variance = m * n * spread / ((m + n) * (m + n - 1.0));
    if variance <= 0.0 {
        return Ok(1.0);
    }
    // In doubled ranks the continuity correction of one half is 1.
    let z = ((sum as f64 - mean).abs() - 1.0).max(0.0) / libm::sqrt(variance);
    Ok((2.0 * normal_cdf(-z)).min(1.0))
}

/// How many differences may be cut from each end so that the interval misses with probability at most `miss`, and the
/// level then reached.
fn cut(m: usize, n: usize, miss: f64) -> Option<(usize, f64)> {
    if m + n <= EXACT_UP_TO {
        let ranks: Vec<usize> = (1..=m + n).collect();
        let counts = sums(&ranks, m);
        let all: f64 = counts.iter().sum();
        // The smallest rank sum is that of U = 0.
        let smallest = m * (m + 1) / 2;
        let mut cumulative = 0.0;
        let mut best = None;
        for u in 0..=m * n / 2 {
            cumulative += counts[smallest + u] / all;
            if 2.0 * cumulative > miss {
                break;
            }
            best = Some((u, 1.0 - 2.0 * cumulative));
        }
        return best;
    }
    let (m, n) = (m as f64, n as f64);
    let (mean, sd) = (m * n / 2.0, libm::sqrt(m * n * (m + n + 1.0) / 12.0));
    let cut = libm::floor(mean + normal_quantile(miss / 2.0).ok()? * sd - 0.5);
    let level = 1.0 - 2.0 * normal_cdf((cut + 0.5 - mean) / sd);
    (cut >= 0.0).then_some((cut as usize, level))
}

/// In how many ways `take` of the ranks have each sum. Only additions of positive numbers: no digits are lost.
fn sums(ranks: &[usize], take: usize) -> Vec<f64> {
    let total: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0; total + 1]; take + 1];
    ways[0][0] = 1.0;
    let mut reached = 0;
    for (seen, &rank) in ranks.iter().enumerate() {
        reached += rank;
        for taken in (1..=take.min(seen + 1)).rev() {
            let (fewer, more) = ways.split_at_mut(taken);
            let (from, to) = (&fewer[taken - 1], &mut more[0]);
            for sum in rank..=reached {
                to[sum] += from[sum - rank];
            }
        }
    }
    ways.swap_remove(take)
}

/// Ranks of both samples together, doubled so that midranks are whole; those of the first sample first.
fn doubled_midranks(first: &[f64], second: &[f64]) -> Vec<usize> {
    let values: Vec<f64> = first.iter().chain(second).copied().collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        for &index in tied {
            ranks[index] = 2 * before + 1 + tied.len();
        }
        before += tied.len();
    }
    ranks
}
