//! Two files for github-action-benchmark: it knows one direction per file, so what is better small and what is better
//! big stand apart. It reads `range` only as `± x`.

use serde::Serialize;

use super::{ExportError, Exporter, json_bytes};
use crate::metric::Metric;
use crate::model::{Figure, Report};
use crate::number;

/// Writes `benchmark-smaller.json` (`customSmallerIsBetter`).
#[derive(Debug)]
pub(super) struct Smaller;

/// Writes `benchmark-bigger.json` (`customBiggerIsBetter`).
#[derive(Debug)]
pub(super) struct Bigger;

/// One entry; the action drops every other key.
#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

impl Exporter for Smaller {
    fn file_name(&self) -> &'static str {
        "benchmark-smaller.json"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        let baseline = &report.run.baseline;
        let mut entries = Vec::new();
        for scenario in &report.scenarios {
            for row in report.rows.iter().filter(|row| !row.role.is_control()) {
                for metric in Metric::PRIMARY {
                    let of =
                        |what: &str| format!("{}/{}: {} {what}", scenario.name, row.name, metric.label());
                    if let Some(c) = scenario.comparison(baseline, &row.name, metric)
                        && let Some(ratio) = c.ratio
                    {
                        let verdict = format!("{} {}", c.verdict.glyph(), c.verdict.label_on(metric));
                        entries.push(entry(of(&format!("ratio to {baseline}")), "ratio", ratio, verdict));
                    }
                    if let Some(added) = scenario.added(&row.name, metric) {
                        entries.push(entry(of("added over none"), "µs", micros(added), String::new()));
                    }
                }
            }
        }
        json_bytes("gha-benchmark", &entries)
    }
}

impl Exporter for Bigger {
    fn file_name(&self) -> &'static str {
        "benchmark-bigger.json"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        let mut entries = Vec::new();
        for scenario in &report.scenarios {
            for row in report.rows.iter().filter(|row| !row.role.is_control()) {
                if let Some(rate) = scenario.figure(&row.name, Metric::Achieved) {
                    let name = format!("{}/{}: answered", scenario.name, row.name);
                    entries.push(entry(name, "operations/s", rate, String::new()));
                }
            }
        }
        json_bytes("gha-benchmark", &entries)
    }
}

fn entry(name: String, unit: &'static str, figure: Figure, extra: String) -> Entry {
    let half = figure.interval().map(|(low, high)| (high - figure.value).max(figure.value - low));
    let range = half.map(|half| format!("± {}", number::six_digits(half)));
    Entry { name, unit, value: figure.value, range, extra }
}

fn micros(figure: Figure) -> Figure {
    let us = |ns: f64| number::six_digits(ns / 1e3);
    Figure { value: us(figure.value), low: figure.low.map(us), high: figure.high.map(us) }
}
