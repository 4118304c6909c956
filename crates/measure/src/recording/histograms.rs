//! Histograms of a recording: interval logs (HdrHistogram V2, deflated), one line per block, operation and kind.

use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};
use scenario::Operation;
use serde::{Deserialize, Serialize};

/// What a histogram holds; all of them nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// From intended start to the complete answer.
    Response,
    /// From send to the complete answer.
    Service,
    /// Actual minus intended send.
    SendLag,
}

/// One histogram, and the block it belongs to.
#[derive(Debug, Clone)]
pub struct RecordedHistogram {
    /// [`crate::BlockRecord::sequence`] of its block.
    pub sequence: u64,
    /// Which operation; absent where all are meant (send lag).
    pub operation: Option<Operation>,
    /// What it holds.
    pub kind: Kind,
    /// Nanoseconds.
    pub histogram: Histogram<u64>,
}

/// A histogram on its way into a log.
#[derive(Debug)]
pub struct ToWrite<'a> {
    /// Which operation; absent where all are meant (send lag).
    pub operation: Option<Operation>,
    /// What it holds.
    pub kind: Kind,
    /// Nanoseconds.
    pub histogram: &'a Histogram<u64>,
}

/// Where and when a block was measured: what a line of the log is found by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) scenario: &'a str,
    pub(super) row: &'a str,
    pub(super) started_unix_ns: u64,
    pub(super) measured_ns: u64,
}

/// A line read back: its tag, its start in whole milliseconds of Unix time, its histogram.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) tag: String,
    pub(super) started_ms: u64,
    pub(super) histogram: Histogram<u64>,
}

/// The word that serde writes for a unit variant.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

pub(super) fn tag(scenario: &str, row: &str, operation: Option<Operation>, kind: Kind) -> String {
    let operation = operation.map_or_else(|| "all".to_owned(), |operation| word(&operation));
    format!("{scenario}.{row}.{operation}.{}", word(&kind))
}

/// The operation and kind at the end of a tag.
pub(super) fn read_tag(tag: &str) -> Option<(Option<Operation>, Kind)> {
    let (rest, kind) = tag.rsplit_once('.')?;
    let (_, operation) = rest.rsplit_once('.')?;
    let of = |word: &str| serde_json::Value::String(word.to_owned());
    let kind = serde_json::from_value(of(kind)).ok()?;
    if operation == "all" {
        return Some((None, kind));
    }
    Some((Some(serde_json::from_value(of(operation)).ok()?), kind))
}

/// Appends the histograms of one block to the text of a log; a new log gets its header.
pub(super) fn encode(place: Place<'_>, new: bool, histograms: &[ToWrite<'_>]) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    if new {
        builder.add_comment("[Histogram log format version 1.3]");
        builder.add_comment("[authbench: nanoseconds; Tag=scenario.row.operation.kind]");
    }
    let mut writer = builder.begin_log_with(&mut text, &mut serializer).map_err(|error| error.to_string())?;
    // Whole milliseconds: the log keeps three decimals of a second, and a block is found again by its start.
    let start = Duration::from_millis(place.started_unix_ns / 1_000_000);
    for to_write in histograms {
        let tag = tag(place.scenario, place.row, to_write.operation, to_write.kind);
        let tag = Tag::new(&tag).ok_or_else(|| format!("`{tag}` cannot be a tag"))?;
        writer
            .write_histogram(to_write.histogram, start, Duration::from_nanos(place.measured_ns), Some(tag))
            .map_err(|error| error.to_string())?;
    }
    Ok(text)
}

/// Reads a log. A last line that was cut off is left out.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Line>, String> {
    let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let mut deserializer = Deserializer::new();
    let mut lines = Vec::new();
    for entry in IntervalLogIterator::new(&bytes[..end]) {
        let LogEntry::Interval(interval) =
            entry.map_err(|error| format!("is not a histogram log: {error:?}"))?
        else {
            continue;
        };
        let encoded =
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, interval.encoded_histogram())
                .map_err(|error| format!("holds a damaged histogram: {error}"))?;
        let histogram = deserializer
            .deserialize(&mut encoded.as_slice())
            .map_err(|error| format!("holds a damaged histogram: {error}"))?;
        lines.push(Line {
            tag: interval.tag().map(|tag| tag.as_str().to_owned()).unwrap_or_default(),
            started_ms: (interval.start_timestamp().as_secs_f64() * 1000.0).round() as u64,
            histogram,
        });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_as_it_was_written_in_parts() {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 3_600_000_000_000, 3).unwrap();
        for value in 1..5_000 {
            histogram.record(value * 977).unwrap();
        }
        let place = Place {
            scenario: "steady",
            row: "session-redis.plus10",
            started_unix_ns: 1_790_000_000_123_456_789,
            measured_ns: 500_000_000,
        };
        let parts = [
            ToWrite { operation: Some(Operation::LogoutAll), kind: Kind::Response, histogram: &histogram },
            ToWrite { operation: None, kind: Kind::SendLag, histogram: &histogram },
        ];
        let mut log = encode(place, true, &parts[..1]).unwrap();
        log.extend(encode(place, false, &parts[1..]).unwrap());
        let lines = decode(&log).unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].tag, "steady.session-redis.plus10.logout-all.response");
        assert_eq!(read_tag(&lines[0].tag), Some((Some(Operation::LogoutAll), Kind::Response)));
        assert_eq!(read_tag(&lines[1].tag), Some((None, Kind::SendLag)));
        assert!(lines.iter().all(|line| line.started_ms == 1_790_000_000_123 && line.histogram == histogram));

        log.truncate(log.len() - 5);
        assert_eq!(decode(&log).unwrap().len(), 1);
    }
}
