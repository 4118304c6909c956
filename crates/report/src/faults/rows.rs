//! One design under one fault: the figures of a row, and its lanes over time.

use std::collections::BTreeMap;

use measure::faults::{FaultOperation, FaultRecord, FloodRecord, Percentiles, Timeline};
use schemars::JsonSchema;
use serde::Serialize;

/// How a row is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// As declared, and nothing wrong was answered.
    Kept,
    /// As declared, at a price: ended logins came back and the server says so, or valid ones were refused.
    Price,
    /// Against a declaration, or against what holds for every server.
    Contradicted,
    /// It shows nothing.
    Void,
}

impl Mark {
    /// A sign, so that colour never carries it alone.
    #[must_use]
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Kept => "✓",
            Self::Price => "△",
            Self::Contradicted => "✗",
            Self::Void => "–",
        }
    }

    /// In words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Kept => "as declared",
            Self::Price => "as declared, at a price",
            Self::Contradicted => "not as declared",
            Self::Void => "shows nothing",
        }
    }
}

/// Answers by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Share {
    /// Let in.
    pub ok: u64,
    /// 400, 401, 403.
    pub refused: u64,
    /// 503.
    pub unavailable: u64,
    /// Anything else.
    pub other: u64,
    /// No answer.
    pub none: u64,
}

impl Share {
    /// All of them.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.ok + self.refused + self.unavailable + self.other + self.none
    }

    /// The most frequent answer, and its share if others came up: `503`, `let in 52 %`.
    #[must_use]
    pub fn words(self) -> String {
        let total = self.total();
        let all = [
            (self.ok, "let in"),
            (self.refused, "401"),
            (self.unavailable, "503"),
            (self.other, "other"),
            (self.none, "no answer"),
        ];
        // The first of equals.
        let Some((count, word)) = all.into_iter().rev().max_by_key(|(count, _)| *count).filter(|_| total > 0)
        else {
            return "–".to_owned();
        };
        let percent = (count as f64 * 100.0 / total as f64).round();
        if count == total { word.to_owned() } else { format!("{word} {} %", percent.min(99.0)) }
    }
}

/// One kind of operation over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lane {
    /// Operation, kebab-case.
    pub operation: String,
    /// Answers by piece of the timeline.
    #[serde(flatten)]
    pub answers: Timeline,
}

impl Lane {
    /// Answers by kind, by piece of the timeline.
    #[must_use]
    pub fn pieces(&self) -> Vec<Share> {
        let of = |answers: &[u32], at: usize| answers.get(at).copied().map_or(0, u64::from);
        let Timeline { ok, refused, unavailable, other, none } = &self.answers;
        let all = [ok, refused, unavailable, other, none];
        let pieces = all.iter().map(|answers| answers.len()).max().unwrap_or(0);
        let piece = |at| Share {
            ok: of(ok, at),
            refused: of(refused, at),
            unavailable: of(unavailable, at),
            other: of(other, at),
            none: of(none, at),
        };
        (0..pieces).map(piece).collect()
    }
}

/// One design under one fault. Durations are nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// Design.
    pub backend: String,
    /// Fault, kebab-case.
    pub fault: String,
    /// How it is marked.
    pub mark: Mark,
    /// What is against a declaration, or against what holds for every server.
    pub contradictions: Vec<String>,
    /// Why it shows nothing.
    pub void: Option<String>,
    /// Requests by users who are logged in, while the fault lasted.
    pub requests: Share,
    /// Every other operation while it lasted, by name.
    pub operations: BTreeMap<String, Share>,
    /// The longest wait for an answer.
    pub longest_ns: u64,
    /// For what that was.
    pub longest_operation: String,
    /// Waits beyond the deadline and its tolerance.
    pub late: u64,
    /// Uses of ended logins wrongly let in, out of so many.
    pub wrong_accepts: u64,
    /// Uses of ended logins.
    pub replays: u64,
    /// Longest time for which an ended login went on working, where it should not have.
    pub wrong_for_ns: u64,
    /// Some server said that its store had lost data.
    pub loss_reported: bool,
    /// Forged credentials let in, and out of so many; absent where a design looks at none.
    pub forged_accepts: u64,
    /// Uses of forged credentials.
    pub forgeries: Option<u64>,
    /// Valid logins, passwords or renewals that were refused.
    pub wrong_rejects: u64,
    /// Out of so many.
    pub presented: u64,
    /// Users whose login was gone at the end.
    pub lost_logins: u64,
    /// Out of so many.
    pub subjects: u64,
    /// Answers 503, all with Retry-After unless a contradiction says else.
    pub shed: u64,
    /// From the end of the fault until everything was served again; absent: not before the end.
    pub recovery_ns: Option<u64>,
    /// Keys that the store dropped.
    pub evicted_keys: Option<u64>,
    /// The fault began, from the start of the load.
    pub began_at_ns: u64,
    /// It was over.
    pub lifted_at_ns: u64,
    /// The load ended.
    pub length_ns: u64,
    /// Width of a piece of the timeline.
    pub bucket_ns: u64,
    /// Answers over time.
    pub lanes: Vec<Lane>,
}

/// Logins by force in one design. Durations are nanoseconds; response times are from the intended start.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Flood {
    /// The row, as of any fault.
    #[serde(flatten)]
    pub row: Row,
    /// Requests before it: how many, and their response time at p99.
    pub before: Percentiles,
    /// Requests during it.
    pub during: Percentiles,
    /// Logins granted during it.
    pub granted: Percentiles,
    /// Logins shed during it.
    pub shed_logins: Percentiles,
    /// p99 of requests during over before.
    pub p99_ratio: Option<f64>,
    /// CPU of the server during it, as a share of one.
    pub cpu_during: f64,
    /// CPU of the server before it.
    pub cpu_before: f64,
}

pub(super) fn row(record: &FaultRecord) -> Row {
    let contradictions = record.violations();
    let priced = record.wrong_accepts > 0 || record.wrong_rejects > 0 || record.recovery_ns.is_none();
    let mark = match (&record.void, contradictions.is_empty()) {
        (Some(_), _) => Mark::Void,
        (None, false) => Mark::Contradicted,
        (None, true) if priced => Mark::Price,
        (None, true) => Mark::Kept,
    };
    let lanes: Vec<Lane> = FaultOperation::ALL
        .into_iter()
        .filter_map(|operation| {
            let answers = record.timelines.get(&operation)?.clone();
            Some(Lane { operation: operation.name().to_owned(), answers })
        })
        .collect();
    let during = |lane: &Lane| {
        let first = record.began_at_ns / record.bucket_ns.max(1);
        // An instant still has the piece it fell into.
        let last = record.lifted_at_ns.div_ceil(record.bucket_ns.max(1)).max(first + 1);
        let pieces = lane.pieces();
        let inside = pieces.iter().enumerate().filter(|(at, _)| (first..last).contains(&(*at as u64)));
        inside.fold(Share::default(), |sum, (_, one)| sum + *one)
    };
    let of = |name: &str| lanes.iter().find(|lane| lane.operation == name).map(during).unwrap_or_default();
    let others = lanes.iter().filter(|lane| lane.operation != FaultOperation::Request.name());
    Row {
        backend: record.backend.clone(),
        fault: record.fault.name().to_owned(),
        mark,
        contradictions,
        void: record.void.clone(),
        requests: of(FaultOperation::Request.name()),
        operations: others.map(|lane| (lane.operation.clone(), during(lane))).collect(),
        longest_ns: record.longest.map_or(0, |longest| longest.service_ns),
        longest_operation: record
            .longest
            .map_or_else(String::new, |longest| longest.operation.name().to_owned()),
        late: record.late,
        wrong_accepts: record.wrong_accepts,
        replays: record.replays,
        wrong_for_ns: record.wrong_for_ns,
        loss_reported: record.loss_reported,
        forged_accepts: record.forged_accepts,
        forgeries: record.forgeries,
        wrong_rejects: record.wrong_rejects,
        presented: record.presented,
        lost_logins: record.lost_logins,
        subjects: record.subjects,
        shed: record.shed,
        recovery_ns: record.recovery_ns,
        evicted_keys: record.evicted_keys,
        began_at_ns: record.began_at_ns,
        lifted_at_ns: record.lifted_at_ns,
        length_ns: record.length_ns,
        bucket_ns: record.bucket_ns,
        lanes,
    }
}

impl std::ops::Add for Share {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            ok: self.ok + other.ok,
            refused: self.refused + other.refused,
            unavailable: self.unavailable + other.unavailable,
            other: self.other + other.other,
            none: self.none + other.none,
        }
    }
}

pub(super) fn flood(record: &FloodRecord) -> Flood {
    Flood {
        row: row(&record.fault),
        before: record.before,
        during: record.during,
        granted: record.granted,
        shed_logins: record.shed_logins,
        p99_ratio: super::ratio(record),
        cpu_during: crate::number::four_digits(record.cpu_during),
        cpu_before: crate::number::four_digits(record.cpu_before),
    }
}
