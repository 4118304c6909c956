//! Thefts from every row once all blocks are measured, in the folder `drill` of the recording.

use std::sync::atomic::AtomicBool;

use scenario::BackendFile;
use scenario::backend::Lag;

use super::RunOptions;
use super::rows::{Resolved, Row};
use crate::certificate::Scratch;
use crate::drill::{self, DrillNews, drill};
use crate::error::Error;
use crate::event::Event;
use crate::plan::Plan;

/// Folder of the drill inside a recording.
pub(crate) const FOLDER: &str = "drill";

/// Writes the files of rows whose settings are varied, so that servers can read them.
pub(super) fn write_varied(plan: &Plan, resolved: &mut Resolved, scratch: &Scratch) -> Result<(), Error> {
    for row in &mut resolved.rows {
        let name = &row.backend.header.name;
        if plan.vary.iter().any(|vary| vary.name == *name) {
            let path = scratch.file(&format!("{name}.toml"), &row.backend.text)?;
            row.backend_ref = path.to_string_lossy().into_owned();
        }
    }
    Ok(())
}

/// Rows from which something can be stolen: no controls, and none that lets everybody in.
fn robbed(resolved: &Resolved) -> impl Iterator<Item = &Row> {
    resolved
        .rows
        .iter()
        .filter(|row| row.control.is_none() && row.backend.header.promises.revocation_lag != Lag::Never)
}

/// What the thefts of a plan take, milliseconds; 0 where it has none.
pub(super) fn exposure_ms(plan: &Plan, resolved: &Resolved) -> u64 {
    let Some(exposure) = &plan.exposure else { return 0 };
    let files: Vec<BackendFile> = robbed(resolved).map(|row| row.backend.clone()).collect();
    let thefts = exposure.drill(&plan.name, plan.seed, Vec::new());
    // Files that cannot be shortened are refused when the thefts begin.
    drill::budget_of(&thefts, &files).map_or(0, |budget| budget.total_ms())
}

/// Steals from every row, if the plan says so. Whether that was stopped before its end.
pub(super) fn steal(
    options: &RunOptions,
    plan: &Plan,
    resolved: &Resolved,
    events: &mut dyn FnMut(Event),
    stop: &AtomicBool,
) -> Result<bool, Error> {
    let Some(exposure) = &plan.exposure else { return Ok(false) };
    let backends = robbed(resolved).map(|row| row.backend_ref.clone()).collect();
    let thefts = exposure.drill(&plan.name, plan.seed, backends);
    let options = RunOptions { out_dir: options.out_dir.join(FOLDER), ..options.clone() };
    let mut tell = |news: DrillNews| {
        if let DrillNews::Design { backend, done, total } = news {
            let message = format!("thefts, {} of {total}", done + 1);
            events(Event::SetUp { row: backend, message });
        }
    };
    Ok(drill(&options, &thefts, &mut tell, stop)?.stopped)
}
