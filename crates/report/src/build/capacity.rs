//! The capacity searched for beside the recording: `capacity.json` in its folder.

use measure::Recording;
use measure::capacity::{CapacityProbe, CapacityRow as Searched, CapacityRun};

use super::rounded;
use crate::comparison::Analysis;
use crate::model::{Capacity, CapacityPoint, CapacityRow};

/// What was searched for the rows of this report; none without the file, or where it is about other rows.
pub(super) fn capacity(
    recording: &Recording,
    analysis: &Analysis,
) -> Result<Option<Capacity>, measure::Error> {
    let Some(run) = CapacityRun::read(&recording.directory)? else { return Ok(None) };
    let searched = |(name, _): &(String, _)| run.rows.iter().find(|row| row.name == *name).map(row);
    let rows: Vec<CapacityRow> = analysis.rows.iter().filter_map(searched).collect();
    let build = |tool: &measure::recording::Tool| tool.binary_sha256.clone().filter(|hash| !hash.is_empty());
    Ok((!rows.is_empty()).then(|| Capacity {
        scenario: run.scenario.clone(),
        objective_p99_ns: run.objective.p99_ns as f64,
        objective_error_share: run.objective.error_share,
        server_threads: run.server_threads,
        complete: run.complete,
        same_build: build(&run.tool).is_some_and(|own| build(&recording.run.tool) == Some(own)),
        rows,
    }))
}

fn row(searched: &Searched) -> CapacityRow {
    CapacityRow {
        row: searched.name.clone(),
        per_second: searched.rate.map(rounded),
        at_least: searched.at_least(),
        failed: searched.failed.clone(),
        points: searched.curve().into_iter().filter(|probe| probe.generator_kept_up).map(point).collect(),
    }
}

fn point(probe: &CapacityProbe) -> CapacityPoint {
    let time = |ns: u64| (ns > 0).then(|| rounded(ns as f64));
    CapacityPoint {
        per_second: rounded(probe.rate),
        response_p50_ns: time(probe.p50_ns),
        response_p99_ns: time(probe.p99_ns),
        cpu_ns: probe.cpu_ns().map(rounded),
        holds: probe.holds,
    }
}
