//! The report of a fault plan: what each design answered while its store, a server or a clock failed.
//!
//! A pure function of the recording, as every report; the same data in `report.json`, on the page, in Markdown and on the
//! terminal.

use std::path::{Path, PathBuf};

use measure::faults::{FaultKind, FaultRecord, FaultRecording, FaultResult, FloodRecord, TOLERANCE_NS};
use measure::recording::Ended;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exporter::{ExportError, html};
use crate::model::{Sentence, Skipped};

pub(crate) mod markdown;
mod rows;
mod says;
mod terminal;

pub use rows::{Flood, Lane, Mark, Row, Share};
pub use terminal::terminal;

/// Version of the schema of a fault plan's `report.json`.
pub const SCHEMA: &str = "authbench.faults/v1";

/// Everything that a fault plan came to. Durations are nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FaultReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// Plan's name.
    pub plan: String,
    /// SHA-256 (hex) of the plan as registered before the data.
    pub plan_sha256: String,
    /// SHA-256 (hex) of the data the report was built from.
    pub data_sha256: String,
    /// Seed of the moments of all operations.
    pub seed: u64,
    /// Servers of each design.
    pub replicas: u32,
    /// Deadline of a request that servers were started with.
    pub deadline_ns: u64,
    /// How much longer an answer may take.
    pub tolerance_ns: u64,
    /// Finished, or cut off with what was done by then.
    pub complete: bool,
    /// Processor and system it ran on.
    pub machine: String,
    /// Version of the tool that wrote the report.
    pub tool: String,
    /// The answer, a few sentences.
    pub answer: Vec<Sentence>,
    /// What each design declares.
    pub designs: Vec<Design>,
    /// Backends of the plan that could not be run.
    pub skipped: Vec<Skipped>,
    /// Faults in the plan's order.
    pub faults: Vec<Fault>,
    /// Logins by force.
    pub floods: Vec<Flood>,
}

/// What a design declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Design {
    /// Row name.
    pub backend: String,
    /// One line about it.
    pub summary: String,
    /// What a request gets when the store is down: `open`, `closed`, `writes-closed` or `unaffected`.
    pub store_down: String,
    /// How long a credential works after its acknowledged end.
    pub revocation_lag: String,
    /// Whether it has a shared store, which faults can happen to.
    pub shared_store: bool,
}

/// One fault in every design that met it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Fault {
    /// Kebab-case name.
    pub fault: String,
    /// What it is.
    pub words: String,
    /// What came of it.
    pub says: Sentence,
    /// By design, in the plan's order.
    pub rows: Vec<Row>,
}

impl FaultReport {
    /// Of a recording.
    #[must_use]
    pub fn of(recording: &FaultRecording) -> Self {
        let plan = &recording.plan;
        let kinds = plan.faults.iter().copied();
        let faults = kinds.filter_map(|kind| fault(kind, &recording.results)).collect();
        let floods = recording.results.iter().filter_map(|result| match result {
            FaultResult::Flood(flood) => Some(rows::flood(flood)),
            _ => None,
        });
        let mut report = Self {
            schema: SCHEMA.to_owned(),
            plan: plan.name.clone(),
            plan_sha256: recording.plan_sha256.clone(),
            data_sha256: recording.sha256.clone(),
            seed: plan.seed,
            replicas: plan.replicas,
            deadline_ns: plan.deadline.as_nanos(),
            tolerance_ns: TOLERANCE_NS,
            complete: recording.ended == Some(Ended::Completed),
            machine: machine(recording),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            answer: Vec::new(),
            designs: recording.results.iter().filter_map(design).collect(),
            skipped: recording.results.iter().filter_map(skipped).collect(),
            faults,
            floods: floods.collect(),
        };
        report.answer = says::answer(&report);
        report
    }

    /// Every row, floods included.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.faults.iter().flat_map(|fault| &fault.rows).chain(self.floods.iter().map(|flood| &flood.row))
    }

    /// What is against a declaration, or against what holds for every server: design, fault and a sentence.
    pub fn contradictions(&self) -> impl Iterator<Item = (&Row, &str)> {
        self.rows().flat_map(|row| row.contradictions.iter().map(move |sentence| (row, sentence.as_str())))
    }
}

/// Name of the folder beside a recording that holds what its designs answer while something fails.
pub const BESIDE: &str = "faults";

/// What lies beside a recording, if anything does.
pub(crate) fn beside(recording: &Path) -> Result<Option<FaultReport>, measure::Error> {
    let folder = recording.join(BESIDE);
    if !FaultRecording::is_in(&folder) {
        return Ok(None);
    }
    FaultRecording::open(&folder).map(|recording| Some(FaultReport::of(&recording)))
}

fn fault(kind: FaultKind, results: &[FaultResult]) -> Option<Fault> {
    let records: Vec<&FaultRecord> = results
        .iter()
        .filter_map(|result| match result {
            FaultResult::Fault(record) if record.fault == kind => Some(record.as_ref()),
            _ => None,
        })
        .collect();
    let rows: Vec<Row> = records.iter().map(|record| rows::row(record)).collect();
    (!rows.is_empty()).then(|| Fault {
        fault: kind.name().to_owned(),
        words: kind.words().to_owned(),
        says: says::fault(kind, &rows),
        rows,
    })
}

fn design(result: &FaultResult) -> Option<Design> {
    let FaultResult::Design(design) = result else { return None };
    let declared = serde_json::to_value(design.promises.store_down).unwrap_or_default();
    Some(Design {
        backend: design.backend.clone(),
        summary: design.summary.clone(),
        store_down: declared.as_str().unwrap_or_default().to_owned(),
        revocation_lag: design.promises.revocation_lag.to_string(),
        shared_store: design.shared_store,
    })
}

fn skipped(result: &FaultResult) -> Option<Skipped> {
    let FaultResult::Skipped(one) = result else { return None };
    Some(Skipped { backend: one.row.clone(), reason: one.reason.clone(), advice: one.hint.clone() })
}

fn machine(recording: &FaultRecording) -> String {
    let Some(environment) = &recording.environment else { return String::new() };
    let model = environment.cpu.model.clone().unwrap_or_default();
    let kernel = environment.system.kernel.clone().unwrap_or_default();
    [model, kernel].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Writes `report.html`, `report.md` and `report.json` into `directory`; their paths.
///
/// # Errors
/// When one cannot be written.
pub fn write(directory: &Path, report: &FaultReport) -> Result<Vec<PathBuf>, ExportError> {
    let failed =
        |error: serde_json::Error| ExportError::Format { format: "json", message: error.to_string() };
    let files = [
        ("report.html", html::faults::page(report).into_string()),
        ("report.md", markdown::render(report)),
        ("report.json", json(report).map_err(failed)?),
    ];
    let mut written = Vec::new();
    for (name, text) in files {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(|source| ExportError::Io { path: path.clone(), source })?;
        written.push(path);
    }
    Ok(written)
}

/// One format as text: `html`, `markdown`, `json` or `terminal`; none for another.
#[must_use]
pub fn export(report: &FaultReport, format: crate::Format) -> Option<String> {
    match format {
        crate::Format::Terminal => Some(terminal(report)),
        crate::Format::Html => Some(html::faults::page(report).into_string()),
        crate::Format::Markdown => Some(markdown::render(report)),
        crate::Format::Json => json(report).ok(),
        _ => None,
    }
}

/// On one line: most of it are timelines.
fn json(report: &FaultReport) -> Result<String, serde_json::Error> {
    serde_json::to_string(report).map(|text| text + "\n")
}

/// What a flood did, as far as a sentence says it.
pub(crate) fn ratio(flood: &FloodRecord) -> Option<f64> {
    flood.p99_ratio().map(crate::number::four_decimals)
}
