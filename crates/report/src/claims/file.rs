//! A claim's file: what it says, checked.
//!
//! ```toml
//! id = "C8"
//! sentence = "A JWT kept on a shared server is nearly a session"
//! detail = "response time {response}, CPU {cpu}"
//! expect = "any"                      # any | holds | refuted
//!
//! [figures]
//! response = "ratio(response_p50, jwt-allowlist, session-redis, steady)"
//! cpu = "ratio(cpu, jwt-allowlist, session-redis, steady)"
//!
//! [[condition]]                       # all of them must hold
//! figure = "response"
//! is = "equivalent"                   # a verdict: equivalent | faster | slower | different
//!
//! [[condition]]
//! figure = "cpu"
//! below = 1.05                        # or above = …; both makes a range
//! ```

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::Expectation;
use super::error::{ClaimError, suggestion};
use super::expression::Expression;

/// A claim, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Identifier, e.g. `C8`.
    pub id: String,
    /// The sentence.
    pub sentence: String,
    /// The result in words, with `{name}` where a figure of that name goes.
    pub detail: String,
    /// What is expected.
    pub expect: Expectation,
    /// Figures by name.
    pub figures: BTreeMap<String, Expression>,
    /// All of these must hold.
    pub conditions: Vec<Condition>,
}

/// One condition on one figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Name of the figure.
    pub figure: String,
    /// What must be true of it.
    pub test: Test,
}

/// What must be true of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Test {
    /// Its verdict is this.
    Is(Wanted),
    /// It lies strictly above the first and below the second, where given.
    Between(Option<f64>, Option<f64>),
}

/// A verdict a condition may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// Equivalent within the plan's margin.
    Equivalent,
    /// Proven lower.
    Faster,
    /// Proven higher.
    Slower,
    /// Proven lower or higher, and not equivalent.
    Different,
}

/// A claim: a sentence, figures to compute and conditions on them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "authbench claim")]
struct Raw {
    /// Identifier, e.g. `C8`.
    #[schemars(with = "String")]
    id: Spanned<String>,
    /// The sentence that a run can support or refute.
    sentence: String,
    /// The result in words, with `{name}` where the figure of that name goes.
    #[schemars(with = "String")]
    detail: Spanned<String>,
    /// What is expected: only a conclusive result that contradicts it fails a build.
    #[serde(default)]
    expect: Expectation,
    /// Figures by name, e.g. `ratio(cpu, jwt-allowlist, session-redis, steady)`.
    #[schemars(with = "BTreeMap<String, String>")]
    figures: BTreeMap<String, Spanned<String>>,
    /// All of them must hold.
    #[schemars(with = "Vec<RawCondition>")]
    condition: Spanned<Vec<Spanned<RawCondition>>>,
}

/// A condition on one figure: a verdict, or bounds.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawCondition {
    /// Name of the figure.
    #[schemars(with = "String")]
    figure: Spanned<String>,
    /// Its verdict is this.
    is: Option<Wanted>,
    /// It lies above.
    above: Option<f64>,
    /// It lies below.
    below: Option<f64>,
}

/// JSON Schema of a claim's file.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Raw).into()
}

impl Claim {
    /// Reads a claim from a file's text; `path` is only for messages.
    pub fn parse(path: &str, text: &str) -> Result<Self, ClaimError> {
        let refuse = |at: usize, key: &str, message: String, hint: Option<String>| ClaimError {
            path: path.to_owned(),
            line: line(text, at),
            key: key.to_owned(),
            message,
            hint,
        };
        let raw: Raw = toml::from_str(text).map_err(|error| ClaimError {
            path: path.to_owned(),
            line: error.span().map_or(0, |span| line(text, span.start)),
            key: String::new(),
            message: error.message().trim_end().to_owned(),
            hint: Some("scenarios/README.md explains every key of a claim".to_owned()),
        })?;
        if raw.id.get_ref().trim().is_empty() {
            return Err(refuse(raw.id.span().start, "id", "is empty".to_owned(), None));
        }
        let mut figures = BTreeMap::new();
        for (name, expression) in &raw.figures {
            let parsed = Expression::parse(expression.get_ref()).map_err(|(message, hint)| {
                refuse(expression.span().start, &format!("figures.{name}"), message, Some(hint))
            })?;
            figures.insert(name.clone(), parsed);
        }
        for name in named_in(raw.detail.get_ref()) {
            if !figures.contains_key(name) {
                let hint = suggestion(name, figures.keys().map(String::as_str));
                return Err(refuse(
                    raw.detail.span().start,
                    "detail",
                    format!("no figure is called `{name}`"),
                    Some(hint),
                ));
            }
        }
        if raw.condition.get_ref().is_empty() {
            let message = "without a condition nothing can be refuted".to_owned();
            return Err(refuse(raw.condition.span().start, "condition", message, None));
        }
        let conditions = raw
            .condition
            .get_ref()
            .iter()
            .map(|raw| {
                condition(raw.get_ref(), &figures)
                    .map_err(|(at, message, hint)| refuse(at, "condition", message, hint))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            id: raw.id.into_inner(),
            sentence: raw.sentence,
            detail: raw.detail.into_inner(),
            expect: raw.expect,
            figures,
            conditions,
        })
    }

    /// Scenarios and rows it speaks about, as written: for a check against what exists.
    pub fn names(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.figures.values().map(|figure| (figure.scenario.as_str(), figure.rows().collect()))
    }
}

type Refused = (usize, String, Option<String>);

fn condition(raw: &RawCondition, figures: &BTreeMap<String, Expression>) -> Result<Condition, Refused> {
    let (at, name) = (raw.figure.span().start, raw.figure.get_ref());
    let expression = figures.get(name).ok_or_else(|| {
        let hint = suggestion(name, figures.keys().map(String::as_str));
        (at, format!("no figure is called `{name}`"), Some(hint))
    })?;
    let test = match (raw.is, raw.above, raw.below) {
        (Some(wanted), None, None) if expression.function.has_verdict() => Test::Is(wanted),
        (Some(_), None, None) => {
            let hint = "only `ratio` and `added_ratio` have a verdict; use `above` or `below`".to_owned();
            return Err((at, format!("`{name}` has no verdict"), Some(hint)));
        }
        (None, None, None) | (Some(_), _, _) => {
            let hint = "give `is`, or `above`, `below` or both".to_owned();
            return Err((at, format!("the condition on `{name}` must ask for one thing"), Some(hint)));
        }
        (None, above, below) => {
            let bounds = [above, below];
            let empty = above.zip(below).is_some_and(|(above, below)| above >= below);
            if empty || bounds.into_iter().flatten().any(|bound| !bound.is_finite()) {
                return Err((at, format!("the bounds on `{name}` leave nothing between them"), None));
            }
            Test::Between(above, below)
        }
    };
    Ok(Condition { figure: name.clone(), test })
}

/// Names between braces.
pub(crate) fn named_in(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// One-based line of a byte.
fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
