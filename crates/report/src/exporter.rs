//! One format per file: a [`Report`] goes in, bytes come out.

use std::path::{Path, PathBuf};

use crate::model::Report;

pub mod terminal;

mod bmf;
mod cost;
mod gha_benchmark;
pub(crate) mod html;
mod json;
mod junit;
mod markdown;
mod openmetrics;

/// A format a report can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Plain text at 80 columns.
    Terminal,
    /// One self-contained page.
    Html,
    /// GitHub-flavoured Markdown, at most 60 KB.
    Markdown,
    /// The data of the report.
    Json,
    /// JUnit XML: one case per claim.
    Junit,
    /// Bencher Metric Format.
    Bmf,
    /// Two files for github-action-benchmark.
    GhaBenchmark,
    /// OpenMetrics text.
    OpenMetrics,
    /// The bill of every row as CSV.
    Cost,
    /// The cost of every row over request rate and live logins as CSV.
    CostCurve,
    /// Exposure against cost as CSV.
    Pareto,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 11] = [
        Self::Terminal,
        Self::Html,
        Self::Markdown,
        Self::Json,
        Self::Junit,
        Self::Bmf,
        Self::GhaBenchmark,
        Self::OpenMetrics,
        Self::Cost,
        Self::CostCurve,
        Self::Pareto,
    ];

    /// Those that a run leaves in its folder unasked.
    pub const USUAL: [Self; 3] = [Self::Html, Self::Markdown, Self::Json];

    /// Name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Html => "html",
            Self::Markdown => "markdown",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Bmf => "bmf",
            Self::GhaBenchmark => "gha-benchmark",
            Self::OpenMetrics => "openmetrics",
            Self::Cost => "cost",
            Self::CostCurve => "cost-curve",
            Self::Pareto => "pareto",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    fn exporters(self) -> &'static [&'static dyn Exporter] {
        match self {
            Self::Terminal => &[&terminal::Plain],
            Self::Html => &[&html::Html],
            Self::Markdown => &[&markdown::Markdown],
            Self::Json => &[&json::Json],
            Self::Junit => &[&junit::Junit],
            Self::Bmf => &[&bmf::Bmf],
            Self::GhaBenchmark => &[&gha_benchmark::Smaller, &gha_benchmark::Bigger],
            Self::OpenMetrics => &[&openmetrics::OpenMetrics],
            Self::Cost => &[&cost::Csv],
            Self::CostCurve => &[&cost::Curve],
            Self::Pareto => &[&cost::Pareto],
        }
    }
}

/// Turns a report into the bytes of one file.
pub trait Exporter: Sync {
    /// Name of the file in the report's folder.
    fn file_name(&self) -> &'static str;

    /// The bytes: the same for the same report.
    ///
    /// # Errors
    /// When the report cannot be written in this format.
    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError>;
}

/// One file of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Name of the file.
    pub file_name: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The data do not fit the format.
    #[error("cannot write the report as {format}: {message}")]
    Format {
        /// Name of the format.
        format: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The file system refused.
    #[error("cannot write {path}: {source}; choose a folder that can be written to with --out DIR")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
}

/// The files of a report in one format (one file, except where a format needs two).
///
/// # Errors
/// When the report cannot be written in this format.
pub fn export(format: Format, report: &Report) -> Result<Vec<Artifact>, ExportError> {
    format
        .exporters()
        .iter()
        .map(|exporter| Ok(Artifact { file_name: exporter.file_name(), bytes: exporter.bytes(report)? }))
        .collect()
}

/// JSON, indented, keys in a fixed order, with a line end.
fn json_bytes(format: &'static str, value: &impl serde::Serialize) -> Result<Vec<u8>, ExportError> {
    let failed = |error: serde_json::Error| ExportError::Format { format, message: error.to_string() };
    let mut bytes = serde_json::to_vec_pretty(value).map_err(failed)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Writes the files of a report into a folder: each beside its place first, then renamed, so that none is ever half
/// written. Returns their paths.
///
/// # Errors
/// When a format fails or the folder cannot be written to.
pub fn write(dir: &Path, formats: &[Format], report: &Report) -> Result<Vec<PathBuf>, ExportError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ExportError::Io { path, source }
    };
    std::fs::create_dir_all(dir).map_err(io(dir))?;
    let mut written = Vec::new();
    for format in formats {
        for artifact in export(*format, report)? {
            let path = dir.join(artifact.file_name);
            let beside = dir.join(format!(".{}.partial", artifact.file_name));
            std::fs::write(&beside, &artifact.bytes).map_err(io(&beside))?;
            std::fs::rename(&beside, &path).map_err(io(&path))?;
            written.push(path);
        }
    }
    Ok(written)
}
