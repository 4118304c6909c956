//! What goes where: results to stdout, nothing else; a reader that stops reading is no error.

use std::process::Stdio;

use crate::support::{authbench, run_in};

#[test]
fn a_reader_that_went_away_is_no_error() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let child =
        authbench().arg("list").stdout(writer).stderr(Stdio::piped()).spawn().expect("the command starts");
    let output = child.wait_with_output().expect("the command ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_disk_that_is_full_is_an_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let child =
        authbench().arg("list").stdout(full).stderr(Stdio::piped()).spawn().expect("the command starts");
    let output = child.wait_with_output().expect("the command ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stdout could not be written"));
}

#[test]
fn without_a_terminal_nothing_is_coloured() {
    for arguments in [["list", "--help"], ["check", "nowhere.toml"]] {
        let output = authbench().env_remove("NO_COLOR").args(arguments).output().expect("the command starts");
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b), "{arguments:?}");
    }
}

#[test]
fn json_is_one_value_that_a_program_can_read() {
    let said = run_in(".".as_ref(), &["list", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let names: Vec<&str> = value["backends"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| entry["name"].as_str())
        .collect();
    assert!(names.contains(&"none") && names.contains(&"session-redis"), "{names:?}");
}
