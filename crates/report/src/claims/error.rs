//! What is wrong with a claim's file, where, and what to do next.

/// A claim's file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {message}{}", at(*line), help(hint.as_deref()))]
pub struct ClaimError {
    /// The file as the user named it.
    pub path: String,
    /// One-based line, 0 when the whole file is meant.
    pub line: usize,
    /// Key the message is about (`figures.cpu`), empty when none.
    pub key: String,
    /// What is wrong: a lowercase fragment.
    pub message: String,
    /// What to do next (for an unknown name: the nearest known one).
    pub hint: Option<String>,
}

fn at(line: usize) -> String {
    if line == 0 { String::new() } else { format!(":{line}") }
}

fn help(hint: Option<&str>) -> String {
    hint.map(|hint| format!("\n  help: {hint}")).unwrap_or_default()
}

/// The nearest of the known names, if any is near enough to be meant.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|known| (strsim::jaro_winkler(name, known), known));
    scored.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

/// `did you mean …?`, or the list of what there is.
pub(crate) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}
