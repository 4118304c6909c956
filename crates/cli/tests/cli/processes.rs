//! No child outlives what started it, however that ended.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::support::{Said, gone, kill, run_in};

#[test]
fn a_guarded_child_dies_with_its_parent() {
    // A shell that starts the guarded program, says its process id and waits for it.
    let mut parent = Command::new("sh")
        .args(["-c", "\"$0\" __child $$ sleep 600 & echo $!; wait", env!("CARGO_BIN_EXE_authbench")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut line = String::new();
    BufReader::new(parent.stdout.take().expect("piped")).read_line(&mut line).expect("the child's id");
    let child: i32 = line.trim().parse().expect("a process id");
    // Only once it has become the other program is the signal set for certain.
    crate::support::until("the child has become `sleep`", || {
        std::fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|name| name.trim() == "sleep")
    });
    kill("-KILL", parent.id());
    parent.wait().expect("an ended shell");
    crate::support::until("the child has ended", || gone(child));
}

#[test]
fn a_child_whose_parent_is_gone_never_starts() {
    let Said { code, stderr, stdout } = run_in(".".as_ref(), &["__child", "1", "echo", "started"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("the parent process is gone"), "{stderr}");
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let own = std::process::id().to_string();
    let Said { code, stderr, .. } = run_in(".".as_ref(), &["__child", &own, "no-such-program", "--flag"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("no-such-program could not be started"), "{stderr}");
}
