//! What the data say about two rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::Metric;

/// The verdict on a row against a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Lower than the baseline: proven.
    Faster,
    /// Within the margin: proven.
    Equivalent,
    /// Higher than the baseline: proven.
    Slower,
    /// Neither was shown.
    Inconclusive,
    /// No rank is given; the reason stands beside it.
    Unranked,
}

impl Verdict {
    /// Mark that goes with the word, so that colour never carries it alone.
    #[must_use]
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Faster => "◀",
            Self::Slower => "▶",
            Self::Equivalent => "≡",
            Self::Inconclusive => "?",
            Self::Unranked => "–",
        }
    }

    /// The word on a metric that is a time; also the name in files.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::Equivalent => "equivalent",
            Self::Inconclusive => "inconclusive",
            Self::Unranked => "unranked",
        }
    }

    /// The word that fits the metric: work is cheaper or dearer, an amount less or more.
    #[must_use]
    pub const fn label_on(self, metric: Metric) -> &'static str {
        match (self, metric) {
            (Self::Faster, Metric::Cpu | Metric::CpuServer | Metric::CpuStore) => "cheaper",
            (Self::Slower, Metric::Cpu | Metric::CpuServer | Metric::CpuStore) => "dearer",
            (Self::Faster, metric) if !metric.is_time() => "less",
            (Self::Slower, metric) if !metric.is_time() => "more",
            _ => self.label(),
        }
    }
}

/// Why a row has no rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unranked {
    /// One of the two rows gave wrong answers that its backend does not declare.
    WrongAnswers,
    /// A security statement does not hold for one of the two rows.
    Insecure,
    /// The server or the store of one of the two rows died during the run.
    RowFailed,
    /// A twin differs, or the added work was not measured as what it is: nothing is ranked.
    UnreliableRun,
    /// One of the two rows failed (5xx, timeouts, broken connections) in more than 0.1 % of its operations beyond the
    /// other: a quick failure is not a fast answer.
    Failures,
    /// Fewer rounds, valid on both sides, than an interval of the registered level needs.
    TooFewRounds,
    /// A value is zero on one side only: there is no ratio, only a difference.
    NoRatio,
    /// The baseline's cost over the floor is too small against its scatter to divide by.
    AddedNotResolved,
    /// Tails are described, never ranked.
    Descriptive,
}

impl Unranked {
    /// The reason in words, to follow "unranked: ".
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::WrongAnswers => "wrong answers",
            Self::Insecure => "a security statement does not hold",
            Self::RowFailed => "its server or store died",
            Self::UnreliableRun => "the run is unreliable",
            Self::Failures => "unequal failures",
            Self::TooFewRounds => "too few rounds",
            Self::NoRatio => "zero on one side",
            Self::AddedNotResolved => "the baseline's added cost is not resolved",
            Self::Descriptive => "tails are descriptive",
        }
    }
}
