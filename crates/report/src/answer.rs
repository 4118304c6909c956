//! The answer in three sentences, and one sentence for each figure of the page: words made from data only.

use std::collections::BTreeMap;

use crate::controls::{Role, RunState};
use crate::metric::Metric;
use crate::model::{Comparison, Figure, Report, Scenario, Sentence};
use crate::number;
use crate::verdict::{Unranked, Verdict};

mod capacity;
mod drill;
mod exposure;
mod finding;
mod memory;
mod money;
mod trade;
mod zones;

pub use capacity::capacity;
pub use drill::{after, drill};
pub use exposure::stolen;
pub use finding::{added, cpu, curves, distance, exposure_bars, quantiles, ratio, storm, strip};
pub(crate) use memory::fills;
pub use memory::memory;
pub use money::{cost_curves, load, money, money_with_interval};
pub use trade::{Trade, Works, trade, trades};
pub use zones::{Border, Class, Zone, zones};

/// The three sentences of the first screen.
#[must_use]
pub fn answer(report: &Report) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    match report.headline() {
        None => sentences
            .push(Sentence::new().text("No scenario ran in paired rounds, so this run ranks nothing.")),
        Some(_) if report.validity.status == RunState::Unreliable => {
            sentences.push(
                Sentence::new()
                    .text("This run ranks nothing: its own controls failed, so a difference it shows may be the machine's."),
            );
        }
        Some(scenario) => {
            sentences.push(cheapest(report, scenario));
            if !scenario.comparisons.is_empty() {
                sentences.push(against_baseline(report, scenario));
            }
        }
    }
    sentences.push(stolen(report));
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

/// Names of the rows in reading order: the floor, the choices from cheap to dear, the controls.
#[must_use]
pub fn reading_order<'a>(report: &'a Report, scenario: &Scenario) -> Vec<&'a str> {
    let mut rows: Vec<_> =
        report.rows.iter().filter(|row| scenario.figures(&row.name).is_some()).enumerate().collect();
    rows.sort_by(|(i, a), (j, b)| {
        let group = |role: Role| match role {
            Role::Floor => 0,
            Role::Baseline | Role::Contender => 1,
            Role::Twin => 2,
            Role::ExtraWork(_) => 3,
        };
        let cost = |name: &str| scenario.figure(name, Metric::Cpu).map_or(f64::INFINITY, |cpu| cpu.value);
        group(a.role).cmp(&group(b.role)).then(cost(&a.name).total_cmp(&cost(&b.name))).then(i.cmp(j))
    });
    rows.into_iter().map(|(_, row)| row.name.as_str()).collect()
}

/// Backends a reader may choose, cheapest first, that have no undeclared wrong answers and lived to the end of the run.
pub(crate) fn choices<'a>(report: &'a Report, scenario: &Scenario) -> Vec<&'a str> {
    reading_order(report, scenario)
        .into_iter()
        .filter(|name| report.row(name).is_some_and(|row| row.role.is_choice() && row.failure.is_none()))
        .filter(|name| !report.wrong.iter().any(|wrong| wrong.row == **name))
        .collect()
}

/// `61.2 µs [59.0, 63.3]` as a figure of a sentence; bounds share the unit of the estimate, µs at least.
#[must_use]
pub fn time_with_interval(figure: Figure) -> String {
    let (unit, size) = number::time_unit(figure.value.abs().max(1e3));
    let decimals = number::decimals(figure.value / size);
    let in_unit = |ns: f64| number::grouped(ns / size, decimals);
    match figure.interval() {
        Some((low, high)) => {
            format!("{} {unit} [{}, {}]", in_unit(figure.value), in_unit(low), in_unit(high))
        }
        None => format!("{} {unit}", in_unit(figure.value)),
    }
}

/// `0.981× [0.955, 1.018]`.
#[must_use]
pub fn ratio_with_interval(figure: Figure) -> String {
    match figure.interval() {
        Some((low, high)) => format!("{} [{low:.3}, {high:.3}]", number::ratio(figure.value)),
        None => number::ratio(figure.value),
    }
}

/// Who is cheapest, by how much, and what the baseline costs.
fn cheapest(report: &Report, scenario: &Scenario) -> Sentence {
    let ranked = choices(report, scenario);
    let Some(&first) = ranked.first() else {
        return Sentence::new().text("No backend gave right answers only, so none is ranked.");
    };
    if ranked.iter().all(|row| scenario.figure(row, Metric::Cpu).is_none()) {
        return unusable(scenario);
    }
    let has_floor = scenario.added(first, Metric::Cpu).is_some();
    let of = |row: &str, metric| {
        if has_floor { scenario.added(row, metric) } else { scenario.figure(row, metric) }
    };
    let costs = |sentence: Sentence, row: &str| {
        let sentence = match of(row, Metric::Cpu) {
            Some(figure) => sentence.figure(time_with_interval(figure), figure.value).text(" of CPU"),
            None => sentence.text("an unknown amount of CPU"),
        };
        match of(row, Metric::ResponseP50) {
            Some(figure) => sentence
                .text(if has_floor { " and " } else { " at " })
                .figure(time_with_interval(figure), figure.value)
                .text(" of median response time"),
            None => sentence,
        }
    };
    let local = |row: &str| report.row(row).is_some_and(crate::model::Row::is_node_local);
    let only = if local(first) { " is cheapest, for one replica only: " } else { " is cheapest: " };
    let mut sentence = Sentence::new().name(first).text(only);
    sentence =
        costs(sentence.text(if has_floor { "over no authentication it adds " } else { "it uses " }), first);
    sentence = sentence.text(" per request");
    let level = level_with(scenario, first, &ranked);
    if !level.is_empty() {
        sentence = sentence.text("; this run cannot tell it from ").names(level.iter().copied());
    }
    let unranked = unranked_against(scenario, first, &ranked);
    for (reason, rows) in &unranked {
        sentence = sentence.text(format!("; not ranked against it ({reason}): "));
        sentence = sentence.names(rows.iter().copied());
    }
    let shared =
        ranked.iter().copied().find(|row| !local(row)).filter(|row| local(first) && !level.contains(row));
    if let Some(shared) = shared {
        sentence = sentence.text("; for several replicas ").name(shared);
        sentence = costs(sentence.text(if has_floor { " adds least: " } else { " uses least: " }), shared);
    }
    let baseline = report.run.baseline.as_str();
    if baseline != first && shared != Some(baseline) && ranked.contains(&baseline) {
        sentence =
            sentence.text("; the baseline ").name(baseline).text(if has_floor { " adds " } else { " uses " });
        sentence = costs(sentence, baseline);
    }
    sentence.text(".")
}

/// No block could be used: then there is no figure, and no rank.
fn unusable(scenario: &Scenario) -> Sentence {
    let sentence = Sentence::new().text("No block of ").name(&scenario.name);
    let sentence = sentence.text(" could be used, so this run says nothing about cost");
    match scenario.void_reasons.first() {
        Some(reason) => sentence.text(format!("; the self-check that failed most often: {}.", reason.check)),
        None => sentence.text("."),
    }
}

/// Rows that were compared with `first` and not shown to cost more CPU.
fn level_with<'a>(scenario: &Scenario, first: &str, ranked: &[&'a str]) -> Vec<&'a str> {
    let level = |row: &&str| {
        scenario
            .comparison(first, row, Metric::Cpu)
            .is_some_and(|c| matches!(c.verdict, Verdict::Equivalent | Verdict::Inconclusive))
    };
    ranked.iter().copied().filter(|row| *row != first).filter(level).collect()
}

/// Rows that were not ranked against `first`, by what denied it.
fn unranked_against<'a>(
    scenario: &Scenario,
    first: &str,
    ranked: &[&'a str],
) -> BTreeMap<&'static str, Vec<&'a str>> {
    let mut found: BTreeMap<&'static str, Vec<&'a str>> = BTreeMap::new();
    for row in ranked.iter().copied().filter(|row| *row != first) {
        let reason = match scenario.comparison(first, row, Metric::Cpu) {
            None => Some(Unranked::TooFewRounds),
            Some(c) if c.verdict == Verdict::Unranked => Some(c.unranked.unwrap_or(Unranked::TooFewRounds)),
            Some(_) => None,
        };
        if let Some(reason) = reason {
            found.entry(reason.label()).or_default().push(row);
        }
    }
    found
}

/// Every backend against the baseline, grouped by verdict.
fn against_baseline(report: &Report, scenario: &Scenario) -> Sentence {
    let baseline = report.run.baseline.as_str();
    let others: Vec<&str> = choices(report, scenario).into_iter().filter(|row| *row != baseline).collect();
    let verdict =
        |row: &str, metric| scenario.comparison(baseline, row, metric).map(|c: &Comparison| c.verdict);
    let group = |wanted: fn(Option<Verdict>, Option<Verdict>) -> bool| -> Vec<&str> {
        others
            .iter()
            .copied()
            .filter(|row| wanted(verdict(row, Metric::Cpu), verdict(row, Metric::ResponseP50)))
            .collect()
    };
    use Verdict::{Equivalent, Faster, Inconclusive, Slower};
    let same = group(|cpu, time| cpu == Some(Equivalent) && time == Some(Equivalent));
    let same_cpu = group(|cpu, time| cpu == Some(Equivalent) && time != Some(Equivalent));
    let same_time = group(|cpu, time| cpu != Some(Equivalent) && time == Some(Equivalent));
    let cheaper = group(|cpu, time| cpu == Some(Faster) && time != Some(Equivalent));
    let dearer = group(|cpu, time| cpu == Some(Slower) && time != Some(Equivalent));
    let open = group(|cpu, time| cpu == Some(Inconclusive) && time != Some(Equivalent));

    let unranked = group(|cpu, _| cpu == Some(Verdict::Unranked));
    let margin = |sentence: Sentence| {
        sentence
            .name(baseline)
            .text(" within ±")
            .figure(number::percent(report.run.margin), report.run.margin)
    };
    let mut parts = Vec::new();
    if same.is_empty() && same_cpu.is_empty() && same_time.is_empty() {
        parts.push(margin(Sentence::new().text("Nothing was shown equivalent to ")));
    } else {
        let mut sentence = margin(Sentence::new().text("Equivalent to ")).text(": ");
        let kinds = [
            (" in CPU and response time", same),
            (" in CPU only", same_cpu),
            (" in response time only", same_time),
        ];
        for (i, (words, names)) in kinds.into_iter().filter(|(_, names)| !names.is_empty()).enumerate() {
            sentence = sentence.text(if i == 0 { "" } else { ", " }).names(names).text(words);
        }
        parts.push(sentence);
    }
    for (words, names) in [
        ("cheaper in CPU: ", cheaper),
        ("dearer: ", dearer),
        ("inconclusive: ", open),
        ("unranked: ", unranked),
    ] {
        if !names.is_empty() {
            parts.push(Sentence::new().text(words).names(names));
        }
    }
    let last = parts.len().saturating_sub(1);
    parts
        .into_iter()
        .enumerate()
        .fold(Sentence::new(), |all, (i, part)| all.then(part).text(if i == last { "." } else { "; " }))
}
