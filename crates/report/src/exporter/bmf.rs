//! `report.bmf.json`: Bencher Metric Format (`bencher.dev/bmf.json`): benchmark → measure → value with bounds.
//!
//! Ratios to the run's own baseline travel between machines; nanoseconds do not, so thresholds belong on the ratios.
//! Controls carry the suffix that mutes alerts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ExportError, Exporter, json_bytes};
use crate::metric::Metric;
use crate::model::{Figure, Report, Scenario};

/// Longest benchmark name Bencher takes, characters.
const NAME: usize = 1024;

/// Writes `report.bmf.json`.
#[derive(Debug)]
pub(super) struct Bmf;

/// A value with its bounds.
#[derive(Debug, Serialize)]
struct Value {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

impl From<Figure> for Value {
    fn from(figure: Figure) -> Self {
        Self { value: figure.value, lower_value: figure.low, upper_value: figure.high }
    }
}

impl Exporter for Bmf {
    fn file_name(&self) -> &'static str {
        "report.bmf.json"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        let mut benchmarks: BTreeMap<String, BTreeMap<&str, Value>> = BTreeMap::new();
        for scenario in &report.scenarios {
            for row in &report.rows {
                let mute = if row.role.is_control() { "-bencher-ignore" } else { "" };
                let baseline = &report.run.baseline;
                add(
                    &mut benchmarks,
                    &format!("{}/{} vs {baseline}{mute}", scenario.name, row.name),
                    ratios(scenario, baseline, &row.name),
                );
                add(
                    &mut benchmarks,
                    &format!("{}/{}{mute}", scenario.name, row.name),
                    costs(scenario, &row.name),
                );
            }
        }
        json_bytes("bmf", &benchmarks)
    }
}

type Measures = BTreeMap<&'static str, Value>;

fn add<'a>(
    benchmarks: &mut BTreeMap<String, BTreeMap<&'a str, Value>>,
    name: &str,
    measures: BTreeMap<&'a str, Value>,
) {
    if !measures.is_empty() {
        benchmarks.insert(name.chars().take(NAME).collect(), measures);
    }
}

fn ratios(scenario: &Scenario, baseline: &str, row: &str) -> Measures {
    [("response-p50-ratio", Metric::ResponseP50), ("cpu-ratio", Metric::Cpu)]
        .into_iter()
        .filter_map(|(name, metric)| Some((name, scenario.comparison(baseline, row, metric)?.ratio?.into())))
        .collect()
}

fn costs(scenario: &Scenario, row: &str) -> Measures {
    let added = [("added-response-p50-ns", Metric::ResponseP50), ("added-cpu-ns", Metric::Cpu)]
        .into_iter()
        .filter_map(|(name, metric)| Some((name, scenario.added(row, metric)?)));
    let whole = [
        ("response-p50-ns", Metric::ResponseP50),
        ("response-p99-ns", Metric::ResponseP99),
        ("cpu-ns", Metric::Cpu),
        ("store-commands", Metric::StoreCommands),
        ("http-bytes", Metric::WireBytes),
    ]
    .into_iter()
    .filter_map(|(name, metric)| Some((name, scenario.figure(row, metric)?)));
    added.chain(whole).map(|(name, figure)| (name, figure.into())).collect()
}
