//! `authbench load`: one request against any address, at a rate or as fast as the answers come.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use loadgen::{Figures, LoadOptions, LoadReport, Status, client_config, load};
use measure::redact::redact;
use report::number::{count, time};
use scenario::{Arrival, HumanDuration};
use url::Url;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::signal;

const EXAMPLE: &str = "Examples:
  authbench load http://127.0.0.1:8080/me --rate 2000 --duration 10s
  authbench load http://127.0.0.1:8080/me --connections 32 --header 'Authorization: Bearer u00000001'
  authbench load https://localhost:8443/ --rate 500 --arrivals constant --ca ca.pem --json

With --rate the schedule does not wait for answers (open loop), and response time runs from the moment a request should \
have been sent. Without it every connection sends as soon as it is answered (closed loop), and a slow server slows the \
generator down with it: response time then equals service time.

Exit codes: 0 measured · 1 it could not be driven · 2 wrong usage · 4 stopped, not one answer, or (with --strict) not \
VALID; what was measured is printed all the same";

/// Drive any address at a rate, like wrk, and say how far the result may be believed
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct LoadArgs {
    /// http:// or https:// address, with its path
    url: String,
    /// Requests per second; closed loop when left out
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// How the requests are spread over time
    #[arg(long, value_enum, default_value_t = Arrivals::Poisson, requires = "rate")]
    arrivals: Arrivals,
    /// Keep-alive connections
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    connections: u32,
    /// How long
    #[arg(long, value_name = "TIME", default_value = "10s")]
    duration: HumanDuration,
    /// Header line added to the request (repeatable)
    #[arg(long, value_name = "'K: V'")]
    header: Vec<Header>,
    /// Longest wait for an answer
    #[arg(long, value_name = "TIME", default_value = "5s")]
    deadline: HumanDuration,
    /// Trust the certificates of this PEM file instead of the usual roots
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Seed of the arrivals
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Exit with code 4 unless the result is VALID, for scripts that rely on it
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Arrivals {
    /// Evenly spaced
    Constant,
    /// Independent of each other, as from many users
    Poisson,
}

/// `Name: value`.
#[derive(Debug, Clone)]
struct Header(String, String);

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok(Self(name.trim().to_owned(), value.trim().to_owned()))
            }
            _ => Err("a header is a name, a colon and a value, e.g. 'Accept: text/html'".to_owned()),
        }
    }
}

pub(crate) fn run(args: LoadArgs, output: &mut Output) -> Result<Exit, Failure> {
    let url = Url::parse(&args.url).map_err(|e| {
        Failure::usage(format!("{} cannot be driven: {e}", args.url))
            .hint("it looks like http://127.0.0.1:8080/me")
    })?;
    let tls = match url.scheme() {
        "https" => Some(client_config(args.ca.as_deref())?),
        _ => None,
    };
    let defaults = LoadOptions::default();
    let options = LoadOptions {
        rate: args.rate,
        arrivals: match args.arrivals {
            Arrivals::Constant => Arrival::Constant,
            Arrivals::Poisson => Arrival::Poisson,
        },
        seed: args.seed,
        duration_ns: args.duration.as_nanos(),
        headers: args.header.into_iter().map(|Header(name, value)| (name, value)).collect(),
        tls,
        drive: loadgen::Options {
            connections: args.connections,
            deadline_ns: args.deadline.as_nanos(),
            ..defaults.drive
        },
        ..defaults
    };
    let stop = signal::stop_flag("what was measured so far is printed")?;
    if std::io::stderr().is_terminal() {
        let line = redact(&format!("driving {url} for {}", args.duration));
        // With stderr gone there is nobody left to tell.
        let _ = writeln!(anstream::stderr(), "{line}");
    }
    let mut report = load(&url, &options, &stop)?;
    report.url = redact(&report.url);
    if args.json {
        output.json(&report)?;
    } else {
        print(&report, output)?;
    }
    let useless = report.interrupted || report.achieved_rate == 0.0;
    let doubtful = args.strict && report.validity.status != Status::Valid;
    Ok(if useless || doubtful { Exit::Void } else { Exit::Good })
}

fn print(report: &LoadReport, output: &mut Output) -> Result<(), Failure> {
    let pace = match report.offered_rate {
        Some(rate) => format!("open loop at {rate:.1}/s"),
        None => "closed loop".to_owned(),
    };
    let seconds = report.duration_ns as f64 / 1e9;
    output.line(&format!("{}: {pace}, {} connections, {seconds:.1} s", report.url, report.connections))?;
    output.line(&format!(
        "  requests       {:>9}  {:.1}/s answered",
        count(report.requests),
        report.achieved_rate
    ))?;
    let outcomes: Vec<String> =
        report.outcomes.iter().map(|(name, number)| format!("{name} {}", count(*number))).collect();
    output.line(&format!("  outcomes       {}", outcomes.join(" · ")))?;
    output
        .line(&format!("  {:14} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "p50", "p90", "p99", "p99.9", "max"))?;
    let mut rows = vec![("response time", report.response_time_ns), ("service time", report.service_time_ns)];
    if report.offered_rate.is_some() {
        rows.push(("send lag", report.send_lag_ns));
    }
    for (name, Figures { p50, p90, p99, p999, max }) in rows {
        let cells = [p50, p90, p99, p999, max].map(|ns| format!("{:>9}", time(ns as f64)));
        output.line(&format!("  {name:14} {}", cells.join(" ")))?;
    }
    output.line(&format!(
        "  generator      {} CPU per request, {:.0} % of one core",
        time(report.generator_cpu_ns_per_request),
        report.generator_busy * 100.0
    ))?;
    let status = match report.validity.status {
        Status::Valid => "VALID",
        Status::ResponseTimesWithheld => "VALID but for the response times",
        Status::Void => "VOID",
    };
    output.line(&format!("  {status}"))?;
    for reason in &report.validity.reasons {
        output.line(&format!("    {reason}"))?;
    }
    Ok(())
}
