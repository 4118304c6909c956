//! `authbench adr`: decision records whose numbers can be checked years later.

use std::fs;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use measure::Recording;
use report::adr::{self, AdrError, Drift, Evidence, Part};
use report::comparison::{Analysis, Context, analyse};
use report::cost;
use serde::Serialize;

use crate::clock;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::pricing::{self, Pricing};

const NEW_EXAMPLE: &str = "Examples:
  authbench adr new reports/2026-11-23-host/recording --out docs/adr/0007-authentication.md
  authbench adr new reports/local/2026-11-23-quick | less

What stands between the evidence marks belongs to the tool, the rest to you. Keep the recording with the record: it is \
found again by its path relative to the file. Exit code 4 when the recording supports no decision.";

const VERIFY_EXAMPLE: &str = "Examples:
  authbench adr verify docs/adr/0007-authentication.md --max-age-days 365
  authbench adr verify docs/adr/*.md --json | jq '.[].drift'

Exit codes: 0 every number is what the data give · 2 a file that holds no evidence, or no recording where it says · \
3 a number is not what the data give, or they are too old · 4 the recording is void, or was changed after it was recorded";

/// Write and verify decision records
#[derive(Debug, clap::Args)]
pub(crate) struct AdrArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    New(NewArgs),
    Verify(VerifyArgs),
}

/// Write a record (MADR 4.0) with drivers, options and evidence filled in; the choice is yours
#[derive(Debug, clap::Args)]
#[command(after_help = NEW_EXAMPLE)]
struct NewArgs {
    /// Folder of the recording
    recording: PathBuf,
    /// File to write; standard output when left out. An existing file is never overwritten
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pricing: Pricing,
}

/// Derive every number of a record again from its recording
#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY_EXAMPLE)]
struct VerifyArgs {
    /// Records
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Fail when the data are older than this
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    max_age_days: Option<i64>,
    /// Where the recording is now, if it was moved
    #[arg(long, value_name = "DIR")]
    recording: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &AdrArgs, output: &mut Output) -> Result<Exit, Failure> {
    match &args.command {
        Command::New(args) => new(args, output),
        Command::Verify(args) => verify(args, output),
    }
}

fn new(args: &NewArgs, output: &mut Output) -> Result<Exit, Failure> {
    if let Some(out) = args.out.as_deref().filter(|out| out.exists()) {
        return Err(Failure::usage(format!("{} is already there: nothing was written", out.display()))
            .hint("name another file, or verify this one: authbench adr verify FILE"));
    }
    let sheet = pricing::sheet(&args.pricing.name)?;
    let (recording, analysis) = sound(&args.recording)?;
    let cost = cost::of(&recording, &sheet, None);
    let folder = args.out.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let prices_file = Path::new(&args.pricing.name);
    let evidence = Evidence {
        recording: &recording,
        analysis: &analysis,
        cost: &cost,
        place: &relative(&args.recording, folder)?,
        prices: &if prices_file.is_file() {
            relative(prices_file, folder)?
        } else {
            args.pricing.name.clone()
        },
    };
    let file = args.out.as_ref().map_or_else(|| "FILE".to_owned(), |out| out.display().to_string());
    let text = adr::document(&evidence, &clock::today(), &file);
    match &args.out {
        None => output.text(&text)?,
        Some(out) => {
            let written = fs::File::create_new(out).and_then(|mut file| file.write_all(text.as_bytes()));
            written.map_err(|source| {
                Failure::tool(format!("{} could not be written", out.display()))
                    .because(&source)
                    .hint("make the folder first, or choose a file that can be written to")
            })?;
            output.line(&out.display().to_string())?;
        }
    }
    Ok(Exit::Good)
}

/// A recording that supports a decision, with its analysis.
fn sound(folder: &Path) -> Result<(Recording, Analysis), Failure> {
    let recording = Recording::open(folder)?;
    let analysis = analyse(&recording.plan, &recording.blocks, &Context::of(&recording));
    match adr::void(&recording, &analysis) {
        None => Ok((recording, analysis)),
        Some(why) => Err(Failure::void(format!("{} supports no decision: {why}", folder.display()))
            .hint("measure again: authbench run")),
    }
}

/// What came of one record.
#[derive(Debug, Serialize)]
struct Verified {
    file: PathBuf,
    holds: bool,
    age_days: i64,
    too_old: bool,
    lines: usize,
    drift: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    line: usize,
    says: String,
    data: String,
}

fn verify(args: &VerifyArgs, output: &mut Output) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    for file in &args.files {
        all.push(verify_file(file, args)?);
    }
    if args.json {
        output.json(&all)?;
    } else {
        for verified in &all {
            print(verified, args, output)?;
        }
    }
    Ok(if all.iter().all(|verified| verified.holds) { Exit::Good } else { Exit::Violated })
}

fn verify_file(file: &Path, args: &VerifyArgs) -> Result<Verified, Failure> {
    let text = fs::read_to_string(file).map_err(|source| {
        Failure::usage(format!("{} cannot be read", file.display()))
            .because(&source)
            .hint("authbench adr new RECORDING --out FILE writes such a file")
    })?;
    let parts = adr::parse(&text).map_err(|error| refused(file, &error))?;
    let mut verified = Verified {
        file: file.to_owned(),
        holds: true,
        age_days: 0,
        too_old: false,
        lines: 0,
        drift: Vec::new(),
    };
    for part in &parts {
        let drift = verify_part(file, part, args, &mut verified.age_days)?;
        verified.lines += part.lines.len();
        verified.drift.extend(drift.into_iter().map(|d| Line { line: d.line, says: d.says, data: d.data }));
    }
    verified.too_old = args.max_age_days.is_some_and(|most| verified.age_days > most);
    verified.holds = verified.drift.is_empty() && !verified.too_old;
    Ok(verified)
}

fn verify_part(file: &Path, part: &Part, args: &VerifyArgs, age: &mut i64) -> Result<Vec<Drift>, Failure> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let place = args.recording.clone().unwrap_or_else(|| folder.join(&part.mark.recording));
    if !place.is_dir() {
        let message =
            format!("{}:{}: its recording is not at {}", file.display(), part.line, place.display());
        return Err(Failure::usage(message).hint("say where it is now: --recording DIR"));
    }
    let (recording, analysis) = sound(&place)?;
    let beside = folder.join(&part.mark.prices);
    let prices = if beside.is_file() { beside.display().to_string() } else { part.mark.prices.clone() };
    let cost = cost::of(&recording, &pricing::sheet(&prices)?, None);
    *age = (*age).max(clock::days_since(recording.run.started_unix_ns));
    let evidence = Evidence {
        recording: &recording,
        analysis: &analysis,
        cost: &cost,
        place: &part.mark.recording,
        prices: &part.mark.prices,
    };
    Ok(adr::verify(std::slice::from_ref(part), &evidence))
}

fn refused(file: &Path, error: &AdrError) -> Failure {
    Failure::usage(format!("{}:{}: {}", file.display(), error.line, error.message)).hint(&error.hint)
}

fn print(verified: &Verified, args: &VerifyArgs, output: &mut Output) -> Result<(), Failure> {
    let file = verified.file.display();
    for line in &verified.drift {
        output.line(&format!("{file}:{}:", line.line))?;
        output.line(&format!("    the record says: {}", line.says))?;
        output.line(&format!("    the data give:   {}", line.data))?;
    }
    if verified.too_old {
        let most = args.max_age_days.unwrap_or_default();
        output.line(&format!(
            "{file}: the data are {} days old, at most {most} are allowed",
            verified.age_days
        ))?;
    }
    if verified.holds {
        output.line(&format!(
            "{file}: all {} lines of evidence are what the data give, {} days old",
            verified.lines, verified.age_days
        ))?;
    }
    Ok(())
}

/// `path` as seen from `folder`, both taken from the current folder; an absolute path where nothing is shared.
fn relative(path: &Path, folder: &Path) -> Result<String, Failure> {
    let absolute = |path: &Path| {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        fs::canonicalize(path)
            .map_err(|source| Failure::usage(format!("{} cannot be found", path.display())).because(&source))
    };
    let (path, folder) = (absolute(path)?, absolute(folder)?);
    let shared = path.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    let seen: PathBuf = up.chain(path.components().skip(shared)).collect();
    let seen = if seen.as_os_str().is_empty() { Path::new(".").to_owned() } else { seen };
    seen.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!("{} is not UTF-8: a record cannot name it", path.display()))
            .hint("rename the folder")
    })
}
