//! One error for every file a user writes: what is wrong, where, and what to do next.

use std::path::PathBuf;

/// A file that could not be used. `Display` prints `path:line:column: message` and, on a second line, the hint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}{}", path.display(), position(*line, *column), hint_line(hint.as_deref()))]
pub struct FileError {
    /// The file as the user named it, or `<built-in NAME>`.
    pub path: PathBuf,
    /// One-based line, 0 when the whole file is meant.
    pub line: usize,
    /// One-based column, 0 when the whole line is meant.
    pub column: usize,
    /// Dotted key the message is about (`load.rate`), empty when none.
    pub key: String,
    /// What is wrong: a lowercase fragment.
    pub message: String,
    /// What to do next (for an unknown key: the nearest known one).
    pub hint: Option<String>,
}

fn position(line: usize, column: usize) -> String {
    match (line, column) {
        (0, _) => String::new(),
        (line, 0) => format!(":{line}"),
        (line, column) => format!(":{line}:{column}"),
    }
}

fn hint_line(hint: Option<&str>) -> String {
    hint.map(|hint| format!("\n  help: {hint}")).unwrap_or_default()
}
