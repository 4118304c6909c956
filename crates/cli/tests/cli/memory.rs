//! The memory law end to end: real servers and a real Redis, few logins, short lives.

use std::fs;

use serde_json::Value;

use crate::support::run_in;

#[test]
fn a_law_is_measured_kept_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "memory",
        "--backend",
        "none",
        "--backend",
        "session-memory",
        "--backend",
        "session-redis",
        "--backend",
        "session-sqlite",
        "--logins",
        "1000,3000,6000,9000",
        "--lifetime",
        "15s",
        "--settle",
        "1s",
        "--out",
        "law",
    ];
    let said = run_in(folder.path(), &arguments);
    assert!(
        said.stderr.contains("8 fills of up to 9,000 logins") && said.stderr.contains("at most"),
        "{said:?}"
    );
    // 4 where the machine was too busy to fill in time.
    assert!(matches!(said.code, Some(0 | 4)), "{said:?}");
    assert!(said.stdout.contains("Bytes for each live login") && said.stdout.contains("law/memory.json"));
    let again = run_in(folder.path(), &["report", "law", "--format", "json"]);
    assert_eq!(again.code, said.code, "{again:?}");
    let law: Value = serde_json::from_str(&again.stdout).unwrap();
    let row =
        |name: &str| law["rows"].as_array().unwrap().iter().find(|row| row["row"] == name).unwrap().clone();
    if said.code == Some(0) {
        // A session holds an id, its principal of 256 bytes, and an index: less than that cannot be.
        let redis = &row("session-redis")["live"]["store"];
        assert!(redis["seen"] == true && redis["each_bytes"].as_f64().unwrap() > 256.0, "{redis}");
        let file = &row("session-sqlite")["live"]["store"];
        assert!(file["seen"] == true && file["each_bytes"].as_f64().unwrap() > 256.0, "{file}");
        assert_eq!(row("none")["live"]["store"], Value::Null);
        assert_eq!(row("none")["live"]["after"]["server_left_share"], Value::Null, "none takes nothing");
    }
    let text = run_in(folder.path(), &["report", "law"]);
    assert!(text.stdout.contains("session-sqlite") && text.stdout.contains("Left is the"), "{text:?}");
    let page = run_in(folder.path(), &["report", "law", "--format", "html"]);
    assert_eq!(page.code, Some(2), "{page:?}");
    let path = folder.path().join("law/memory.json");
    let changed = fs::read_to_string(&path).unwrap().replacen("\"logins\": 1000", "\"logins\": 1001", 1);
    fs::write(&path, changed).unwrap();
    let refused = run_in(folder.path(), &["report", "law"]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
}

#[test]
fn what_cannot_be_filled_is_said_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (&["--logins", "1500"][..], "whole thousands"),
        (&["--logins", "2000,1000"], "do not rise"),
        (&["--lifetime", "1500ms"], "whole seconds"),
        (&["--settle", "2h"], "too long"),
        (&["--backend", "session-rediss"], "session-redis"),
        (&["--logins", "1000", "--million"], "cannot be used with"),
    ] {
        let all: Vec<&str> =
            ["memory", "--out", "law"].into_iter().chain(arguments.iter().copied()).collect();
        let said = run_in(folder.path(), &all);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains(part), "{part}: {said:?}");
    }
    // The most that can be asked for takes 318 GiB: there are machines that have them.
    if available_gib() < 300 {
        let most = ["memory", "--backend", "none", "--logins", "100000000", "--out", "law"];
        let said = run_in(folder.path(), &most);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains("are available") && said.stderr.contains("--logins"), "{said:?}");
    }
    assert!(!folder.path().join("law").exists(), "nothing is left behind");
}

fn available_gib() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() >> 20
}
