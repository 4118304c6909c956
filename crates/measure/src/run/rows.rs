//! Rows of a plan: its backends, then the controls of its baseline; and those that cannot be measured here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scenario::backend::{Lag, Need};
use scenario::builtin::Shelf;
use scenario::trace::Recorded;
use scenario::{BackendFile, FileError, Scenario, Workload};

use super::{Build, RunOptions};
use crate::capacity::CapacityPlan;
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
    /// The program that serves it, where it is not this one.
    pub(super) executable: Option<PathBuf>,
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

/// What is there besides the files.
pub(super) struct Given<'a> {
    /// Was a Redis named?
    pub(super) redis: bool,
    /// Rows whose server already runs.
    pub(super) existing: Vec<&'a String>,
    /// Rows that are another build of a backend.
    pub(super) builds: &'a BTreeMap<String, Build>,
}

impl<'a> Given<'a> {
    pub(super) fn of(options: &'a RunOptions) -> Self {
        Self {
            redis: options.redis.is_some(),
            existing: options.existing.keys().collect(),
            builds: &options.builds,
        }
    }
}

/// Reads the files a plan names.
pub(super) fn resolve(plan: &Plan, given: &Given<'_>) -> Result<Resolved, Error> {
    let mut rows = backends(&plan.name, &plan.backends, given)?;
    for vary in &plan.vary {
        let backend = vary.file()?;
        rows.push(Row {
            name: vary.name.clone(),
            backend_ref: vary.name.clone(),
            backend,
            control: None,
            executable: None,
        });
    }
    let Some(baseline) = rows.iter().find(|row| row.name == plan.baseline).cloned() else {
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let hint = format!("use one of its backends: {}", names.join(", "));
        let message = format!("baseline `{}` is not a backend of it", plan.baseline);
        return Err(in_plan(&plan.name, message, &hint).into());
    };
    let twins = std::iter::repeat_n(Control::Twin, plan.controls.twins as usize);
    let extra = plan.controls.extra_work.iter().map(|&share| Control::ExtraWork(share));
    for (name, control) in plan.control_names().into_iter().zip(twins.chain(extra)) {
        rows.push(Row { name, control: Some(control), ..baseline.clone() });
    }
    let (rows, skipped) = skip(rows, given);
    let paired = plan.paired.iter().map(|paired| (&paired.scenario, true));
    let names = paired.chain(plan.episodes.iter().map(|name| (name, false)));
    Ok(Resolved { rows, skipped, scenarios: scenarios(&plan.name, plan.seed, names)? })
}

/// Reads the files that a search for capacity names.
pub(super) fn resolve_capacity(plan: &CapacityPlan, given: &Given<'_>) -> Result<Resolved, Error> {
    let name = "capacity";
    let (rows, skipped) = skip(backends(name, &plan.backends, given)?, given);
    let names = std::iter::once((&plan.scenario, true));
    Ok(Resolved { rows, skipped, scenarios: scenarios(name, plan.seed, names)? })
}

fn backends(plan: &str, named: &[String], given: &Given<'_>) -> Result<Vec<Row>, Error> {
    let mut rows: Vec<Row> = Vec::new();
    for wanted in named {
        let build = given.builds.get(wanted);
        let backend_ref = build.map_or(wanted, |build| &build.backend);
        let found = Shelf::Backends.resolve(backend_ref)?;
        let backend = BackendFile::parse(&found.path, &found.text)?;
        let name = if build.is_some() { wanted } else { &backend.header.name }.clone();
        if rows.iter().any(|row| row.name == name) {
            let message = format!("backend `{name}` is there twice");
            return Err(in_plan(plan, message, "give it another name").into());
        }
        rows.push(Row {
            name,
            backend_ref: backend_ref.clone(),
            backend,
            control: None,
            executable: build.map(|build| build.executable.clone()),
        });
    }
    Ok(rows)
}

fn scenarios<'a>(
    plan: &str,
    seed: u64,
    names: impl Iterator<Item = (&'a String, bool)>,
) -> Result<BTreeMap<String, PlannedScenario>, Error> {
    let mut scenarios: BTreeMap<String, PlannedScenario> = BTreeMap::new();
    for (name, paired) in names {
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
        scenario.seed = scenario.seed.wrapping_add(seed);
        let same = |other: &PlannedScenario| other.scenario.name == scenario.name;
        if scenarios.values().any(same) {
            let message = format!("two of its scenarios call themselves `{}`", scenario.name);
            return Err(in_plan(plan, message, "give one of them another name").into());
        }
        scenarios.insert(name.clone(), PlannedScenario { scenario, text });
    }
    Ok(scenarios)
}

/// What the recording keeps of a trace file, which may be large: its header and its digest.
fn trace_text(trace: &Recorded) -> String {
    let header = serde_json::to_string(trace.header()).unwrap_or_default();
    format!("# trace {header}\n# xxh3 {}\n", trace.digest())
}

fn skip(rows: Vec<Row>, given: &Given<'_>) -> (Vec<Row>, Vec<Skipped>) {
    let possible = given.redis || redis_server().is_some();
    let without = |row: &Row| {
        let (reason, hint) = if given.existing.contains(&&row.name) {
            return None;
        } else if row.backend.header.needs.contains(&Need::Postgres) {
            let serve = format!("authbench serve --backend {} --postgres postgres://…", row.backend_ref);
            let hint = format!(
                "serve it over one that runs (`{serve}`; to install one: apt-get install postgresql)"
            );
            ("it needs PostgreSQL, whose cost a run cannot read".to_owned(), hint)
        } else if !possible && row.needs_redis() {
            ("it needs Redis, and there is no redis-server on PATH".to_owned(), install_line())
        } else {
            return None;
        };
        Some(Skipped { row: row.name.clone(), reason, hint })
    };
    let (mut kept, mut skipped) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        match without(&row) {
            Some(reason) => skipped.push(reason),
            None => kept.push(row),
        }
    }
    (kept, skipped)
}

fn in_plan(plan: &str, message: String, hint: &str) -> FileError {
    FileError {
        path: Path::new(&format!("plan {plan}")).to_owned(),
        line: 0,
        column: 0,
        key: String::new(),
        message,
        hint: Some(hint.to_owned()),
    }
}
