//! What a drive says about itself: pacing, work done, its own cost. The material of the validity certificate.

use hdrhistogram::Histogram;

/// Largest time the histograms tell apart, nanoseconds (one hour). Longer ones are counted there.
const HIGHEST_NS: u64 = 3_600_000_000_000;

/// A histogram of nanoseconds: three significant digits, up to one hour, constant memory.
#[must_use]
pub fn nanosecond_histogram() -> Histogram<u64> {
    #[expect(clippy::expect_used, reason = "the bounds are constants that the histogram accepts")]
    Histogram::new_with_bounds(1, HIGHEST_NS, 3).expect("bounds are valid")
}

/// What a drive did and what it cost. Counts and times concern the measured part unless they say otherwise.
#[derive(Debug, Clone)]
pub struct DriveReport {
    /// Whether a schedule was followed (open loop) or the next request waited for an answer (closed loop).
    pub open_loop: bool,
    /// Whether the stop flag ended the drive early.
    pub interrupted: bool,
    /// Length of the measured part, nanoseconds.
    pub measured_ns: u64,
    /// Steps intended in the measured part (closed loop: sent in it).
    pub offered: u64,
    /// Of these, answered with a complete response, whenever that was.
    pub answered: u64,
    /// Complete responses that arrived during the measured part, those of warm-up steps included.
    pub answered_within: u64,
    /// Steps of the measured part that needed no request (a refresh where there is nothing to refresh).
    pub skipped: u64,
    /// Steps due or in flight when the stop flag ended the drive: never observed.
    pub abandoned: u64,
    /// Answers that nobody had asked for: the connection was closed.
    pub unsolicited: u64,
    /// Connections opened again after they had been closed, over the whole drive.
    pub reopened: u64,
    /// Most connections open at one time, over the whole drive.
    pub peak_connections: u32,
    /// Bytes of HTTP (inside TLS) to the server.
    pub bytes_sent: u64,
    /// Bytes of HTTP (inside TLS) from the server.
    pub bytes_received: u64,
    /// Response time of every operation that was answered or timed out: from intended start, nanoseconds.
    pub response: Histogram<u64>,
    /// Service time of the same: from send, nanoseconds.
    pub service: Histogram<u64>,
    /// Actual minus intended send, nanoseconds, of every step sent. Empty in closed loop.
    pub send_lag: Histogram<u64>,
    /// The part of it that the generator itself caused: actual send minus the moment it could have been made (intended
    /// start, predecessor answered, connection free). Empty in closed loop.
    pub own_lag: Histogram<u64>,
    /// CPU of the generator thread, nanoseconds, final spin included.
    pub cpu_ns: u64,
    /// Time spent in the final spin before a send, nanoseconds.
    pub spin_ns: u64,
    /// Whether the thread had a real-time priority.
    pub real_time: bool,
    /// Operations due and not finished.
    pub in_flight: InFlight,
    /// How evenly requests left. Absent in closed loop.
    pub arrivals: Option<Arrivals>,
}

impl DriveReport {
    /// CPU of the generator thread without the final spin, nanoseconds.
    #[must_use]
    pub fn busy_cpu_ns(&self) -> u64 {
        self.cpu_ns.saturating_sub(self.spin_ns)
    }

    /// Busy CPU as a share of the measured time, 0 to 1.
    #[must_use]
    pub fn busy_share(&self) -> f64 {
        ratio(self.busy_cpu_ns() as f64, self.measured_ns as f64)
    }

    /// Steps intended per second.
    #[must_use]
    pub fn offered_rate(&self) -> f64 {
        ratio(self.offered as f64, self.measured_ns as f64 / 1e9)
    }

    /// Complete responses per second.
    #[must_use]
    pub fn achieved_rate(&self) -> f64 {
        ratio(self.answered_within as f64, self.measured_ns as f64 / 1e9)
    }
}

/// `a / b`, 0 where there is nothing to divide by.
pub(crate) fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

/// Operations due and not finished, counted twice: sampled on a clock of its own, and summed from the observations'
/// stamps. Little's law says that both means agree.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct InFlight {
    /// Samples taken, at random distances.
    pub samples: u64,
    /// Their mean.
    pub sampled_mean: f64,
    /// Standard error of that mean, from squared successive differences (slow drift does not inflate it).
    pub standard_error: f64,
    /// Mean of the second quarter of the samples' time (in the first, the number may still be rising from 0).
    pub second_quarter: f64,
    /// Mean of the last quarter of the samples' time.
    pub last_quarter: f64,
    /// Σ (time from intended start to end, cut to the measured part) / measured time.
    pub stamped_mean: f64,
}

/// Index of dispersion (variance over mean) of counts per bin: 1 for Poisson arrivals, about 0 for constant ones.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Arrivals {
    /// Complete bins.
    pub bins: u64,
    /// Width of a bin, nanoseconds.
    pub bin_ns: u64,
    /// Of the intended starts: the target.
    pub intended: f64,
    /// Of the sends, with what the server made wait put back (see [`DriveReport::own_lag`]).
    pub sent: f64,
}
