//! Did shortening change anything but the times? Cells that were drilled both ways, held against each other.

use measure::drill::{DrillEvent, DrillResult, SurvivalRecord, Thief};
use serde::Serialize;

/// NumericDate's step: two credentials of one lifetime may differ by so much, nanoseconds.
const STEP_NS: f64 = 1e9;
/// The longest of a hundred lags lies that near to its bound, at least, as a share of it.
const LAG_SHARE: f64 = 0.25;

/// One cell, drilled both ways. Nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confirmed {
    /// Row.
    pub backend: String,
    /// What ended the credential.
    pub event: DrillEvent,
    /// What was stolen.
    pub thief: Thief,
    /// What is compared.
    pub rule: Rule,
    /// With its times shortened.
    pub scaled_ns: u64,
    /// What that foretells for the design's own settings.
    pub foretold_ns: f64,
    /// What was measured there.
    pub measured_ns: u64,
    /// Further apart they would differ.
    pub tolerance_ns: f64,
    /// Are they within that?
    pub agrees: bool,
}

/// What of two cells is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Nothing may be accepted afterwards, however long anything lives: the longest, exactly.
    Never,
    /// It works until its lifetime ends: the median, with the same slack to that end.
    Lifetime,
    /// It works until the design has heard of it: the longest, as a share of the bound.
    Lag,
}

/// Every cell that was drilled both ways and shows something both times.
pub(super) fn confirmed(results: &[DrillResult]) -> Vec<Confirmed> {
    let cells = || {
        results.iter().filter_map(|result| match result {
            DrillResult::Survival(cell) if cell.void.is_none() && cell.ended > 0 => Some(cell),
            _ => None,
        })
    };
    let same = |own: &SurvivalRecord, other: &SurvivalRecord| {
        !other.unscaled && (&other.backend, other.event, other.thief) == (&own.backend, own.event, own.thief)
    };
    cells()
        .filter(|own| own.unscaled)
        .filter_map(|own| compared(cells().find(|other| same(own, other))?, own))
        .collect()
}

fn compared(scaled: &SurvivalRecord, own: &SurvivalRecord) -> Option<Confirmed> {
    let (bound_ns, own_bound_ns) = (scaled.bound_ns?, own.bound_ns?);
    let resolution_ns = (scaled.resolution_ns + own.resolution_ns) as f64;
    let stretched = own_bound_ns as f64 / bound_ns.max(1) as f64;
    let (rule, scaled_ns, foretold_ns, measured_ns, tolerance_ns) = if bound_ns == 0 {
        (Rule::Never, scaled.survival_ns.max, 0.0, own.survival_ns.max, 0.0)
    } else if bound_ns == scaled.lifetime_ns {
        let slack_ns = bound_ns as f64 - scaled.survival_ns.p50 as f64;
        let foretold_ns = own_bound_ns as f64 - slack_ns;
        (Rule::Lifetime, scaled.survival_ns.p50, foretold_ns, own.survival_ns.p50, STEP_NS + resolution_ns)
    } else {
        let foretold_ns = scaled.survival_ns.max as f64 * stretched;
        let tolerance_ns = LAG_SHARE * own_bound_ns as f64 + resolution_ns * stretched;
        (Rule::Lag, scaled.survival_ns.max, foretold_ns, own.survival_ns.max, tolerance_ns)
    };
    let apart_ns = (measured_ns as f64 - foretold_ns).abs();
    Some(Confirmed {
        backend: own.backend.clone(),
        event: own.event,
        thief: own.thief,
        rule,
        scaled_ns,
        foretold_ns,
        measured_ns,
        tolerance_ns,
        agrees: apart_ns <= tolerance_ns && (rule != Rule::Never || scaled.survival_ns.max == 0),
    })
}
