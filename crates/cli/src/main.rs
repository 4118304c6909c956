//! The `authbench` command.

fn main() {}
