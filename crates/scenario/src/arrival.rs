//! Arrival processes: pure values that turn a rate and a seed into intended starts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::random::{Purpose, Stream};
use crate::units::HumanDuration;

/// How arrivals are spread over time around a mean rate. In a file: a name (`"poisson"`), or a table with the name and
/// its parameters (`arrivals.sine = { period = "2s", amplitude = 0.5 }`).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Arrival {
    /// Evenly spaced.
    Constant,
    /// Independent arrivals: exponential gaps.
    #[default]
    Poisson,
    /// Poisson with a rate that grows or shrinks linearly, then stays.
    #[serde(rename_all = "kebab-case")]
    Ramp {
        /// Multiple of the rate at the start.
        from: f64,
        /// Multiple of the rate at the end.
        to: f64,
        /// How long the change takes.
        over: HumanDuration,
    },
    /// Poisson that alternates between a high rate and a low one; the mean stays the rate.
    #[serde(rename_all = "kebab-case")]
    Bursts {
        /// From the start of one burst to the start of the next.
        every: HumanDuration,
        /// Length of a burst; shorter than `every`.
        length: HumanDuration,
        /// Multiple of the rate during a burst; at most `every / length`.
        factor: f64,
    },
    /// Poisson whose rate swings like a sine; the mean stays the rate.
    #[serde(rename_all = "kebab-case")]
    Sine {
        /// One full swing.
        period: HumanDuration,
        /// Swing as a share of the rate, 0 to 1.
        amplitude: f64,
    },
}

impl Arrival {
    /// What makes the parameters impossible: the parameter and the reason.
    pub fn validate(&self) -> Result<(), (&'static str, String)> {
        let factor = |name, value: f64| match value {
            value if value.is_finite() && value >= 0.0 => Ok(()),
            value => Err((name, format!("{value} is not a multiple of the rate: give 0 or more"))),
        };
        let length = |name, value: HumanDuration| match value.as_nanos() {
            0 => Err((name, "must be longer than 0".to_owned())),
            _ => Ok(()),
        };
        match *self {
            Self::Constant | Self::Poisson => Ok(()),
            Self::Ramp { from, to, over } => {
                factor("from", from)?;
                factor("to", to)?;
                length("over", over)?;
                if to == 0.0 {
                    Err(("to", "must be more than 0: nothing would ever arrive".to_owned()))
                } else {
                    Ok(())
                }
            }
            Self::Bursts { every, length: burst, factor: times } => {
                factor("factor", times)?;
                length("every", every)?;
                length("length", burst)?;
                if burst >= every {
                    return Err(("length", format!("a burst of {burst} does not fit into {every}")));
                }
                let most = every.as_nanos() as f64 / burst.as_nanos() as f64;
                if times > most {
                    return Err((
                        "factor",
                        format!("more than {most:.2}: the bursts alone would exceed the mean rate"),
                    ));
                }
                Ok(())
            }
            Self::Sine { period, amplitude } => {
                length("period", period)?;
                if (0.0..=1.0).contains(&amplitude) {
                    Ok(())
                } else {
                    Err(("amplitude", format!("{amplitude} is not a share of the rate: give 0 to 1")))
                }
            }
        }
    }

    /// Endless intended starts in nanoseconds, ascending, at a mean of `rate` per second (more than 0), from a seed.
    #[must_use]
    pub fn offsets(&self, rate: f64, seed: u64) -> Offsets {
        Offsets::new(*self, rate, Stream::new(seed, 0, Purpose::Arrivals, 0))
    }

    /// The time in seconds at which `expected` arrivals are due on average: the inverse of the cumulative rate. This is
    /// the time change that turns a Poisson process of rate 1 into one of the wanted rate (E. Çinlar, "Introduction to
    /// Stochastic Processes", 1975, §4.7).
    fn time_of(&self, expected: f64, rate: f64) -> f64 {
        let even = expected / rate;
        match *self {
            Self::Constant | Self::Poisson => even,
            Self::Ramp { from, to, over } => ramp_time(even, from, to, seconds(over)),
            Self::Bursts { every, length, factor } => {
                let (every, length) = (seconds(every), seconds(length));
                let burst = factor * length;
                let rest = (every - burst) / (every - length);
                let cycles = libm::floor(even / every);
                let within = even - cycles * every;
                let at = if within < burst { within / factor } else { length + (within - burst) / rest };
                // Rounding may leave the rest of a cycle with nothing due in it.
                cycles * every + at.min(every)
            }
            Self::Sine { period, amplitude } => sine_time(even, seconds(period), amplitude),
        }
    }
}

fn seconds(duration: HumanDuration) -> f64 {
    duration.as_nanos() as f64 * 1e-9
}

/// Solves `from·t + (to - from)·t²/(2·over) = even` for t, in the form without cancellation; linear after the ramp.
fn ramp_time(even: f64, from: f64, to: f64, over: f64) -> f64 {
    let due_on_ramp = (from + to) / 2.0 * over;
    if even >= due_on_ramp {
        return over + (even - due_on_ramp) / to;
    }
    let slope = (to - from) / over;
    let root = libm::sqrt((from * from + 2.0 * slope * even).max(0.0));
    if from + root == 0.0 { 0.0 } else { 2.0 * even / (from + root) }
}

/// Solves `t + amplitude·period/2π·(1 - cos(2πt/period)) = even` by bisection: the left side never decreases, and t lies
/// within one swing's surplus below `even`. 60 halvings leave less than a nanosecond.
fn sine_time(even: f64, period: f64, amplitude: f64) -> f64 {
    let scale = amplitude * period / std::f64::consts::TAU;
    let (mut low, mut high) = ((even - 2.0 * scale).max(0.0), even);
    for _ in 0..60 {
        let middle = low + (high - low) / 2.0;
        if middle + scale * (1.0 - libm::cos(std::f64::consts::TAU * middle / period)) < even {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Endless intended starts in nanoseconds.
#[derive(Debug, Clone)]
pub struct Offsets {
    arrival: Arrival,
    rate: f64,
    stream: Stream,
    expected: f64,
    last: u64,
}

impl Offsets {
    pub(crate) fn new(arrival: Arrival, rate: f64, stream: Stream) -> Self {
        Self { arrival, rate, stream, expected: 0.0, last: 0 }
    }
}

impl Iterator for Offsets {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        let at = if self.arrival == Arrival::Constant {
            let at = self.expected / self.rate;
            self.expected += 1.0;
            at
        } else {
            self.expected += self.stream.exponential();
            self.arrival.time_of(self.expected, self.rate)
        };
        // A cast of a float saturates: a rate near 0 ends in the far future, not in a panic.
        self.last = self.last.max((at * 1e9) as u64);
        Some(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn human(millis: u64) -> HumanDuration {
        HumanDuration::from_millis(millis)
    }

    fn any_arrival() -> impl Strategy<Value = Arrival> {
        prop_oneof![
            Just(Arrival::Constant),
            Just(Arrival::Poisson),
            (0.0_f64..3.0, 0.1_f64..3.0, 1_u64..5000).prop_map(|(from, to, over)| Arrival::Ramp {
                from,
                to,
                over: human(over)
            }),
            (2_u64..2000, 0.05_f64..0.9, 0.0_f64..1.0).prop_map(|(every, share, strength)| {
                let length = ((every as f64 * share) as u64).max(1);
                Arrival::Bursts {
                    every: human(every),
                    length: human(length),
                    factor: every as f64 / length as f64 * strength,
                }
            }),
            (1_u64..5000, 0.0_f64..=1.0)
                .prop_map(|(period, amplitude)| Arrival::Sine { period: human(period), amplitude }),
        ]
    }

    /// Cumulative rate by the definition, for comparison with its inverse.
    fn due(arrival: &Arrival, t: f64) -> f64 {
        const STEPS: u32 = 20_000;
        let rate_at = |t: f64| match *arrival {
            Arrival::Constant | Arrival::Poisson => 1.0,
            Arrival::Ramp { from, to, over } => from + (to - from) * (t / seconds(over)).min(1.0),
            Arrival::Bursts { every, length, factor } => {
                let (every, length) = (seconds(every), seconds(length));
                if t % every < length { factor } else { (every - factor * length) / (every - length) }
            }
            Arrival::Sine { period, amplitude } => {
                1.0 + amplitude * (std::f64::consts::TAU * t / seconds(period)).sin()
            }
        };
        let width = t / f64::from(STEPS);
        (0..STEPS).map(|step| rate_at((f64::from(step) + 0.5) * width) * width).sum()
    }

    proptest! {
        #[test]
        fn offsets_ascend_and_reproduce(arrival in any_arrival(), seed: u64, rate in 0.5_f64..1e6) {
            prop_assert_eq!(arrival.validate(), Ok(()));
            let offsets: Vec<u64> = arrival.offsets(rate, seed).take(500).collect();
            prop_assert!(offsets.is_sorted());
            prop_assert_eq!(offsets, arrival.offsets(rate, seed).take(500).collect::<Vec<_>>());
        }

        #[test]
        fn time_change_inverts_the_cumulative_rate(arrival in any_arrival(), even in 0.0_f64..4.0) {
            let time = arrival.time_of(even, 1.0);
            prop_assert!((due(&arrival, time) - even).abs() < 0.01, "{} at {time} for {even}", due(&arrival, time));
        }
    }

    /// Poisson counts have a standard deviation of √mean; 4.5 of them are not reached once in 100,000 draws.
    #[test]
    fn rates_are_honest() {
        for arrival in [
            Arrival::Poisson,
            Arrival::Bursts { every: human(500), length: human(50), factor: 6.0 },
            Arrival::Sine { period: human(1000), amplitude: 0.9 },
            Arrival::Ramp { from: 0.5, to: 1.5, over: human(2000) },
        ] {
            let mut all = 0.0;
            for seed in 0..50 {
                let count = arrival.offsets(1000.0, seed).take_while(|at| *at < 2_000_000_000).count() as f64;
                assert!(
                    (count - 2000.0).abs() < 4.5 * 2000.0_f64.sqrt(),
                    "{arrival:?}, seed {seed}: {count}"
                );
                all += count;
            }
            assert!((all - 100_000.0).abs() < 4.5 * 100_000.0_f64.sqrt(), "{arrival:?}: {all}");
        }
    }

    #[test]
    fn constant_is_even() {
        let offsets: Vec<u64> = Arrival::Constant.offsets(1000.0, 1).take(4).collect();
        assert_eq!(offsets, [0, 1_000_000, 2_000_000, 3_000_000]);
    }

    #[test]
    fn impossible_parameters_are_named() {
        let burst = |length, factor| Arrival::Bursts { every: human(100), length: human(length), factor };
        assert_eq!(burst(100, 1.0).validate().unwrap_err().0, "length");
        assert_eq!(burst(50, 2.5).validate().unwrap_err().0, "factor");
        assert_eq!(Arrival::Sine { period: human(1), amplitude: 1.1 }.validate().unwrap_err().0, "amplitude");
        assert_eq!(
            Arrival::Ramp { from: f64::NAN, to: 1.0, over: human(1) }.validate().unwrap_err().0,
            "from"
        );
    }
}
