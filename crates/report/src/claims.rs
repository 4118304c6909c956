//! Claims: sentences that a recording can support or refute.

mod error;
mod evaluate;
mod expression;
mod file;
mod lookup;

pub use error::ClaimError;
pub use evaluate::evaluate;
pub use expression::{Expression, Function, Special, Subject};
pub use file::{Claim, Condition, Test, Wanted, schema};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A claim, evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimResult {
    /// Identifier, e.g. `C8`.
    pub id: String,
    /// The sentence, as its file has it.
    pub sentence: String,
    /// What came out.
    pub outcome: ClaimOutcome,
    /// The outcome in words with the numbers filled in.
    pub detail: String,
    /// What its file expects.
    pub expect: Expectation,
}

impl ClaimResult {
    /// Does a conclusive outcome contradict what was expected? Only this fails a build.
    #[must_use]
    pub const fn contradicts(&self) -> bool {
        matches!(
            (self.outcome, self.expect),
            (ClaimOutcome::Holds, Expectation::Refuted) | (ClaimOutcome::Refuted, Expectation::Holds)
        )
    }
}

/// What came out of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimOutcome {
    /// The data support it.
    Holds,
    /// The data contradict it.
    Refuted,
    /// Neither.
    Inconclusive,
    /// Figures it needs were not measured.
    NotMeasurable,
}

impl ClaimOutcome {
    /// The outcome as words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Refuted => "refuted",
            Self::Inconclusive => "inconclusive",
            Self::NotMeasurable => "not yet measurable",
        }
    }
}

/// What a claim's file expects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// Any outcome is welcome: reported, never a failure.
    #[default]
    Any,
    /// Refuted would be a failure.
    Holds,
    /// Holds would be a failure.
    Refuted,
}
