//! Results as data: what was checked, what was sent and came back, what follows.

use serde::{Deserialize, Serialize};

use crate::http::{End, Exchange};
use crate::redact;

/// Version of the format of a results file.
pub const SCHEMA: &str = "authbench.conformance/v1";

/// What came of one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was as it must be.
    Pass,
    /// Something was not.
    Fail,
    /// It says nothing about a backend of this kind; the reason says why.
    DoesNotApply,
    /// It could not be checked here; the reason says why.
    NotRun,
}

/// One step of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was done.
    pub step: String,
    /// What was sent, secrets cut short.
    pub sent: String,
    /// What came back, secrets cut short.
    pub came_back: String,
    /// What must come back.
    pub wanted: String,
    /// Whether it did.
    pub good: bool,
}

/// What came of one statement, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementResult {
    /// `J1` to `F3`.
    pub id: String,
    /// The statement.
    pub text: String,
    /// Who demands it.
    pub source: String,
    /// What came of it.
    pub verdict: Verdict,
    /// Why it does not apply or was not run; what limits a pass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Cases of the attack corpus that were sent.
    pub cases: u64,
    /// Steps: all of the check's own, and of the corpus those that were not as expected.
    pub evidence: Vec<Evidence>,
}

/// All results of one backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendResult {
    /// Its name.
    pub backend: String,
    /// Set when nothing could be checked: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// One result per statement, in order.
    pub statements: Vec<StatementResult>,
}

impl BackendResult {
    /// A backend of which nothing could be checked.
    #[must_use]
    pub fn broken(backend: &str, why: impl Into<String>) -> Self {
        Self { backend: backend.to_owned(), broken: Some(why.into()), statements: Vec::new() }
    }

    /// How many statements came out so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.statements.iter().filter(|statement| statement.verdict == verdict).count()
    }

    /// The statements that failed.
    pub fn failing(&self) -> impl Iterator<Item = &StatementResult> {
        self.statements.iter().filter(|statement| statement.verdict == Verdict::Fail)
    }

    /// Cases of the attack corpus that were sent.
    #[must_use]
    pub fn cases(&self) -> u64 {
        self.statements.iter().map(|statement| statement.cases).sum()
    }
}

/// A results file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    /// [`SCHEMA`].
    pub schema: String,
    /// Version of the tool.
    pub tool: String,
    /// One entry per backend.
    pub backends: Vec<BackendResult>,
}

impl Evidence {
    pub(crate) fn of(
        step: impl Into<String>,
        exchange: &Exchange,
        wanted: impl Into<String>,
        good: bool,
    ) -> Self {
        Self {
            step: step.into(),
            sent: redact::shown(&exchange.sent),
            came_back: came_back(exchange),
            wanted: wanted.into(),
            good,
        }
    }

    pub(crate) fn fact(
        step: impl Into<String>,
        found: impl Into<String>,
        wanted: impl Into<String>,
        good: bool,
    ) -> Self {
        Self { step: step.into(), sent: String::new(), came_back: found.into(), wanted: wanted.into(), good }
    }
}

/// The answers, or what came instead, and after how long.
fn came_back(exchange: &Exchange) -> String {
    let mut parts: Vec<String> = exchange
        .answers
        .iter()
        .map(|answer| {
            let headers = ["www-authenticate", "retry-after", "set-cookie", "allow"]
                .into_iter()
                .flat_map(|name| answer.headers_of(name).map(move |value| format!("{name}: {value}")));
            let mut text = answer.status.to_string();
            for header in headers {
                text.push_str(&format!("\n{header}"));
            }
            if !answer.body.is_empty() {
                text.push('\n');
                text.push_str(&String::from_utf8_lossy(&answer.body));
            }
            redact::shown(text.as_bytes())
        })
        .collect();
    match &exchange.end {
        End::Closed if parts.is_empty() => {
            parts.push("the connection was closed without an answer".to_owned());
        }
        End::TimedOut => parts.push(format!("no answer within {} ms", exchange.took.as_millis())),
        End::Broken(why) => parts.push(why.clone()),
        End::Closed | End::Quiet => {}
    }
    parts.join("\n—\n")
}
