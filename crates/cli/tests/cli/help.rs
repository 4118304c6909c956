//! The help of every command, compared with a committed text: a change of the interface shows up as a change of a file.
//!
//! `UPDATE=1 cargo test -p authbench help` writes the file anew.

use std::fs;
use std::path::Path;

use measure::Plan;
use scenario::builtin::Shelf;

use crate::support::run_in;

const README: &str = include_str!("../../../../README.md");

fn help_of(command: &[&str]) -> String {
    let mut arguments = command.to_vec();
    arguments.push("--help");
    let said = run_in(Path::new("."), &arguments);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{command:?}");
    said.stdout
}

/// Names below the heading `Commands:`.
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // A description that is too long goes on in a deeper column.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

fn collect(path: &[&str], all: &mut Vec<(String, String)>) {
    let help = help_of(path);
    let names = commands(&help);
    all.push((format!("authbench {}", path.join(" ")).trim_end().to_owned(), help));
    for name in &names {
        let mut deeper = path.to_vec();
        deeper.push(name);
        collect(&deeper, all);
    }
}

#[test]
fn help_is_as_committed() {
    let mut all = Vec::new();
    collect(&[], &mut all);
    let text: String = all.iter().map(|(name, help)| format!("$ {name} --help\n{help}\n")).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/help.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).expect("the file can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    if let Some(line) = text.lines().zip(committed.lines()).position(|(now, then)| now != then) {
        let (now, then) = (text.lines().nth(line), committed.lines().nth(line));
        panic!("help.txt:{}: committed {then:?}, now {now:?}; UPDATE=1 writes it anew", line + 1);
    }
    assert_eq!(text, committed, "the help has changed in length; UPDATE=1 writes it anew");
}

#[test]
fn every_command_shows_an_example() {
    let mut all = Vec::new();
    collect(&[], &mut all);
    assert!(all.len() > 3, "no commands found in the help");
    for (name, help) in &all {
        let parent = all.iter().any(|(other, _)| other.starts_with(&format!("{name} ")));
        assert!(parent || help.contains(&format!("  {name}")), "{name} --help has no example:\n{help}");
    }
}

#[test]
fn the_readme_names_every_command_and_every_exit_code() {
    let help = help_of(&[]);
    for name in commands(&help) {
        let named = README.contains(&format!("authbench {name}")) || README.contains(&format!("`{name}`"));
        assert!(named, "README.md does not name `authbench {name}`");
    }
    let codes = help.lines().skip_while(|line| *line != "Exit codes:").skip(1);
    for code in codes.filter_map(|line| line.trim_start().split(' ').next()) {
        assert!(README.contains(&format!("\n| {code} | ")), "README.md does not explain exit code {code}");
    }
}

#[test]
fn the_readme_shows_what_is_measured_by_default_and_counts_the_rest() {
    let found = Shelf::Plans.resolve("quick").unwrap();
    let plan = Plan::parse(&found.path, &found.text).unwrap();
    for name in &plan.backends {
        assert!(README.contains(&format!("\n| `{name}` | ")), "README.md has no line for {name}");
    }
    assert_eq!(plan.backends.len(), 8, "README.md says eight");
    let more = Shelf::Backends.all().len() - plan.backends.len();
    assert!(README.contains(&format!("Another {more} are built in")), "README.md does not say {more} more");
}
