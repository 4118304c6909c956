//! The price of a million requests: pure arithmetic on what was measured and what is charged.
//!
//! Per request: vCPU time at the utilisation planned with, bytes to the clients, bytes between server and store, the
//! store's units. Standing, by the hour and so divided by the request rate: memory of the servers, data in the store,
//! its nodes. The cost of a design is therefore a curve over request rate and live logins and not one number.

use schemars::JsonSchema;
use serde::Serialize;

use crate::number::six_digits;
use crate::prices::{PriceSheet, Resource};

/// Bytes in a GiB.
const GIB: f64 = 1_073_741_824.0;
/// Bytes that one unit of the store moves: the usual definition of a processing unit (a started kilobyte) taken over
/// the mean command, so a lower bound where commands differ much in size.
const UNIT_BYTES: f64 = 1_000.0;

/// What a design uses. Times in seconds, sizes in bytes, all per request unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, JsonSchema)]
pub struct Usage {
    /// CPU of the server.
    pub app_cpu_s: f64,
    /// CPU of the store.
    pub store_cpu_s: f64,
    /// From the server to the client.
    pub egress_bytes: f64,
    /// Between server and store, both directions.
    pub store_bytes: f64,
    /// Commands to the store.
    pub store_commands: f64,
    /// Memory of one server process without logins.
    pub app_bytes: f64,
    /// Memory of the servers per live login.
    pub app_bytes_per_login: f64,
    /// Data in the store per live login.
    pub store_bytes_per_login: f64,
    /// Does it need a store at all? Otherwise none of its standing cost is charged.
    pub has_store: bool,
}

impl Usage {
    /// The same to six significant digits: what a report holds, so that every amount can be computed again from it.
    #[must_use]
    pub fn rounded(self) -> Self {
        Self {
            app_cpu_s: six_digits(self.app_cpu_s),
            store_cpu_s: six_digits(self.store_cpu_s),
            egress_bytes: six_digits(self.egress_bytes),
            store_bytes: six_digits(self.store_bytes),
            store_commands: six_digits(self.store_commands),
            app_bytes: six_digits(self.app_bytes),
            app_bytes_per_login: six_digits(self.app_bytes_per_login),
            store_bytes_per_login: six_digits(self.store_bytes_per_login),
            has_store: self.has_store,
        }
    }
}

/// Under what load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Requests per second, mean; above 0.
    pub rate: f64,
    /// Live logins.
    pub logins: f64,
    /// Server processes.
    pub replicas: u32,
}

/// Quantities by [`Resource::ALL`], in the unit that each is priced in.
pub type Quantities = [f64; Resource::ALL.len()];

/// What a million requests use.
#[must_use]
pub fn quantities(usage: &Usage, load: Load, sheet: &PriceSheet) -> Quantities {
    let hours = 1e6 / (3_600.0 * load.rate);
    let standing = standing(usage, load, sheet);
    Resource::ALL.map(|resource| match resource {
        Resource::AppVcpuHour => 1e6 * usage.app_cpu_s / 3_600.0 / sheet.utilisation,
        Resource::StoreVcpuHour => 1e6 * usage.store_cpu_s / 3_600.0 / sheet.utilisation,
        Resource::EgressGb => 1e6 * usage.egress_bytes / 1e9,
        Resource::CrossZoneGb => 1e6 * usage.store_bytes / 1e9,
        Resource::StoreMillionUnits => usage.store_commands.max(usage.store_bytes / UNIT_BYTES),
        Resource::AppGibHour => hours * standing.app_gib,
        Resource::StoreGibHour => hours * standing.store_gib,
        Resource::StoreNodeHour => hours * standing.nodes,
    })
}

struct Standing {
    app_gib: f64,
    store_gib: f64,
    nodes: f64,
}

fn standing(usage: &Usage, load: Load, sheet: &PriceSheet) -> Standing {
    let data = usage.store_bytes_per_login * load.logins / GIB;
    let app_gib =
        (usage.app_bytes * f64::from(load.replicas) + usage.app_bytes_per_login * load.logins) / GIB;
    if !usage.has_store {
        return Standing { app_gib, store_gib: 0.0, nodes: 0.0 };
    }
    let nodes = sheet.store_node_gib.map_or(0.0, |gib| libm::ceil(data / gib));
    Standing {
        app_gib,
        store_gib: data.max(sheet.store_minimum_gib),
        nodes: nodes.max(f64::from(sheet.store_nodes)),
    }
}

/// Cost of a million requests, in the sheet's currency.
#[must_use]
pub fn per_million(usage: &Usage, load: Load, sheet: &PriceSheet) -> f64 {
    total(&quantities(usage, load, sheet), sheet, |_| true)
}

/// The part of [`per_million`] that does not depend on the request rate.
#[must_use]
pub fn per_request_part(usage: &Usage, sheet: &PriceSheet) -> f64 {
    let any = Load { rate: 1.0, logins: 0.0, replicas: 1 };
    total(&quantities(usage, any, sheet), sheet, |resource| !resource.is_standing())
}

/// What stands there whether requests come or not, per hour.
#[must_use]
pub fn standing_per_hour(usage: &Usage, logins: f64, replicas: u32, sheet: &PriceSheet) -> f64 {
    // At this rate a million requests take exactly an hour.
    let load = Load { rate: 1e6 / 3_600.0, logins, replicas };
    total(&quantities(usage, load, sheet), sheet, Resource::is_standing)
}

fn total(quantities: &Quantities, sheet: &PriceSheet, counts: impl Fn(Resource) -> bool) -> f64 {
    let priced = Resource::ALL.iter().zip(quantities).filter(|(resource, _)| counts(**resource));
    priced
        .map(|(resource, quantity)| sheet.price(*resource).map_or(0.0, |price| price.price) * quantity)
        .sum()
}

/// Where two designs cost the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crossing {
    /// At this request rate; above it the second is cheaper if `second_above`, the first otherwise.
    At {
        /// Requests per second.
        rate: f64,
        /// Which one profits from more requests?
        second_above: bool,
    },
    /// Nowhere: the first is cheaper at every rate.
    First,
    /// Nowhere: the second is.
    Second,
    /// Everywhere.
    Everywhere,
}

/// The request rate at which two designs with the same live logins cost the same:
/// `(standing₁ − standing₂)·10⁶/3600 = (request₂ − request₁)·λ`.
#[must_use]
pub fn crossing(first: (&Usage, u32), second: (&Usage, u32), logins: f64, sheet: &PriceSheet) -> Crossing {
    let parts = |(usage, replicas): (&Usage, u32)| {
        (per_request_part(usage, sheet), standing_per_hour(usage, logins, replicas, sheet))
    };
    meet(parts(first), parts(second))
}

/// The same from the parts of both: what a million requests cost without what stands there, and what stands there per
/// hour.
#[must_use]
pub fn meet(first: (f64, f64), second: (f64, f64)) -> Crossing {
    let standing = first.1 - second.1;
    let request = second.0 - first.0;
    let rate = standing * 1e6 / 3_600.0 / request;
    if rate.is_finite() && rate > 0.0 {
        return Crossing::At { rate, second_above: request < 0.0 };
    }
    if standing == 0.0 && request == 0.0 {
        Crossing::Everywhere
    } else if standing <= 0.0 && request >= 0.0 {
        Crossing::First
    } else {
        Crossing::Second
    }
}
