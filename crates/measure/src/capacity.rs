//! How much one server of each backend carries: the highest rate at which response times and errors stay within bounds.
//!
//! [`capacity`] starts each backend as a run does, one server and, where it needs one, a store of its own, and probes it
//! at rates that [`loadgen::capacity`] asks for. Backends take turns, one probe each in random order, so that a change of
//! the machine meets all of them. Every probe is on disk before the next begins: `capacity.json` in the folder asked for
//! ([`FILE`]), which may be the folder of a recording.

use std::fs;
use std::path::Path;

use loadgen::capacity::{Limit, Objective, Search};
use serde::{Deserialize, Serialize};

use crate::affinity::Placement;
use crate::environment::Environment;
use crate::error::Error;
use crate::event::Skipped;
use crate::plan::Cores;
use crate::recording::{Tool, refused, replace_file};

pub use crate::run::capacity::{CapacityEvent, capacity};

/// Name of the file in its folder.
pub const FILE: &str = "capacity.json";
/// Version of its schema. Readers accept this and older ones.
pub const SCHEMA: u32 = 1;

/// What is searched for, how finely, in which backends.
#[derive(Debug, Clone, PartialEq)]
pub struct CapacityPlan {
    /// Backend names or files.
    pub backends: Vec<String>,
    /// A stationary scenario, name or file: its requests at other rates than its own.
    pub scenario: String,
    /// What must hold at a rate.
    pub objective: Objective,
    /// Where to search.
    pub search: Search,
    /// Discarded start of a probe, milliseconds.
    pub warm_ms: u64,
    /// Measured part of a probe, milliseconds.
    pub probe_ms: u64,
    /// Seed of the order and of every arrival.
    pub seed: u64,
    /// Threads of a server, and CPUs of both sides.
    pub cores: Cores,
}

/// `capacity.json`: what was asked, where it was measured, every probe. The curve of a backend is its
/// [`CapacityRow::probes`] sorted by [`CapacityProbe::rate`], its capacity [`CapacityRow::rate`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CapacityRun {
    /// [`SCHEMA`] of the writer.
    pub schema: u32,
    /// Which build of this tool.
    pub tool: Tool,
    /// Start, nanoseconds of Unix time.
    pub started_unix_ns: u64,
    /// Scenario whose requests were sent.
    pub scenario: String,
    /// SHA-256 of the scenario's text, hex.
    pub scenario_sha256: String,
    /// Seed of the order and of every arrival.
    pub seed: u64,
    /// What had to hold at a rate.
    pub objective: Objective,
    /// Where it was searched.
    pub search: Search,
    /// Discarded start of a probe, milliseconds.
    pub warm_ms: u64,
    /// Measured part of a probe, milliseconds.
    pub probe_ms: u64,
    /// Longest wait for an answer, nanoseconds: past it a request counts as failed, so that no backlog outlives a probe.
    pub deadline_ns: u64,
    /// Keep-alive connections of the generator.
    pub connections: u32,
    /// Worker threads of each server process.
    pub server_threads: u32,
    /// Requests per second that the generator manages here against the built-in responder; absent if not measured.
    pub generator_ceiling: Option<f64>,
    /// CPUs of generator and servers.
    pub placement: Placement,
    /// The machine.
    pub environment: Environment,
    /// Backends in the order they were named.
    pub rows: Vec<CapacityRow>,
    /// Backends that could not be measured here.
    pub skipped: Vec<Skipped>,
    /// Did every search come to its end?
    pub complete: bool,
}

/// What one backend carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CapacityRow {
    /// Its name.
    pub name: String,
    /// SHA-256 of the backend file, hex.
    pub backend_sha256: String,
    /// What the server says of itself: the four choices, algorithm, sizes.
    pub describe: serde_json::Value,
    /// Highest rate that held and held again, per second; absent when none did, or while the search goes on.
    pub rate: Option<f64>,
    /// What lies above that rate; absent while the search goes on. With [`Limit::Generator`] and [`Limit::Highest`] the
    /// capacity is *at least* the rate.
    pub limit: Option<Limit>,
    /// What ended it early: its server or store died. Probes made before it stand.
    pub failed: Option<String>,
    /// Every probe, in the order made.
    pub probes: Vec<CapacityProbe>,
}

/// One rate, driven for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CapacityProbe {
    /// Position among the probes of all backends, from 0.
    pub order: u64,
    /// Rate asked for, per second.
    pub rate: f64,
    /// Operations that fell due, per second.
    pub offered_rate: f64,
    /// Complete answers per second.
    pub achieved_rate: f64,
    /// Response time (from the intended start) at p50, nanoseconds; 0 without any answer.
    pub p50_ns: u64,
    /// Response time at p99, nanoseconds, cut off at [`CapacityRun::deadline_ns`].
    pub p99_ns: u64,
    /// Share of operations that failed: refused wrongly, 5xx, past the deadline, connection lost. 0 to 1.
    pub error_share: f64,
    /// CPU of the server per answered operation, nanoseconds; absent without any answer.
    pub server_cpu_ns: Option<f64>,
    /// CPU of the store per answered operation, nanoseconds; absent where the backend has none.
    pub store_cpu_ns: Option<f64>,
    /// Whether the generator kept up: without that the rate says nothing about the server.
    pub generator_kept_up: bool,
    /// Whether the objective held.
    pub holds: bool,
    /// Disturbed by something else on this machine and made again: no part of the search, no point of the curve.
    pub repeated: bool,
    /// What the generator's self-checks held against this probe, one sentence each.
    pub reasons: Vec<String>,
}

impl CapacityRow {
    /// Whether the capacity lies at the rate or above it.
    #[must_use]
    pub fn at_least(&self) -> bool {
        matches!(self.limit, Some(Limit::Generator | Limit::Highest))
    }

    /// Points of the curve: probes that count, by rate.
    #[must_use]
    pub fn curve(&self) -> Vec<&CapacityProbe> {
        let mut points: Vec<&CapacityProbe> = self.probes.iter().filter(|probe| !probe.repeated).collect();
        points.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        points
    }
}

impl CapacityProbe {
    /// CPU of server and store per answered operation, nanoseconds.
    #[must_use]
    pub fn cpu_ns(&self) -> Option<f64> {
        self.server_cpu_ns.map(|server| server + self.store_cpu_ns.unwrap_or(0.0))
    }

    /// As the search sees it.
    pub(crate) fn for_search(&self) -> loadgen::capacity::Probe {
        loadgen::capacity::Probe {
            rate: self.rate,
            offered_rate: self.offered_rate,
            achieved_rate: self.achieved_rate,
            p50_ns: self.p50_ns,
            p99_ns: self.p99_ns,
            error_share: self.error_share,
            server_cpu_ns: self.server_cpu_ns,
            generator_kept_up: self.generator_kept_up,
        }
    }
}

impl CapacityRun {
    /// Reads `capacity.json` in `folder`; none where there is no such file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or was written by a newer version of this tool.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { path, what: "cannot be read", source }),
        };
        let run: Self = serde_json::from_slice(&bytes).map_err(|error| refused(&path, error.to_string()))?;
        if run.schema > SCHEMA {
            let message = format!("has schema {}; this version reads up to {SCHEMA}", run.schema);
            return Err(refused(&path, message));
        }
        Ok(Some(run))
    }

    /// Writes `capacity.json` into `folder`: beside, synced, then renamed.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(FILE);
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| refused(&path, error.to_string()))?;
        bytes.push(b'\n');
        replace_file(folder, FILE, &bytes)
    }
}

#[cfg(test)]
mod tests;
