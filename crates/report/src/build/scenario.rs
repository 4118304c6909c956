//! Scenarios in paired rounds: figures, comparisons, curves from merged histograms, blocks in time.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use measure::block::BlockKind;
use measure::recording::{Kind, RecordedHistogram};
use measure::{BlockRecord, Operation, Recording};

use super::quantile::add;
use super::{figure, pass_name, quantile, rounded};
use crate::comparison::{self, Analysis, PairedScenario, Scope};
use crate::metric::Metric;
use crate::model::{Block, Comparison, Curve, Figure, RowFigures, Scenario, VoidReason};
use crate::number;

/// Shares at which a curve is drawn: those that tables name, and enough between them.
const SHARES: [f64; 25] = [
    0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.875, 0.9, 0.925, 0.95, 0.9625, 0.975, 0.98, 0.985, 0.99,
    0.9925, 0.995, 0.996, 0.997, 0.9975, 0.998, 0.9985, 0.999,
];

pub(super) fn scenarios(recording: &Recording, analysis: &Analysis) -> Result<Vec<Scenario>, measure::Error> {
    if analysis.scenarios.is_empty() {
        return Ok(Vec::new());
    }
    let histograms = recording.histograms()?;
    Ok(analysis.scenarios.iter().map(|paired| scenario(recording, analysis, paired, &histograms)).collect())
}

fn scenario(
    recording: &Recording,
    analysis: &Analysis,
    paired: &PairedScenario,
    histograms: &[RecordedHistogram],
) -> Scenario {
    let blocks: Vec<&BlockRecord> = recording
        .blocks
        .iter()
        .filter(|block| block.kind == BlockKind::Paired)
        .filter(|block| block.scenario == paired.scenario && block.store_rtt_us == paired.store_rtt_us)
        .collect();
    let start = blocks.iter().map(|block| block.started_unix_ns).min().unwrap_or_default();
    let logins =
        recording.run.scenarios.iter().find(|record| record.name == paired.scenario).map(|r| r.provisioned);
    let mut rates: Vec<f64> = blocks.iter().filter_map(|block| block.offered_rate).collect();
    rates.sort_by(f64::total_cmp);
    let mut lengths: Vec<u64> = blocks.iter().map(|block| block.measured_ns).collect();
    lengths.sort_unstable();
    let void: Vec<&BlockRecord> =
        blocks.iter().copied().filter(|b| !(b.validity.valid && b.validity.response_times)).collect();
    Scenario {
        scenario: paired.scenario.clone(),
        name: pass_name(&paired.scenario, paired.store_rtt_us),
        operation: super::word(&paired.operation),
        rounds: paired.rounds,
        block_ns: lengths.get(lengths.len() / 2).map_or(0.0, |ns| rounded(*ns as f64)),
        offered_per_second: rates.get(rates.len() / 2).copied().map(rounded),
        store_distance_ns: paired.store_rtt_us as f64 * 1e3,
        logins_per_row: logins.filter(|logins| *logins > 0),
        rows: paired.rows.iter().map(|figures| row(paired, figures, logins)).collect(),
        comparisons: paired.comparisons.iter().filter(|c| c.metric.is_primary()).map(compared).collect(),
        curves: curves(analysis, paired, &blocks, histograms),
        quantile_ratios: quantile::ratios(
            &analysis.baseline,
            recording.plan.statistics.alpha,
            paired,
            &blocks,
            histograms,
        ),
        blocks_void: void.len() as u64,
        void_reasons: reasons(&void),
        blocks: blocks.iter().map(|record| block(record, paired.operation, start)).collect(),
    }
}

/// Reasons by the check that gave them, which stands before the colon.
fn reasons(void: &[&BlockRecord]) -> Vec<VoidReason> {
    let mut found: Vec<VoidReason> = Vec::new();
    for reason in void.iter().flat_map(|block| &block.validity.reasons) {
        let (check, example) = reason.split_once(": ").unwrap_or((reason, ""));
        match found.iter_mut().find(|other| other.check == check) {
            Some(other) => other.blocks += 1,
            None => {
                found.push(VoidReason { check: check.to_owned(), blocks: 1, example: example.to_owned() });
            }
        }
    }
    found.sort_by(|a, b| b.blocks.cmp(&a.blocks).then_with(|| a.check.cmp(&b.check)));
    found
}

fn row(paired: &PairedScenario, figures: &comparison::RowFigures, logins: Option<u64>) -> RowFigures {
    let mut all: BTreeMap<Metric, Figure> =
        figures.metrics.iter().map(|(metric, value)| (*metric, figure(value.centre))).collect();
    // Memory is told per login, above the row without authentication: the whole says nothing about a design.
    all.remove(&Metric::Memory);
    let added: BTreeMap<Metric, Figure> = paired
        .added
        .iter()
        .filter(|added| added.row == figures.row)
        .filter(|added| matches!(added.metric, Metric::ResponseP50 | Metric::Cpu))
        .map(|added| (added.metric, figure(added.difference)))
        .collect();
    let memory = paired.added(&figures.row, Metric::Memory).zip(logins.filter(|logins| *logins > 0));
    RowFigures {
        row: figures.row.clone(),
        figures: all,
        added,
        memory_per_login_bytes: memory.map(|(added, logins)| {
            let each = |bytes: f64| rounded(bytes / logins as f64);
            let memory = Figure::from(added.difference);
            Figure { value: each(memory.value), low: memory.low.map(each), high: memory.high.map(each) }
        }),
        blocks: figures.blocks.saturating_sub(figures.void),
        blocks_response: figures
            .blocks
            .saturating_sub(figures.void)
            .saturating_sub(figures.response_withheld),
    }
}

fn compared(c: &comparison::Comparison) -> Comparison {
    Comparison {
        baseline: c.baseline.clone(),
        row: c.row.clone(),
        metric: c.metric,
        added: c.scope == Scope::Added,
        registered: c.registered,
        ratio: c.ratio.map(super::ratio),
        difference: figure(c.difference),
        equivalence: c.equivalence.map(|bounds| bounds.map(number::four_decimals)),
        margin: c.margin,
        verdict: c.verdict,
        different: c.different,
        material: c.material,
        unranked: c.unranked,
        withheld: c.withheld,
        lower_share: rounded(c.lower_share),
        resolvable: c.resolvable.map(number::four_decimals),
        rounds_needed: c.rounds_needed,
        rounds: c.rounds,
    }
}

fn block(record: &BlockRecord, operation: Operation, start: u64) -> Block {
    let usable = record.validity.valid && record.validity.response_times;
    let p50 =
        record.response_ns.get(&operation).filter(|quantiles| quantiles.count > 0).map(|q| q.p50 as f64);
    Block {
        row: record.backend.clone(),
        round: record.round,
        visit: record.visit,
        start_s: rounded(record.started_unix_ns.saturating_sub(start) as f64 / 1e9),
        length_s: rounded(record.measured_ns as f64 / 1e9),
        // A histogram keeps three digits.
        response_p50_ns: p50.map(number::four_digits),
        cpu_ns: record.cpu_ns_per_operation().map(rounded),
        steal: rounded(record.steal),
        valid: usable,
    }
}

/// Curves over all usable blocks of a row: histograms add up exactly.
fn curves(
    analysis: &Analysis,
    paired: &PairedScenario,
    blocks: &[&BlockRecord],
    histograms: &[RecordedHistogram],
) -> Vec<Curve> {
    let usable: BTreeMap<u64, &str> = blocks
        .iter()
        .filter(|block| block.validity.valid && block.validity.response_times)
        .map(|block| (block.sequence, block.backend.as_str()))
        .collect();
    let mut merged: BTreeMap<(&str, Kind), Histogram<u64>> = BTreeMap::new();
    for recorded in histograms.iter().filter(|recorded| recorded.operation == Some(paired.operation)) {
        let Some(row) = usable.get(&recorded.sequence) else { continue };
        add(&mut merged, (*row, recorded.kind), &recorded.histogram);
    }
    let times = |row: &str, kind| {
        let histogram = merged.get(&(row, kind)).filter(|histogram| !histogram.is_empty())?;
        Some(SHARES.map(|share| number::four_digits(histogram.value_at_quantile(share) as f64)).to_vec())
    };
    let curve = |row: &str| {
        Some(Curve {
            row: row.to_owned(),
            shares: SHARES.to_vec(),
            response_ns: times(row, Kind::Response)?,
            service_ns: times(row, Kind::Service).unwrap_or_default(),
        })
    };
    analysis.rows.iter().filter_map(|(row, _)| curve(row)).collect()
}
