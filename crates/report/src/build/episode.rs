//! Whole episodes, grouped by scenario, store distance and restart, in the order they were run.

use measure::block::{BlockKind, Exposure};
use measure::{BlockRecord, Recording};

use super::{pass_name, rounded, word};
use crate::comparison::Analysis;
use crate::model::{Episode, EpisodeRow, ExposureFigures, OperationFigures};

pub(super) fn episodes(recording: &Recording, analysis: &Analysis) -> Vec<Episode> {
    let mut episodes: Vec<Episode> = Vec::new();
    for block in recording.blocks.iter().filter(|block| block.kind == BlockKind::Episode) {
        let mut name = pass_name(&block.scenario, block.store_rtt_us);
        if block.restart > 0 {
            name = format!("{name}, restart {}", block.restart);
        }
        let row = row(block);
        match episodes.iter_mut().find(|episode| episode.name == name) {
            Some(episode) => episode.rows.push(row),
            None => {
                let record = recording.run.scenarios.iter().find(|record| record.name == block.scenario);
                let question = record.map(|record| record.question.clone()).unwrap_or_default();
                episodes.push(Episode { name, question, rows: vec![row] });
            }
        }
    }
    let place = |row: &str| analysis.rows.iter().position(|(name, _)| name == row);
    for episode in &mut episodes {
        episode.rows.sort_by_key(|figures| place(&figures.row));
    }
    episodes
}

fn row(block: &BlockRecord) -> EpisodeRow {
    EpisodeRow {
        row: block.backend.clone(),
        seconds: rounded(block.measured_ns as f64 / 1e9),
        offered_per_second: block.offered_rate.map(rounded),
        achieved_per_second: rounded(block.achieved_rate),
        cpu_per_operation_ns: block.cpu_ns_per_operation().map(rounded),
        operations: block
            .outcomes
            .iter()
            .map(|(operation, outcomes)| {
                let times = block.response_ns.get(operation).filter(|times| times.count > 0);
                let time =
                    |of: fn(&measure::block::Quantiles) -> u64| times.map(|times| rounded(of(times) as f64));
                let figures = OperationFigures {
                    outcomes: outcomes
                        .iter()
                        .filter(|(_, count)| **count > 0)
                        .map(|(outcome, count)| (word(outcome), *count))
                        .collect(),
                    response_p50_ns: time(|times| times.p50),
                    response_p99_ns: time(|times| times.p99),
                    response_max_ns: time(|times| times.max),
                };
                (word(operation), figures)
            })
            .collect(),
        exposure: block.exposure.iter().filter(|exposure| exposure.sent_after > 0).map(exposure).collect(),
        valid: block.validity.valid,
    }
}

fn exposure(exposure: &Exposure) -> ExposureFigures {
    ExposureFigures {
        by: word(&exposure.by),
        sent_after: exposure.sent_after,
        accepted: exposure.accepted,
        longest_ns: rounded(exposure.longest_ns as f64),
    }
}
