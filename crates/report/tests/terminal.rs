//! The terminal report: within its width, and the same words with and without colour.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::allow_attributes, reason = "test code")]

use report::Report;
use report::exporter::terminal::{Palette, render};
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
