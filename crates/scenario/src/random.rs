//! Random numbers that reproduce: ChaCha8 streams, named by seed, round, purpose and index.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What a stream is drawn for. Each purpose has its own streams, so that one more draw for one never shifts another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// Times between arrivals.
    Arrivals = 1,
    /// Who makes a request.
    Popularity = 2,
    /// From which device, and whether it is a write.
    Detail = 3,
    /// Whether a refresh is due before a request.
    Refresh = 4,
    /// Times between logins.
    Logins = 5,
    /// Who logs in.
    LoginSubjects = 6,
    /// Everything one user does in one visit or trial: the stream's index is that visit's.
    Visit = 7,
    /// The order that spreads popular subjects over the index.
    Spread = 8,
}

/// One reproducible stream.
#[derive(Debug, Clone)]
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream `index` of a purpose in a round.
    pub(crate) fn new(seed: u64, round: u32, purpose: Purpose, index: u64) -> Self {
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&u64::from(round).to_le_bytes());
        key[16..24].copy_from_slice(&(purpose as u64).to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        Self(rng)
    }

    /// Uniform in `[0, 1)`, with 53 bits.
    #[inline]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in `(0, 1]`: its logarithm is finite.
    #[inline]
    pub(crate) fn unit_positive(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) + 1) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in `0..bound` by multiplication (bias below `bound`/2^64); 0 for a bound of 0.
    #[inline]
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Exponential with mean 1, by inversion.
    #[inline]
    pub(crate) fn exponential(&mut self) -> f64 {
        -libm::log(self.unit_positive())
    }

    /// Standard normal: Box and Muller 1958, the cosine half.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(2.0 * self.exponential());
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }
}
