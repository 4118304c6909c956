//! A confidence interval and the level it really has.

/// Closed interval `[low, high]` with its confidence level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// Achieved confidence level, 0 to 1. Exact rank intervals exist only at certain levels: this is the one
    /// reached, never below the one asked for.
    pub level: f64,
}

impl Interval {
    /// Half the width.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }

    /// Does it contain `value`, bounds included?
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Does it lie strictly between `low` and `high`?
    #[must_use]
    pub fn inside(&self, low: f64, high: f64) -> bool {
        low < self.low && self.high < high
    }

    /// Both bounds through an increasing function, e.g. `exp` to turn log ratios into ratios.
    #[must_use]
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { low: f(self.low), high: f(self.high), level: self.level }
    }
}
