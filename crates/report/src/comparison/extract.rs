//! One block, one metric: one number, or none where it was not measured.

use measure::block::Quantiles;
use measure::{BlockRecord, Operation, Outcome};

use crate::metric::Metric;

/// Fewest operations behind a 99th percentile worth the name, and behind a 99.9th.
const FEWEST_P99: u64 = 100;
const FEWEST_P999: u64 = 1_000;

/// Was there a complete answer, whatever it said?
pub(super) const fn is_answer(outcome: Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::TimedOut | Outcome::ConnectionFailed | Outcome::Malformed | Outcome::NothingHeld
    )
}

/// Did the service fail, as against answering rightly or wrongly?
pub(super) const fn is_failure(outcome: Outcome) -> bool {
    !is_answer(outcome)
        || matches!(outcome, Outcome::Unavailable | Outcome::ServerError | Outcome::Unexpected)
}

/// Operations of all kinds whose outcome `counts`.
pub(super) fn count(block: &BlockRecord, counts: impl Fn(Outcome) -> bool) -> u64 {
    block.outcomes.values().flatten().filter(|(outcome, _)| counts(**outcome)).map(|(_, count)| *count).sum()
}

/// The operation that most answers of these blocks belong to.
pub(super) fn main_operation<'a>(blocks: impl Iterator<Item = &'a BlockRecord>) -> Operation {
    let mut counts = std::collections::BTreeMap::new();
    for (operation, outcomes) in blocks.flat_map(|block| &block.outcomes) {
        *counts.entry(*operation).or_insert(0) += outcomes.values().sum::<u64>();
    }
    // The first of equals, so that the order of blocks does not matter.
    let most = counts.iter().rev().max_by_key(|(_, count)| **count);
    most.map_or(Operation::Request, |(operation, _)| *operation)
}

/// The value of a metric in a block. Times are withheld where the block withholds them; a void block has no value.
pub(super) fn value(block: &BlockRecord, metric: Metric, operation: Operation) -> Option<f64> {
    if !block.validity.valid || (metric.is_time() && !block.validity.response_times) {
        return None;
    }
    let answered = block.answered();
    let store = |figure: fn(&measure::block::StoreCost) -> u64| block.store.as_ref().map_or(0, figure);
    let each = |total: u64| (answered > 0.0).then(|| total as f64 / answered);
    let measured = |total: u64| Some(total).filter(|&total| total > 0);
    match metric {
        Metric::ResponseP50 => quantile(block.response_ns.get(&operation), 1, |q| q.p50),
        Metric::ResponseP90 => quantile(block.response_ns.get(&operation), 10, |q| q.p90),
        Metric::ResponseP99 => quantile(block.response_ns.get(&operation), FEWEST_P99, |q| q.p99),
        Metric::ResponseP999 => quantile(block.response_ns.get(&operation), FEWEST_P999, |q| q.p999),
        Metric::ServiceP50 => quantile(block.service_ns.get(&operation), 1, |q| q.p50),
        Metric::ServiceP99 => quantile(block.service_ns.get(&operation), FEWEST_P99, |q| q.p99),
        // A server that was started by somebody else has no process figures: zero means "not measured" there.
        Metric::Cpu => each(measured(block.server.cpu_ns)? + store(|store| store.cpu_ns)),
        Metric::CpuServer => each(measured(block.server.cpu_ns)?),
        Metric::CpuStore => each(store(|store| store.cpu_ns)),
        Metric::StoreCommands => each(store(|store| store.commands)),
        Metric::StoreBytes => each(store(|store| store.bytes_in + store.bytes_out)),
        Metric::WireBytes => each(block.wire.sent_bytes + block.wire.received_bytes),
        Metric::WireSentBytes => each(block.wire.sent_bytes),
        Metric::Memory => {
            Some((measured(block.server.pss_bytes)? + store(|store| store.dataset_bytes)) as f64)
        }
        Metric::Achieved => Some(block.achieved_rate),
    }
    .filter(|value| value.is_finite())
}

fn quantile(quantiles: Option<&Quantiles>, fewest: u64, of: fn(&Quantiles) -> u64) -> Option<f64> {
    quantiles.filter(|quantiles| quantiles.count >= fewest).map(|quantiles| of(quantiles) as f64)
}
