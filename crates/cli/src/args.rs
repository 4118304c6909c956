//! What may be typed: the commands and what all of them share.

use std::io::BufRead;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};
use scenario::redis_address::{RedisAddress, Topology};
use scenario::wire::FROM_STDIN;

use crate::commands;
use crate::error::Failure;
use crate::exit;

/// Bytes of an address read from standard input, at most.
const LONGEST_ADDRESS: u64 = 4096;

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
    Drill(commands::drill::DrillArgs),
    Faults(commands::faults::FaultsArgs),
    Report(commands::report::ReportArgs),
    Compare(commands::compare::CompareArgs),
    Ci(commands::ci::CiArgs),
    Capacity(commands::capacity::CapacityArgs),
    Memory(commands::memory::MemoryArgs),
    Conform(commands::conform::ConformArgs),
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

/// Where backends keep their shared state, for commands that start them.
#[derive(Debug, clap::Args)]
pub(crate) struct GivenRedis {
    /// A Redis that already runs (redis://…), a cluster (redis+cluster://…) or sentinels (redis+sentinel://…), or - to read
    /// the address from stdin; only keys under this run's prefix are touched, and removed at the end
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
}

impl GivenRedis {
    /// The address, if there is one.
    pub(crate) fn address(&self) -> Result<Option<String>, Failure> {
        redis_address(self.redis.as_deref())
    }

    /// Whether the option was given.
    pub(crate) const fn is_given(&self) -> bool {
        self.redis.is_some()
    }
}

/// The address of a store as it was given, or from standard input where `-` was: arguments can be read by everyone on the
/// machine. Refuses what cannot be one. Not a parser of clap's: that would repeat a password in its message.
pub(crate) fn redis_address(given: Option<&str>) -> Result<Option<String>, Failure> {
    let Some(given) = given else { return Ok(None) };
    let address = if given == FROM_STDIN { first_line(std::io::stdin().lock())? } else { given.to_owned() };
    let why = match RedisAddress::parse(&address) {
        Ok(RedisAddress { topology: Topology::One, .. }) if url::Url::parse(&address).is_err() => {
            "it is no URL".to_owned()
        }
        Ok(_) => return Ok(Some(address)),
        Err(why) => why,
    };
    let why = format!("--redis: `{address}` is no address of a Redis: {why}");
    Err(Failure::usage(why).hint(
        "it looks like redis://127.0.0.1:6379, rediss://USER:PASSWORD@HOST:6380, redis+cluster://HOST:PORT,HOST:PORT or \
         redis+sentinel://HOST:PORT,HOST:PORT/SERVICE, or - to read it from stdin",
    ))
}

fn first_line(input: impl BufRead) -> Result<String, Failure> {
    let mut line = String::new();
    input
        .take(LONGEST_ADDRESS)
        .read_line(&mut line)
        .map_err(|e| Failure::usage("--redis -: standard input cannot be read").because(&e))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_first_line_of_its_input() {
        for (input, address) in [("redis://:x@h\nmore", "redis://:x@h"), ("redis://h", "redis://h"), ("", "")]
        {
            assert_eq!(first_line(input.as_bytes()).unwrap(), address);
        }
        assert!(redis_address(Some("http://host")).is_err());
        assert_eq!(redis_address(Some("redis://host")).unwrap().as_deref(), Some("redis://host"));
        assert_eq!(redis_address(None).unwrap(), None);
    }
}
