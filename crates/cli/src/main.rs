//! The `authbench` command: arguments in, one command run, one exit code out.

mod amend;
mod args;
mod clock;
mod commands;
mod error;
mod exit;
mod out_dir;
mod output;
mod pricing;
mod progress;
mod reporting;
mod signal;

use clap::Parser;

fn main() -> std::process::ExitCode {
    let mut output = output::Output::to_stdout();
    let result = commands::dispatch(args::Cli::parse().command, &mut output);
    exit::conclude(result, output)
}
