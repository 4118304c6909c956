//! `authbench list`: what is built in.

use scenario::builtin::Shelf;
use scenario::{BackendFile, Scenario};
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;

const EXAMPLE: &str = "Examples:
  authbench list
  authbench list --json | jq -r '.backends[].name'

`authbench init` writes the files out, to be read and changed.";

/// List the built-in backends, scenarios, plans, fault plans, drills, claims and price sheets
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Listing {
    backends: Vec<Entry>,
    scenarios: Vec<Entry>,
    plans: Vec<Entry>,
    faults: Vec<Entry>,
    drills: Vec<Entry>,
    claims: Vec<Entry>,
    prices: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    name: &'static str,
    summary: String,
}

pub(crate) fn run(args: &ListArgs, output: &mut Output) -> Result<Exit, Failure> {
    let listing = Listing {
        backends: backends()?,
        scenarios: scenarios()?,
        plans: plans()?,
        faults: faults()?,
        drills: drills()?,
        claims: claims()?,
        prices: prices()?,
    };
    if args.json {
        output.json(&listing)?;
        return Ok(Exit::Good);
    }
    let sections = [
        ("Backends", &listing.backends),
        ("Scenarios", &listing.scenarios),
        ("Plans", &listing.plans),
        ("Fault plans", &listing.faults),
        ("Drills", &listing.drills),
        ("Claims", &listing.claims),
        ("Price sheets", &listing.prices),
    ];
    let width =
        sections.iter().flat_map(|(_, entries)| *entries).map(|entry| entry.name.len()).max().unwrap_or(0);
    for (at, (title, entries)) in sections.iter().enumerate() {
        if at > 0 {
            output.line("")?;
        }
        output.line(&format!("{title}:"))?;
        for entry in *entries {
            output.line(&format!("  {:width$}  {}", entry.name, entry.summary))?;
        }
    }
    Ok(Exit::Good)
}

fn backends() -> Result<Vec<Entry>, Failure> {
    let parse = |file: &scenario::builtin::Builtin| {
        let found = file.found();
        let backend = BackendFile::parse(&found.path, &found.text)?;
        Ok(Entry { name: file.name, summary: backend.header.summary })
    };
    Shelf::Backends.all().iter().map(parse).collect()
}

fn scenarios() -> Result<Vec<Entry>, Failure> {
    let parse = |file: &scenario::builtin::Builtin| {
        let found = file.found();
        let scenario = Scenario::parse(&found.path, &found.text)?;
        Ok(Entry { name: file.name, summary: scenario.question })
    };
    Shelf::Scenarios.all().iter().map(parse).collect()
}

fn plans() -> Result<Vec<Entry>, Failure> {
    let parse = |file: &scenario::builtin::Builtin| {
        let found = file.found();
        let plan = measure::Plan::parse(&found.path, &found.text)?;
        let (paired, episodes) = (plan.paired.len(), plan.episodes.len());
        let summary = format!(
            "{} backends against {}, {paired} scenarios in paired rounds, {episodes} run once",
            plan.backends.len(),
            plan.baseline
        );
        Ok(Entry { name: file.name, summary })
    };
    Shelf::Plans.all().iter().map(parse).collect()
}

fn faults() -> Result<Vec<Entry>, Failure> {
    let parse = |file: &scenario::builtin::Builtin| {
        let found = file.found();
        let plan = measure::faults::FaultPlan::parse(&found.path, &found.text)?;
        let (backends, faults) = (plan.backends.len(), plan.faults.len());
        let summary = format!("{faults} faults in {backends} backends with {} replicas", plan.replicas);
        Ok(Entry { name: file.name, summary })
    };
    Shelf::Faults.all().iter().map(parse).collect()
}

fn drills() -> Result<Vec<Entry>, Failure> {
    let parse = |file: &scenario::builtin::Builtin| {
        let found = file.found();
        let plan = measure::drill::DrillPlan::parse(&found.path, &found.text)?;
        let summary = format!("{} backends with {} replicas", plan.backends.len(), plan.replicas);
        Ok(Entry { name: file.name, summary })
    };
    Shelf::Drills.all().iter().map(parse).collect()
}

fn prices() -> Result<Vec<Entry>, Failure> {
    let parse = |file: &scenario::builtin::Builtin| {
        let found = file.found();
        let sheet = report::prices::PriceSheet::parse(&found.path, &found.text)?;
        Ok(Entry { name: file.name, summary: sheet.summary })
    };
    Shelf::Prices.all().iter().map(parse).collect()
}

fn claims() -> Result<Vec<Entry>, Failure> {
    let parse = |file: &scenario::builtin::Builtin| {
        let found = file.found();
        let claim = report::claims::Claim::parse(&found.path.display().to_string(), &found.text)?;
        Ok(Entry { name: file.name, summary: claim.sentence })
    };
    Shelf::Claims.all().iter().map(parse).collect()
}
