//! `authbench load` against a server of our own. Figures are not judged here: only what is said, and by which names.

use std::process::Stdio;

use crate::serve::Served;
use crate::support::{CLOSED, authbench, kill, run_in};

fn json(arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
    let said = run_in(".".as_ref(), arguments);
    (said.code, serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("no JSON: {said:?}")))
}

#[test]
fn open_loop_says_everything_that_is_promised_of_it() {
    let served = Served::start(&["--backend", "none"]);
    let url = served.url("/me");
    let header = "Authorization: Bearer u00000001";
    let arguments = ["load", &url, "--rate", "500", "--duration", "400ms", "--header", header, "--json"];
    let (code, report) = json(&arguments);
    assert_eq!(code, Some(0));
    let requests = report["requests"].as_u64().expect("a count");
    assert!(requests > 0);
    assert_eq!(report["outcomes"], serde_json::json!({ "ok": requests }), "the header lets every request in");
    assert!(report["achieved_rate"].as_f64().is_some_and(|rate| rate > 0.0));
    assert!(report["generator_cpu_ns_per_request"].as_f64().is_some_and(|cpu| cpu > 0.0));
    for figure in ["response_time_ns", "service_time_ns", "send_lag_ns"] {
        for quantile in ["p50", "p90", "p99", "p999", "max"] {
            assert!(report[figure][quantile].is_u64(), "{figure}.{quantile}");
        }
    }
    assert!(report["validity"]["status"].is_string() && report["validity"]["reasons"].is_array());
}

#[test]
fn in_closed_loop_response_time_is_service_time() {
    let served = Served::start(&["--backend", "none"]);
    let (code, report) =
        json(&["load", &served.url("/me"), "--connections", "2", "--duration", "200ms", "--json"]);
    assert_eq!(code, Some(0));
    assert_eq!(report["response_time_ns"], report["service_time_ns"]);
    assert_eq!(report["outcomes"]["4xx"], report["requests"], "without a credential nobody is let in");
}

#[test]
fn nothing_that_answers_is_an_outcome_and_no_crash() {
    let (code, report) = json(&["load", &format!("http://{CLOSED}/"), "--duration", "100ms", "--json"]);
    assert_eq!(code, Some(4));
    assert!(report["outcomes"]["unreachable"].as_u64().is_some_and(|count| count > 0), "{report}");
    assert_eq!(report["validity"]["status"], "VOID");
}

#[test]
fn ctrl_c_prints_what_was_measured() {
    let served = Served::start(&["--backend", "none"]);
    let child = authbench()
        .args(["load", &served.url("/me"), "--duration", "1h", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    // It is under way once it holds connections of its own.
    let (pid, sockets) = (child.id(), format!("/proc/{}/fd", child.id()));
    crate::support::until("the drive is under way", || {
        std::fs::read_dir(&sockets).is_ok_and(|found| found.count() > 64)
    });
    kill("-INT", pid);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(4));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["interrupted"], true);
}
