//! The job summary: a sentence, a table, and what it rests on, in Markdown.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use report::number::{percent, ratio};
use report::verdict::{Unranked, Verdict};

use super::{Finding, Gate};
use crate::error::Failure;
use crate::exit::Exit;

/// Bytes at most: a job summary may hold 1 MiB in all, and other steps write one as well.
const MOST_BYTES: usize = 60_000;

pub(super) fn markdown(gate: &Gate) -> String {
    let mut text = format!("### authbench: head against base\n\n{}\n\n", headline(gate));
    text.push_str("| scenario | backend | metric | head / base | verdict |\n|---|---|---|---|---|\n");
    for (at, finding) in gate.findings.iter().enumerate() {
        if text.len() > MOST_BYTES / 2 {
            text.push_str(&format!("\n{} more rows are in the JSON.\n", gate.findings.len() - at));
            break;
        }
        text.push_str(&line(finding));
    }
    text.push('\n');
    let marked = |mark: &str, sentences: &[String]| -> String {
        sentences.iter().map(|sentence| format!("{mark}{}\n", cell(sentence))).collect()
    };
    text.push_str(&marked("- **wrong answers:** ", &gate.wrong));
    text.push_str(&marked("- **void:** ", &gate.void));
    text.push_str(&marked("- ", &gate.notes));
    let folders: Vec<String> = gate.folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
    text.push_str(&format!(
        "- margin ±{}; below 1.000 head is cheaper or faster. {}: {}\n",
        percent(gate.margin),
        if gate.kind == "builds" { "Recording and report" } else { "Recordings" },
        folders.join(", ")
    ));
    while text.len() > MOST_BYTES {
        text.pop();
    }
    text
}

fn headline(gate: &Gate) -> String {
    let slower: Vec<&Finding> =
        gate.findings.iter().filter(|found| found.verdict == Verdict::Slower && found.material).collect();
    match gate.exit() {
        Exit::Violated if slower.is_empty() => "**Wrong answers.**".to_owned(),
        Exit::Violated => {
            let said: Vec<String> = slower.iter().map(|found| said(found)).collect();
            format!("**Head is slower by more than {}: {}.**", percent(gate.margin), said.join("; "))
        }
        Exit::Void => {
            "**Nothing is claimed: the measurement is void, unreliable or was interrupted.**".to_owned()
        }
        _ => format!("Head is not shown to be slower by more than {}.", percent(gate.margin)),
    }
}

fn said(found: &Finding) -> String {
    format!("{} in {}, {} {}", found.backend, found.scenario, found.metric.label(), figure(found))
}

fn line(found: &Finding) -> String {
    let material = if found.material { ", by more than the margin" } else { "" };
    let more = match (found.verdict, found.unranked, found.resolvable) {
        (Verdict::Unranked, Some(why), _) => format!(": {}", Unranked::label(why)),
        (Verdict::Inconclusive, _, Some(share)) => format!(" (could have shown {})", percent(share)),
        _ => String::new(),
    };
    format!(
        "| {} | {} | {} | {} | {} {}{material}{more} |\n",
        cell(&found.scenario),
        cell(&found.backend),
        found.metric.label(),
        figure(found),
        found.verdict.glyph(),
        found.verdict.label_on(found.metric),
    )
}

fn figure(found: &Finding) -> String {
    match found.ratio.map(|figure| (figure.value, figure.interval())) {
        Some((value, Some((low, high)))) => format!("{} [{low:.3}, {high:.3}]", ratio(value)),
        Some((value, None)) => ratio(value),
        None => "–".to_owned(),
    }
}

/// Text that cannot end a cell, a line or a code span, or begin a tag.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r', '`'], " ")
}

/// Appends the summary, as a job summary is meant to be written.
pub(super) fn append(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes());
    write().map_err(|e| {
        Failure::tool(format!("the summary cannot be written to {}", path.display()))
            .because(&e)
            .hint("name another file: --summary FILE")
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{finding, gate};
    use super::*;

    #[test]
    fn it_leads_with_what_came_out() {
        let slower = markdown(&gate(vec![finding(Verdict::Slower, true)]));
        assert!(slower.contains("**Head is slower by more than 10 %: session-redis in steady"), "{slower}");
        assert!(
            slower.contains("1.123× [1.050, 1.200]") && slower.contains("dearer, by more than"),
            "{slower}"
        );
        let fine = markdown(&gate(vec![finding(Verdict::Inconclusive, false)]));
        assert!(
            fine.contains("Head is not shown to be slower") && fine.contains("(could have shown 8"),
            "{fine}"
        );
        let void = markdown(&gate(vec![finding(Verdict::Unranked, false)]));
        assert!(void.contains("**Nothing is claimed") && void.contains("unranked: too few rounds"), "{void}");
    }

    #[test]
    fn it_stays_a_table_and_small_whatever_the_names_are() {
        let odd = Finding { backend: "a|b\n<script>`".into(), ..finding(Verdict::Slower, false) };
        let text = markdown(&gate(vec![odd; 2000]));
        assert!(text.len() <= MOST_BYTES && text.contains("more rows"), "{}", text.len());
        assert!(text.contains("| a\\|b &lt;script>  |") && !text.contains("<script"));
    }

    #[test]
    fn it_is_appended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.md");
        append(&path, "a\n").unwrap();
        append(&path, "b\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\n");
        assert!(append(&folder.path().join("no/such/folder.md"), "a").is_err());
    }
}
