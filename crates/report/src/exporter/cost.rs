//! `cost.csv`: the bill of every row for a million requests.

use super::{ExportError, Exporter};
use crate::cost::csv::csv;
use crate::model::Report;

/// Writes `cost.csv`; a report without prices has no lines below the heading.
#[derive(Debug)]
pub(super) struct Csv;

impl Exporter for Csv {
    fn file_name(&self) -> &'static str {
        "cost.csv"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        Ok(csv(report.cost.as_ref()).into_bytes())
    }
}
