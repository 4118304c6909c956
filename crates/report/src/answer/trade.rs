//! What ending a login costs: designs by exposure and CPU, and which of them nothing beats on both.

use crate::metric::Metric;
use crate::model::{Figure, Report, Scenario, Sentence};
use crate::number;
use crate::verdict::Verdict;

use super::choices;

/// How long a credential works after the acknowledged end of its login.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Works {
    /// Measured: refused from the first request on.
    Ended,
    /// Measured: so long, ns.
    For(f64),
    /// Measured: to the end of the trial, ns; and what its backend declares as a bound, ns, if anything.
    AtLeast(f64, Option<f64>),
    /// Not measured; declared, ns. Absent = never ends.
    Declared(Option<f64>),
}

impl Works {
    /// For a row of the report.
    fn of(report: &Report, row: &str) -> Self {
        let declared = report.row(row).and_then(|row| row.revocation_bound_ns);
        match report.row(row).and_then(|row| row.survival_ns) {
            Some(0.0) => return Self::Ended,
            Some(ns) => return Self::For(ns),
            None => {}
        }
        match report.exposure(row) {
            None => Self::Declared(declared),
            Some(e) if e.accepted == 0 => Self::Ended,
            Some(e) if e.accepted == e.sent_after => Self::AtLeast(e.longest_ns, declared),
            Some(e) => Self::For(e.longest_ns),
        }
    }

    /// Does the credential end with its login?
    #[must_use]
    pub fn ends_at_once(self) -> bool {
        matches!(self, Self::Ended) || self == Self::Declared(Some(0.0))
    }

    /// Nanoseconds to order by. What lasted to the end of the trial is known by its declaration only.
    fn bound(self) -> f64 {
        match self {
            Self::Ended => 0.0,
            Self::For(ns) => ns,
            Self::AtLeast(ns, declared) => declared.map_or(f64::INFINITY, |declared| declared.max(ns)),
            Self::Declared(declared) => declared.unwrap_or(f64::INFINITY),
        }
    }
}

/// One backend's two prices.
#[derive(Debug, Clone, PartialEq)]
pub struct Trade<'a> {
    /// Row.
    pub row: &'a str,
    /// How long a stolen credential works.
    pub works: Works,
    /// CPU per request, ns.
    pub cpu: Figure,
    /// Backends proven cheaper whose exposure is no longer; empty = nothing beats it. State in the memory of one process
    /// beats only its like.
    pub beaten_by: Vec<&'a str>,
}

/// Every backend with both figures: shortest exposure first, then cheapest.
#[must_use]
pub fn trades<'a>(report: &'a Report, scenario: &Scenario) -> Vec<Trade<'a>> {
    let mut trades: Vec<Trade<'_>> = choices(report, scenario)
        .into_iter()
        .filter_map(|row| {
            let cpu = scenario.figure(row, Metric::Cpu)?;
            Some(Trade { row, works: Works::of(report, row), cpu, beaten_by: Vec::new() })
        })
        .collect();
    trades.sort_by(|a, b| {
        a.works.bound().total_cmp(&b.works.bound()).then(a.cpu.value.total_cmp(&b.cpu.value))
    });
    let beaten: Vec<Vec<&str>> = trades
        .iter()
        .map(|trade| {
            let beats = |other: &&Trade<'_>| {
                // One replica's memory is no answer to the question of several.
                let local = report.row(other.row).is_some_and(crate::model::Row::is_node_local);
                let here = report.row(trade.row).is_some_and(crate::model::Row::is_node_local);
                let cheaper = scenario.comparison(trade.row, other.row, Metric::Cpu);
                (here || !local)
                    && other.works.bound() <= trade.works.bound()
                    && cheaper.is_some_and(|c| c.verdict == Verdict::Faster)
            };
            trades.iter().filter(beats).map(|other| other.row).collect()
        })
        .collect();
    for (trade, beaten_by) in trades.iter_mut().zip(beaten) {
        trade.beaten_by = beaten_by;
    }
    trades
}

/// The cheapest on either side of the line, and what nothing beats.
#[must_use]
pub fn trade(report: &Report, scenario: &Scenario) -> Sentence {
    let trades = trades(report, scenario);
    let cheapest = |ended: bool| {
        let of = trades.iter().filter(|trade| trade.works.ends_at_once() == ended);
        of.min_by(|a, b| a.cpu.value.total_cmp(&b.cpu.value))
    };
    let mut sentence = Sentence::new();
    for (words, found) in [
        ("Cheapest that ends a login at once: ", cheapest(true)),
        ("; cheapest that does not: ", cheapest(false)),
    ] {
        if let Some(trade) = found {
            sentence = sentence
                .text(words)
                .name(trade.row)
                .text(" at ")
                .figure(number::time(trade.cpu.value), trade.cpu.value);
        }
    }
    let best = trades.iter().filter(|trade| trade.beaten_by.is_empty()).map(|trade| trade.row);
    sentence
        .text(
            " of CPU per request. Nothing that serves several replicas is both cheaper and no riskier than ",
        )
        .names(best)
        .text(".")
}
