//! `authbench conform`: the statements and the attack corpus against servers that this test starts.

use serde_json::Value;

use crate::serve::Served;
use crate::support::{CLOSED, Said, run_in};
use crate::tiny;

fn results(arguments: &[&str]) -> (Option<i32>, Value) {
    let mut all = vec!["conform", "--json"];
    all.extend(arguments);
    let Said { code, stdout, stderr } = run_in(".".as_ref(), &all);
    (code, serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}")))
}

fn statement<'a>(backend: &'a Value, id: &str) -> &'a Value {
    backend["statements"].as_array().unwrap().iter().find(|it| it["id"] == id).expect("every statement")
}

fn assert_holds(backend: &Value) {
    for statement in backend["statements"].as_array().unwrap() {
        let verdict = statement["verdict"].as_str().unwrap();
        assert!(["pass", "does-not-apply"].contains(&verdict), "{}: {statement:#}", backend["backend"]);
        let explained = verdict == "pass" || statement["reason"].as_str().is_some_and(|why| !why.is_empty());
        assert!(explained, "{}: {} has no reason", backend["backend"], statement["id"]);
    }
    assert_eq!(backend["statements"].as_array().unwrap().len(), 36);
}

fn cases(backend: &Value) -> u64 {
    backend["statements"].as_array().unwrap().iter().filter_map(|it| it["cases"].as_u64()).sum()
}

#[test]
fn tokens_and_cookies_stand_the_corpus() {
    let (code, results) = results(&["jwt-stateless", "session-memory", "jwt-stateless+ES256"]);
    assert_eq!(code, Some(0), "{results:#}");
    let backends = results["backends"].as_array().unwrap();
    backends.iter().for_each(assert_holds);
    assert!(cases(&backends[0]) >= 1000, "{} attacks on tokens", cases(&backends[0]));
    assert!(cases(&backends[1]) >= 300, "{} attacks on cookies", cases(&backends[1]));
    assert_eq!(statement(&backends[0], "J2")["verdict"], "does-not-apply");
    assert_eq!(statement(&backends[2], "J2")["verdict"], "pass");
}

#[test]
fn refresh_and_a_store_that_fails_are_checked() {
    if measure::store::redis_server().is_none() {
        // Said where it is needed: the command itself reports such a backend as not checked.
        return;
    }
    let (code, results) = results(&["jwt-refresh", "session-redis", "jwt-denylist"]);
    assert_eq!(code, Some(0), "{results:#}");
    let backends = results["backends"].as_array().unwrap();
    backends.iter().for_each(assert_holds);
    for id in ["R1", "R2", "R3", "R4", "R5", "R6", "S8", "F1", "F2", "F3"] {
        assert_eq!(statement(&backends[0], id)["verdict"], "pass", "{id}");
    }
}

#[test]
fn an_address_is_checked_without_its_key() {
    let served = Served::start(&["--backend", "jwt-stateless"]);
    let url = served.url("");
    let (code, results) = results(&["jwt-stateless", "--url", &url]);
    assert_eq!(code, Some(0), "{results:#}");
    let backend = &results["backends"][0];
    assert_eq!(statement(backend, "J1")["verdict"], "pass");
    assert_eq!(statement(backend, "J7")["verdict"], "not-run");
    assert!(statement(backend, "J7")["reason"].as_str().unwrap().contains("signing key"));
}

#[test]
fn a_backend_that_breaks_its_promise_is_shown_with_evidence() {
    let served = Served::start(&["--backend", "jwt-stateless"]);
    let control = served.control();
    // A stateless token works on after a logout; this file promises otherwise.
    let said =
        run_in(".".as_ref(), &["conform", "jwt-allowlist", "--url", &served.url(""), "--control", &control]);
    assert_eq!(said.code, Some(3), "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("✗ jwt-allowlist S4"), "{}", said.stdout);
    assert!(said.stdout.contains("wanted: 401") && said.stdout.contains("came back: 200"), "{}", said.stdout);
    assert!(said.stdout.contains("Authorization: Bearer eyJ"), "{}", said.stdout);
}

#[test]
fn what_cannot_be_checked_is_void_or_wrong_usage() {
    let said = run_in(".".as_ref(), &["conform", "--url", &format!("http://{CLOSED}")]);
    assert_eq!(said.code, Some(4), "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("could not be checked"), "{}", said.stdout);
    for (arguments, words) in [
        (&["conform", "no-such-backend"][..], "no-such-backend"),
        (&["conform", "session-memory+RS256"], "signs nothing"),
        (&["conform", "--url", "https://127.0.0.1:1"], "is not http"),
        (&["conform", "--url", "nonsense"], "is no URL"),
        (&["conform", "none", "session-memory", "--url", "http://127.0.0.1:1"], "one address is one backend"),
    ] {
        let said = run_in(".".as_ref(), arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {}", said.stderr);
        assert!(said.stderr.contains(words), "{arguments:?}: {}", said.stderr);
    }
}

#[test]
fn a_report_takes_the_rank_of_a_backend_that_fails() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../measure/tests/recording-v1");
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let report = || run_in(folder.path(), &["report", ".", "--format", "json"]);
    let row = serde_json::from_str::<Value>(&report().stdout).unwrap()["rows"][0]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let beside = folder.path().join("conformance.json");
    let statement = serde_json::json!({
        "id": "S4", "text": "x", "source": "x", "verdict": "fail", "cases": 0, "evidence": [{
            "step": "its credential, at once", "sent": "GET /me HTTP/1.1", "came_back": "200", "wanted": "401", "good": false
        }]
    });
    let results = serde_json::json!({
        "schema": "authbench.conformance/v1", "tool": "0",
        "backends": [{ "backend": row, "statements": [statement] }]
    });
    std::fs::write(&beside, results.to_string()).unwrap();
    let json: Value = serde_json::from_str(&report().stdout).unwrap();
    let warning = json["warnings"][0]["text"].as_str().unwrap();
    assert_eq!(warning, format!("{row} has no rank: the security statement S4 does not hold."));
    let shown = &json["conformance"]["backends"][0];
    assert_eq!((&shown["row"], &shown["results"][0]["verdict"]), (&row.as_str().into(), &"fails".into()));
    assert_eq!(shown["results"][0]["exchanges"][0]["came_back"], "200");
    let page = run_in(folder.path(), &["report", ".", "--format", "html"]).stdout;
    assert!(
        page.contains("its credential, at once") && page.contains("GET /me HTTP/1.1"),
        "the evidence is on the page"
    );
    let of_row =
        json["scenarios"].as_array().unwrap().iter().flat_map(|it| it["comparisons"].as_array().unwrap());
    for comparison in of_row.filter(|it| it["row"] == row.as_str() || it["baseline"] == row.as_str()) {
        assert_eq!(comparison["verdict"], "unranked", "{comparison:#}");
    }
    let shown = run_in(folder.path(), &["report", ".", "--format", "markdown"]).stdout;
    assert!(shown.contains("### What security demands") && shown.contains("✗ "), "{shown}");
    std::fs::write(&beside, "{}").unwrap();
    let said = report();
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert!(said.stderr.contains("conformance.json"), "{}", said.stderr);
}

#[test]
fn a_run_checks_first_and_shows_what_came_of_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tiny.toml"), tiny::SCENARIO).unwrap();
    let plan = tiny::plan("tiny.toml", &["none"], 6);
    std::fs::write(folder.path().join("plan.toml"), plan).unwrap();
    let said = run_in(folder.path(), &["run", "plan.toml", "--conform", "--out", "out", "--json"]);
    assert!(matches!(said.code, Some(0 | 4)), "{said:?}");
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let checked = &report["conformance"];
    assert_eq!(checked["statements"].as_array().unwrap().len(), 36);
    assert_eq!(checked["backends"][0]["row"], "none");
    let again = run_in(folder.path(), &["report", "out", "--format", "json"]);
    assert_eq!(again.stdout, said.stdout, "a report that is built again shows the same");
}
