//! What is known of the variance between restarts, and how it widens intervals and tests.

use std::collections::BTreeMap;

use crate::error::Unusable;
use crate::interval::Interval;
use crate::location::Walsh;
use crate::restarts::{
    FEWEST_RESTARTS, between_interval, between_p_value, hull, welch_interval, welch_p_value,
};

/// Estimates per restart, where there are three restarts or more.
#[derive(Debug, Clone)]
pub(super) enum Between {
    Unknown,
    /// Of one run.
    One(Vec<f64>),
    /// Of two runs.
    Two(Vec<f64>, Vec<f64>),
}

impl Between {
    pub(super) fn of(estimates: Option<Vec<f64>>) -> Self {
        estimates.map_or(Self::Unknown, Self::One)
    }

    pub(super) fn widen(&self, by_rounds: Interval, level: f64) -> Result<Interval, Unusable> {
        Ok(match self {
            Self::Unknown => by_rounds,
            Self::One(estimates) => hull(by_rounds, between_interval(estimates, level)?),
            Self::Two(row, baseline) => hull(by_rounds, welch_interval(row, baseline, level)?),
        })
    }

    pub(super) fn p_value(&self, null: f64) -> Result<f64, Unusable> {
        match self {
            Self::Unknown => Ok(0.0),
            Self::One(estimates) => between_p_value(estimates, null),
            Self::Two(row, baseline) => welch_p_value(row, baseline, null),
        }
    }
}

/// Positions by restart, where there are three restarts or more.
pub(super) fn groups(restarts: &[u32], values: usize) -> Result<Option<Vec<Vec<usize>>>, Unusable> {
    if restarts.is_empty() {
        return Ok(None);
    }
    if restarts.len() != values {
        return Err(Unusable::BadParameter);
    }
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, &restart) in restarts.iter().enumerate() {
        groups.entry(restart).or_default().push(index);
    }
    Ok((groups.len() >= FEWEST_RESTARTS).then(|| groups.into_values().collect()))
}

/// Hodges–Lehmann estimate of each restart's values.
pub(super) fn per_restart(values: &[f64], restarts: &[u32]) -> Result<Option<Vec<f64>>, Unusable> {
    let Some(groups) = groups(restarts, values.len())? else { return Ok(None) };
    let estimate = |group: Vec<usize>| -> Result<f64, Unusable> {
        let own: Vec<f64> = group.iter().map(|&index| values[index]).collect();
        Ok(Walsh::new(&own)?.estimate())
    };
    groups.into_iter().map(estimate).collect::<Result<_, _>>().map(Some)
}
