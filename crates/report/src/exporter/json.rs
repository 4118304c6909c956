//! `report.json`: the report itself, keys in a fixed order, one figure per line.

use super::{ExportError, Exporter};
use crate::model::Report;

/// Writes `report.json`.
#[derive(Debug)]
pub(super) struct Json;

impl Exporter for Json {
    fn file_name(&self) -> &'static str {
        "report.json"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        let failed =
            |error: serde_json::Error| ExportError::Format { format: "json", message: error.to_string() };
        let mut bytes = serde_json::to_vec_pretty(report).map_err(failed)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}
