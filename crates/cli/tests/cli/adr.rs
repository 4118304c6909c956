//! `advise`, `adr` and `reproduce` on a recording whose truth is known, and on what they must refuse.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{Said, run_in};
use crate::synthetic::{self, STANDARD, Shape};

const SHORT: Shape = Shape { rounds: 8, ..STANDARD };

/// A folder that holds `recording/` of this shape.
fn folder(shape: Shape) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("recording");
    synthetic::recording(&recording, shape);
    folder
}

fn written() -> TempDir {
    let folder = folder(SHORT);
    fs::create_dir(folder.path().join("adr")).unwrap();
    let said = run_in(folder.path(), &["adr", "new", "recording", "--out", "adr/0007.md"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "adr/0007.md\n"), "{said:?}");
    folder
}

fn verify(folder: &Path, more: &[&str]) -> Said {
    run_in(folder, &[&["adr", "verify", "adr/0007.md"], more].concat())
}

fn edit(folder: &Path, edit: impl Fn(&str) -> String) {
    let path = folder.join("adr/0007.md");
    let text = fs::read_to_string(&path).unwrap();
    let changed = edit(&text);
    assert_ne!(changed, text, "nothing was changed");
    fs::write(path, changed).unwrap();
}

fn refused(said: &Said, code: i32, says: &[&str]) {
    assert_eq!(said.code, Some(code), "{said:?}");
    for words in says {
        assert!(said.stderr.contains(words), "{words:?} is not said in:\n{}", said.stderr);
    }
    assert!(!said.stderr.contains("panicked"), "{said:?}");
}

#[test]
fn a_record_is_written_once_and_verifies_from_anywhere() {
    let folder = written();
    let said = verify(folder.path(), &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("lines of evidence are what the data give"), "{said:?}");
    let below = run_in(&folder.path().join("adr"), &["adr", "verify", "0007.md", "--json"]);
    assert_eq!(below.code, Some(0), "{below:?}");
    let json: serde_json::Value = serde_json::from_str(&below.stdout).unwrap();
    assert_eq!((&json[0]["holds"], &json[0]["drift"]), (&true.into(), &serde_json::json!([])));
    let again = run_in(folder.path(), &["adr", "new", "recording", "--out", "adr/0007.md"]);
    refused(&again, 2, &["adr/0007.md is already there: nothing was written", "help:"]);
}

#[test]
fn altered_numbers_are_found() {
    let folder = written();
    edit(folder.path(), |text| {
        text.replacen("a million requests cost USD 0.00", "a million requests cost USD 0.09", 1)
    });
    let said = verify(folder.path(), &[]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(
        said.stdout.contains("the record says: * ") && said.stdout.contains("the data give:   * "),
        "{said:?}"
    );
    assert!(said.stdout.contains("USD 0.09"), "{said:?}");
}

#[test]
fn data_that_are_too_old_fail() {
    let folder = written();
    // The synthetic run lies ahead of some clocks and behind others: a clock far behind makes any data too young, so
    // only the direction that a limit of zero days gives is tested, on a recording that is at least a day old.
    let said = verify(folder.path(), &["--json", "--max-age-days", "36500"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let json: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let age = json[0]["age_days"].as_i64().unwrap();
    if age > 0 {
        let said = verify(folder.path(), &["--max-age-days", "0"]);
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.stdout.contains("days old, at most 0 are allowed"), "{said:?}");
    }
}

#[test]
fn a_record_without_evidence_or_recording_is_refused() {
    let folder = written();
    refused(&run_in(folder.path(), &["adr", "verify", "none.md"]), 2, &["none.md cannot be read", "help:"]);
    fs::write(folder.path().join("plain.md"), "# Nothing\n").unwrap();
    refused(
        &run_in(folder.path(), &["adr", "verify", "plain.md"]),
        2,
        &["plain.md:1: the file holds no evidence", "help: authbench adr new"],
    );
    fs::rename(folder.path().join("recording"), folder.path().join("moved")).unwrap();
    refused(&verify(folder.path(), &[]), 2, &["its recording is not at adr/../recording", "--recording DIR"]);
    assert_eq!(verify(folder.path(), &["--recording", "moved"]).code, Some(0));
    edit(folder.path(), |text| text.replacen(" end -->", " over -->", 1));
    refused(&verify(folder.path(), &[]), 2, &["not with begin or end"]);
}

#[test]
fn a_recording_that_was_changed_is_refused() {
    let folder = written();
    let blocks = folder.path().join("recording/blocks.jsonl");
    let text = fs::read_to_string(&blocks).unwrap();
    fs::write(&blocks, text.replacen("\"cpu_ns\":1", "\"cpu_ns\":2", 1)).unwrap();
    refused(&verify(folder.path(), &[]), 4, &["blocks.jsonl: was changed after it was recorded", "help:"]);
    // Nor with the manifest taken away: then the chain of blocks is broken.
    fs::remove_file(folder.path().join("recording/manifest.json")).unwrap();
    refused(&verify(folder.path(), &[]), 4, &["does not follow from the line before"]);
}

#[test]
fn void_recordings_support_nothing() {
    for (shape, says) in [
        (Shape { interrupted: true, ..SHORT }, "interrupted"),
        (Shape { broken_twin: true, ..SHORT }, "unreliable"),
    ] {
        let folder = folder(shape);
        refused(&run_in(folder.path(), &["adr", "new", "recording", "--out", "a.md"]), 4, &[says, "help:"]);
        assert!(!folder.path().join("a.md").exists());
        refused(&run_in(folder.path(), &["reproduce", "recording"]), 4, &[says, "help:"]);
        assert!(!folder.path().join("authbench-reports").exists(), "nothing was measured");
    }
}

#[test]
fn a_recording_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let advise = ["advise", "nowhere", "--logins", "1", "--rate", "1", "--tolerate", "1s"];
    for arguments in [&advise[..], &["adr", "new", "nowhere"], &["reproduce", "nowhere"]] {
        refused(&run_in(folder.path(), arguments), 2, &["nowhere"]);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was written");
}

#[test]
fn what_has_changed_since_is_not_reproduced() {
    let folder = folder(SHORT);
    let said = run_in(folder.path(), &["reproduce", "recording/blocks.jsonl"]);
    refused(&said, 2, &["not what was measured then", "backend `session-redis` has changed", "--anyway"]);
}

#[test]
fn advice_in_words_and_as_json() {
    let folder = folder(SHORT);
    let ask = |more: &[&str]| {
        let wish = [
            "advise",
            "recording",
            "--logins",
            "200_000",
            "--rate",
            "3000",
            "--replicas",
            "6",
            "--tolerate",
            "60s",
        ];
        run_in(folder.path(), &[&wish[..], more].concat())
    };
    let said = ask(&[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for words in [
        "200,000 logins, 3,000 requests/s, 6 replicas",
        "✗ jwt-stateless: does not meet it",
        "a month",
        "extended in proportion",
        "Not known from this recording:",
        "? session-redis: meets it as far as is known",
    ] {
        assert!(said.stdout.contains(words), "{words:?} is not in:\n{}", said.stdout);
    }
    let json: serde_json::Value = serde_json::from_str(&ask(&["--json"]).stdout).unwrap();
    assert_eq!(json["wish"]["logins"], 200_000.0);
    assert!(json["designs"].as_array().unwrap().len() > 5);
    refused(&ask(&["--scenario", "stedy"]), 2, &["`stedy` was not measured", "help: measured: steady"]);
    refused(&ask(&["--prices", "cheap"]), 2, &["cheap: no such file, and no built-in price sheet", "help:"]);
    fs::write(
        folder.path().join("p.toml"),
        "name = 'x'\nsummary = 'x'\n[prices.app_vcpu_hour]\nprice = 1\ncurrency = 'USD'\nsource = 'x'\n",
    )
    .unwrap();
    refused(
        &ask(&["--prices", "p.toml"]),
        2,
        &["p.toml:3:", "missing key `prices.app_vcpu_hour.as_of`", "help: add"],
    );
    let zero = ["advise", "recording", "--logins", "1", "--rate", "0", "--tolerate", "1s"];
    refused(&run_in(folder.path(), &zero), 2, &["--rate", "0.001 or more"]);
}
