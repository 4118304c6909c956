//! What a million requests cost over the request rate, and which design is cheapest where.

use maud::{Markup, html};

use super::super::{Depth, num, slug};
use super::plot::{Plot, amount, anchor, powers};
use super::{Scale, figure, px, swatch};
use crate::answer::{self, Class, Zone, reading_order, zones};
use crate::cost::{Cost, LOGINS, RATES, RowCost};
use crate::model::{Report, Scenario, Sentence};
use crate::number;

/// Height of a small field and of a large one, pixels.
const PANEL: f64 = 120.0;
const FIELD: f64 = 260.0;

/// A million requests over the request rate: one field per backend, one line per number of live logins.
pub(in super::super) fn cost_curves(
    report: &Report,
    scenario: &Scenario,
    cost: &Cost,
    depth: Depth,
) -> Markup {
    let Some(own) = cost.scenario(scenario.base()) else { return html! {} };
    let rows: Vec<&RowCost> = reading_order(report, scenario)
        .into_iter()
        .filter(|row| report.row(row).is_some_and(|row| !row.role.is_control()))
        .filter_map(|row| own.row(row))
        .collect();
    let amounts =
        || rows.iter().flat_map(|row| &row.curves).flat_map(|curve| &curve.per_million).map(|f| f.value);
    let (Some(low), Some(high)) =
        (amounts().filter(|v| *v > 0.0).reduce(f64::min), amounts().reduce(f64::max))
    else {
        return html! {};
    };
    let (Some(first), Some(last)) = (RATES.first(), RATES.last()) else { return html! {} };
    let plot = Plot {
        x: Scale::log(*first, *last),
        y: Scale::log(low / 1.3, high * 1.3),
        height: PANEL,
        across: powers(*first, *last),
        up: powers(low / 1.3, high * 1.3),
    };
    let id = slug("cost", &scenario.name);
    let says = answer::cost_curves(report, scenario, cost);
    let lines = |row: &RowCost, class: &str| {
        html! { @for curve in distinct(row) {
            path class={ (class) @if curve.extrapolated { " beyond" } }
                d=(plot.path(curve.rates.iter().copied().zip(curve.per_million.iter().map(|f| f.value)))) {}
        } }
    };
    let baseline = own.row(&report.run.baseline);
    let panels = html! {
        (plot.defs(&id))
        @if let Some(baseline) = baseline {
            svg .defs aria-hidden="true" width="0" height="0" {
                symbol id={ (id) "-base" } viewBox="0 0 1000 1000" preserveAspectRatio="none" { (lines(baseline, "other")) }
            }
        }
        div .panels {
            @for (i, row) in rows.iter().enumerate() {
                div .panel {
                    p { code { (row.row) } }
                    (plot.field(&id, i, &described(row, cost), &plot.layer(&html! {
                        @if baseline.is_some_and(|b| b.row != row.row) { use href={ "#" (id) "-base" } width="1000" height="1000" {} }
                        (lines(row, "own thin"))
                    })))
                }
            }
        }
    };
    let key = html! { p .key {
        (swatch("<path class=\"own thin\" d=\"M0 6H22\"/>", "live logins as measured or fewer"))
        (swatch("<path class=\"own thin beyond\" d=\"M0 6H22\"/>", "more, in proportion"))
        (swatch("<path class=\"other\" d=\"M0 6H22\"/>", &format!("the baseline, {}", report.run.baseline)))
        span {
            "Across: requests a second. Up: " (cost.currency) " per million. Both logarithmic. "
            @if own.measured_logins.is_some() { "Lines, from the lowest: " (LOGINS.map(amount).join(", ")) " live logins." }
        }
    } };
    let table = html! {
        table .nums {
            caption { (cost.currency) " per million requests by request rate" }
            thead { tr { th scope="col" { "Backend" } th scope="col" { "Live logins" } @for rate in RATES { th scope="col" { (amount(rate)) "/s" } } } }
            tbody { @for row in &rows { @for curve in told(row) { tr {
                th scope="row" { code { (row.row) } }
                td { (num(curve.logins, &amount(curve.logins))) @if curve.extrapolated { " extended" } }
                @for figure in &curve.per_million { td { (num(figure.value, &number::money(figure.value))) } }
            } } } }
        }
    };
    figure(
        "wide",
        "A million requests over the request rate",
        &says,
        &panels,
        &key,
        (depth == Depth::Full).then_some(&table),
    )
}

/// Curves without those that run with the one before: a design that keeps nothing per login has one.
fn distinct(row: &RowCost) -> Vec<&crate::cost::Curve> {
    let mut kept: Vec<&crate::cost::Curve> = Vec::new();
    for curve in &row.curves {
        if kept.last().is_none_or(|last| last.per_million != curve.per_million) {
            kept.push(curve);
        }
    }
    kept
}

/// The first and the last amount of the fewest logins, in words.
fn described(row: &RowCost, cost: &Cost) -> String {
    let Some(curve) = row.curves.first() else { return row.row.clone() };
    let of = |at: Option<&crate::model::Figure>| at.map_or(String::new(), |f| number::money(f.value));
    let (few, many) = (of(curve.per_million.first()), of(curve.per_million.last()));
    format!(
        "{}: a million requests cost {} {few} where few come and {many} where many do",
        row.row, cost.currency
    )
}

/// The curve of the most logins that were measured, and that of the most of all where it differs. `cost-curve.csv` has
/// the others.
fn told(row: &RowCost) -> Vec<&crate::cost::Curve> {
    let measured = row.curves.iter().rfind(|curve| !curve.extrapolated).or(row.curves.first());
    let most = row.curves.last().filter(|last| measured.is_none_or(|m| m.per_million != last.per_million));
    measured.into_iter().chain(most).collect()
}

/// Which design is cheapest at which load: the break-even lines between neighbours, for readers who may choose among
/// all designs, among those that serve several replicas, and among those of them that end a login at once.
pub(in super::super) fn break_even(
    report: &Report,
    scenario: &Scenario,
    cost: &Cost,
    depth: Depth,
) -> Markup {
    let classes = zones(report, scenario, cost);
    if classes.iter().all(|class| class.zones.iter().all(|zone| zone.floor.is_empty())) {
        return html! {};
    }
    let (from, to) = (LOGINS[0], LOGINS[LOGINS.len() - 1]);
    let (Some(slow), Some(fast)) = (RATES.first(), RATES.last()) else { return html! {} };
    let plot = Plot {
        x: Scale::log(from, to),
        y: Scale::log(*slow, *fast),
        height: FIELD,
        across: powers(from, to),
        up: powers(*slow, *fast),
    };
    let id = slug("break-even", &scenario.name);
    let says = classes.iter().enumerate().fold(Sentence::new(), |all, (i, class)| {
        all.text(if i == 0 { "" } else { " " }).then(class.says.clone())
    });
    let panels = html! {
        (plot.defs(&id))
        div .panels .large {
            @for (i, class) in classes.iter().enumerate() {
                div .panel {
                    p { (class.title) }
                    (plot.field(&id, i, &class.says.to_string(), &map(&plot, &class.zones)))
                }
            }
        }
    };
    let key = html! { p .key {
        (swatch("<path class=\"own\" d=\"M0 9 22 3\"/>", "both cost the same"))
        (swatch("<path class=\"ci\" d=\"M11 0V12\"/>", "95 % interval"))
        (swatch("<circle class=\"hollow\" cx=\"11\" cy=\"6\" r=\"3\"/>", "not resolved: the rounds do not agree"))
        span { "Across: live logins. Up: requests a second. Both logarithmic. A name stands where its design is cheapest." }
    } };
    let table = borders(&classes);
    figure(
        "wide",
        "Which design is cheapest where",
        &says,
        &panels,
        &key,
        (depth == Depth::Full).then_some(&table),
    )
}

/// Lines between neighbours, their intervals, and the names of the zones between them.
fn map(plot: &Plot, zones: &[Zone<'_>]) -> Markup {
    let lines = || zones.iter().map(|zone| &zone.floor);
    html! {
        (plot.layer(&html! { @for line in lines() {
            path .own d=(plot.path(line.iter().map(|border| (border.logins, border.rate.value)))) {}
        } }))
        @for border in lines().flatten().filter(|border| plot.y.holds(border.rate.value)) {
            @let x = plot.x.at(border.logins);
            @match border.rate.interval() {
                Some((low, high)) => line .ci x1=(x) x2=(x) y1=(px(plot.down(low))) y2=(px(plot.down(high))) {},
                None => circle .hollow cx=(x) cy=(px(plot.down(border.rate.value))) r="3" {},
            }
        }
        @for zone in zones {
            @if let Some((logins, rate)) = zone.middle {
                @let place = plot.x.place(logins);
                text .name x=(plot.x.at(logins)) y=(px(plot.down(rate) + 4.0)) text-anchor=(anchor(place)) { (zone.row) }
            }
        }
    }
}

/// The borders of all maps.
fn borders(classes: &[Class<'_>]) -> Markup {
    html! {
        table .nums {
            thead { tr {
                th scope="col" { "Among" } th scope="col" { "Live logins" } th scope="col" { "Cost the same at" }
                th scope="col" { "Cheaper below" } th scope="col" { "Cheaper above" }
            } }
            tbody { @for class in classes { @for zone in &class.zones { @for border in &zone.floor { tr {
                th scope="row" { (class.title) }
                td { (num(border.logins, &amount(border.logins))) }
                td {
                    (num(border.rate.value, &number::short(border.rate.value)))
                    @match border.rate.interval() {
                        Some((low, high)) => { " [" (num(low, &number::short(low))) ", " (num(high, &number::short(high))) "]" }
                        None => " (not resolved)",
                    }
                    " /s"
                }
                td .t { code { (border.below) } }
                td .t { code { (zone.row) } }
            } } } } }
        }
    }
}
