//! How much one server of each backend carries, where that was searched for beside the recording.

use schemars::JsonSchema;
use serde::Serialize;

/// A search for capacity.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Capacity {
    /// Scenario whose requests were sent.
    pub scenario: String,
    /// What had to hold: response time at p99, ns at most.
    pub objective_p99_ns: f64,
    /// What had to hold: share of operations that fail, at most.
    pub objective_error_share: f64,
    /// Worker threads of each server.
    pub server_threads: u32,
    /// Did every search come to its end?
    pub complete: bool,
    /// Was it the same build of the tool that made the recording?
    pub same_build: bool,
    /// Backends, in the order of the report's rows.
    pub rows: Vec<CapacityRow>,
}

/// What one backend carries.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CapacityRow {
    /// Row.
    pub row: String,
    /// Highest rate that held and held again, per second; absent when none did.
    pub per_second: Option<f64>,
    /// The generator or the search ended there, not the server: it carries at least so much.
    pub at_least: bool,
    /// What ended its search early.
    pub failed: Option<String>,
    /// By rate.
    pub points: Vec<CapacityPoint>,
}

/// One rate.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CapacityPoint {
    /// Requests per second asked for.
    pub per_second: f64,
    /// Response time (from intended start), median, ns; absent without an answer.
    pub response_p50_ns: Option<f64>,
    /// Response time, 99th percentile, ns.
    pub response_p99_ns: Option<f64>,
    /// CPU of server and store per answered request, ns.
    pub cpu_ns: Option<f64>,
    /// Did the objective hold?
    pub holds: bool,
}

impl Capacity {
    /// What a row carries.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&CapacityRow> {
        self.rows.iter().find(|row| row.row == name)
    }
}

impl CapacityRow {
    /// `14,200`, `≥ 14,200` or `none`.
    #[must_use]
    pub fn words(&self) -> String {
        match self.per_second {
            Some(rate) if self.at_least => format!("≥ {}", crate::number::grouped(rate, 0)),
            Some(rate) => crate::number::grouped(rate, 0),
            None => "none".to_owned(),
        }
    }
}
