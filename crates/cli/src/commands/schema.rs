//! `authbench schema`: JSON Schemas, for editors and for whoever reads our JSON.

use clap::ValueEnum;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;

const EXAMPLE: &str = "Examples:
  authbench schema scenario > scenario.schema.json
  authbench schema report | jq .properties

Editors that know TOML (taplo, the Even Better TOML extension) take it by a first line such as
  #:schema ./scenario.schema.json";

/// Print the JSON Schema of a file format
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct SchemaArgs {
    /// Which format
    #[arg(value_enum)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Scenario files
    Scenario,
    /// Backend files
    Backend,
    /// Plans
    Plan,
    /// Fault plans
    Faults,
    /// Claims
    Claim,
    /// Price sheets
    Prices,
    /// report.json
    Report,
}

pub(crate) fn run(args: &SchemaArgs, output: &mut Output) -> Result<Exit, Failure> {
    output.json(&args.format.schema())?;
    Ok(Exit::Good)
}

impl Format {
    fn schema(self) -> serde_json::Value {
        match self {
            Self::Scenario => scenario::schema::scenario(),
            Self::Backend => scenario::schema::backend(),
            Self::Plan => schemars::schema_for!(measure::Plan).into(),
            Self::Faults => schemars::schema_for!(measure::faults::FaultPlan).into(),
            Self::Claim => report::claims::schema(),
            Self::Prices => schemars::schema_for!(report::prices::PriceSheet).into(),
            Self::Report => schemars::schema_for!(report::Report).into(),
        }
    }
}

/// Schemas of the files that people write, by name: what lies in `scenarios/schema/` and what `init` writes out.
pub(crate) fn of_files() -> [(&'static str, serde_json::Value); 6] {
    [
        ("scenario", Format::Scenario),
        ("backend", Format::Backend),
        ("plan", Format::Plan),
        ("faults", Format::Faults),
        ("claim", Format::Claim),
        ("prices", Format::Prices),
    ]
    .map(|(name, format)| (name, format.schema()))
}
