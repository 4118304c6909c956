//! `authbench advise`: a question in plain words, answered from a recording.

use std::path::PathBuf;

use measure::Recording;
use report::advise::{Advice, Design, Meets, Wish, advise};
use report::comparison::{Context, analyse};
use report::model::Figure;
use report::number;
use scenario::units::HumanDuration;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::pricing::{self, Pricing};

const EXAMPLE: &str = "Examples:
  authbench advise reports/local/2026-11-23-quick --logins 200000 --rate 3000 --replicas 6 --tolerate 60s
  authbench advise reports/local/2026-11-23-quick --logins 1e6 --rate 500 --tolerate 8h --json | jq '.designs[].row'

Whatever lies beyond the measurement is said to. Exit code 4 when the recording is void.";

/// Ask which designs meet a need, and what each costs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct AdviseArgs {
    /// Folder of the recording
    recording: PathBuf,
    /// Live logins at once
    #[arg(long, value_name = "N", value_parser = amount, allow_negative_numbers = true)]
    logins: f64,
    /// Requests per second, mean
    #[arg(long, value_name = "N", value_parser = rate, allow_negative_numbers = true)]
    rate: f64,
    /// Server processes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    replicas: u32,
    /// How long a stolen credential may go on working after its login was ended, e.g. 0s, 60s, 8h
    #[arg(long, value_name = "TIME")]
    tolerate: HumanDuration,
    /// Paired scenario to answer from; the plan's first when left out
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    #[command(flatten)]
    pricing: Pricing,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn amount(text: &str) -> Result<f64, String> {
    match text.replace(['_', ','], "").parse::<f64>() {
        Ok(value) if (0.0..=1e15).contains(&value) => Ok(value),
        _ => Err("write a number from 0 to 1e15, e.g. 200000".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    amount(text)
        .ok()
        .filter(|&rate| rate >= 1e-3)
        .ok_or_else(|| "write requests per second, 0.001 or more, e.g. 3000".to_owned())
}

pub(crate) fn run(args: &AdviseArgs, output: &mut Output) -> Result<Exit, Failure> {
    let sheet = pricing::sheet(&args.pricing.name)?;
    let recording = Recording::open(&args.recording)?;
    let analysis = analyse(&recording.plan, &recording.blocks, &Context::of(&recording));
    let wish = Wish {
        logins: args.logins,
        rate: args.rate,
        replicas: args.replicas,
        tolerate_ns: args.tolerate.as_nanos(),
    };
    let advice = advise(wish, args.scenario.as_deref(), &recording, &analysis, &sheet)?;
    if args.json {
        output.json(&advice)?;
    } else {
        print(&advice, output)?;
    }
    Ok(Exit::Good)
}

fn print(advice: &Advice, output: &mut Output) -> Result<(), Failure> {
    let wish = &advice.wish;
    let logins = advice
        .measured_logins
        .map_or_else(String::new, |logins| format!(", {} logins", number::grouped(logins, 0)));
    output.line(&format!(
        "{} logins, {} requests/s, {}, {} tolerated",
        number::grouped(wish.logins, 0),
        number::short(wish.rate),
        if wish.replicas == 1 {
            "1 replica".to_owned()
        } else {
            format!("{} replicas", number::count(wish.replicas.into()))
        },
        number::time(wish.tolerate_ns as f64)
    ))?;
    let measured = format!(
        "Measured: `{}` at {} requests/s{logins}. Prices: {}, the oldest of {}.",
        advice.scenario,
        number::short(advice.measured_rate),
        advice.prices,
        advice.oldest_price
    );
    output.paragraph("", &measured)?;
    for design in &advice.designs {
        output.line("")?;
        print_design(design, advice, output)?;
    }
    output.line("\nNot known from this recording:")?;
    for sentence in &advice.not_known {
        output.paragraph("  - ", sentence)?;
    }
    Ok(())
}

fn print_design(design: &Design, advice: &Advice, output: &mut Output) -> Result<(), Failure> {
    let money = |figure: Figure| format!("{} {}", advice.currency, interval(figure, number::money));
    output.line(&format!("{} {}: {}", design.meets.glyph(), design.row, design.meets.label()))?;
    for reason in &design.against {
        output.paragraph("    no: ", reason)?;
    }
    if design.meets != Meets::No {
        output.paragraph(
            "    ",
            &format!(
                "{} a month, {} per million requests",
                money(design.per_month),
                money(design.per_million)
            ),
        )?;
        match design.over_cheapest_per_month {
            None => output.line("    the cheapest of those that meet it")?,
            Some(over) if over.interval().is_some_and(|(low, _)| low > 0.0) => {
                output.line(&format!("    {} a month more than the cheapest", money(over)))?;
            }
            Some(_) => output.line("    not distinguishable from the cheapest")?,
        }
        output.line(&format!("    {} vCPU of servers", interval(design.vcpu, number::short)))?;
        if let Some(bytes) = design.store_bytes {
            output.line(&format!("    {} in the store", interval(bytes, number::bytes)))?;
        }
        for sentence in &design.not_known {
            output.paragraph("    not known: ", sentence)?;
        }
    }
    Ok(())
}

fn interval(figure: Figure, text: impl Fn(f64) -> String) -> String {
    match figure.interval() {
        Some((low, high)) => format!("{} [{}, {}]", text(figure.value), text(low), text(high)),
        None => text(figure.value),
    }
}
