//! Sizing in one sentence: how much a vCPU carries, and what logins take in the store.

use measure::block::BlockKind;
use measure::{Operation, Recording};
use schemars::JsonSchema;
use serde::Serialize;

use super::usage::{Measured, MeasuredRow};
use crate::model::{Figure, Memory, MemoryRow, Sentence};
use crate::number;

/// How much a row carries, where that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Sizing {
    /// Requests per second that one vCPU of a server carries at the utilisation planned with.
    pub requests_per_vcpu: Figure,
    /// Password logins per second that one vCPU carries at that utilisation; absent without an episode made of logins.
    pub logins_per_vcpu: Option<f64>,
    /// Data in the store per 100,000 live logins, bytes; absent where nothing is kept there or logins were not counted.
    pub store_bytes_per_100k: Option<Figure>,
    /// Memory of the servers per 100,000 live logins, bytes; absent where they keep nothing.
    pub app_bytes_per_100k: Option<Figure>,
    /// The above in words.
    pub sentence: Sentence,
}

/// The sizing of one row.
pub(super) fn sizing(
    measured: &Measured,
    row: &MeasuredRow,
    recording: &Recording,
    utilisation: f64,
    memory: Option<&Memory>,
) -> Sizing {
    let figure = |of: &dyn Fn(&super::Usage) -> f64| super::figure(measured, [row], |[usage]| of(usage));
    let requests = |usage: &super::Usage| utilisation / usage.app_cpu_s;
    let store = |usage: &super::Usage| usage.store_bytes_per_login * 1e5;
    let app = |usage: &super::Usage| usage.app_bytes_per_login * 1e5;
    let some = |of: &dyn Fn(&super::Usage) -> f64| (of(&row.usage) > 0.0).then(|| figure(of));
    let law = memory.and_then(|memory| memory.row(&row.name));
    let by_law = |of: fn(&MemoryRow) -> Option<crate::model::MemoryLine>| {
        law.map(|law| of(law)?.grows().map(|each| Figure::exact(number::six_digits(each * 1e5))))
    };
    let mut sizing = Sizing {
        requests_per_vcpu: figure(&requests),
        logins_per_vcpu: logins(recording, &row.name).map(|cpu_s| number::six_digits(utilisation / cpu_s)),
        store_bytes_per_100k: by_law(|law| law.live.store).unwrap_or_else(|| some(&store)),
        app_bytes_per_100k: by_law(|law| law.live.server).unwrap_or_else(|| some(&app)),
        sentence: Sentence::new(),
    };
    sizing.sentence = sizing.words(utilisation);
    sizing
}

impl Sizing {
    fn words(&self, utilisation: f64) -> Sentence {
        let mut words =
            Sentence::new().text("per vCPU at ").figure(number::percent(utilisation), utilisation).text(": ");
        if let Some(logins) = self.logins_per_vcpu {
            words = words.figure(number::short(logins), logins).text(" logins/s and ");
        }
        let requests = self.requests_per_vcpu.value;
        words = words.figure(number::grouped(requests, 0), requests).text(" requests/s");
        for (figure, place) in
            [(self.store_bytes_per_100k, "in the store"), (self.app_bytes_per_100k, "in the servers")]
        {
            if let Some(figure) = figure {
                words = words
                    .text("; per 100,000 logins: ")
                    .figure(number::bytes(figure.value), figure.value)
                    .text(format!(" {place}"));
            }
        }
        words
    }
}

/// CPU of the server per login, seconds: from an episode in which nearly everything is a login.
fn logins(recording: &Recording, row: &str) -> Option<f64> {
    let mut episodes = recording
        .blocks
        .iter()
        .filter(|block| block.kind == BlockKind::Episode && block.backend == row && block.validity.valid);
    let count = |block: &measure::BlockRecord, wanted: Option<Operation>| -> u64 {
        let counts = block.outcomes.iter().filter(|(operation, _)| wanted.is_none_or(|w| w == **operation));
        counts.flat_map(|(_, outcomes)| outcomes.values()).sum()
    };
    episodes.find_map(|block| {
        let (logins, all) = (count(block, Some(Operation::Login)), count(block, None));
        // The rest would be charged to logins: up to one in twenty is lost in the scatter of a single episode.
        let mostly = logins > 0 && (all - logins) * 20 <= all && block.server.cpu_ns > 0;
        mostly.then(|| block.server.cpu_ns as f64 / 1e9 / logins as f64)
    })
}
