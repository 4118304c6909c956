//! The rules of the repository, as tests: `cargo test` is the only gate.

#![expect(clippy::expect_used, reason = "helpers of tests may fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::MetadataCommand;
use report::claims::Claim;
use report::prices::PriceSheet;
use scenario::builtin::Shelf;
use scenario::{BackendFile, FileError, Scenario};

/// Which crate of the workspace may use which (README of `crates/`). `authbench` and `benches` may use all.
const EDGES: &[(&str, &[&str])] = &[
    ("scenario", &[]),
    ("auth", &[]),
    ("stats", &[]),
    ("conformance", &[]),
    ("server", &["scenario", "auth"]),
    ("loadgen", &["scenario", "stats"]),
    ("measure", &["scenario", "stats", "loadgen"]),
    ("report", &["stats", "measure"]),
];
const MAY_USE_ALL: &[&str] = &["authbench", "benches"];

const VISIBLE: &[&str] =
    &["Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "benches", "crates", "reports", "scenarios"];

/// Lines of a source file before its tests.
const MAX_LINES: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace exists")
}

/// Every file of the repository that is written by hand, relative to the root.
fn files() -> Vec<PathBuf> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let relative = path.strip_prefix(root).expect("below the root").to_path_buf();
            let generated = [".git", "target", "authbench-reports", "reports/local"].map(Path::new);
            if generated.contains(&relative.as_path()) || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.push(relative);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &root(), &mut found);
    assert!(found.len() > 20, "only {} files found: the walk is broken", found.len());
    found.sort();
    found
}

fn with_extension(extension: &str) -> Vec<(PathBuf, String)> {
    let wanted: Vec<_> = files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| {
            let text = fs::read_to_string(root().join(&path)).expect("a text file");
            (path, text)
        })
        .collect();
    assert!(!wanted.is_empty(), "no .{extension} file found");
    wanted
}

fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn crates_use_each_other_only_along_the_map() {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .expect("cargo metadata");
    let members: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let edges: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let mut problems = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        if ["core", "common", "utils", "types"].contains(&name) {
            problems.push(format!("a crate called {name} says nothing about what it hides"));
        }
        if MAY_USE_ALL.contains(&name) {
            continue;
        }
        let Some(allowed) = edges.get(name) else {
            problems.push(format!("crate {name} is not on the map: add it to EDGES and to crates/README.md"));
            continue;
        };
        for dependency in &package.dependencies {
            let used = dependency.name.as_str();
            if members.contains(used) && !allowed.contains(&used) {
                problems.push(format!("{name} must not use {used} ({:?} dependency)", dependency.kind));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn manifests_inherit_the_lints_and_leave_benches_to_the_bench_package() {
    let mut problems = Vec::new();
    for (path, text) in with_extension("toml").iter().filter(|(path, _)| path.ends_with("Cargo.toml")) {
        let manifest: toml::Table = toml::from_str(text).expect("a manifest");
        if !manifest.contains_key("package") {
            continue;
        }
        let flag = |table: &str, key: &str| {
            manifest.get(table).and_then(|table| table.get(key)).and_then(toml::Value::as_bool)
        };
        if flag("lints", "workspace") != Some(true) {
            problems.push(format!("{}: [lints] workspace = true is missing", path.display()));
        }
        let folder = root().join(path.parent().expect("a folder"));
        if (folder.join("src/lib.rs").exists() || manifest.contains_key("lib"))
            && flag("lib", "bench") != Some(false)
        {
            problems.push(format!("{}: [lib] bench = false is missing", path.display()));
        }
    }
    assert_none(&problems);
}

#[test]
fn every_source_file_says_what_it_is() {
    let problems: Vec<_> = with_extension("rs")
        .iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| format!("{}: begins without a module doc", path.display()))
        .collect();
    assert_none(&problems);
}

#[test]
fn source_files_are_short_and_not_named_mod() {
    let mut problems = Vec::new();
    for (path, text) in with_extension("rs") {
        let tests = path.components().any(|part| part.as_os_str() == "tests");
        let lines = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default().lines().count();
        if lines > MAX_LINES && !tests {
            problems.push(format!("{}: {lines} lines before its tests, at most {MAX_LINES}", path.display()));
        }
        if path.ends_with("mod.rs") && !tests {
            problems.push(format!("{}: write foo.rs beside foo/", path.display()));
        }
    }
    assert_none(&problems);
}

#[test]
fn nothing_is_promised_in_passing() {
    // Put together from halves, so that this file does not contain what it forbids.
    let exact = join(&[
        ("TO", "DO"),
        ("FIX", "ME"),
        ("XX", "X"),
        ("to", "do!"),
        ("unimple", "mented!"),
        ("/wo", "rk/"),
    ]);
    let any_case = join(&[("place", "holder"), ("for ", "now"), ("st", "ub"), ("crates", ".io")]);
    let mut problems = Vec::new();
    for extension in ["rs", "toml", "md", "yml"] {
        for (path, text) in with_extension(extension) {
            for (number, line) in text.lines().enumerate() {
                let lower = line.to_lowercase();
                let exact = exact.iter().filter(|word| contains_word(line, word));
                for word in exact.chain(any_case.iter().filter(|word| contains_word(&lower, word))) {
                    problems.push(format!("{}:{}: “{word}”", path.display(), number + 1));
                }
            }
        }
    }
    assert_none(&problems);
}

fn join(halves: &[(&str, &str)]) -> Vec<String> {
    halves.iter().map(|(first, second)| format!("{first}{second}")).collect()
}

fn contains_word(line: &str, word: &str) -> bool {
    let part_of_a_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let open_end = word.ends_with(['/', '!']);
        !part_of_a_word(line[..at].chars().next_back())
            && (open_end || !part_of_a_word(line[at + word.len()..].chars().next()))
    })
}

#[test]
fn every_shipped_file_can_be_used_and_is_compiled_in() {
    let shipped: Vec<_> =
        with_extension("toml").into_iter().filter(|(path, _)| path.starts_with("scenarios")).collect();
    let mut problems = Vec::new();
    for (path, text) in &shipped {
        let below = path.strip_prefix("scenarios").expect("below scenarios");
        let result = match below.parent().and_then(Path::to_str) {
            Some("") => Scenario::parse(path, text).map(drop).map_err(say),
            Some("backends") => {
                BackendFile::parse(path, text).and_then(|_| mechanism(path, text)).map_err(say)
            }
            Some("plans") if Shelf::Faults.all().iter().any(|one| Path::new(one.path) == below) => {
                measure::faults::FaultPlan::parse(path, text).map(drop).map_err(say)
            }
            Some("plans") => {
                measure::Plan::parse(path, text).and_then(|plan| names_exist(&plan)).map_err(say)
            }
            Some("drills") => measure::drill::DrillPlan::parse(path, text).map(drop).map_err(say),
            Some("claims") => Claim::parse(&path.display().to_string(), text)
                .map_err(|error| error.to_string())
                .and_then(|claim| claim_names_exist(path, &claim)),
            Some("prices") => PriceSheet::parse(path, text).map(drop).map_err(|error| error.to_string()),
            _ => panic!("{}: no rule says what this file is", path.display()),
        };
        problems.extend(result.err());
        let shelves = [
            Shelf::Scenarios,
            Shelf::Backends,
            Shelf::Plans,
            Shelf::Faults,
            Shelf::Drills,
            Shelf::Claims,
            Shelf::Prices,
        ];
        if !shelves.into_iter().flat_map(Shelf::all).any(|built_in| Path::new(built_in.path) == below) {
            problems.push(format!("{}: not in scenario/src/builtin.rs", path.display()));
        }
    }
    assert_none(&problems);
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn say(error: FileError) -> String {
    error.to_string()
}

fn claim_names_exist(path: &Path, claim: &Claim) -> Result<(), String> {
    for (scenario, rows) in claim.names() {
        // A claim about a scenario that is not there yet waits for it; its rows then come with it.
        if Shelf::Scenarios.find(scenario).is_none() {
            continue;
        }
        for row in rows {
            let backend = row.split('.').next().unwrap_or(row);
            Shelf::Backends.resolve(backend).map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    Ok(())
}

fn mechanism(path: &Path, text: &str) -> Result<(), FileError> {
    auth::Mechanism::parse(text)
        .map(drop)
        .map_err(|e| scenario::file::locate(path, text, &e.key, e.span, e.message, e.hint))
}

fn names_exist(plan: &measure::Plan) -> Result<(), FileError> {
    for name in &plan.backends {
        Shelf::Backends.resolve(name)?;
    }
    for name in plan.paired.iter().map(|paired| &paired.scenario).chain(&plan.episodes) {
        Scenario::open(name)?;
    }
    Ok(())
}

#[test]
fn the_visible_top_level_stays_small() {
    let tracked = Command::new("git").arg("-C").arg(root()).arg("ls-files").output();
    let names: BTreeSet<String> = match tracked {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout)
            .expect("paths in UTF-8")
            .lines()
            .filter_map(|path| path.split('/').next())
            .map(str::to_owned)
            .collect(),
        // An unpacked archive has no index: what lies there is what is shipped.
        _ => files().iter().filter_map(|path| path.iter().next()?.to_str().map(str::to_owned)).collect(),
    };
    let extra: Vec<_> = names
        .iter()
        .filter(|name| !name.starts_with('.') && !VISIBLE.contains(&name.as_str()))
        .map(|name| format!("{name} at the top level: configuration belongs in a dotfile"))
        .collect();
    assert_none(&extra);
}

#[test]
fn links_in_the_documentation_lead_somewhere() {
    let mut problems = Vec::new();
    for (path, text) in with_extension("md") {
        let anchors = anchors(&text);
        for target in links(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let folder = root().join(&path).parent().expect("a folder").to_path_buf();
            if !file.is_empty() && !folder.join(file).exists() {
                problems.push(format!("{}: no such file: {target}", path.display()));
            }
            if file.is_empty() && !anchors.contains(anchor) {
                problems.push(format!("{}: no such heading: {target}", path.display()));
            }
        }
    }
    assert_none(&problems);
}

/// Targets of `[text](target)`, `src="target"` and `href="target"`, code left out.
fn links(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(markdown) {
        for (open, close) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"')] {
            for (at, _) in line.match_indices(open) {
                let rest = &line[at + open.len()..];
                if let Some(end) = rest.find(close) {
                    found.push(rest[..end].split(' ').next().unwrap_or_default().to_owned());
                }
            }
        }
    }
    found
}

/// The anchors that headings get on the usual forges.
fn anchors(markdown: &str) -> BTreeSet<String> {
    prose(markdown)
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

fn prose(markdown: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    markdown.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}
