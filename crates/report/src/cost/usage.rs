//! From the blocks of a scenario to what each row uses, once as measured and once per draw of the bootstrap.

use std::collections::BTreeSet;

use measure::block::BlockKind;
use measure::recording::RowRecord;
use measure::rounds::{Round, visits};
use measure::{BlockRecord, Recording};
use stats::{Bootstrap, Unusable};

use super::formula::Usage;
use crate::controls::FLOOR;

/// Resamples behind every interval.
const DRAWS: usize = 2_000;

/// One scenario, as far as cost goes: at the smallest distance of the store that was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Name.
    pub(crate) scenario: String,
    /// Requests per second: scheduled, or answered in closed loop.
    pub(crate) rate: f64,
    /// Live logins provisioned; absent where users log in themselves.
    pub(crate) logins: Option<f64>,
    /// Rounds.
    pub(crate) rounds: usize,
    /// Rows that can be priced, in the recording's order.
    pub(crate) rows: Vec<MeasuredRow>,
    /// How intervals are drawn.
    pub(crate) bootstrap: Bootstrap,
}

/// One row.
#[derive(Debug)]
pub(crate) struct MeasuredRow {
    /// Name.
    pub(crate) name: String,
    /// Server processes it was measured with.
    pub(crate) replicas: u32,
    /// From the medians over rounds.
    pub(crate) usage: Usage,
    /// The same from the rounds of each draw: the same rounds for every row, `None` where a row has none of them.
    pub(crate) draws: Vec<Option<Usage>>,
}

/// What is taken from a block.
const COLUMNS: usize = 7;
type Column = [f64; COLUMNS];

impl Measured {
    /// Every paired scenario of a recording, in the order of the plan's run.
    pub(crate) fn of(recording: &Recording) -> Vec<Self> {
        let mut names: Vec<&str> = Vec::new();
        let paired = || recording.blocks.iter().filter(|block| block.kind == BlockKind::Paired);
        for block in paired() {
            if !names.contains(&block.scenario.as_str()) {
                names.push(&block.scenario);
            }
        }
        names
            .into_iter()
            .filter_map(|name| {
                let near = paired().filter(|b| b.scenario == name).map(|b| b.store_rtt_us).min()?;
                let blocks: Vec<&BlockRecord> =
                    paired().filter(|b| b.scenario == name && b.store_rtt_us == near).collect();
                Some(Self::scenario(recording, name, &blocks))
            })
            .collect()
    }

    fn scenario(recording: &Recording, name: &str, blocks: &[&BlockRecord]) -> Self {
        let rounds: BTreeSet<Round> = blocks.iter().map(|block| (block.restart, block.round)).collect();
        let facts = recording.run.scenarios.iter().find(|scenario| scenario.name == name);
        let logins = facts.map(|facts| facts.provisioned as f64).filter(|&logins| logins > 0.0);
        let rates: Vec<f64> =
            blocks.iter().map(|block| block.offered_rate.unwrap_or(block.achieved_rate)).collect();
        let bootstrap = Bootstrap {
            draws: DRAWS,
            level: 1.0 - recording.plan.statistics.alpha,
            seed: recording.plan.seed,
        };
        let columns = |row: &str| -> Vec<Option<Column>> {
            let own = blocks.iter().copied().filter(|block| block.backend == row && block.validity.valid);
            let found = visits(own.map(|block| (block, column(block))));
            rounds.iter().map(|round| found.get(round).map(|visits| mean(visits))).collect()
        };
        let floor = columns(FLOOR);
        let rows = recording.run.rows.iter().filter_map(|row| {
            let columns = columns(&row.name);
            let has_store = blocks.iter().any(|block| block.backend == row.name && block.store.is_some());
            let of = |at: &[usize]| {
                let usage = usage(row, &medians(&columns, at)?, medians(&floor, at), logins)?;
                Some(Usage { has_store, ..usage })
            };
            let all: Vec<usize> = (0..rounds.len()).collect();
            Some(MeasuredRow {
                name: row.name.clone(),
                replicas: row.header.replicas,
                usage: of(&all)?.rounded(),
                draws: bootstrap.draws(rounds.len(), |at| Some(of(at))).unwrap_or_default(),
            })
        });
        Self {
            scenario: name.to_owned(),
            rate: stats::quantile::median(&rates).unwrap_or(f64::NAN),
            logins,
            rounds: rounds.len(),
            rows: rows.collect(),
            bootstrap,
        }
    }

    /// A row.
    pub(crate) fn row(&self, name: &str) -> Option<&MeasuredRow> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// Interval of a figure of one or more rows, all drawn by the same rounds.
    pub(crate) fn interval<const N: usize>(
        &self,
        rows: [&MeasuredRow; N],
        figure: impl Fn([&Usage; N]) -> Option<f64>,
    ) -> Result<stats::Interval, Unusable> {
        let values = (0..rows[0].draws.len()).filter_map(|draw| {
            let mut usages = [&rows[0].usage; N];
            for (usage, row) in usages.iter_mut().zip(rows) {
                *usage = row.draws.get(draw)?.as_ref()?;
            }
            figure(usages)
        });
        self.bounds(values.collect())
    }

    /// Interval of a figure from its values over the draws.
    pub(crate) fn bounds(&self, values: Vec<f64>) -> Result<stats::Interval, Unusable> {
        self.bootstrap.bounds(self.rounds, values)
    }
}

/// A block's figures per answered request, and its sizes; nothing from a server whose process was not ours to measure.
fn column(block: &BlockRecord) -> Option<Column> {
    let answered = block.answered();
    if answered <= 0.0 || block.server.cpu_ns == 0 {
        return None;
    }
    let store = |figure: fn(&measure::block::StoreCost) -> u64| block.store.as_ref().map_or(0, figure);
    let each = |total: u64| total as f64 / answered;
    Some([
        each(block.server.cpu_ns) / 1e9,
        each(store(|store| store.cpu_ns)) / 1e9,
        each(block.wire.received_bytes),
        each(store(|store| store.bytes_in + store.bytes_out)),
        each(store(|store| store.commands)),
        block.server.pss_bytes as f64,
        store(|store| store.dataset_bytes) as f64,
    ])
}

/// Of every column, over the visits of one round.
fn mean(visits: &[Column]) -> Column {
    std::array::from_fn(|place| visits.iter().map(|column| column[place]).sum::<f64>() / visits.len() as f64)
}

/// Median of every column over the rounds drawn.
fn medians(columns: &[Option<Column>], at: &[usize]) -> Option<Column> {
    let drawn: Vec<&Column> = at.iter().filter_map(|&round| columns[round].as_ref()).collect();
    let mut values = Vec::with_capacity(drawn.len());
    let mut medians = [0.0; COLUMNS];
    for (place, median) in medians.iter_mut().enumerate() {
        values.clear();
        values.extend(drawn.iter().map(|column| column[place]));
        values.sort_unstable_by(f64::total_cmp);
        *median = stats::quantile::quantile_sorted(&values, 0.5)?;
    }
    Some(medians)
}

fn usage(row: &RowRecord, at: &Column, floor: Option<Column>, logins: Option<f64>) -> Option<Usage> {
    let [app_cpu_s, store_cpu_s, egress_bytes, store_bytes, store_commands, memory, data] = *at;
    let per_login = |bytes: f64| logins.map_or(0.0, |logins| bytes / logins);
    // Logins are in the server's memory only where it says so: elsewhere the difference from the floor is code and keys,
    // which do not grow with logins.
    let local = keeps_logins(row);
    let floor = floor.map(|floor| floor[5]).filter(|floor| local && *floor > 0.0 && *floor < memory);
    Some(Usage {
        app_cpu_s,
        store_cpu_s,
        egress_bytes,
        store_bytes,
        store_commands,
        app_bytes: floor.unwrap_or(memory),
        app_bytes_per_login: floor.map_or(0.0, |floor| per_login(memory - floor)),
        store_bytes_per_login: per_login(data),
        has_store: false,
    })
    .filter(|usage| usage.app_cpu_s > 0.0)
}

/// Does the server itself keep something for every login? Read from what it says of its checks, index and renewal.
pub(crate) fn keeps_logins(row: &RowRecord) -> bool {
    let says = &row.describe;
    let local = |value: &serde_json::Value| value["view"] == "local";
    let checks = |key: &str| says[key].as_array().is_some_and(|checks| checks.iter().any(local));
    checks("checks")
        || checks("write_checks")
        || local(&says["renewal"])
        || (says["index"] == true && says["store"] == "memory")
}
