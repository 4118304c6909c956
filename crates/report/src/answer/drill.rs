//! What a drill found, in a sentence for each event.

use crate::model::{Drill, DrillCell, Sentence};
use crate::number;

/// What happened, to go on with.
#[must_use]
pub fn after(event: &str) -> String {
    match event {
        "logout" => "its owner logged out".to_owned(),
        "logout-all" => "its owner logged out everywhere".to_owned(),
        "password-change" => "its owner changed the password".to_owned(),
        "disable" => "its owner was disabled".to_owned(),
        "key-rotation" => "the signing key was rotated".to_owned(),
        "reuse" => "a refresh token was used twice".to_owned(),
        "expiry" => "its life was over".to_owned(),
        other => other.replace('-', " "),
    }
}

/// How many designs refused what was stolen at once, and where it worked longest.
#[must_use]
pub fn drill(drill: &Drill, event: &str) -> Sentence {
    let cells = drill.worst(event);
    let refused = cells.iter().filter(|cell| cell.refused()).count();
    let mut sentence =
        Sentence::new().text(format!("Once {}, ", after(event))).text(match (refused, cells.len()) {
            (0, _) => "no design refused what was stolen from the first use on".to_owned(),
            (all, of) if all == of => "every design refused what was stolen from the first use on".to_owned(),
            (some, of) => format!("{some} of {of} designs refused what was stolen from the first use on"),
        });
    let broken: Vec<&str> = cells.iter().filter(|cell| !cell.within).map(|cell| cell.row.as_str()).collect();
    if let Some(longest) = cells.last().filter(|cell| !cell.refused()) {
        sentence = sentence.text("; it worked longest in ").name(&longest.row).text(": ");
        sentence = works(sentence, longest);
    }
    if broken.is_empty() {
        return sentence.text(if refused == cells.len() {
            "."
        } else {
            ". None went beyond what it declares."
        });
    }
    sentence.text(". Beyond what they declare: ").names(broken).text(".")
}

fn works(sentence: Sentence, cell: &DrillCell) -> Sentence {
    let sentence = sentence
        .text(if cell.open { "to the end of the trial, at least " } else { "" })
        .figure(number::time(cell.longest_ns), cell.longest_ns);
    match cell.bound_ns {
        Some(bound) => sentence.text(" (declared, as drilled: ").figure(number::time(bound), bound).text(")"),
        None => sentence.text(" (it promises no end)"),
    }
}
