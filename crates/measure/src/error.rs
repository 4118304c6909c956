//! What ends a run early.

use std::path::PathBuf;

use scenario::FileError;

/// Why a run, or the reading of a recording, could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A plan, scenario or backend file that cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The recording folder cannot be made or written.
    #[error("{}: {what}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A server or store process could not be started or died.
    #[error("{name}: {message}{}", tail(stderr))]
    Process {
        /// Row, or `redis-server for ROW`.
        name: String,
        /// What happened.
        message: String,
        /// The last lines of its standard error; may be empty.
        stderr: String,
    },
    /// A store that cannot be reached, or went away during the run.
    #[error("store of {row} at {address}: {message}")]
    Store {
        /// Row name.
        row: String,
        /// Address without credentials.
        address: String,
        /// What happened.
        message: String,
    },
    /// A server answered its control address with something else than asked for.
    #[error("{row}: control address: {message}")]
    Control {
        /// Row name.
        row: String,
        /// What happened.
        message: String,
    },
    /// The generator could not run.
    #[error("{row}: generator: {message}")]
    Generator {
        /// Row name.
        row: String,
        /// What happened.
        message: String,
    },
    /// No row is left to measure.
    #[error("nothing to measure: every backend of the plan was skipped\n  help: {hint}")]
    NothingToMeasure {
        /// What to do next.
        hint: String,
    },
    /// A system facility a measurement needs does not work here.
    #[error("{what} does not work here: {message}")]
    Probe {
        /// Which.
        what: &'static str,
        /// What happened.
        message: String,
    },
    /// A recording that is not what was recorded: a file was changed, added or taken away.
    #[error("{}: {message}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What shows it.
        message: String,
    },
    /// No recording, or one that was not written by this tool.
    #[error("{}: {message}", path.display())]
    Recording {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

fn tail(stderr: &str) -> String {
    if stderr.is_empty() {
        return String::new();
    }
    format!("\n  it said last:\n    {}", stderr.trim_end().replace('\n', "\n    "))
}
