//! The page in a real browser: nothing on the console, nothing wider than the screen, sorting and re-basing give the
//! numbers of `report.json`. Needs Chromium.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::allow_attributes, reason = "test code")]

use std::collections::BTreeMap;
use std::path::Path;

use report::cost::formula::per_million;
use report::cost::{Load, RowCost};
use report::metric::Metric;
use report::number;
use report::{Format, Report, export};
use serde_json::Value;

mod support;

/// Runs inside a page beside the report, which it shows in frames: wide and narrow, with scripts and without.
const PROBE: &str = include_str!("browser/probe.js");

/// What the probe found, and what the browser wrote on its console.
fn look_at(dir: &Path, report: &Report) -> (Value, Vec<String>) {
    let page = export(Format::Html, report).unwrap().remove(0);
    std::fs::write(dir.join("report.html"), page.bytes).unwrap();
    let frames: String = [(1280, true), (1280, false), (390, true), (390, false)]
        .into_iter()
        .map(|(width, scripts)| {
            let sandbox = if scripts { "" } else { "sandbox='allow-same-origin'" };
            format!("<iframe id='w{width}-{scripts}' src='report.html' {sandbox} style='width:{width}px;height:900px'></iframe>")
        })
        .collect();
    let probe = format!(
        "<!doctype html><meta charset=utf-8><body>{frames}<pre id=found></pre><script>{PROBE}</script>"
    );
    let page = dir.join("probe.html");
    std::fs::write(&page, probe).unwrap();
    support::browser::open(&page, &[])
}

#[test]
fn the_page_works_in_a_browser() {
    let dir = support::scratch();
    let recording = support::recording(&dir.path().join("recording"), support::STANDARD);
    let report = support::priced(&recording);
    let (found, console) = look_at(dir.path(), &report);

    assert_eq!(console, Vec::<String>::new(), "the console stays empty");
    for frame in ["w1280-true", "w1280-false", "w390-true", "w390-false"] {
        let (inner, content) = (found[frame]["inner"].as_f64(), found[frame]["content"].as_f64());
        assert!(
            content <= inner,
            "{frame}: {content:?} px of content in {inner:?}: {:?}",
            found[frame]["wide"]
        );
        assert_eq!(
            found[frame]["unnamed"],
            serde_json::json!([]),
            "{frame}: every picture and table has a name"
        );
        assert_eq!(
            found[frame]["headings"],
            serde_json::json!([]),
            "{frame}: no level of headings is skipped"
        );
        assert!(found[frame]["figures"].as_u64().unwrap() >= 7, "{frame}: {:?}", found[frame]["figures"]);
    }
    // Without scripts there is nothing that would need them.
    assert_eq!(found["w1280-false"]["controls"], 0);
    assert_eq!(found["w1280-true"]["controls"], 2);

    let sorted: Vec<f64> = serde_json::from_value(found["sorted"].clone()).unwrap();
    assert!(sorted.len() == 9 && sorted.is_sorted(), "{sorted:?}");
    let reversed: Vec<f64> = serde_json::from_value(found["reversed"].clone()).unwrap();
    assert!(reversed.iter().rev().is_sorted(), "{reversed:?}");
    assert_eq!(found["announced"], "descending");

    rebased(&report, &found);
    moved(&report, &found);
}

/// After sliders were moved, every amount is the one that the formula gives for that load and those prices.
fn moved(report: &Report, found: &Value) {
    let cost = report.cost.as_ref().unwrap();
    let own = cost.scenario("steady").unwrap();
    let mut sheet = support::sheet();
    sheet.prices.app_vcpu_hour.price *= 2.0;
    for (state, rate, logins) in
        [("rate", 50_000.0, 20_000.0), ("logins", 50_000.0, 2e6), ("price", 50_000.0, 2e6)]
    {
        let sheet = if state == "price" { sheet.clone() } else { support::sheet() };
        let of =
            |row: &RowCost| per_million(&row.usage, Load { rate, logins, replicas: row.replicas }, &sheet);
        let cells: BTreeMap<String, (f64, String)> =
            serde_json::from_value(found["money"][state].clone()).unwrap();
        // In the decision table, and in the bill over none as well.
        assert_eq!(cells.len(), 3 * own.rows.len() - 1, "{cells:?}");
        for row in &own.rows {
            let all = of(row);
            let over = all - of(own.row("none").unwrap());
            for (place, wanted) in [("decision all", all), ("bill all", all), ("bill over", over)] {
                let Some((value, text)) = cells.get(&format!("{} {place}", row.row)) else {
                    assert_eq!((place, row.row.as_str()), ("bill over", "none"));
                    continue;
                };
                assert!(
                    (value - wanted).abs() <= 1e-12 * all,
                    "{state} {} {place}: {value}, not {wanted}",
                    row.row
                );
                assert_eq!(*text, number::money(wanted), "{state} {} {place}", row.row);
            }
        }
    }
    assert_eq!(found["money"]["stated"], "at 50,000 requests a second and 2,000,000 live logins");
    assert_eq!(found["money"]["warned"], true);
    assert_eq!(found["money"]["back"], true, "going back restores every amount");
}

/// After another baseline was chosen, every cell and every mark shows that baseline's comparison.
fn rebased(report: &Report, found: &Value) {
    let scenario = report.headline().unwrap();
    let cells: BTreeMap<String, String> = serde_json::from_value(found["rebased"].clone()).unwrap();
    let marks: BTreeMap<String, String> = serde_json::from_value(found["marks"].clone()).unwrap();
    assert_eq!(cells.len(), 2 * report.rows.len());
    for row in &report.rows {
        for metric in Metric::PRIMARY {
            let key = format!("{} {}", row.name, metric.key());
            let Some(c) = scenario.comparison("jwt-stateless", &row.name, metric) else {
                assert_eq!((cells[&key].as_str(), marks[&key].as_str()), ("–", "baseline"));
                continue;
            };
            let ratio = c.ratio.unwrap();
            let (low, high) = ratio.interval().unwrap();
            let words = format!("{} {}", c.verdict.glyph(), c.verdict.label_on(metric));
            let interval = format!("{:.3} [{low:.3}, {high:.3}]", ratio.value);
            assert_eq!(cells[&key], format!("{words}{interval}"), "{key}");
            assert_eq!(marks[&key], format!("{words} {interval}"), "{key}");
        }
    }
    assert_eq!(found["exploratory"], true);
    assert_eq!(found["moved"], true, "the marks moved");
    assert_eq!(found["back"], true, "choosing the registered baseline restores the page");
}
