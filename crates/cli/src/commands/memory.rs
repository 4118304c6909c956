//! `authbench memory`: what a live login and an ended one take in server and store, and whether it is given back.

use std::env;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use measure::memory::{ENDED_PER_LIVE, MemoryBudget, MemoryEvent, MemoryPlan, MemoryRun, memory};
use measure::redact::redact;
use measure::{Plan, RunOptions};
use report::memory::memory as law;
use report::model::{Memory, MemoryFill, MemoryLine};
use report::number::{bytes, count, percent, time};
use scenario::HumanDuration;
use scenario::builtin::Shelf;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::{clock, out_dir, signal};

const EXAMPLE: &str = "Examples:
  authbench memory
  authbench memory --backend session-redis --backend session-memory --million
  authbench memory --out reports/local/2026-11-23-quick/memory
  authbench memory --json | jq '.rows[].live.store.each_bytes'

Each backend is filled twice, once with live logins and once with logins that were ended at once, and read after every \
size: the server's proportional set size, the used_memory of a Redis of its own, the files of an embedded database. Then \
all logins expire, and it is watched how much is given back. Lifetimes are shortened in the backends' files; every clock \
stays real. What it will take is printed before anything starts. Readings are left in memory.json; in the folder \
`memory` inside that of a recording, its report shows the law.

Exit codes: 0 measured · 1 something could not be started or written, or the memory does not suffice · 2 wrong usage or \
an invalid file · 4 stopped, or a backend could not be filled to the end";

/// Sizes without `--logins`.
const SIZES: [u32; 4] = [10_000, 20_000, 50_000, 100_000];
/// Those that `--million` adds.
const MILLION: [u32; 3] = [200_000, 500_000, 1_000_000];

/// Measure bytes per live login and per ended one, in server and store
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct MemoryArgs {
    /// Backend, a name or a file (repeatable) [default: those of the plan `standard`]
    #[arg(long, value_name = "NAME")]
    backend: Vec<String>,
    /// Sizes, three or more for a law: thousands of logins [default: 10000,20000,50000,100000]
    #[arg(long, value_name = "N,N,N", value_delimiter = ',', conflicts_with = "million", value_parser = size)]
    logins: Vec<u32>,
    /// Go on to 200000, 500000 and 1000000 logins: takes gigabytes and longer
    #[arg(long)]
    million: bool,
    /// Life of every login: longer than filling takes [default: 2m, 4m with --million]
    #[arg(long, value_name = "TIME")]
    lifetime: Option<HumanDuration>,
    /// How long after the last expiry memory is watched, at most; servers free their own in a round of 4 minutes
    #[arg(long, value_name = "TIME", default_value = "5m")]
    settle: HumanDuration,
    /// Folder for memory.json
    ///
    /// [default: reports/local/DATE-memory in a checkout, authbench-reports/DATE-memory elsewhere]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn size(text: &str) -> Result<u32, String> {
    match text.replace('_', "").parse::<u32>() {
        Ok(size)
            if (1..=100_000_000 / ENDED_PER_LIVE).contains(&(size / ENDED_PER_LIVE))
                && size % ENDED_PER_LIVE == 0 =>
        {
            Ok(size)
        }
        _ => Err("write whole thousands, from 1000 to 100000000".to_owned()),
    }
}

pub(crate) fn run(args: &MemoryArgs, output: &mut Output) -> Result<Exit, Failure> {
    let plan = plan(args)?;
    let here = env::current_dir().map_err(|e| Failure::tool("the current folder is gone").because(&e))?;
    let folder = out_dir::choose(args.out.as_deref(), &here, &clock::today(), "memory");
    out_dir::prepare(&folder)?;
    let executable =
        env::current_exe().map_err(|e| Failure::tool("this program cannot find itself").because(&e))?;
    let options = RunOptions {
        executable,
        out_dir: folder.clone(),
        redis: None,
        existing: std::collections::BTreeMap::new(),
        builds: std::collections::BTreeMap::new(),
    };
    let stop = signal::stop_flag("what was read is kept")?;
    let result = memory(&options, &plan, &mut |event| show(&event, &plan), &stop);
    if result.is_err() {
        out_dir::forget_if_empty(&folder);
    }
    let found = result?;
    print(&found, args.json, output)?;
    if !args.json {
        output.line(&format!("\n{}", folder.join(measure::memory::FILE).display()))?;
    }
    Ok(exit(&found))
}

/// A law that was measured before, printed as after measuring it.
pub(crate) fn again(found: &MemoryRun, json: bool, output: &mut Output) -> Result<Exit, Failure> {
    print(found, json, output)?;
    Ok(exit(found))
}

fn exit(found: &MemoryRun) -> Exit {
    let failed = |row: &measure::memory::MemoryRow| row.live.failed.is_some() || row.ended.failed.is_some();
    if found.complete && !found.rows.iter().any(failed) { Exit::Good } else { Exit::Void }
}

fn plan(args: &MemoryArgs) -> Result<MemoryPlan, Failure> {
    let mut logins = if args.logins.is_empty() { SIZES.to_vec() } else { args.logins.clone() };
    if args.million {
        logins.extend(MILLION);
    }
    if !logins.is_sorted_by(|a, b| a < b) {
        return Err(Failure::usage("--logins: sizes do not rise").hint("write them from small to large"));
    }
    let usual = HumanDuration::from_millis(if args.million { 240_000 } else { 120_000 });
    let lifetime = args.lifetime.unwrap_or(usual);
    let whole = lifetime.as_nanos().is_multiple_of(1_000_000_000);
    if !whole || !(4..=86_400).contains(&(lifetime.as_nanos() / 1_000_000_000)) {
        return Err(Failure::usage(format!("--lifetime {lifetime} is not in whole seconds from 4s to 1d"))
            .hint("tokens expire in steps of a second; 2m is the default"));
    }
    if args.settle.as_nanos() > 3_600_000_000_000 {
        return Err(Failure::usage(format!("--settle {} is too long", args.settle)).hint("use 1h at most"));
    }
    let backends = if args.backend.is_empty() {
        let found = Shelf::Plans.resolve("standard")?;
        Plan::parse(&found.path, &found.text)?.backends
    } else {
        args.backend.clone()
    };
    Ok(MemoryPlan { backends, logins, lifetime, settle: args.settle })
}

fn say(text: &str) {
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(anstream::stderr(), "{}", redact(text));
}

/// The announcement and what a reader of a log must know everywhere, every step on a terminal.
fn show(event: &MemoryEvent, plan: &MemoryPlan) {
    let terminal = std::io::stderr().is_terminal();
    let kind = |live: bool| if live { "live" } else { "ended" };
    match event {
        MemoryEvent::Budget(budget) => say(&announcement(*budget, plan)),
        MemoryEvent::Skipped(skipped) => {
            say(&format!("skipped {}: {}\n  help: {}", skipped.row, skipped.reason, skipped.hint));
        }
        MemoryEvent::Finished { row, live, fill } if fill.failed.is_some() => {
            let why = fill.failed.as_deref().unwrap_or_default();
            say(&format!("failed: {row}, {} logins: {why}\n  the other backends go on", kind(*live)));
        }
        MemoryEvent::Filled { row, live, point } if terminal => {
            let store = point
                .reading
                .kept_bytes()
                .map_or_else(String::new, |kept| format!(", store {}", bytes(kept as f64)));
            let server = bytes(point.reading.server_bytes as f64);
            say(&format!("{row}: {} {} logins, server {server}{store}", count(point.logins), kind(*live)));
        }
        MemoryEvent::Waiting { fills, most_ns } if terminal => {
            say(&format!(
                "waiting until all logins of {fills} fills have expired: {} at most",
                time(*most_ns as f64)
            ));
        }
        MemoryEvent::Finished { row, live, .. } if terminal => {
            say(&format!("{row}, {} logins: done", kind(*live)));
        }
        _ => {}
    }
}

fn announcement(budget: MemoryBudget, plan: &MemoryPlan) -> String {
    format!(
        "{} fills of up to {} logins, {} at one time: up to {} of memory, {} at most",
        budget.fills,
        count(u64::from(plan.logins.last().copied().unwrap_or(0))),
        budget.together,
        bytes(budget.most_bytes as f64),
        time(budget.most_ms as f64 * 1e6)
    )
}

fn print(found: &MemoryRun, json: bool, output: &mut Output) -> Result<(), Failure> {
    let build = found.tool.binary_sha256.as_deref();
    let Some(law) = law(found, build, |_| true) else {
        return Err(Failure::void("it holds no backend").hint("measure again: authbench memory"));
    };
    if json {
        return output.json(&law);
    }
    for (kind, live) in [("live", true), ("ended", false)] {
        let most = count(law.most_logins as u64);
        output.line(&format!("Bytes for each {kind} login, from lines through up to {most} logins"))?;
        output.line(&format!(
            "  {:20} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8}",
            "", "server", "± at most", "store", "± at most", "left", "left"
        ))?;
        for row in &law.rows {
            output.line(&line(&row.row, if live { &row.live } else { &row.ended }))?;
        }
        output.line("")?;
    }
    for skipped in &found.skipped {
        output.line(&format!("  {:22} skipped: {}", skipped.row, skipped.reason))?;
    }
    output.paragraph("", &explained(&law))?;
    if !found.complete {
        output.line("Stopped before the end.")?;
    }
    Ok(())
}

fn explained(law: &Memory) -> String {
    let fills = law.rows.iter().flat_map(|row| [&row.live, &row.ended]);
    let watched = fills.filter_map(|fill| Some(fill.after?.watched_ns)).fold(0.0, f64::max);
    format!(
        "± is the distance of the size farthest from the line; < means that no growth beyond that was seen. Left is the \
         share of what was taken that server and store still held when they were looked at last, up to {} after \
         the last login had expired. Logins lived for {}.",
        time(watched),
        time(law.lifetime_ns)
    )
}

fn line(name: &str, fill: &MemoryFill) -> String {
    if let Some(failed) = &fill.failed {
        return format!("  {name:20} failed: {}", failed.lines().next().unwrap_or_default());
    }
    let cells = |line: Option<MemoryLine>| match line {
        Some(line) => (line.words(), bytes(line.residual_bytes)),
        None => ("-".to_owned(), "-".to_owned()),
    };
    let ((server, server_off), (store, store_off)) = (cells(fill.server), cells(fill.store));
    let left = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
    let (server_left, store_left) = fill
        .after
        .map_or_else(|| (left(None), left(None)), |a| (left(a.server_left_share), left(a.store_left_share)));
    format!(
        "  {name:20} {server:>9} {server_off:>9} {store:>9} {store_off:>9} {server_left:>8} {store_left:>8}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_thousands() {
        for (text, size) in [("1000", 1000), ("100_000", 100_000), ("100000000", 100_000_000)] {
            assert_eq!(super::size(text), Ok(size));
        }
        for text in ["0", "999", "1500", "-1000", "x", "", "100001000", "4294967296"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
