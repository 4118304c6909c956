//! Wilcoxon's signed-rank distribution: exact by dynamic programming, ties and zeros included.

use crate::error::{Unusable, enough};
use crate::special::normal_cdf;

/// Up to this many pairs the distribution is exact; beyond, the normal approximation with continuity correction is
/// used, whose error at such sizes is far below any level in use.
pub const EXACT_UP_TO: usize = 300;

/// Cumulative distribution `P(T ≤ k)` of the signed-rank sum of `n` untied pairs, for `k = 0 …= n(n+1)/2`.
///
/// Each rank enters the sum with probability one half, independently of the others: the recursion of Wilcoxon,
/// Katti & Wilcox, "Critical values and probability levels for the Wilcoxon rank sum test and the Wilcoxon signed
/// rank test" (1970), carried out on probabilities instead of counts so that large `n` cannot overflow.
#[must_use]
pub fn cumulative(n: usize) -> Vec<f64> {
    let ranks: Vec<usize> = (1..=n).collect();
    cumulative_of(&ranks)
}

fn cumulative_of(ranks: &[usize]) -> Vec<f64> {
    let total: usize = ranks.iter().sum();
    let mut mass = vec![0.0; total + 1];
    mass[0] = 1.0;
    let mut reached = 0;
    for &rank in ranks {
        reached += rank;
        for sum in (0..=reached).rev() {
            let without = mass[sum];
            let with = if sum >= rank { mass[sum - rank] } else { 0.0 };
            mass[sum] = 0.5 * (without + with);
        }
    }
    let mut so_far = 0.0_f64;
    for value in &mut mass {
        so_far += *value;
        *value = so_far.min(1.0);
    }
    mass
}

/// Ranks of the absolute values, doubled so that midranks are whole; `0.0` and `-0.0` keep their (low) rank.
fn doubled_midranks(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs()));
    let mut ranks = vec![0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && values[order[end]].abs() == values[order[start]].abs() {
            end += 1;
        }
        for &index in &order[start..end] {
            // Mean of start+1 …= end, doubled.
            ranks[index] = start + 1 + end;
        }
        start = end;
    }
    ranks
}

/// Two-sided p-value of the signed-rank test that `differences` are symmetric about 0.
///
/// Zeros follow Pratt ("Remarks on zeros and ties in the Wilcoxon signed rank procedures", JASA 54, 1959): they take
/// part in the ranking and are then left out. Ties get midranks, and the distribution is the exact one of the
/// midranks at hand (the shift algorithm of Streitberg & Röhmel, 1986), up to [`EXACT_UP_TO`] non-zero differences.
/// All zero gives 1. At least one value is needed.
pub fn p_value(differences: &[f64]) -> Result<f64, Unusable> {
    enough(differences, 1)?;
    let ranks = doubled_midranks(differences);
    let mut kept = Vec::with_capacity(ranks.len());
    let mut positive = 0;
    for (&rank, &difference) in ranks.iter().zip(differences) {
        if difference != 0.0 {
            kept.push(rank);
            positive += if difference > 0.0 { rank } else { 0 };
        }
    }
    let total: usize = kept.iter().sum();
    let smaller = positive.min(total - positive);
    if kept.is_empty() {
        return Ok(1.0);
    }
    if kept.len() <= EXACT_UP_TO {
        return Ok((2.0 * cumulative_of(&kept)[smaller]).min(1.0));
    }
    let squares: f64 = kept.iter().map(|&rank| (rank as f64) * (rank as f64)).sum();
    // In doubled ranks: mean total/2, variance Σr²/4, continuity correction of one half rank = 1.
    let z = (smaller as f64 + 1.0 - total as f64 / 2.0) / libm::sqrt(squares / 4.0);
    Ok((2.0 * normal_cdf(z)).min(1.0))
}

/// How many Walsh averages may be cut from each end of `n` pairs so that an interval misses with probability at most
/// `miss` (both sides together), and the confidence level then reached. `None`: not even the full range has that level.
#[must_use]
pub fn cut(n: usize, miss: f64) -> Option<(usize, f64)> {
    if n == 0 {
        return None;
    }
    if n <= EXACT_UP_TO {
        let cumulative = cumulative(n);
        let within = cumulative.partition_point(|&p| 2.0 * p <= miss);
        let cut = within.checked_sub(1)?;
        return Some((cut, 1.0 - 2.0 * cumulative[cut]));
    }
    let size = n as f64;
    let mean = size * (size + 1.0) / 4.0;
    let sd = libm::sqrt(size * (size + 1.0) * (2.0 * size + 1.0) / 24.0);
    let level = |cut: usize| 1.0 - 2.0 * normal_cdf((cut as f64 + 0.5 - mean) / sd);
    let z = crate::special::normal_quantile(miss / 2.0).ok()?;
    let cut = libm::floor(mean + z * sd - 0.5);
    (cut >= 0.0).then(|| (cut as usize, level(cut as usize)))
}

/// Fewest pairs with which an interval of confidence `level` exists: the smallest `n` with `2·2⁻ⁿ ≤ 1 − level`.
#[must_use]
pub fn pairs_needed(level: f64) -> usize {
    let miss = (1.0 - level).max(f64::MIN_POSITIVE);
    libm::ceil(1.0 - libm::log2(miss) - 1e-12).max(1.0) as usize
}
