//! Starting the command and reading what it said.

use std::path::Path;
use std::process::{Command, Stdio};

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
