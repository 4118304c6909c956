//! What each design costs in money: a curve over request rate and live logins, with the break-even lines between designs.
//!
//! Invariant: a pure function of the recording and a price sheet. Prices are taken as exact; intervals come from the
//! rounds alone, resampled with the same rounds for every row.

pub mod csv;
pub mod formula;
mod parts;
mod sizing;
pub(crate) mod usage;

use measure::Recording;
use schemars::JsonSchema;
use serde::Serialize;

use crate::controls::{FLOOR, Role};
use crate::model::{Figure, Memory};
use crate::number::six_digits as rounded;
use crate::prices::{PriceSheet, Resource};
pub use formula::{Crossing, Load, Usage};
use parts::Parts;
pub use sizing::Sizing;
use usage::{Measured, MeasuredRow};

/// Request rates of the curves, per second.
pub const RATES: [f64; 9] = [10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4, 1e5];
/// Live logins of the curves and break-even lines.
pub const LOGINS: [f64; 5] = [1e3, 1e4, 1e5, 1e6, 1e7];

/// Cost of every row, by one price sheet.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cost {
    /// Name of the price sheet.
    pub sheet: String,
    /// What the sheet says of itself.
    pub summary: String,
    /// SHA-256 (hex) of all the sheet says.
    pub sheet_sha256: String,
    /// ISO 4217 code of every amount.
    pub currency: String,
    /// Date of the oldest price, `YYYY-MM-DD`.
    pub oldest_price: String,
    /// Share of a vCPU that is planned with.
    pub utilisation: f64,
    /// GiB that a store paid for by size is metered at, at least.
    pub store_minimum_gib: f64,
    /// GiB of data that one node of the store holds, where nodes are charged.
    pub store_node_gib: Option<f64>,
    /// Nodes of the store at least.
    pub store_nodes: u32,
    /// The prices used.
    pub prices: Vec<PriceLine>,
    /// Resources without a price in the sheet: they are not in any amount.
    pub not_charged: Vec<Resource>,
    /// By paired scenario.
    pub scenarios: Vec<ScenarioCost>,
    /// What the amounts assume, one sentence each.
    pub assumptions: Vec<String>,
}

/// One price.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PriceLine {
    /// Of what.
    pub resource: Resource,
    /// Per unit of the resource.
    pub price: f64,
    /// Day on which it was read.
    pub as_of: String,
    /// Where.
    pub source: String,
}

/// Cost in one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ScenarioCost {
    /// Scenario.
    pub name: String,
    /// Request rate that was measured, per second.
    pub measured_rate: f64,
    /// Live logins that were measured; absent where users log in themselves, and then cost has no axis of logins.
    pub measured_logins: Option<f64>,
    /// Rows that can be priced.
    pub rows: Vec<RowCost>,
    /// Between every two backends a reader could choose.
    pub break_even: Vec<BreakEven>,
}

/// Cost of one row.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RowCost {
    /// Row.
    pub row: String,
    /// Server processes.
    pub replicas: u32,
    /// What it uses: all amounts follow from this and the prices.
    pub usage: Usage,
    /// A million requests, at the rate and logins that were measured.
    pub per_million: Figure,
    /// Of that, over the row without authentication; paired by rounds.
    pub added_per_million: Option<Figure>,
    /// The same over the plan's baseline; absent for the baseline itself.
    pub over_baseline_per_million: Option<Figure>,
    /// The same over the cheapest backend a reader could choose; absent for that one, for controls and for the row
    /// without authentication.
    pub over_cheapest_per_million: Option<Figure>,
    /// The part that does not depend on the rate.
    pub per_request_part: Figure,
    /// What stands there by the hour, at the logins that were measured.
    pub standing_per_hour: Figure,
    /// The lines that [`Self::per_million`] is the sum of.
    pub items: Vec<Item>,
    /// A million requests by live logins and request rate.
    pub curves: Vec<Curve>,
    /// How much it carries.
    pub sizing: Sizing,
}

/// One line of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Item {
    /// What.
    pub resource: Resource,
    /// How much, in the unit it is priced in.
    pub quantity: f64,
    /// Quantity × price.
    pub cost: f64,
}

/// Cost of a million requests over the request rate.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Curve {
    /// Live logins.
    pub logins: f64,
    /// Are they more than were measured? Then memory is extended in proportion.
    pub extrapolated: bool,
    /// Requests per second.
    pub rates: Vec<f64>,
    /// A million requests at each.
    pub per_million: Vec<Figure>,
}

/// Where two designs cost the same.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BreakEven {
    /// One.
    pub first: String,
    /// The other.
    pub second: String,
    /// By live logins, ascending.
    pub points: Vec<BreakEvenPoint>,
}

/// One point of a break-even line.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BreakEvenPoint {
    /// Live logins.
    pub logins: f64,
    /// Request rate at which both cost the same; absent where one is cheaper at every rate. Without an interval it is not
    /// resolved: the rounds do not agree that there is one.
    pub rate: Option<Figure>,
    /// Cheaper below that rate, or everywhere; absent where they cost the same or the rounds do not agree.
    pub cheaper_below: Option<String>,
    /// Cheaper above that rate, or everywhere.
    pub cheaper_above: Option<String>,
}

/// Prices a recording. Sizing says what logins take by `memory`, where that was measured, else by the recording alone.
#[must_use]
pub fn of(recording: &Recording, sheet: &PriceSheet, memory: Option<&Memory>) -> Cost {
    let (charged, not_charged): (Vec<Resource>, Vec<Resource>) =
        Resource::ALL.iter().partition(|resource| sheet.price(**resource).is_some());
    let line = |resource: Resource| {
        let price = sheet.price(resource)?;
        let (as_of, source) = (price.as_of.clone(), price.source.clone());
        Some(PriceLine { resource, price: price.price, as_of, source })
    };
    let measured = Measured::of(recording);
    Cost {
        sheet: sheet.name.clone(),
        summary: sheet.summary.clone(),
        sheet_sha256: sheet.sha256(),
        currency: sheet.currency().to_owned(),
        oldest_price: sheet.oldest().to_owned(),
        utilisation: sheet.utilisation,
        store_minimum_gib: sheet.store_minimum_gib,
        store_node_gib: sheet.store_node_gib,
        store_nodes: sheet.store_nodes,
        prices: charged.into_iter().filter_map(line).collect(),
        not_charged,
        scenarios: measured.iter().map(|measured| scenario(measured, recording, sheet, memory)).collect(),
        assumptions: assumptions(recording, sheet),
    }
}

fn scenario(
    measured: &Measured,
    recording: &Recording,
    sheet: &PriceSheet,
    memory: Option<&Memory>,
) -> ScenarioCost {
    let floor = measured.row(FLOOR);
    let choices: Vec<&MeasuredRow> = measured
        .rows
        .iter()
        .filter(|row| Role::of(&row.name, &recording.plan.baseline).is_choice() && row.name != FLOOR)
        .collect();
    let dearness = |row: &&MeasuredRow| formula::per_million(&row.usage, load(measured, row), sheet);
    let cheapest = choices.iter().copied().min_by(|a, b| dearness(a).total_cmp(&dearness(b)));
    let chosen = |row: &MeasuredRow| choices.iter().any(|choice| choice.name == row.name);
    let axis = logins_axis(measured);
    let parts: Vec<Parts<'_>> = measured.rows.iter().map(|row| Parts::of(row, &axis, sheet)).collect();
    let row = |parts: &Parts<'_>| {
        let beside = (floor, cheapest.filter(|_| chosen(parts.row)));
        let curves = curves(measured, parts, &axis);
        let sizing = sizing::sizing(measured, parts.row, recording, sheet.utilisation, memory);
        RowCost { curves, ..row_cost(measured, parts.row, beside, (recording, sheet), sizing) }
    };
    let choices: Vec<&Parts<'_>> = parts.iter().filter(|parts| chosen(parts.row)).collect();
    let pairs = (0..choices.len()).flat_map(|i| (i + 1..choices.len()).map(move |j| (i, j)));
    ScenarioCost {
        name: measured.scenario.clone(),
        measured_rate: rounded(measured.rate),
        measured_logins: measured.logins,
        rows: parts.iter().map(row).collect(),
        break_even: pairs
            .map(|(i, j)| BreakEven {
                first: choices[i].row.name.clone(),
                second: choices[j].row.name.clone(),
                points: axis
                    .iter()
                    .enumerate()
                    .map(|(place, &logins)| point(measured, choices[i], choices[j], (place, logins)))
                    .collect(),
            })
            .collect(),
    }
}

fn curves(measured: &Measured, parts: &Parts<'_>, axis: &[f64]) -> Vec<Curve> {
    let curve = |(place, &logins): (usize, &f64)| Curve {
        logins,
        extrapolated: measured.logins.is_some_and(|measured| logins > measured),
        rates: RATES.to_vec(),
        per_million: RATES.iter().map(|&rate| parts.per_million(measured, place, rate)).collect(),
    };
    axis.iter().enumerate().map(curve).collect()
}

/// The logins of the curves; where none were counted, only those that were there.
fn logins_axis(measured: &Measured) -> Vec<f64> {
    if measured.logins.is_some() { LOGINS.to_vec() } else { vec![0.0] }
}

/// An estimate with the interval of its draws.
pub(crate) fn figure<const N: usize>(
    measured: &Measured,
    rows: [&MeasuredRow; N],
    of: impl Fn([&Usage; N]) -> f64,
) -> Figure {
    let value = rounded(of(rows.map(|row| &row.usage)));
    let interval = measured.interval(rows, |usages| Some(of(usages)));
    bounded(value, interval.ok())
}

fn bounded(value: f64, interval: Option<stats::Interval>) -> Figure {
    interval.map_or(Figure::exact(value), |interval| {
        Figure::between(value, rounded(interval.low), rounded(interval.high))
    })
}

/// The load that was measured.
fn load(measured: &Measured, row: &MeasuredRow) -> Load {
    Load { rate: measured.rate, logins: measured.logins.unwrap_or(0.0), replicas: row.replicas }
}

fn row_cost(
    measured: &Measured,
    row: &MeasuredRow,
    (floor, cheapest): (Option<&MeasuredRow>, Option<&MeasuredRow>),
    (recording, sheet): (&Recording, &PriceSheet),
    sizing: Sizing,
) -> RowCost {
    let logins = measured.logins.unwrap_or(0.0);
    let load = |row: &MeasuredRow| load(measured, row);
    let quantities = formula::quantities(&row.usage, load(row), sheet);
    let items = Resource::ALL.into_iter().zip(quantities).filter_map(|(resource, quantity)| {
        let cost = quantity * sheet.price(resource)?.price;
        (quantity > 0.0).then_some(Item { resource, quantity: rounded(quantity), cost: rounded(cost) })
    });
    let over = |other: &MeasuredRow| {
        figure(measured, [row, other], |[usage, base]| {
            formula::per_million(usage, load(row), sheet) - formula::per_million(base, load(other), sheet)
        })
    };
    RowCost {
        row: row.name.clone(),
        replicas: row.replicas,
        usage: row.usage,
        per_million: figure(measured, [row], |[usage]| formula::per_million(usage, load(row), sheet)),
        added_per_million: floor.filter(|floor| floor.name != row.name).map(over),
        over_baseline_per_million: measured
            .row(&recording.plan.baseline)
            .filter(|baseline| baseline.name != row.name)
            .map(over),
        over_cheapest_per_million: cheapest.filter(|cheapest| cheapest.name != row.name).map(over),
        per_request_part: figure(measured, [row], |[usage]| formula::per_request_part(usage, sheet)),
        standing_per_hour: figure(measured, [row], |[usage]| {
            formula::standing_per_hour(usage, logins, row.replicas, sheet)
        }),
        items: items.collect(),
        curves: Vec::new(),
        sizing,
    }
}

fn point(
    measured: &Measured,
    first: &Parts<'_>,
    second: &Parts<'_>,
    (place, logins): (usize, f64),
) -> BreakEvenPoint {
    let (found, agree) = first.crossing(second, measured, place);
    let (first, second) = (first.row, second.row);
    let name = |second_one: bool| Some(if second_one { &second.name } else { &first.name }.clone());
    let agreed = agree.is_some();
    let (rate, below, above) = match found {
        Crossing::At { rate, second_above } => (Some(rate), name(!second_above), name(second_above)),
        Crossing::First => (None, name(false), name(false)),
        Crossing::Second => (None, name(true), name(true)),
        Crossing::Everywhere => (None, None, None),
    };
    BreakEvenPoint {
        logins,
        rate: rate.map(|rate| bounded(rounded(rate), agree)),
        cheaper_below: below.filter(|_| agreed),
        cheaper_above: above.filter(|_| agreed),
    }
}

fn assumptions(recording: &Recording, sheet: &PriceSheet) -> Vec<String> {
    let mut said = vec![
        format!(
            "CPU is measured on this machine and charged at {} of a vCPU; a vCPU elsewhere is faster or slower, but for all rows alike",
            crate::number::percent(sheet.utilisation)
        ),
        "what logins take in memory is taken to grow in proportion to them; ended logins that must be remembered grow with logins as in the scenario".to_owned(),
        "prices are list prices, without free tiers, discounts and taxes; their dates stand beside them".to_owned(),
    ];
    if sheet.prices.store_million_units.is_some() {
        said.push("a command of the store is charged as the mean command: one unit, or one per 1,000 bytes moved if that is more".to_owned());
    }
    if recording.blocks.iter().any(|block| block.store.as_ref().is_some_and(|store| store.shared)) {
        said.push(
            "the store was shared with others: its share of the cost may hold work of theirs".to_owned(),
        );
    }
    said
}

impl Cost {
    /// Cost in a scenario.
    #[must_use]
    pub fn scenario(&self, name: &str) -> Option<&ScenarioCost> {
        self.scenarios.iter().find(|scenario| scenario.name == name)
    }
}

impl ScenarioCost {
    /// Cost of a row.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&RowCost> {
        self.rows.iter().find(|row| row.row == name)
    }
}

impl Resource {
    /// `ServiceCategory` of FOCUS.
    #[must_use]
    pub const fn service(self) -> &'static str {
        match self {
            Self::AppVcpuHour | Self::AppGibHour => "Compute",
            Self::EgressGb | Self::CrossZoneGb => "Networking",
            _ => "Databases",
        }
    }

    /// `PricingUnit` in the unit format of FOCUS.
    #[must_use]
    pub const fn focus_unit(self) -> &'static str {
        match self {
            Self::AppVcpuHour | Self::StoreVcpuHour => "vCPU-Hours",
            Self::AppGibHour | Self::StoreGibHour => "GiB-Hours",
            Self::EgressGb | Self::CrossZoneGb => "GB",
            Self::StoreMillionUnits => "1000000 Units",
            Self::StoreNodeHour => "Node-Hours",
        }
    }
}
