//! The decision table: over request rates, live logins, replicas and tolerated exposure, which design is the cheapest.
//!
//! Invariant: a pure function of the recording and a price sheet. Intervals come from the rounds: every resample of them
//! gives a table of its own.

use std::collections::BTreeMap;

use measure::recording::RowRecord;
use measure::{Recording, Replicas};

use crate::advise::declared;
use crate::claims::Special;
use crate::comparison::{Analysis, Estimate};
use crate::controls::{FLOOR, Role, RunState};
use crate::cost::formula::{per_request_part, standing_per_hour};
use crate::cost::usage::{Measured, MeasuredRow};
use crate::prices::PriceSheet;

/// Requests per second.
pub const RATES: [f64; 7] = [10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4];
/// Live logins.
pub const LOGINS: [f64; 4] = [1e3, 1e4, 1e5, 1e6];
/// Server processes.
pub const REPLICAS: [u32; 2] = [1, 3];
/// How long a stolen credential may go on working after its end, nanoseconds: not at all, a minute, an hour, a day.
pub const TOLERATED: [f64; 4] = [0.0, 6e10, 3.6e12, 8.64e13];

/// What an ordinary service is taken to be: at most so many requests per second, live logins, and tolerated nanoseconds.
const ORDINARY: (f64, f64, f64) = (1e3, 1e5, 6e10);
/// The name under which all designs with an opaque id are added up.
const SESSION: &str = "session";

/// One setting, by places in the lists above.
struct Setting {
    rate: f64,
    logins: usize,
    replicas: usize,
    /// Designs that are allowed, by place.
    meets: Vec<usize>,
    ordinary: bool,
}

/// A design: what a request costs, and what stands there by the hour, by logins and replicas.
struct Price {
    request: f64,
    standing: [[f64; REPLICAS.len()]; LOGINS.len()],
}

/// Shares of the settings in which each design, and any session, is the cheapest: for claims, by row and table.
#[must_use]
pub fn figures(
    recording: &Recording,
    analysis: &Analysis,
    sheet: &PriceSheet,
) -> BTreeMap<(Special, String, String), Estimate> {
    let all = Measured::of(recording);
    let usable = |measured: &&Measured| measured.logins.is_some();
    let Some(measured) = all.iter().find(usable).filter(|_| analysis.state != RunState::Unreliable) else {
        return BTreeMap::new();
    };
    let baseline = &recording.plan.baseline;
    let facts = |name: &str| recording.run.rows.iter().find(|facts| facts.name == name);
    let choices: Vec<(&MeasuredRow, &RowRecord)> = measured
        .rows
        .iter()
        .filter(|row| row.name != FLOOR && Role::of(&row.name, baseline).is_choice())
        .filter_map(|row| Some((row, facts(&row.name)?)))
        .collect();
    if choices.len() < 2 {
        return BTreeMap::new();
    }
    let settings = settings(&choices);
    let tables = [("decision", false), ("decision-ordinary", true)];
    let groups: Vec<(String, Vec<usize>)> = groups(&choices);
    let prices = |usage: &dyn Fn(&MeasuredRow) -> Option<Price>| -> Option<Vec<Price>> {
        choices.iter().map(|(row, _)| usage(row)).collect()
    };
    let Some(mean) = prices(&|row| Some(price(&row.usage, sheet))) else { return BTreeMap::new() };
    let draws = choices.iter().map(|(row, _)| row.draws.len()).min().unwrap_or(0);
    let drawn: Vec<Vec<Price>> = (0..draws)
        .filter_map(|at| prices(&|row| row.draws[at].as_ref().map(|usage| price(usage, sheet))))
        .collect();
    let mut found = BTreeMap::new();
    for (table, ordinary) in tables {
        let chosen: Vec<&Setting> = settings.iter().filter(|setting| setting.ordinary || !ordinary).collect();
        let wins = |prices: &[Price]| wins(&chosen, prices);
        let mean = wins(&mean);
        let drawn: Vec<Vec<f64>> = drawn.iter().map(|prices| wins(prices)).collect();
        for (name, members) in &groups {
            let share = |wins: &Vec<f64>| members.iter().map(|&at| wins[at]).sum::<f64>();
            let interval = measured.bounds(drawn.iter().map(share).collect()).ok();
            let estimate = Estimate {
                value: share(&mean),
                interval: interval.as_ref().map(|interval| [interval.low, interval.high]),
                level: interval.map_or(0.95, |interval| interval.level),
            };
            found.insert((Special::CheapestShare, table.to_owned(), name.clone()), estimate);
        }
    }
    found
}

/// Every design by itself, and all sessions together.
fn groups(choices: &[(&MeasuredRow, &RowRecord)]) -> Vec<(String, Vec<usize>)> {
    let opaque = |facts: &RowRecord| facts.describe["credential"].as_str() == Some("opaque");
    let sessions = choices.iter().enumerate().filter(|(_, (_, facts))| opaque(facts)).map(|(at, _)| at);
    let each = choices.iter().enumerate().map(|(at, (row, _))| (row.name.clone(), vec![at]));
    each.chain([(SESSION.to_owned(), sessions.collect())]).collect()
}

fn settings(choices: &[(&MeasuredRow, &RowRecord)]) -> Vec<Setting> {
    let mut settings = Vec::new();
    for rate in RATES {
        for (logins, &many) in LOGINS.iter().enumerate() {
            for (replicas, &processes) in REPLICAS.iter().enumerate() {
                for tolerated in TOLERATED {
                    let meets = |facts: &RowRecord| {
                        let local = facts.header.promises.replicas == Replicas::NodeLocal;
                        declared::bound_ns(facts).is_some_and(|bound| bound <= tolerated)
                            && (processes == 1 || !local)
                    };
                    let (most_rate, most_logins, most_tolerated) = ORDINARY;
                    settings.push(Setting {
                        rate,
                        logins,
                        replicas,
                        meets: (0..choices.len()).filter(|&at| meets(choices[at].1)).collect(),
                        ordinary: rate <= most_rate && many <= most_logins && tolerated <= most_tolerated,
                    });
                }
            }
        }
    }
    settings
}

fn price(usage: &crate::cost::Usage, sheet: &PriceSheet) -> Price {
    Price {
        request: per_request_part(usage, sheet),
        standing: LOGINS
            .map(|logins| REPLICAS.map(|replicas| standing_per_hour(usage, logins, replicas, sheet))),
    }
}

/// Share of the settings in which each is the cheapest.
fn wins(settings: &[&Setting], prices: &[Price]) -> Vec<f64> {
    let mut wins = vec![0.0; prices.len()];
    for setting in settings {
        // A million requests at this rate take so many hours.
        let hours = 1e6 / setting.rate / 3_600.0;
        let cost = |at: &usize| {
            let price = &prices[*at];
            price.request + price.standing[setting.logins][setting.replicas] * hours
        };
        let cheapest = setting.meets.iter().min_by(|a, b| cost(a).total_cmp(&cost(b)));
        if let Some(&at) = cheapest {
            wins[at] += 1.0 / settings.len() as f64;
        }
    }
    wins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(request: f64, standing: f64) -> Price {
        Price { request, standing: [[standing; REPLICAS.len()]; LOGINS.len()] }
    }

    #[test]
    fn the_cheapest_that_is_allowed_wins() {
        let setting = |rate, meets: &[usize]| Setting {
            rate,
            logins: 0,
            replicas: 0,
            meets: meets.to_vec(),
            ordinary: true,
        };
        // The first costs more by the request and nothing by the hour.
        let prices = [price(2.0, 0.0), price(1.0, 1.0)];
        // A million requests take an hour at 277.8 per second: there both cost the same.
        let [slow, fast, strict] = [setting(100.0, &[0, 1]), setting(1e4, &[0, 1]), setting(1e4, &[0])];
        assert_eq!(wins(&[&slow], &prices), [1.0, 0.0]);
        assert_eq!(wins(&[&fast], &prices), [0.0, 1.0]);
        assert_eq!(wins(&[&slow, &fast, &strict, &strict], &prices), [0.75, 0.25]);
        assert_eq!(wins(&[&setting(1.0, &[])], &prices), [0.0, 0.0]);
    }
}
