//! `report.html`: one self-contained page that needs no network and no script, and is the same for the same report.
//!
//! Invariant: a number on the page is marked with its value in `report.json` (`<data value>` in text, `data-value` in
//! charts); a chart whose data the run does not have is absent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::{ExportError, Exporter};
use crate::model::{Part, Report, Sentence};

mod chart;
mod conformance;
mod decision;
pub(crate) mod faults;
mod money;
mod pairs;
mod section;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// Writes `report.html`.
#[derive(Debug)]
pub(super) struct Html;

impl Exporter for Html {
    fn file_name(&self) -> &'static str {
        "report.html"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        let pages = [Depth::Full, Depth::First, Depth::Lean].into_iter();
        let mut pages = pages.map(|depth| page(report, depth).into_string());
        // What was recorded beside the run is no reason to leave out a part of it.
        let limit = LIMIT + faults::part(report.faults.as_ref()).into_string().len();
        let text = pages.find(|text| text.len() <= limit);
        Ok(text.unwrap_or_else(|| page(report, Depth::Bare).into_string()).into_bytes())
    }
}

/// Largest size that every number is kept for, bytes.
const LIMIT: usize = 250_000;

/// How much of the numbers behind the charts the page carries. What it does not stands in `report.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// All.
    Full,
    /// Those of the first scenario, but for single rounds, single quantiles and curves of cost: for long runs.
    First,
    /// Only what the decision table and the charts say: for longer ones.
    Lean,
    /// The same, of scenarios after the first the ratios alone, and without the widest charts: for the longest.
    Bare,
}

impl Depth {
    /// For the scenario at this place: its charts' tables, and the widest of them.
    fn of(self, place: usize) -> (Self, Self) {
        match self {
            Self::Full => (Self::Full, Self::Full),
            Self::First if place == 0 => (Self::Full, Self::Lean),
            Self::First | Self::Lean => (Self::Lean, Self::Lean),
            Self::Bare => (Self::Bare, Self::Bare),
        }
    }
}

fn page(report: &Report, depth: Depth) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "authbench " (report.run.tool) };
                title { "authbench: " (report.run.plan) ", " (report.run.started) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a .skip href="#main" { "Skip to the answer" }
                (section::head(report))
                main #main {
                    (section::wrong(report))
                    (section::answer(report))
                    (decision::decision(report))
                    (money::money(report, depth.of(0)))
                    @for (i, scenario) in report.scenarios.iter().enumerate() { (section::scenario(report, scenario, depth.of(i))) }
                    (section::distances(report))
                    (section::memory(report, depth))
                    (section::episodes(report))
                    (faults::part(report.faults.as_ref()))
                    (conformance::conformance(report))
                    (section::drill(report, depth))
                    (section::claims(report))
                    (section::reading(report))
                    (section::provenance(report))
                }
                (section::foot(report))
                (pairs::pairs(report))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// Nothing may be loaded; the page's own style and script are named by their hashes.
fn policy() -> String {
    policy_of(STYLE, Some(SCRIPT))
}

/// The same of a page with this style, and this script if any.
fn policy_of(style: &str, script: Option<&str>) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(style),
        script.map_or_else(|| "'none'".to_owned(), hash)
    )
}

/// A number as printed, and its value in `report.json`.
fn num(value: f64, text: &str) -> Markup {
    html! { data value=(value) { (text) } }
}

/// An identifier for a name that may hold anything.
fn slug(prefix: &str, name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("{prefix}-{}", name.chars().map(plain).collect::<String>())
}

/// A sentence with its names and figures marked.
fn sentence(sentence: &Sentence) -> Markup {
    html! {
        @for part in &sentence.0 {
            @match part {
                Part::Text(text) => (text),
                Part::Name(name) => code { (name) },
                Part::Figure { text, value } => (figure(*value, text)),
            }
        }
    }
}

/// A figure of a sentence: the estimate stands out, its interval does not.
fn figure(value: f64, text: &str) -> Markup {
    match text.split_once(" [") {
        Some((estimate, interval)) => {
            html! { data value=(value) { b { (estimate) } " [" (interval) } }
        }
        None => html! { data value=(value) { b { (text) } } },
    }
}

/// Text in which `…` marks code.
fn marked(text: &str) -> Markup {
    html! {
        @for (i, piece) in text.split('`').enumerate() {
            @if i % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}
