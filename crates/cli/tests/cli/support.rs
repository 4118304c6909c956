//! Starting the command and reading what it said.

use std::path::Path;
use std::process::{Command, Stdio};

/// An address where nothing listens: nobody but root may use port 1, and nobody does.
pub(crate) const CLOSED: &str = "127.0.0.1:1";

/// The command, with an environment that does not depend on who runs the tests.
pub(crate) fn authbench() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authbench"));
    command.env("COLUMNS", "100").env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    command
}

/// What a finished process said.
#[derive(Debug)]
pub(crate) struct Said {
    /// Exit code; none after a signal.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

/// Runs to the end in `folder`.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Said {
    let output = authbench().current_dir(folder).args(arguments).output().expect("the command starts");
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
    }
}

/// Waits for something that happens on its own: looks again every 20 ms, at most 2 minutes.
pub(crate) fn until(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if happened() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("2 minutes have passed, and not yet: {what}");
}

/// Whether a process has ended (one that nobody has waited for yet has ended as well).
pub(crate) fn gone(pid: i32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Err(_) => true,
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X'])),
    }
}

/// Sends a signal to one process.
pub(crate) fn kill(signal: &str, pid: u32) {
    let status = Command::new("kill").args([signal, &pid.to_string()]).status().expect("kill");
    assert!(status.success(), "kill {signal} {pid}");
}

/// Sends a signal to a process group.
pub(crate) fn kill_group(signal: &str, leader: u32) {
    let status = Command::new("kill").args([signal, "--", &format!("-{leader}")]).status().expect("kill");
    assert!(status.success(), "kill {signal} -- -{leader}");
}
