//! Remarks that change no verdict but belong beside it.

use super::paired::log_ratios;
use super::table::Table;
use super::{PairedScenario, RowFigures};
use crate::metric::Metric;

/// Chance at which a drift of the pairs is remarked on.
const DRIFT_P: f64 = 0.001;

/// Remarks on one scenario: excluded blocks, failures, dependence between rounds, drift.
pub(super) fn of(scenario: &PairedScenario, table: &Table, baseline: &str) -> Vec<String> {
    let mut remarks = Vec::new();
    for figures in &scenario.rows {
        remarks.extend(blocks(scenario, figures));
        for metric in Metric::PRIMARY {
            remarks.extend(dependence(scenario, table, baseline, &figures.row, metric));
        }
    }
    if scenario.restarts == 2 {
        remarks.push(format!(
            "{}: everything was restarted once; a variance between restarts needs two restarts or more, so intervals hold for these two starts",
            scenario.scenario
        ));
    }
    remarks
}

fn blocks(scenario: &PairedScenario, figures: &RowFigures) -> Vec<String> {
    let name = format!("{}, {}", scenario.scenario, figures.row);
    let mut remarks = Vec::new();
    if figures.void > 0 {
        remarks.push(format!(
            "{name}: {} of {} blocks are void and were left out",
            figures.void, figures.blocks
        ));
    }
    if figures.response_withheld > 0 {
        let (withheld, all) = (figures.response_withheld, figures.blocks);
        remarks.push(format!("{name}: response times of {withheld} of {all} blocks are withheld"));
    }
    if figures.failed > 0 {
        remarks.push(format!(
            "{name}: {} operations failed, {} were answered",
            figures.failed, figures.answered
        ));
    }
    remarks
}

/// The pairs are taken for independent: lag-1 autocorrelation above 2/√R, or a drift, says that they are not quite.
fn dependence(
    scenario: &PairedScenario,
    table: &Table,
    baseline: &str,
    row: &str,
    metric: Metric,
) -> Option<String> {
    let aligned = table.aligned([row, baseline], metric);
    let logs = log_ratios(&aligned.columns[0], &aligned.columns[1]).ok()?;
    if row == baseline || logs.len() < 8 {
        return None;
    }
    let name = format!("{}, {row} against {baseline}, {}", scenario.scenario, metric.label());
    let lag = stats::series::lag1_autocorrelation(&logs).ok()?;
    let drift = stats::series::drift(&logs).ok()?;
    if drift.p < DRIFT_P {
        return Some(format!("{name}: the ratio drifts over the rounds (Spearman {:.2})", drift.rho));
    }
    // Twice the usual bound: with many pairs of rows the usual one is exceeded by chance.
    (lag > 4.0 / libm::sqrt(logs.len() as f64))
        .then(|| format!("{name}: neighbouring rounds are alike (lag-1 autocorrelation {lag:.2}), the interval may be too narrow"))
}
