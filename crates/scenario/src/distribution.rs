//! Distributions that a file may name: of think times, of requests per visit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::random::Stream;

/// A distribution as a file writes it, of durations or of plain numbers: `{ constant = "1s" }`,
/// `{ uniform = { min = "1s", max = "5s" } }`, `{ exponential = { mean = "2s" } }` or
/// `{ log-normal = { median = "3s", sigma = 2.46, max = "30m" } }`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Distribution<T> {
    /// Always the same.
    Constant(T),
    /// Any value between two with equal chance.
    #[serde(rename_all = "kebab-case")]
    Uniform {
        /// Smallest.
        min: T,
        /// Largest.
        max: T,
    },
    /// Without memory.
    #[serde(rename_all = "kebab-case")]
    Exponential {
        /// Mean.
        mean: T,
    },
    /// Its logarithm is normal: many short, a few very long.
    #[serde(rename_all = "kebab-case")]
    LogNormal {
        /// Half of the values lie below.
        median: T,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
        /// Larger values are cut to this.
        max: Option<T>,
    },
}

/// A validated distribution of values of at least 0, in the unit its maker chose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law(Distribution<f64>);

impl<T: Copy> Distribution<T> {
    /// Validates, in the unit that `value` converts to. An error is the parameter and the reason.
    pub fn law(&self, value: impl Fn(T) -> f64) -> Result<Law, (&'static str, String)> {
        let check = |name: &'static str, value: f64| match value {
            value if value.is_finite() && value >= 0.0 => Ok(value),
            _ => Err((name, "must be a number of at least 0".to_owned())),
        };
        Ok(Law(match *self {
            Self::Constant(constant) => Distribution::Constant(check("constant", value(constant))?),
            Self::Uniform { min, max } => {
                let (min, max) = (check("uniform.min", value(min))?, check("uniform.max", value(max))?);
                if min > max {
                    return Err(("uniform.min", "is larger than `max`".to_owned()));
                }
                Distribution::Uniform { min, max }
            }
            Self::Exponential { mean } => {
                Distribution::Exponential { mean: check("exponential.mean", value(mean))? }
            }
            Self::LogNormal { median, sigma, max } => {
                if !(0.0..=5.0).contains(&sigma) {
                    return Err(("log-normal.sigma", format!("{sigma} is not between 0 and 5")));
                }
                let max = max.map(|max| check("log-normal.max", value(max))).transpose()?;
                Distribution::LogNormal { median: check("log-normal.median", value(median))?, sigma, max }
            }
        }))
    }
}

impl Law {
    /// One draw.
    pub(crate) fn sample(&self, stream: &mut Stream) -> f64 {
        match self.0 {
            Distribution::Constant(value) => value,
            Distribution::Uniform { min, max } => min + (max - min) * stream.unit(),
            Distribution::Exponential { mean } => mean * stream.exponential(),
            Distribution::LogNormal { median, sigma, max } => {
                (median * libm::exp(sigma * stream.normal())).min(max.unwrap_or(f64::INFINITY))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    /// Median and 90th percentile of 20,001 draws.
    fn quantiles(distribution: &Distribution<f64>) -> (f64, f64) {
        let law = distribution.law(|value| value).unwrap();
        let mut stream = Stream::new(3, 0, Purpose::Visit, 0);
        let mut draws: Vec<f64> = (0..20_001).map(|_| law.sample(&mut stream)).collect();
        draws.sort_by(f64::total_cmp);
        (draws[10_000], draws[18_000])
    }

    #[test]
    fn quantiles_are_those_of_the_law() {
        for (distribution, median, p90) in [
            (Distribution::Constant(2.0), 2.0, 2.0),
            (Distribution::Uniform { min: 1.0, max: 3.0 }, 2.0, 2.8),
            (Distribution::Exponential { mean: 2.0 }, 2.0 * 2.0_f64.ln(), 2.0 * 10.0_f64.ln()),
            (Distribution::LogNormal { median: 6.0, sigma: 1.0, max: None }, 6.0, 6.0 * 1.2816_f64.exp()),
            (Distribution::LogNormal { median: 6.0, sigma: 1.0, max: Some(7.0) }, 6.0, 7.0),
        ] {
            let found = quantiles(&distribution);
            assert!((found.0 / median - 1.0).abs() < 0.04, "{distribution:?}: median {}", found.0);
            assert!((found.1 / p90 - 1.0).abs() < 0.04, "{distribution:?}: p90 {}", found.1);
        }
    }

    #[test]
    fn impossible_parameters_are_named() {
        let fault = |distribution: Distribution<f64>| distribution.law(|value| value).unwrap_err().0;
        assert_eq!(fault(Distribution::Constant(-1.0)), "constant");
        assert_eq!(fault(Distribution::Uniform { min: 2.0, max: 1.0 }), "uniform.min");
        assert_eq!(
            fault(Distribution::LogNormal { median: 1.0, sigma: f64::NAN, max: None }),
            "log-normal.sigma"
        );
    }
}
