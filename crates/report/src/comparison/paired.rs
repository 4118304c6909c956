//! Every row against every other as a baseline: ratios, differences and verdicts.

use std::collections::BTreeMap;

use stats::{Judged, Pairs, Rules, Unusable, Values, judge};

use super::figures::{estimate, plain, tail_interval};
use super::table::{Aligned, Table};
use super::{Comparison, Estimate, Scope};
use crate::controls::Role;
use crate::metric::Metric;
use crate::verdict::{Unranked, Verdict};

/// What comparisons are made of, besides the table.
#[derive(Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) rows: &'a [(String, Role)],
    /// Baseline of the plan.
    pub(crate) baseline: &'a str,
    pub(crate) floor: Option<&'a str>,
    pub(crate) alpha: f64,
    pub(crate) margin: f64,
    pub(crate) seed: u64,
}

/// Pairs of one comparison, kept so that the whole family can be judged at once.
struct Candidate<'a> {
    row: &'a str,
    role: Role,
    aligned: Aligned<3>,
    /// Log ratios, or the row's and the baseline's cost over the floor.
    data: Result<Data, Unusable>,
}

enum Data {
    Logs(Vec<f64>),
    Added([Vec<f64>; 2]),
}

impl Setting<'_> {
    /// How many comparisons a finding against `baseline` could have come from: real rows other than itself.
    pub(crate) fn family(&self, baseline: &str) -> usize {
        self.rows.iter().filter(|(row, role)| role.is_choice() && row != baseline).count().max(1)
    }

    /// The registered rules against `baseline`.
    pub(crate) fn rules(&self, baseline: &str) -> Rules {
        Rules { alpha: self.alpha, margin: self.margin, family: self.family(baseline) }
    }
}

/// All comparisons of a scenario. Tails are compared with the plan's baseline only.
pub(super) fn comparisons(table: &Table, setting: &Setting<'_>) -> Vec<Comparison> {
    let mut all = Vec::new();
    for (baseline, _) in setting.rows {
        for metric in Metric::ALL {
            if metric.is_tail() {
                if baseline == setting.baseline {
                    all.extend(tails(table, setting, metric));
                }
                continue;
            }
            all.extend(family(table, setting, baseline, metric, Scope::Whole));
            if metric.is_primary() && setting.floor.is_some_and(|floor| floor != baseline) {
                all.extend(family(table, setting, baseline, metric, Scope::Added));
            }
        }
    }
    all
}

/// One metric against one baseline. Real rows are judged as one family; floor and controls each alone, held to the same
/// levels.
fn family(
    table: &Table,
    setting: &Setting<'_>,
    baseline: &str,
    metric: Metric,
    scope: Scope,
) -> Vec<Comparison> {
    let others = setting
        .rows
        .iter()
        .filter(|(row, _)| row != baseline && (scope == Scope::Whole || setting.floor != Some(row.as_str())));
    let candidates: Vec<Candidate<'_>> = others
        .map(|(row, role)| candidate(table, setting, (row, *role), baseline, metric, scope))
        .filter(|candidate| candidate.aligned.rounds() > 0)
        .collect();
    let rules = setting.rules(baseline);
    let (real, apart): (Vec<usize>, Vec<usize>) =
        (0..candidates.len()).partition(|&index| candidates[index].role.is_choice());
    let mut judged = BTreeMap::new();
    for group in std::iter::once(real).chain(apart.into_iter().map(|index| vec![index])) {
        let usable: Vec<usize> = group.into_iter().filter(|&index| candidates[index].data.is_ok()).collect();
        let pairs: Vec<Pairs<'_>> = usable.iter().filter_map(|&index| candidates[index].pairs()).collect();
        judged.extend(usable.into_iter().zip(judge(&pairs, rules)));
    }
    let finish = |(index, candidate): (usize, &Candidate<'_>)| {
        let verdict = match (&candidate.data, judged.get(&index)) {
            (Err(reason), _) => Err(*reason),
            (Ok(_), Some(judged)) => *judged,
            (Ok(_), None) => Err(Unusable::BadParameter),
        };
        let registered = baseline == setting.baseline && metric.is_primary() && candidate.role.is_choice();
        comparison(candidate, baseline, metric, scope, registered, rules, verdict)
    };
    candidates.iter().enumerate().map(finish).collect()
}

fn candidate<'a>(
    table: &Table,
    setting: &Setting<'_>,
    (row, role): (&'a str, Role),
    baseline: &str,
    metric: Metric,
    scope: Scope,
) -> Candidate<'a> {
    // On whole requests the floor plays no part: the baseline stands in its place, so that no round is lost to it.
    let third = setting.floor.filter(|_| scope == Scope::Added).unwrap_or(baseline);
    let aligned = table.aligned([row, baseline, third], metric);
    let data = match scope {
        Scope::Whole => log_ratios(&aligned.columns[0], &aligned.columns[1]).map(Data::Logs),
        Scope::Added => Ok(Data::Added([aligned.minus(0, 2), aligned.minus(1, 2)])),
    };
    Candidate { row, role, aligned, data }
}

impl Candidate<'_> {
    fn pairs(&self) -> Option<Pairs<'_>> {
        let values = match self.data.as_ref().ok()? {
            Data::Logs(logs) => Values::LogRatios(logs),
            Data::Added([row, baseline]) => Values::Added { row, baseline },
        };
        Some(Pairs { values, restarts: &self.aligned.restarts })
    }
}

/// Log ratios; zero on both sides is "the same", zero on one side has no ratio.
pub(crate) fn log_ratios(row: &[f64], baseline: &[f64]) -> Result<Vec<f64>, Unusable> {
    let both_zero = |(a, b): (&f64, &f64)| *a == 0.0 && *b == 0.0;
    if !row.is_empty() && row.iter().zip(baseline).all(both_zero) {
        return Ok(vec![0.0; row.len()]);
    }
    stats::location::log_ratios(row, baseline)
}

fn comparison(
    candidate: &Candidate<'_>,
    baseline: &str,
    metric: Metric,
    scope: Scope,
    registered: bool,
    rules: Rules,
    judged: Result<Judged, Unusable>,
) -> Comparison {
    let aligned = &candidate.aligned;
    let level = 1.0 - rules.alpha;
    let difference = plain(&aligned.minus(0, 1), &aligned.restarts, level).unwrap_or(Estimate::bare(0.0));
    let (verdict, material, unranked) = match &judged {
        Ok(judged) => named(judged.verdict),
        Err(reason) => (Verdict::Unranked, false, Some(why(*reason, scope))),
    };
    let bare_ratio = || candidate.pairs().and_then(|pairs| pairs.ratio().ok()).map(Estimate::bare);
    let known = judged.as_ref().ok();
    Comparison {
        baseline: baseline.to_owned(),
        row: candidate.row.to_owned(),
        metric,
        scope,
        registered,
        rounds: aligned.rounds(),
        ratio: known.map(|judged| estimate(judged.ratio, Ok(judged.interval))).or_else(bare_ratio),
        equivalence: known
            .and_then(|judged| judged.equivalence)
            .map(|interval| [interval.low, interval.high]),
        difference,
        margin: rules.margin,
        p_adjusted: known.map_or(1.0, |judged| judged.p_adjusted),
        different: known.is_some_and(|judged| judged.different),
        verdict,
        material,
        unranked,
        withheld: false,
        lower_share: known.map_or_else(|| share_lower(aligned), |judged| judged.share_below),
        resolvable: known.map(|judged| judged.resolvable),
        rounds_needed: known
            .and_then(|judged| judged.pairs_needed)
            .and_then(|pairs| u32::try_from(pairs).ok()),
    }
}

fn share_lower(aligned: &Aligned<3>) -> f64 {
    let lower = aligned.minus(0, 1).iter().filter(|&&difference| difference < 0.0).count();
    lower as f64 / f64::from(aligned.rounds().max(1))
}

/// The verdict in the report's words.
pub(crate) fn named(verdict: stats::Verdict) -> (Verdict, bool, Option<Unranked>) {
    match verdict {
        stats::Verdict::Equivalent => (Verdict::Equivalent, false, None),
        stats::Verdict::Lower { material } => (Verdict::Faster, material, None),
        stats::Verdict::Higher { material } => (Verdict::Slower, material, None),
        stats::Verdict::Inconclusive => (Verdict::Inconclusive, false, None),
    }
}

fn why(reason: Unusable, scope: Scope) -> Unranked {
    match (reason, scope) {
        (Unusable::TooFew { .. }, _) => Unranked::TooFewRounds,
        (_, Scope::Added) => Unranked::AddedNotResolved,
        (_, Scope::Whole) => Unranked::NoRatio,
    }
}

/// Tails against the plan's baseline: ratio of the medians over rounds, bootstrap interval, no verdict.
fn tails(table: &Table, setting: &Setting<'_>, metric: Metric) -> Vec<Comparison> {
    let level = 1.0 - setting.alpha;
    let one = |(row, role): &(String, Role)| {
        let candidate = candidate(table, setting, (row, *role), setting.baseline, metric, Scope::Whole);
        let [own, base, _] = &candidate.aligned.columns;
        let value = stats::quantile::median(own).ok()? / stats::quantile::median(base).ok()?;
        let interval = tail_interval(&[own, base], level, setting.seed, |medians| medians[0] / medians[1]);
        let mut comparison = comparison(
            &candidate,
            setting.baseline,
            metric,
            Scope::Whole,
            false,
            setting.rules(setting.baseline),
            Err(Unusable::BadParameter),
        );
        comparison.ratio = value.is_finite().then(|| estimate(value, interval));
        comparison.unranked = Some(Unranked::Descriptive);
        Some(comparison)
    };
    setting.rows.iter().filter(|(row, _)| row != setting.baseline).filter_map(one).collect()
}
