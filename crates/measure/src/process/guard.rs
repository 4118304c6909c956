//! The hidden first argument: ties a child to its parent's life, then becomes the program.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// First argument of the hidden call: `__child <parent pid> <program> <arguments…>`.
pub const CHILD_ARGUMENT: &str = "__child";

/// Asks the kernel to kill this process when its parent dies, makes sure the parent still lives, then becomes
/// `program`. `arguments` are those after [`CHILD_ARGUMENT`]. Returns only if that failed, with a sentence.
#[must_use]
pub fn become_child(arguments: &[OsString]) -> String {
    let [parent, program, rest @ ..] = arguments else {
        return format!(
            "{CHILD_ARGUMENT} is used by the tool itself: it takes a process id, a program, arguments"
        );
    };
    let Some(parent) = parent.to_str().and_then(|text| text.parse::<i32>().ok()) else {
        return format!("{CHILD_ARGUMENT}: {} is not a process id", parent.display());
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return format!("the parent-death signal could not be set: {error}");
    }
    // The parent may have died before the signal was set: then a reaper is our parent now.
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(parent) {
        return "the parent process is gone".to_owned();
    }
    let error = Command::new(program).args(rest).exec();
    format!("{} could not be started: {error}", program.display())
}
