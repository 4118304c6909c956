//! Whole episodes: described, not ranked.

use measure::block::BlockKind;
use measure::{BlockRecord, Operation};

use super::EpisodeRow;
use super::extract::{main_operation, value};
use crate::metric::Metric;

/// Every episode, in the order of the blocks given.
pub(super) fn episodes(blocks: &[&BlockRecord]) -> Vec<EpisodeRow> {
    let of = |scenario: &str| -> Operation {
        main_operation(blocks.iter().copied().filter(|block| block.scenario == scenario))
    };
    let one = |block: &&BlockRecord| {
        let operation = of(&block.scenario);
        let metrics =
            Metric::ALL.into_iter().filter_map(|metric| Some((metric, value(block, metric, operation)?)));
        EpisodeRow {
            scenario: block.scenario.clone(),
            row: block.backend.clone(),
            valid: block.validity.valid,
            metrics: metrics.collect(),
            exposure: block.exposure.clone(),
            outcomes: block.outcomes.clone(),
        }
    };
    blocks.iter().filter(|block| block.kind == BlockKind::Episode).map(one).collect()
}
