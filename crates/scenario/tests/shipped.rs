//! Everything shipped in `scenarios/` is valid, compiled in, and means the same on every machine.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use scenario::builtin::Shelf;
use scenario::{BackendFile, Scenario};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// A folder that is not there has no names.
fn names_in(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| Some(name.to_str()?.strip_suffix(".toml")?.to_owned())).collect()
}

#[test]
fn every_file_is_compiled_in() {
    // Plans of what fails lie beside the others.
    let plans = Shelf::Plans.all().iter().chain(Shelf::Faults.all());
    let plans: BTreeSet<String> = plans.map(|builtin| builtin.name.to_owned()).collect();
    assert_eq!(plans, names_in(&folder().join("plans")));
    for (shelf, below) in [
        (Shelf::Scenarios, "."),
        (Shelf::Backends, "backends"),
        (Shelf::Drills, "drills"),
        (Shelf::Claims, "claims"),
        (Shelf::Prices, "prices"),
    ] {
        let listed: BTreeSet<String> = shelf.all().iter().map(|builtin| builtin.name.to_owned()).collect();
        assert_eq!(listed, names_in(&folder().join(below)), "{shelf:?}");
        for builtin in shelf.all() {
            assert_eq!(
                builtin.text,
                fs::read_to_string(folder().join(builtin.path)).unwrap(),
                "{}",
                builtin.path
            );
        }
    }
}

#[test]
fn every_scenario_parses_and_is_named_after_its_file() {
    for builtin in Shelf::Scenarios.all() {
        let found = builtin.found();
        let scenario = Scenario::parse(&found.path, &found.text).unwrap();
        assert_eq!(scenario.name, builtin.name);
    }
}

#[test]
fn every_backend_header_parses_and_is_named_after_its_file() {
    for builtin in Shelf::Backends.all() {
        let found = builtin.found();
        let backend = BackendFile::parse(&found.path, &found.text).unwrap();
        assert_eq!(backend.header.name, builtin.name);
        assert_eq!(backend.header.replicas, 1);
    }
}

/// `AUTHBENCH_BLESS=1 cargo test -p scenario --test shipped` writes them anew.
#[test]
fn schemas_beside_the_files_are_current() {
    for (name, schema) in
        [("scenario", scenario::schema::scenario()), ("backend", scenario::schema::backend())]
    {
        let path = folder().join(format!("schema/{name}.json"));
        let current = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("AUTHBENCH_BLESS").is_some() {
            fs::write(&path, &current).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), current, "{}", path.display());
    }
}

/// Every key of the schemas is explained.
#[test]
fn every_key_is_explained() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let mut keys = BTreeSet::new();
    for schema in [scenario::schema::scenario(), scenario::schema::backend()] {
        collect_keys(&schema, &mut keys);
    }
    assert!(keys.contains("zipf") && keys.contains("revocation_lag") && keys.len() > 30, "{keys:?}");
    for key in keys {
        let explained = [format!("`{key}`"), format!("`[{key}]`")].iter().any(|form| readme.contains(form));
        assert!(explained, "scenarios/README.md does not explain `{key}`");
    }
}

fn collect_keys(schema: &serde_json::Value, keys: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(members) => {
            if let Some(serde_json::Value::Object(properties)) = members.get("properties") {
                keys.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| collect_keys(member, keys));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}
