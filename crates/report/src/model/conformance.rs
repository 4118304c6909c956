//! Security statements: what was checked of each backend, what was sent and what came back, where that was done beside
//! the recording.

use schemars::JsonSchema;
use serde::Serialize;

/// Results of the security checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Conformance {
    /// The statements, in order.
    pub statements: Vec<Statement>,
    /// Backends, in the order in which they were checked.
    pub backends: Vec<ConformanceRow>,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Statement {
    /// `J1` to `F3`.
    pub id: String,
    /// In one sentence.
    pub text: String,
    /// Who demands it.
    pub source: String,
}

/// What came of the statements on one backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConformanceRow {
    /// Backend.
    pub row: String,
    /// Why nothing of it could be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// Statements that hold.
    pub holds: u64,
    /// Statements that do not.
    pub fails: u64,
    /// Statements that say nothing about such a backend.
    pub does_not_apply: u64,
    /// Statements that could not be checked.
    pub not_run: u64,
    /// Attacks of the corpus that were sent.
    pub attacks: u64,
    /// One result per statement, in order; none where nothing could be checked.
    pub results: Vec<StatementResult>,
}

/// What came of one statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatementResult {
    /// Of which statement.
    pub id: String,
    /// What came of it.
    pub verdict: StatementVerdict,
    /// Why it does not apply or was not run; what limits what holds.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Attacks of the corpus that were sent for it.
    pub attacks: u64,
    /// Steps of the check that are known: those of the check itself, and attacks that did not end as they must.
    pub steps: u64,
    /// The first of these steps; where it does not hold, the first that show it.
    pub exchanges: Vec<Exchange>,
}

/// One step: what was sent, and what came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Exchange {
    /// What was done.
    pub step: String,
    /// What was sent, secrets cut short; empty where a fact was looked at.
    pub sent: String,
    /// What came back, secrets cut short.
    pub came_back: String,
    /// What must come back.
    pub wanted: String,
    /// Whether it did.
    pub good: bool,
}

/// What came of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StatementVerdict {
    /// Everything was as it must be.
    Holds,
    /// Something was not.
    Fails,
    /// It says nothing about a backend of this kind.
    DoesNotApply,
    /// It could not be checked.
    NotRun,
}

impl StatementVerdict {
    /// For a narrow column.
    #[must_use]
    pub fn glyph(self) -> &'static str {
        match self {
            Self::Holds => "✓",
            Self::Fails => "✗",
            Self::DoesNotApply => "–",
            Self::NotRun => "?",
        }
    }

    /// In words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "does not hold",
            Self::DoesNotApply => "does not apply",
            Self::NotRun => "was not run",
        }
    }
}

impl Conformance {
    /// The statement of this id.
    #[must_use]
    pub fn statement(&self, id: &str) -> Option<&Statement> {
        self.statements.iter().find(|statement| statement.id == id)
    }
}

impl ConformanceRow {
    /// The statements that do not hold.
    pub fn failing(&self) -> impl Iterator<Item = &StatementResult> {
        self.results.iter().filter(|result| result.verdict == StatementVerdict::Fails)
    }
}
