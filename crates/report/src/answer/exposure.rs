//! How long a stolen credential works: the third sentence of the answer.

use crate::model::{ExposureFigures, Report, Row, Sentence};
use crate::number;

/// Which backends refused a credential at once after it was ended, and how long it worked in the others.
#[must_use]
pub fn stolen(report: &Report) -> Sentence {
    let choices: Vec<&Row> = report.rows.iter().filter(|row| row.role.is_choice()).collect();
    let measured: Vec<(&Row, ExposureFigures)> =
        choices.iter().filter_map(|row| Some((*row, report.exposure(&row.name)?))).collect();
    if measured.is_empty() {
        return declared(&choices);
    }
    let at_once: Vec<&str> =
        measured.iter().filter(|(_, e)| e.accepted == 0).map(|(row, _)| row.name.as_str()).collect();
    let mut late: Vec<_> = measured.iter().filter(|(_, e)| e.accepted > 0).collect();
    late.sort_by(|(a, x), (b, y)| {
        a.revocation.cmp(&b.revocation).then(x.longest_ns.total_cmp(&y.longest_ns))
    });
    let mut sentence = Sentence::new().text("A stolen credential, after its owner ended the login, ");
    if !at_once.is_empty() {
        sentence = sentence.text("was refused at once by ").names(at_once.iter().copied());
    }
    for (i, group) in late.chunk_by(|(a, _), (b, _)| a.revocation == b.revocation).enumerate() {
        sentence = sentence.text(match (i, at_once.is_empty()) {
            (0, true) => "was still accepted ",
            (0, false) => "; it was still accepted ",
            _ => ", and ",
        });
        for (j, (row, exposure)) in group.iter().enumerate() {
            let comma = if j == 0 { "" } else { ", " };
            let all = if exposure.accepted == exposure.sent_after { "at least " } else { "" };
            sentence = sentence
                .text(format!("{comma}{all}"))
                .figure(number::time(exposure.longest_ns), exposure.longest_ns)
                .text(" later by ")
                .name(&row.name);
        }
        sentence = sentence.text(format!(" (declared: {})", group[0].0.revocation));
    }
    sentence.text(".")
}

/// The same from what the backends declare, when no episode measured it.
fn declared(choices: &[&Row]) -> Sentence {
    let mut by_promise: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in choices {
        match by_promise.iter_mut().find(|(promise, _)| *promise == row.revocation) {
            Some((_, names)) => names.push(&row.name),
            None => by_promise.push((&row.revocation, vec![&row.name])),
        }
    }
    let Some(last) = by_promise.len().checked_sub(1) else { return Sentence::new() };
    by_promise.into_iter().enumerate().fold(
        Sentence::new().text("How long a stolen credential works was not measured in this run; declared: "),
        |sentence, (i, (promise, names))| {
            sentence.text(format!("{promise} in ")).names(names).text(if i == last { "." } else { "; " })
        },
    )
}
