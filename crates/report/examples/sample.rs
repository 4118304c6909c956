//! Writes a report of synthetic data in every format: `cargo run -p report --example sample -- DIR`.

use std::path::PathBuf;

use report::{Format, build, write};

#[path = "../tests/support/mod.rs"]
mod support;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = PathBuf::from(std::env::args().nth(1).ok_or("usage: sample DIR")?);
    let recording = tempfile::tempdir()?;
    let recording = support::recording(recording.path(), support::STANDARD);
    write(&dir, &Format::ALL, &build(&recording)?)?;
    Ok(())
}
