//! What a number of rounds can show, and how many a conclusion needs. Normal approximations, for planning only:
//! no verdict rests on them.

use crate::error::{Unusable, enough};
use crate::interval::Interval;
use crate::special::normal_quantile;
use crate::verdict::Rules;

/// Chance of reaching a conclusion that planning aims at.
pub const POWER: f64 = 0.8;

/// More pairs than this are never recommended.
pub const MOST_PAIRS: usize = 100_000;

/// Relative standard deviation of the pairs that would give a signed-rank interval of this width around `ratio`:
/// `half-width · √n / (z · ratio)`. A few stalled blocks widen it only as much as they widen the interval.
pub fn scale_of(interval: Interval, ratio: f64, pairs: usize) -> Result<f64, Unusable> {
    let z = normal_quantile(0.5 + 0.5 * interval.level)?;
    Ok(interval.half_width() * libm::sqrt(pairs as f64) / (z * ratio.abs().max(f64::MIN_POSITIVE)))
}

/// Scatter and rules from which planning figures follow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planning {
    /// Standard deviation of the paired log ratios.
    pub scale: f64,
    /// The registered rules.
    pub rules: Rules,
}

impl Planning {
    /// Smallest ratio above 1 shown to differ with [`POWER`] by `pairs` pairs:
    /// `exp((z₁₋α/₂ₘ + z_power)·s/√n)`.
    pub fn resolvable(&self, pairs: usize) -> Result<f64, Unusable> {
        let per_test = self.rules.alpha / self.rules.family as f64;
        let z = normal_quantile(1.0 - per_test / 2.0)? + normal_quantile(POWER)?;
        Ok(libm::exp(z * self.scale / libm::sqrt(pairs as f64)))
    }

    /// Pairs with which equivalence is granted with [`POWER`] when the truth is a ratio of 1:
    /// `((z₁₋α/ₘ + z₁₋β/₂)·s / ln(1+δ))²`, β = 1 − power.
    pub fn pairs_for_equivalence(&self) -> Result<Option<usize>, Unusable> {
        let per_test = self.rules.alpha / self.rules.family as f64;
        let z = normal_quantile(1.0 - per_test)? + normal_quantile(0.5 + 0.5 * POWER)?;
        Ok(pairs(z * self.scale / self.rules.log_margin()))
    }

    /// Pairs with which the nearer conclusion (equivalent, or different) is reached with [`POWER`], if the true ratio is
    /// `ratio`; `None` beyond [`MOST_PAIRS`].
    pub fn pairs_to_conclude(&self, ratio: f64) -> Result<Option<usize>, Unusable> {
        let distance = libm::log(ratio.max(f64::MIN_POSITIVE)).abs();
        let per_test = self.rules.alpha / self.rules.family as f64;
        let power = normal_quantile(POWER)?;
        let room = self.rules.log_margin() - distance;
        let equivalent = if room > 0.0 {
            // Both one-sided tests must reject; away from the centre of the margin only the nearer one matters.
            let near = pairs((normal_quantile(1.0 - per_test)? + power) * self.scale / room);
            near.zip(self.pairs_for_equivalence()?).map(|(near, centre)| near.max(centre))
        } else {
            None
        };
        let different =
            pairs((normal_quantile(1.0 - per_test / 2.0)? + power) * self.scale / distance.max(1e-12));
        Ok(match (equivalent, different) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        })
    }
}

fn pairs(root: f64) -> Option<usize> {
    let pairs = libm::ceil(root * root);
    (pairs <= MOST_PAIRS as f64).then_some((pairs as usize).max(2))
}

/// Rounds per restart that spend a budget best: `√(cost of a restart / cost of a round · variance of rounds / variance of
/// restarts)` (Kalibera & Jones, "Rigorous benchmarking in reasonable time", ISMM 2013, eq. 3). `None` when restarts add
/// no variance: then one is enough.
pub fn rounds_per_restart(
    cost_ratio: f64,
    round_variance: f64,
    restart_variance: f64,
) -> Result<Option<f64>, Unusable> {
    enough(&[cost_ratio, round_variance, restart_variance], 3)?;
    if cost_ratio <= 0.0 || round_variance < 0.0 {
        return Err(Unusable::BadParameter);
    }
    Ok((restart_variance > 0.0).then(|| libm::sqrt(cost_ratio * round_variance / restart_variance)))
}
