//! A disk that fills up during a run: what is said, and what stays readable.

use std::fs;
use std::path::Path;
use std::process::Command;

use measure::Recording;
use serde_json::Value;

use crate::support::{Said, authbench, run_in};
use crate::tiny;

/// Runs the command within a shell script, in which it is `"$0"`.
fn run_within(folder: &Path, wrapper: &[&str], script: &str) -> Said {
    fs::write(folder.join("tiny.toml"), tiny::SCENARIO).unwrap();
    // So many rounds that nothing but the disk ends the run.
    fs::write(folder.join("plan.toml"), tiny::plan("tiny.toml", &["none", "session-memory"], 9000)).unwrap();
    let shell = [wrapper, &["sh", "-c", script]].concat();
    let output = Command::new(shell[0])
        .args(&shell[1..])
        .arg(authbench().get_program())
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .current_dir(folder)
        .output()
        .expect("a shell");
    Said {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn assert_kept(folder: &Path, out: &str, said: &Said, reason: &str) {
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("cannot be written") && said.stderr.contains(reason), "{said:?}");
    assert!(said.stderr.contains("help: make room") && said.stderr.contains("authbench report"), "{said:?}");
    let recording = Recording::open(&folder.join(out)).expect("a readable recording");
    assert!(recording.blocks.len() >= 4, "{} blocks", recording.blocks.len());
    // One of the two rows has response times of the last block as well.
    let histograms = recording.histograms().expect("readable histograms");
    for block in &recording.blocks {
        assert!(histograms.iter().any(|line| line.sequence == block.sequence), "{}", block.sequence);
    }
    for entry in fs::read_dir(folder.join(out)).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read(&path).unwrap();
        assert!(text.is_empty() || text.ends_with(b"\n"), "{} ends within a line", path.display());
    }
    let again = run_in(folder, &["report", out, "--format", "json"]);
    assert_eq!(again.code, Some(4), "{again:?}");
    let report: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(report["run"]["complete"], false);
    assert_eq!(report["run"]["blocks"], recording.blocks.len());
}

#[test]
fn a_limit_on_the_size_of_files_keeps_the_blocks_before_it() {
    let folder = tempfile::tempdir().unwrap();
    // Without its signal the limit is an error of the write, as a full disk is. In units of 512 bytes.
    let script = r#"trap "" XFSZ; ulimit -f 64; exec "$0" run plan.toml --out out"#;
    let said = run_within(folder.path(), &[], script);
    assert_kept(folder.path(), "out", &said, "File too large");
}

#[test]
fn a_full_disk_keeps_the_blocks_before_it() {
    let allowed = Command::new("unshare").args(["--map-root-user", "--mount", "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        // No small disk can be made here; the test above goes the same way.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mkdir small && mount -t tmpfs -o size=96k none small || exit 99
        "$0" run plan.toml --out small/out
        code=$?
        cp -r small/out kept && exit $code"#;
    let said = run_within(folder.path(), &["unshare", "--map-root-user", "--mount"], script);
    assert_kept(folder.path(), "kept", &said, "No space left on device");
}
