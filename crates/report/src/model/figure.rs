//! A measured number and its interval.

use schemars::JsonSchema;
use serde::Serialize;

use crate::comparison::Estimate;

/// A number with the interval it stands for, where one could be had.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Figure {
    /// The estimate.
    pub value: f64,
    /// Lower bound of the 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper bound of the 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

impl Figure {
    /// A number without an interval.
    #[must_use]
    pub const fn exact(value: f64) -> Self {
        Self { value, low: None, high: None }
    }

    /// An estimate with its interval.
    #[must_use]
    pub const fn between(value: f64, low: f64, high: f64) -> Self {
        Self { value, low: Some(low), high: Some(high) }
    }

    /// The interval, where there is one.
    #[must_use]
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.low.zip(self.high)
    }

    /// Largest number it spans: for the range of an axis.
    #[must_use]
    pub fn upper(&self) -> f64 {
        self.high.unwrap_or(self.value).max(self.value)
    }

    /// Smallest number it spans.
    #[must_use]
    pub fn lower(&self) -> f64 {
        self.low.unwrap_or(self.value).min(self.value)
    }
}

impl From<Estimate> for Figure {
    fn from(estimate: Estimate) -> Self {
        match estimate.interval {
            Some([low, high]) => Self::between(estimate.value, low, high),
            None => Self::exact(estimate.value),
        }
    }
}
