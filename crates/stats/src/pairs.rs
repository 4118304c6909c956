//! Two rows paired over rounds, compared as a ratio: of whole figures, or of what they add over a common floor.

use crate::error::{Unusable, finite};
use crate::interval::Interval;
use crate::location::Walsh;
use crate::quantile::{mad_scale, median, quantile_sorted};
use crate::restarts::{FEWEST_RESTARTS, between_interval, between_p_value, hull};
use crate::signed_rank::{cut, p_value, pairs_needed};

/// Pairs of one comparison, in the order of rounds.
#[derive(Debug, Clone, Copy)]
pub struct Pairs<'a> {
    /// The values.
    pub values: Values<'a>,
    /// After which restart each pair was measured; empty when nothing was restarted. With three restarts or more, the
    /// variance between them enters every interval and p-value.
    pub restarts: &'a [u32],
}

/// What is paired.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// `ln(row/baseline)` per round.
    LogRatios(&'a [f64]),
    /// What row and baseline add over the floor, per round: both slices of one length.
    Added {
        /// Row minus floor.
        row: &'a [f64],
        /// Baseline minus floor.
        baseline: &'a [f64],
    },
}

impl<'a> Pairs<'a> {
    /// Log ratios without restarts.
    #[must_use]
    pub const fn log_ratios(values: &'a [f64]) -> Self {
        Self { values: Values::LogRatios(values), restarts: &[] }
    }

    /// Number of pairs.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.values {
            Values::LogRatios(values) | Values::Added { row: values, .. } => values.len(),
        }
    }

    /// No pairs at all?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sorts what every estimate, interval and test of these pairs rests on.
    pub fn prepare(self) -> Result<Prepared<'a>, Unusable> {
        let averages = match self.values {
            Values::LogRatios(values) => Averages::Walsh(Walsh::new(values)?),
            Values::Added { row, baseline } => Averages::Ratios(RatioAverages::new(row, baseline)?),
        };
        let by_restart = self.by_restart()?;
        Ok(Prepared { pairs: self, averages, by_restart })
    }

    /// [`Prepared::ratio`] of these pairs.
    pub fn ratio(self) -> Result<f64, Unusable> {
        self.prepare()?.ratio()
    }

    /// [`Prepared::interval`] of these pairs.
    pub fn interval(self, level: f64) -> Result<Interval, Unusable> {
        self.prepare()?.interval(level)
    }

    /// [`Prepared::p_value`] of these pairs.
    pub fn p_value(self, ratio: f64) -> Result<f64, Unusable> {
        self.prepare()?.p_value(ratio)
    }

    /// Share of rounds in which the row was lower than the baseline.
    #[must_use]
    pub fn share_below(&self) -> f64 {
        let below = match self.values {
            Values::LogRatios(values) => values.iter().filter(|&&value| value < 0.0).count(),
            Values::Added { row, baseline } => {
                row.iter().zip(baseline).filter(|(row, base)| row < base).count()
            }
        };
        below as f64 / self.len().max(1) as f64
    }

    /// One estimate per restart (log ratio, or ratio of added cost), or `None` with fewer than three restarts.
    fn by_restart(&self) -> Result<Option<Vec<f64>>, Unusable> {
        if self.restarts.is_empty() {
            return Ok(None);
        }
        if self.restarts.len() != self.len() {
            return Err(Unusable::BadParameter);
        }
        let mut ids = self.restarts.to_vec();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() < FEWEST_RESTARTS {
            return Ok(None);
        }
        let of = |values: &[f64], id: u32| -> Vec<f64> {
            values
                .iter()
                .zip(self.restarts)
                .filter(|(_, restart)| **restart == id)
                .map(|(value, _)| *value)
                .collect()
        };
        let estimate = |&id: &u32| match self.values {
            Values::LogRatios(values) => Ok(Walsh::new(&of(values, id))?.estimate()),
            Values::Added { row, baseline } => {
                RatioAverages::new(&of(row, id), &of(baseline, id))?.estimate()
            }
        };
        ids.iter().map(estimate).collect::<Result<_, _>>().map(Some)
    }
}

/// Pairs with their averages sorted once.
#[derive(Debug, Clone)]
pub struct Prepared<'a> {
    pairs: Pairs<'a>,
    averages: Averages,
    /// One estimate per restart, with three restarts or more.
    by_restart: Option<Vec<f64>>,
}

#[derive(Debug, Clone)]
enum Averages {
    Walsh(Walsh),
    Ratios(RatioAverages),
}

impl Prepared<'_> {
    /// The pairs themselves.
    #[must_use]
    pub const fn pairs(&self) -> &Pairs<'_> {
        &self.pairs
    }

    /// Estimate of row over baseline, as a ratio.
    pub fn ratio(&self) -> Result<f64, Unusable> {
        match &self.averages {
            Averages::Walsh(walsh) => Ok(libm::exp(walsh.estimate())),
            Averages::Ratios(ratios) => ratios.estimate(),
        }
    }

    /// Interval of the ratio, of at least confidence `level`.
    pub fn interval(&self, level: f64) -> Result<Interval, Unusable> {
        match &self.averages {
            Averages::Walsh(walsh) => Ok(self.over_restarts(walsh.interval(level)?, level)?.map(libm::exp)),
            Averages::Ratios(ratios) => self.over_restarts(ratios.interval(level)?, level),
        }
    }

    /// Widened by the variance between restarts, where it is known.
    fn over_restarts(&self, by_rounds: Interval, level: f64) -> Result<Interval, Unusable> {
        match &self.by_restart {
            Some(estimates) => Ok(hull(by_rounds, between_interval(estimates, level)?)),
            None => Ok(by_rounds),
        }
    }

    /// Two-sided p-value that the ratio is `ratio`, above 0.
    pub fn p_value(&self, ratio: f64) -> Result<f64, Unusable> {
        if ratio.is_nan() || ratio <= 0.0 {
            return Err(Unusable::BadParameter);
        }
        let log = libm::log(ratio);
        let (shifted, null): (Vec<f64>, f64) = match self.pairs.values {
            Values::LogRatios(values) => (values.iter().map(|value| value - log).collect(), log),
            Values::Added { row, baseline } => {
                (row.iter().zip(baseline).map(|(row, base)| row - ratio * base).collect(), ratio)
            }
        };
        let by_rounds = p_value(&shifted)?;
        match &self.by_restart {
            Some(estimates) => Ok(by_rounds.max(between_p_value(estimates, null)?)),
            None => Ok(by_rounds),
        }
    }

    /// Scatter of one pair about the ratio, relative: a standard deviation by way of the median absolute deviation.
    pub fn scatter(&self) -> Result<f64, Unusable> {
        match self.pairs.values {
            Values::LogRatios(values) => mad_scale(values),
            Values::Added { row, baseline } => {
                let ratio = self.ratio()?;
                let rest: Vec<f64> = row.iter().zip(baseline).map(|(row, base)| row - ratio * base).collect();
                Ok(mad_scale(&rest)? / median(baseline)?.abs())
            }
        }
    }
}

/// Centre of values in their own unit (paired differences, or one row's figures): Hodges–Lehmann with the signed-rank
/// interval, and with three restarts or more the hull with the interval between restarts. `restarts` is empty or as long
/// as `values`.
pub fn centre(values: &[f64], restarts: &[u32], level: f64) -> Result<(f64, Interval), Unusable> {
    let walsh = Walsh::new(values)?;
    let by_rounds = walsh.interval(level)?;
    // Estimates per restart are taken on the values as they are, whatever their unit.
    let interval = match (Pairs { values: Values::LogRatios(values), restarts }).by_restart()? {
        Some(estimates) => hull(by_rounds, between_interval(&estimates, level)?),
        None => by_rounds,
    };
    Ok((walsh.estimate(), interval))
}

/// The ratio of two paired differences by inverting the signed-rank test of `row − ρ·baseline`, as Theil and Sen do for
/// slopes and Fieller for normal data: each Walsh average of that difference changes sign at the ratio
/// `(rowᵢ + rowⱼ)/(baselineᵢ + baselineⱼ)`, so these ratios take the place of the Walsh averages.
///
/// Pairs whose denominator is not positive could change sign the other way: they count as lying beyond either end, which
/// can only widen the interval. Too many of them, and the baseline's added cost is not resolved.
#[derive(Debug, Clone)]
struct RatioAverages {
    pairs: usize,
    sorted: Vec<f64>,
    beyond: usize,
}

impl RatioAverages {
    fn new(row: &[f64], baseline: &[f64]) -> Result<Self, Unusable> {
        finite(row)?;
        finite(baseline)?;
        if row.len() != baseline.len() {
            return Err(Unusable::BadParameter);
        }
        let mut sorted = Vec::with_capacity(row.len() * (row.len() + 1) / 2);
        let mut beyond = 0;
        for i in 0..row.len() {
            for j in i..row.len() {
                let denominator = baseline[i] + baseline[j];
                if denominator > 0.0 {
                    sorted.push((row[i] + row[j]) / denominator);
                } else {
                    beyond += 1;
                }
            }
        }
        finite(&sorted)?;
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(Self { pairs: row.len(), sorted, beyond })
    }

    fn estimate(&self) -> Result<f64, Unusable> {
        quantile_sorted(&self.sorted, 0.5).ok_or(Unusable::NotResolved)
    }

    fn interval(&self, level: f64) -> Result<Interval, Unusable> {
        let (cut, level) = cut(self.pairs, 1.0 - level)
            .ok_or(Unusable::TooFew { have: self.pairs, need: pairs_needed(level) })?;
        let low = cut.checked_sub(self.beyond).ok_or(Unusable::NotResolved)?;
        let high = self
            .sorted
            .len()
            .checked_sub(1 + low)
            .filter(|&high| high >= low)
            .ok_or(Unusable::NotResolved)?;
        Ok(Interval { low: self.sorted[low], high: self.sorted[high], level })
    }
}
