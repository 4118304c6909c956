//! What ending a login costs: designs by exposure and CPU, and which of them nothing beats on both.

use crate::metric::Metric;
use crate::model::{ExposureFigures, Figure, Report, Scenario, Sentence};
use crate::number;
use crate::verdict::Verdict;

use super::choices;

/// One backend's two prices.
#[derive(Debug, Clone, PartialEq)]
pub struct Trade<'a> {
    /// Row.
    pub row: &'a str,
    /// How long a stolen credential worked.
    pub exposure: ExposureFigures,
    /// CPU per request, ns.
    pub cpu: Figure,
    /// Backends proven cheaper whose exposure was no longer; empty = nothing beats it. State in the memory of one process
    /// beats only its like.
    pub beaten_by: Vec<&'a str>,
}

/// Every backend with both figures: shortest exposure first, then cheapest.
#[must_use]
pub fn trades<'a>(report: &'a Report, scenario: &Scenario) -> Vec<Trade<'a>> {
    let mut trades: Vec<Trade<'_>> = choices(report, scenario)
        .into_iter()
        .filter_map(|row| {
            let (exposure, cpu) = (report.exposure(row)?, scenario.figure(row, Metric::Cpu)?);
            Some(Trade { row, exposure, cpu, beaten_by: Vec::new() })
        })
        .collect();
    // Exposures that lasted to the end of the trial are alike: their lengths are the trial's.
    let class = |e: &ExposureFigures| match e.accepted {
        0 => (0, 0.0),
        all if all == e.sent_after => (2, 0.0),
        _ => (1, e.longest_ns),
    };
    trades.sort_by(|a, b| {
        class(&a.exposure)
            .partial_cmp(&class(&b.exposure))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then(a.cpu.value.total_cmp(&b.cpu.value))
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
                    && class(&other.exposure) <= class(&trade.exposure)
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
        let of = trades.iter().filter(|trade| (trade.exposure.accepted == 0) == ended);
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
