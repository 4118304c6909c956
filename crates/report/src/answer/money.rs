//! What a million requests cost, in sentences.

use crate::controls::RunState;
use crate::cost::{Cost, RowCost, ScenarioCost};
use crate::model::{Figure, Report, Row, Scenario, Sentence};
use crate::number;

use super::choices;

/// `USD 0.0112 [0.0110, 0.0115]`.
#[must_use]
pub fn money_with_interval(currency: &str, figure: Figure) -> String {
    let value = number::money(figure.value);
    match figure.interval() {
        Some((low, high)) => {
            format!("{currency}\u{a0}{value} [{}, {}]", number::money(low), number::money(high))
        }
        None => format!("{currency}\u{a0}{value}"),
    }
}

/// Backends with right answers and a price, cheapest first.
fn priced<'a>(report: &Report, scenario: &Scenario, cost: &'a ScenarioCost) -> Vec<&'a RowCost> {
    let mut rows: Vec<&RowCost> =
        choices(report, scenario).into_iter().filter_map(|row| cost.row(row)).collect();
    rows.sort_by(|a, b| a.per_million.value.total_cmp(&b.per_million.value));
    rows
}

/// The load that amounts are stated for: `at 3,990 requests a second and 20,000 live logins`.
#[must_use]
pub fn load(cost: &ScenarioCost) -> Sentence {
    let rate = cost.measured_rate;
    let sentence = Sentence::new().text("at ").figure(number::short(rate), rate).text(" requests a second");
    match cost.measured_logins {
        Some(logins) => {
            sentence.text(" and ").figure(number::grouped(logins, 0), logins).text(" live logins")
        }
        None => sentence,
    }
}

/// Who is cheapest in money at the load that was measured, alone and for several replicas, and what the baseline takes.
#[must_use]
pub fn money(report: &Report) -> Sentence {
    let found = report.headline().zip(report.cost.as_ref());
    let found = found.and_then(|(scenario, cost)| Some((scenario, cost, cost.scenario(scenario.base())?)));
    let Some((scenario, cost, own)) = found.filter(|_| report.validity.status != RunState::Unreliable) else {
        return Sentence::new();
    };
    let ranked = priced(report, scenario, own);
    let Some(first) = ranked.first() else { return Sentence::new() };
    let local = |row: &str| report.row(row).is_some_and(Row::is_node_local);
    let costs = |sentence: Sentence, row: &RowCost| {
        sentence.figure(money_with_interval(&cost.currency, row.per_million), row.per_million.value)
    };
    let mut sentence = Sentence::new().text("A million requests, ").then(load(own)).text(", cost ");
    sentence = costs(sentence, first).text(" in ").name(&first.row);
    sentence =
        sentence.text(if local(&first.row) { ", the least, for one replica only" } else { ", the least" });
    let level = level_with(first, &ranked);
    if !level.is_empty() {
        sentence = sentence.text(" and not to be told from ").names(level.iter().copied());
    }
    let shared = ranked.iter().find(|row| !local(&row.row)).filter(|_| local(&first.row));
    if let Some(shared) = shared {
        sentence = costs(sentence.text("; for several replicas "), shared).text(" in ").name(&shared.row);
    }
    let baseline = report.run.baseline.as_str();
    let told = |row: &RowCost| row.row == first.row || shared.is_some_and(|shared| shared.row == row.row);
    if let Some(base) = ranked.iter().find(|row| row.row == baseline).filter(|row| !told(row)) {
        sentence = costs(sentence.text("; "), base).text(" in the baseline ").name(baseline);
    }
    sentence.text(". List prices, the oldest of ").text(&cost.oldest_price).text(".")
}

/// Rows whose rounds do not agree that they cost more than the cheapest.
fn level_with<'a>(first: &RowCost, ranked: &[&'a RowCost]) -> Vec<&'a str> {
    // The differences are counted from the cheapest of all rows; where that one has no rank there are none to go by.
    if first.over_cheapest_per_million.is_some() {
        return Vec::new();
    }
    let open = |row: &&&RowCost| row.over_cheapest_per_million.is_some_and(|over| over.lower() <= 0.0);
    ranked.iter().filter(open).map(|row| row.row.as_str()).collect()
}

/// Cost over the request rate: how much a million requests fall from few to many, and where logins matter.
#[must_use]
pub fn cost_curves(report: &Report, scenario: &Scenario, cost: &Cost) -> Sentence {
    let Some(own) = cost.scenario(scenario.base()) else { return Sentence::new() };
    let ranked = priced(report, scenario, own);
    // The most logins that were measured, or the fewest of the curves.
    let at = |row: &RowCost| {
        let measured = row.curves.iter().rfind(|curve| !curve.extrapolated).or(row.curves.first())?;
        Some((measured.logins, *measured.per_million.first()?, *measured.per_million.last()?))
    };
    let found: Vec<(&str, f64, Figure, Figure)> = ranked
        .iter()
        .filter_map(|row| at(row).map(|(logins, few, many)| (row.row.as_str(), logins, few, many)))
        .collect();
    let spread = |of: fn(&(&str, f64, Figure, Figure)) -> f64| {
        let mut values: Vec<f64> = found.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.first().copied().zip(values.last().copied())
    };
    let (Some((few_low, few_high)), Some((many_low, many_high))) =
        (spread(|it| it.2.value), spread(|it| it.3.value))
    else {
        return Sentence::new();
    };
    let (Some(first), Some(last)) = (crate::cost::RATES.first(), crate::cost::RATES.last()) else {
        return Sentence::new();
    };
    let amount = |sentence: Sentence, value: f64| sentence.figure(number::money(value), value);
    let logins = found.first().map_or(0.0, |it| it.1);
    let mut sentence = Sentence::new().text("What stands there is shared by all requests");
    if logins > 0.0 {
        sentence = sentence.text(": with ").figure(number::grouped(logins, 0), logins).text(" live logins");
    }
    sentence = sentence.text(" a million requests cost ").text(&cost.currency).text(" ");
    sentence = amount(amount(sentence, few_low).text(" to "), few_high);
    sentence = sentence.text(" at ").figure(number::grouped(*first, 0), *first).text(" a second, and ");
    sentence = amount(amount(sentence, many_low).text(" to "), many_high);
    sentence.text(" at ").figure(number::grouped(*last, 0), *last).text(".")
}
