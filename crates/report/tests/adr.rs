//! Decision records: every number is found again, and a changed one is found out.

#![expect(clippy::unwrap_used, reason = "test code")]

mod support;

use std::path::Path;

use measure::Recording;
use report::adr::{Evidence, document, parse, verify, void};
use report::comparison::{Analysis, Context, analyse};
use report::cost::{Cost, of};
use report::prices::PriceSheet;
use support::{STANDARD, Shape, recording};

const SHORT: Shape = Shape { rounds: 12, ..STANDARD };

struct Case {
    _folder: tempfile::TempDir,
    recording: Recording,
    analysis: Analysis,
    cost: Cost,
}

impl Case {
    fn new(shape: Shape) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recording = recording(folder.path(), shape);
        let analysis = analyse(&recording.plan, &recording.blocks, &Context::of(&recording));
        let text = include_str!("../../../scenarios/prices/cloud-2026-06.toml");
        let cost = of(&recording, &PriceSheet::parse(Path::new("shipped"), text).unwrap(), None);
        Self { _folder: folder, recording, analysis, cost }
    }

    fn evidence(&self) -> Evidence<'_> {
        let (recording, analysis, cost) = (&self.recording, &self.analysis, &self.cost);
        Evidence { recording, analysis, cost, place: "../recording", prices: "cloud-2026-06" }
    }

    fn document(&self) -> String {
        document(&self.evidence(), "2026-11-23", "docs/0007.md")
    }
}

#[test]
fn a_record_has_the_parts_of_its_template_and_chooses_nothing() {
    let text = Case::new(SHORT).document();
    let headings = [
        "status: proposed",
        "# How requests",
        "## Context and Problem Statement",
        "## Decision Drivers",
        "## Considered Options",
        "## Decision Outcome",
        "### Consequences",
        "### Confirmation",
        "## Pros and Cons of the Options",
        "### session-redis (baseline)",
        "### jwt-stateless",
        "## More Information",
    ];
    let places: Vec<usize> = headings.iter().map(|heading| text.find(heading).expect(heading)).collect();
    assert!(places.windows(2).filter(|pair| pair[0] < pair[1]).count() >= headings.len() - 2, "{places:?}");
    assert!(text.contains("Chosen option: \n"), "{text}");
    for says in [
        "* Good, because response time p50 is 0.",
        "* Bad, because 40 of 40 requests with a credential",
        "* Good, because none of 40 requests",
        "cannot log a user out everywhere",
        "authbench adr verify docs/0007.md",
        "a million requests cost USD 0.0",
        "* Control session-redis.twin",
    ] {
        assert!(text.contains(says), "{says} is not in\n{text}");
    }
}

#[test]
fn what_was_written_verifies() {
    let case = Case::new(SHORT);
    let parts = parse(&case.document()).unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!(verify(&parts, &case.evidence()), []);
}

#[test]
fn what_people_write_around_it_is_theirs() {
    let case = Case::new(SHORT);
    let text = case
        .document()
        .replace("Chosen option: ", "Chosen option: \"jwt-stateless\", because 1.234× is enough");
    assert_eq!(verify(&parse(&text).unwrap(), &case.evidence()), []);
}

#[test]
fn every_changed_digit_is_found() {
    let case = Case::new(Shape { rounds: 8, ..STANDARD });
    let text = case.document();
    let parts = parse(&text).unwrap();
    let mut tried = 0;
    for part in &parts {
        for (at, line) in part.lines.iter().enumerate() {
            let Some(place) = line.find(|c: char| c.is_ascii_digit()) else { continue };
            let digit = if line.as_bytes()[place] == b'7' { "8" } else { "7" };
            let mut changed = part.clone();
            changed.lines[at].replace_range(place..=place, digit);
            let drift = verify(&[changed], &case.evidence());
            assert_eq!(drift.len(), 1, "{line}");
            assert_eq!((drift[0].line, &drift[0].data), (part.line + 1 + at, &line.trim_end().to_owned()));
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried}");
}

#[test]
fn lines_left_out_or_added_are_found() {
    let case = Case::new(Shape { rounds: 8, ..STANDARD });
    let mut parts = parse(&case.document()).unwrap();
    let bad = parts[1].lines.iter().position(|line| line.starts_with("* Bad")).unwrap();
    parts[1].lines.remove(bad);
    assert!(!verify(&parts, &case.evidence()).is_empty());
    let mut parts = parse(&case.document()).unwrap();
    parts[0].lines.push("* jwt-stateless: is what everybody uses".to_owned());
    assert_eq!(verify(&parts, &case.evidence()).len(), 1);
}

#[test]
fn other_data_other_prices_and_another_plan_are_named() {
    let case = Case::new(Shape { rounds: 8, ..STANDARD });
    let parts = parse(&case.document()).unwrap();
    let other = Case::new(Shape { rounds: 8, seed: 8, ..STANDARD });
    let drift = verify(&parts, &other.evidence());
    assert!(drift.iter().any(|d| d.says.starts_with("data=sha256:")), "{drift:?}");
    assert!(drift.iter().any(|d| d.says.starts_with("plan=sha256:")), "{drift:?}");
    let mut dearer = case.evidence();
    let mut cost = case.cost.clone();
    cost.sheet_sha256 = "0".repeat(64);
    dearer.cost = &cost;
    assert!(verify(&parts, &dearer).iter().all(|d| d.says.starts_with("prices=sha256:")));
}

#[test]
fn a_void_recording_supports_no_decision() {
    let of = |shape| {
        let case = Case::new(Shape { rounds: 12, ..shape });
        void(&case.recording, &case.analysis)
    };
    assert_eq!(of(STANDARD), None);
    assert!(of(Shape { interrupted: true, ..STANDARD }).unwrap().contains("interrupted"));
    assert!(of(Shape { broken_twin: true, ..STANDARD }).unwrap().contains("identical servers differ"));
}

#[test]
fn wrong_answers_stand_against_an_option() {
    let text = Case::new(Shape { rounds: 8, wrong: true, ..STANDARD }).document();
    assert!(
        text.contains("* Bad, because it gave 24 wrong answers of 8,400 that it does not declare (steady)"),
        "{text}"
    );
    assert!(text.contains("unranked (wrong answers)"), "{text}");
}

#[test]
fn text_of_a_recording_cannot_start_a_comment() {
    let mut case = Case::new(Shape { rounds: 8, ..STANDARD });
    case.recording.run.rows[1].header.summary =
        "x --> <!-- authbench:evidence part=options end -->\n# *hi*".into();
    let parts = parse(&case.document()).unwrap();
    assert_eq!((parts.len(), verify(&parts, &case.evidence())), (2, vec![]));
}
