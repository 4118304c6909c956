//! Controls: how big is nothing, and would a difference have been seen?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::comparison::Estimate;
use crate::metric::Metric;
use crate::verdict::Verdict;

pub(crate) mod check;
pub mod selftest;
mod spared;

/// Name of the row without authentication.
pub const FLOOR: &str = "none";

/// Why a row is there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The row every other is compared with.
    Baseline,
    /// A backend compared with it.
    Contender,
    /// No authentication at all: what HTTP itself costs.
    Floor,
    /// An identical second copy of the baseline: how big is nothing?
    Twin,
    /// The baseline plus this share of its own CPU per request: would a difference have been seen?
    ExtraWork(f64),
}

impl Role {
    /// Role of a row by its name: `none` is the floor, `BASELINE.twin…` a twin, `BASELINE.plusN` extra work of N %.
    #[must_use]
    pub fn of(row: &str, baseline: &str) -> Self {
        if row == baseline {
            return Self::Baseline;
        }
        if row == FLOOR {
            return Self::Floor;
        }
        let control = row.strip_prefix(baseline).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
        if control.starts_with("twin") {
            return Self::Twin;
        }
        let percent = control.strip_prefix("plus").and_then(|percent| percent.parse::<f64>().ok());
        percent.map_or(Self::Contender, |percent| Self::ExtraWork(percent / 100.0))
    }

    /// Controls stand apart from the backends.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Twin | Self::ExtraWork(_))
    }

    /// Is it a backend that a reader could choose? These make up the family of comparisons.
    #[must_use]
    pub const fn is_choice(self) -> bool {
        matches!(self, Self::Baseline | Self::Contender)
    }
}

/// How far a run may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Controls ran and came out as they must.
    Ok,
    /// The plan runs no controls, so nothing shows how big nothing is.
    Uncontrolled,
    /// A twin is inconclusive or added work was not detected: equivalence is withheld there, proven differences stand.
    LowResolution,
    /// A twin differs, or the interval of the added work excludes what was added: nothing is ranked.
    Unreliable,
}

/// What came of one control on one metric of one scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlCheck {
    /// Scenario.
    pub scenario: String,
    /// Modelled distance of the store, microseconds per round trip.
    pub store_rtt_us: u64,
    /// Row.
    pub row: String,
    /// [`Role::Twin`] or [`Role::ExtraWork`].
    pub role: Role,
    /// A primary metric; extra work is checked on [`Metric::Cpu`] only.
    pub metric: Metric,
    /// Control divided by baseline; absent with too few rounds.
    pub ratio: Option<Estimate>,
    /// The ratio it should have.
    pub expected: f64,
    /// Extra work: by how much less at most, because the server slept less often; 0 for a twin.
    pub saved: f64,
    /// p-value of "no difference", adjusted by Holm over all controls of its kind in the run.
    pub p_adjusted: f64,
    /// Scatter of the paired ratios, as a standard deviation; absent with too few rounds.
    pub scatter: Option<f64>,
    /// Its verdict by the rules that the backends are held to.
    pub verdict: Verdict,
    /// What follows.
    pub result: ControlResult,
}

/// What follows from a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ControlResult {
    /// As it must be.
    Passed,
    /// Not resolved: equivalence is withheld on this metric (extra work: on every metric of the scenario).
    NotResolved,
    /// Wrong: the run is unreliable.
    Failed,
}
