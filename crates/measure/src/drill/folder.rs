//! A drill's folder: a ledger whose plan is a drill plan.

use std::path::Path;

use super::plan::DrillPlan;
use super::record::DrillResult;
use crate::environment::Environment;
use crate::error::Error;
use crate::ledger::{Ledger, LedgerWriter, Line, Names};
use crate::recording::Ended;

/// Files of the folder.
pub(super) const NAMES: Names = Names { plan: "drill.toml", results: "drills.jsonl" };

/// One line of `drills.jsonl`.
pub type DrillLine = Line<DrillResult>;

/// Writes a drill's folder.
pub(super) type DrillWriter = LedgerWriter<DrillResult>;

/// A drill's folder, read and verified.
#[derive(Debug, Clone)]
pub struct DrillRecording {
    /// Its plan.
    pub plan: DrillPlan,
    /// Its results, in the order they were found.
    pub results: Vec<DrillResult>,
    /// How it ended; absent: it was cut off, and its lines are usable.
    pub ended: Option<Ended>,
    /// The machine it was made on.
    pub environment: Option<Environment>,
    /// SHA-256 (hex) of its last line, which holds those of all before; of the plan where there is none.
    pub sha256: String,
}

impl DrillRecording {
    /// Whether this folder holds a drill rather than a run.
    #[must_use]
    pub fn is_in(directory: &Path) -> bool {
        directory.join(NAMES.plan).is_file()
    }

    /// Reads the folder.
    ///
    /// # Errors
    ///
    /// When a file is missing, was changed, or was written by a newer version of this tool.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let Ledger { plan: (path, text), results, environment, ended, sha256 } =
            Ledger::open(NAMES, directory)?;
        Ok(Self { plan: DrillPlan::parse(&path, &text)?, results, ended, environment, sha256 })
    }
}
