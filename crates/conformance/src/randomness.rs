//! Tests of random bits: NIST SP 800-22 rev. 1a, §2.1 (frequency) and §2.3 (runs).

/// Counts over a stream of bits, most significant bit of a byte first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits {
    count: u64,
    ones: u64,
    /// Places where a bit differs from the one before it.
    changes: u64,
    last: Option<bool>,
}

impl Bits {
    /// Takes the bits of more bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            for shift in (0..8).rev() {
                let bit = byte >> shift & 1 == 1;
                self.count += 1;
                self.ones += u64::from(bit);
                self.changes += u64::from(self.last.is_some_and(|last| last != bit));
                self.last = Some(bit);
            }
        }
    }

    /// How many bits.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Probability that random bits are at least as far from half ones (§2.1.4: `erfc(|2·ones − n| / √(2n))`).
    /// 1 for no bits.
    #[must_use]
    pub fn monobit(&self) -> f64 {
        if self.count == 0 {
            return 1.0;
        }
        let n = self.count as f64;
        let sum = (2.0 * self.ones as f64 - n).abs();
        libm::erfc(sum / (2.0 * n).sqrt())
    }

    /// Probability that random bits change at least as much more or less often (§2.3.4: with `π = ones / n` and `V` runs,
    /// `erfc(|V − 2nπ(1−π)| / (2√(2n)·π(1−π)))`). 0 where the share of ones is already too far off (§2.3.4 step 2).
    #[must_use]
    pub fn runs(&self) -> f64 {
        if self.count == 0 {
            return 1.0;
        }
        let n = self.count as f64;
        let share = self.ones as f64 / n;
        if (share - 0.5).abs() >= 2.0 / n.sqrt() {
            return 0.0;
        }
        let spread = share * (1.0 - share);
        let runs = self.changes as f64 + 1.0;
        libm::erfc((runs - 2.0 * n * spread).abs() / (2.0 * (2.0 * n).sqrt() * spread))
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::{Rng, SeedableRng};

    use super::*;

    fn of(bytes: &[u8]) -> Bits {
        let mut bits = Bits::default();
        bits.add(bytes);
        bits
    }

    #[test]
    fn the_examples_of_the_standard_come_out() {
        // §2.1.8: the first binary digits of π, here 96 of them with 41 ones, so that |2·41 − 96| / √192 goes into erfc.
        let pi = [
            0b1100_1001,
            0b0000_1111,
            0b1101_1010,
            0b1010_0010,
            0b0010_0001,
            0b0110_1000,
            0b1100_0010,
            0b0011_0100,
            0b1100_0100,
            0b1100_0110,
            0b0110_0010,
            0b1000_1011,
        ];
        let bits = of(&pi);
        assert_eq!((bits.count, bits.ones), (96, 41));
        let expected = libm::erfc(14.0 / 192f64.sqrt());
        assert!((bits.monobit() - expected).abs() < 1e-12);
        assert!(bits.runs() > 0.01);
    }

    #[test]
    fn random_bits_pass_and_regular_ones_do_not() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut bytes = vec![0u8; 100_000];
        random.fill_bytes(&mut bytes);
        assert!(of(&bytes).monobit() > 1e-6 && of(&bytes).runs() > 1e-6);
        assert!(of(&[0u8; 1000]).monobit() < 1e-9);
        assert!(of(&[0b0101_0101; 1000]).monobit() > 0.9 && of(&[0b0101_0101; 1000]).runs() < 1e-9);
        let sticky: Vec<u8> = (0..1000).map(|at| if at % 2 == 0 { 0 } else { 0xff }).collect();
        assert!(of(&sticky).runs() < 1e-9);
        // One bit in eight is always set: 64 % ones.
        let biased: Vec<u8> = bytes.iter().map(|byte| byte | 1).collect();
        assert!(of(&biased).monobit() < 1e-9);
    }
}
