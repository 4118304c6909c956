//! What a plan takes, computed before anything is started.

use scenario::Scenario;

use super::Plan;
use crate::event::Budget;

/// Starting a row's server and store, milliseconds. Measured: 40 to 90.
const START_MS: u64 = 90;
/// Live logins provisioned per millisecond, the least that is promised of a server.
const LOGINS_PER_MS: u64 = 50;
/// Reading clocks, writing and syncing the recording between two blocks, milliseconds. Measured: 10 to 25.
const BETWEEN_BLOCKS_MS: u64 = 20;
/// Measuring the generator's ceiling, milliseconds.
pub(crate) const CEILING_MS: u64 = 400;
/// Pilot blocks that calibrate a positive control.
pub(crate) const CALIBRATION_BLOCKS: u64 = 5;

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
        let logins = |name: &str| {
            let provision = scenario(name).and_then(Scenario::provision);
            provision.map_or(0, |wanted| u64::from(wanted.subjects) * u64::from(wanted.devices))
        };
        let (mut paired_ms, mut paired_max_ms, mut set_up_ms, mut blocks) = (0, 0, CEILING_MS, 0);
        for paired in &self.paired {
            let round_ms = rows * (paired.warm_ms + paired.block_ms + BETWEEN_BLOCKS_MS);
            paired_ms += passes * u64::from(paired.rounds) * round_ms;
            paired_max_ms += passes * u64::from(paired.rounds_max.unwrap_or(paired.rounds)) * round_ms;
            blocks += passes * u64::from(paired.rounds) * rows;
            set_up_ms += passes * rows * (START_MS + logins(&paired.scenario) / LOGINS_PER_MS);
            set_up_ms += rows * self.pilot_ms;
            if !self.controls.extra_work.is_empty() {
                set_up_ms +=
                    passes * CALIBRATION_BLOCKS * (paired.warm_ms + paired.block_ms + BETWEEN_BLOCKS_MS);
            }
        }
        let mut episodes_ms = 0;
        for name in &self.episodes {
            episodes_ms += backends * (self.episode_length_ms(name, scenario(name)) + BETWEEN_BLOCKS_MS);
            set_up_ms += backends * (START_MS + logins(name) / LOGINS_PER_MS);
            blocks += backends;
        }
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        Budget { rows, blocks, paired_ms, paired_max_ms, episodes_ms, set_up_ms }
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
