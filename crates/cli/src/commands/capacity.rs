//! `authbench capacity`: the highest rate each backend carries while response times and errors stay within bounds.

use std::env;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use loadgen::capacity::{Limit, Objective, Search};
use measure::capacity::{CapacityEvent, CapacityPlan, CapacityProbe, CapacityRow, CapacityRun, capacity};
use measure::plan::Cores;
use measure::redact::redact;
use measure::{Plan, RunOptions};
use report::number::{count, percent, time};
use scenario::HumanDuration;
use scenario::builtin::Shelf;

use crate::args::GivenRedis;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::{clock, out_dir, signal};

const EXAMPLE: &str = "Examples:
  authbench capacity
  authbench capacity --backend session-redis --backend jwt-stateless --p99 10ms
  authbench capacity --backend session-memory --json | jq '.rows[].rate'
  authbench capacity --out reports/local/2026-11-23-quick

A rate holds when p99 of the response time and the share of failed requests stay within the bounds. Rates are doubled, \
then bisected to 5 %, and the one that is reported held again. Backends take turns, one probe each in random order. A \
backend that carries more than the generator can ask for is reported as “at least”. What was measured is left in \
capacity.json; in the folder of a recording, its report shows the curves.

Exit codes: 0 searched · 1 something could not be started or written · 2 wrong usage or an invalid file · 4 stopped, a \
server died, or no rate held for any backend";

/// Probes of one backend, from a quick search to a slow one, for the time that is said beforehand.
const PROBES: [u64; 2] = [11, 18];

/// Find the highest rate that each backend carries within a bound on response times
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct CapacityArgs {
    /// Backend, a name or a file (repeatable) [default: those of the plan `quick`]
    #[arg(long, value_name = "NAME")]
    backend: Vec<String>,
    /// Stationary scenario, a name or a file: its requests at other rates than its own
    #[arg(long, value_name = "NAME", default_value = "steady")]
    scenario: String,
    /// Response time at p99, at most
    #[arg(long, value_name = "TIME", default_value = "20ms")]
    p99: HumanDuration,
    /// Requests that may fail or exceed five times the bound, e.g. 0.1% or 0.001
    #[arg(long, value_name = "SHARE", default_value = "0.1%", value_parser = share)]
    errors: f64,
    /// First rate tried, requests per second
    #[arg(long, value_name = "N", default_value = "2000", value_parser = rate)]
    start: f64,
    /// Lowest rate tried
    #[arg(long, value_name = "N", default_value = "50", value_parser = rate)]
    lowest: f64,
    /// Highest rate tried
    #[arg(long, value_name = "N", default_value = "500000", value_parser = rate)]
    highest: f64,
    /// Length of a probe
    #[arg(long, value_name = "TIME", default_value = "1s")]
    probe: HumanDuration,
    /// Discarded start of a probe
    #[arg(long, value_name = "TIME", default_value = "200ms")]
    warm: HumanDuration,
    /// Worker threads of each server
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    threads: u32,
    /// Seed of the order and of every arrival
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    redis: GivenRedis,
    /// Folder for capacity.json, also that of a recording
    ///
    /// [default: reports/local/DATE-capacity in a checkout, authbench-reports/DATE-capacity elsewhere]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `0.1%` or `0.001`.
fn share(text: &str) -> Result<f64, String> {
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|value| value / 100.0),
        None => text.parse(),
    };
    match value {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("write a share below 100 %, e.g. 0.1% or 0.001".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.replace(['_', ','], "").parse::<f64>() {
        Ok(rate) if (0.1..=1e7).contains(&rate) => Ok(rate),
        _ => Err("write requests per second, from 0.1 to 10000000".to_owned()),
    }
}

pub(crate) fn run(args: &CapacityArgs, output: &mut Output) -> Result<Exit, Failure> {
    let redis = args.redis.address()?;
    let plan = plan(args)?;
    let here = env::current_dir().map_err(|e| Failure::tool("the current folder is gone").because(&e))?;
    let folder = out_dir::choose(args.out.as_deref(), &here, &clock::today(), "capacity");
    out_dir::prepare(&folder)?;
    let executable =
        env::current_exe().map_err(|e| Failure::tool("this program cannot find itself").because(&e))?;
    let options = RunOptions {
        executable,
        out_dir: folder.clone(),
        redis,
        existing: std::collections::BTreeMap::new(),
        builds: std::collections::BTreeMap::new(),
    };
    let stop = signal::stop_flag("the probe being made is finished, and what was made is kept")?;
    say(&announcement(&plan));
    let result = capacity(&options, &plan, &mut |event| show(&event), &stop);
    if result.is_err() {
        out_dir::forget_if_empty(&folder);
    }
    let found = result?;
    if args.json {
        output.json(&found)?;
    } else {
        print(&found, output)?;
        output.line(&format!("\n{}", folder.join(measure::capacity::FILE).display()))?;
    }
    Ok(exit(&found))
}

fn plan(args: &CapacityArgs) -> Result<CapacityPlan, Failure> {
    if !(args.lowest <= args.start && args.start <= args.highest) {
        return Err(Failure::usage(format!(
            "the first rate, {}, does not lie between the lowest, {}, and the highest, {}",
            args.start, args.lowest, args.highest
        ))
        .hint("set --lowest, --start and --highest in this order"));
    }
    let millis = |what: &str, length: HumanDuration, least: u64| match length.as_nanos() / 1_000_000 {
        ms if (least..=3_600_000).contains(&ms) => Ok(ms),
        _ => Err(Failure::usage(format!("--{what} {length} is too short or too long"))
            .hint(format!("use {least}ms to 1h"))),
    };
    if args.p99.as_nanos() == 0 {
        return Err(Failure::usage("--p99 0 can hold for no server").hint("20ms is the default"));
    }
    let backends = if args.backend.is_empty() { quick_backends()? } else { args.backend.clone() };
    Ok(CapacityPlan {
        backends,
        scenario: args.scenario.clone(),
        objective: Objective { p99_ns: args.p99.as_nanos(), error_share: args.errors },
        search: Search { start: args.start, lowest: args.lowest, highest: args.highest, ..Search::default() },
        warm_ms: millis("warm", args.warm, 0)?,
        probe_ms: millis("probe", args.probe, 50)?,
        seed: args.seed,
        cores: Cores { server_threads: args.threads, ..Cores::default() },
    })
}

fn quick_backends() -> Result<Vec<String>, Failure> {
    let found = Shelf::Plans.resolve("quick")?;
    Ok(Plan::parse(&found.path, &found.text)?.backends)
}

/// What it will take, said before the start.
fn announcement(plan: &CapacityPlan) -> String {
    let probe_ms = plan.warm_ms + plan.probe_ms;
    let seconds = PROBES.map(|probes| (plan.backends.len() as u64 * probes * probe_ms).div_ceil(1000));
    format!(
        "{} backends, some {} to {} probes of {:.1} s each: about {} to {} s",
        plan.backends.len(),
        PROBES[0],
        PROBES[1],
        probe_ms as f64 / 1000.0,
        seconds[0],
        seconds[1]
    )
}

fn say(text: &str) {
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(anstream::stderr(), "{}", redact(text));
}

/// Every probe on a terminal; without one only what a reader of the log must know.
fn show(event: &CapacityEvent) {
    match event {
        CapacityEvent::Skipped(skipped) => {
            say(&format!("skipped {}: {}\n  help: {}", skipped.row, skipped.reason, skipped.hint));
        }
        CapacityEvent::Finished(row) => {
            if let Some(failed) = &row.failed {
                let first = failed.lines().next().unwrap_or_default();
                say(&format!("failed: {}: {first}\n  the other backends are searched on", row.name));
            }
        }
        CapacityEvent::Ready { row } if std::io::stderr().is_terminal() => say(&format!("{row}: ready")),
        CapacityEvent::Probed { row, probe } if std::io::stderr().is_terminal() => {
            let how = match probe {
                probe if probe.repeated => "disturbed, once more",
                probe if probe.holds => "holds",
                probe if !probe.generator_kept_up => "the generator did not keep up",
                _ => "does not hold",
            };
            let rate = count(probe.rate.round() as u64);
            say(&format!("{row}: {rate}/s, p99 {}: {how}", time(probe.p99_ns as f64)));
        }
        CapacityEvent::Ready { .. } | CapacityEvent::Probed { .. } => {}
    }
}

fn exit(found: &CapacityRun) -> Exit {
    let none = found.rows.iter().all(|row| row.rate.is_none());
    let failed = found.rows.iter().any(|row| row.failed.is_some());
    if found.complete && !none && !failed { Exit::Good } else { Exit::Void }
}

fn print(found: &CapacityRun, output: &mut Output) -> Result<(), Failure> {
    output.line(&format!(
        "Highest rate with p99 within {} and at most {} failing, scenario {}, {} server thread{} on CPU {}:",
        time(found.objective.p99_ns as f64),
        percent(found.objective.error_share),
        found.scenario,
        found.server_threads,
        if found.server_threads == 1 { "" } else { "s" },
        found.placement.servers.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
    ))?;
    if found.placement.shared {
        output
            .line("note: generator and servers share their CPUs, so these are capacities of both together")?;
    }
    output.line(&format!(
        "\n  {:24} {:>18} {:>9} {:>9} {:>13}  above it",
        "", "requests/s", "p50", "p99", "CPU/request"
    ))?;
    for row in &found.rows {
        output.line(&line(row))?;
    }
    for skipped in &found.skipped {
        output.line(&format!("  {:24} skipped: {}", skipped.row, skipped.reason))?;
    }
    if !found.complete {
        output.line("\nStopped: searches that did not come to their end have no rate.")?;
    }
    Ok(())
}

fn line(row: &CapacityRow) -> String {
    let at = row.rate.and_then(|rate| at_rate(row, rate));
    let cell = |ns: Option<f64>| ns.map_or("-".to_owned(), time);
    let rate = match row.rate {
        Some(rate) if row.at_least() => format!("at least {}", count(rate.round() as u64)),
        Some(rate) => count(rate.round() as u64),
        None => "-".to_owned(),
    };
    let above = match (row.limit, &row.failed) {
        (_, Some(failed)) => format!("failed: {}", failed.lines().next().unwrap_or_default()),
        (Some(Limit::Objective), _) => "the bounds fail".to_owned(),
        (Some(Limit::Generator), _) => "the generator does not keep up".to_owned(),
        (Some(Limit::Highest), _) => "not tried".to_owned(),
        (Some(Limit::Lowest), _) => "no rate held".to_owned(),
        (None, None) => "not found: stopped".to_owned(),
    };
    format!(
        "  {:24} {rate:>18} {:>9} {:>9} {:>13}  {above}",
        row.name,
        cell(at.map(|probe| probe.p50_ns as f64)),
        cell(at.map(|probe| probe.p99_ns as f64)),
        cell(at.and_then(CapacityProbe::cpu_ns)),
    )
}

/// The last probe of a rate that held.
fn at_rate(row: &CapacityRow, rate: f64) -> Option<&CapacityProbe> {
    row.probes.iter().rev().find(|probe| probe.holds && (probe.rate / rate - 1.0).abs() < 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_number_or_a_percentage() {
        for (text, expected) in [("0.1%", 0.001), ("0.001", 0.001), ("0", 0.0), ("5 %", 0.05)] {
            assert!((share(text).unwrap() - expected).abs() < 1e-12, "{text}");
        }
        for text in ["100%", "-1", "1", "x", "", "nan"] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_may_be_grouped_and_must_be_rates() {
        assert_eq!(rate("20_000"), Ok(20_000.0));
        assert!(rate("0").is_err() && rate("inf").is_err() && rate("nan").is_err());
    }

    fn row(rate: Option<f64>, limit: Option<Limit>, failed: Option<&str>) -> CapacityRow {
        CapacityRow {
            name: "none".into(),
            backend_sha256: String::new(),
            describe: serde_json::Value::Null,
            rate,
            limit,
            failed: failed.map(str::to_owned),
            probes: vec![CapacityProbe {
                order: 0,
                rate: 20_000.0,
                offered_rate: 20_000.0,
                achieved_rate: 20_000.0,
                p50_ns: 60_000,
                p99_ns: 900_000,
                error_share: 0.0,
                server_cpu_ns: Some(30_000.0),
                store_cpu_ns: Some(10_000.0),
                generator_kept_up: true,
                holds: true,
                repeated: false,
                reasons: Vec::new(),
            }],
        }
    }

    #[test]
    fn a_line_says_what_lies_above_and_when_it_is_a_lower_bound() {
        let own = line(&row(Some(20_000.0), Some(Limit::Objective), None));
        assert!(
            own.contains(" 20,000 ") && own.contains("40.0 µs") && own.ends_with("the bounds fail"),
            "{own}"
        );
        assert!(!own.contains("at least"));
        let bound = line(&row(Some(20_000.0), Some(Limit::Generator), None));
        assert!(bound.contains("at least 20,000") && bound.ends_with("does not keep up"), "{bound}");
        assert!(line(&row(None, None, Some("server ended\nmore"))).ends_with("failed: server ended"));
        assert!(line(&row(None, Some(Limit::Lowest), None)).ends_with("no rate held"));
    }
}
