//! `authbench __child`: becomes another program that the kernel ends together with the parent.

use std::ffi::OsString;

use measure::process::become_child;

use crate::error::Failure;
use crate::exit::Exit;

/// Start a program that dies with the process that asked for it.
#[derive(Debug, clap::Args)]
pub(crate) struct ChildArgs {
    /// Process id of the parent, the program, its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(args: &ChildArgs) -> Result<Exit, Failure> {
    Err(Failure::tool(become_child(&args.arguments)))
}
