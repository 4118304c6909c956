//! A run on disk: a folder that can be read years later, and refused if a byte of it was changed.
//!
//! | file | what |
//! |---|---|
//! | `plan.toml` | the resolved plan; its SHA-256 is the hash that was registered before the data |
//! | `run.json` | rows, scenarios, placement: [`RunRecord`] |
//! | `environment.json` | the machine: [`crate::environment::Environment`] |
//! | `blocks.jsonl` | one [`BlockRecord`](crate::BlockRecord) a line, each with the hash of the line before |
//! | `SCENARIO.hlog` | histograms, `Tag=scenario.row.operation.kind` |
//! | `events.jsonl` | remarks, restarts, growth, faults: [`Entry`] a line |
//! | `manifest.json` | SHA-256 of all of them, written last |
//!
//! Integrity, not authenticity: who can write the folder can write a new one.

mod digest;
mod facts;
mod histograms;
mod manifest;
mod open;
mod writer;

pub use digest::sha256_hex;
pub use facts::{
    Calibration, Control, Entered, Entry, RowFailure, RowRecord, RunRecord, ScenarioRecord, StoreRecord, Tool,
};
pub use histograms::{Kind, RecordedHistogram, ToWrite};
pub use manifest::{Ended, Manifest};
pub use open::Recording;
pub(crate) use open::refused;
pub use writer::Writer;
pub(crate) use writer::replace_file;

/// Names of the files of a recording.
pub(crate) mod files {
    pub(crate) const PLAN: &str = "plan.toml";
    pub(crate) const RUN: &str = "run.json";
    pub(crate) const ENVIRONMENT: &str = "environment.json";
    pub(crate) const BLOCKS: &str = "blocks.jsonl";
    pub(crate) const EVENTS: &str = "events.jsonl";
    pub(crate) const MANIFEST: &str = "manifest.json";
    /// Ending of the histogram logs, one per scenario.
    pub(crate) const HISTOGRAMS: &str = "hlog";
}
