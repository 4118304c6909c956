//! Children never outlive the run, whatever ends it. Real processes; this test binary plays the guard and the parent.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use measure::Error;
use measure::process::{CHILD_ARGUMENT, Launcher, Secret, Spawn, become_child};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

const BOUND: Duration = Duration::from_secs(20);
const PARENT_ARGUMENT: &str = "__parent";

/// How this binary is called so that one of the entry points below gets the arguments that follow.
fn call_of(entry: &str) -> Vec<std::ffi::OsString> {
    let mut call = vec![std::env::current_exe().unwrap().into_os_string()];
    call.extend(["--exact", entry, "--nocapture", "--test-threads=1", "--"].map(Into::into));
    call
}

fn arguments_after(marker: &str) -> Option<Vec<std::ffi::OsString>> {
    let mut arguments = std::env::args_os().skip_while(|argument| argument != marker);
    arguments.next().map(|_| arguments.collect())
}

/// Entry point of guarded children; without the marker there is nothing to do.
#[test]
fn guard_entry() {
    if let Some(arguments) = arguments_after(CHILD_ARGUMENT) {
        eprintln!("{}", become_child(&arguments));
        std::process::exit(127);
    }
}

/// Entry point of a parent that is to be killed: starts a child, tells its pid, waits for ever.
#[test]
fn parent_entry() {
    if arguments_after(PARENT_ARGUMENT).is_none() {
        return;
    }
    let launcher = launcher();
    let child = launcher.spawn(&shell("echo up; exec sleep 1000")).unwrap();
    println!("child {}", child.pid());
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

fn launcher() -> Launcher {
    Launcher::new(call_of("guard_entry"), &[]).unwrap()
}

fn shell(script: &str) -> Spawn {
    Spawn {
        name: "a shell".into(),
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        directory: None,
        secret: None,
    }
}

/// The test harness of the guard prints lines of its own first, the last one without an end.
fn line_of(child: &mut measure::process::Child, wanted: &str) {
    while !child.read_line(BOUND).unwrap().ends_with(wanted) {}
}

fn ends(pid: u32) -> bool {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) => {
            let bound = Timespec { tv_sec: BOUND.as_secs() as i64, tv_nsec: 0 };
            poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&bound)).unwrap() == 1
        }
        // Gone and reaped already.
        Err(rustix::io::Errno::SRCH) => true,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_killed_parent_leaves_no_orphan() {
    let call = call_of("parent_entry");
    let mut parent = Command::new(&call[0])
        .args(&call[1..])
        .arg(PARENT_ARGUMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let pid = lines
        .map(Result::unwrap)
        .find_map(|line| line.split_once("child ").map(|(_, pid)| pid.parse().unwrap()))
        .unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(ends(pid), "process {pid} outlived its parent");
}

#[test]
fn dropping_a_child_ends_and_reaps_it() {
    let launcher = launcher();
    let mut child = launcher.spawn(&shell("echo up; exec sleep 1000")).unwrap();
    line_of(&mut child, "up");
    let pid = child.pid();
    assert!(child.has_ended().is_none());
    drop(child);
    assert!(ends(pid));
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "a zombie is left");
}

#[test]
fn a_child_that_ignores_sigterm_is_killed() {
    let launcher = launcher();
    let mut child = launcher.spawn(&shell("trap '' TERM; echo up; while :; do sleep 1000; done")).unwrap();
    line_of(&mut child, "up");
    assert!(child.stop().contains("signal: 9"));
}

#[test]
fn a_child_that_dies_says_what_it_said_last() {
    let launcher = launcher();
    let mut child = launcher.spawn(&shell("echo 'cannot reach redis://me:secret@host' >&2; exit 7")).unwrap();
    let error = loop {
        if let Err(error) = child.read_line(BOUND) {
            break error;
        }
    };
    let text = error.to_string();
    assert!(matches!(error, Error::Process { .. }), "{text}");
    assert!(text.contains("exit status: 7") && text.contains("cannot reach redis://***@host"), "{text}");
}

#[test]
fn a_secret_reaches_the_child_and_not_its_arguments() {
    let launcher = launcher();
    let mut spawn = shell("read -r line; echo \"got $line\"; exec sleep 1000");
    spawn.secret = Some(Secret::new("redis://me:p4ssw0rd@host".into()));
    assert!(!format!("{spawn:?}").contains("p4ssw0rd"));
    let mut child = launcher.spawn(&spawn).unwrap();
    line_of(&mut child, "got redis://me:p4ssw0rd@host");
    let arguments = std::fs::read(format!("/proc/{}/cmdline", child.pid())).unwrap();
    assert!(!String::from_utf8_lossy(&arguments).contains("p4ssw0rd"));
}

#[test]
fn a_silent_child_is_ended_when_the_time_is_over() {
    let launcher = launcher();
    let mut child = launcher.spawn(&shell("echo up; exec sleep 1000")).unwrap();
    line_of(&mut child, "up");
    let pid = child.pid();
    let error = child.read_line(Duration::from_millis(1)).unwrap_err();
    assert!(error.to_string().contains("said nothing"), "{error}");
    assert!(ends(pid));
}

#[test]
fn a_program_that_is_missing_is_named() {
    let launcher = launcher();
    let spawn = Spawn {
        name: "server".into(),
        program: "/nonexistent/program".into(),
        arguments: vec![],
        directory: None,
        secret: None,
    };
    let mut child = launcher.spawn(&spawn).unwrap();
    let error = loop {
        if let Err(error) = child.read_line(BOUND) {
            break error;
        }
    };
    assert!(error.to_string().contains("/nonexistent/program"), "{error}");
}

#[test]
fn children_inherit_the_cpus_of_the_launcher() {
    let cpu = *measure::affinity::allowed().unwrap().last().unwrap();
    let launcher = Launcher::new(call_of("guard_entry"), &[cpu]).unwrap();
    let mut child = launcher.spawn(&shell("grep Cpus_allowed_list /proc/self/status | tr -d '\\t'")).unwrap();
    line_of(&mut child, &format!("Cpus_allowed_list:{cpu}"));
}
