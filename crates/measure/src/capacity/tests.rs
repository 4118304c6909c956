//! The file: written, read again, refused where it must be.

use super::*;

fn probe(rate: f64, repeated: bool) -> CapacityProbe {
    CapacityProbe {
        order: 0,
        rate,
        offered_rate: rate,
        achieved_rate: rate,
        p50_ns: 1,
        p99_ns: 2,
        error_share: 0.0,
        server_cpu_ns: Some(100.0),
        store_cpu_ns: None,
        generator_kept_up: true,
        holds: true,
        repeated,
        reasons: Vec::new(),
    }
}

#[test]
fn a_curve_is_in_order_of_rate_without_what_was_made_again() {
    let row = CapacityRow {
        name: "none".into(),
        backend_sha256: String::new(),
        describe: serde_json::Value::Null,
        rate: Some(2000.0),
        limit: Some(Limit::Highest),
        failed: None,
        probes: vec![probe(4000.0, false), probe(1000.0, true), probe(2000.0, false)],
    };
    assert!(row.at_least());
    assert!(!CapacityRow { limit: Some(Limit::Objective), ..row.clone() }.at_least());
    assert_eq!(row.curve().iter().map(|probe| probe.rate).collect::<Vec<_>>(), [2000.0, 4000.0]);
}

#[test]
fn cpu_is_that_of_server_and_store() {
    let alone = probe(1.0, false);
    assert_eq!(alone.cpu_ns(), Some(100.0));
    assert_eq!(CapacityProbe { store_cpu_ns: Some(50.0), ..alone.clone() }.cpu_ns(), Some(150.0));
    assert_eq!(CapacityProbe { server_cpu_ns: None, ..alone }.cpu_ns(), None);
}

#[test]
fn a_folder_without_the_file_has_no_capacity_and_a_newer_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(CapacityRun::read(folder.path()).unwrap(), None);
    fs::write(folder.path().join(FILE), "{}").unwrap();
    let error = CapacityRun::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains(FILE) && error.contains("schema"), "{error}");
}
