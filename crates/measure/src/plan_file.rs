//! What every kind of plan file has in common: how it is refused, what it begins with, and its canonical text.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::Path;

use scenario::FileError;
use scenario::file::{is_name, locate};
use serde::Serialize;

/// A file that is being checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlanFile<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
    /// Where its bounds are told.
    pub(crate) help: &'static str,
}

impl PlanFile<'_> {
    /// Refuses it for what stands at `key`.
    pub(crate) fn refuse(&self, key: &str, message: impl Display, hint: &str) -> Result<(), FileError> {
        Err(locate(self.path, self.text, key, None, format!("`{key}`: {message}"), Some(hint.to_owned())))
    }

    /// Refuses a number out of its bounds.
    pub(crate) fn within(
        &self,
        key: &str,
        value: impl Into<u64>,
        bounds: RangeInclusive<u64>,
    ) -> Result<(), FileError> {
        let value = value.into();
        if bounds.contains(&value) {
            return Ok(());
        }
        let message = format!("{value} is not between {} and {}", bounds.start(), bounds.end());
        self.refuse(key, message, self.help)
    }

    /// Every plan begins with a name, a seed and backends.
    pub(crate) fn begins(&self, name: &str, seed: u64, backends: &[String]) -> Result<(), FileError> {
        if !is_name(name) {
            return self.refuse(
                "name",
                format_args!("`{name}` is not a name"),
                "use 1 to 64 of a-z, 0-9 and -",
            );
        }
        // TOML's integers are signed: a larger seed could not be written into the recording's plan.
        if i64::try_from(seed).is_err() {
            return self.refuse("seed", "is too large", "use a whole number below 2^63");
        }
        if backends.is_empty() {
            return self.refuse("backends", "names no backend", "`authbench list` shows the built-in ones");
        }
        Ok(())
    }
}

/// What of a plan is hashed and recorded.
pub(crate) fn canonical(plan: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "a plan holds only strings, numbers and tables of them")]
    toml::to_string_pretty(plan).expect("a plan serialises")
}
