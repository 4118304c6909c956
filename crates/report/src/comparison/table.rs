//! The blocks of one paired scenario as a table: rows by rounds, one value per metric.

use std::collections::{BTreeMap, BTreeSet};

use measure::rounds::{Round, means};
use measure::{BlockRecord, Operation};

use super::extract::value;
use crate::metric::Metric;

/// Values of one scenario at one store distance.
#[derive(Debug)]
pub(crate) struct Table {
    /// Restart that each round belongs to, by ordinal of the round.
    pub(super) restart_of: Vec<u32>,
    rows: BTreeMap<String, BTreeMap<Metric, Vec<Option<f64>>>>,
}

/// Values of two or more rows in the rounds where all of them have one.
#[derive(Debug)]
pub(crate) struct Aligned<const N: usize> {
    /// One column per row asked for.
    pub(crate) columns: [Vec<f64>; N],
    /// Restart of each round; empty when nothing was restarted.
    pub(crate) restarts: Vec<u32>,
}

impl Table {
    /// From the blocks of one scenario, in any order.
    pub(super) fn new(blocks: &[&BlockRecord], operation: Operation) -> Self {
        let numbers: BTreeSet<Round> = blocks.iter().map(|block| (block.restart, block.round)).collect();
        let mut rows: BTreeMap<&str, Vec<&BlockRecord>> = BTreeMap::new();
        for block in blocks {
            rows.entry(&block.backend).or_default().push(block);
        }
        let of = |own: &[&BlockRecord], metric| {
            let values = means(own.iter().map(|block| (*block, value(block, metric, operation))));
            numbers.iter().map(|round| values.get(round).copied()).collect()
        };
        let row =
            |own: &[&BlockRecord]| Metric::ALL.into_iter().map(|metric| (metric, of(own, metric))).collect();
        Self {
            rows: rows.into_iter().map(|(name, own)| (name.to_owned(), row(&own))).collect(),
            restart_of: numbers.iter().map(|(restart, _)| *restart).collect(),
        }
    }

    /// Value per round of one row; empty when the row has none.
    pub(super) fn values(&self, row: &str, metric: Metric) -> &[Option<f64>] {
        self.rows.get(row).and_then(|metrics| metrics.get(&metric)).map_or(&[], Vec::as_slice)
    }

    /// Rounds in which every one of `rows` has a value.
    pub(crate) fn aligned<const N: usize>(&self, rows: [&str; N], metric: Metric) -> Aligned<N> {
        let values = rows.map(|row| self.values(row, metric));
        let restarted = self.restart_of.iter().any(|&restart| restart != self.restart_of[0]);
        let mut aligned = Aligned { columns: std::array::from_fn(|_| Vec::new()), restarts: Vec::new() };
        for (round, &restart) in self.restart_of.iter().enumerate() {
            let here = values.map(|column| column.get(round).copied().flatten());
            if here.iter().all(Option::is_some) {
                for (column, value) in aligned.columns.iter_mut().zip(here) {
                    column.extend(value);
                }
                aligned.restarts.extend(restarted.then_some(restart));
            }
        }
        aligned
    }
}

impl<const N: usize> Aligned<N> {
    /// Rounds in it.
    pub(crate) fn rounds(&self) -> u32 {
        u32::try_from(self.columns[0].len()).unwrap_or(u32::MAX)
    }

    /// One column minus another, per round.
    pub(crate) fn minus(&self, column: usize, other: usize) -> Vec<f64> {
        self.columns[column].iter().zip(&self.columns[other]).map(|(a, b)| a - b).collect()
    }
}
