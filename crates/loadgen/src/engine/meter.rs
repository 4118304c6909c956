//! Running figures of a drive, in constant memory: dispersion of arrivals and the in-flight count.

use std::collections::VecDeque;

use crate::report::{InFlight, ratio};

/// Variance over mean of event counts in fixed bins, from event times in ascending order.
#[derive(Debug)]
pub(crate) struct Dispersion {
    bin_ns: u64,
    bin: u64,
    count: u64,
    bins: u64,
    sum: f64,
    squares: f64,
}

impl Dispersion {
    pub(crate) fn new(bin_ns: u64) -> Self {
        Self { bin_ns, bin: 0, count: 0, bins: 0, sum: 0.0, squares: 0.0 }
    }

    /// An event at `at_ns` from the start of the measured part.
    pub(crate) fn add(&mut self, at_ns: u64) {
        self.advance(at_ns);
        self.count += 1;
    }

    /// Closes every bin that ends at or before `at_ns`.
    pub(crate) fn advance(&mut self, at_ns: u64) {
        let bin = at_ns / self.bin_ns;
        if bin <= self.bin {
            return;
        }
        self.sum += self.count as f64;
        self.squares += (self.count * self.count) as f64;
        // The bins between are empty and add nothing to either sum.
        self.bins += bin - self.bin;
        self.bin = bin;
        self.count = 0;
    }

    /// Complete bins so far.
    pub(crate) fn bins(&self) -> u64 {
        self.bins
    }

    /// Variance over mean; 0 without events.
    pub(crate) fn index(&self) -> f64 {
        let bins = self.bins as f64;
        if self.bins < 2 || self.sum == 0.0 {
            return 0.0;
        }
        let mean = self.sum / bins;
        let variance = (self.squares - bins * mean * mean) / (bins - 1.0);
        variance.max(0.0) / mean
    }
}

/// Mean distance of in-flight samples.
const PERIOD_NS: u64 = 200_000;
/// Samples that can still be amended: about fifty milliseconds of them, more than any stall that leaves a block valid.
const RECENT: usize = 256;
/// Cells of the coarse time line, which doubles its width when it is full.
const CELLS: usize = 32;
/// First width of a cell.
const CELL_NS: u64 = 1_000_000;

/// Samples the number of unfinished operations at random times of its own.
///
/// The number changes only when the engine acts, so a sample that fell due while the thread slept is taken on waking,
/// before anything changes: no extra wake-up, no bias towards arrivals. One thing changes while it sleeps: a step falls
/// due. An operation is unfinished from its intended start, so when the engine comes to a step late, the samples since
/// then are amended.
#[derive(Debug)]
pub(crate) struct InFlightMeter {
    start_ns: u64,
    end_ns: u64,
    next_ns: u64,
    state: u64,
    /// The latest samples, oldest first: when, and how many were unfinished.
    recent: VecDeque<(u64, u64)>,
    samples: u64,
    sum: f64,
    differences: f64,
    last: Option<u64>,
    cell_ns: u64,
    /// Samples and their sum by time, for the trend.
    cells: [(u64, f64); CELLS],
    stamped_ns: u128,
}

impl InFlightMeter {
    /// Samples from `start_ns` until [`Self::cut`].
    pub(crate) fn new(start_ns: u64) -> Self {
        Self {
            start_ns,
            end_ns: u64::MAX,
            next_ns: start_ns,
            state: 0x9E37_79B9_7F4A_7C15,
            recent: VecDeque::with_capacity(RECENT),
            samples: 0,
            sum: 0.0,
            differences: 0.0,
            last: None,
            cell_ns: CELL_NS,
            cells: [(0, 0.0); CELLS],
            stamped_ns: 0,
        }
    }

    /// Takes the samples due at `now_ns`, all of which see `unfinished`.
    #[inline]
    pub(crate) fn sample(&mut self, now_ns: u64, unfinished: u64) {
        while self.next_ns <= now_ns && self.next_ns < self.end_ns {
            if self.recent.len() == RECENT
                && let Some((at_ns, count)) = self.recent.pop_front()
            {
                self.count(at_ns, count);
            }
            self.recent.push_back((self.next_ns, unfinished));
            // xorshift64 (Marsaglia 2003): distances uniform in half to one and a half periods.
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            self.next_ns += PERIOD_NS / 2 + self.state % PERIOD_NS;
        }
    }

    /// The engine has come to a step that was due at `intended_ns`: later samples should have seen it.
    #[inline]
    pub(crate) fn arrive(&mut self, intended_ns: u64) {
        for (at_ns, unfinished) in self.recent.iter_mut().rev() {
            if *at_ns <= intended_ns {
                break;
            }
            *unfinished += 1;
        }
    }

    /// A sample that is amended no more.
    fn count(&mut self, at_ns: u64, unfinished: u64) {
        let value = unfinished as f64;
        self.samples += 1;
        self.sum += value;
        if let Some(last) = self.last.replace(unfinished) {
            let difference = value - last as f64;
            self.differences += difference * difference;
        }
        let at = at_ns - self.start_ns;
        while at / self.cell_ns >= CELLS as u64 {
            self.double();
        }
        let cell = &mut self.cells[(at / self.cell_ns) as usize];
        *cell = (cell.0 + 1, cell.1 + value);
    }

    /// Two cells become one; the upper half is free again.
    fn double(&mut self) {
        for at in 0..CELLS / 2 {
            let (a, b) = (self.cells[2 * at], self.cells[2 * at + 1]);
            self.cells[at] = (a.0 + b.0, a.1 + b.1);
        }
        self.cells[CELLS / 2..].fill((0, 0.0));
        self.cell_ns *= 2;
    }

    /// An operation that was unfinished from `from_ns` to `to_ns`.
    #[inline]
    pub(crate) fn stamp(&mut self, from_ns: u64, to_ns: u64) {
        let from = from_ns.max(self.start_ns);
        let to = to_ns.min(self.end_ns);
        self.stamped_ns += u128::from(to.saturating_sub(from));
    }

    /// The measured part ends here; stamps that come later are cut to it.
    pub(crate) fn cut(&mut self, end_ns: u64) {
        self.end_ns = end_ns.max(self.start_ns);
    }

    pub(crate) fn finish(mut self) -> InFlight {
        for (at_ns, unfinished) in std::mem::take(&mut self.recent) {
            self.count(at_ns, unfinished);
        }
        let length = self.end_ns.saturating_sub(self.start_ns) as f64;
        let pairs = self.samples.saturating_sub(1).max(1) as f64;
        let variance = self.differences / (2.0 * pairs);
        let used = self.cells.iter().rposition(|cell| cell.0 > 0).map_or(0, |at| at + 1);
        let quarter = used.div_ceil(4);
        InFlight {
            samples: self.samples,
            sampled_mean: ratio(self.sum, self.samples as f64),
            standard_error: (variance / self.samples.max(1) as f64).sqrt(),
            second_quarter: mean(&self.cells[quarter.min(used)..(2 * quarter).min(used)]),
            last_quarter: mean(&self.cells[used - quarter..used]),
            stamped_mean: ratio(self.stamped_ns as f64, length),
        }
    }
}

fn mean(cells: &[(u64, f64)]) -> f64 {
    let (count, sum) = cells.iter().fold((0, 0.0), |(count, sum), cell| (count + cell.0, sum + cell.1));
    ratio(sum, count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_arrivals_have_no_dispersion_and_clumps_have_much() {
        let mut even = Dispersion::new(1_000_000);
        let mut clumped = Dispersion::new(1_000_000);
        for at in 0..10_000_u64 {
            even.add(at * 100_000);
            clumped.add(at / 100 * 10_000_000);
        }
        assert!(even.index() < 1e-9);
        // Every tenth bin holds 100: variance 900, mean 10.
        assert!((clumped.index() - 90.0).abs() < 1.0, "{}", clumped.index());
    }

    #[test]
    fn sampled_and_stamped_means_agree() {
        // Two of every three milliseconds, one operation is unfinished.
        let mut meter = InFlightMeter::new(0);
        for period in 0..2_000_u64 {
            let (due, done) = (period * 3_000_000, period * 3_000_000 + 2_000_000);
            meter.sample(due, 0);
            meter.sample(done, 1);
            meter.stamp(due, done);
        }
        meter.cut(6_000_000_000);
        let result = meter.finish();
        assert!((result.stamped_mean - 2.0 / 3.0).abs() < 1e-9);
        assert!((result.sampled_mean - 2.0 / 3.0).abs() < 4.0 * result.standard_error, "{result:?}");
        assert!((result.second_quarter - result.last_quarter).abs() < 0.05);
    }

    #[test]
    fn a_step_taken_late_was_unfinished_since_it_was_due() {
        // The thread stands still for the first two of every three milliseconds; a step is due after the first.
        let mut meter = InFlightMeter::new(0);
        for period in 0..2_000_u64 {
            let (due, woken) = (period * 3_000_000 + 1_000_000, period * 3_000_000 + 2_000_000);
            meter.sample(woken, 0);
            meter.arrive(due);
            meter.sample(woken, 1);
            meter.stamp(due, woken);
        }
        meter.cut(6_000_000_000);
        let result = meter.finish();
        assert!((result.stamped_mean - 1.0 / 3.0).abs() < 1e-9);
        assert!((result.sampled_mean - 1.0 / 3.0).abs() < 4.0 * result.standard_error, "{result:?}");
    }

    #[test]
    fn a_growing_backlog_shows_as_a_trend() {
        let mut meter = InFlightMeter::new(0);
        for at in 0..1_000_u64 {
            meter.sample(at * 1_000_000, at);
        }
        meter.cut(1_000_000_000);
        let result = meter.finish();
        assert!((result.last_quarter - result.second_quarter - 500.0).abs() < 40.0, "{result:?}");
    }
}
