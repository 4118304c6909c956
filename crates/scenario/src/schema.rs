//! JSON Schemas of the files, for completion and checking in editors.

use serde_json::Value;

use crate::backend::Whole;
use crate::scenario::ScenarioFile;

/// Schema of a scenario file.
#[must_use]
pub fn scenario() -> Value {
    schemars::schema_for!(ScenarioFile).into()
}

/// Schema of a backend file: its header. The `[mechanism]` table is any table here.
#[must_use]
pub fn backend() -> Value {
    schemars::schema_for!(Whole).into()
}
