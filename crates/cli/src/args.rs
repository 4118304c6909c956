//! What may be typed: the commands and what all of them share.

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};

use crate::commands;
use crate::error::Failure;
use crate::exit;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

/// Compare what sessions, JWTs and the designs between them cost, on the same traffic, with honest error bars.
#[derive(Debug, Parser)]
#[command(name = "authbench", version, styles = STYLES, after_help = exit::TABLE, max_term_width = 100)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands, one file each; the text of each stands with its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(commands::run::RunArgs),
    Report(commands::report::ReportArgs),
    Compare(commands::compare::CompareArgs),
    Reproduce(commands::reproduce::ReproduceArgs),
    Advise(commands::advise::AdviseArgs),
    Adr(commands::adr::AdrArgs),
    Serve(commands::serve::ServeArgs),
    Load(commands::load::LoadArgs),
    Trace(commands::trace::TraceArgs),
    List(commands::list::ListArgs),
    Check(commands::check::CheckArgs),
    Init(commands::init::InitArgs),
    Schema(commands::schema::SchemaArgs),
    Doctor(commands::doctor::DoctorArgs),
    /// Start a program that dies with the process that asked for it
    #[command(name = "__child", hide = true)]
    Child(commands::child::ChildArgs),
}

/// Refuses what cannot be the address of a store. Not a parser of clap's: that would repeat a password in its message.
pub(crate) fn check_redis(address: Option<&str>) -> Result<(), Failure> {
    let known = |url: url::Url| ["redis", "rediss", "redis+unix", "unix"].contains(&url.scheme());
    match address {
        Some(text) if !url::Url::parse(text).is_ok_and(known) => {
            Err(Failure::usage(format!("--redis: `{text}` is no address of a Redis"))
                .hint("it looks like redis://127.0.0.1:6379 or rediss://USER:PASSWORD@HOST:6380"))
        }
        _ => Ok(()),
    }
}
