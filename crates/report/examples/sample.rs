//! Writes a report of synthetic data, or of a recording, in every format: `cargo run -p report --example sample -- DIR [long|far|RECORDING]`.

use std::path::PathBuf;

use report::{Format, write};

#[path = "../tests/support/mod.rs"]
mod support;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = PathBuf::from(std::env::args().nth(1).ok_or("usage: sample DIR")?);
    let recording = tempfile::tempdir()?;
    let kind = std::env::args().nth(2);
    let shape = match kind.as_deref() {
        Some("long") => support::Shape { rounds: 48, scenarios: 2, ..support::STANDARD },
        Some("far") => support::Shape { distances: &[0, 250, 1_000], rounds: 12, ..support::STANDARD },
        _ => support::STANDARD,
    };
    let recording = match kind.as_deref() {
        // A recording that is already there.
        Some(folder) if folder != "long" && folder != "far" => measure::Recording::open(folder.as_ref())?,
        _ => {
            let written = support::recording(recording.path(), shape);
            support::capacity::write(recording.path());
            support::memory::write(recording.path());
            support::drill::write(recording.path());
            written
        }
    };
    write(&dir, &Format::ALL, &support::priced(&recording))?;
    Ok(())
}
