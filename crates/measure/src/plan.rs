//! A plan: which scenarios, which backends, how many rounds, which claims about precision, registered before the data.

mod budget;
mod check;
mod vary;

pub use vary::{ExposurePlan, Vary};

pub(crate) use budget::{
    BETWEEN_BLOCKS_MS, BLOCKS_PER_REPEAT, CALIBRATION_BLOCKS, CEILING_MS, WARM_AFTER_START_MS, fewest_rounds,
    start_ms,
};

use std::collections::BTreeMap;
use std::path::Path;

use scenario::FileError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan_file::canonical;

/// A plan as it stands in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "authbench plan")]
pub struct Plan {
    /// Name, e.g. `quick`.
    pub name: String,
    /// Seed of everything random in the run.
    pub seed: u64,
    /// Row every other is compared with.
    pub baseline: String,
    /// Backend names or files.
    pub backends: Vec<String>,
    /// Backends with settings changed, each a row of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vary: Vec<Vary>,
    /// Scenarios measured in paired rounds.
    pub paired: Vec<PairedScenario>,
    /// Scenarios run once, whole, unranked.
    #[serde(default)]
    pub episodes: Vec<String>,
    /// Length of an episode by scenario, milliseconds, where the scenario's own is too long for this plan.
    #[serde(default)]
    pub episode_ms: BTreeMap<String, u64>,
    /// Length of a pilot of every row of a paired scenario, milliseconds: finds by MSER-5 how long a fresh server warms
    /// up, and discards that much after every start. 0 = none.
    #[serde(default)]
    pub pilot_ms: u64,
    /// Time the whole run may take, milliseconds: void blocks are measured again only while it lasts. Absent = one
    /// void block in six is, whatever it takes. Planned blocks are never left out for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1000))]
    pub limit_ms: Option<u64>,
    /// Registered statistics.
    pub statistics: Statistics,
    /// Controls that run beside the backends.
    #[serde(default)]
    pub controls: Controls,
    /// Threads of a server and CPUs of both sides.
    #[serde(default)]
    pub cores: Cores,
    /// Modelled distances of the store, microseconds; one pass each. Default: 0 only.
    #[serde(default)]
    pub store_rtt_us: Vec<u64>,
    /// Thefts from every row once all blocks are measured: how long what was stolen works after its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<ExposurePlan>,
}

impl Plan {
    /// Parses and validates a plan's text. `path` is used in errors.
    ///
    /// # Errors
    ///
    /// A [`FileError`] with line, key and a next step.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let plan: Self = scenario::file::parse(path, text)?;
        check::check(&plan, path, text)?;
        Ok(plan)
    }

    /// The canonical text: what is hashed, registered and recorded.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical(self)
    }

    /// SHA-256 of [`Self::canonical`], hex: registered before the data and printed in every report.
    #[must_use]
    pub fn sha256(&self) -> String {
        crate::recording::sha256_hex(self.canonical().as_bytes())
    }

    /// Rows by name, if every backend is named by its own name: the backends, then the controls of the baseline.
    #[must_use]
    pub fn control_names(&self) -> Vec<String> {
        let twins = (1..=self.controls.twins).map(|number| match number {
            1 => format!("{}.twin", self.baseline),
            number => format!("{}.twin{number}", self.baseline),
        });
        let extra = self.controls.extra_work.iter().map(|share| {
            let percent = format!("{:.1}", share * 100.0);
            format!("{}.plus{}", self.baseline, percent.strip_suffix(".0").unwrap_or(&percent))
        });
        twins.chain(extra).collect()
    }
}

/// A stationary scenario in paired rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairedScenario {
    /// Scenario name or file.
    pub scenario: String,
    /// Rounds at least.
    pub rounds: u32,
    /// Rounds at most: grows on precision only. Absent = fixed.
    #[serde(default)]
    pub rounds_max: Option<u32>,
    /// Discarded start of a block, milliseconds.
    pub warm_ms: u64,
    /// Measured part of a block, milliseconds.
    pub block_ms: u64,
    /// Blocks of each row in a round, every second time in reverse order: rows meet a slow stretch of the machine more
    /// evenly than in one block as long as all of them.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    #[schemars(range(min = 1, max = 16))]
    pub visits: u32,
}

/// What is registered before the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// Family-wise error rate.
    pub alpha: f64,
    /// Equivalence margin as a ratio minus one (0.05 = ±5 %).
    pub margin: f64,
    /// Half-width (ratio minus one) at which growing stops.
    #[serde(default)]
    pub precision: Option<f64>,
    /// How often everything is restarted (1 = started once).
    #[serde(default = "once")]
    pub restarts: u32,
}

fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_once(times: &u32) -> bool {
    *times == 1
}

/// Threads of a server, and CPUs of both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cores {
    /// Worker threads of each server process.
    pub server_threads: u32,
    /// CPUs of the generator; empty = the first one allowed.
    pub generator: Vec<u32>,
    /// CPUs of servers and private stores; empty = all others.
    pub servers: Vec<u32>,
}

impl Default for Cores {
    fn default() -> Self {
        Self { server_threads: 1, generator: Vec::new(), servers: Vec::new() }
    }
}

/// Controls beside the backends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Controls {
    /// Identical twins of the baseline.
    #[serde(default)]
    pub twins: u32,
    /// Positive controls: the baseline plus this share of its own CPU per request (0.10 = +10 %).
    #[serde(default)]
    pub extra_work: Vec<f64>,
}
