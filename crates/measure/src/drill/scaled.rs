//! Shortens the times in a backend's file. The clocks stay real, so that what is measured is the design's own behaviour.
//!
//! It works on names and durations alone: the mechanism itself is not understood here.

use std::path::Path;

use scenario::{BackendFile, FileError, HumanDuration};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::plan::ScalePlan;

/// One time that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Key, e.g. `mechanism.credential.lifetime`.
    pub key: String,
    /// As the file has it.
    pub from: String,
    /// As it was drilled.
    pub to: String,
}

/// A backend as it is drilled.
#[derive(Debug, Clone)]
pub(crate) struct Scaled {
    pub(crate) backend: BackendFile,
    pub(crate) changes: Vec<Change>,
}

/// The backend with its times shortened. `grace` sets every grace window instead of dividing it.
pub(crate) fn scaled(
    file: &BackendFile,
    scale: &ScalePlan,
    grace: Option<HumanDuration>,
) -> Result<Scaled, FileError> {
    let mut table: Table = scenario::file::parse(&file.path, &file.text)?;
    let mut changes = Vec::new();
    for part in ["promises", "mechanism"] {
        if let Some(value) = table.get_mut(part) {
            walk(part, value, scale, grace, &mut changes);
        }
    }
    let text = table.to_string();
    let path = Path::new(&format!("{} (times shortened)", file.path.display())).to_owned();
    let backend = BackendFile::parse(&path, &text)?;
    Ok(Scaled { backend, changes })
}

fn walk(
    key: &str,
    value: &mut Value,
    scale: &ScalePlan,
    grace: Option<HumanDuration>,
    changes: &mut Vec<Change>,
) {
    match value {
        Value::Table(table) => {
            for (name, inner) in table {
                walk(&format!("{key}.{name}"), inner, scale, grace, changes);
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter_mut().enumerate() {
                walk(&format!("{key}[{at}]"), inner, scale, grace, changes);
            }
        }
        Value::String(text) => {
            let Ok(duration) = text.parse::<HumanDuration>() else { return };
            let to = shortened(key, duration, scale, grace).to_string();
            if to != *text {
                changes.push(Change { key: key.to_owned(), from: text.clone(), to: to.clone() });
                *text = to;
            }
        }
        _ => {}
    }
}

fn shortened(
    key: &str,
    duration: HumanDuration,
    scale: &ScalePlan,
    grace: Option<HumanDuration>,
) -> HumanDuration {
    let name = key.rsplit('.').next().unwrap_or(key);
    match (name, grace) {
        ("grace", Some(grace)) => grace,
        // It is added to every lifetime: shortening it would change what is measured.
        ("leeway", _) => duration,
        ("lifetime", _) if key == "mechanism.credential.lifetime" => duration.min(scale.lifetime),
        ("lifetime", _) => duration.min(scale.other_lifetimes),
        // A pause that ends a login is shorter than its lifetime: NumericDate's step shorter.
        ("inactivity", _) => {
            let longest = scale.lifetime.as_nanos().saturating_sub(1_000_000_000);
            duration.min(HumanDuration::from_nanos(longest))
        }
        _ => {
            // Whole milliseconds, as files have them; what was there stays more than nothing.
            let millis = duration.as_nanos() / 1_000_000 / u64::from(scale.divide);
            if duration.as_nanos() == 0 { duration } else { HumanDuration::from_millis(millis.max(1)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use scenario::builtin::Shelf;

    use super::*;

    fn scale() -> ScalePlan {
        ScalePlan {
            lifetime: HumanDuration::from_millis(3000),
            other_lifetimes: HumanDuration::from_millis(60_000),
            divide: 4,
        }
    }

    fn shipped(name: &str) -> BackendFile {
        let found = Shelf::Backends.find(name).unwrap().found();
        BackendFile::parse(&found.path, &found.text).unwrap()
    }

    #[test]
    fn every_shipped_backend_can_be_shortened() {
        for builtin in Shelf::Backends.all() {
            let scaled = scaled(&shipped(builtin.name), &scale(), None).unwrap();
            assert_eq!(scaled.backend.header.name, builtin.name);
        }
    }

    #[test]
    fn lifetimes_are_capped_and_the_rest_is_divided() {
        let found = scaled(&shipped("jwt-refresh"), &scale(), None).unwrap();
        let changes: Vec<(&str, &str, &str)> = found
            .changes
            .iter()
            .map(|change| (change.key.as_str(), change.from.as_str(), change.to.as_str()))
            .collect();
        assert!(changes.contains(&("mechanism.credential.lifetime", "5m", "3s")), "{changes:?}");
        assert!(changes.contains(&("mechanism.renewal.lifetime", "8h", "1m")), "{changes:?}");
        assert!(changes.contains(&("mechanism.renewal.grace", "5s", "1250ms")), "{changes:?}");
        let text = found.backend.text;
        assert!(text.contains("leeway = \"0s\""), "{text}");
    }

    #[test]
    fn a_grace_window_can_be_set() {
        let grace = HumanDuration::from_millis(200);
        let found = scaled(&shipped("jwt-refresh"), &scale(), Some(grace)).unwrap();
        assert!(found.backend.text.contains("grace = \"200ms\""), "{}", found.backend.text);
    }
}
