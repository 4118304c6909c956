//! Rows of a plan: its backends, then the controls of its baseline; and those that cannot be measured here.

use std::collections::BTreeMap;
use std::path::Path;

use scenario::backend::{Lag, Need};
use scenario::builtin::Shelf;
use scenario::trace::Recorded;
use scenario::{BackendFile, FileError, Scenario, Workload};

use crate::error::Error;
use crate::event::Skipped;
use crate::plan::Plan;
use crate::recording::Control;
use crate::store::{install_line, redis_server};

/// One row, not started.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Its name.
    pub(super) name: String,
    /// What the plan calls its backend: a file or a built-in name.
    pub(super) backend_ref: String,
    /// The file.
    pub(super) backend: BackendFile,
    /// Which control it is.
    pub(super) control: Option<Control>,
}

impl Row {
    pub(super) fn needs_redis(&self) -> bool {
        self.backend.header.needs.contains(&Need::Redis)
    }
}

/// A scenario of the plan.
#[derive(Debug, Clone)]
pub(super) struct PlannedScenario {
    pub(super) scenario: Scenario,
    pub(super) text: String,
}

/// Everything a plan names, read and checked.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) rows: Vec<Row>,
    pub(super) skipped: Vec<Skipped>,
    /// By the name the plan gives them.
    pub(super) scenarios: BTreeMap<String, PlannedScenario>,
}

impl Resolved {
    /// The row that stands in for a skipped baseline: the first one with promises to keep, in the plan's order.
    pub(super) fn stand_in(&self, plan: &Plan) -> Option<String> {
        if self.rows.iter().any(|row| row.name == plan.baseline) {
            return None;
        }
        let promises = |row: &&Row| row.backend.header.promises.revocation_lag != Lag::Never;
        self.rows.iter().find(promises).map(|row| row.name.clone())
    }
}

/// Reads the files a plan names. `redis` says whether a Redis was named.
pub(super) fn resolve(plan: &Plan, redis: bool, existing: &[&String]) -> Result<Resolved, Error> {
    let mut rows: Vec<Row> = Vec::new();
    for backend_ref in &plan.backends {
        let found = Shelf::Backends.resolve(backend_ref)?;
        let backend = BackendFile::parse(&found.path, &found.text)?;
        let name = backend.header.name.clone();
        if rows.iter().any(|row| row.name == name) {
            return Err(
                in_plan(plan, format!("backend `{name}` is there twice"), "give it another name").into()
            );
        }
        rows.push(Row { name, backend_ref: backend_ref.clone(), backend, control: None });
    }
    let Some(baseline) = rows.iter().find(|row| row.name == plan.baseline).cloned() else {
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let hint = format!("use one of its backends: {}", names.join(", "));
        return Err(
            in_plan(plan, format!("baseline `{}` is not a backend of it", plan.baseline), &hint).into()
        );
    };
    let twins = std::iter::repeat_n(Control::Twin, plan.controls.twins as usize);
    let extra = plan.controls.extra_work.iter().map(|&share| Control::ExtraWork(share));
    for (name, control) in plan.control_names().into_iter().zip(twins.chain(extra)) {
        rows.push(Row { name, control: Some(control), ..baseline.clone() });
    }
    let (rows, skipped) = skip(rows, redis, existing);
    let mut scenarios = BTreeMap::new();
    let names = plan.paired.iter().map(|paired| (&paired.scenario, true));
    for (name, paired) in names.chain(plan.episodes.iter().map(|name| (name, false))) {
        let mut scenario = Scenario::open(name)?;
        let text = match &scenario.workload {
            Workload::Recorded(trace) => trace_text(trace),
            _ => Shelf::Scenarios.resolve(name)?.text,
        };
        if paired && !scenario.is_stationary() {
            let message = format!("scenario `{name}` is not stationary, so its blocks cannot be paired");
            return Err(in_plan(plan, message, "name it under `episodes`").into());
        }
        // The plan's seed moves every draw of the run.
        scenario.seed = scenario.seed.wrapping_add(plan.seed);
        let same = |other: &PlannedScenario| other.scenario.name == scenario.name;
        if scenarios.values().any(same) {
            let message = format!("two of its scenarios call themselves `{}`", scenario.name);
            return Err(in_plan(plan, message, "give one of them another name").into());
        }
        scenarios.insert(name.clone(), PlannedScenario { scenario, text });
    }
    Ok(Resolved { rows, skipped, scenarios })
}

/// What the recording keeps of a trace file, which may be large: its header and its digest.
fn trace_text(trace: &Recorded) -> String {
    let header = serde_json::to_string(trace.header()).unwrap_or_default();
    format!("# trace {header}\n# xxh3 {}\n", trace.digest())
}

fn skip(rows: Vec<Row>, redis: bool, existing: &[&String]) -> (Vec<Row>, Vec<Skipped>) {
    let possible = redis || redis_server().is_some();
    let (rows, without): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| possible || !row.needs_redis() || existing.contains(&&row.name));
    let skipped = without
        .into_iter()
        .map(|row| Skipped {
            row: row.name,
            reason: "it needs Redis, and there is no redis-server on PATH".to_owned(),
            hint: install_line(),
        })
        .collect();
    (rows, skipped)
}

fn in_plan(plan: &Plan, message: String, hint: &str) -> FileError {
    FileError {
        path: Path::new(&format!("plan {}", plan.name)).to_owned(),
        line: 0,
        column: 0,
        key: String::new(),
        message,
        hint: Some(hint.to_owned()),
    }
}
