//! What each design costs in money: the bill of a million requests, sizing, and the prices it rests on. With scripts the
//! load and the prices can be moved; the amounts then follow by the same formula.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde::Serialize;

use super::{Depth, chart, num, sentence};
use crate::answer::{self, reading_order};
use crate::controls::FLOOR;
use crate::cost::{Cost, RowCost, ScenarioCost, Usage};
use crate::model::{Figure, Report, Scenario};
use crate::number;
use crate::prices::Resource;

/// Powers of ten at which the sliders of load begin, and their steps of 1, 2 and 5.
const RATE_FROM: i32 = 1;
const LOGINS_FROM: i32 = 3;
const STEPS: i32 = 12;
/// Factors of a price slider.
const FACTORS: [f64; 7] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// The scenario of the first screen with its cost.
pub(super) fn priced(report: &Report) -> Option<(&Scenario, &Cost, &ScenarioCost)> {
    let (scenario, cost) = report.headline().zip(report.cost.as_ref())?;
    Some((scenario, cost, cost.scenario(scenario.base()).filter(|own| !own.rows.is_empty())?))
}

pub(super) fn money(report: &Report, (depth, widest): (Depth, Depth)) -> Markup {
    let Some((scenario, cost, own)) = priced(report) else { return html! {} };
    let rows: Vec<&RowCost> =
        reading_order(report, scenario).into_iter().filter_map(|row| own.row(row)).collect();
    let charged: Vec<(usize, Resource)> = Resource::ALL
        .into_iter()
        .enumerate()
        .filter(|(_, resource)| cost.prices.iter().any(|price| price.resource == *resource))
        .collect();
    html! {
        section #money aria-labelledby="money-title" {
            h2 #money-title { "In money" }
            p .lead {
                "A million requests " span .load { (sentence(&answer::load(own))) } ", in " (cost.currency) ". "
                (cost.summary) ". The oldest price is of " time datetime=(cost.oldest_price) { (cost.oldest_price) } "."
            }
            (sliders(cost, own))
            div .scroll tabindex="0" role="region" aria-label="The bill of a million requests" {
                table .nums .bill {
                    thead { tr {
                        th scope="col" { "Backend" }
                        th scope="col" { "All" } th scope="col" { "Over none" }
                        @for (_, resource) in &charged { th scope="col" { (resource.label()) } }
                    } }
                    tbody { @for row in &rows { (line(report, row, &charged)) } }
                }
            }
            (sizing(report, &rows))
            div .figures {
                (chart::break_even(report, scenario, cost, depth))
                @if depth != Depth::Bare { (chart::cost_curves(report, scenario, cost, widest)) }
            }
            (prices(cost))
        }
    }
}

fn line(report: &Report, row: &RowCost, charged: &[(usize, Resource)]) -> Markup {
    let control = report.row(&row.row).is_some_and(|row| row.role.is_control());
    html! {
        tr .quiet[control] data-row=(row.row) {
            th scope="row" { code { (row.row) } }
            td data-money="all" { (amount(Some(row.per_million))) }
            td data-money="over" { (amount(row.added_per_million)) }
            @for (place, resource) in charged {
                td data-money=(place) {
                    @match row.items.iter().find(|item| item.resource == *resource) {
                        Some(item) => (num(item.cost, &number::money(item.cost))),
                        None => (num(0.0, "0")),
                    }
                }
            }
        }
    }
}

/// An amount with its interval.
fn amount(figure: Option<Figure>) -> Markup {
    let Some(figure) = figure else { return html! { "–" } };
    html! {
        (num(figure.value, &number::money(figure.value)))
        @if let Some((low, high)) = figure.interval() {
            small { "[" (num(low, &number::money(low))) ", " (num(high, &number::money(high))) "]" }
        }
    }
}

/// Of use with scripts only, so hidden without.
fn sliders(cost: &Cost, own: &ScenarioCost) -> Markup {
    let nearest = |value: f64, from: i32| {
        let off = |step: &i32| (step_value(*step, from) / value).ln().abs();
        (0..=STEPS).min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(0)
    };
    let load = |words: &str, name: &str, value: f64, from: i32| {
        html! {
            label {
                span { (words) }
                input type="range" min="0" max=(STEPS) step="1" value=(nearest(value, from)) data-load=(name) data-from=(from);
                output { (num(value, &number::grouped(value, 0))) }
            }
        }
    };
    html! {
        fieldset .sliders hidden {
            legend { "Another load, other prices" }
            (load("Requests a second", "rate", own.measured_rate, RATE_FROM))
            @if let Some(logins) = own.measured_logins { (load("Live logins", "logins", logins, LOGINS_FROM)) }
            @for price in &cost.prices {
                label {
                    span { (price.resource.label()) ", " (unit(price.resource)) }
                    input type="range" min="0" max=(FACTORS.len() - 1) step="1" value=(FACTORS.len() / 2)
                        data-price=(place(price.resource));
                    output { (num(price.price, &number::money(price.price))) }
                }
            }
            p {
                button type="button" disabled { "Back to what was measured" }
                span .moved hidden { " Moved: every amount in the tables is computed again here, as an estimate without an interval. The charts stay." }
            }
        }
    }
}

fn step_value(step: i32, from: i32) -> f64 {
    [1.0, 2.0, 5.0][usize::try_from(step % 3).unwrap_or(0)] * 10f64.powi(from + step / 3)
}

fn place(resource: Resource) -> usize {
    Resource::ALL.iter().position(|other| *other == resource).unwrap_or(0)
}

fn unit(resource: Resource) -> &'static str {
    match resource {
        Resource::AppVcpuHour | Resource::StoreVcpuHour => "per vCPU and hour",
        Resource::AppGibHour | Resource::StoreGibHour => "per GiB and hour",
        Resource::EgressGb | Resource::CrossZoneGb => "per GB",
        Resource::StoreMillionUnits => "per million",
        Resource::StoreNodeHour => "per node and hour",
    }
}

fn sizing(report: &Report, rows: &[&RowCost]) -> Markup {
    let choices = rows.iter().filter(|row| report.row(&row.row).is_some_and(|r| r.role.is_choice()));
    html! {
        h3 .sub { "Sizing" }
        ul .sizing { @for row in choices { li { code { (row.row) } ": " (sentence(&row.sizing.sentence)) } } }
    }
}

fn prices(cost: &Cost) -> Markup {
    html! {
        details {
            summary { "The prices, and what the amounts assume" }
            div .scroll tabindex="0" role="region" aria-label="The prices" {
                table {
                    thead { tr {
                        th scope="col" { "Of" } th scope="col" { (cost.currency) } th scope="col" { "Unit" }
                        th scope="col" { "As of" } th scope="col" { "Source" }
                    } }
                    tbody { @for price in &cost.prices { tr {
                        th scope="row" { (price.resource.label()) }
                        td .n { (num(price.price, &number::money(price.price))) }
                        td { (unit(price.resource)) }
                        td { time datetime=(price.as_of) { (price.as_of) } }
                        td { (price.source) }
                    } } }
                }
            }
            ul {
                li { "Price sheet " code { (cost.sheet) } ", hash " code { (cost.sheet_sha256) } "." }
                @if !cost.not_charged.is_empty() {
                    li {
                        "Not charged by this sheet: "
                        (cost.not_charged.iter().map(|resource| resource.label()).collect::<Vec<_>>().join(", ")) "."
                    }
                }
                @for assumption in &cost.assumptions { li { (assumption) "." } }
            }
        }
    }
}

/// What the page needs to compute an amount: prices by [`Resource::ALL`], and per row what it uses.
#[derive(Serialize)]
pub(super) struct Embedded<'a> {
    rate: f64,
    logins: f64,
    prices: [Option<f64>; Resource::ALL.len()],
    utilisation: f64,
    store_minimum_gib: f64,
    store_node_gib: Option<f64>,
    store_nodes: u32,
    factors: [f64; 7],
    /// The row without authentication.
    floor: &'static str,
    /// Replicas, then what [`Usage`] holds, in its order.
    rows: BTreeMap<&'a str, (u32, [f64; 8], bool)>,
}

/// For the script.
pub(super) fn embedded(report: &Report) -> Option<Embedded<'_>> {
    let (_, cost, own) = priced(report)?;
    let price =
        |resource| cost.prices.iter().find(|price| price.resource == resource).map(|price| price.price);
    Some(Embedded {
        rate: own.measured_rate,
        logins: own.measured_logins.unwrap_or(0.0),
        prices: Resource::ALL.map(price),
        utilisation: cost.utilisation,
        store_minimum_gib: cost.store_minimum_gib,
        store_node_gib: cost.store_node_gib,
        store_nodes: cost.store_nodes,
        factors: FACTORS,
        floor: FLOOR,
        rows: own.rows.iter().map(|row| (row.row.as_str(), used(row))).collect(),
    })
}

fn used(row: &RowCost) -> (u32, [f64; 8], bool) {
    let Usage {
        app_cpu_s,
        store_cpu_s,
        egress_bytes,
        store_bytes,
        store_commands,
        app_bytes,
        app_bytes_per_login,
        store_bytes_per_login,
        has_store,
    } = row.usage;
    let amounts = [
        app_cpu_s,
        store_cpu_s,
        egress_bytes,
        store_bytes,
        store_commands,
        app_bytes,
        app_bytes_per_login,
        store_bytes_per_login,
    ];
    (row.replicas, amounts, has_store)
}
