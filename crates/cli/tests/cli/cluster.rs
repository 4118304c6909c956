//! Runs, drills and checks of backends whose state lies on a Redis Cluster, or behind sentinels, that runs already.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use measure::process::Launcher;
use measure::store::{PrivateGroup, StoreTopology, redis_server};
use serde_json::Value;

use crate::support::run_in;
use crate::tiny;

/// Servers of one test alone.
struct Group {
    servers: PrivateGroup,
    // After them: it ends with the last of its children.
    _launcher: Launcher,
}

impl Group {
    fn start(topology: StoreTopology) -> Self {
        let launcher = Launcher::new(vec![env!("CARGO_BIN_EXE_authbench").into()], &[]).unwrap();
        let program = redis_server().expect("redis-server is on PATH where the tests run");
        let timeout = Duration::from_secs(15);
        let servers = PrivateGroup::start(&launcher, &program, "a test", topology, timeout).unwrap();
        Self { servers, _launcher: launcher }
    }

    /// Where its masters are, or its sentinels.
    fn places(&self) -> Vec<String> {
        let url = self.servers.url(0);
        let (_, places) = url.split_once("://").unwrap();
        places.trim_end_matches("/main").split(',').map(str::to_owned).collect()
    }
}

/// What a server answers to one command.
fn asked(place: &str, command: &str) -> String {
    let mut link = TcpStream::connect(place).unwrap();
    link.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    link.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A server that knows no QUIT says nothing more.
    let _ = link.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn is_empty(place: &str) -> bool {
    asked(place, "DBSIZE").starts_with(":0\r")
}

#[test]
fn a_run_on_a_cluster_uses_all_of_it_and_leaves_nothing_there() {
    let cluster = Group::start(StoreTopology::Cluster);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), tiny::SCENARIO).unwrap();
    let plan = tiny::plan("tiny.toml", &["session-redis", "none", "jwt-denylist"], 6);
    fs::write(folder.path().join("plan.toml"), plan).unwrap();
    let url = cluster.servers.url(1);
    let said = run_in(folder.path(), &["run", "plan.toml", "--redis", &url, "--out", "out"]);
    assert!(matches!(said.code, Some(0 | 4)), "{said:?}");

    let read = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    let report: Value = serde_json::from_str(&read("report.json")).unwrap();
    assert_eq!((&report["wrong"], &report["run"]["complete"]), (&serde_json::json!([]), &true.into()));
    let run: Value = serde_json::from_str(&read("run.json")).unwrap();
    let rows = run["rows"].as_array().unwrap();
    let store = &rows.iter().find(|row| row["name"] == "session-redis").unwrap()["store"];
    assert_eq!((&store["address"], &store["private"]), (&url.into(), &false.into()));
    assert_eq!(store["settings"]["redis_mode"], "cluster");
    for block in read("blocks.jsonl").lines() {
        let block: Value = serde_json::from_str(block).unwrap();
        if block["backend"] == "session-redis" {
            assert!(block["store"]["commands"].as_u64() > Some(0), "{block}");
        }
    }
    for master in cluster.places() {
        assert!(
            !asked(&master, "INFO stats").contains("keyspace_hits:0\r"),
            "nothing was read from {master}"
        );
        assert!(is_empty(&master), "keys are left at {master}");
    }
}

#[test]
fn a_drill_reaches_the_master_that_sentinels_name() {
    let sentinels = Group::start(StoreTopology::Sentinel);
    let folder = tempfile::tempdir().unwrap();
    let url = sentinels.servers.url(0);
    let drill =
        ["drill", "--backend", "session-redis", "--event", "logout", "--trials", "6", "--survival-only"];
    let said = run_in(folder.path(), &[&drill[..], &["--json", "--out", "out", "--redis", &url]].concat());
    assert!(matches!(said.code, Some(0 | 4)), "{said:?}");
    let printed: Value = serde_json::from_str(&said.stdout).unwrap();
    let results = printed["results"].as_array().unwrap();
    let cell = results.iter().find(|result| result["drill"] == "survival").unwrap();
    assert_eq!((&cell["ended"], &cell["accepted_after"]), (&6.into(), &0.into()), "{cell}");
    assert!(cell["accepted_before"].as_u64() > Some(0), "{cell}");
    let master = asked(&sentinels.places()[0], "SENTINEL GET-MASTER-ADDR-BY-NAME main");
    let port = master.lines().find(|line| line.len() > 3 && line.parse::<u16>().is_ok()).unwrap();
    let master = format!("127.0.0.1:{port}");
    assert!(!asked(&master, "INFO stats").contains("keyspace_hits:0\r"), "nothing was read from {master}");
    assert!(is_empty(&master), "keys are left at {master}");
}

/// What came back first where it should not have, for each statement that does not hold.
fn first_failures(backends: &[Value]) -> Vec<String> {
    let statements = backends.iter().flat_map(|backend| backend["statements"].as_array().unwrap());
    let first = |statement: &Value| {
        let evidence = statement["evidence"].as_array().unwrap();
        evidence.iter().find(|step| step["good"] == false).unwrap()["came_back"].as_str().unwrap().to_owned()
    };
    statements.filter(|statement| statement["verdict"] == "fail").map(first).collect()
}

#[test]
fn what_is_secure_on_one_server_is_so_on_a_cluster() {
    let cluster = Group::start(StoreTopology::Cluster);
    let url = cluster.servers.url(0);
    let conform = ["conform", "session-redis", "jwt-refresh", "--json", "--redis", &url];
    let check = || {
        let said = run_in(".".as_ref(), &conform);
        let results: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
        (said.code, results["backends"].as_array().unwrap().clone())
    };
    let (mut code, mut backends) = check();
    let late = |came_back: &String| came_back.starts_with("503");
    if code == Some(3) && first_failures(&backends).iter().all(late) {
        // Not in time, on a machine that is busy with something else.
        (code, backends) = check();
    }
    assert_eq!(code, Some(0), "{:?}", first_failures(&backends));
    let verdict = |backend: usize, id: &str| {
        let statements = backends[backend]["statements"].as_array().unwrap();
        statements.iter().find(|statement| statement["id"] == id).unwrap()["verdict"].clone()
    };
    for (backend, id) in [(0, "S2"), (0, "S4"), (0, "S5"), (0, "S7"), (1, "R1"), (1, "R2"), (1, "R6")] {
        assert_eq!(verdict(backend, id), "pass", "{id}");
    }
    // Others live there.
    for id in ["S8", "F1", "F2", "F3"] {
        assert_eq!(verdict(0, id), "not-run", "{id}");
    }
    for master in cluster.places() {
        assert!(asked(&master, "INFO commandstats").contains("cmdstat_"), "{master}");
        assert!(is_empty(&master), "keys are left at {master}");
    }
}

#[test]
fn what_must_break_its_store_takes_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = "redis+cluster://:secret@127.0.0.1:1";
    for (arguments, part) in [
        (&["drill", "failover", "--redis", cluster][..], "a failover loses servers"),
        (&["drill", "cut-off", "--redis", cluster], "`survival.cut_every` cuts subscriptions off"),
        (&["conform", "--redis", cluster, "--url", "http://127.0.0.1:1"], "cannot be used with"),
        (&["conform", "--redis", "redis+sentinel://127.0.0.1:1"], "service is missing"),
    ] {
        let said = run_in(folder.path(), arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:?}");
        assert!(
            said.stderr.contains(part) && !said.stderr.contains("secret"),
            "{arguments:?}: {}",
            said.stderr
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{arguments:?}");
    }
}
