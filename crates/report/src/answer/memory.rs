//! What logins take in memory, in sentences.

use crate::model::{Memory, MemoryFill, MemoryRow, Report, Sentence};
use crate::number;

/// As good as nothing is left below this share of what was taken.
const NOTHING: f64 = 0.05;

/// What one login takes, by backend, and what does not grow.
#[must_use]
pub fn memory(report: &Report, memory: &Memory, ended: bool) -> Sentence {
    let fills = fills(report, memory, ended);
    let mut growing: Vec<(&str, &MemoryFill, f64)> =
        fills.iter().filter_map(|(row, fill)| Some((row.row.as_str(), *fill, fill.each_bytes()?))).collect();
    growing.sort_by(|a, b| a.2.total_cmp(&b.2));
    let flat: Vec<&str> = fills
        .iter()
        .filter(|(_, fill)| fill.each_bytes().is_none() && fill.server.is_some())
        .map(|(row, _)| row.row.as_str())
        .collect();
    let kind = if ended { "A login that was ended takes " } else { "A live login takes " };
    let mut sentence = Sentence::new().text(kind);
    for (i, (row, fill, _)) in growing.iter().enumerate() {
        sentence = match i {
            0 => sentence,
            i if i + 1 == growing.len() => sentence.text(" and "),
            _ => sentence.text(", "),
        };
        sentence = sides(sentence, fill).text(" in ").name(*row);
    }
    if growing.is_empty() {
        sentence = sentence.text("nothing that could be seen to grow in any of them");
    } else if !flat.is_empty() {
        sentence = sentence.text("; no growth was seen in ").names(flat.iter().copied());
    }
    given_back(sentence.text("."), &growing)
}

/// `611 B of the server and 700 B of its store`.
fn sides(sentence: Sentence, fill: &MemoryFill) -> Sentence {
    let sides = [(fill.server, "of the server"), (fill.store, "of the store")];
    let seen = sides.into_iter().filter_map(|(line, side)| Some((line?.grows()?, side)));
    seen.enumerate().fold(sentence, |sentence, (i, (bytes, side))| {
        let sentence = if i == 0 { sentence } else { sentence.text(" and ") };
        sentence.figure(number::bytes(bytes), bytes).text(format!(" {side}"))
    })
}

/// What was still held when everything had expired.
fn given_back(mut sentence: Sentence, growing: &[(&str, &MemoryFill, f64)]) -> Sentence {
    let held: Vec<(&str, f64, f64)> = growing
        .iter()
        .filter_map(|(row, fill, _)| {
            let after = fill.after?;
            let left = [after.server_left_share, after.store_left_share].into_iter().flatten();
            Some((*row, left.reduce(f64::max)?, after.watched_ns))
        })
        .collect();
    let (back, kept): (Vec<_>, Vec<_>) = held.into_iter().partition(|(_, left, _)| *left <= NOTHING);
    if !back.is_empty() {
        sentence = sentence
            .text(" Once all had expired, ")
            .names(back.iter().map(|(row, ..)| *row))
            .text(" gave back as good as all of it");
        sentence = sentence.text(if kept.is_empty() { "." } else { "; " });
    } else if !kept.is_empty() {
        sentence = sentence.text(" After the last had expired, ");
    }
    for (i, (row, left, watched)) in kept.iter().enumerate() {
        sentence = sentence
            .name(*row)
            .text(" still held ")
            .figure(number::percent(*left), *left)
            .text(" after ")
            .figure(number::time(*watched), *watched)
            .text(if i + 1 == kept.len() { "." } else { ", " });
    }
    sentence
}

/// The fills of one kind in the report's order of rows, controls left out.
pub(crate) fn fills<'a>(
    report: &Report,
    memory: &'a Memory,
    ended: bool,
) -> Vec<(&'a MemoryRow, &'a MemoryFill)> {
    let shown = |row: &&MemoryRow| report.row(&row.row).is_some_and(|own| !own.role.is_control());
    memory.rows.iter().filter(shown).map(|row| (row, if ended { &row.ended } else { &row.live })).collect()
}
