//! What speaks for and against each option: a verdict becomes *Good*, *Neutral* or *Bad*, and nothing else does.

use measure::recording::RowRecord;
use measure::{LogoutAll, StoreDown};

use super::Evidence;
use crate::advise::declared;
use crate::comparison::{Comparison, PairedScenario, Scope};
use crate::metric::{Metric, Unit};
use crate::model::Figure;
use crate::number;
use crate::verdict::Verdict;

/// Good, neutral and bad, one sentence each without the leading word.
#[derive(Debug, Default)]
pub(super) struct Weighed {
    pub(super) good: Vec<String>,
    pub(super) neutral: Vec<String>,
    pub(super) bad: Vec<String>,
}

/// One option.
pub(super) fn weigh(row: &RowRecord, evidence: &Evidence<'_>) -> Weighed {
    let mut weighed = Weighed::default();
    wrong(&mut weighed, row, evidence);
    exposure(&mut weighed, row, evidence);
    promises(&mut weighed, row);
    for scenario in &evidence.analysis.scenarios {
        for metric in Metric::PRIMARY {
            measured(&mut weighed, row, scenario, metric, &evidence.analysis.baseline);
        }
    }
    cost(&mut weighed, row, evidence);
    weighed
}

fn wrong(weighed: &mut Weighed, row: &RowRecord, evidence: &Evidence<'_>) {
    for wrong in evidence.analysis.wrong.iter().filter(|wrong| wrong.row == row.name) {
        weighed.bad.push(format!(
            "it gave {} wrong answers of {} that it does not declare ({}): it is not ranked",
            number::count(wrong.count),
            number::count(wrong.of),
            wrong.scenario
        ));
    }
}

fn exposure(weighed: &mut Weighed, row: &RowRecord, evidence: &Evidence<'_>) {
    let declared = declared::words(row);
    match declared::measured(evidence.recording, &row.name) {
        Some(seen) if seen.accepted == 0 => weighed.good.push(format!(
            "none of {} requests with a credential whose login had been ended was let in (declared: {declared})",
            number::count(seen.sent_after)
        )),
        Some(seen) => weighed.bad.push(format!(
            "{} of {} requests with a credential whose login had been ended were let in, up to {} later (declared: {declared})",
            number::count(seen.accepted),
            number::count(seen.sent_after),
            number::time(seen.longest_ns as f64)
        )),
        None => weighed.neutral.push(format!(
            "how long a credential goes on working after its login was ended was not tried in this recording (declared: {declared})"
        )),
    }
}

fn promises(weighed: &mut Weighed, row: &RowRecord) {
    match row.header.promises.logout_all {
        LogoutAll::Cannot => weighed.bad.push("it cannot log a user out everywhere (declared)".into()),
        LogoutAll::Index => {
            weighed.good.push("it logs a user out everywhere, by an index of logins (declared)".into());
        }
        LogoutAll::Epoch => {
            weighed.good.push("it logs a user out everywhere, by a mark per user (declared)".into());
        }
    }
    match row.header.promises.store_down {
        StoreDown::Open => {
            weighed.bad.push("while its store is down, everybody is let in unchecked (declared)".into());
        }
        StoreDown::Closed => {
            weighed.bad.push("while its store is down, every request is refused (declared)".into());
        }
        StoreDown::WritesClosed => {
            weighed
                .neutral
                .push("while its store is down, writes are refused and reads go on (declared)".into());
        }
        StoreDown::Unaffected => {
            weighed.good.push("no request depends on a store that can be down (declared)".into());
        }
    }
}

fn measured(
    weighed: &mut Weighed,
    row: &RowRecord,
    scenario: &PairedScenario,
    metric: Metric,
    baseline: &str,
) {
    let place = place(scenario);
    if row.name == baseline {
        if let Some(own) = scenario.metric(baseline, metric) {
            let figure = Figure::from(own.centre);
            weighed.neutral.push(format!(
                "{} is {} {place}; the others are compared with it",
                metric.label(),
                amount(figure, metric)
            ));
        }
        return;
    }
    let Some(found) = scenario.comparison(baseline, &row.name, metric, Scope::Whole) else { return };
    let Some(ratio) = found.ratio else { return };
    let said = format!("{} is {} that of {baseline} {place}", metric.label(), times(Figure::from(ratio)));
    match found.verdict {
        Verdict::Faster => {
            weighed.good.push(format!("{said}: {}{}", found.verdict.label_on(metric), size(found)));
        }
        Verdict::Slower => {
            weighed.bad.push(format!("{said}: {}{}", found.verdict.label_on(metric), size(found)));
        }
        Verdict::Equivalent => {
            let different = if found.different { ", different but immaterial" } else { "" };
            weighed
                .neutral
                .push(format!("{said}: equivalent within {}{different}", number::percent(found.margin)));
        }
        Verdict::Inconclusive | Verdict::Unranked => {}
    }
}

fn size(found: &Comparison) -> String {
    if found.material {
        format!(", by more than {}", number::percent(found.margin))
    } else {
        format!(", not shown to be by more than {}", number::percent(found.margin))
    }
}

/// Where: scenario and, where it was modelled, the store's distance.
pub(super) fn place(scenario: &PairedScenario) -> String {
    match scenario.store_rtt_us {
        0 => format!("in `{}`", scenario.scenario),
        rtt => format!("in `{}` with the store {} away", scenario.scenario, number::time(rtt as f64 * 1e3)),
    }
}

fn cost(weighed: &mut Weighed, row: &RowRecord, evidence: &Evidence<'_>) {
    for scenario in &evidence.cost.scenarios {
        let Some(cost) = scenario.row(&row.name) else { continue };
        let currency = &evidence.cost.currency;
        let logins = scenario
            .measured_logins
            .map_or_else(String::new, |logins| format!(" and {} logins", number::grouped(logins, 0)));
        let said = format!(
            "a million requests cost {} in `{}` at {} requests/s{logins}",
            money(cost.per_million, currency),
            scenario.name,
            number::short(scenario.measured_rate)
        );
        let Some(over) = cost.over_baseline_per_million else {
            weighed.neutral.push(said);
            continue;
        };
        let against = &evidence.analysis.baseline;
        let difference = Figure { value: over.value.abs(), ..absolute(over) };
        match over.interval() {
            Some((low, _)) if low > 0.0 => {
                weighed.bad.push(format!("{said}, {} more than {against}", money(difference, currency)));
            }
            Some((_, high)) if high < 0.0 => {
                weighed.good.push(format!("{said}, {} less than {against}", money(difference, currency)));
            }
            _ => weighed.neutral.push(format!("{said}; a difference from {against} is not resolved")),
        }
    }
}

fn absolute(figure: Figure) -> Figure {
    match figure.interval() {
        Some((low, high)) if high < 0.0 => Figure::between(-figure.value, -high, -low),
        _ => figure,
    }
}

/// `0.981× [0.955×, 1.018×]`.
pub(super) fn times(figure: Figure) -> String {
    with_interval(figure, number::ratio)
}

/// In the metric's unit, with its interval.
pub(super) fn amount(figure: Figure, metric: Metric) -> String {
    with_interval(figure, |value| match metric.unit() {
        Unit::Nanoseconds => number::time(value),
        Unit::Bytes => number::bytes(value),
        Unit::Count | Unit::PerSecond => number::short(value),
    })
}

/// `USD 0.00123 [0.00120, 0.00126]`: three significant digits, because a request costs little.
pub(super) fn money(figure: Figure, currency: &str) -> String {
    format!("{currency} {}", with_interval(figure, number::money))
}

fn with_interval(figure: Figure, text: impl Fn(f64) -> String) -> String {
    match figure.interval() {
        Some((low, high)) => format!("{} [{}, {}]", text(figure.value), text(low), text(high)),
        None => text(figure.value),
    }
}
