//! Schemas beside the shipped files are those that the command prints, and every shipped file names its own.

use std::fs;
use std::path::PathBuf;

use crate::support::authbench;

fn scenarios() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// `AUTHBENCH_BLESS=1 cargo test -p authbench schemas` writes them anew.
#[test]
fn schemas_beside_the_files_are_current() {
    for name in ["scenario", "backend", "plan", "faults", "claim", "prices"] {
        let output = authbench().args(["schema", name]).output().unwrap();
        assert!(output.status.success(), "{name}");
        let path = scenarios().join(format!("schema/{name}.json"));
        if std::env::var_os("AUTHBENCH_BLESS").is_some() {
            fs::write(&path, &output.stdout).unwrap();
        }
        let there = fs::read(&path).unwrap_or_default();
        assert!(there == output.stdout, "{} is not what `authbench schema {name}` prints", path.display());
    }
}

#[test]
fn every_shipped_file_leads_editors_to_its_schema() {
    let folders = [
        ("", "schema/scenario.json"),
        ("backends", "../schema/backend.json"),
        ("plans", "../schema/plan.json"),
        ("claims", "../schema/claim.json"),
        ("prices", "../schema/prices.json"),
    ];
    for (folder, schema) in folders {
        let files = fs::read_dir(scenarios().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let mut seen = 0;
        for path in files.filter(|path| path.extension().is_some_and(|ending| ending == "toml")) {
            seen += 1;
            let text = fs::read_to_string(&path).unwrap();
            // Plans of what fails lie beside the others, and have other keys.
            let schema = match path.file_stem() {
                Some(name) if folder == "plans" && name == "faults" => "../schema/faults.json",
                _ => schema,
            };
            assert_eq!(
                text.lines().next(),
                Some(format!("#:schema {schema}").as_str()),
                "{}",
                path.display()
            );
            assert!(path.parent().unwrap().join(schema).is_file(), "{}", path.display());
        }
        assert!(seen > 0, "{folder}");
    }
}
