//! The figures, their floors and aims, and the table.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::sync::atomic::AtomicBool;

use loadgen::conformance;

use crate::tools::{self, Responder, Run, Tool};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Parts of the table.
const PARTS: [&str; 6] = ["cpu", "many", "calls", "memory", "subjects", "checks"];

/// How long everything takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    rounds: usize,
    seconds: f64,
    memory_seconds: f64,
    checks: conformance::Scale,
    jar_seconds: f64,
}

impl Scale {
    pub(crate) fn full() -> Self {
        let checks = conformance::Scale::Full;
        Self { rounds: 7, seconds: 3.0, memory_seconds: 30.0, checks, jar_seconds: 3.0 }
    }

    pub(crate) fn quick() -> Self {
        let checks = conformance::Scale::Quick;
        Self { rounds: 3, seconds: 1.0, memory_seconds: 3.0, checks, jar_seconds: 1.0 }
    }
}

/// Measures everything, or one part, and prints the table as it grows.
pub(crate) fn measure(scale: Scale, part: Option<&str>) -> Fallible<()> {
    if let Some(unknown) = part.filter(|part| !PARTS.contains(part)) {
        return Err(format!("no part `{unknown}`: give one of {}", PARTS.join(", ")).into());
    }
    let wanted = |name| part.is_none_or(|part| part == name);
    let Some((own, others)) = loadgen::split_cores() else {
        return Err("two cores are needed: one for the generator, one for the responder".into());
    };
    let (core, other) = (own[0], others[0]);
    let mut table = Table::default();
    table.header()?;
    let mut responder = Responder::start(other)?;
    if wanted("cpu") {
        for connections in [32, 64] {
            cpu(&mut table, &mut responder, core, connections, scale)?;
        }
    }
    if wanted("many") {
        many(&mut table, &responder, core, scale)?;
    }
    if wanted("calls") {
        calls(&mut table, &mut responder, core)?;
    }
    if wanted("memory") {
        memory(&mut table, &mut responder, core, scale)?;
    }
    if wanted("subjects") {
        subjects(&mut table, &responder, core, scale)?;
    }
    drop(responder);
    if wanted("checks") {
        checks(&mut table, scale)?;
    }
    table.footer()
}

/// CPU per request, in rounds of one turn each.
fn cpu(
    table: &mut Table,
    responder: &mut Responder,
    core: usize,
    connections: u32,
    scale: Scale,
) -> Fallible<()> {
    let tools: Vec<Tool> = Tool::ALL.into_iter().filter(|tool| tool.is_installed()).collect();
    let mut rounds: Vec<BTreeMap<&'static str, Run>> = Vec::new();
    for round in 0..scale.rounds {
        let mut runs = BTreeMap::new();
        for turn in 0..tools.len() {
            let tool = tools[(turn + round) % tools.len()];
            runs.insert(tool.name(), tools::run(tool, responder, core, connections, scale.seconds)?);
        }
        rounds.push(runs);
    }
    let per_request = |tool: Tool| {
        median(rounds.iter().filter_map(|runs| runs.get(tool.name())).map(Run::cpu_per_request).collect())
    };
    for tool in &tools {
        let rate =
            median(rounds.iter().map(|runs| runs[tool.name()].requests as f64 / scale.seconds).collect());
        let what = format!("{}, {connections} connections: CPU per request", tool.name());
        table.fact(&what, &format!("{:.2} us at {rate:.0}/s", per_request(*tool) / 1000.0))?;
    }
    for (tool, floor, aim) in [
        (Tool::Wrk, 0.88, 0.82),
        (Tool::Bare, 1.15, 1.06),
        (Tool::H2load, 0.80, 0.75),
        (Tool::Oha, 0.70, 0.60),
        (Tool::Hey, 0.70, 0.60),
    ] {
        let what = format!("CPU per request of {}, {connections} connections", tool.name());
        if !tools.contains(&tool) {
            table.fact(&what, "not installed")?;
            continue;
        }
        let ratios = rounds
            .iter()
            .map(|runs| runs[Tool::Own.name()].cpu_per_request() / runs[tool.name()].cpu_per_request())
            .collect();
        table.at_most(&what, median(ratios), "x", floor, aim)?;
    }
    Ok(())
}

/// Ten thousand connections: against the bare loop, which has the same sockets to look after.
fn many(table: &mut Table, responder: &Responder, core: usize, scale: Scale) -> Fallible<()> {
    let mut ratios = Vec::new();
    let mut own = Vec::new();
    for _ in 0..scale.rounds {
        // By their own account, from when all connections are open: opening them is most of a short run.
        let per_request = |role: &str| -> Fallible<f64> {
            let words = [role, &responder.address, "10000", &scale.seconds.to_string()];
            let report: serde_json::Value = serde_json::from_str(&tools::role(core, &words)?)?;
            report["generator_cpu_ns_per_request"]
                .as_f64()
                .ok_or_else(|| format!("{role} reports no CPU").into())
        };
        let (ours, bare) = (per_request("own")?, per_request("bare")?);
        ratios.push(ours / bare);
        own.push(ours);
    }
    let what = "ours, 10,000 connections: CPU per request";
    table.fact(what, &format!("{:.2} us", median(own) / 1000.0))?;
    table.at_most("CPU per request of bare epoll loop, 10,000 connections", median(ratios), "x", 1.15, 1.06)
}

fn calls(table: &mut Table, responder: &mut Responder, core: usize) -> Fallible<()> {
    if !tools::on_path("strace") {
        return table.fact("system calls per request", "strace is not installed");
    }
    for tool in [Tool::Wrk, Tool::H2load] {
        if tool.is_installed() {
            let calls = tools::system_calls(tool, responder, core, 32)?;
            table.fact(&format!("{}: system calls per request", tool.name()), &format!("{calls:.2}"))?;
        }
    }
    let calls = tools::system_calls(Tool::Own, responder, core, 32)?;
    table.at_most("system calls per request, 32 connections", calls, "", 2.4, 2.1)?;
    for wait in ["pwait2", "timerfd"] {
        let calls = tools::system_calls_paced(wait, responder, core)?;
        let what = format!("system calls per request, open loop without spin, {wait}");
        table.fact(&what, &format!("{calls:.2}"))?;
    }
    Ok(())
}

fn memory(table: &mut Table, responder: &mut Responder, core: usize, scale: Scale) -> Fallible<()> {
    let run = tools::run(Tool::Own, responder, core, 64, scale.memory_seconds)?;
    let what = format!("peak resident memory, {:.0} s at full rate", scale.memory_seconds);
    table.at_most(&what, run.peak_bytes as f64 / 1e6, "MB", 20.0, 10.0)
}

fn subjects(table: &mut Table, responder: &Responder, core: usize, scale: Scale) -> Fallible<()> {
    let mut cpu = BTreeMap::new();
    let mut beyond = 0.0;
    // Interleaved, and the median of three each: other work on the machine hits both.
    for _ in 0..3 {
        for count in ["1000", "1000000"] {
            let line =
                tools::role(core, &["jar", &responder.address, count, &scale.jar_seconds.to_string()])?;
            let numbers: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            let [_, credentials, added, per_request] = numbers[..] else {
                return Err(format!("unexpected line from the jar: {line}").into());
            };
            cpu.entry(count).or_insert_with(Vec::new).push(per_request);
            beyond = (added - credentials) / 1e6;
        }
    }
    let ratio = median(cpu["1000000"].clone()) / median(cpu["1000"].clone());
    table.at_most("memory beyond the credentials of 1,000,000 subjects", beyond, "MB", 64.0, 64.0)?;
    table.at_most("CPU per request, 1,000,000 subjects against 1,000", ratio, "x", 1.3, 1.3)
}

fn checks(table: &mut Table, scale: Scale) -> Fallible<()> {
    let found = conformance::check_generator(scale.checks, &AtomicBool::new(false), |_| {})?;
    for check in &found {
        let measured = check.measured.unwrap_or(0.0);
        let truth = check.truth.unwrap_or(0.0);
        if check.name.starts_with("stall oracle") {
            let off = (measured / truth - 1.0).abs() * 100.0;
            let floor = if check.name.ends_with("p99") { 2.0 } else { 4.0 };
            table.at_most(&format!("{}, distance from the truth", check.name), off, "%", floor, 0.5)?;
            table.fact("", &check.note)?;
        } else if check.name.starts_with("send lag p99") && check.bounds.is_some() {
            table.at_most(&format!("{}, 10,000/s", check.name), measured, "us", 80.0, 40.0)?;
            table.fact("", &check.note)?;
        } else if check.name.starts_with("dispersion") {
            table.at_most(
                &format!("{}, distance from 1", check.name),
                (measured - 1.0).abs(),
                "",
                0.1,
                0.05,
            )?;
            table.fact("", &format!("{measured:.3}; {}", check.note))?;
        } else if check.name.starts_with("known delay") {
            table.at_most(
                &format!("{}, distance", check.name),
                (measured - truth).abs(),
                "us",
                50.0,
                50.0,
            )?;
        } else {
            let value =
                check.measured.map_or_else(String::new, |value| format!("{value:.2} {}; ", check.unit));
            table.fact(&check.name, &format!("{value}{}", check.note))?;
        }
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => (values[count / 2 - 1] + values[count / 2]) / 2.0,
    }
}

/// Prints rows and counts misses.
#[derive(Debug, Default)]
struct Table {
    passed: usize,
    missed: Vec<String>,
}

impl Table {
    fn header(&self) -> Fallible<()> {
        row(&["figure", "measured", "floor", "aim", "verdict"])
    }

    /// A figure without a bound.
    fn fact(&mut self, what: &str, value: &str) -> Fallible<()> {
        row(&[what, value, "", "", ""])
    }

    fn at_most(&mut self, what: &str, value: f64, unit: &str, floor: f64, aim: f64) -> Fallible<()> {
        let verdict = if value <= aim {
            "aim met"
        } else if value <= floor {
            "floor met"
        } else {
            "MISSED"
        };
        if value <= floor {
            self.passed += 1;
        } else {
            self.missed.push(what.to_owned());
        }
        let with_unit = |value: f64| format!("{value:.2} {unit}").trim_end().to_owned();
        row(&[what, &with_unit(value), &with_unit(floor), &with_unit(aim), verdict])
    }

    fn footer(&self) -> Fallible<()> {
        let count = self.passed + self.missed.len();
        writeln!(io::stdout(), "\n{} of {count} floors met", self.passed)?;
        for what in &self.missed {
            writeln!(io::stdout(), "missed: {what}")?;
        }
        Ok(())
    }
}

fn row(cells: &[&str; 5]) -> Fallible<()> {
    let [what, value, floor, aim, verdict] = cells;
    writeln!(io::stdout(), "{what:<58} {value:>22} {floor:>9} {aim:>9}  {verdict}")?;
    Ok(())
}
