//! Holds a claim against an analysis.

use std::collections::BTreeMap;

use super::file::{Claim, Condition, Test, Wanted};
use super::lookup::{Basis, Found, Kind, find};
use super::{ClaimOutcome, ClaimResult};
use crate::comparison::Analysis;
use crate::metric::Unit;
use crate::number;
use crate::verdict::Verdict;

/// Every claim, in the order given.
#[must_use]
pub fn evaluate(claims: &[Claim], analysis: &Analysis) -> Vec<ClaimResult> {
    claims.iter().map(|claim| claim.evaluate(analysis)).collect()
}

impl Claim {
    /// Refuted when any condition is; holds when all hold; inconclusive otherwise. Unless it is refuted anyway, a figure
    /// that a condition needs and the recording lacks makes it not yet measurable.
    #[must_use]
    pub fn evaluate(&self, analysis: &Analysis) -> ClaimResult {
        let found: BTreeMap<&str, Result<Found, String>> =
            self.figures.iter().map(|(name, figure)| (name.as_str(), find(figure, analysis))).collect();
        let tested = self
            .conditions
            .iter()
            .filter_map(|condition| Some((condition, found.get(condition.figure.as_str())?)));
        let (mut outcomes, mut missing) = (Vec::new(), Vec::new());
        for (condition, figure) in tested {
            match figure {
                Ok(figure) => outcomes.push(holds(condition, figure)),
                Err(reason) if missing.contains(&reason.as_str()) => {}
                Err(reason) => missing.push(reason.as_str()),
            }
        }
        let outcome = all(outcomes.into_iter());
        let (outcome, detail) = if missing.is_empty() || outcome == ClaimOutcome::Refuted {
            (outcome, fill(&self.detail, &found))
        } else {
            (ClaimOutcome::NotMeasurable, missing.join("; "))
        };
        ClaimResult {
            id: self.id.clone(),
            sentence: self.sentence.clone(),
            outcome,
            detail,
            expect: self.expect,
        }
    }
}

/// Every condition must hold.
fn all(outcomes: impl Iterator<Item = ClaimOutcome>) -> ClaimOutcome {
    outcomes.fold(ClaimOutcome::Holds, |so_far, outcome| match (so_far, outcome) {
        (ClaimOutcome::Refuted, _) | (_, ClaimOutcome::Refuted) => ClaimOutcome::Refuted,
        (ClaimOutcome::Holds, ClaimOutcome::Holds) => ClaimOutcome::Holds,
        _ => ClaimOutcome::Inconclusive,
    })
}

fn holds(condition: &Condition, found: &Found) -> ClaimOutcome {
    match condition.test {
        Test::Is(wanted) => {
            found.verdict.map_or(ClaimOutcome::Inconclusive, |verdict| by_verdict(wanted, verdict))
        }
        Test::Between(above, below) => {
            let over = above.map(|bound| compared(found, bound));
            let under = below.map(|bound| match compared(found, bound) {
                ClaimOutcome::Holds => ClaimOutcome::Refuted,
                ClaimOutcome::Refuted => ClaimOutcome::Holds,
                other => other,
            });
            // At a bound itself neither side is strictly true.
            let at_bound =
                [above, below].contains(&Some(found.estimate.value)) && found.basis == Basis::Exact;
            if at_bound { ClaimOutcome::Refuted } else { all(over.into_iter().chain(under)) }
        }
    }
}

/// Is the figure above `bound`?
fn compared(found: &Found, bound: f64) -> ClaimOutcome {
    let [low, high] = match (found.basis, found.estimate.interval) {
        (Basis::Exact, _) => [found.estimate.value; 2],
        (Basis::Interval, Some(interval)) => interval,
        _ => return ClaimOutcome::Inconclusive,
    };
    if low > bound {
        ClaimOutcome::Holds
    } else if high < bound {
        ClaimOutcome::Refuted
    } else {
        ClaimOutcome::Inconclusive
    }
}

fn by_verdict(wanted: Wanted, verdict: Verdict) -> ClaimOutcome {
    let holds = match (wanted, verdict) {
        (_, Verdict::Inconclusive | Verdict::Unranked) => return ClaimOutcome::Inconclusive,
        (Wanted::Equivalent, verdict) => verdict == Verdict::Equivalent,
        (Wanted::Faster, verdict) => verdict == Verdict::Faster,
        (Wanted::Slower, verdict) => verdict == Verdict::Slower,
        (Wanted::Different, verdict) => verdict != Verdict::Equivalent,
    };
    if holds { ClaimOutcome::Holds } else { ClaimOutcome::Refuted }
}

/// The detail with every `{name}` replaced by its figure.
fn fill(template: &str, found: &BTreeMap<&str, Result<Found, String>>) -> String {
    let mut text = String::with_capacity(template.len());
    let mut pieces = template.split('{');
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        match piece.split_once('}') {
            Some((name, rest)) => {
                match found.get(name) {
                    Some(Ok(figure)) => text.push_str(&words(figure)),
                    _ => text.push_str("not measured"),
                }
                text.push_str(rest);
            }
            None => {
                text.push('{');
                text.push_str(piece);
            }
        }
    }
    text
}

/// `0.981× [0.955×, 1.018×], equivalent`.
fn words(found: &Found) -> String {
    let print = |value: f64| match found.kind {
        Kind::Ratio => number::ratio(value),
        Kind::Share => number::percent(value),
        Kind::Of(Unit::Nanoseconds) => number::time(value),
        Kind::Of(Unit::Bytes) => number::bytes(value),
        Kind::Of(Unit::Count | Unit::PerSecond) => number::short(value),
    };
    let mut text = print(found.estimate.value);
    if let Some([low, high]) = found.estimate.interval {
        text.push_str(&format!(" [{}, {}]", print(low), print(high)));
    }
    if let Some(verdict) = found.verdict {
        text.push_str(&format!(", {}", verdict.label()));
    }
    text
}
