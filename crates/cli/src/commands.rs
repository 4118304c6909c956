//! One file per command: its arguments and what it does with them.

pub(crate) mod adr;
pub(crate) mod advise;
pub(crate) mod capacity;
pub(crate) mod check;
pub(crate) mod child;
pub(crate) mod ci;
pub(crate) mod compare;
pub(crate) mod conform;
pub(crate) mod doctor;
pub(crate) mod drill;
pub(crate) mod faults;
pub(crate) mod init;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod memory;
pub(crate) mod report;
pub(crate) mod reproduce;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod trace;

use crate::args::Command;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;

/// Runs one command.
pub(crate) fn dispatch(command: Command, output: &mut Output) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => run::run(&args, output),
        Command::Drill(args) => drill::run(&args, output),
        Command::Faults(args) => faults::run(&args, output),
        Command::Report(args) => report::run(&args, output),
        Command::Compare(args) => compare::run(&args, output),
        Command::Ci(args) => ci::run(&args, output),
        Command::Capacity(args) => capacity::run(&args, output),
        Command::Memory(args) => memory::run(&args, output),
        Command::Conform(args) => conform::run(&args, output),
        Command::Reproduce(args) => reproduce::run(&args, output),
        Command::Advise(args) => advise::run(&args, output),
        Command::Adr(args) => adr::run(&args, output),
        Command::Serve(args) => serve::run(args, output),
        Command::Load(args) => load::run(args, output),
        Command::Trace(args) => trace::run(&args, output),
        Command::List(args) => list::run(&args, output),
        Command::Check(args) => check::run(&args, output),
        Command::Init(args) => init::run(&args, output),
        Command::Schema(args) => schema::run(&args, output),
        Command::Doctor(args) => doctor::run(&args, output),
        Command::Child(args) => child::run(&args),
    }
}
