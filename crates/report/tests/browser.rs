//! The page in a real browser: nothing on the console, nothing wider than the screen, sorting and re-basing give the
//! numbers of `report.json`. Needs Chromium.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::allow_attributes, reason = "test code")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use report::metric::Metric;
use report::{Format, Report, build, export};
use serde_json::Value;

mod support;

/// Runs inside a page beside the report, which it shows in frames: wide and narrow, with scripts and without.
const PROBE: &str = include_str!("browser/probe.js");

fn chromium() -> Command {
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    });
    let name = found.expect("this test needs Chromium: install it with `apt-get install chromium`");
    let mut command = Command::new(name);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        // The probe may look into the frames beside it.
        "--allow-file-access-from-files",
        "--enable-logging=stderr",
        "--virtual-time-budget=10000",
        "--window-size=1400,1000",
        "--dump-dom",
    ]);
    command
}

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
    let output = chromium()
        .arg(format!("--user-data-dir={}", dir.join("profile").display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8(output.stdout).unwrap();
    let console = String::from_utf8_lossy(&output.stderr);
    // A frame without scripts says that it runs none: that is what it is for.
    let said =
        console.lines().filter(|line| line.contains("CONSOLE") && !line.contains("Blocked script execution"));
    let said = said.map(str::to_owned).collect();
    let found = dom.split("<pre id=\"found\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let found = found.unwrap_or_else(|| panic!("the probe did not finish: {console}"));
    let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    (serde_json::from_str(&found).unwrap_or_else(|error| panic!("{error}: {found}")), said)
}

#[test]
fn the_page_works_in_a_browser() {
    let dir = support::scratch();
    let recording = support::recording(&dir.path().join("recording"), support::STANDARD);
    let report = build(&recording).unwrap();
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
    assert_eq!(found["w1280-true"]["controls"], 1);

    let sorted: Vec<f64> = serde_json::from_value(found["sorted"].clone()).unwrap();
    assert!(sorted.len() == 9 && sorted.is_sorted(), "{sorted:?}");
    let reversed: Vec<f64> = serde_json::from_value(found["reversed"].clone()).unwrap();
    assert!(reversed.iter().rev().is_sorted(), "{reversed:?}");
    assert_eq!(found["announced"], "descending");

    rebased(&report, &found);
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
