//! `cost.csv` and `cost-curve.csv`: the bill of every row for a million requests, and its curve over rate and logins; and
//! `pareto.csv`: exposure against cost.

use super::{ExportError, Exporter};
use crate::cost::csv::{csv, curves};
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

/// Writes `cost-curve.csv`; a report without prices has no lines below the heading.
#[derive(Debug)]
pub(super) struct Curve;

impl Exporter for Curve {
    fn file_name(&self) -> &'static str {
        "cost-curve.csv"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        Ok(curves(report.cost.as_ref()).into_bytes())
    }
}

/// Writes `pareto.csv`: exposure against cost; a report without thefts beside it has no lines below the heading.
#[derive(Debug)]
pub(super) struct Pareto;

impl Exporter for Pareto {
    fn file_name(&self) -> &'static str {
        "pareto.csv"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        Ok(crate::sweep::csv(report.sweep.as_ref()).into_bytes())
    }
}
