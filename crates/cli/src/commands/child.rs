//! `authbench __child`: becomes another program that the kernel ends together with the parent.
//!
//! The parent-death signal survives `exec`, so it is set here, in the child, before the program starts. A parent that
//! died before the signal was set would never be noticed; hence the second look at the parent's id.
//!
//! The program gets a process group of its own: Ctrl-C at a terminal reaches the whole foreground group, and a run must
//! be able to finish its block before its servers end.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, getppid, set_parent_process_death_signal, setpgid};

use crate::error::Failure;
use crate::exit::Exit;

/// Start a program that dies with the process that asked for it.
#[derive(Debug, clap::Args)]
pub(crate) struct ChildArgs {
    /// Process id of the parent that must be alive
    parent: i32,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<OsString>,
}

pub(crate) fn run(args: &ChildArgs) -> Result<Exit, Failure> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|source| Failure::tool("the parent-death signal could not be set").because(&source))?;
    if getppid().map(|parent| parent.as_raw_pid()) != Some(args.parent) {
        return Err(Failure::tool("the process that asked for this one has ended"));
    }
    setpgid(None, None)
        .map_err(|source| Failure::tool("a process group could not be made").because(&source))?;
    let [program, arguments @ ..] = args.program.as_slice() else {
        return Err(Failure::usage("no program to start"));
    };
    let source = Command::new(program).args(arguments).exec();
    Err(Failure::tool(format!("{} could not be started", program.to_string_lossy())).because(&source))
}
