//! From a recording to a [`Report`]: the analysis, joined with what the recording says of rows, machine and settings.
//!
//! Invariant: a pure function of the recording. Numbers are kept to six significant digits and ratios to four decimals,
//! finer than any of them is known, so that the files stay small and read alike everywhere.

use measure::Recording;
use measure::recording::sha256_hex;
use serde::Serialize;

use crate::answer;
use crate::comparison::{Analysis, Context, Estimate, analyse};
use crate::model::{Figure, Report, Run, SCHEMA, Scenario, Skipped, Warning, WrongAnswers};
use crate::number;
use crate::number::six_digits as rounded;
use crate::sweep;

mod capacity;
mod drill;
mod environment;
mod episode;
mod memory;
mod note;
mod quantile;
mod row;
mod scenario;
mod validity;

/// Builds the report of a recording.
///
/// # Errors
///
/// When the histograms of the recording cannot be read.
pub fn build(recording: &Recording) -> Result<Report, measure::Error> {
    let analysis = analyse(&recording.plan, &recording.blocks, &Context::of(recording));
    build_from(recording, &analysis)
}

/// Builds the report of a recording whose analysis is at hand.
///
/// # Errors
///
/// When the histograms of the recording cannot be read.
pub fn build_from(recording: &Recording, analysis: &Analysis) -> Result<Report, measure::Error> {
    let rows = row::rows(recording, analysis);
    let mut report = Report {
        schema: SCHEMA.to_owned(),
        question: question(recording),
        answer: Vec::new(),
        run: run(recording, analysis),
        validity: validity::validity(analysis),
        scenarios: scenario::scenarios(recording, analysis)?,
        episodes: episode::episodes(recording, analysis),
        wrong: analysis.wrong.iter().map(wrong).collect(),
        skipped: recording.run.skipped.iter().map(skipped).collect(),
        warnings: Vec::new(),
        claims: Vec::new(),
        cost: None,
        conformance: None,
        capacity: capacity::capacity(recording, analysis)?,
        memory: memory::memory(recording, analysis)?,
        faults: crate::faults::beside(&recording.directory)?,
        sweep: None,
        drill: None,
        notes: Vec::new(),
        environment: environment::environment(recording),
        rows,
    };
    if let Some(drill) = sweep::beside(recording)? {
        report.drill = drill::drill(&drill);
        report.sweep = sweep::sweep(recording, &report, &drill);
        for (name, (exposure_ns, _, _)) in sweep::exposures(&drill) {
            if let Some(row) = report.rows.iter_mut().find(|row| row.name == name) {
                row.survival_ns = Some(exposure_ns);
            }
        }
    }
    let failed = recording.run.rows.iter().filter_map(failed);
    let void = report.scenarios.iter().filter_map(void);
    report.warnings = failed.chain(void).chain(warnings(recording)).collect();
    report.notes = note::notes(recording, &report);
    report.answer = answer::answer(&report);
    Ok(report)
}

/// The question of the first scenario, and that of the security drill where there is one.
fn question(recording: &Recording) -> String {
    let scenarios = &recording.run.scenarios;
    let first = scenarios.iter().find(|scenario| scenario.paired).or(scenarios.first());
    let cost = first.map_or("What does each way of authentication cost?", |scenario| &scenario.question);
    let drilled = recording.blocks.iter().any(|block| block.exposure.iter().any(|e| e.sent_after > 0));
    let risk = if drilled { " And how long does a stolen credential go on working?" } else { "" };
    format!("{cost}{risk}")
}

fn run(recording: &Recording, analysis: &Analysis) -> Run {
    let plan = &recording.plan;
    let blocks = &recording.blocks;
    let first = blocks.iter().map(|block| block.started_unix_ns).min();
    let last = blocks.iter().map(|block| block.started_unix_ns + block.measured_ns).max();
    let nanoseconds = first.zip(last).map_or(0, |(first, last)| last.saturating_sub(first));
    let used = |usable: fn(&measure::block::Validity) -> bool| {
        blocks.iter().filter(|block| usable(&block.validity)).count() as u64
    };
    Run {
        plan: plan.name.clone(),
        plan_sha256: recording.plan_sha256.clone(),
        data_sha256: recording.sha256.clone().unwrap_or_else(|| chain(recording)),
        seed: plan.seed,
        baseline: analysis.baseline.clone(),
        floor: analysis.floor.clone(),
        alpha: plan.statistics.alpha,
        margin: plan.statistics.margin,
        restarts: plan.statistics.restarts,
        complete: recording.is_complete(),
        started: environment::utc(first.unwrap_or(recording.run.started_unix_ns)),
        seconds: rounded(nanoseconds as f64 / 1e9),
        blocks: blocks.len() as u64,
        blocks_used: used(|validity| validity.valid && validity.response_times),
        tool: recording.run.tool.version.clone(),
    }
}

/// Names the data of a run that was cut off: the hash of its last finished block, which holds all before it.
fn chain(recording: &Recording) -> String {
    let last = recording.blocks.last().and_then(|block| serde_json::to_vec(block).ok());
    sha256_hex(&last.unwrap_or_default())
}

fn wrong(wrong: &crate::comparison::WrongAnswers) -> WrongAnswers {
    WrongAnswers {
        scenario: wrong.scenario.clone(),
        row: wrong.row.clone(),
        operation: word(&wrong.operation),
        outcome: word(&wrong.outcome),
        count: wrong.count,
        of: wrong.of,
    }
}

fn skipped(skipped: &measure::event::Skipped) -> Skipped {
    Skipped { backend: skipped.row.clone(), reason: skipped.reason.clone(), advice: skipped.hint.clone() }
}

/// A row that ended before the run did.
fn failed(row: &measure::recording::RowRecord) -> Option<Warning> {
    let failure = row.failure.as_ref()?;
    Some(Warning {
        text: format!("{} has no rank: {}", row.name, row::failure(failure)),
        advice: "What it said last is in events.jsonl; the other rows were measured to the end.".to_owned(),
    })
}

/// Blocks that could not be used, and why.
fn void(scenario: &Scenario) -> Option<Warning> {
    // A block in twenty is what a shared machine costs; the chart of blocks in time shows it.
    if scenario.blocks_void * 20 <= scenario.blocks.len() as u64 {
        return None;
    }
    let first = scenario.void_reasons.first()?;
    let said =
        if first.example.is_empty() { String::new() } else { format!(" The first said: {}.", first.example) };
    let checks: Vec<String> =
        scenario.void_reasons.iter().map(|reason| format!("{} ({})", reason.check, reason.blocks)).collect();
    Some(Warning {
        text: format!(
            "{} of {} blocks of {} were not used for response times. Self-checks that failed: {}.{said}",
            scenario.blocks_void,
            scenario.blocks.len(),
            scenario.name,
            checks.join(", "),
        ),
        advice: "Run on an idle machine; `authbench doctor` says what it can measure.".to_owned(),
    })
}

/// Remarks made during the run, each once, with how often it was made.
fn warnings(recording: &Recording) -> Vec<Warning> {
    let mut warnings: Vec<(Warning, u32)> = Vec::new();
    for warning in recording.warnings() {
        let about = if warning.row.is_empty() { String::new() } else { format!("{}: ", warning.row) };
        let said = Warning { text: format!("{about}{}", warning.message), advice: String::new() };
        match warnings.iter_mut().find(|(other, _)| *other == said) {
            Some((_, times)) => *times += 1,
            None => warnings.push((said, 1)),
        }
    }
    let say = |(mut warning, times): (Warning, u32)| {
        if times > 1 {
            warning.text = format!("{} ({times} times)", warning.text);
        }
        warning
    };
    warnings.into_iter().map(say).collect()
}

fn figure(estimate: Estimate) -> Figure {
    kept(estimate, rounded)
}

fn ratio(estimate: Estimate) -> Figure {
    kept(estimate, number::four_decimals)
}

fn kept(estimate: Estimate, digits: fn(f64) -> f64) -> Figure {
    let figure = Figure::from(estimate);
    Figure { value: digits(figure.value), low: figure.low.map(digits), high: figure.high.map(digits) }
}

/// The word that serde writes for a unit variant.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Name of a scenario at a store distance: passes at different distances stand apart.
fn pass_name(scenario: &str, store_rtt_us: u64) -> String {
    if store_rtt_us == 0 {
        return scenario.to_owned();
    }
    format!("{scenario} ({store_rtt_us} µs to the store)")
}
