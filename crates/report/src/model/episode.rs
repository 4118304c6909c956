//! A scenario run once, whole: described, not ranked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// One whole episode of every row.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Episode {
    /// Scenario.
    pub name: String,
    /// The question it answers.
    pub question: String,
    /// Figures by row, in the report's order of rows.
    pub rows: Vec<EpisodeRow>,
}

/// One row's episode.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EpisodeRow {
    /// Row.
    pub row: String,
    /// Length, seconds.
    pub seconds: f64,
    /// Scheduled operations per second; absent in closed loop.
    pub offered_per_second: Option<f64>,
    /// Answered operations per second.
    pub achieved_per_second: f64,
    /// CPU of server and store, per answered operation, ns.
    pub cpu_per_operation_ns: Option<f64>,
    /// By operation (kebab-case).
    pub operations: BTreeMap<String, OperationFigures>,
    /// Credentials that went on working after an acknowledged end, by what ended them.
    pub exposure: Vec<ExposureFigures>,
    /// May its CPU figures be used?
    pub valid: bool,
}

/// One kind of operation in an episode.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OperationFigures {
    /// Answers, by judged outcome (kebab-case).
    pub outcomes: BTreeMap<String, u64>,
    /// Response time (from intended start): median, ns.
    pub response_p50_ns: Option<f64>,
    /// Response time: 99th percentile, ns.
    pub response_p99_ns: Option<f64>,
    /// Response time: the longest, ns.
    pub response_max_ns: Option<f64>,
}

/// A credential that should have ended.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ExposureFigures {
    /// What should have ended it, kebab-case.
    pub by: String,
    /// Requests sent with it after the acknowledgement.
    pub sent_after: u64,
    /// Of these, accepted.
    pub accepted: u64,
    /// Longest time from the acknowledgement to the send of an accepted request, ns. 0 = none was accepted.
    pub longest_ns: f64,
}

impl ExposureFigures {
    /// The longer of two, requests added up.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        let sent_after = self.sent_after + other.sent_after;
        let accepted = self.accepted + other.accepted;
        let longer = if other.longest_ns > self.longest_ns { other } else { self };
        Self { sent_after, accepted, ..longer }
    }
}
