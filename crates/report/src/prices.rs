//! A price sheet: what resources cost, each price with its date and its source.
//!
//! ```toml
//! name = "mine"
//! summary = "Containers and a cache, our contract of 2026"
//! utilisation = 0.6                   # share of a vCPU that is planned with; default 0.6
//! store_minimum_gib = 0.1             # metered at least, where the store is paid for by size
//!
//! [prices.app_vcpu_hour]
//! price = 0.04048
//! currency = "USD"                    # one for the whole sheet
//! as_of = "2026-06-01"
//! source = "https://…"
//! ```

use std::path::Path;

use measure::FileError;
use measure::file::{locate, parse};
use measure::recording::sha256_hex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Share of a vCPU that is planned with, where a sheet does not say.
const UTILISATION: f64 = 0.6;

/// A price sheet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "authbench price sheet")]
pub struct PriceSheet {
    /// Name, kebab-case.
    pub name: String,
    /// One line: whose prices, where.
    pub summary: String,
    /// Share of a vCPU that is planned with, above 0 and at most 1.
    #[serde(default = "usual_utilisation")]
    #[schemars(range(min = 0.01, max = 1.0))]
    pub utilisation: f64,
    /// GiB that a store paid for by size is metered at, at least.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub store_minimum_gib: f64,
    /// GiB of data that one node holds; needed with `prices.store_node_hour`.
    #[serde(default)]
    pub store_node_gib: Option<f64>,
    /// Nodes at least, e.g. 2 for one with a replica.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub store_nodes: u32,
    /// The prices; a resource without one is not charged.
    pub prices: Prices,
}

fn usual_utilisation() -> f64 {
    UTILISATION
}

fn one() -> u32 {
    1
}

/// A price by resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// One vCPU of a server for an hour.
    pub app_vcpu_hour: Price,
    /// One GiB of a server's memory for an hour.
    pub app_gib_hour: Option<Price>,
    /// 1,000,000,000 bytes from the server to its clients.
    pub egress_gb: Option<Price>,
    /// 1,000,000,000 bytes between server and store, both directions added up.
    pub cross_zone_gb: Option<Price>,
    /// A million processing units of the store: one per command, or per 1,000 bytes moved if that is more.
    pub store_million_units: Option<Price>,
    /// One GiB in the store for an hour.
    pub store_gib_hour: Option<Price>,
    /// One vCPU of the store for an hour, where it runs on a machine of one's own.
    pub store_vcpu_hour: Option<Price>,
    /// One node of the store for an hour.
    pub store_node_hour: Option<Price>,
}

/// What something costs, since when and according to whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// In the currency, not negative.
    #[schemars(range(min = 0.0))]
    pub price: f64,
    /// ISO 4217 code, e.g. `USD`; the same in the whole sheet.
    pub currency: String,
    /// Day on which it was read, `YYYY-MM-DD`.
    pub as_of: String,
    /// Where it can be looked up.
    pub source: String,
}

/// What is charged, in the order of all tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the price of the same name in `Prices`")]
pub enum Resource {
    AppVcpuHour,
    AppGibHour,
    EgressGb,
    CrossZoneGb,
    StoreMillionUnits,
    StoreGibHour,
    StoreVcpuHour,
    StoreNodeHour,
}

impl Resource {
    /// All, in order.
    pub const ALL: [Self; 8] = [
        Self::AppVcpuHour,
        Self::AppGibHour,
        Self::EgressGb,
        Self::CrossZoneGb,
        Self::StoreMillionUnits,
        Self::StoreGibHour,
        Self::StoreVcpuHour,
        Self::StoreNodeHour,
    ];

    /// Its key in a sheet.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::AppVcpuHour => "app_vcpu_hour",
            Self::AppGibHour => "app_gib_hour",
            Self::EgressGb => "egress_gb",
            Self::CrossZoneGb => "cross_zone_gb",
            Self::StoreMillionUnits => "store_million_units",
            Self::StoreGibHour => "store_gib_hour",
            Self::StoreVcpuHour => "store_vcpu_hour",
            Self::StoreNodeHour => "store_node_hour",
        }
    }

    /// In words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::AppVcpuHour => "CPU of the servers",
            Self::AppGibHour => "memory of the servers",
            Self::EgressGb => "bytes to the clients",
            Self::CrossZoneGb => "bytes between server and store",
            Self::StoreMillionUnits => "commands of the store",
            Self::StoreGibHour => "data in the store",
            Self::StoreVcpuHour => "CPU of the store",
            Self::StoreNodeHour => "nodes of the store",
        }
    }

    /// Is it paid for by the hour, however few requests there are? Otherwise by the request.
    #[must_use]
    pub const fn is_standing(self) -> bool {
        matches!(self, Self::AppGibHour | Self::StoreGibHour | Self::StoreNodeHour)
    }
}

impl PriceSheet {
    /// Reads a sheet. `path` is used in errors.
    ///
    /// # Errors
    ///
    /// A [`FileError`] with line, key and next step: a price without date or source, a negative one, two currencies.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let sheet: Self = parse(path, text)?;
        match sheet.fault() {
            None => Ok(sheet),
            Some((key, message, hint)) => {
                Err(locate(path, text, &key, None, format!("`{key}`: {message}"), Some(hint.to_owned())))
            }
        }
    }

    /// The price of a resource, where the sheet has one.
    #[must_use]
    pub const fn price(&self, resource: Resource) -> Option<&Price> {
        let prices = &self.prices;
        match resource {
            Resource::AppVcpuHour => Some(&prices.app_vcpu_hour),
            Resource::AppGibHour => prices.app_gib_hour.as_ref(),
            Resource::EgressGb => prices.egress_gb.as_ref(),
            Resource::CrossZoneGb => prices.cross_zone_gb.as_ref(),
            Resource::StoreMillionUnits => prices.store_million_units.as_ref(),
            Resource::StoreGibHour => prices.store_gib_hour.as_ref(),
            Resource::StoreVcpuHour => prices.store_vcpu_hour.as_ref(),
            Resource::StoreNodeHour => prices.store_node_hour.as_ref(),
        }
    }

    /// The currency of all prices.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.prices.app_vcpu_hour.currency
    }

    /// The oldest date in the sheet.
    #[must_use]
    pub fn oldest(&self) -> &str {
        let dates = Resource::ALL.iter().filter_map(|resource| self.price(*resource));
        dates.map(|price| price.as_of.as_str()).min().unwrap_or_default()
    }

    /// SHA-256 (hex) of all it says, whatever its file looks like.
    #[must_use]
    pub fn sha256(&self) -> String {
        #[expect(
            clippy::expect_used,
            reason = "a sheet holds only strings, finite numbers and tables of them"
        )]
        let text = toml::to_string(self).expect("a price sheet serialises");
        sha256_hex(text.as_bytes())
    }

    /// Key, message and hint of the first thing wrong.
    fn fault(&self) -> Option<(String, String, &'static str)> {
        let say = |key: &str, message: String, hint| Some((key.to_owned(), message, hint));
        if !(self.utilisation > 0.0 && self.utilisation <= 1.0) {
            let message = format!("{} is no share of a vCPU", self.utilisation);
            return say("utilisation", message, "write a number above 0 and at most 1, e.g. 0.6");
        }
        if !(self.store_minimum_gib >= 0.0 && self.store_minimum_gib.is_finite()) {
            let message = format!("{} is no size", self.store_minimum_gib);
            return say("store_minimum_gib", message, "write GiB, 0 for none");
        }
        if self.store_nodes == 0 {
            return say("store_nodes", "0 nodes hold nothing".into(), "1 is the default");
        }
        match (self.store_node_gib, &self.prices.store_node_hour) {
            (None, Some(_)) => {
                let message = "the size of a node is not given".to_owned();
                return say("prices.store_node_hour", message, "add `store_node_gib = …` at the top");
            }
            (Some(gib), _) if !(gib > 0.0 && gib.is_finite()) => {
                return say(
                    "store_node_gib",
                    format!("{gib} is no size"),
                    "write the GiB of data a node holds",
                );
            }
            _ => {}
        }
        let by_use = [&self.prices.store_million_units, &self.prices.store_gib_hour];
        if self.prices.store_node_hour.is_some() && by_use.iter().any(|price| price.is_some()) {
            let message = "the store is paid for by nodes and by use at once".to_owned();
            return say("prices.store_node_hour", message, "keep one of the two ways");
        }
        Resource::ALL.iter().find_map(|resource| {
            let (part, message, hint) = self.price(*resource)?.fault(self.currency())?;
            Some((format!("prices.{}.{part}", resource.key()), message, hint))
        })
    }
}

impl Price {
    fn fault(&self, currency: &str) -> Option<(&'static str, String, &'static str)> {
        if !(self.price >= 0.0 && self.price.is_finite()) {
            let message = format!("{} is no price", self.price);
            return Some(("price", message, "write what it costs: 0 or more"));
        }
        if self.currency.len() != 3 || !self.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let message = format!("`{}` is no currency", self.currency);
            return Some(("currency", message, "write an ISO 4217 code, e.g. \"USD\""));
        }
        if self.currency != currency {
            let message = format!("{} in a sheet in {currency}", self.currency);
            return Some(("currency", message, "convert it: a sheet has one currency"));
        }
        if !is_day(&self.as_of) {
            let message = format!("`{}` is no day", self.as_of);
            return Some(("as_of", message, "write the day on which the price was read: \"2026-06-01\""));
        }
        if self.source.trim().is_empty() {
            return Some(("source", "is empty".into(), "say where the price can be looked up"));
        }
        None
    }
}

/// `YYYY-MM-DD`, a day that exists.
fn is_day(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let [year, month, day] = text.split('-').collect::<Vec<_>>()[..] else { return false };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) || ![year, month, day].into_iter().all(digits) {
        return false;
    }
    let number = |part: &str| part.parse::<u32>().unwrap_or(0);
    let (year, month, day) = (number(year), number(month), number(day));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    year > 0 && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../scenarios/prices/cloud-2026-06.toml");

    fn refused(from: &str, to: &str) -> String {
        let text = SHIPPED.replacen(from, to, 1);
        assert_ne!(text, SHIPPED, "{from} is not in the sheet");
        PriceSheet::parse(Path::new("p.toml"), &text).unwrap_err().to_string()
    }

    #[test]
    fn the_shipped_sheet_is_whole() {
        let sheet = PriceSheet::parse(Path::new("p.toml"), SHIPPED).unwrap();
        assert_eq!((sheet.currency(), sheet.oldest(), sheet.utilisation), ("USD", "2026-06-01", 0.6));
        assert_eq!(sheet.price(Resource::StoreMillionUnits).unwrap().price, 0.0023);
        assert_eq!(sheet.price(Resource::StoreNodeHour), None);
        assert_eq!(sheet.sha256(), sheet.clone().sha256());
        assert_eq!(sheet.sha256().len(), 64);
    }

    #[test]
    fn what_is_wrong_is_said_with_line_key_and_cure() {
        for (from, to, says) in [
            ("as_of = \"2026-06-01\"\n", "", &["p.toml:", "prices.app_vcpu_hour.as_of", "help: add"][..]),
            ("source = \"https://aws.amazon.com/fargate/pricing/\"\n", "", &["prices.app_vcpu_hour.source"]),
            (
                "source = \"https://aws.amazon.com/fargate/pricing/\"",
                "source = ' '",
                &["source", "looked up"],
            ),
            ("price = 0.04048", "price = -1", &["p.toml:13:", "prices.app_vcpu_hour.price", "-1", "help:"]),
            ("price = 0.04048", "price = nan", &["prices.app_vcpu_hour.price", "NaN"]),
            ("2026-06-01", "2026-02-30", &["prices.app_vcpu_hour.as_of", "2026-02-30", "no day"]),
            ("currency = \"USD\"", "currency = \"usd\"", &["currency", "ISO 4217"]),
            ("currency = \"USD\"", "currency = \"EUR\"", &["prices.app_gib_hour.currency", "one currency"]),
            ("app_gib_hour", "app_gb_hour", &["unknown key `prices.app_gb_hour`", "app_gib_hour"]),
            ("utilisation = 0.6", "utilisation = 0", &["p.toml:", "utilisation"]),
            ("store_gib_hour", "store_node_hour", &["prices.store_node_hour", "store_node_gib"]),
        ] {
            let said = refused(from, to);
            assert!(says.iter().all(|part| said.contains(part)), "{from} -> {to}: {said}");
        }
    }

    #[test]
    fn days_exist_or_do_not() {
        for day in ["2026-06-01", "2024-02-29", "2000-02-29", "2026-12-31"] {
            assert!(is_day(day), "{day}");
        }
        for none in [
            "2026-6-1",
            "2023-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-10",
            "today",
            "2026-06-01T00:00",
            "",
        ] {
            assert!(!is_day(none), "{none}");
        }
    }
}
