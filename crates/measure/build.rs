//! Tells the recording which compiler, profile and commit made this build.

use std::path::Path;
use std::process::Command;

fn main() {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let rustc = output(&variable("RUSTC"), &["--version"]);
    println!("cargo::rustc-env=AUTHBENCH_RUSTC={rustc}");
    println!("cargo::rustc-env=AUTHBENCH_TARGET={}", variable("TARGET"));
    let profile = format!("{}, opt-level {}", variable("PROFILE"), variable("OPT_LEVEL"));
    println!("cargo::rustc-env=AUTHBENCH_PROFILE={profile}");
    // Outside a checkout there is no commit, and nothing to watch.
    println!("cargo::rustc-env=AUTHBENCH_COMMIT={}", output("git", &["rev-parse", "HEAD"]));
    println!("cargo::rerun-if-changed=build.rs");
    let head = output("git", &["rev-parse", "--absolute-git-dir"]);
    let log = Path::new(&head).join("logs/HEAD");
    if !head.is_empty() && log.exists() {
        println!("cargo::rerun-if-changed={}", log.display());
    }
}

/// First line of what a program prints; empty when it fails.
fn output(program: &str, arguments: &[&str]) -> String {
    let run = Command::new(program).args(arguments).output();
    let text = run.ok().filter(|run| run.status.success()).map(|run| run.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
}
