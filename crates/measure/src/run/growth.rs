//! Rounds grow on precision only: never because a difference was, or was not, found.

use crate::block::BlockRecord;

/// Rounds added at a time.
pub(super) const STEP: u32 = 6;
/// Confidence of the intervals whose width is looked at.
const LEVEL: f64 = 0.95;

/// Widest half-width (ratio minus one) over rows and both primary metrics, from the blocks of one scenario, one distance
/// and one start. None when a row cannot be compared at all: too few valid pairs.
pub(super) fn half_width(blocks: &[&BlockRecord], rows: &[&str], baseline: &str) -> Option<f64> {
    let mut widest: Option<f64> = None;
    for row in rows.iter().filter(|row| **row != baseline) {
        for metric in [response_p50, cpu] {
            let pairs: Vec<(f64, f64)> = blocks
                .iter()
                .filter(|block| block.backend == *row)
                .filter_map(|block| {
                    let partner = blocks
                        .iter()
                        .find(|other| other.backend == baseline && other.round == block.round)?;
                    Some((metric(block)?, metric(partner)?))
                })
                .collect();
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let ratios = stats::location::log_ratios(&a, &b).ok()?;
            let interval = stats::location::signed_rank_interval(&ratios, LEVEL).ok()?;
            let half = interval.half_width().exp_m1();
            widest = Some(widest.map_or(half, |before| before.max(half)));
        }
    }
    widest
}

fn response_p50(block: &BlockRecord) -> Option<f64> {
    if !block.validity.response_times {
        return None;
    }
    let quantiles = block.response_ns.get(&block.main_operation()?)?;
    Some(quantiles.p50 as f64)
}

fn cpu(block: &BlockRecord) -> Option<f64> {
    block.validity.valid.then(|| block.cpu_ns_per_operation()).flatten()
}
