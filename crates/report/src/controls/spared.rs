//! What a row saved by sleeping less often than the baseline.

use measure::BlockRecord;
use measure::rounds::means;
use stats::quantile::median;

/// CPU per operation, ns, that `row` saved at most: the sleeps it did without, as if all CPU of the baseline's server were
/// the price of going to sleep and waking up. Medians over the rounds; 0 where it did not sleep less.
pub(super) fn spared_ns(blocks: &[&BlockRecord], row: &str, baseline: &str) -> f64 {
    let each = |row: &str, of: fn(&BlockRecord) -> u64| {
        let own = blocks.iter().copied().filter(|block| block.backend == row && block.validity.valid);
        let figure =
            |block: &BlockRecord| Some(of(block) as f64 / block.answered()).filter(|each| each.is_finite());
        means(own.map(|block| (block, figure(block))))
    };
    let sleeps = |block: &BlockRecord| block.server.voluntary_switches;
    let (own, base) = (each(row, sleeps), each(baseline, sleeps));
    let cpu = each(baseline, |block| block.server.cpu_ns);
    let fewer: Vec<f64> = own.iter().filter_map(|(round, own)| Some(base.get(round)? - own)).collect();
    let price =
        cpu.iter().filter_map(|(round, cpu)| Some(cpu / base.get(round).filter(|sleeps| **sleeps > 0.0)?));
    let price: Vec<f64> = price.collect();
    match (median(&fewer), median(&price)) {
        (Ok(fewer), Ok(price)) => (fewer * price).max(0.0),
        _ => 0.0,
    }
}
