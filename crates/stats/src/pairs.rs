//! Two rows compared as a ratio: paired over rounds, on whole figures or on what they add over a common floor; or two
//! runs that share no rounds.

mod between;
mod ratio;

use between::{Between, groups, per_restart};
use ratio::RatioAverages;

use crate::error::Unusable;
use crate::interval::Interval;
use crate::location::Walsh;
use crate::quantile::{mad_scale, median};
use crate::signed_rank;
use crate::two_sample::{self, Shifts};

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
    /// Log ratios of two runs that were not interleaved: nothing is paired between them.
    Separate {
        /// Of the one run.
        row: &'a [f64],
        /// Of the run compared with.
        baseline: &'a [f64],
        /// Restart of each value of the run compared with; those of the other stand in [`Pairs::restarts`].
        baseline_restarts: &'a [u32],
    },
}

impl<'a> Pairs<'a> {
    /// Log ratios without restarts.
    #[must_use]
    pub const fn log_ratios(values: &'a [f64]) -> Self {
        Self { values: Values::LogRatios(values), restarts: &[] }
    }

    /// Number of pairs; of two separate runs, values in the smaller one.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.values {
            Values::LogRatios(values) | Values::Added { row: values, .. } => values.len(),
            // The smaller sample limits what can be said.
            Values::Separate { row, baseline, .. } => {
                if row.len() < baseline.len() {
                    row.len()
                } else {
                    baseline.len()
                }
            }
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
            Values::Separate { row, baseline, .. } => Averages::Shifts(Shifts::new(row, baseline)?),
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

    /// Share of rounds in which the row was lower than the baseline; of two separate runs, share of all combinations.
    #[must_use]
    pub fn share_below(&self) -> f64 {
        let count =
            |row: &[f64], baseline: &[f64]| row.iter().zip(baseline).filter(|(row, base)| row < base).count();
        let (below, all) = match self.values {
            Values::LogRatios(values) => (values.iter().filter(|&&value| value < 0.0).count(), values.len()),
            Values::Added { row, baseline } => (count(row, baseline), row.len()),
            Values::Separate { row, baseline, .. } => {
                let below = |value: &f64| baseline.iter().filter(|base| value < *base).count();
                (row.iter().map(below).sum(), row.len() * baseline.len())
            }
        };
        below as f64 / all.max(1) as f64
    }

    /// What is known of the variance between restarts.
    fn by_restart(&self) -> Result<Between, Unusable> {
        match self.values {
            Values::LogRatios(values) => per_restart(values, self.restarts).map(Between::of),
            Values::Added { row, baseline } => {
                let Some(groups) = groups(self.restarts, row.len())? else { return Ok(Between::Unknown) };
                let pick = |values: &[f64], group: &[usize]| -> Vec<f64> {
                    group.iter().map(|&index| values[index]).collect()
                };
                let ratio = |group: Vec<usize>| {
                    RatioAverages::new(&pick(row, &group), &pick(baseline, &group))?.estimate()
                };
                groups.into_iter().map(ratio).collect::<Result<_, _>>().map(Between::One)
            }
            Values::Separate { row, baseline, baseline_restarts } => {
                let (row, baseline) =
                    (per_restart(row, self.restarts)?, per_restart(baseline, baseline_restarts)?);
                Ok(row.zip(baseline).map_or(Between::Unknown, |(row, baseline)| Between::Two(row, baseline)))
            }
        }
    }
}

/// Pairs with their averages sorted once.
#[derive(Debug, Clone)]
pub struct Prepared<'a> {
    pairs: Pairs<'a>,
    averages: Averages,
    by_restart: Between,
}

#[derive(Debug, Clone)]
enum Averages {
    Walsh(Walsh),
    Ratios(RatioAverages),
    Shifts(Shifts),
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
            Averages::Shifts(shifts) => Ok(libm::exp(shifts.estimate())),
        }
    }

    /// Interval of the ratio, of at least confidence `level`.
    pub fn interval(&self, level: f64) -> Result<Interval, Unusable> {
        match &self.averages {
            Averages::Walsh(walsh) => {
                Ok(self.by_restart.widen(walsh.interval(level)?, level)?.map(libm::exp))
            }
            Averages::Ratios(ratios) => self.by_restart.widen(ratios.interval(level)?, level),
            Averages::Shifts(shifts) => {
                Ok(self.by_restart.widen(shifts.interval(level)?, level)?.map(libm::exp))
            }
        }
    }

    /// Two-sided p-value that the ratio is `ratio`, above 0.
    pub fn p_value(&self, ratio: f64) -> Result<f64, Unusable> {
        if ratio.is_nan() || ratio <= 0.0 {
            return Err(Unusable::BadParameter);
        }
        let log = libm::log(ratio);
        let minus_log = |values: &[f64]| -> Vec<f64> { values.iter().map(|value| value - log).collect() };
        let (by_rounds, null) = match self.pairs.values {
            Values::LogRatios(values) => (signed_rank::p_value(&minus_log(values))?, log),
            Values::Added { row, baseline } => {
                let shifted: Vec<f64> =
                    row.iter().zip(baseline).map(|(row, base)| row - ratio * base).collect();
                (signed_rank::p_value(&shifted)?, ratio)
            }
            Values::Separate { row, baseline, .. } => (two_sample::p_value(&minus_log(row), baseline)?, log),
        };
        Ok(by_rounds.max(self.by_restart.p_value(null)?))
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
            // Of a difference of two single values, one from each run.
            Values::Separate { row, baseline, .. } => Ok(libm::hypot(mad_scale(row)?, mad_scale(baseline)?)),
        }
    }
}

/// Centre of values in their own unit (paired differences, or one row's figures): Hodges–Lehmann with the signed-rank
/// interval, and with three restarts or more the hull with the interval between restarts. `restarts` is empty or as long
/// as `values`.
pub fn centre(values: &[f64], restarts: &[u32], level: f64) -> Result<(f64, Interval), Unusable> {
    let walsh = Walsh::new(values)?;
    let by_rounds = walsh.interval(level)?;
    let between = Between::of(per_restart(values, restarts)?);
    Ok((walsh.estimate(), between.widen(by_rounds, level)?))
}
