//! The page as a text: well formed, small, without a foreign byte, and with no number that `report.json` does not hold.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::allow_attributes, reason = "test code")]

use std::collections::BTreeSet;

use report::{Format, Report, export};
use serde_json::Value;
use support::markup::{Piece, read};
use support::{STANDARD, Shape};

/// As many rounds as verdicts need, no more.
const SHORT: Shape = Shape { rounds: 10, ..STANDARD };

mod support;

fn report_of(shape: Shape) -> Report {
    let dir = support::scratch();
    support::priced(&support::recording(dir.path(), shape))
}

fn page_of(report: &Report) -> String {
    String::from_utf8(export(Format::Html, report).unwrap().remove(0).bytes).unwrap()
}

fn json_of(report: &Report) -> Value {
    serde_json::from_slice(&export(Format::Json, report).unwrap().remove(0).bytes).unwrap()
}

/// Numbers (by their bits) and strings of `report.json`, without its sentences: those are made of the numbers.
fn contents(value: &Value, numbers: &mut BTreeSet<u64>, strings: &mut Vec<String>) {
    match value {
        Value::Number(number) => {
            numbers.insert(number.as_f64().unwrap().to_bits());
        }
        Value::String(text) => strings.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| contents(item, numbers, strings)),
        Value::Object(members) => {
            for (key, member) in
                members.iter().filter(|(key, _)| !matches!(key.as_str(), "answer" | "sentence"))
            {
                strings.push(key.clone());
                contents(member, numbers, strings);
            }
        }
        _ => {}
    }
}

#[test]
fn every_number_on_the_page_stands_in_the_json() {
    numbers_are_known(&report_of(STANDARD));
}

/// Walks the page: every number in it stands in `report.json`.
fn numbers_are_known(report: &Report) {
    let (mut numbers, mut strings) = (BTreeSet::new(), Vec::new());
    contents(&json_of(report), &mut numbers, &mut strings);
    let said: BTreeSet<String> = strings.iter().flat_map(|string| words(string)).collect();
    let held =
        |text: &str| said.contains(text) || text.parse::<f64>().is_ok_and(|n| numbers.contains(&n.to_bits()));
    // "4 of 9 backends" counts rows that are shown.
    let rows = |word: &str| word.parse::<usize>().is_ok_and(|n| n <= report.rows.len());
    let mut marked = 0;
    let mut inside: Vec<bool> = Vec::new();
    // Elements that are marked: how deep they stand, their value, what they print.
    let mut printing: Vec<(usize, f64, String)> = Vec::new();
    for piece in read(&page_of(report)).unwrap() {
        match piece {
            Piece::Open(name, attributes) => {
                let of =
                    |key: &str| attributes.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
                let value = if name == "data" { of("value") } else { of("data-value") };
                if let Some(value) = value {
                    assert!(held(value), "<{name}> shows {value}, which report.json does not hold");
                    marked += 1;
                    printing.push((inside.len(), value.parse().unwrap(), String::new()));
                }
                // Ticks of an axis are no figures; a picture's description repeats the sentence above it.
                let dated = of("datetime").is_some_and(|time| strings.iter().any(|string| string == time));
                let exempt = dated
                    || value.is_some()
                    || of("class") == Some("tick")
                    || matches!(name.as_str(), "title" | "desc");
                inside.push(exempt || inside.last() == Some(&true));
            }
            Piece::Close(_) => {
                inside.pop();
                if let Some((_, value, text)) = printing.pop_if(|(depth, ..)| *depth == inside.len()) {
                    assert!(prints(&text, value), "{text:?} stands for {value}");
                }
            }
            Piece::Text(text) if !printing.is_empty() => {
                printing.iter_mut().for_each(|(_, _, printed)| printed.push_str(&text));
            }
            Piece::Text(text) if inside.last() != Some(&true) => {
                let plain = text.replace('\u{a0}', " ");
                let quoted = strings.iter().any(|string| string.contains(plain.trim()));
                assert!(
                    quoted || words(&plain).all(|word| known(&word, &held) || rows(&word)),
                    "{plain:?} says a number of its own"
                );
            }
            Piece::Text(_) => {}
        }
    }
    assert!(marked > 500, "only {marked} numbers are marked");
}

/// Does the text print this value, to the digits it has, in some unit?
fn prints(text: &str, value: f64) -> bool {
    // Times are nanoseconds, that of the run seconds; sizes bytes, shares 0 to 1.
    const UNITS: [f64; 13] =
        [1.0, 1e3, 1e6, 1e9, 60.0, 60e9, 3.6e12, 1024.0, 1_048_576.0, 1_073_741_824.0, 0.01, 8.64e13, 1e-9];
    let plain = text.replace(['\u{a0}', '[', ']', '×', '%'], " ").replace('−', "-").replace(',', "");
    let numbers = plain.split_whitespace().filter_map(|word| {
        let word = word.trim_matches(|c: char| !c.is_ascii_digit() && c != '-');
        let number = word.parse::<f64>().ok()?;
        let decimals = word.split_once('.').map_or(0, |(_, digits)| digits.len());
        Some((number, 0.5 * 10f64.powi(-i32::try_from(decimals).unwrap())))
    });
    // What is no number (`baseline`, `none`) prints nothing wrong.
    let numbers: Vec<(f64, f64)> = numbers.collect();
    let close = |number: f64, half: f64, value: f64| {
        // Large amounts are printed with three digits.
        (number - value).abs() <= half * 1.001 + 1e-9 || (number / value - 1.0).abs() < 0.006
    };
    let stands_for = |(number, half): &(f64, f64)| match *number {
        // Nearly everything is nothing in hours.
        0.0 => [1.0, 1e3, 0.01].iter().any(|unit| close(0.0, *half, value / unit)),
        number => {
            // A ratio may be printed as what it differs from one by.
            UNITS.iter().any(|unit| close(number, *half, value / unit))
                || close(number, *half, (value - 1.0) * 100.0)
        }
    };
    numbers.is_empty() || numbers.iter().any(stands_for)
}

#[test]
fn a_number_printed_is_held_against_its_value() {
    for (text, value) in [
        ("0.690 µs [0.394, 0.869]", 690.1),
        ("12.5 %", 0.125),
        ("4.02 min", 241e9),
        ("≡ equivalent 1.016", 1.0161),
    ] {
        assert!(prints(text, value), "{text}");
    }
    for (text, value) in [("0.690 µs", 790.0), ("12.5 %", 0.25), ("1,200", 1400.0), ("0", 5_000.0)] {
        assert!(!prints(text, value), "{text}");
    }
}

/// Words with a digit in them.
fn words(text: &str) -> impl Iterator<Item = String> {
    let trim = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    text.split_whitespace()
        .map(trim)
        .filter(|word| word.chars().any(|c| c.is_ascii_digit()))
        .collect::<Vec<_>>()
        .into_iter()
}

/// Names of statistics, and whole numbers of the report printed with commas.
fn known(word: &str, held: &dyn Fn(&str) -> bool) -> bool {
    const NAMES: [&str; 10] = ["99th", "p50", "p75", "p90", "p95", "p99", "p99.9", "95", "1", "10"];
    NAMES.contains(&word) || held(&word.replace(',', "")) || word.contains("sha256")
}

#[test]
fn long_runs_stay_small() {
    let long = Shape { rounds: 48, scenarios: 2, ..STANDARD };
    let report = report_of(long);
    let page = page_of(&report);
    assert!(page.len() <= 250_000, "{} bytes", page.len());
    assert_eq!(report.scenarios.len(), 2);
    let markdown = &export(Format::Markdown, &report).unwrap()[0].bytes;
    assert!(markdown.len() <= 60 * 1024, "{} bytes", markdown.len());
    read(&page).unwrap();
}

#[test]
fn nothing_is_loaded_and_nothing_runs_but_our_own() {
    let page = page_of(&report_of(SHORT));
    for piece in read(&page).unwrap() {
        let Piece::Open(name, attributes) = piece else { continue };
        assert!(
            !matches!(name.as_str(), "img" | "iframe" | "object" | "embed" | "base" | "form"),
            "<{name}>"
        );
        for (key, value) in attributes {
            assert!(
                !key.starts_with("on") && key != "style",
                "<{name} {key}> would be refused by the policy"
            );
            if matches!(key.as_str(), "src" | "href") {
                assert!(value.starts_with('#') || value == "data:,", "<{name} {key}={value}>");
            }
        }
    }
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("unsafe-inline") && !page.contains("@import") && !page.contains("url(h"));
    assert_eq!(page.matches("<script").count(), 2, "the pairs and the script");
}

#[test]
fn names_and_words_from_files_cannot_become_markup() {
    let mut report = report_of(SHORT);
    let hostile = "</script><img src=x onerror=alert(1)>|`\"'&\n# h";
    report.warnings[0].text = hostile.to_owned();
    report.question = hostile.to_owned();
    for row in &mut report.rows {
        row.summary = hostile.to_owned();
        row.credential = hostile.to_owned();
    }
    let renamed = report.rows[3].name.clone();
    let text = serde_json::to_string(&report.rows[3].name).unwrap();
    assert_eq!(text.trim_matches('"'), renamed);
    report.rows[3].name = hostile.to_owned();
    for scenario in &mut report.scenarios {
        scenario
            .rows
            .iter_mut()
            .filter(|row| row.row == renamed)
            .for_each(|row| row.row = hostile.to_owned());
        for c in &mut scenario.comparisons {
            for name in [&mut c.row, &mut c.baseline] {
                if *name == renamed {
                    *name = hostile.to_owned();
                }
            }
        }
    }
    let page = page_of(&report);
    let pieces = read(&page).unwrap();
    assert!(!pieces.iter().any(|piece| matches!(piece, Piece::Open(name, _) if name == "img")));
    assert_eq!(page.matches("<script").count(), 2);
    let markdown = String::from_utf8(export(Format::Markdown, &report).unwrap().remove(0).bytes).unwrap();
    assert!(!markdown.contains("<img") && !markdown.contains("\n# h"));
    for table in markdown.split("\n\n").filter(|block| block.starts_with("| Backend")) {
        let bars = |line: &str| line.replace("\\|", "").matches('|').count();
        let lines: Vec<usize> = table.lines().filter(|line| line.starts_with('|')).map(bars).collect();
        assert!(lines.iter().all(|count| *count == lines[0]), "{table}");
    }
}

#[test]
fn a_chart_without_data_is_absent() {
    let bare = report_of(Shape { episodes: false, controls: false, ..SHORT });
    let page = page_of(&bare);
    assert!(!page.contains("left-behind credential kept") && !page.contains("Response time of a login"));
    assert!(page.contains("no controls"));
    let mut empty = bare;
    empty.scenarios.clear();
    empty.answer = report::answer::answer(&empty);
    let page = page_of(&empty);
    assert!(!page.contains("<figure") && !page.contains("id=\"decision\""));
    read(&page).unwrap();
}

#[test]
fn a_search_for_capacity_beside_the_recording_is_shown() {
    let dir = support::scratch();
    let recording = support::recording(dir.path(), SHORT);
    assert!(!page_of(&support::priced(&recording)).contains("One server carries"), "absent without a search");
    support::capacity::write(dir.path());
    let report = support::priced(&recording);
    let capacity = report.capacity.as_ref().unwrap();
    assert!(capacity.same_build && capacity.row("none").unwrap().at_least);
    let page = page_of(&report);
    assert!(
        page.contains("One server carries")
            && page.contains("Response time and CPU against the request rate")
    );
    assert_eq!(capacity.row("session-redis").unwrap().words(), "26,144");
    assert!(page.contains(">26,144<") && page.len() <= 250_000);
    numbers_are_known(&report);
}

#[test]
fn a_memory_law_beside_the_recording_is_shown_and_sizes_by_it() {
    let dir = support::scratch();
    let recording = support::recording(dir.path(), SHORT);
    let without = support::priced(&recording);
    assert!(!page_of(&without).contains("Memory against"), "absent without a law");
    support::memory::write(dir.path());
    let report = support::priced(&recording);
    let law = report.memory.as_ref().unwrap();
    assert!(law.same_build && law.row("jwt-stateless").unwrap().live.each_bytes().is_none());
    let store = law.row("session-redis").unwrap().live.store.unwrap();
    assert!(store.seen && store.residual_bytes > 0.0);
    let page = page_of(&report);
    assert!(page.contains("Memory against live logins") && page.contains("Memory against ended logins"));
    assert!(page.len() <= 250_000);
    let cost = report.cost.as_ref().unwrap();
    let sizing = &cost.scenarios[0].row("session-redis").unwrap().sizing;
    let per_100k = sizing.store_bytes_per_100k.unwrap().value;
    assert!((per_100k / 1e5 / store.each_bytes - 1.0).abs() < 1e-5, "{per_100k}");
    assert_eq!(cost.scenarios[0].row("jwt-stateless").unwrap().sizing.app_bytes_per_100k, None);
    numbers_are_known(&report);
}

#[test]
fn everything_beside_a_recording_still_makes_a_small_page() {
    let dir = support::scratch();
    let recording = support::recording(dir.path(), STANDARD);
    support::capacity::write(dir.path());
    support::memory::write(dir.path());
    support::drill::write(dir.path());
    let page = page_of(&support::priced(&recording));
    assert!(page.contains("Drills: stolen") && page.len() <= 250_000, "{} bytes", page.len());
}

#[test]
fn a_drill_beside_the_recording_is_drawn_in_time() {
    let dir = support::scratch();
    let recording = support::recording(dir.path(), SHORT);
    assert!(!page_of(&support::priced(&recording)).contains("Drills: stolen"), "absent without a drill");
    support::drill::write(dir.path());
    let report = support::priced(&recording);
    let drill = report.drill.as_ref().unwrap();
    assert!(!drill.complete && drill.events().len() == 7 && drill.worst("logout").len() == 5);
    let page = page_of(&report);
    assert!(page.contains("Once its owner logged out everywhere") && page.len() <= 250_000);
    // The page is long already: what refused everything is said, not drawn.
    let lanes = page.split("class=\"lane\"").skip(1).map(|layer| layer.split("</svg>").next().unwrap());
    let drawn: Vec<usize> = lanes.map(|layer| layer.matches('Z').count()).collect();
    assert_eq!(drawn, [3 * 3; 6], "a lane for each replica of a design that let something in");
    let says = report::answer::drill(drill, "logout").to_string();
    assert!(says.contains("2 of 5 designs refused") && says.contains("None went beyond"), "{says}");
    assert_eq!(
        report::answer::drill(drill, "expiry").to_string(),
        "Once its life was over, every design refused what was stolen from the first use on."
    );
    numbers_are_known(&report);
}

#[test]
fn wrong_answers_come_first_and_deny_a_rank() {
    let report = report_of(Shape { wrong: true, ..SHORT });
    let page = page_of(&report);
    let alarm = page.find("Wrong answers").unwrap();
    assert!(alarm < page.find("What it costs").unwrap());
    let says = report.answer.iter().map(ToString::to_string).collect::<String>();
    assert!(!says.contains("Equivalent to session-redis within ±5 %: jwt-allowlist"), "{says}");
    let text = String::from_utf8(export(Format::Terminal, &report).unwrap().remove(0).bytes).unwrap();
    assert!(text.starts_with("✗ WRONG ANSWERS: jwt-allowlist"), "{text}");
}

#[test]
fn an_unreliable_run_ranks_nothing() {
    let report = report_of(Shape { broken_twin: true, ..SHORT });
    assert!(report.answer[0].to_string().starts_with("This run ranks nothing"), "{:?}", report.answer);
    let page = page_of(&report);
    assert!(page.contains("✗") && page.contains("unreliable"));
    assert!(!page.contains("class=\"v faster\"") && !page.contains("class=\"v equivalent\""));
}
