//! What a run keeps quiet about and what it survives: passwords, and stores that die.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;

use measure::event::Event;
use measure::{Plan, RunOptions};

use crate::run::{children, finished_blocks};
use crate::support::{authbench, kill, run_in, until};
use crate::tiny;

const PASSWORD: &str = "a-password-that-nobody-reads";

/// A Redis of this test alone.
struct Redis {
    child: Child,
    port: u16,
    // After the child: the folder goes when the process that works in it has ended.
    _folder: tempfile::TempDir,
}

impl Redis {
    fn start() -> Self {
        // A port may be taken between the probe and the start: then another one is tried.
        (0..16).find_map(|_| Self::start_once()).expect("a Redis that answers")
    }

    /// None when it ends before it is ready.
    fn start_once() -> Option<Self> {
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).unwrap();
        let port = free.port();
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--requirepass", PASSWORD])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server is on PATH where the tests run");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.map_while(Result::ok).any(|line| line.contains("eady to accept connections"));
        let redis = Self { child, port, _folder: folder };
        ready.then_some(redis)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder_with(rounds: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), tiny::SCENARIO).unwrap();
    let plan = tiny::plan("tiny.toml", &["session-memory", "none", "session-redis"], rounds);
    fs::write(folder.path().join("plan.toml"), plan).unwrap();
    folder
}

fn start(folder: &Path, arguments: &[&str]) -> Child {
    authbench()
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts")
}

fn arguments_of(pid: u32) -> String {
    // A process that has ended meanwhile has none.
    String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).replace('\0', " ")
}

#[test]
fn a_password_stands_in_no_arguments_and_no_file() {
    let redis = Redis::start();
    // So many rounds that it goes on until it is asked to end.
    let folder = folder_with(9000);
    let out = folder.path().join("out");
    let mut child = start(folder.path(), &["run", "plan.toml", "--redis", "-", "--out", "out"]);
    let address = format!("redis://:{PASSWORD}@127.0.0.1:{}\n", redis.port);
    child.stdin.take().unwrap().write_all(address.as_bytes()).unwrap();
    until("a block is finished", || finished_blocks(&out) >= 1);
    let processes: Vec<u32> = children(child.id())
        .into_iter()
        .filter_map(|pid| u32::try_from(pid).ok())
        .chain([child.id()])
        .collect();
    let arguments: Vec<String> = processes.into_iter().map(arguments_of).collect();
    assert!(
        arguments.iter().any(|line| line.contains("--redis -") && line.contains(" serve ")),
        "{arguments:?}"
    );
    assert!(!arguments.iter().any(|line| line.contains(PASSWORD)), "{arguments:?}");
    kill("-INT", child.id());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(out.join("report.html").is_file() && !stderr.contains(PASSWORD), "{stderr}");
    for entry in fs::read_dir(&out).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains(PASSWORD), "{}", path.display());
    }
}

/// The private store of the run in this process: a child of it like the stores of other tests, but those work in folders
/// of their own.
fn private_store() -> Option<u32> {
    children(std::process::id()).into_iter().filter_map(|pid| u32::try_from(pid).ok()).find(|pid| {
        let folder = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        arguments_of(*pid).contains("redis-server") && folder == Path::new("/")
    })
}

#[test]
fn a_store_that_is_killed_ends_its_row_and_nothing_else() {
    let folder = folder_with(12);
    let out = folder.path().join("out");
    let text = fs::read_to_string(folder.path().join("plan.toml")).unwrap();
    let scenario = folder.path().join("tiny.toml");
    let text = text.replace("\"tiny.toml\"", &format!("{:?}", scenario.display().to_string()));
    let plan = Plan::parse("plan.toml".as_ref(), &text).unwrap();
    let options = RunOptions {
        executable: env!("CARGO_BIN_EXE_authbench").into(),
        out_dir: out.clone(),
        redis: None,
        existing: BTreeMap::new(),
        builds: BTreeMap::new(),
    };
    let mut told = Vec::new();
    // Killed between two blocks, at an event: the row has been measured, and will be asked for again.
    let mut killed = false;
    let mut watch = |event: Event| match event {
        Event::BlockFinished { block, .. }
            if !killed && block.backend == "session-redis" && block.round == 2 =>
        {
            kill("-KILL", private_store().expect("a private store"));
            killed = true;
        }
        Event::RowFailed { row, message } => told.push((row, message)),
        _ => {}
    };
    let summary = measure::run(&options, &plan, &mut watch, &AtomicBool::new(false)).unwrap();
    let [(row, message)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((row.as_str(), summary.failed.get(row)), ("session-redis", Some(message)));
    assert!(message.starts_with("redis-server for session-redis at 127.0.0.1:"), "{message}");
    assert!(message.contains("signal: 9"), "{message}");

    let said = run_in(folder.path(), &["report", "out", "--out", "out"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["run"]["complete"], true);
    let rows = report["rows"].as_array().unwrap();
    let failure = |name: &str| {
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        row.get("failure").and_then(|failure| failure.as_str()).unwrap_or_default().to_owned()
    };
    assert!(failure("session-redis").contains("signal: 9"), "{}", failure("session-redis"));
    assert_eq!((failure("none").as_str(), failure("session-memory").as_str()), ("", ""));
    let warned = report["warnings"].as_array().unwrap().iter().any(|warning| {
        warning["text"].as_str().is_some_and(|text| text.starts_with("session-redis has no rank: "))
    });
    assert!(warned, "{}", report["warnings"]);
    let of_the_row = |name: &str| {
        let blocks = report["scenarios"][0]["blocks"].as_array().unwrap();
        let rounds: std::collections::BTreeSet<u64> = blocks
            .iter()
            .filter(|block| block["row"] == name)
            .filter_map(|block| block["round"].as_u64())
            .collect();
        rounds.len()
    };
    assert_eq!((of_the_row("none"), of_the_row("session-memory")), (12, 12));
    // Three whole rounds and the one in which it was noticed, or, where its last block was to be repeated, without that.
    assert!((3..=4).contains(&of_the_row("session-redis")), "{}", of_the_row("session-redis"));
    let comparisons = report["scenarios"][0]["comparisons"].as_array().unwrap();
    let verdicts: Vec<&str> = comparisons
        .iter()
        .filter(|c| (c["row"] == "session-redis" || c["baseline"] == "session-redis") && c["metric"] == "cpu")
        .filter_map(|c| c["unranked"].as_str())
        .collect();
    assert!(!verdicts.is_empty() && verdicts.iter().all(|why| *why == "row-failed"), "{verdicts:?}");
}
