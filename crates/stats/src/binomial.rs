//! Counts: exact interval of a proportion.

use crate::error::{Unusable, open_unit};
use crate::interval::Interval;
use crate::special::beta_quantile;

/// Interval of a proportion from `hits` out of `trials` (Clopper & Pearson, Biometrika 26, 1934): quantiles of the beta
/// distribution. Conservative: the true level is at least `level`.
pub fn clopper_pearson(hits: u64, trials: u64, level: f64) -> Result<Interval, Unusable> {
    open_unit(level)?;
    if trials == 0 {
        return Err(Unusable::TooFew { have: 0, need: 1 });
    }
    if hits > trials {
        return Err(Unusable::BadParameter);
    }
    let tail = 0.5 * (1.0 - level);
    let (hit, miss) = (hits as f64, (trials - hits) as f64);
    let low = if hits == 0 { 0.0 } else { beta_quantile(tail, hit, miss + 1.0)? };
    let high = if hits == trials { 1.0 } else { beta_quantile(1.0 - tail, hit + 1.0, miss)? };
    Ok(Interval { low, high, level })
}
