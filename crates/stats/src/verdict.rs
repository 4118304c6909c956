//! Three-way verdicts on paired log ratios: equivalent, different, or inconclusive, with multiplicity accounted for.
//!
//! A family is every comparison that could have been reported as a finding: all real rows against one baseline, one
//! metric. Differences are tested with Holm's adjustment over the family; equivalence uses two one-sided tests at α/m
//! each, read off an interval of level `1 − 2α/m` (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15,
//! 1987; the α/(K−1) scaling is that of Lauzon & Caffo, The American Statistician 63, 2009).

use crate::error::{Unusable, open_unit};
use crate::interval::Interval;
use crate::location::Walsh;
use crate::multiplicity::holm;
use crate::planning::{Planning, scale_of};
use crate::quantile::mad_scale;
use crate::signed_rank::p_value;

/// What is registered before the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Family-wise error rate, e.g. 0.05.
    pub alpha: f64,
    /// Equivalence margin as a ratio minus one: 0.05 means from 1/1.05 to 1.05.
    pub margin: f64,
    /// How many comparisons the family has, those without enough data included.
    pub family: usize,
}

impl Rules {
    /// The margin on the scale of log ratios, `ln(1 + δ)`.
    #[must_use]
    pub fn log_margin(&self) -> f64 {
        libm::log1p(self.margin)
    }

    fn check(&self) -> Result<(), Unusable> {
        open_unit(self.alpha)?;
        if self.margin > 0.0 && self.margin.is_finite() && self.family > 0 {
            Ok(())
        } else {
            Err(Unusable::BadParameter)
        }
    }
}

/// The verdict on one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The interval of the two one-sided tests lies inside the margin. A proven difference may exist: it is immaterial.
    Equivalent,
    /// Smaller than the baseline; `material` when that holds beyond the margin as well.
    Lower {
        /// Proven to lie beyond the margin.
        material: bool,
    },
    /// Larger than the baseline; `material` when that holds beyond the margin as well.
    Higher {
        /// Proven to lie beyond the margin.
        material: bool,
    },
    /// Neither shown.
    Inconclusive,
}

/// One comparison, judged. Log ratios throughout; `exp` gives ratios.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Hodges–Lehmann estimate.
    pub estimate: f64,
    /// Interval of level `1 − α` or more, for this comparison alone.
    pub interval: Interval,
    /// Interval of level `1 − 2α/m` or more: equivalence is decided on it. Absent with too few pairs for that level.
    pub equivalence: Option<Interval>,
    /// p-value of "no difference", adjusted by Holm.
    pub p_adjusted: f64,
    /// Was a difference shown (adjusted p at most α, and the interval excludes 0)?
    pub different: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// Share of pairs below 0, 0 to 1.
    pub share_below: f64,
    /// Scatter of the pairs, as a standard deviation estimated by the median absolute deviation.
    pub scatter: f64,
    /// Smallest ratio above 1 that this many pairs with this scatter would have shown to differ, four times in five.
    pub resolvable: f64,
    /// Pairs after which a conclusion could be expected if the ratio is what was estimated; absent beyond 100,000.
    pub pairs_needed: Option<usize>,
}

/// Judges every comparison of a family; `comparisons` may be shorter than `rules.family`. A comparison whose data do not
/// suffice gets the reason, and still counts in the family.
#[must_use]
pub fn judge(comparisons: &[&[f64]], rules: Rules) -> Vec<Result<Judged, Unusable>> {
    let rules = Rules { family: rules.family.max(comparisons.len()), ..rules };
    if let Err(reason) = rules.check() {
        return vec![Err(reason); comparisons.len()];
    }
    let adjusted = adjusted(comparisons, rules, p_value);
    let margin = rules.log_margin();
    let beyond = adjusted_beyond(comparisons, rules, margin);
    let one = |(index, data): (usize, &&[f64])| judge_one(data, rules, adjusted[index], beyond[index]);
    comparisons.iter().enumerate().map(one).collect()
}

fn adjusted(
    comparisons: &[&[f64]],
    rules: Rules,
    test: impl Fn(&[f64]) -> Result<f64, Unusable>,
) -> Vec<f64> {
    let mut p_values: Vec<f64> = comparisons.iter().map(|data| test(data).unwrap_or(1.0)).collect();
    p_values.resize(rules.family, 1.0);
    holm(&p_values)
}

/// Holm's adjustment for the sharper statement "beyond the margin", tested on pairs shifted by the margin.
fn adjusted_beyond(comparisons: &[&[f64]], rules: Rules, margin: f64) -> Vec<f64> {
    adjusted(comparisons, rules, |data| {
        let estimate = Walsh::new(data)?.estimate();
        if estimate.abs() <= margin {
            return Ok(1.0);
        }
        let shifted: Vec<f64> = data.iter().map(|d| d - margin.copysign(estimate)).collect();
        p_value(&shifted)
    })
}

fn judge_one(data: &[f64], rules: Rules, p_adjusted: f64, p_beyond: f64) -> Result<Judged, Unusable> {
    let walsh = Walsh::new(data)?;
    let estimate = walsh.estimate();
    let interval = walsh.interval(1.0 - rules.alpha)?;
    let per_test = rules.alpha / rules.family as f64;
    let equivalence = walsh.interval(1.0 - 2.0 * per_test).ok();
    let margin = rules.log_margin();
    let different = p_adjusted <= rules.alpha && !interval.contains(0.0);
    let material = different && p_beyond <= rules.alpha;
    let verdict = if equivalence.is_some_and(|interval| interval.inside(-margin, margin)) {
        Verdict::Equivalent
    } else if different && estimate < 0.0 {
        Verdict::Lower { material }
    } else if different {
        Verdict::Higher { material }
    } else {
        Verdict::Inconclusive
    };
    let planning = Planning { scale: scale_of(interval, data.len())?, rules };
    Ok(Judged {
        estimate,
        interval,
        equivalence,
        p_adjusted,
        different,
        verdict,
        share_below: data.iter().filter(|&&d| d < 0.0).count() as f64 / data.len() as f64,
        scatter: mad_scale(data)?,
        resolvable: planning.resolvable(data.len())?,
        pairs_needed: planning.pairs_to_conclude(estimate)?,
    })
}
