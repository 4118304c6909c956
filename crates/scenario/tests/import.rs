//! Access logs become traces with the log's clients, order and spacing.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use scenario::import::{ImportError, ImportOptions, Imported, read};
use scenario::trace::{Recorded, Summary, save};
use scenario::{HumanDuration, Operation, Scenario, Step, TraceOptions};

fn log(lines: &[(&str, &str, &str)]) -> String {
    let line = |(client, time, method): &(&str, &str, &str)| {
        format!("{client} - - [17/May/2015:{time} +0000] \"{method} / HTTP/1.1\" 200 5\n")
    };
    lines.iter().map(line).collect()
}

fn import(text: &str, options: ImportOptions) -> Imported {
    read(text.as_bytes(), options).unwrap()
}

fn shape(imported: &Imported) -> Vec<(u64, u32, Operation)> {
    imported.steps().map(|step| (step.intended_ns / 1_000_000, step.subject, step.operation)).collect()
}

#[test]
fn visits_begin_after_a_pause() {
    let text = log(&[
        ("a", "10:00:00", "GET"),
        ("b", "10:00:10", "POST"),
        ("a", "10:30:00", "GET"),
        ("a", "10:30:01", "DELETE"),
        ("b", "10:40:11", "GET"),
    ]);
    let imported = import(&text, ImportOptions::default());
    use Operation::{Login, Request, Write};
    let expected = vec![
        (0, 0, Login),
        (10_000, 1, Login),
        (1_800_000, 0, Request),
        (1_801_000, 0, Write),
        (2_411_000, 1, Login),
    ];
    assert_eq!(shape(&imported), expected);
    assert_eq!((imported.report.clients, imported.report.logins, imported.report.writes), (2, 3, 1));
    let short =
        ImportOptions { pause: HumanDuration::from_millis(60_000), speed: 10.0, ..Default::default() };
    assert_eq!(shape(&import(&text, short))[2], (180_000, 0, Login));
}

#[test]
fn a_second_is_shared_evenly_and_order_is_kept() {
    let text = log(&[
        ("a", "10:00:01", "GET"),
        ("b", "10:00:01", "GET"),
        ("c", "10:00:00", "GET"),
        ("d", "10:00:01", "GET"),
        ("e", "10:00:01", "GET"),
    ]);
    let imported = import(&text, ImportOptions::default());
    let times: Vec<(u64, u32)> = shape(&imported).iter().map(|step| (step.0, step.1)).collect();
    assert_eq!(times, [(0, 2), (1000, 0), (1250, 1), (1500, 3), (1750, 4)]);
    assert_eq!(imported.report.out_of_order, 1);
}

#[test]
fn malformed_lines_are_counted_told_and_skipped() {
    let mut text = String::from("nonsense\n\n");
    text.push_str(&log(&[("a", "10:00:00", "GET")]));
    text.push_str(&"x".repeat(200_000));
    text.push_str("\r\n");
    text.push_str(&log(&[("a", "10:00:05", "GET")]).replace('\n', "\r\n"));
    text.push_str("cut off in the midd");
    let report = import(&text, ImportOptions::default()).report;
    assert_eq!((report.lines, report.malformed, report.empty), (2, 3, 1));
    let told: Vec<u64> = report.told.iter().map(|(line, _)| *line).collect();
    assert_eq!(told, [1, 4, 6]);
    assert_eq!(report.told[1].1, "longer than 64 KiB");
}

#[test]
fn nothing_valid_is_an_error_with_the_first_fault() {
    let error = read(&b"what\nis this"[..], ImportOptions::default()).unwrap_err();
    assert!(matches!(&error, ImportError::NoneValid { report } if report.malformed == 2));
    let message = error.in_file(Path::new("access.log")).to_string();
    assert!(
        message.contains("access.log") && message.contains("line 1") && message.contains("help:"),
        "{message}"
    );
    assert!(read(&b""[..], ImportOptions::default()).unwrap_err().to_string().contains("empty"));
    let still = ImportOptions { speed: 0.0, ..Default::default() };
    assert!(matches!(read(&b"x"[..], still), Err(ImportError::Speed(_))));
}

#[test]
fn an_imported_trace_is_a_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.trace");
    let imported = import(
        &log(&[("a", "10:00:00", "GET"), ("a", "10:04:00", "GET"), ("a", "10:06:00", "GET")]),
        ImportOptions { speed: 60.0, ..Default::default() },
    );
    save(&path, &imported.header("shop"), imported.steps()).unwrap();
    let scenario = Scenario::open(path.to_str().unwrap()).unwrap();
    assert!(!scenario.is_stationary() && scenario.provision().is_none());
    let plain: Vec<Step> = scenario.trace(&TraceOptions::default()).collect();
    assert_eq!(plain, imported.steps().collect::<Vec<_>>());
    // Five minutes of the user's own time are five seconds of a trace that runs 60 times faster.
    let lifetime = Some(std::time::Duration::from_secs(300));
    let options = TraceOptions { access_lifetime: lifetime, ..Default::default() };
    let operations: Vec<Operation> = scenario.trace(&options).map(|step| step.operation).collect();
    use Operation::{Login, Refresh, Request};
    assert_eq!(operations, [Login, Request, Refresh, Request]);
}

/// A public log of 10,000 lines from 1,753 clients. It is not part of the project: without it there is nothing to try.
fn public_log() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/traces/apache_logs");
    let path = std::env::var_os("AUTHBENCH_ACCESS_LOG").map_or_else(beside, PathBuf::from);
    path.exists().then_some(path)
}

#[test]
fn a_public_log() {
    let Some(path) = public_log() else {
        eprintln!("no public access log here (AUTHBENCH_ACCESS_LOG): not tried");
        return;
    };
    let log = BufReader::new(File::open(path).unwrap());
    let imported = read(log, ImportOptions { speed: 1000.0, ..Default::default() }).unwrap();
    let report = &imported.report;
    assert_eq!((report.lines, report.malformed, report.clients), (10_000, 0, 1753));
    let summary = Summary::of(imported.steps());
    assert_eq!((summary.steps, summary.subjects), (10_000, 1753));
    let mut first = BTreeMap::new();
    for step in imported.steps() {
        first.entry(step.subject).or_insert(step.operation);
    }
    assert!(first.values().all(|operation| *operation == Operation::Login));
    assert!(imported.steps().map(|step| step.intended_ns).is_sorted());
    eprintln!("{report:?}\n{summary:?}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("public.trace");
    save(&path, &imported.header("public"), imported.steps()).unwrap();
    assert_eq!(Recorded::open(&path).unwrap().digest(), summary.digest);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&bytes[..], ImportOptions::default());
    }

    #[test]
    fn steps_match_lines(
        lines in prop::collection::vec((0_u8..6, 0_u32..86_400, any::<bool>()), 1..80),
        speed in 0.01_f64..1e6,
    ) {
        let text: String = lines.iter().map(|(client, at, write)| {
            let (h, m, s) = (at / 3600, at / 60 % 60, at % 60);
            let method = if *write { "PUT" } else { "HEAD" };
            format!("10.0.0.{client} - - [17/May/2015:{h:02}:{m:02}:{s:02} +0200] \"{method} / HTTP/1.1\" 200 -\n")
        }).collect();
        let imported = import(&text, ImportOptions { speed, ..Default::default() });
        let steps: Vec<Step> = imported.steps().collect();
        prop_assert_eq!(steps.len(), lines.len());
        prop_assert!(steps.is_sorted_by_key(|step| step.intended_ns));
        let (first, last) = (lines.iter().map(|l| l.1).min().unwrap(), lines.iter().map(|l| l.1).max().unwrap());
        let length = f64::from(last - first) / speed * 1e9;
        let found = steps.last().unwrap().intended_ns as f64;
        prop_assert!(found >= length - 1.0 && found <= length + 1e9 / speed + 1.0);
        prop_assert_eq!(&steps, &import(&text, ImportOptions { speed, ..Default::default() }).steps().collect::<Vec<_>>());
    }
}
