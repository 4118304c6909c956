//! Does the time of a refused login tell whether the user exists?
//!
//! Serves a backend in this process and sends pairs of logins over HTTP, one of an unknown user and one with a wrong
//! password, in random order within the pair, spread over accounts so that none comes near its lockout. Prints the median
//! times, the paired difference with its interval, and the share of the median that it is.
//!
//! ```text
//! cargo run --release -p benches --example login_timing [PAIRS] [BACKEND]
//! ```
//!
//! 10,000 pairs over 400 accounts by default, which takes about five minutes. Exit code 1 when the difference is 1 % of
//! the median time or more with an interval that excludes smaller ones, 4 when the interval is too wide to say.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use benches::backends::file;
use conformance::http::{Client, Exchange, Request};
use scenario::BackendFile;
use scenario::wire::{PasswordHash, ReadyLine, ServeOptions};
use stats::Random;
use stats::quantile::{median, sorted};

/// Accounts, known and unknown each: at most 25 failures on one by default, where 50 in a row lock it.
const ACCOUNTS: usize = 400;
/// Failures in a row that lock an account.
const LOCKOUT: usize = 50;
/// The difference that must not be reached, as a share of the median.
const BOUND: f64 = 0.01;
const SEED: u64 = 2026;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let pairs = arguments.next().map_or(Ok(10_000), |pairs| pairs.parse::<usize>());
    let backend = arguments.next().unwrap_or_else(|| "session-memory".to_owned());
    let Some(pairs) = pairs.ok().filter(|pairs| *pairs >= 20 && *pairs < ACCOUNTS * LOCKOUT) else {
        let _ =
            writeln!(io::stderr(), "usage: login_timing [PAIRS, 20 to {}] [BACKEND]", ACCOUNTS * LOCKOUT - 1);
        return ExitCode::from(2);
    };
    match compare(pairs, &backend) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "login_timing: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(pairs: usize, backend: &str) -> Outcome<ExitCode> {
    let address = serve(backend)?;
    let client = Client::new(address, Duration::from_secs(20));
    let mut random = Random::new(SEED, 0);
    let (mut unknown, mut wrong) = (Vec::with_capacity(pairs), Vec::with_capacity(pairs));
    for pair in 0..pairs {
        let account = pair % ACCOUNTS;
        // Names of the same length: a longer message would take a little longer by itself.
        let nobody = request(&format!("n{account:08}"));
        let somebody = request(&format!("u{account:08}"));
        if random.below(2) == 0 {
            unknown.push(time(&client.request(&nobody))?);
            wrong.push(time(&client.request(&somebody))?);
        } else {
            wrong.push(time(&client.request(&somebody))?);
            unknown.push(time(&client.request(&nobody))?);
        }
    }
    let differences: Vec<f64> = unknown.iter().zip(&wrong).map(|(unknown, wrong)| unknown - wrong).collect();
    let (of_unknown, of_wrong) = (median(&unknown)?, median(&wrong)?);
    let difference = median(&differences)?;
    let (low, high) = interval_of_median(&differences);
    let share = |value: f64| 100.0 * value / of_wrong;
    let (low, high) = (low / of_wrong, high / of_wrong);
    let mut out = io::stdout().lock();
    writeln!(out, "{backend}: {pairs} pairs over {ACCOUNTS} accounts")?;
    writeln!(
        out,
        "median: unknown user {:.3} ms, wrong password {:.3} ms",
        of_unknown / 1e6,
        of_wrong / 1e6
    )?;
    writeln!(
        out,
        "paired difference: median {:+.1} µs ({:+.3} %), 95 % interval {:+.3} % to {:+.3} %",
        difference / 1e3,
        share(difference),
        100.0 * low,
        100.0 * high
    )?;
    let (verdict, code) = if low > -BOUND && high < BOUND && (difference / of_wrong).abs() < BOUND {
        ("below 1 %", ExitCode::SUCCESS)
    } else if low >= BOUND || high <= -BOUND {
        ("NOT below 1 %", ExitCode::FAILURE)
    } else {
        ("too few pairs, or too busy a machine, to say", ExitCode::from(4))
    };
    writeln!(out, "{verdict}")?;
    Ok(code)
}

/// The 95 % interval of a median: the order statistics at `n/2 ± 1.96·√n/2` (inverted sign test, normal approximation of
/// the binomial distribution, which holds from 20 values on).
fn interval_of_median(values: &[f64]) -> (f64, f64) {
    let values = sorted(values);
    let n = values.len() as f64;
    let half = 1.96 * n.sqrt() / 2.0;
    let at = |rank: f64| values[(rank.max(0.0) as usize).min(values.len() - 1)];
    (at((n / 2.0 - half).floor() - 1.0), at((n / 2.0 + half).ceil()))
}

/// Serves a shipped backend in this process until it ends.
fn serve(backend: &str) -> Outcome<SocketAddr> {
    let text = file(backend);
    let file = BackendFile::parse(Path::new(backend), &text)?;
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = ServeOptions {
        backend: backend.to_owned(),
        redis: None,
        postgres: None,
        authority: None,
        key_file: None,
        tls_cert: None,
        tls_key: None,
        clock_offset_ms: 0,
        prefix: "login-timing".into(),
        listen: anywhere,
        control: anywhere,
        threads: 1,
        password_hash: PasswordHash::Argon2id,
        principal_bytes: 256,
        store_rtt_ns: 0,
        deadline_ms: 250,
        cpus: Vec::new(),
        extra_work_ns: 0,
    };
    let (told, ready) = mpsc::channel::<Result<ReadyLine, String>>();
    std::thread::spawn(move || {
        let line = told.clone();
        // Whoever waits is told once: the address, or why there is none.
        let served = server::run(options, file, |ready| drop(line.send(Ok(ready))));
        if let Err(error) = served {
            drop(told.send(Err(error.to_string())));
        }
    });
    Ok(ready.recv_timeout(Duration::from_secs(60))??.address)
}

fn request(name: &str) -> Request {
    let body = format!(r#"{{"username":"{name}","password":"not the password of anybody"}}"#);
    Request::new("POST", "/login").content("application/json", body)
}

/// Nanoseconds of a refused login.
fn time(exchange: &Exchange) -> Outcome<f64> {
    match exchange.status() {
        Some(401) => Ok(exchange.took.as_nanos() as f64),
        other => Err(format!("a login was answered with {other:?} instead of 401").into()),
    }
}
