//! Three-way verdicts on paired ratios: equivalent, different, or inconclusive, with multiplicity accounted for.
//!
//! A family is every comparison that could have been reported as a finding: all real rows against one baseline, one
//! metric. Differences are tested with Holm's adjustment over the family; equivalence uses two one-sided tests at α/m
//! each, read off an interval of level `1 − 2α/m` (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15,
//! 1987; the α/(K−1) scaling is that of Lauzon & Caffo, The American Statistician 63, 2009).

use crate::error::{Unusable, open_unit};
use crate::interval::Interval;
use crate::multiplicity::holm;
use crate::pairs::{Pairs, Prepared};
use crate::planning::{Planning, scale_of};

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

    /// Level of the interval that equivalence is decided on, `1 − 2α/m`.
    #[must_use]
    pub fn equivalence_level(&self) -> f64 {
        1.0 - 2.0 * self.alpha / self.family.max(1) as f64
    }

    fn check(&self) -> Result<(), Unusable> {
        open_unit(self.alpha)?;
        if self.margin > 0.0 && self.margin.is_finite() { Ok(()) } else { Err(Unusable::BadParameter) }
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

/// One comparison, judged. Ratios are plain: 1 is "the same".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Estimate of the ratio.
    pub ratio: f64,
    /// Its interval of level `1 − α` or more, for this comparison alone.
    pub interval: Interval,
    /// Its interval of level `1 − 2α/m` or more: equivalence is decided on it. Absent with too few pairs for that level.
    pub equivalence: Option<Interval>,
    /// p-value of "no difference", adjusted by Holm.
    pub p_adjusted: f64,
    /// Was a difference shown (adjusted p at most α, and the interval excludes 1)?
    pub different: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// Share of pairs in which the row was lower, 0 to 1.
    pub share_below: f64,
    /// Relative scatter of the pairs, as a standard deviation estimated by the median absolute deviation.
    pub scatter: f64,
    /// Smallest ratio above 1 that this many pairs with this scatter would have shown to differ, four times in five.
    pub resolvable: f64,
    /// Pairs after which a conclusion could be expected if the ratio is what was estimated; absent beyond 100,000.
    pub pairs_needed: Option<usize>,
}

/// Judges every comparison of a family; `comparisons` may be fewer than `rules.family`. A comparison whose data do not
/// suffice gets the reason, and still counts in the family.
#[must_use]
pub fn judge(comparisons: &[Pairs<'_>], rules: Rules) -> Vec<Result<Judged, Unusable>> {
    let rules = Rules { family: rules.family.max(comparisons.len()), ..rules };
    if let Err(reason) = rules.check() {
        return vec![Err(reason); comparisons.len()];
    }
    let prepared: Vec<Result<Prepared<'_>, Unusable>> =
        comparisons.iter().map(|pairs| pairs.prepare()).collect();
    let different = adjusted(&prepared, rules, |pairs| pairs.p_value(1.0));
    let beyond = adjusted(&prepared, rules, |pairs| beyond_margin(pairs, rules));
    let tests = different.into_iter().zip(beyond);
    let one = |(pairs, (different, beyond)): (Result<Prepared<'_>, Unusable>, _)| {
        one(&pairs?, rules, different, beyond)
    };
    prepared.into_iter().zip(tests).map(one).collect()
}

fn adjusted(
    comparisons: &[Result<Prepared<'_>, Unusable>],
    rules: Rules,
    test: impl Fn(&Prepared<'_>) -> Result<f64, Unusable>,
) -> Vec<f64> {
    let one = |pairs: &Result<Prepared<'_>, Unusable>| pairs.as_ref().ok().and_then(|pairs| test(pairs).ok());
    let mut p_values: Vec<f64> = comparisons.iter().map(|pairs| one(pairs).unwrap_or(1.0)).collect();
    p_values.resize(rules.family, 1.0);
    holm(&p_values)
}

/// p-value of the sharper statement that the ratio lies beyond the margin, on the side of its estimate.
fn beyond_margin(pairs: &Prepared<'_>, rules: Rules) -> Result<f64, Unusable> {
    let (ratio, edge) = (pairs.ratio()?, 1.0 + rules.margin);
    if ratio > edge {
        pairs.p_value(edge)
    } else if ratio < 1.0 / edge {
        pairs.p_value(1.0 / edge)
    } else {
        Ok(1.0)
    }
}

fn one(pairs: &Prepared<'_>, rules: Rules, p_adjusted: f64, p_beyond: f64) -> Result<Judged, Unusable> {
    let ratio = pairs.ratio()?;
    let interval = pairs.interval(1.0 - rules.alpha)?;
    let equivalence = pairs.interval(rules.equivalence_level()).ok();
    let edge = 1.0 + rules.margin;
    let different = p_adjusted <= rules.alpha && !interval.contains(1.0);
    let material = different && p_beyond <= rules.alpha;
    let verdict = if equivalence.is_some_and(|interval| interval.inside(1.0 / edge, edge)) {
        Verdict::Equivalent
    } else if different && ratio < 1.0 {
        Verdict::Lower { material }
    } else if different {
        Verdict::Higher { material }
    } else {
        Verdict::Inconclusive
    };
    let rounds = pairs.pairs().len();
    let planning = Planning { scale: scale_of(interval, ratio, rounds)?, rules };
    Ok(Judged {
        ratio,
        interval,
        equivalence,
        p_adjusted,
        different,
        verdict,
        share_below: pairs.pairs().share_below(),
        scatter: pairs.scatter()?,
        resolvable: planning.resolvable(rounds)?,
        pairs_needed: planning.pairs_to_conclude(ratio)?,
    })
}
