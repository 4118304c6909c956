//! Backends with settings changed: one point each of a sweep.
//!
//! It works on keys and texts alone: what a setting means is known to the server that reads it.

use std::collections::BTreeMap;
use std::path::Path;

use scenario::builtin::Shelf;
use scenario::{BackendFile, FileError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::drill::{DrillPlan, ScalePlan, SurvivalPlan};

/// A backend with settings changed, as a row of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vary {
    /// Name of the row.
    pub name: String,
    /// Backend name or file.
    pub backend: String,
    /// New texts by key, e.g. `"mechanism.credential.lifetime" = "15m"`. A key below a list of tables is set in each of
    /// them that has it.
    pub set: BTreeMap<String, String>,
}

/// Thefts from every row once all blocks are measured: how long what was stolen works after its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExposurePlan {
    /// Server processes of each row.
    pub replicas: u32,
    /// How credentials are stolen and ended.
    pub survival: SurvivalPlan,
    /// How configured times are shortened.
    pub scale: ScalePlan,
}

impl ExposurePlan {
    /// The drill that it is, for these designs.
    pub(crate) fn drill(&self, name: &str, seed: u64, backends: Vec<String>) -> DrillPlan {
        DrillPlan {
            name: name.to_owned(),
            seed,
            backends,
            replicas: self.replicas,
            survival: Some(self.survival.clone()),
            unscaled: None,
            expiry: None,
            restart: None,
            price: None,
            resurrection: None,
            failover: None,
            scale: self.scale.clone(),
        }
    }
}

impl Vary {
    /// The backend with its settings changed.
    ///
    /// # Errors
    ///
    /// When there is no such backend or key in it, or what comes out is no backend.
    pub fn file(&self) -> Result<BackendFile, FileError> {
        let found = Shelf::Backends.resolve(&self.backend)?;
        let mut table: Table = scenario::file::parse(&found.path, &found.text)?;
        let path = format!("{}, varied as {}", found.path.display(), self.name);
        for (key, text) in &self.set {
            if set(&mut table, key, text) == 0 {
                return Err(FileError {
                    path: found.path.clone(),
                    line: 0,
                    column: 0,
                    key: key.clone(),
                    message: format!("`{key}` is not in this backend, so it cannot be varied"),
                    hint: Some("write the key as it stands there, e.g. mechanism.credential.lifetime".into()),
                });
            }
        }
        table.insert("name".to_owned(), Value::String(self.name.clone()));
        BackendFile::parse(Path::new(&path), &table.to_string())
    }
}

/// Sets a text by its dotted key; in how many places.
fn set(table: &mut Table, key: &str, text: &str) -> usize {
    let Some((first, rest)) = key.split_once('.') else {
        return match table.get_mut(key) {
            Some(Value::String(there)) => {
                text.clone_into(there);
                1
            }
            _ => 0,
        };
    };
    match table.get_mut(first) {
        Some(Value::Table(inner)) => set(inner, rest, text),
        Some(Value::Array(items)) => {
            items.iter_mut().filter_map(Value::as_table_mut).map(|inner| set(inner, rest, text)).sum()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vary(backend: &str, set: &[(&str, &str)]) -> Vary {
        let set = set.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        Vary { name: "varied-1".to_owned(), backend: backend.to_owned(), set }
    }

    #[test]
    fn settings_are_changed_wherever_they_stand() {
        let settings = [("promises.revocation_lag", "11s"), ("mechanism.checks.interval", "10s")];
        let file = vary("jwt-denylist-polled", &settings).file().unwrap();
        assert_eq!(file.header.name, "varied-1");
        assert_eq!(file.text.matches("interval = \"10s\"").count(), 2, "{}", file.text);
        assert!(file.text.contains("revocation_lag = \"11s\""), "{}", file.text);
    }

    #[test]
    fn what_is_not_there_cannot_be_varied() {
        let error = vary("session-redis", &[("mechanism.checks.ttl", "1s")]).file().unwrap_err();
        assert!(error.to_string().contains("mechanism.checks.ttl"), "{error}");
        assert!(vary("no-such-backend", &[]).file().is_err());
        assert!(vary("session-redis", &[("mechanism.credential.lifetime", "soon")]).file().is_ok());
    }

    #[test]
    fn every_point_of_the_shipped_sweep_is_a_backend() {
        let found = Shelf::Plans.resolve("sweep").unwrap();
        let plan = crate::Plan::parse(&found.path, &found.text).unwrap();
        assert!(plan.vary.len() >= 9);
        for vary in &plan.vary {
            vary.file().unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
