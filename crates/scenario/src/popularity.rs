//! Who makes a request: Zipf popularity over the subjects, in constant memory.

use crate::random::{Purpose, Stream};

/// Zipf's law on ranks `1..=n`: rank k has a weight of k^-s. Sampled by rejection-inversion in constant memory (W.
/// Hörmann and G. Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions", ACM
/// TOMACS 6(3), 1996). An exponent of 0 is uniform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Zipf {
    n: u32,
    exponent: f64,
    /// H(3/2) - h(1): the lower end of the area that is inverted.
    low: f64,
    /// H(n + 1/2): its upper end.
    high: f64,
    /// Distance from the rounded rank within which acceptance needs no test.
    sure: f64,
    /// Sum of all weights.
    total: f64,
}

impl Zipf {
    /// Over `n` ≥ 1 ranks with an exponent of at least 0.
    pub(crate) fn new(n: u32, exponent: f64) -> Self {
        let n = n.max(1);
        let mut zipf = Self { n, exponent, low: 0.0, high: 0.0, sure: 0.0, total: 0.0 };
        zipf.low = zipf.integral(1.5) - 1.0;
        zipf.high = zipf.integral(f64::from(n) + 0.5);
        zipf.sure = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.weight(2.0));
        zipf.total = zipf.sum();
        zipf
    }

    /// A rank from 1.
    #[inline]
    pub(crate) fn sample(&self, stream: &mut Stream) -> u32 {
        if self.exponent == 0.0 {
            return stream.below(u64::from(self.n)) as u32 + 1;
        }
        loop {
            let area = self.low + stream.unit_positive() * (self.high - self.low);
            let x = self.inverse(area);
            let rank = libm::round(x).clamp(1.0, f64::from(self.n));
            if rank - x <= self.sure || area >= self.integral(rank + 0.5) - self.weight(rank) {
                return rank as u32;
            }
        }
    }

    /// Share of all draws that go to a rank.
    #[inline]
    pub(crate) fn share(&self, rank: u32) -> f64 {
        self.weight(f64::from(rank)) / self.total
    }

    fn weight(&self, x: f64) -> f64 {
        if self.exponent == 1.0 { 1.0 / x } else { libm::pow(x, -self.exponent) }
    }

    /// H(x): the integral of the weight from 1 to x.
    fn integral(&self, x: f64) -> f64 {
        let rest = 1.0 - self.exponent;
        if rest == 0.0 { libm::log(x) } else { libm::expm1(rest * libm::log(x)) / rest }
    }

    /// The x whose [`Self::integral`] is `area`.
    fn inverse(&self, area: f64) -> f64 {
        let rest = 1.0 - self.exponent;
        if rest == 0.0 { libm::exp(area) } else { libm::exp(libm::log1p(rest * area) / rest) }
    }

    /// Sum of all weights: the head term by term, the tail by the Euler-Maclaurin formula to its third derivative-free
    /// term, whose error is below 1e-9 of the sum from rank 1000 on.
    fn sum(&self) -> f64 {
        let head = self.n.min(1000);
        let first: f64 = (1..=head).map(|rank| self.weight(f64::from(rank))).sum();
        if self.n == head {
            return first;
        }
        let (from, to) = (f64::from(head), f64::from(self.n));
        let slope = |x: f64| -self.exponent * self.weight(x) / x;
        let ends = (self.weight(to) - self.weight(from)) / 2.0 + (slope(to) - slope(from)) / 12.0;
        first + self.integral(to) - self.integral(from) + ends
    }
}

/// A seeded one-to-one map of `0..n` onto itself, so that the popular subjects are spread over the index and no cache
/// line or shard holds all of them: `i → (a·i + b) mod n` with a and n coprime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spread {
    n: u64,
    factor: u64,
    offset: u64,
}

impl Spread {
    /// Over `n` ≥ 1 subjects.
    pub(crate) fn new(seed: u64, n: u32) -> Self {
        let n = u64::from(n.max(1));
        let mut stream = Stream::new(seed, 0, Purpose::Spread, 0);
        let offset = stream.below(n);
        // From the middle half, so that neighbours land far apart; the search ends because n - 1 is coprime to n.
        let mut factor = n / 4 + stream.below(n / 2 + 1);
        while gcd(factor, n) != 1 {
            factor += 1;
        }
        Self { n, factor, offset }
    }

    /// Where `index` lands.
    #[inline]
    pub(crate) fn place(&self, index: u64) -> u32 {
        ((index % self.n * self.factor + self.offset) % self.n) as u32
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sum_of_weights_is_exact_enough() {
        for (n, exponent) in [(1, 1.0), (999, 0.7), (100_000, 1.0), (100_000, 0.5), (100_000, 1.3)] {
            let zipf = Zipf::new(n, exponent);
            let exact: f64 = (1..=n).map(|rank| libm::pow(f64::from(rank), -exponent)).sum();
            assert!((zipf.total / exact - 1.0).abs() < 1e-9, "{n} {exponent}: {} {exact}", zipf.total);
        }
    }

    #[test]
    fn frequencies_follow_the_law() {
        const DRAWS: u32 = 200_000;
        for (n, exponent) in [(10, 0.0), (50, 0.8), (10_000, 1.0), (1_000, 1.0), (1_000, 2.5)] {
            let zipf = Zipf::new(n, exponent);
            let mut stream = Stream::new(7, 0, Purpose::Popularity, 0);
            let mut counts = vec![0_u32; n as usize + 1];
            for _ in 0..DRAWS {
                counts[zipf.sample(&mut stream) as usize] += 1;
            }
            assert_eq!(counts[0], 0);
            for rank in [1, 2, 3, 5, 10] {
                let expected = zipf.share(rank) * f64::from(DRAWS);
                let deviation = (f64::from(counts[rank as usize]) - expected) / expected.sqrt();
                assert!(deviation.abs() < 4.5, "n {n} s {exponent} rank {rank}: {deviation:.1} sigma");
            }
        }
    }

    proptest! {
        #[test]
        fn spread_is_one_to_one(seed: u64, n in 1_u32..3000) {
            let spread = Spread::new(seed, n);
            let mut seen = vec![false; n as usize];
            for index in 0..u64::from(n) {
                let place = spread.place(index) as usize;
                prop_assert!(!seen[place]);
                seen[place] = true;
            }
        }

        #[test]
        fn rank_is_in_range(seed: u64, n in 1_u32..u32::MAX, exponent in 0.0_f64..5.0) {
            let zipf = Zipf::new(n, exponent);
            let mut stream = Stream::new(seed, 0, Purpose::Popularity, 0);
            for _ in 0..20 {
                let rank = zipf.sample(&mut stream);
                prop_assert!((1..=n).contains(&rank));
            }
        }
    }
}
