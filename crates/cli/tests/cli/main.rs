//! The command as its users meet it: a process with arguments, output and an exit code.

mod bad_input;
mod help;
mod support;
