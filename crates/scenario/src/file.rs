//! TOML files into typed values, with errors that say where and what next.

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::FileError;

/// Parses a file's text. An unknown key, a wrong type and a syntax error each become a [`FileError`] with line, column
/// and dotted key; an unknown key or value gets the nearest known one as a hint. Give `T` `deny_unknown_fields`.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, FileError> {
    toml::from_str(text).map_err(|error| explain(path, text, &error))
}

/// An error about a key whose byte span in `text` may be known; without one, the key itself is looked up.
/// Give `key` dotted (`load.rate`, `mechanism.checks[0].kind`) or empty for the whole file.
#[must_use]
pub fn locate(
    path: &Path,
    text: &str,
    key: &str,
    span: Option<Range<usize>>,
    message: impl Into<String>,
    hint: Option<String>,
) -> FileError {
    let (line, column) = match span.or_else(|| find(text, key)) {
        Some(span) => position(text, span.start),
        None => (0, 0),
    };
    FileError { path: path.to_owned(), line, column, key: key.to_owned(), message: message.into(), hint }
}

/// Byte span of the value at a dotted key, or of its nearest ancestor that exists.
#[must_use]
pub fn find(text: &str, key: &str) -> Option<Range<usize>> {
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut found = None;
    let mut parts = key.split(['.', '[']).filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let Some((name, mut value)) = table.iter().find(|(name, _)| name.get_ref() == part) else { break };
        found = Some(name.span());
        while let (DeValue::Array(items), Some(index)) =
            (value.get_ref(), parts.peek().and_then(|p| index_of(p)))
        {
            let Some(item) = items.get(index) else { break };
            parts.next();
            found = Some(item.span());
            value = item;
        }
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    found
}

fn index_of(part: &str) -> Option<usize> {
    part.strip_suffix(']').unwrap_or(part).parse().ok()
}

/// One-based line and column (in characters) of a byte offset. An offset past the end means the end.
#[must_use]
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The known name nearest to `name`, if one is near enough to be a slip of the keyboard.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = |candidate: &&str| {
        let length = candidate.chars().count().min(name.chars().count());
        strsim::damerau_levenshtein(name, candidate) <= 1 + length / 3
    };
    let likeness = |candidate: &str| strsim::jaro_winkler(name, candidate);
    known.into_iter().filter(near).max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}

/// Whether a text may name a scenario, a backend or a plan: 1 to 64 of a-z, 0-9 and `-`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=64).contains(&text.len()) && text.chars().all(kebab)
}

/// Turns the TOML library's error into ours.
fn explain(path: &Path, text: &str, error: &toml::de::Error) -> FileError {
    let span = error.span();
    let place = span.as_ref().map(|span| key_at(text, span)).unwrap_or_default();
    let message = error.message();
    let (key, message, hint) = if let Some(field) = between(message, "unknown field `") {
        let key = if place.ends_with(field) { place } else { join(&place, field) };
        (key.clone(), format!("unknown key `{key}`"), suggestion(field, message, "keys"))
    } else if let Some(variant) = between(message, "unknown variant `") {
        (
            place.clone(),
            format!("`{place}`: unknown value `{variant}`"),
            suggestion(variant, message, "values"),
        )
    } else if let Some(field) = between(message, "missing field `") {
        let key = join(&span.as_ref().and_then(|span| table_at(text, span)).unwrap_or_default(), field);
        (key.clone(), format!("missing key `{key}`"), Some(format!("add `{field} = …`")))
    } else if place.is_empty() {
        (place, plain(message), None)
    } else {
        (place.clone(), format!("`{place}`: {}", plain(message)), None)
    };
    locate(path, text, &key, span, message, hint)
}

fn join(place: &str, field: &str) -> String {
    if place.is_empty() { field.to_owned() } else { format!("{place}.{field}") }
}

/// The text between `start` and the next backtick.
fn between<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = message.split_once(start)?;
    Some(rest.split_once('`')?.0)
}

/// serde lists the known names in backticks after "expected".
fn suggestion(name: &str, message: &str, what: &str) -> Option<String> {
    let (_, expected) = message.split_once("`, ")?;
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known {what} here: {}", known.join(", "))),
    }
}

/// Rust's type names in words of the file format.
fn plain(message: &str) -> String {
    let mut message = message.trim_end().replace('\n', "; ");
    for (rust, words) in [
        (
            &["expected u8", "expected u16", "expected u32", "expected u64", "expected usize"][..],
            "expected a whole number",
        ),
        (&["expected f64"][..], "expected a number"),
        (&["expected bool", "expected a boolean"][..], "expected true or false"),
    ] {
        for name in rust {
            if let Some(start) = message.strip_suffix(name) {
                message = format!("{start}{words}");
            }
        }
    }
    message
}

/// The dotted key of the table whose span this is; the whole file has none.
fn table_at(text: &str, span: &Range<usize>) -> Option<String> {
    fn search(value: &Spanned<DeValue<'_>>, span: &Range<usize>, path: &str) -> Option<String> {
        match value.get_ref() {
            DeValue::Table(_) if value.span() == *span => Some(path.to_owned()),
            DeValue::Table(inner) => {
                inner.iter().find_map(|(name, value)| search(value, span, &join(path, name.get_ref())))
            }
            DeValue::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(index, item)| search(item, span, &format!("{path}[{index}]"))),
            _ => None,
        }
    }
    let document = DeTable::parse(text).ok()?;
    document.get_ref().iter().find_map(|(name, value)| search(value, span, name.get_ref()))
}

/// The dotted key that a span lies in: of a key or of its value.
fn key_at(text: &str, span: &Range<usize>) -> String {
    let (document, _) = DeTable::parse_recoverable(text);
    let mut path = String::new();
    descend(document.get_ref(), span, &mut path);
    path
}

fn descend(table: &DeTable<'_>, span: &Range<usize>, path: &mut String) {
    let within = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    for (name, value) in table {
        if within(name.span()) && !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_))
            || covers(value, span)
        {
            *path = join(path, name.get_ref());
            return inside(value, span, path);
        }
        if within(name.span()) {
            *path = join(path, name.get_ref());
            return;
        }
    }
}

fn inside(value: &Spanned<DeValue<'_>>, span: &Range<usize>, path: &mut String) {
    match value.get_ref() {
        DeValue::Table(inner) => descend(inner, span, path),
        DeValue::Array(items) => {
            if let Some((index, item)) = items.iter().enumerate().find(|(_, item)| covers(item, span)) {
                path.push_str(&format!("[{index}]"));
                inside(item, span, path);
            }
        }
        _ => {}
    }
}

/// Whether a value, or anything in it, covers the span: a table's own span is only its header.
fn covers(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    let own = value.span();
    if own.start <= span.start && span.end <= own.end {
        return true;
    }
    match value.get_ref() {
        DeValue::Table(inner) => inner.iter().any(|(name, value)| {
            let name = name.span();
            name.start <= span.start && span.end <= name.end || covers(value, span)
        }),
        DeValue::Array(items) => items.iter().any(|item| covers(item, span)),
        _ => false,
    }
}
