//! How far the run may be believed, in words.

use super::ratio;
use crate::answer::ratio_with_interval;
use crate::comparison::Analysis;
use crate::controls::{ControlCheck, ControlResult, Role, RunState};
use crate::metric::Metric;
use crate::model::{Control, Sentence, Validity};
use crate::number;

pub(super) fn validity(analysis: &Analysis) -> Validity {
    Validity {
        status: analysis.state,
        sentence: sentence(analysis),
        // Without controls there is one reason, and the sentence gives it.
        reasons: if analysis.state == RunState::Uncontrolled { Vec::new() } else { analysis.reasons.clone() },
        cautions: analysis.cautions.clone(),
        controls: analysis.controls.iter().map(control).collect(),
    }
}

fn control(check: &ControlCheck) -> Control {
    Control {
        scenario: check.scenario.clone(),
        row: check.row.clone(),
        metric: check.metric,
        ratio: check.ratio.map(ratio),
        expected: super::rounded(check.expected),
        expected_least: super::rounded(check.expected - check.saved),
        verdict: check.verdict,
        result: check.result,
    }
}

fn sentence(analysis: &Analysis) -> Sentence {
    match analysis.state {
        RunState::Uncontrolled => Sentence::new().text(
            "This plan runs no controls, so nothing shows how far apart two identical servers would have come out.",
        ),
        RunState::Unreliable => {
            Sentence::new().text("A control came out wrong: differences seen here may be the machine's, so nothing is ranked.")
        }
        RunState::LowResolution => Sentence::new().text(
            "A control was not resolved: proven differences stand, but equivalence is withheld where it hangs on that control.",
        ),
        RunState::Ok => passed(analysis),
    }
}

/// What the controls measured, of the first scenario.
fn passed(analysis: &Analysis) -> Sentence {
    let first = |twin: bool, metric: Metric| {
        let of = |check: &&ControlCheck| {
            (check.role == Role::Twin) == twin
                && check.metric == metric
                && check.result == ControlResult::Passed
        };
        analysis.controls.iter().find(of).and_then(|check| Some((check, ratio(check.ratio?))))
    };
    let mut sentence = Sentence::new();
    if let Some((_, cpu)) = first(true, Metric::Cpu) {
        sentence = sentence
            .text("How big nothing is: an identical twin of the baseline came out at ")
            .figure(ratio_with_interval(cpu), cpu.value)
            .text(" of its CPU");
        if let Some((_, time)) = first(true, Metric::ResponseP50) {
            sentence = sentence
                .text(" and ")
                .figure(ratio_with_interval(time), time.value)
                .text(" of its response time");
        }
        sentence = sentence.text(". ");
    }
    if let Some((check, cpu)) = first(false, Metric::Cpu) {
        let expected = super::rounded(check.expected);
        sentence = sentence
            .text("Whether a difference is seen: added work that should measure ")
            .figure(number::ratio(expected), expected);
        let least = super::rounded(check.expected - check.saved);
        if check.saved > 0.0 {
            sentence = sentence
                .text(" (at least ")
                .figure(number::ratio(least), least)
                .text(", for the sleeps it spares the server)");
        }
        sentence = sentence.text(" measured ").figure(ratio_with_interval(cpu), cpu.value).text(".");
    }
    if sentence.is_empty() { sentence.text("Every control came out as it must.") } else { sentence }
}
