//! One file per command: its arguments and what it does with them.

pub(crate) mod child;

use crate::args::Command;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;

/// Runs one command.
pub(crate) fn dispatch(command: Command, _output: &mut Output) -> Result<Exit, Failure> {
    match command {
        Command::Child(args) => child::run(&args),
    }
}
