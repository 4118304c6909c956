//! One run: everything up, blocks in random order, a recording on disk.

mod beside;
mod block;
pub(crate) mod capacity;
mod conduct;
mod exposure;
mod fleet;
pub(crate) mod growth;
mod order;
mod parts;
mod pilot;
mod rows;
mod tool;
mod watch;

pub(crate) use tool::tool;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use crate::affinity::{Placement, allowed};
use crate::certificate::Scratch;
use crate::error::Error;
use crate::event::{Event, Skipped};
use crate::generator::Loadgen;
use crate::plan::Plan;

/// What a run is told besides its plan.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The program that servers and guarded children are started from: this binary.
    pub executable: PathBuf,
    /// The recording's folder: made if it is missing, refused if it already holds a recording.
    pub out_dir: PathBuf,
    /// An existing Redis for every backend that needs one; absent = a private `redis-server` each.
    pub redis: Option<String>,
    /// Rows whose server already runs: not started, not stopped, no process figures.
    pub existing: BTreeMap<String, ExistingServer>,
    /// Rows that are another build of a backend, by the name the plan gives them among its backends.
    pub builds: BTreeMap<String, Build>,
}

/// Another build of this tool, serving a backend as a row of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Backend name or file.
    pub backend: String,
    /// The program: its `serve` command is called.
    pub executable: PathBuf,
}

/// A server that was started by somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExistingServer {
    /// Measured address.
    pub address: SocketAddr,
    /// Control address.
    pub control: SocketAddr,
}

/// What came of a run, as far as an exit code depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// The recording.
    pub recording: PathBuf,
    /// SHA-256 of the registered plan, hex.
    pub plan_sha256: String,
    /// Blocks and episodes on disk.
    pub blocks: u64,
    /// Of these, not usable at all.
    pub void_blocks: u64,
    /// Of these, with response times withheld.
    pub response_withheld: u64,
    /// Answers that break what a backend promises, by row: wrong accepts, wrong rejects, wrong subjects.
    pub wrong_answers: BTreeMap<String, u64>,
    /// Rows that were not measured.
    pub skipped: Vec<Skipped>,
    /// Rows whose server or store failed during the run, and what happened: they have no rank.
    pub failed: BTreeMap<String, String>,
    /// Stopped before the plan was done (Ctrl-C): what is there is on disk.
    pub stopped: bool,
}

/// Carries out a plan and leaves a recording in `options.out_dir`.
///
/// Where the plan's baseline cannot be measured here, the first backend that can stands in for it; the recording
/// holds the plan as it was carried out, and a warning says so.
///
/// Runs on the calling thread, which is bound to the generator's core meanwhile. `stop` ends it within the current
/// block. Every child process has ended when this returns.
///
/// # Errors
///
/// [`Error`]; blocks finished before it stay readable. Before the first block nothing is left behind.
pub fn run(
    options: &RunOptions,
    plan: &Plan,
    events: &mut dyn FnMut(Event),
    stop: &AtomicBool,
) -> Result<RunSummary, Error> {
    let given = rows::Given::of(options);
    let mut resolved = rows::resolve(plan, &given)?;
    let mut standing_in = None;
    if let Some(baseline) = resolved.stand_in(plan) {
        let changed = Plan { baseline, ..plan.clone() };
        resolved = rows::resolve(&changed, &given)?;
        standing_in = Some(changed);
    }
    let skipped_baseline = standing_in.as_ref().map(|_| plan.baseline.as_str());
    let plan = standing_in.as_ref().unwrap_or(plan);
    // Held until the run is over: servers read the files of varied rows whenever they are started.
    let scratch = if plan.vary.is_empty() { None } else { Some(Scratch::new()?) };
    if let Some(scratch) = &scratch {
        exposure::write_varied(plan, &mut resolved, scratch)?;
    }
    let placement = Placement::named(&plan.cores.generator, &plan.cores.servers, &allowed()?)?;
    let parts = parts::RealParts::new(options, &placement)?;
    let setting = conduct::Setting {
        plan,
        skipped_baseline,
        resolved: &resolved,
        placement: &placement,
        out_dir: &options.out_dir,
        executable: Some(&options.executable),
        stop,
    };
    let mut summary = conduct::conduct(&setting, parts, Loadgen, events)?;
    if !summary.stopped {
        summary.stopped = exposure::steal(options, plan, &resolved, events, stop)?;
    }
    Ok(summary)
}

#[cfg(test)]
mod tests;
