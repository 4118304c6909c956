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
    for (shelf, below) in [(Shelf::Scenarios, "."), (Shelf::Backends, "backends"), (Shelf::Plans, "plans")] {
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
