//! A row of the tables: a backend or a control, and what it says about itself.

use schemars::JsonSchema;
use serde::Serialize;

use crate::controls::{ControlResult, Role};

impl Role {
    /// Word beside the name, if any.
    #[must_use]
    pub fn label(self) -> Option<String> {
        match self {
            Self::Baseline => Some("baseline".to_owned()),
            Self::Contender => None,
            Self::Floor => Some("no authentication".to_owned()),
            Self::Twin => Some("null control".to_owned()),
            Self::ExtraWork(share) => Some(format!("control: +{}", crate::number::percent(share))),
        }
    }
}

impl ControlResult {
    /// The result in words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Passed => "as it must be",
            Self::NotResolved => "not resolved",
            Self::Failed => "wrong",
        }
    }
}

/// What a row says about itself: the four choices and the promises.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// Name in the tables.
    pub name: String,
    /// Why it is there.
    pub role: Role,
    /// One line.
    pub summary: String,
    /// What the client holds.
    pub credential: String,
    /// Which state a request consults, in order; empty = nothing.
    pub checks: Vec<String>,
    /// Where that state is read; empty when nothing is checked.
    pub view: String,
    /// How the credential is prolonged.
    pub renewal: String,
    /// Declared: how long a credential works after the acknowledged end of its login.
    pub revocation: String,
    /// The same as an upper bound in nanoseconds, where the declaration has one. 0 = at once.
    pub revocation_bound_ns: Option<f64>,
    /// Longest time a stolen credential worked after its end by thefts beside the recording, at the row's own settings,
    /// nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub survival_ns: Option<f64>,
    /// Declared: how "log out everywhere" is done.
    pub logout_all: String,
    /// Declared: what a request gets when the store is down.
    pub store_down: String,
    /// What ended it before the run did: its figures stand without a rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Further facts that the server said about itself: algorithm, sizes, leeway, lifetimes.
    pub facts: std::collections::BTreeMap<String, String>,
}

impl Row {
    /// Is its state in the memory of one process, so that a second replica would not know it?
    #[must_use]
    pub fn is_node_local(&self) -> bool {
        let local = |words: &str| words.contains("node-local");
        local(&self.view) || self.checks.iter().any(|check| local(check))
    }

    /// Checks and where they are read, for one column: `live list · shared store`.
    #[must_use]
    pub fn consults(&self) -> String {
        match (self.checks.is_empty(), self.view.is_empty()) {
            (true, _) => "nothing".to_owned(),
            (false, true) => self.checks.join(", "),
            (false, false) => format!("{} · {}", self.checks.join(", "), self.view),
        }
    }
}
