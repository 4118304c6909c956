//! Sentences: what came of a fault, and of all of them.

use measure::faults::{FLOOD_FACTOR, FaultKind};

use super::{FaultReport, Flood, Mark, Row};
use crate::model::Sentence;
use crate::number::{count, four_digits, ratio, time};

/// Most names in one sentence.
const NAMED: usize = 4;

/// `a, b and c`, or `a, b, c, d and 7 others`.
fn named(sentence: Sentence, rows: &[&Row]) -> Sentence {
    let mut names: Vec<&str> = rows.iter().map(|row| row.backend.as_str()).collect();
    names.dedup();
    if names.len() <= NAMED + 1 {
        return sentence.names(names);
    }
    let others = names.len() - NAMED;
    let mut sentence = sentence;
    for (at, name) in names[..NAMED].iter().enumerate() {
        sentence = if at > 0 { sentence.text(", ") } else { sentence }.name(*name);
    }
    sentence.text(format!(" and {others} others"))
}

/// A number of things, `1 design` or `3 designs`.
fn things(sentence: Sentence, number: usize, thing: &str) -> Sentence {
    let words = if number == 1 { thing.to_owned() } else { format!("{thing}s") };
    sentence.figure(count(number as u64), number as f64).text(format!(" {words}"))
}

/// What came of one fault.
pub(super) fn fault(kind: FaultKind, all: &[Row]) -> Sentence {
    let rows: Vec<&Row> = all.iter().filter(|row| row.mark != Mark::Void).collect();
    if rows.is_empty() {
        return Sentence::new().text("Nothing can be said of it: every result shows nothing.");
    }
    let served: Vec<&Row> =
        rows.iter().copied().filter(|row| row.requests.ok == row.requests.total()).collect();
    let mut says = things(Sentence::new(), served.len(), "design")
        .text(" of ")
        .figure(count(rows.len() as u64), rows.len() as f64)
        .text(" served every request while it lasted");
    if !served.is_empty() && served.len() < rows.len() {
        says = named(says.text(" ("), &served).text(")");
    }
    says = says.text(".");
    if let Some(longest) = rows.iter().max_by_key(|row| row.longest_ns) {
        says = says
            .text(" The longest wait was ")
            .figure(time(longest.longest_ns as f64), longest.longest_ns as f64)
            .text(format!(" (a {}, ", longest.longest_operation))
            .name(longest.backend.clone())
            .text(").");
    }
    let back: Vec<&Row> = rows.iter().copied().filter(|row| row.wrong_accepts > 0).collect();
    if !back.is_empty() {
        says = named(says.text(" Ended logins were let in again by "), &back);
        let unsaid = back.iter().any(|row| !row.loss_reported);
        says = says.text(if unsaid {
            ", and not everywhere did a server say so."
        } else {
            "; the servers say so."
        });
    }
    let lost: Vec<&Row> = rows.iter().copied().filter(|row| row.lost_logins > 0).collect();
    if !lost.is_empty() {
        let all_lost: u64 = lost.iter().map(|row| row.lost_logins).sum();
        says = things(says.text(" "), usize::try_from(all_lost).unwrap_or(usize::MAX), "login");
        says =
            named(says.text(if all_lost == 1 { " was lost by " } else { " were lost by " }), &lost).text(".");
    } else if kind.of_first_server() {
        let refused: Vec<&Row> = rows.iter().copied().filter(|row| row.wrong_rejects > 0).collect();
        if !refused.is_empty() {
            says = named(says.text(" Valid logins were refused for a while by "), &refused).text(".");
        }
    }
    says
}

/// What a flood did, and why.
pub(crate) fn flood(flood: &Flood) -> Sentence {
    let Some(rise) = flood.p99_ratio else {
        return Sentence::new().name(flood.row.backend.clone()).text(": no requests to compare.");
    };
    let mut says = Sentence::new()
        .name(flood.row.backend.clone())
        .text(": p99 of requests ")
        .figure(time(flood.before.p99_ns as f64), flood.before.p99_ns as f64)
        .text(" before and ")
        .figure(time(flood.during.p99_ns as f64), flood.during.p99_ns as f64)
        .text(" during the flood, ")
        .figure(ratio(rise), rise)
        .text(if rise <= FLOOD_FACTOR { ": at most twice as long. " } else { ": more than twice as long. " });
    if rise > FLOOD_FACTOR {
        says = says
            .text("The server and its hashing share one CPU, which is ")
            .figure(crate::number::percent(flood.cpu_during), four_digits(flood.cpu_during))
            .text(" busy (before: ")
            .figure(crate::number::percent(flood.cpu_before), four_digits(flood.cpu_before))
            .text("): a request that comes while a hash is being computed waits until the scheduler takes it off. ");
    }
    says.figure(count(flood.granted.count), flood.granted.count as f64)
        .text(" logins were granted, ")
        .figure(count(flood.shed_logins.count), flood.shed_logins.count as f64)
        .text(" were shed, half of them within ")
        .figure(time(flood.shed_logins.p50_ns as f64), flood.shed_logins.p50_ns as f64)
        .text(" and the last within ")
        .figure(time(flood.shed_logins.max_ns as f64), flood.shed_logins.max_ns as f64)
        .text(".")
}

/// The first screen.
pub(super) fn answer(report: &FaultReport) -> Vec<Sentence> {
    let rows: Vec<&Row> = report.rows().filter(|row| row.mark != Mark::Void).collect();
    if rows.is_empty() {
        return vec![Sentence::new().text("Nothing can be said: no result shows anything.")];
    }
    let mut answer = vec![waits(report, &rows), declared(report, &rows), back(&rows)];
    answer.extend(report.floods.iter().filter(|one| one.row.mark != Mark::Void).map(flood));
    answer
}

fn waits(report: &FaultReport, rows: &[&Row]) -> Sentence {
    let late: Vec<&Row> = rows.iter().copied().filter(|row| row.late > 0).collect();
    let limit_ns = (report.deadline_ns + report.tolerance_ns) as f64;
    let mut says = if late.is_empty() {
        Sentence::new().text("Every request ended within ").figure(time(limit_ns), limit_ns)
    } else {
        let waits: u64 = late.iter().map(|row| row.late).sum();
        let says = Sentence::new().figure(count(waits), waits as f64).text(" requests took longer than ");
        named(says.figure(time(limit_ns), limit_ns).text(", in "), &distinct(&late))
    };
    if let Some(longest) = rows.iter().max_by_key(|row| row.longest_ns) {
        says = says
            .text("; the longest wait was ")
            .figure(time(longest.longest_ns as f64), longest.longest_ns as f64)
            .text(" (")
            .name(longest.backend.clone())
            .text(format!(", {})", longest.fault));
    }
    let shed: u64 = rows.iter().map(|row| row.shed).sum();
    says.text(". ").figure(count(shed), shed as f64).text(" answers were 503.")
}

fn declared(report: &FaultReport, rows: &[&Row]) -> Sentence {
    let against: Vec<&Row> = rows.iter().copied().filter(|row| row.mark == Mark::Contradicted).collect();
    let says = things(Sentence::new(), report.designs.len(), "design")
        .text(" met ")
        .figure(count(report.faults.len() as u64), report.faults.len() as f64)
        .text(" faults in ")
        .figure(count(rows.len() as u64), rows.len() as f64)
        .text(" results");
    if against.is_empty() {
        return says.text(": all failed open or closed as they declare, and no server ended or failed.");
    }
    named(
        says.text(", of which ")
            .figure(count(against.len() as u64), against.len() as f64)
            .text(" are not as declared: "),
        &distinct(&against),
    )
    .text(".")
}

fn back(rows: &[&Row]) -> Sentence {
    let back: Vec<&Row> = rows.iter().copied().filter(|row| row.wrong_accepts > 0).collect();
    let lost: Vec<&Row> = rows.iter().copied().filter(|row| row.lost_logins > 0).collect();
    let says = match back.is_empty() {
        true => Sentence::new().text("No ended login was let in beyond what is declared"),
        false => named(Sentence::new().text("Ended logins were let in again by "), &distinct(&back)),
    };
    match lost.is_empty() {
        true => says.text("; nobody lost a valid one."),
        false => named(says.text("; valid logins were lost by "), &distinct(&lost)).text("."),
    }
}

fn distinct<'a>(rows: &[&'a Row]) -> Vec<&'a Row> {
    let mut seen = std::collections::BTreeSet::new();
    rows.iter().copied().filter(|row| seen.insert(row.backend.as_str())).collect()
}
