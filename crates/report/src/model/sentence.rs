//! A sentence that knows which of its words are figures and names, so that a format can mark them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// One piece of a sentence.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Words.
    Text(String),
    /// The name of a row, scenario or setting.
    Name(String),
    /// A figure as printed, and the value it stands for in `report.json`.
    Figure {
        /// As printed, unit included.
        text: String,
        /// The value in `report.json`.
        value: f64,
    },
}

/// A sentence in parts. In JSON it is plain text.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema)]
#[schemars(with = "String")]
pub struct Sentence(pub Vec<Part>);

impl Sentence {
    /// An empty sentence to add to.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds words.
    #[must_use]
    pub fn text(mut self, words: impl Into<String>) -> Self {
        self.0.push(Part::Text(words.into()));
        self
    }

    /// Adds a name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.push(Part::Name(name.into()));
        self
    }

    /// Adds a figure.
    #[must_use]
    pub fn figure(mut self, text: impl Into<String>, value: f64) -> Self {
        self.0.push(Part::Figure { text: text.into(), value });
        self
    }

    /// Adds names as a list: `a, b and c`.
    #[must_use]
    pub fn names<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        for (i, name) in names.iter().enumerate() {
            self = match i {
                0 => self,
                _ if i + 1 == names.len() => self.text(" and "),
                _ => self.text(", "),
            }
            .name(*name);
        }
        self
    }

    /// Nothing in it?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends another sentence.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) | Part::Figure { text, .. } => f.write_str(text),
            Part::Name(name) => f.write_str(name),
        })
    }
}

impl Serialize for Sentence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
