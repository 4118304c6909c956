//! Exposure against cost: what thefts beside a recording showed of its rows, joined with what their requests cost.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use measure::block::BlockKind;
use measure::drill::{DrillRecording, DrillResult};
use measure::{Operation, Recording};
use schemars::JsonSchema;
use serde::Serialize;

use crate::claims::Special;
use crate::comparison::Estimate;
use crate::drill::unscaled_ns;
use crate::metric::Metric;
use crate::model::{Figure, Report, Scenario};
use crate::number::six_digits as rounded;
use crate::verdict::Verdict;

/// Folder of a drill inside a recording.
const FOLDER: &str = "drill";

/// What thefts beside the recording showed, and what it costs: one point per row and distance of the store.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Sweep {
    /// Were the thefts carried out to their end?
    pub complete: bool,
    /// Points: the shortest exposure first, then the cheapest.
    pub points: Vec<Point>,
}

/// One design at one setting.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Point {
    /// Row.
    pub row: String,
    /// Scenario, with the distance of the store.
    pub scenario: String,
    /// Modelled distance of the store, ns.
    pub store_distance_ns: f64,
    /// Longest time a stolen credential worked after its acknowledged end, over all ways it was stolen and ended, ns at
    /// the row's own settings. Measured with times shortened, and lengthened as they were shortened.
    pub exposure_ns: f64,
    /// The same as it was measured, ns.
    pub measured_ns: f64,
    /// Uses of stolen credentials that were let in after their end.
    pub accepted: u64,
    /// CPU of a request, servers and store, ns.
    pub cpu: Figure,
    /// Commands that the store is sent for a request.
    pub store_commands: Option<Figure>,
    /// Refreshes for each request.
    pub refreshes_per_request: f64,
    /// Logins that a user who is always active has to repeat in a day, because they expire.
    pub relogins_per_day: Option<f64>,
    /// Rows at the same distance that are proven cheaper and expose no longer; empty = on the Pareto front.
    pub beaten_by: Vec<String>,
}

/// The drill beside a recording.
///
/// # Errors
///
/// When it is there, and cannot be read or was changed.
pub fn beside(recording: &Recording) -> Result<Option<DrillRecording>, measure::Error> {
    let folder = recording.directory.join(FOLDER);
    if DrillRecording::is_in(&folder) { DrillRecording::open(&folder).map(Some) } else { Ok(None) }
}

/// Repeated logins of every row, for claims: `figure(relogins, ROW, day)`.
#[must_use]
pub fn relogins(recording: &Recording) -> BTreeMap<(Special, String, String), Estimate> {
    let rows = recording.run.rows.iter();
    rows.filter_map(|row| {
        let key = (Special::Relogins, "day".to_owned(), row.name.clone());
        Some((key, Estimate::bare(per_day(&row.describe)?)))
    })
    .collect()
}

/// A login lives for so long, however it is renewed.
fn per_day(describe: &serde_json::Value) -> Option<f64> {
    let lifetime_s = describe["login_lifetime_s"].as_f64().filter(|seconds| *seconds > 0.0)?;
    Some(rounded(86_400.0 / lifetime_s))
}

/// Longest exposure by row: at its own settings and as measured, ns, and how many were let in. A row of which any cell
/// shows nothing, or promises no end, is left out.
#[must_use]
pub fn exposures(drill: &DrillRecording) -> BTreeMap<&str, (f64, f64, u64)> {
    let mut found: BTreeMap<&str, Option<(f64, f64, u64)>> = BTreeMap::new();
    for result in &drill.results {
        let DrillResult::Survival(cell) = result else { continue };
        if cell.unscaled {
            continue;
        }
        let own = unscaled_ns(cell, cell.survival_ns.max);
        let own = own.map(|own_ns| (rounded(own_ns), cell.survival_ns.max as f64, cell.accepted_after));
        let entry = found.entry(cell.backend.as_str()).or_insert(Some((0.0, 0.0, 0)));
        *entry = entry.zip(own).map(|(a, b)| (a.0.max(b.0), a.1.max(b.1), a.2 + b.2));
    }
    found.into_iter().filter_map(|(row, exposure)| Some((row, exposure?))).collect()
}

/// The points of a report whose scenarios stand already.
pub(crate) fn sweep(recording: &Recording, report: &Report, drill: &DrillRecording) -> Option<Sweep> {
    let exposures = exposures(drill);
    let mut points: Vec<Point> = Vec::new();
    for scenario in &report.scenarios {
        let mut here: Vec<Point> = exposures
            .iter()
            .filter_map(|(row, exposure)| point(recording, scenario, row, *exposure))
            .collect();
        let beaten: Vec<Vec<String>> = here.iter().map(|own| beaten_by(scenario, own, &here)).collect();
        here.iter_mut().zip(beaten).for_each(|(point, beaten_by)| point.beaten_by = beaten_by);
        here.sort_by(|a, b| {
            a.exposure_ns.total_cmp(&b.exposure_ns).then(a.cpu.value.total_cmp(&b.cpu.value))
        });
        points.append(&mut here);
    }
    let complete = drill.ended == Some(measure::recording::Ended::Completed);
    (!points.is_empty()).then_some(Sweep { complete, points })
}

fn point(
    recording: &Recording,
    scenario: &Scenario,
    row: &str,
    (exposure_ns, measured_ns, accepted): (f64, f64, u64),
) -> Option<Point> {
    let facts = recording.run.rows.iter().find(|facts| facts.name == row)?;
    Some(Point {
        row: row.to_owned(),
        scenario: scenario.name.clone(),
        store_distance_ns: scenario.store_distance_ns,
        exposure_ns,
        measured_ns,
        accepted,
        cpu: scenario.figure(row, Metric::Cpu)?,
        store_commands: scenario.figure(row, Metric::StoreCommands),
        refreshes_per_request: refreshes(recording, scenario, row),
        relogins_per_day: per_day(&facts.describe),
        beaten_by: Vec::new(),
    })
}

/// Refreshes for each request in the usable blocks of a row.
fn refreshes(recording: &Recording, scenario: &Scenario, row: &str) -> f64 {
    let own = recording.blocks.iter().filter(|block| {
        block.kind == BlockKind::Paired
            && block.validity.valid
            && block.backend == row
            && block.scenario == scenario.scenario
            && block.store_rtt_us as f64 * 1000.0 == scenario.store_distance_ns
    });
    let (mut refreshes, mut requests) = (0_u64, 0_u64);
    for (operation, outcomes) in own.flat_map(|block| &block.outcomes) {
        let count: u64 = outcomes.values().sum();
        match operation {
            Operation::Refresh => refreshes += count,
            Operation::Request | Operation::Write => requests += count,
            _ => {}
        }
    }
    if requests == 0 { 0.0 } else { rounded(refreshes as f64 / requests as f64) }
}

fn beaten_by(scenario: &Scenario, own: &Point, all: &[Point]) -> Vec<String> {
    let beats = |other: &&Point| {
        let cheaper = scenario.comparison(&own.row, &other.row, Metric::Cpu);
        other.row != own.row
            && other.exposure_ns <= own.exposure_ns
            && cheaper.is_some_and(|comparison| comparison.verdict == Verdict::Faster)
    };
    all.iter().filter(beats).map(|other| other.row.clone()).collect()
}

/// The points as CSV (RFC 4180), one line each; only the heading without a sweep.
#[must_use]
pub fn csv(sweep: Option<&Sweep>) -> String {
    let mut out = String::from(
        "row,scenario,store_distance_ns,exposure_ns,measured_ns,accepted,cpu_ns,cpu_low_ns,cpu_high_ns,store_commands,refreshes_per_request,relogins_per_day,on_front,beaten_by\n",
    );
    let optional = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for point in sweep.iter().flat_map(|sweep| &sweep.points) {
        let (low, high) = point.cpu.interval().unzip();
        // Names hold no comma. Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{},\"{}\",{},{},{},{},{},{},{},{},{},{},{},{}",
            point.row,
            point.scenario,
            point.store_distance_ns,
            point.exposure_ns,
            point.measured_ns,
            point.accepted,
            point.cpu.value,
            optional(low),
            optional(high),
            optional(point.store_commands.map(|figure| figure.value)),
            point.refreshes_per_request,
            optional(point.relogins_per_day),
            point.beaten_by.is_empty(),
            point.beaten_by.join(" ")
        );
    }
    out
}
