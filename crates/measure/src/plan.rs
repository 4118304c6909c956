//! A plan: which scenarios, which backends, how many rounds, which claims about precision, registered before the data.

use serde::{Deserialize, Serialize};

/// A plan as it stands in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Name, e.g. `quick`.
    pub name: String,
    /// Seed of everything random in the run.
    pub seed: u64,
    /// Row every other is compared with.
    pub baseline: String,
    /// Backend names or files.
    pub backends: Vec<String>,
    /// Scenarios measured in paired rounds.
    pub paired: Vec<PairedScenario>,
    /// Scenarios run once, whole, unranked.
    #[serde(default)]
    pub episodes: Vec<String>,
    /// Registered statistics.
    pub statistics: Statistics,
    /// Controls that run beside the backends.
    #[serde(default)]
    pub controls: Controls,
    /// Modelled distances of the store, microseconds; one pass each. Default: 0 only.
    #[serde(default)]
    pub store_rtt_us: Vec<u64>,
}

/// A stationary scenario in paired rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
}

/// What is registered before the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// Controls beside the backends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controls {
    /// Identical twins of the baseline.
    #[serde(default)]
    pub twins: u32,
    /// Positive controls: the baseline plus this share of its own CPU per request (0.10 = +10 %).
    #[serde(default)]
    pub extra_work: Vec<f64>,
}
