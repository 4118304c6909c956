//! Synthetic rounds with a known truth, to check that intervals cover what they say and verdicts err as rarely as they
//! promise.

use crate::error::Unusable;
use crate::location::signed_rank_interval;
use crate::pairs::Pairs;
use crate::random::Random;
use crate::verdict::{Rules, Verdict, judge};

/// Rows that share a round in [`Noise::Drift`]: two of them are compared.
pub const ROWS: usize = 8;

/// What blurs a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noise {
    /// Normal.
    Normal,
    /// Student's t with three degrees of freedom: now and then a block far off.
    StudentT3,
    /// Normal, and each block is stalled with probability 15 %: up to 50 % slower.
    Stalled,
    /// Normal, on top of a machine that drifts from block to block (AR(1), ρ = 0.98, standard deviation 10 %), with
    /// eight rows in random order per round.
    Drift,
}

impl Noise {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Normal, Self::StudentT3, Self::Stalled, Self::Drift];

    /// Name in tables.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::StudentT3 => "t3",
            Self::Stalled => "15 % stalled",
            Self::Drift => "AR(1) drift",
        }
    }
}

/// One synthetic comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    /// Rounds.
    pub rounds: usize,
    /// What blurs them.
    pub noise: Noise,
    /// Scale of one block's noise on the log scale; the pair has √2 times that.
    pub scale: f64,
    /// True log ratio.
    pub truth: f64,
}

impl Design {
    /// Log ratios of one simulated run.
    pub fn pairs(&self, random: &mut Random) -> Vec<f64> {
        let mut machine = Machine { level: 0.1 * random.normal() };
        let mut pair = || {
            let (row, baseline) = (self.block(random), self.block(random));
            let (of_row, of_baseline) = match self.noise {
                Noise::Drift => machine.round(random),
                _ => (0.0, 0.0),
            };
            self.truth + row + of_row - baseline - of_baseline
        };
        (0..self.rounds).map(|_| pair()).collect()
    }

    fn block(&self, random: &mut Random) -> f64 {
        let noise = match self.noise {
            Noise::StudentT3 => {
                let chi2: f64 = (0..3).map(|_| random.normal()).map(|z| z * z).sum();
                random.normal() / libm::sqrt(chi2 / 3.0)
            }
            _ => random.normal(),
        };
        let stalled = self.noise == Noise::Stalled && random.uniform() < 0.15;
        let stall = if stalled { libm::log1p(0.5 * random.uniform()) } else { 0.0 };
        self.scale * noise + stall
    }
}

/// A machine whose speed drifts.
struct Machine {
    level: f64,
}

impl Machine {
    /// Its state at two random positions of the next round.
    fn round(&mut self, random: &mut Random) -> (f64, f64) {
        const RHO: f64 = 0.98;
        let mut levels = [0.0; ROWS];
        for level in &mut levels {
            self.level = RHO * self.level + 0.1 * libm::sqrt(1.0 - RHO * RHO) * random.normal();
            *level = self.level;
        }
        let first = random.below(ROWS);
        let second = (first + 1 + random.below(ROWS - 1)) % ROWS;
        (levels[first], levels[second])
    }
}

/// Share of runs whose interval of nominal `level` contains the truth.
pub fn coverage(design: Design, level: f64, runs: u64, seed: u64) -> Result<f64, Unusable> {
    share(runs, seed, |random| Ok(signed_rank_interval(&design.pairs(random), level)?.contains(design.truth)))
}

/// Share of runs in which a comparison gets the verdict "equivalent".
pub fn granted(design: Design, rules: Rules, runs: u64, seed: u64) -> Result<f64, Unusable> {
    share(runs, seed, |random| {
        let pairs = design.pairs(random);
        let judged = judge(&[Pairs::log_ratios(&pairs)], rules).remove(0)?;
        Ok(judged.verdict == Verdict::Equivalent)
    })
}

/// Share of `runs` for which `one` says yes; each gets its own random stream.
pub fn share(
    runs: u64,
    seed: u64,
    mut one: impl FnMut(&mut Random) -> Result<bool, Unusable>,
) -> Result<f64, Unusable> {
    let mut yes = 0_u64;
    for run in 0..runs {
        yes += u64::from(one(&mut Random::new(seed, run))?);
    }
    Ok(yes as f64 / runs.max(1) as f64)
}
