//! Figures of a drill by name, for claims: `figure(survival, ROW, drill-EVENT-THIEF)`.

use measure::drill::{DrillResult, SurvivalRecord};

use crate::claims::Special;
use crate::comparison::Estimate;
use crate::number;

/// A special figure: which, of which scenario, of which row.
type Key = (Special, String, String);

/// How long a credential worked at the design's own settings, nanoseconds: what was measured, lengthened as the bound was
/// shortened. Of a lifetime the slack to its end is kept, as credentials are as old at their end as they were; of any
/// other bound the share. Absent where the design promises no end, or the cell shows nothing.
#[must_use]
pub fn unscaled_ns(cell: &SurvivalRecord, measured_ns: u64) -> Option<f64> {
    let (bound_ns, own_ns) = (cell.bound_ns?, cell.unscaled_bound_ns?);
    if cell.void.is_some() || cell.ended == 0 {
        return None;
    }
    if measured_ns == 0 || bound_ns == 0 || cell.unscaled {
        return Some(measured_ns as f64);
    }
    if bound_ns == cell.lifetime_ns {
        return Some((own_ns as f64 - (bound_ns as f64 - measured_ns as f64)).max(0.0));
    }
    Some(measured_ns as f64 * own_ns as f64 / bound_ns as f64)
}

/// All figures of a drill.
pub fn figures(results: &[DrillResult]) -> Vec<(Key, Estimate)> {
    results.iter().flat_map(of).collect()
}

fn of(result: &DrillResult) -> Vec<(Key, Estimate)> {
    match result {
        DrillResult::Survival(cell) if !cell.unscaled => {
            let scenario = format!("drill-{}-{}", cell.event.name(), cell.thief.name());
            let key = |special| (special, scenario.clone(), cell.backend.clone());
            let longest = unscaled_ns(cell, cell.survival_ns.max);
            let noticed = share(cell.alarms, cell.trials).filter(|_| cell.void.is_none());
            longest
                .map(|ns| (key(Special::Survival), Estimate::bare(ns)))
                .into_iter()
                .chain(noticed.map(|share| (key(Special::Noticed), share)))
                .collect()
        }
        DrillResult::Price(price) if price.refreshes > 0 => {
            let scenario = format!("drill-{}-{}", price.habit, grace(price.grace_ns));
            let key = (Special::ForcedLogouts, scenario, price.backend.clone());
            vec![(key, Estimate::bare(price.per_thousand()))]
        }
        _ => Vec::new(),
    }
}

/// `0s`, `200ms`: as a plan writes it.
fn grace(ns: u64) -> String {
    let millis = ns / 1_000_000;
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}

/// A share with Clopper-Pearson bounds.
fn share(hits: u64, all: u64) -> Option<Estimate> {
    let bounds = stats::binomial::clopper_pearson(hits, all, 0.95).ok()?;
    let value = number::six_digits(hits as f64 / all as f64);
    Some(Estimate { value, interval: Some([bounds.low, bounds.high]), level: bounds.level })
}
