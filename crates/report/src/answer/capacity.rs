//! How much one server carries, in a sentence.

use crate::model::{Capacity, CapacityRow, Report, Sentence};
use crate::number;

/// Who carries most and least while the objective holds.
#[must_use]
pub fn capacity(report: &Report, capacity: &Capacity) -> Sentence {
    let choice = |row: &&CapacityRow| report.row(&row.row).is_some_and(|row| row.role.is_choice());
    let mut found: Vec<(&CapacityRow, f64)> =
        capacity.rows.iter().filter(choice).filter_map(|row| Some((row, row.per_second?))).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    let threads = if capacity.server_threads == 1 { "one thread" } else { "several threads" };
    let sentence = Sentence::new()
        .text(format!("One server of {threads} holds p99 within "))
        .figure(number::time_tick(capacity.objective_p99_ns), capacity.objective_p99_ns)
        .text(" with at most ")
        .figure(number::percent(capacity.objective_error_share), capacity.objective_error_share)
        .text(" failures");
    let (Some(most), Some(least)) = (found.first(), found.last()) else {
        return sentence.text(" at no rate that was tried.");
    };
    let say = |sentence: Sentence, (row, rate): &(&CapacityRow, f64)| {
        sentence.figure(row.words(), *rate).text(" requests a second in ").name(&row.row)
    };
    let sentence = say(sentence.text(" up to "), most);
    let sentence =
        if most.0.row == least.0.row { sentence } else { say(sentence.text(", and up to "), least) };
    let unfinished = if capacity.complete { "." } else { "; the search was cut off." };
    sentence.text(unfinished)
}
