//! `authbench check`: can this file be used, and does everything it names exist?

use std::fs;
use std::path::{Path, PathBuf};

use report::claims::Claim;
use report::prices::PriceSheet;
use scenario::builtin::Shelf;
use scenario::{BackendFile, FileError, Scenario};

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;

const EXAMPLE: &str = "Examples:
  authbench check my-scenario.toml my-backend.toml
  authbench check scenarios/*.toml scenarios/*/*.toml

Exit code 2 when any of them cannot be used.";

/// Check scenario, backend, plan, fault plan, drill, claim and price files
///
/// What a file is shows in its keys: a backend has [mechanism], a plan has baseline, a fault plan has faults, a drill plan has [scale], a claim
/// has sentence, a price sheet has [prices]; everything else is a scenario.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct CheckArgs {
    /// Files to check
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// What a file is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scenario,
    Backend,
    Plan,
    Faults,
    Drill,
    Claim,
    Prices,
}

impl Kind {
    fn of(text: &str) -> Self {
        // A file that is no TOML is told apart nowhere: the scenario parser then names the position of the mistake.
        let keys = toml::from_str::<toml::Table>(text).unwrap_or_default();
        if keys.contains_key("mechanism") || keys.contains_key("promises") {
            Self::Backend
        } else if keys.contains_key("scale") {
            Self::Drill
        } else if keys.contains_key("faults") || keys.contains_key("flood") {
            Self::Faults
        } else if keys.contains_key("baseline") || keys.contains_key("paired") {
            Self::Plan
        } else if keys.contains_key("sentence") || keys.contains_key("condition") {
            Self::Claim
        } else if keys.contains_key("prices") {
            Self::Prices
        } else {
            Self::Scenario
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Backend => "backend",
            Self::Plan => "plan",
            Self::Faults => "fault plan",
            Self::Drill => "drill plan",
            Self::Claim => "claim",
            Self::Prices => "price sheet",
        }
    }
}

pub(crate) fn run(args: &CheckArgs, output: &mut Output) -> Result<Exit, Failure> {
    let mut exit = Exit::Good;
    for path in &args.files {
        match check(path) {
            Ok((kind, name)) => {
                output.line(&format!("{}: {} `{name}` is good", path.display(), kind.name()))?;
            }
            Err(failure) => {
                output.flush()?;
                failure.render();
                exit = failure.exit();
            }
        }
    }
    Ok(exit)
}

fn check(path: &Path) -> Result<(Kind, String), Failure> {
    let text = fs::read_to_string(path)
        .map_err(|e| Failure::usage(format!("{} cannot be read", path.display())).because(&e))?;
    let kind = Kind::of(&text);
    let name = match kind {
        Kind::Scenario => Scenario::parse(path, &text)?.name,
        Kind::Backend => backend(path, &text)?,
        Kind::Plan => plan(path, &text)?,
        Kind::Faults => faults(path, &text)?,
        Kind::Drill => drill(path, &text)?,
        Kind::Claim => Claim::parse(&path.display().to_string(), &text)?.id,
        Kind::Prices => PriceSheet::parse(path, &text)?.name,
    };
    Ok((kind, name))
}

fn backend(path: &Path, text: &str) -> Result<String, FileError> {
    let backend = BackendFile::parse(path, text)?;
    auth::Mechanism::parse(text)
        .map_err(|e| scenario::file::locate(path, text, &e.key, e.span, e.message, e.hint))?;
    Ok(backend.header.name)
}

/// A plan is good when everything it names is.
fn plan(path: &Path, text: &str) -> Result<String, FileError> {
    let plan = measure::Plan::parse(path, text)?;
    for name in &plan.backends {
        let found = Shelf::Backends.resolve(name)?;
        backend(&found.path, &found.text)?;
    }
    for vary in &plan.vary {
        let varied = vary.file()?;
        backend(&varied.path, &varied.text)?;
    }
    for name in plan.paired.iter().map(|paired| &paired.scenario).chain(&plan.episodes) {
        Scenario::open(name)?;
    }
    Ok(plan.name)
}

/// A fault plan is good when every design it names is.
fn faults(path: &Path, text: &str) -> Result<String, FileError> {
    let plan = measure::faults::FaultPlan::parse(path, text)?;
    let flooded = plan.flood.iter().flat_map(|flood| &flood.backends);
    for name in plan.backends.iter().chain(flooded) {
        let found = Shelf::Backends.resolve(name)?;
        backend(&found.path, &found.text)?;
    }
    Ok(plan.name)
}

/// A drill plan is good when every design it names is.
fn drill(path: &Path, text: &str) -> Result<String, FileError> {
    let plan = measure::drill::DrillPlan::parse(path, text)?;
    for name in &plan.backends {
        let found = Shelf::Backends.resolve(name)?;
        backend(&found.path, &found.text)?;
    }
    Ok(plan.name)
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn keys_tell_what_a_file_is() {
        for (text, kind) in [
            ("name = 'x'\n[mechanism]\n", Kind::Backend),
            ("promises = {}\n", Kind::Backend),
            ("baseline = 'none'\n", Kind::Plan),
            ("[[paired]]\n", Kind::Plan),
            ("[scale]\n", Kind::Drill),
            ("faults = ['store-killed']\n", Kind::Faults),
            ("[flood]\n", Kind::Faults),
            ("sentence = 'x'\n", Kind::Claim),
            ("[prices.app_vcpu_hour]\n", Kind::Prices),
            ("name = 'x'\n[load]\n", Kind::Scenario),
            ("this is = not = toml", Kind::Scenario),
            ("", Kind::Scenario),
        ] {
            assert_eq!(Kind::of(text), kind, "{text}");
        }
    }
}
