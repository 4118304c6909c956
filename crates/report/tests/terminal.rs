//! The terminal report: within its width, and the same words with and without colour.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::allow_attributes, reason = "test code")]

use measure::recording::RowFailure;
use report::exporter::terminal::{Palette, render};
use report::verdict::{Unranked, Verdict};
use report::{Report, build};
use support::{STANDARD, Shape};

mod support;

fn report_of(shape: Shape) -> Report {
    let dir = support::scratch();
    support::priced(&support::recording(dir.path(), shape))
}

/// The text without what lies between ESC and m.
fn without_colour(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('m').unwrap().1)
}

#[test]
fn fits_its_width_and_says_the_same_in_colour() {
    let report = report_of(Shape { rounds: 10, wrong: true, ..STANDARD });
    for width in [80, 100, 120] {
        let plain = render(&report, Palette::plain(), width);
        for line in plain.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
            assert_eq!(line.trim_end(), line, "no blanks at the end");
        }
        assert!(!plain.contains('\u{1b}'));
        let coloured = render(&report, Palette::colour(), width);
        assert!(coloured.contains('\u{1b}'));
        assert_eq!(without_colour(&coloured), plain);
    }
}

#[test]
fn the_first_screen_answers() {
    let report = report_of(Shape { rounds: 10, ..STANDARD });
    let text = render(&report, Palette::plain(), 80);
    let first: String = text.lines().take(26).collect::<Vec<_>>().join(" ");
    for word in [
        "is cheapest",
        "for several replicas",
        "Equivalent to session-redis",
        "refused at once by",
        "still accepted",
        "✓ valid",
    ] {
        assert!(first.contains(word), "{word} is not in {first}");
    }
    // Every row in every table, with a word beside every glyph.
    for row in &report.rows {
        assert!(text.matches(&row.name).count() >= 3, "{}", row.name);
    }
    for word in ["◀ faster", "◀ cheaper", "▶ dearer", "≡ equivalent"] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn a_row_that_was_not_ranked_is_not_called_level() {
    let mut report = report_of(Shape { rounds: 10, episodes: false, ..STANDARD });
    let row = "jwt-denylist";
    for comparison in report.scenarios.iter_mut().flat_map(|scenario| &mut scenario.comparisons) {
        if [comparison.row.as_str(), comparison.baseline.as_str()].contains(&row) {
            comparison.verdict = Verdict::Unranked;
            comparison.unranked = Some(Unranked::TooFewRounds);
        }
    }
    let said = report::answer::answer(&report)[0].to_string();
    let level =
        said.split("cannot tell it from").nth(1).unwrap_or_default().split(';').next().unwrap_or_default();
    assert!(!level.contains(row), "{said}");
    assert!(said.contains(&format!("; not ranked against it (too few rounds): {row}")), "{said}");
}

#[test]
fn a_row_that_died_is_no_choice_and_is_warned_of() {
    let dir = support::scratch();
    let mut recording = support::recording(dir.path(), Shape { rounds: 10, ..STANDARD });
    let died = recording.run.rows.iter_mut().find(|row| row.name == "jwt-stateless").unwrap();
    died.failure = Some(RowFailure {
        scenario: "steady".into(),
        at_unix_ns: 1_795_461_600_000_000_000,
        message: "server of jwt-stateless: ended during the run (signal: 9)\n  it said last:\n    x".into(),
        address: "127.0.0.1:4000".into(),
    });
    let report = build(&recording).unwrap();
    let said: String = report.answer.iter().take(2).map(ToString::to_string).collect();
    assert!(!said.contains("jwt-stateless is cheapest"), "{said}");
    let unranked = report.scenarios[0].comparisons.iter().filter(|c| c.row == "jwt-stateless" && !c.added);
    assert!(unranked.clone().count() > 0);
    assert!(unranked.into_iter().all(|c| c.unranked.is_some() && c.verdict == Verdict::Unranked));
    let warning = &report.warnings[0].text;
    for part in [
        "jwt-stateless has no rank: ",
        "signal: 9",
        "in steady",
        "2026-11-23T19:20:00Z",
        "its server at 127.0.0.1:4000",
    ] {
        assert!(warning.contains(part), "{part} is not in {warning}");
    }
    assert!(!warning.contains("it said last"), "{warning}");
}

#[test]
fn a_run_without_usable_blocks_says_so() {
    let mut report = report_of(Shape { rounds: 10, episodes: false, ..STANDARD });
    for scenario in &mut report.scenarios {
        scenario.rows.iter_mut().for_each(|row| row.figures.clear());
        scenario.comparisons.clear();
    }
    report.answer = report::answer::answer(&report);
    let text = render(&report, Palette::plain(), 80);
    assert!(text.contains("No block of steady could be used"), "{text}");
    assert!(!text.contains("CPU server"), "{text}");
}
