//! `authbench conform`: does a backend hold what security demands of it?

mod launch;
mod show;

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use conformance::outcome::{BackendResult, Results, SCHEMA, Verdict};
use conformance::target::Untouchable;
use conformance::{Algorithm, Target};
use scenario::builtin::Shelf;

use self::launch::{Launched, Subject};
use crate::args::GivenRedis;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::signal;

const EXAMPLE: &str = "Examples:
  authbench conform
  authbench conform session-redis jwt-stateless+ES256 --details
  authbench conform my-backend.toml --json | jq '.backends[].statements[] | select(.verdict == \"fail\")'
  authbench conform session-memory --url http://127.0.0.1:8080 --control 127.0.0.1:9090
  authbench conform session-redis --redis redis+cluster://127.0.0.1:7000,127.0.0.1:7001

Every statement is about an address that speaks the HTTP contract of authbench. A backend that is started here signs with
a published test key, so that attacks with valid signatures can be sent; a name followed by +RS256, +PS256, +ES256 or
+EdDSA signs with that algorithm instead. With --redis, what reads all of a store or breaks it is not run: S8, F1, F2, F3.

Exit codes: 0 every statement that applies holds · 3 one does not · 4 a backend could not be checked";

/// Check what security demands of a backend, and attack it
///
/// Starts each backend in its own process, with a Redis of its own where it needs one, checks statements about tokens,
/// sessions, refresh, logins and failures over HTTP, and sends the attack corpus. Without a name: every built-in backend
/// outside PostgreSQL, and jwt-stateless with every algorithm.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct ConformArgs {
    /// Backends: files, or built-in names
    #[arg(value_name = "BACKEND")]
    backends: Vec<String>,
    /// Check what answers here instead of starting it; the one BACKEND then says what it promises
    #[arg(long, value_name = "URL", conflicts_with = "redis")]
    url: Option<String>,
    /// Control address of what answers at --url; never expose it
    #[arg(long, value_name = "ADDRESS", requires = "url")]
    control: Option<SocketAddr>,
    #[command(flatten)]
    redis: GivenRedis,
    /// Print every statement with its reason, not only those that fail
    #[arg(long, conflicts_with = "json")]
    details: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write the results as JSON into this file as well; `report` reads `conformance.json` beside a recording, and `run
    /// --conform` writes it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &ConformArgs, output: &mut Output) -> Result<Exit, Failure> {
    let stop = signal::stop_flag("the backend being checked is finished first")?;
    let backends = match &args.url {
        Some(url) => vec![elsewhere(args, url)?],
        None => {
            let names = if args.backends.is_empty() { usual() } else { args.backends.clone() };
            check(&names, args.redis.address()?.as_deref(), &stop)?
        }
    };
    let results = of(backends);
    if let Some(path) = &args.out {
        write(path, &results)?;
    }
    if args.json {
        output.json(&results)?;
    } else {
        show::results(output, &results, args.details)?;
    }
    Ok(exit(&results))
}

/// Checks backends of these names, files or built-in ones, on a Redis of their own or on this one, and writes what came of
/// it into `path`.
///
/// # Errors
/// When a name is wrong, when it is stopped, or when the file cannot be written.
pub(crate) fn into_file(
    names: &[String],
    redis: Option<&str>,
    stop: &AtomicBool,
    path: &Path,
) -> Result<(), Failure> {
    write(path, &of(check(names, redis, stop)?))
}

/// Starts and checks one after the other.
fn check(names: &[String], redis: Option<&str>, stop: &AtomicBool) -> Result<Vec<BackendResult>, Failure> {
    // A name that is wrong is told before anything is started.
    let subjects: Vec<Subject> = names.iter().map(|name| Subject::read(name)).collect::<Result<_, _>>()?;
    let mut results = Vec::new();
    for subject in &subjects {
        if stop.load(Ordering::SeqCst) {
            return Err(Failure::void("stopped before every backend was checked"));
        }
        results.push(started_here(subject, redis)?);
    }
    Ok(results)
}

fn of(backends: Vec<BackendResult>) -> Results {
    Results { schema: SCHEMA.to_owned(), tool: env!("CARGO_PKG_VERSION").to_owned(), backends }
}

fn exit(results: &Results) -> Exit {
    let any = |of: fn(&BackendResult) -> bool| results.backends.iter().any(of);
    if any(|backend| backend.failing().next().is_some()) {
        Exit::Violated
    } else if any(|backend| backend.broken.is_some() || backend.count(Verdict::Pass) == 0) {
        Exit::Void
    } else {
        Exit::Good
    }
}

/// What is checked without a name: every built-in backend, and every algorithm once.
fn usual() -> Vec<String> {
    let startable = |name: &str| Subject::read(name).is_ok_and(|subject| !subject.needs_postgres);
    let built_in = Shelf::Backends.all().iter().map(|file| file.name).filter(|name| startable(name));
    let built_in = built_in.map(str::to_owned);
    let algorithms = Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != Algorithm::Hs256);
    built_in.chain(algorithms.map(|algorithm| format!("jwt-stateless+{}", algorithm.name()))).collect()
}

/// Starts a backend, checks it, ends it.
fn started_here(subject: &Subject, redis: Option<&str>) -> Result<BackendResult, Failure> {
    let progress = show::Progress::of(&subject.name);
    let (target, mut launched) = match Launched::start(subject, redis) {
        Ok(started) => started,
        Err(failure) => return Ok(BackendResult::broken(&subject.name, failure.text())),
    };
    let result = conformance::run(&target, &mut launched, &mut |statement| progress.at(statement));
    progress.finish();
    Ok(result)
}

/// Checks what answers at an address.
fn elsewhere(args: &ConformArgs, url: &str) -> Result<BackendResult, Failure> {
    let wrong = |why: &str| {
        Failure::usage(format!("--url: `{url}` {why}")).hint("it looks like http://127.0.0.1:8080")
    };
    let parsed = url::Url::parse(url).map_err(|_| wrong("is no URL"))?;
    if parsed.scheme() != "http" {
        return Err(wrong("is not http: attacks on the framing of messages need a plain connection"));
    }
    let host = parsed.host_str().ok_or_else(|| wrong("names no host"))?;
    let port = parsed.port_or_known_default().unwrap_or(80);
    let address = (host.trim_matches(['[', ']']), port)
        .to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .ok_or_else(|| wrong("cannot be resolved"))?;
    let subject = match args.backends.as_slice() {
        [] => None,
        [name] => Some(Subject::read(name)?),
        _ => {
            return Err(
                Failure::usage("one address is one backend").hint("name one BACKEND with --url, or none")
            );
        }
    };
    let target = Target {
        name: subject.as_ref().map_or_else(|| url.to_owned(), |subject| subject.name.clone()),
        address,
        control: args.control,
        describe: serde_json::Value::Null,
        promises: subject.as_ref().map(|subject| subject.promises),
        key: subject.and_then(|subject| subject.own_key()),
        store: None,
        deadline_ms: launch::DEADLINE_MS,
    };
    let progress = show::Progress::of(&target.name);
    let result = conformance::run(&target, &mut Untouchable, &mut |statement| progress.at(statement));
    progress.finish();
    Ok(result)
}

fn write(path: &Path, results: &Results) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(results)
        .map_err(|source| Failure::tool("the results could not be written as JSON").because(&source))?;
    text.push('\n');
    fs::write(path, text)
        .map_err(|source| Failure::tool(format!("{} cannot be written", path.display())).because(&source))
}

#[cfg(test)]
mod tests {
    use conformance::StatementResult;

    use super::*;

    fn of(verdicts: &[Verdict]) -> BackendResult {
        let statement = |verdict: &Verdict| StatementResult {
            id: "J1".into(),
            text: String::new(),
            source: String::new(),
            verdict: *verdict,
            reason: String::new(),
            cases: 0,
            evidence: Vec::new(),
        };
        BackendResult {
            backend: "x".into(),
            broken: None,
            statements: verdicts.iter().map(statement).collect(),
        }
    }

    #[test]
    fn a_failure_outweighs_what_could_not_be_run() {
        let code = |backends: Vec<BackendResult>| {
            exit(&Results { schema: SCHEMA.into(), tool: String::new(), backends })
        };
        let good = || of(&[Verdict::Pass, Verdict::DoesNotApply]);
        assert_eq!(code(vec![good()]), Exit::Good);
        assert_eq!(code(vec![good(), of(&[Verdict::Pass, Verdict::Fail])]), Exit::Violated);
        assert_eq!(code(vec![good(), BackendResult::broken("y", "no Redis")]), Exit::Void);
        assert_eq!(code(vec![of(&[Verdict::Fail]), BackendResult::broken("y", "no Redis")]), Exit::Violated);
        assert_eq!(code(vec![of(&[Verdict::NotRun])]), Exit::Void);
    }

    #[test]
    fn without_a_name_every_algorithm_is_checked() {
        let names = usual();
        assert!(names.len() >= 12, "{names:?}");
        for name in names {
            Subject::read(&name).unwrap();
        }
    }
}
