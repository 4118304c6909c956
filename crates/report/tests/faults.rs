//! The report of a fault plan, from records that a test makes up.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::path::Path;

use measure::Lag;
use measure::faults::{
    FaultDesign, FaultKind, FaultOperation, FaultPlan, FaultRecord, FaultRecording, FaultResult, FloodRecord,
    LongestWait, Percentiles, StoreDownCheck, Timeline,
};
use measure::recording::Ended;
use measure::{LogoutAll, Promises, Replicas, StoreDown};
use report::Format;
use report::faults::{FaultReport, Mark, export, terminal};

const MS: u64 = 1_000_000;

fn plan() -> FaultPlan {
    let found = scenario_file();
    FaultPlan::parse(Path::new("faults.toml"), &found).unwrap()
}

fn scenario_file() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/plans/faults.toml"))
        .unwrap()
}

fn record(backend: &str, fault: FaultKind) -> FaultRecord {
    let ok = [vec![6; 10], vec![0; 30], vec![6; 20]].concat();
    let unavailable = [vec![0; 10], vec![6; 30], vec![0; 20]].concat();
    let line = Timeline { ok, unavailable, ..Timeline::default() };
    FaultRecord {
        backend: backend.to_owned(),
        fault,
        replicas: 2,
        began_at_ns: 1000 * MS,
        lifted_at_ns: 4000 * MS,
        length_ns: 6000 * MS,
        bucket_ns: 100 * MS,
        timelines: [(FaultOperation::Request, line.clone()), (FaultOperation::Login, line)].into(),
        deadline_ns: 250 * MS,
        late: 0,
        unanswered: 0,
        longest: Some(LongestWait {
            operation: FaultOperation::Request,
            service_ns: 252 * MS,
            answered: true,
        }),
        shed: 180,
        shed_without_retry_after: 0,
        server_errors: 0,
        strangers: 0,
        wrong_accepts: 0,
        declared_accepts: 0,
        replays: 120,
        wrong_for_ns: 0,
        wrong_after: false,
        forged_accepts: 0,
        forgeries: Some(36),
        wrong_rejects: 0,
        presented: 500,
        lost_logins: 0,
        subjects: 24,
        recovery_ns: Some(40 * MS),
        store_down: fault.store_is_down().then_some(StoreDownCheck {
            judged: 100,
            requests: [0, 0, 80, 0],
            writes: [0, 0, 20, 0],
            contradiction: None,
        }),
        loss_reported: false,
        evicted_keys: Some(0),
        died: Vec::new(),
        panics: Vec::new(),
        lateness_p99_ns: MS,
        void: None,
    }
}

fn design(backend: &str) -> FaultResult {
    FaultResult::Design(FaultDesign {
        backend: backend.to_owned(),
        summary: "Made up".to_owned(),
        backend_sha256: "0".repeat(64),
        promises: Promises {
            revocation_lag: Lag::None,
            logout_all: LogoutAll::Index,
            store_down: StoreDown::Closed,
            replicas: Replicas::Any,
        },
        shared_store: true,
    })
}

fn recording(results: Vec<FaultResult>) -> FaultRecording {
    FaultRecording {
        plan: plan(),
        plan_sha256: "1".repeat(64),
        results,
        environment: None,
        ended: Some(Ended::Completed),
        sha256: "2".repeat(64),
    }
}

fn faults(records: &[FaultRecord]) -> FaultReport {
    let designs = records.iter().map(|record| design(&record.backend));
    let results = designs.chain(records.iter().map(|record| FaultResult::Fault(Box::new(record.clone()))));
    FaultReport::of(&recording(results.collect()))
}

#[test]
fn a_row_says_what_was_answered_meanwhile_and_how_it_is_marked() {
    let kept = record("session-redis", FaultKind::StoreKilled);
    let lost = FaultRecord {
        wrong_rejects: 300,
        lost_logins: 24,
        ..record("session-cached", FaultKind::StoreRestartedEmpty)
    };
    let back = FaultRecord {
        wrong_accepts: 60,
        wrong_for_ns: 5000 * MS,
        ..record("jwt-denylist", FaultKind::StoreRestartedEmpty)
    };
    let said = FaultRecord { loss_reported: true, backend: "jwt-epoch".to_owned(), ..back.clone() };
    let void = FaultRecord {
        void: Some("the machine is too busy".to_owned()),
        ..record("jwt-allowlist", FaultKind::StoreKilled)
    };
    let report = faults(&[kept, lost, back, said, void]);
    let marks: Vec<(&str, Mark)> = report.rows().map(|row| (row.backend.as_str(), row.mark)).collect();
    assert_eq!(
        marks,
        [
            ("session-redis", Mark::Kept),
            ("jwt-allowlist", Mark::Void),
            ("session-cached", Mark::Price),
            ("jwt-denylist", Mark::Contradicted),
            ("jwt-epoch", Mark::Price),
        ]
    );
    let row = report.rows().next().unwrap();
    assert_eq!((row.requests.unavailable, row.requests.ok, row.requests.words().as_str()), (180, 0, "503"));
    assert_eq!(report.contradictions().count(), 1);
    let text = terminal(&report);
    for part in [
        "NOT AS DECLARED",
        "✗ jwt-denylist, store-restarted-empty: 60 uses of ended logins were let in",
        "SHOWS NOTHING",
        "store-killed: the store is killed, and comes back with its data",
        "Every request ended within 300 ms",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let page = export(&report, Format::Html).unwrap();
    assert!(
        page.contains("lane-503") && !page.contains("lane-none\" d") && !page.contains("<script"),
        "no script"
    );
    assert!(page.contains("unsaid") && page.contains("said by the server"));
    assert!(export(&report, Format::Junit).is_none());
}

#[test]
fn a_flood_says_how_much_longer_requests_take_and_why() {
    let times = |p99_ns| Percentiles { count: 2000, p50_ns: MS, p99_ns, max_ns: 2 * p99_ns };
    let flood = |during_ms: u64| FloodRecord {
        fault: record("session-redis", FaultKind::LoginFlood),
        before: times(2 * MS),
        during: times(during_ms * MS),
        granted: times(200 * MS),
        shed_logins: times(MS),
        cpu_before: 0.05,
        cpu_during: 0.98,
    };
    for (during_ms, part) in [(3, "at most twice as long"), (9, "more than twice as long")] {
        let results = vec![design("session-redis"), FaultResult::Flood(Box::new(flood(during_ms)))];
        let report = FaultReport::of(&recording(results));
        let says = report.answer.last().unwrap().to_string();
        assert!(says.contains(part), "{says}");
        assert_eq!(says.contains("98 % busy"), during_ms == 9, "{says}");
        let text = terminal(&report);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(export(&report, Format::Markdown).unwrap().contains("## login-flood"));
    }
}

#[test]
fn the_whole_built_in_plan_fits_its_page_and_its_markdown() {
    let plan = plan();
    let all = plan.faults.iter().flat_map(|&fault| {
        plan.backends.iter().map(move |backend| FaultRecord { wrong_rejects: 7, ..record(backend, fault) })
    });
    let report = faults(&all.collect::<Vec<_>>());
    assert_eq!(report.rows().count(), plan.faults.len() * plan.backends.len());
    let page = export(&report, Format::Html).unwrap();
    assert!(page.len() < 900_000, "{} bytes", page.len());
    assert!(page.matches("<svg x=").count() >= report.rows().count());
    let markdown = export(&report, Format::Markdown).unwrap();
    assert!(markdown.len() <= 60 * 1024, "{} bytes", markdown.len());
    let json: serde_json::Value = serde_json::from_str(&export(&report, Format::Json).unwrap()).unwrap();
    assert_eq!(json["schema"], "authbench.faults/v1");
    assert_eq!(json["faults"][0]["rows"][0]["lanes"][0]["ok"].as_array().unwrap().len(), 60);
}

#[test]
fn what_was_cut_off_or_empty_says_so() {
    let mut cut_off = recording(vec![design("session-redis")]);
    cut_off.ended = None;
    let report = FaultReport::of(&cut_off);
    assert!(!report.complete && report.rows().next().is_none());
    assert!(terminal(&report).contains("Stopped before the end."));
    assert!(export(&report, Format::Html).unwrap().contains("stopped before the end"));
}
