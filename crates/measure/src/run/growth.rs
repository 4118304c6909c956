//! Rounds grow on precision only: never because a difference was, or was not, found.

use crate::block::BlockRecord;
use crate::rounds;

/// Rounds added at a time.
pub(super) const STEP: u32 = 6;
/// Confidence of the intervals whose width is looked at.
const LEVEL: f64 = 0.95;

/// Widest half-width (ratio minus one) over rows and both primary metrics, from the blocks of one scenario, one distance
/// and one start. None when a row cannot be compared at all: too few valid pairs.
pub(super) fn half_width(blocks: &[&BlockRecord], rows: &[&str], baseline: &str) -> Option<f64> {
    let mut widest: Option<f64> = None;
    for metric in [response_p50, cpu] {
        let by_round = |row: &str| {
            let own = blocks.iter().copied().filter(|block| block.backend == row);
            rounds::means(own.map(|block| (block, metric(block))))
        };
        let base = by_round(baseline);
        for row in rows.iter().filter(|row| **row != baseline) {
            let (a, b): (Vec<f64>, Vec<f64>) =
                by_round(row).iter().filter_map(|(round, value)| Some((*value, *base.get(round)?))).unzip();
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

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use scenario::Operation;

    use super::*;
    use crate::block::{BlockKind, GeneratorCost, ProcessCost, Quantiles, Validity, WireCost};

    /// A usable block.
    pub(crate) fn block(backend: &str, round: u32, p50: u64) -> BlockRecord {
        let quantiles = Quantiles { count: 10, p50, p90: p50, p99: p50, p999: p50, max: p50 };
        BlockRecord {
            schema: 1,
            sequence: 0,
            previous: String::new(),
            scenario: "steady".into(),
            backend: backend.into(),
            round,
            visit: 0,
            position: 0,
            restart: 0,
            store_rtt_us: 0,
            kind: BlockKind::Paired,
            started_unix_ns: 0,
            measured_ns: 1_000_000_000,
            offered_rate: None,
            achieved_rate: 10.0,
            outcomes: BTreeMap::new(),
            by_replica: vec![],
            response_ns: BTreeMap::from([(Operation::Request, quantiles)]),
            service_ns: BTreeMap::new(),
            send_lag_ns: None,
            server: ProcessCost { cpu_ns: 1_000 + u64::from(round), ..ProcessCost::default() },
            store: None,
            wire: WireCost::default(),
            generator: GeneratorCost::default(),
            steal: 0.0,
            cpu_pressure: None,
            exposure: vec![],
            validity: Validity { valid: true, response_times: true, reasons: vec![] },
        }
    }

    fn width(rounds: u32, other: impl Fn(u32) -> u64) -> Option<f64> {
        let blocks: Vec<BlockRecord> = (0..rounds)
            .flat_map(|round| [block("a", round, 1_000), block("b", round, other(round))])
            .collect();
        half_width(&blocks.iter().collect::<Vec<_>>(), &["a", "b"], "a")
    }

    #[test]
    fn a_large_but_steady_difference_is_precise() {
        assert!(width(8, |_| 5_000).unwrap() < 1e-9);
    }

    #[test]
    fn scatter_is_not_precise_whatever_it_says_of_a_difference() {
        // Ratios from 0.8 to 1.2, in turn.
        let half = width(8, |round| if round % 2 == 0 { 800 } else { 1_200 }).unwrap();
        assert!((0.1..0.3).contains(&half), "{half}");
    }

    #[test]
    fn too_few_rounds_say_nothing() {
        assert_eq!(width(4, |_| 1_000), None);
        assert_eq!(width(0, |_| 1_000), None);
    }
}
