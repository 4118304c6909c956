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
    /// report.json
    Report,
}

pub(crate) fn run(args: &SchemaArgs, output: &mut Output) -> Result<Exit, Failure> {
    let schema = match args.format {
        Format::Scenario => scenario::schema::scenario(),
        Format::Backend => scenario::schema::backend(),
        Format::Report => schemars::schema_for!(report::Report).into(),
    };
    output.json(&schema)?;
    Ok(Exit::Good)
}
