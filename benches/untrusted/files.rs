//! Files that people write, and access logs of other servers.

use std::path::Path;

use auth::Mechanism;
use measure::Plan;
use measure::drill::DrillPlan;
use measure::faults::FaultPlan;
use report::claims::Claim;
use report::prices::PriceSheet;
use scenario::import::ImportOptions;
use scenario::{BackendFile, Scenario};

use super::{Entry, for_reader, selected};

/// Reads a text, and drops what came of it.
type Reader = fn(&str);

/// The folder of the files of each kind below `scenarios/`, and what reads them.
const KINDS: [(&str, Reader); 6] = [
    ("", |text| drop(Scenario::parse(Path::new("x.toml"), text))),
    ("backends", |text| {
        drop(BackendFile::parse(Path::new("x.toml"), text));
        drop(Mechanism::parse(text));
    }),
    ("plans", |text| {
        drop(Plan::parse(Path::new("x.toml"), text));
        // Plans of what fails lie beside the others.
        drop(FaultPlan::parse(Path::new("x.toml"), text));
    }),
    ("drills", |text| drop(DrillPlan::parse(Path::new("x.toml"), text))),
    ("claims", |text| drop(Claim::parse("x.toml", text))),
    ("prices", |text| drop(PriceSheet::parse(Path::new("x.toml"), text))),
];

/// TOML of every kind.
pub(super) fn toml() -> Result<Entry, Box<dyn std::error::Error>> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut seeds = Vec::new();
    for (number, (folder, _)) in KINDS.iter().enumerate() {
        let listed = std::fs::read_dir(shipped.join(folder))?;
        let mut paths: Vec<_> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        paths.sort();
        for path in paths {
            seeds.push(for_reader(number, &std::fs::read(path)?));
        }
    }
    let run = |input: &[u8]| {
        if let Some((kind, text)) = selected(input, KINDS.len()) {
            KINDS[kind].1(&String::from_utf8_lossy(text));
        }
        Ok(())
    };
    Ok(Entry { name: "toml", seeds, run: Box::new(run) })
}

const LOG: &str = "192.0.2.7 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 5120\n\
    192.0.2.8 - u [17/May/2015:10:05:43 +0200] \"POST /login HTTP/1.0\" 302 - \"-\" \"curl\"\n\
    host 804571201 GET /b 200 12\n";

/// Access logs: what is read must also be a trace in order of time.
pub(super) fn access_logs() -> Entry {
    let seeds = vec![LOG.as_bytes().to_vec(), LOG.repeat(20).into_bytes()];
    let run = |input: &[u8]| {
        let Ok(imported) = scenario::import::read(input, ImportOptions::default()) else { return Ok(()) };
        let mut last = 0;
        for step in imported.steps() {
            if step.intended_ns < last {
                return Err(format!("a step at {} ns after one at {last} ns", step.intended_ns));
            }
            last = step.intended_ns;
        }
        Ok(())
    };
    Entry { name: "access_logs", seeds, run: Box::new(run) }
}
