//! `report.json`: the report itself, keys in a fixed order, one figure per line.

use super::{ExportError, Exporter, json_bytes};
use crate::model::Report;

/// Writes `report.json`.
#[derive(Debug)]
pub(super) struct Json;

impl Exporter for Json {
    fn file_name(&self) -> &'static str {
        "report.json"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        json_bytes("json", report)
    }
}
