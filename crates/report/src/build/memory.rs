//! The memory law measured beside the recording: the folder `memory` in its own.

use measure::Recording;
use measure::memory::MemoryRun;

use crate::comparison::Analysis;
use crate::model::Memory;

/// Name of the folder.
pub(super) const FOLDER: &str = "memory";

/// What was measured for the rows of this report; none without the folder, or where it is about other rows.
pub(super) fn memory(recording: &Recording, analysis: &Analysis) -> Result<Option<Memory>, measure::Error> {
    let Some(run) = MemoryRun::read(&recording.directory.join(FOLDER))? else { return Ok(None) };
    let build = recording.run.tool.binary_sha256.as_deref();
    Ok(crate::memory::memory(&run, build, |name| analysis.rows.iter().any(|(row, _)| row == name)))
}
