//! What a plan takes, computed before anything is started.

use scenario::Scenario;

use super::{PairedScenario, Plan};
use crate::event::Budget;

/// Starting a row's server and store, milliseconds. Measured: 40 to 90.
const START_MS: u64 = 90;
/// Live logins provisioned per millisecond, the least that is promised of a server.
const LOGINS_PER_MS: u64 = 50;
/// Reading clocks, writing and syncing the recording between two blocks, milliseconds. Measured: 10 to 25.
pub(crate) const BETWEEN_BLOCKS_MS: u64 = 20;
/// Measuring the generator's ceiling, milliseconds.
pub(crate) const CEILING_MS: u64 = 400;
/// Pilot blocks that calibrate a positive control.
pub(crate) const CALIBRATION_BLOCKS: u64 = 5;
/// Load discarded on a fresh row where the plan has no pilots, milliseconds.
pub(crate) const WARM_AFTER_START_MS: u64 = 150;
/// One void block in this many planned ones is measured a second time, at the end of its round. Whether it is, is
/// decided by the generator's self-checks alone, never by what was measured.
///
/// More would hardly be worth their time, fewer would leave short plans without a rank: the signed-rank test over `n`
/// rounds cannot fall below p = 2^(1 − n) (Wilcoxon 1945; both tails, no ties), and Holm holds the smallest of `m`
/// comparisons against alpha / m. So `m` comparisons need `n ≥ 1 + log2(m / alpha)` rounds that are valid on both sides:
/// at alpha = 0.05, 6 rounds for one comparison, 8 for six (`quick`) and 9 for seven. With exactly as many, one missing
/// round in a row leaves it without a rank; a repeat goes first to a row that is short of them.
pub(crate) const BLOCKS_PER_REPEAT: u64 = 6;

/// Rounds, valid on both sides, below which `comparisons` cannot show any difference at `alpha`
/// (see [`BLOCKS_PER_REPEAT`]).
pub(crate) fn fewest_rounds(comparisons: u32, alpha: f64) -> u32 {
    let mut rounds = 1;
    // 2^(1 - n) ≤ alpha / m
    while rounds < 64 && 2_f64.powi(1 - rounds) * f64::from(comparisons.max(1)) > alpha {
        rounds += 1;
    }
    rounds.unsigned_abs()
}

impl Plan {
    /// What this plan takes with so many rows. `scenario` finds a scenario by the name the plan gives it.
    #[must_use]
    pub fn budget<'s>(
        &self,
        backends: u32,
        controls: u32,
        scenario: impl Fn(&str) -> Option<&'s Scenario>,
    ) -> Budget {
        let rows = u64::from(backends + controls);
        let backends = u64::from(backends);
        let passes = u64::from(self.statistics.restarts) * self.distances().len() as u64;
        let mut budget = Budget { rows: in_range(rows), set_up_ms: CEILING_MS, ..Budget::default() };
        for paired in &self.paired {
            let block_ms = paired.warm_ms + paired.block_ms + BETWEEN_BLOCKS_MS;
            // Blocks of one row.
            let (least, most) = (paired.rounds, paired.rounds_max.unwrap_or(paired.rounds));
            let [least, most] = [least, most].map(|rounds| u64::from(rounds) * u64::from(paired.visits));
            budget.paired_ms += passes * least * rows * block_ms;
            budget.paired_max_ms += passes * most * rows * block_ms;
            budget.repeats_max_ms += passes * (most * rows / BLOCKS_PER_REPEAT) * block_ms;
            budget.blocks += passes * least * rows;
            budget.set_up_ms += passes * self.pass_set_up_ms(rows, paired, scenario(&paired.scenario));
            budget.set_up_ms += self.distances().len() as u64 * rows * self.pilot_ms;
        }
        for name in &self.episodes {
            budget.episodes_ms +=
                backends * (self.episode_length_ms(name, scenario(name)) + BETWEEN_BLOCKS_MS);
            budget.set_up_ms += start_ms(backends, scenario(name));
            budget.blocks += backends;
        }
        budget.limit_ms = self.limit_ms;
        budget
    }

    /// Starting, provisioning, warming up and calibrating one pass of a paired scenario, pilots apart, milliseconds.
    #[must_use]
    pub(crate) fn pass_set_up_ms(
        &self,
        rows: u64,
        paired: &PairedScenario,
        scenario: Option<&Scenario>,
    ) -> u64 {
        let warm_ms = if self.pilot_ms == 0 { rows * WARM_AFTER_START_MS } else { 0 };
        let calibration_ms = if self.controls.extra_work.is_empty() {
            0
        } else {
            CALIBRATION_BLOCKS * (paired.warm_ms + paired.block_ms + BETWEEN_BLOCKS_MS)
        };
        start_ms(rows, scenario) + warm_ms + calibration_ms
    }

    /// Length of an episode, milliseconds.
    #[must_use]
    pub(crate) fn episode_length_ms(&self, name: &str, scenario: Option<&Scenario>) -> u64 {
        let own = || scenario.map_or(0, |scenario| scenario.duration.as_nanos() / 1_000_000);
        self.episode_ms.get(name).copied().unwrap_or_else(own)
    }

    /// Modelled distances of the store, microseconds: 0 unless the plan names others.
    #[must_use]
    pub(crate) fn distances(&self) -> Vec<u64> {
        if self.store_rtt_us.is_empty() { vec![0] } else { self.store_rtt_us.clone() }
    }
}

/// Starting and provisioning so many rows, milliseconds.
pub(crate) fn start_ms(rows: u64, scenario: Option<&Scenario>) -> u64 {
    let wanted = scenario.and_then(Scenario::provision);
    let logins = wanted.map_or(0, |wanted| u64::from(wanted.subjects) * u64::from(wanted.devices));
    rows * (START_MS + logins / LOGINS_PER_MS)
}

fn in_range(rows: u64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::fewest_rounds;

    #[test]
    fn the_fewest_rounds_are_those_at_which_the_smallest_p_value_passes_holm() {
        for (comparisons, alpha, rounds) in [
            (1, 0.05, 6),
            (2, 0.05, 7),
            (3, 0.05, 7),
            (4, 0.05, 8),
            (6, 0.05, 8),
            (7, 0.05, 9),
            (12, 0.05, 9),
            (0, 0.05, 6),
        ] {
            assert_eq!(fewest_rounds(comparisons, alpha), rounds, "{comparisons}");
        }
        // Exactly: 2^-7 · 6 = 0.0469 and 2^-7 · 7 = 0.0547.
        assert!((2_f64.powi(-7) * 6.0) < 0.05 && (2_f64.powi(-7) * 7.0) > 0.05);
    }
}
