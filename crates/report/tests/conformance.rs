//! Security checks beside a recording: every format says what holds and what does not, and with what evidence.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::allow_attributes, reason = "test code")]

use report::model::{Conformance, ConformanceRow, Exchange, Statement, StatementResult, StatementVerdict};
use report::{Format, Report, export};
use support::markup::read;
use support::{STANDARD, Shape};

mod support;

fn exchange(step: &str, good: bool) -> Exchange {
    Exchange {
        step: step.into(),
        sent: "GET /me HTTP/1.1\nCookie: __Host-session=l_83…(43)".into(),
        came_back: if good { "401" } else { "200\n<b>u1</b>" }.into(),
        wanted: "401".into(),
        good,
    }
}

fn row(row: &str, verdict: StatementVerdict) -> ConformanceRow {
    let result = |id: &str, verdict, exchanges| StatementResult {
        id: id.into(),
        verdict,
        reason: String::new(),
        attacks: 345,
        steps: 7,
        exchanges,
    };
    let good = verdict == StatementVerdict::Holds;
    let results = vec![
        result("S2", StatementVerdict::Holds, vec![exchange("an id made up", true)]),
        result("S4", verdict, vec![exchange("its credential, at once", good)]),
    ];
    ConformanceRow {
        row: row.into(),
        broken: None,
        holds: 1 + u64::from(good),
        fails: u64::from(!good),
        does_not_apply: 0,
        not_run: 0,
        attacks: 690,
        results,
    }
}

fn checked() -> Report {
    let dir = support::scratch();
    let mut report = support::priced(&support::recording(dir.path(), Shape { rounds: 10, ..STANDARD }));
    let statement =
        |id: &str, text: &str| Statement { id: id.into(), text: text.into(), source: "ASVS".into() };
    let broken = ConformanceRow {
        broken: Some("no Redis is on PATH".into()),
        results: Vec::new(),
        ..row("session-redis", StatementVerdict::Holds)
    };
    report.conformance = Some(Conformance {
        statements: vec![
            statement("S2", "A login gives a new id."),
            statement("S4", "A logout ends a login."),
        ],
        backends: vec![
            row("none", StatementVerdict::Holds),
            row("jwt-stateless", StatementVerdict::Fails),
            broken,
        ],
    });
    report
}

fn text(format: Format, report: &Report) -> String {
    String::from_utf8(export(format, report).unwrap().remove(0).bytes).unwrap()
}

#[test]
fn the_page_shows_what_does_not_hold_with_what_was_sent_and_came_back() {
    let report = checked();
    let page = text(Format::Html, &report);
    read(&page).unwrap();
    assert!(page.contains("Does it hold what security demands?"));
    assert!(page.contains("A statement does not hold for <code>jwt-stateless</code>: no rank."), "{page}");
    assert!(page.contains("Not checked: <code>session-redis</code>."));
    let failing = page.find("✗ <code>jwt-stateless</code> S4: A logout ends a login.").expect("what fails");
    let evidence = &page[failing..];
    assert!(evidence.contains("its credential, at once") && evidence.contains("&lt;b&gt;u1&lt;/b&gt;"));
    // An example of a statement that holds as well.
    assert!(page.contains("an id made up"));
    let without = text(Format::Html, &Report { conformance: None, ..report });
    assert!(!without.contains("security demands"));
}

#[test]
fn markdown_and_json_say_the_same() {
    let report = checked();
    let markdown = text(Format::Markdown, &report);
    assert!(markdown.contains("### What security demands"), "{markdown}");
    assert!(markdown.contains("| `jwt-stateless` | 1 | 1 | 0 | 0 | 690 |"), "{markdown}");
    assert!(markdown.contains("- ✗ `jwt-stateless` S4: A logout ends a login."), "{markdown}");
    let json: serde_json::Value = serde_json::from_str(&text(Format::Json, &report)).unwrap();
    assert_eq!(json["conformance"]["backends"][1]["results"][1]["verdict"], "fails");
    assert_eq!(json["conformance"]["backends"][1]["results"][1]["exchanges"][0]["wanted"], "401");
}
