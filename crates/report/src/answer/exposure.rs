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
    let kind = |e: &ExposureFigures| e.accepted == e.sent_after;
    late.sort_by(|(a, x), (b, y)| {
        (kind(x), &a.revocation).cmp(&(kind(y), &b.revocation)).then(x.longest_ns.total_cmp(&y.longest_ns))
    });
    let mut sentence = Sentence::new().text("Once its owner has ended the login, a stolen credential is ");
    if !at_once.is_empty() {
        sentence = sentence.text("refused at once by ").names(at_once.iter().copied());
    }
    let groups =
        late.chunk_by(|(a, x), (b, y)| kind(x) == kind(y) && (kind(x) || a.revocation == b.revocation));
    for (i, group) in groups.enumerate() {
        let longest = || group.iter().map(|(_, e)| e.longest_ns);
        let (Some(least), Some(most)) = (longest().reduce(f64::min), longest().reduce(f64::max)) else {
            continue;
        };
        sentence = sentence.text(match (i, at_once.is_empty()) {
            (0, true) => "still accepted ",
            (0, false) => "; it is still accepted ",
            _ => ", ",
        });
        let open = group.iter().all(|(_, e)| kind(e));
        sentence = sentence.text(if open { "to the end of the trial, at least " } else { "" });
        sentence = sentence.figure(number::time(least), least);
        if !open && number::time(least) != number::time(most) {
            sentence = sentence.text(" to ").figure(number::time(most), most);
        }
        sentence = sentence
            .text(" later, by ")
            .names(group.iter().map(|(row, _)| row.name.as_str()))
            .text(format!(" (declared: {})", promises(group.iter().map(|(row, _)| row.revocation.as_str()))));
    }
    sentence.text(".")
}

/// Promises as one: `until it expires, 5 min or 15 min`.
fn promises<'a>(promises: impl Iterator<Item = &'a str>) -> String {
    let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
    for promise in promises {
        let (what, bound) = promise.split_once(", ").unwrap_or((promise, ""));
        match said.iter_mut().find(|(other, _)| *other == what) {
            Some((_, bounds)) if bounds.contains(&bound) => {}
            Some((_, bounds)) => bounds.push(bound),
            None => said.push((what, vec![bound])),
        }
    }
    let one = |(what, bounds): (&str, Vec<&str>)| match bounds.join(" or ") {
        bounds if bounds.is_empty() => what.to_owned(),
        bounds => format!("{what}, {bounds}"),
    };
    said.into_iter().map(one).collect::<Vec<_>>().join("; ")
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

#[cfg(test)]
mod tests {
    use super::promises;

    #[test]
    fn promises_are_joined() {
        let said = ["until it expires, 5 min", "until it expires, 15 min", "until it expires, 15 min"];
        assert_eq!(promises(said.into_iter()), "until it expires, 5 min or 15 min");
        assert_eq!(promises(["at once", "at most 2 s"].into_iter()), "at once; at most 2 s");
    }
}
