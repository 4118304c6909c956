//! Finds a figure in an analysis.

use std::collections::BTreeMap;

use measure::{Ending, Outcome};

use super::error::nearest;
use super::expression::{Expression, Function, Special, Subject};
use crate::comparison::{Analysis, Comparison, EpisodeRow, Estimate, PairedScenario, Scope};
use crate::controls::RunState;
use crate::metric::{Metric, Unit};
use crate::verdict::{Unranked, Verdict};

/// A figure as found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// Number and interval. A count without an interval is exact.
    pub(crate) estimate: Estimate,
    /// The verdict, where the figure has one.
    pub(crate) verdict: Option<Verdict>,
    /// May a conclusion rest on it?
    pub(crate) basis: Basis,
    /// What it is printed as.
    pub(crate) kind: Kind,
}

/// What a conclusion may rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    /// A count of facts.
    Exact,
    /// An interval over rounds.
    Interval,
    /// Nothing: one number without an interval, or a figure that is not ranked.
    None,
}

/// What a figure is printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ratio,
    Share,
    Of(Unit),
}

/// The figure, or what is missing.
pub(crate) fn find(expression: &Expression, analysis: &Analysis) -> Result<Found, String> {
    if let Subject::Figure(figure) = expression.subject {
        return special(expression, analysis, figure);
    }
    named(expression, analysis)?;
    match (expression.function, expression.subject) {
        (Function::Ratio, Subject::Metric(metric)) => ratio(expression, analysis, metric, Scope::Whole),
        (Function::AddedRatio, Subject::Metric(metric)) => ratio(expression, analysis, metric, Scope::Added),
        (Function::Difference, Subject::Metric(metric)) => difference(expression, analysis, metric),
        (Function::Value, Subject::Metric(metric)) => value(expression, analysis, metric),
        (Function::Added, Subject::Metric(metric)) => {
            let added = paired(expression, analysis)?.added(&expression.row, metric);
            let added =
                added.ok_or_else(|| format!("{expression}: the floor or the row was not measured"))?;
            Ok(interval(added.difference, analysis, Kind::Of(metric.unit())))
        }
        (Function::MemoryPerLogin, _) => {
            let scenario = paired(expression, analysis)?;
            let per_login = scenario.memory_per_login(&expression.row);
            let missing =
                || format!("{expression}: memory of row and floor, or the number of logins, is not recorded");
            Ok(interval(per_login.ok_or_else(missing)?, analysis, Kind::Of(Unit::Bytes)))
        }
        (Function::Accepted, Subject::Ending(ending)) => {
            exposed(expression, analysis, ending, Kind::Of(Unit::Count))
        }
        (Function::Exposure, Subject::Ending(ending)) => {
            exposed(expression, analysis, ending, Kind::Of(Unit::Nanoseconds))
        }
        (Function::Share, Subject::Outcome(outcome)) => share(expression, analysis, outcome),
        _ => Err(format!("{expression} is not a figure")),
    }
}

/// A figure of a special measurement. It may be of a scenario and a row that only that measurement knows.
fn special(expression: &Expression, analysis: &Analysis, figure: Special) -> Result<Found, String> {
    let key = (figure, expression.scenario.clone(), expression.row.clone());
    let Some(found) = analysis.special.get(&key) else {
        named(expression, analysis)?;
        return Err(format!("no recording of this kind measures `{}` yet", figure.key()));
    };
    let basis = if found.interval.is_some() { Basis::Interval } else { Basis::Exact };
    let kind = match figure {
        Special::Noticed | Special::CheapestShare => Kind::Share,
        Special::Survival => Kind::Of(Unit::Nanoseconds),
        Special::CredentialOnWire | Special::ForcedLogouts | Special::Relogins => Kind::Of(Unit::Count),
    };
    Ok(Found { estimate: *found, verdict: None, basis, kind })
}

/// Scenario and rows exist in the recording; a misspelt name is met with the nearest one.
fn named(expression: &Expression, analysis: &Analysis) -> Result<(), String> {
    let scenarios: Vec<&str> = analysis
        .scenarios
        .iter()
        .map(|scenario| scenario.scenario.as_str())
        .chain(analysis.episodes.iter().map(|episode| episode.scenario.as_str()))
        .collect();
    let near = |name: &str, known: Vec<&str>| {
        nearest(name, known).map(|near| format!(" (nearest: `{near}`)")).unwrap_or_default()
    };
    let scenario = expression.scenario.as_str();
    if !scenarios.contains(&scenario) {
        return Err(format!("scenario `{scenario}` is not in this recording{}", near(scenario, scenarios)));
    }
    let rows: Vec<&str> = analysis.rows.iter().map(|(row, _)| row.as_str()).collect();
    match expression.rows().find(|row| !rows.contains(row)) {
        Some(row) => Err(format!("row `{row}` is not in this recording{}", near(row, rows.clone()))),
        None => Ok(()),
    }
}

fn paired<'a>(expression: &Expression, analysis: &'a Analysis) -> Result<&'a PairedScenario, String> {
    let found = analysis.scenario(&expression.scenario);
    found.ok_or_else(|| format!("scenario `{}` did not run in paired rounds", expression.scenario))
}

fn comparison<'a>(
    expression: &Expression,
    analysis: &'a Analysis,
    metric: Metric,
    scope: Scope,
) -> Result<&'a Comparison, String> {
    let baseline = expression.baseline.as_deref().unwrap_or_default();
    let found = paired(expression, analysis)?.comparison(baseline, &expression.row, metric, scope);
    found.ok_or_else(|| format!("{expression}: {} was not measured", metric.label()))
}

fn ratio(
    expression: &Expression,
    analysis: &Analysis,
    metric: Metric,
    scope: Scope,
) -> Result<Found, String> {
    let comparison = comparison(expression, analysis, metric, scope)?;
    let missing = || format!("{expression}: there is no ratio, one side is zero");
    let estimate = comparison.ratio.ok_or_else(missing)?;
    let ranked = comparison.unranked.is_none() && estimate.interval.is_some();
    let basis = if ranked { Basis::Interval } else { Basis::None };
    Ok(Found { estimate, verdict: Some(comparison.verdict), basis, kind: Kind::Ratio })
}

fn difference(expression: &Expression, analysis: &Analysis, metric: Metric) -> Result<Found, String> {
    let comparison = comparison(expression, analysis, metric, Scope::Whole)?;
    // Zero on one side denies a ratio, not a difference.
    let usable = matches!(comparison.unranked, None | Some(Unranked::NoRatio));
    let found = interval(comparison.difference, analysis, Kind::Of(metric.unit()));
    Ok(if usable { found } else { Found { basis: Basis::None, ..found } })
}

fn value(expression: &Expression, analysis: &Analysis, metric: Metric) -> Result<Found, String> {
    let missing = || format!("{expression}: {} was not measured", metric.label());
    if let Some(scenario) = analysis.scenario(&expression.scenario) {
        let centre = scenario.metric(&expression.row, metric).ok_or_else(missing)?.centre;
        return Ok(interval(centre, analysis, Kind::Of(metric.unit())));
    }
    let once = episodes(expression, analysis).find_map(|episode| episode.metrics.get(&metric));
    let estimate = Estimate::bare(*once.ok_or_else(missing)?);
    Ok(Found { estimate, verdict: None, basis: Basis::None, kind: Kind::Of(metric.unit()) })
}

fn interval(estimate: Estimate, analysis: &Analysis, kind: Kind) -> Found {
    let usable = estimate.interval.is_some() && analysis.state != RunState::Unreliable;
    Found { estimate, verdict: None, basis: if usable { Basis::Interval } else { Basis::None }, kind }
}

fn episodes<'a>(expression: &'a Expression, analysis: &'a Analysis) -> impl Iterator<Item = &'a EpisodeRow> {
    analysis
        .episodes
        .iter()
        .filter(|episode| episode.scenario == expression.scenario && episode.row == expression.row)
}

fn exposed(
    expression: &Expression,
    analysis: &Analysis,
    ending: Ending,
    kind: Kind,
) -> Result<Found, String> {
    let exposures =
        episodes(expression, analysis).flat_map(|episode| &episode.exposure).filter(|e| e.by == ending);
    let (mut sent, mut accepted, mut longest) = (0, 0, 0);
    for exposure in exposures {
        sent += exposure.sent_after;
        accepted += exposure.accepted;
        longest = longest.max(exposure.longest_ns);
    }
    if sent == 0 {
        return Err(format!("{expression}: no request was sent after that end"));
    }
    let value = if kind == Kind::Of(Unit::Count) { accepted } else { longest };
    Ok(Found { estimate: Estimate::bare(value as f64), verdict: None, basis: Basis::Exact, kind })
}

/// A share of all operations, with Clopper-Pearson bounds.
fn share(expression: &Expression, analysis: &Analysis, outcome: Outcome) -> Result<Found, String> {
    let mut counts: BTreeMap<Outcome, u64> = BTreeMap::new();
    let whole = episodes(expression, analysis).flat_map(|episode| episode.outcomes.values());
    let rounds = analysis.scenarios.iter().filter(|scenario| scenario.scenario == expression.scenario);
    let rounds =
        rounds.filter_map(|scenario| scenario.figures(&expression.row)).map(|figures| &figures.outcomes);
    for (outcome, count) in whole.chain(rounds).flatten() {
        *counts.entry(*outcome).or_default() += count;
    }
    let all: u64 = counts.values().sum();
    let hits = counts.get(&outcome).copied().unwrap_or(0);
    let bounds = stats::binomial::clopper_pearson(hits, all, 0.95)
        .map_err(|_| format!("{expression}: no operation was recorded"))?;
    let estimate = Estimate {
        value: hits as f64 / all as f64,
        interval: Some([bounds.low, bounds.high]),
        level: bounds.level,
    };
    Ok(Found { estimate, verdict: None, basis: Basis::Interval, kind: Kind::Share })
}
