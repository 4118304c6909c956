//! A drill's recording as data and as text: how long what was stolen went on working, and what noticing it costs.
//!
//! Invariant: a pure function of the recording.

mod confirm;
mod figures;
mod text;

use std::collections::BTreeMap;

use measure::drill::{DrillRecording, DrillResult, SurvivalRecord};
use measure::recording::{Ended, sha256_hex};
use serde::Serialize;

pub use confirm::{Confirmed, Rule};
pub use figures::{figures, unscaled_ns};
pub use text::render;

use crate::claims::{Claim, ClaimResult, evaluate};
use crate::comparison::Analysis;
use crate::controls::{Role, RunState};

/// Schema of [`DrillReport`] as JSON.
pub const SCHEMA: &str = "authbench-drill-report/1";

/// What a drill says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrillReport {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Name of the plan.
    pub plan: String,
    /// SHA-256 of the plan, hex.
    pub plan_sha256: String,
    /// SHA-256 of the last line of the results, which holds all before it.
    pub data_sha256: String,
    /// Was it carried out to its end?
    pub complete: bool,
    /// Server processes of each design.
    pub replicas: u32,
    /// Everything that was found, as recorded: [`measure::drill::DrillResult`].
    pub results: Vec<DrillResult>,
    /// Cells that were drilled once more with nothing shortened, against what the shortened ones foretold.
    pub confirmed: Vec<Confirmed>,
    /// What breaks a promise, one sentence each.
    pub violations: Vec<String>,
    /// What shows nothing, one sentence each.
    pub void: Vec<String>,
    /// Claims about it.
    pub claims: Vec<ClaimResult>,
}

impl DrillReport {
    /// From a recording. Claims that need figures it does not hold are left out.
    #[must_use]
    pub fn of(recording: &DrillRecording, claims: &[Claim]) -> Self {
        let results = &recording.results;
        let analysis = analysis(results);
        Self {
            schema: SCHEMA,
            plan: recording.plan.name.clone(),
            plan_sha256: sha256_hex(recording.plan.canonical().as_bytes()),
            data_sha256: recording.sha256.clone(),
            complete: recording.ended == Some(Ended::Completed),
            replicas: recording.plan.replicas,
            confirmed: confirm::confirmed(results),
            violations: results.iter().filter_map(DrillResult::violation).collect(),
            void: results.iter().filter_map(DrillResult::void).collect(),
            claims: evaluate(claims, &analysis)
                .into_iter()
                .filter(|claim| claim.outcome != crate::claims::ClaimOutcome::NotMeasurable)
                .collect(),
            results: results.clone(),
        }
    }

    /// Its cells: the shortened ones, or those with nothing shortened.
    pub fn cells(&self, unscaled: bool) -> impl Iterator<Item = &SurvivalRecord> {
        self.results.iter().filter_map(move |result| match result {
            DrillResult::Survival(cell) if cell.unscaled == unscaled => Some(cell),
            _ => None,
        })
    }
}

/// What claims are held against: rows by name and special figures, nothing that was paired.
#[must_use]
pub fn analysis(results: &[DrillResult]) -> Analysis {
    let rows = results.iter().filter_map(|result| match result {
        DrillResult::Design(design) => Some((design.backend.clone(), Role::Contender)),
        _ => None,
    });
    Analysis {
        baseline: String::new(),
        floor: None,
        rows: rows.collect(),
        family: 0,
        state: RunState::Uncontrolled,
        reasons: Vec::new(),
        cautions: Vec::new(),
        controls: Vec::new(),
        wrong: Vec::new(),
        failed: std::collections::BTreeSet::new(),
        scenarios: Vec::new(),
        episodes: Vec::new(),
        special: figures(results).into_iter().collect::<BTreeMap<_, _>>(),
    }
}
