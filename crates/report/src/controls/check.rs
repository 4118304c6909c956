//! Holds the controls of a run against what they must show.

use stats::{Interval, Judged, Pairs, Rules, Unusable, Values, judge};

use super::spared::spared_ns;
use super::{ControlCheck, ControlResult, Role, RunState};
use crate::comparison::analyse::Slice;
use crate::comparison::paired::{Setting, log_ratios, named};
use crate::comparison::{Context, Estimate, figures};
use crate::metric::Metric;
use crate::verdict::Verdict;

/// One control on one metric, before the others of its kind are known.
struct Pending {
    check: ControlCheck,
    /// Unadjusted p-value of "no difference".
    p: f64,
    /// Extra work: pairs and, where known, the difference in ns that was added.
    logs: Vec<f64>,
    differences: Vec<f64>,
    restarts: Vec<u32>,
    added_ns: Option<f64>,
    /// What fewer sleeps saved at most, ns.
    saved_ns: f64,
}

/// Every control on every primary metric that it speaks about, in all scenarios.
pub(crate) fn checks(slices: &[Slice<'_>], setting: &Setting<'_>, context: &Context) -> Vec<ControlCheck> {
    let (twins, extra): (Vec<Pending>, Vec<Pending>) = slices
        .iter()
        .flat_map(|slice| of_slice(slice, setting, context))
        .partition(|pending| pending.check.role == Role::Twin);
    let mut checks = Vec::new();
    for kind in [twins, extra] {
        let adjusted = stats::multiplicity::holm(&kind.iter().map(|pending| pending.p).collect::<Vec<_>>());
        let level = 1.0 - setting.alpha / kind.len().max(1) as f64;
        for (mut pending, p) in kind.into_iter().zip(adjusted) {
            pending.check.p_adjusted = p;
            pending.check.result = match pending.check.role {
                Role::Twin => twin(&pending.check, setting.alpha),
                _ => extra_work(&pending, setting.alpha, level),
            };
            checks.push(pending.check);
        }
    }
    checks
}

fn of_slice(slice: &Slice<'_>, setting: &Setting<'_>, context: &Context) -> Vec<Pending> {
    let controls = setting.rows.iter().filter(|(row, role)| role.is_control() && slice.has(row));
    let on =
        |role: &Role| -> &[Metric] { if *role == Role::Twin { &Metric::PRIMARY } else { &[Metric::Cpu] } };
    controls
        .flat_map(|(row, role)| {
            on(role).iter().map(move |metric| pending(slice, setting, context, row, *role, *metric))
        })
        .collect()
}

fn pending(
    slice: &Slice<'_>,
    setting: &Setting<'_>,
    context: &Context,
    row: &str,
    role: Role,
    metric: Metric,
) -> Pending {
    let aligned = slice.table.aligned([row, setting.baseline], metric);
    let logs = log_ratios(&aligned.columns[0], &aligned.columns[1]).unwrap_or_default();
    let pairs = Pairs { values: Values::LogRatios(&logs), restarts: &aligned.restarts };
    // The difference of one control is tested with the other controls, in `checks`; the interval of equivalence is the
    // one that the backends are held to.
    let rules: Rules = setting.rules(setting.baseline);
    let judged: Result<Judged, Unusable> = judge(&[pairs], rules).remove(0);
    let p = pairs.p_value(1.0).unwrap_or(1.0);
    let added_ns = context.extra_work_ns.get(&(slice.scenario().to_owned(), row.to_owned())).copied();
    let baseline = stats::quantile::median(&aligned.columns[1]).unwrap_or(f64::NAN);
    let saved_ns = if role == Role::Twin { 0.0 } else { spared_ns(slice.blocks(), row, setting.baseline) };
    let share = match (role, added_ns) {
        (Role::ExtraWork(_), Some(added)) if baseline > 0.0 => added / baseline,
        (Role::ExtraWork(share), _) => share,
        _ => 0.0,
    };
    let check = ControlCheck {
        scenario: slice.scenario().to_owned(),
        store_rtt_us: slice.store_rtt_us(),
        row: row.to_owned(),
        role,
        metric,
        ratio: judged.as_ref().ok().map(|judged| figures::estimate(judged.ratio, Ok(judged.interval))),
        expected: 1.0 + share,
        saved: if baseline > 0.0 { saved_ns / baseline } else { 0.0 },
        p_adjusted: p,
        scatter: judged.as_ref().ok().map(|judged| judged.scatter),
        verdict: judged.map_or(Verdict::Unranked, |judged| named(judged.verdict).0),
        result: ControlResult::NotResolved,
    };
    let differences = aligned.minus(0, 1);
    Pending { check, p, logs, differences, restarts: aligned.restarts, added_ns, saved_ns }
}

/// Different (and not within the margin) is a failure; equivalent is what a twin must be.
fn twin(check: &ControlCheck, alpha: f64) -> ControlResult {
    let excludes_one =
        check.ratio.and_then(|ratio| ratio.interval).is_some_and(|[low, high]| low > 1.0 || high < 1.0);
    if check.verdict == Verdict::Equivalent {
        ControlResult::Passed
    } else if check.p_adjusted <= alpha && excludes_one {
        ControlResult::Failed
    } else {
        ControlResult::NotResolved
    }
}

/// The interval, at a level that holds for all such controls of the run together, must not exclude what was added; and
/// the row must have been found dearer.
///
/// A server with more to do finds the next request waiting more often and sleeps less, and a sleep it does without saves
/// most of what a request costs. How often that was is counted in the same blocks; so what was added may be found, or
/// less by what those sleeps can have cost, and nothing else.
fn extra_work(pending: &Pending, alpha: f64, level: f64) -> ControlResult {
    let interval = |values: &[f64]| -> Option<Interval> {
        stats::pairs::centre(values, &pending.restarts, level).ok().map(|(_, interval)| interval)
    };
    let excluded = match pending.added_ns {
        Some(added) => interval(&pending.differences)
            .is_some_and(|found| found.low > added || found.high < added - pending.saved_ns),
        None => {
            let (most, saved) = (pending.check.expected, pending.check.saved);
            interval(&pending.logs)
                .is_some_and(|found| found.low > libm::log(most) || found.high < libm::log(most - saved))
        }
    };
    let found =
        pending.check.p_adjusted <= alpha && pending.check.ratio.is_some_and(|ratio| ratio.value > 1.0);
    if excluded {
        ControlResult::Failed
    } else if found {
        ControlResult::Passed
    } else {
        ControlResult::NotResolved
    }
}

/// What the controls make of a run, and why.
pub(crate) fn state(checks: &[ControlCheck], measured: bool) -> (RunState, Vec<String>) {
    if checks.is_empty() {
        let reason = "the plan runs no controls: nothing shows how big nothing is";
        return (RunState::Uncontrolled, measured.then(|| reason.to_owned()).into_iter().collect());
    }
    let worst = checks.iter().map(|check| check.result).max().unwrap_or(ControlResult::Passed);
    let state = match worst {
        ControlResult::Passed => RunState::Ok,
        ControlResult::NotResolved => RunState::LowResolution,
        ControlResult::Failed => RunState::Unreliable,
    };
    let reasons = checks.iter().filter(|check| check.result == worst && worst != ControlResult::Passed);
    (state, reasons.map(reason).collect())
}

fn reason(check: &ControlCheck) -> String {
    let place = format!("{}: {}, {}", check.scenario, check.row, check.metric.label());
    let measured = check.ratio.map_or_else(|| "too few rounds".to_owned(), ratio_text);
    match (check.result, check.role) {
        (ControlResult::Failed, Role::Twin) => format!("{place}: identical servers differ, {measured}"),
        (ControlResult::Failed, _) => {
            format!(
                "{place}: {measured} excludes the {:.3} that was added, less at most {:.3} that fewer sleeps saved",
                check.expected, check.saved
            )
        }
        (_, Role::Twin) => {
            format!("{place}: identical servers could not be shown to be equivalent, {measured}")
        }
        (_, _) => format!("{place}: work worth {:.3} was added and not detected, {measured}", check.expected),
    }
}

fn ratio_text(ratio: Estimate) -> String {
    match ratio.interval {
        Some([low, high]) => format!("{:.3} [{low:.3}, {high:.3}]", ratio.value),
        None => format!("{:.3}", ratio.value),
    }
}
