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
    /// As the file has it: life of an access credential and what is added to it, nanoseconds; absent without one.
    pub(crate) configured: Option<(u64, u64)>,
    /// As it is drilled.
    pub(crate) drilled: Option<(u64, u64)>,
    /// Whether logins are prolonged by something that a thief can copy beside the access credential.
    pub(crate) refreshes: bool,
    /// Whether refresh tokens are replaced, so that there may be a grace window.
    pub(crate) rotates: bool,
    /// Whether its file names a leeway.
    pub(crate) leeway: bool,
}

impl Scaled {
    /// The backend as its file has it.
    pub(crate) fn as_is(file: &BackendFile) -> Result<Self, FileError> {
        let table: Table = scenario::file::parse(&file.path, &file.text)?;
        Ok(Self::of(file.clone(), Vec::new(), life(&table), &table))
    }

    fn of(backend: BackendFile, changes: Vec<Change>, configured: Option<(u64, u64)>, table: &Table) -> Self {
        let renewal = at(table, &["mechanism", "renewal"]).and_then(Value::as_table);
        let text = |key: &str| renewal.and_then(|renewal| renewal.get(key)?.as_str());
        let rotates = renewal.and_then(|renewal| renewal.get("rotate")?.as_bool()).unwrap_or(true);
        Self {
            backend,
            changes,
            configured,
            drilled: life(table),
            refreshes: matches!(text("kind"), Some("refresh" | "minted")),
            rotates: text("kind") == Some("refresh") && rotates,
            leeway: at(table, &["mechanism", "credential", "leeway"]).is_some(),
        }
    }
}

fn at<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    if rest.is_empty() { Some(value) } else { at(value.as_table()?, rest) }
}

/// Life of an access credential, and the leeway it is given.
fn life(table: &Table) -> Option<(u64, u64)> {
    let nanos = |key: &str| {
        let text = at(table, &["mechanism", "credential", key])?.as_str()?;
        Some(text.parse::<HumanDuration>().ok()?.as_nanos())
    };
    Some((nanos("lifetime")?, nanos("leeway").unwrap_or(0)))
}

/// What is set instead of being shortened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Set {
    /// Every grace window.
    pub(crate) grace: Option<HumanDuration>,
    /// Every leeway.
    pub(crate) leeway: Option<HumanDuration>,
}

/// The backend with its times shortened.
pub(crate) fn scaled(file: &BackendFile, scale: &ScalePlan, set: Set) -> Result<Scaled, FileError> {
    let mut table: Table = scenario::file::parse(&file.path, &file.text)?;
    let mut changes = Vec::new();
    let configured = life(&table);
    let rule = Rule { scale, set, life_ns: configured.map_or(0, |(life_ns, _)| life_ns) };
    for part in ["promises", "mechanism"] {
        if let Some(value) = table.get_mut(part) {
            walk(part, value, &rule, &mut changes);
        }
    }
    let text = table.to_string();
    let path = Path::new(&format!("{} (times shortened)", file.path.display())).to_owned();
    let backend = BackendFile::parse(&path, &text)?;
    Ok(Scaled::of(backend, changes, configured, &table))
}

/// How times are shortened.
struct Rule<'a> {
    scale: &'a ScalePlan,
    set: Set,
    /// Of an access credential, as configured.
    life_ns: u64,
}

fn walk(key: &str, value: &mut Value, rule: &Rule<'_>, changes: &mut Vec<Change>) {
    match value {
        Value::Table(table) => {
            for (name, inner) in table {
                walk(&format!("{key}.{name}"), inner, rule, changes);
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter_mut().enumerate() {
                walk(&format!("{key}[{at}]"), inner, rule, changes);
            }
        }
        Value::String(text) => {
            let Ok(duration) = text.parse::<HumanDuration>() else { return };
            let to = shortened(key, duration, rule).to_string();
            if to != *text {
                changes.push(Change { key: key.to_owned(), from: text.clone(), to: to.clone() });
                *text = to;
            }
        }
        _ => {}
    }
}

fn shortened(key: &str, duration: HumanDuration, rule: &Rule<'_>) -> HumanDuration {
    let (scale, name) = (rule.scale, key.rsplit('.').next().unwrap_or(key));
    // Whole milliseconds, as files have them; what was there stays more than nothing.
    let part = |of: u64, by: u64| {
        let millis = of / 1_000_000 / by.max(1);
        if of == 0 { duration } else { HumanDuration::from_millis(millis.max(1)) }
    };
    match name {
        "grace" => rule.set.grace.unwrap_or_else(|| {
            // It stays the same share of the lifetime: a thief is as likely to come within it.
            let shorter = scale.lifetime.as_nanos().min(rule.life_ns).max(1);
            part(duration.as_nanos(), rule.life_ns / shorter)
        }),
        // It is added to every lifetime: shortening it would change what is measured.
        "leeway" => rule.set.leeway.unwrap_or(duration),
        "lifetime" if key == "mechanism.credential.lifetime" => duration.min(scale.lifetime),
        "lifetime" => duration.min(scale.other_lifetimes),
        // A pause that ends a login is shorter than its lifetime: NumericDate's step shorter.
        "inactivity" => {
            let longest = scale.lifetime.as_nanos().saturating_sub(1_000_000_000);
            duration.min(HumanDuration::from_nanos(longest))
        }
        _ => part(duration.as_nanos(), u64::from(scale.divide)),
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
            let scaled = scaled(&shipped(builtin.name), &scale(), Set::default()).unwrap();
            assert_eq!(scaled.backend.header.name, builtin.name);
        }
    }

    #[test]
    fn lifetimes_are_capped_and_the_rest_is_divided() {
        let found = scaled(&shipped("jwt-refresh"), &scale(), Set::default()).unwrap();
        let changes: Vec<(&str, &str, &str)> = found
            .changes
            .iter()
            .map(|change| (change.key.as_str(), change.from.as_str(), change.to.as_str()))
            .collect();
        assert!(changes.contains(&("mechanism.credential.lifetime", "5m", "3s")), "{changes:?}");
        assert!(changes.contains(&("mechanism.renewal.lifetime", "8h", "1m")), "{changes:?}");
        assert!(changes.contains(&("mechanism.renewal.grace", "5s", "50ms")), "{changes:?}");
        assert_eq!((found.configured, found.drilled), (Some((300_000_000_000, 0)), Some((3_000_000_000, 0))));
        assert!(found.refreshes && found.rotates);
        let text = found.backend.text;
        assert!(text.contains("leeway = \"0s\""), "{text}");
    }

    #[test]
    fn a_grace_window_and_a_leeway_can_be_set() {
        let set = Set {
            grace: Some(HumanDuration::from_millis(200)),
            leeway: Some(HumanDuration::from_millis(2000)),
        };
        let found = scaled(&shipped("jwt-refresh"), &scale(), set).unwrap();
        assert!(found.backend.text.contains("grace = \"200ms\""), "{}", found.backend.text);
        assert_eq!(found.drilled, Some((3_000_000_000, 2_000_000_000)));
    }

    #[test]
    fn who_can_be_robbed_of_a_second_credential() {
        for (name, refreshes, rotates) in [
            ("session-redis", false, false),
            ("session-sliding", false, false),
            ("jwt-refresh-static", true, false),
            ("jwt-minted", true, false),
            ("jwt-refresh-grace", true, true),
        ] {
            let found = Scaled::as_is(&shipped(name)).unwrap();
            assert_eq!((found.refreshes, found.rotates), (refreshes, rotates), "{name}");
        }
    }
}
