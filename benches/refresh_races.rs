//! Does a refresh family ever get two heads? Exchanges one token 64 times at once, over and over, and follows what came out.
//!
//! ```text
//! cargo run --release -p benches --example refresh_races -- URL... [--times 1000]
//! ```
//!
//! Each URL is a store: `redis://…`, `redis+unix://…` or `postgres://…`. Four nodes with connections of their own share
//! it, as replicas do, under the signing key of one. For each design with rotating refresh tokens, each time: a new login,
//! 64 exchanges of its refresh token at once, and then of what those got, exactly one token must be the head of a living
//! family. Exit code 1 when that fails once.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use auth::{
    Account, Algorithm, AnyStore, Authenticator, Grant, KeyMaterial, Mechanism, PasswordScheme,
    PasswordSettings, PostgresSettings, Principal, RedisSettings, RedisStore, Setup, SqlStore,
};
use tokio::task::JoinSet;

const USAGE: &str = "usage: refresh_races URL... [--times N]";

/// Any present-day time, milliseconds: the designs need no running clock.
const NOW: u64 = 1_800_000_000_000;

/// Exchanges at once.
const AT_ONCE: usize = 64;

/// Replicas that share the store.
const NODES: usize = 4;

/// The designs: one refuses those that lose the race, the other answers them.
const DESIGNS: [&str; 2] = [
    include_str!("../scenarios/backends/jwt-refresh.toml"),
    include_str!("../scenarios/backends/jwt-refresh-grace.toml"),
];

type Node = Arc<Authenticator<AnyStore, fn(&str) -> Option<Principal>>>;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "refresh_races: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let (mut urls, mut times) = (Vec::new(), 1000_u32);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--times" => times = arguments.next().ok_or(USAGE)?.parse()?,
            _ => urls.push(argument),
        }
    }
    if urls.is_empty() {
        return Err(USAGE.into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut good = true;
    for (number, url) in urls.iter().enumerate() {
        for text in DESIGNS {
            let proof = prove(url, text, times);
            let Outcome { design, granted, failures } = runtime.block_on(proof)?;
            good &= failures == 0;
            writeln!(
                io::stdout(),
                "store {}: {design}: {times} races of {AT_ONCE}, {granted} exchanges granted, {failures} without exactly one head",
                number + 1
            )?;
        }
    }
    Ok(good)
}

/// What came of all races of one design on one store.
struct Outcome {
    design: &'static str,
    granted: u64,
    failures: u32,
}

async fn prove(url: &str, text: &'static str, times: u32) -> Result<Outcome, Box<dyn Error>> {
    let design = text.lines().find_map(|line| line.strip_prefix("name = ")).unwrap_or_default();
    let key = KeyMaterial::generate(Algorithm::Hs256)?;
    let prefix = format!("races{}", std::process::id());
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(node(text, store(url, &prefix).await?, key.clone())?);
    }
    let mut outcome = Outcome { design, granted: 0, failures: 0 };
    for _ in 0..times {
        let login = nodes[0].provision(&[Account { principal: &someone() }], NOW).await?.pop();
        let Some(Grant::Tokens { refresh: Some(token), .. }) = login else {
            return Err("no refresh token".into());
        };
        let mut race = JoinSet::new();
        for client in 0..AT_ONCE {
            let (node, token) = (Arc::clone(&nodes[client % NODES]), token.clone());
            race.spawn(async move { node.refresh(&token, NOW).await });
        }
        let mut heads = BTreeSet::new();
        while let Some(done) = race.join_next().await {
            if let Some(Grant::Tokens { refresh: Some(next), .. }) = done?? {
                outcome.granted += 1;
                heads.insert(next);
            }
        }
        let mut alive = 0;
        for head in &heads {
            alive += usize::from(nodes[NODES - 1].refresh(head, NOW).await?.is_some());
        }
        outcome.failures += u32::from((heads.len(), alive) != (1, 1));
    }
    Ok(outcome)
}

fn node(text: &str, store: AnyStore, key: KeyMaterial) -> Result<Node, Box<dyn Error>> {
    let mechanism = Mechanism::parse(text)?;
    let passwords = PasswordSettings::new(PasswordScheme::Cheap, "never asked for");
    let directory: fn(&str) -> Option<Principal> = |_| Some(someone());
    Ok(Arc::new(Authenticator::new(Setup { mechanism, store, directory, passwords, key: Some(key) })?))
}

fn someone() -> Principal {
    Principal::new("u00000001", &["member"], "tenant")
}

async fn store(url: &str, prefix: &str) -> Result<AnyStore, Box<dyn Error>> {
    let (url, prefix) = (url.to_owned(), prefix.to_owned());
    let (timeout, distance) = (Duration::from_secs(5), Duration::ZERO);
    if url.starts_with("postgres") {
        let settings = PostgresSettings { url, prefix, timeout, distance };
        return Ok(AnyStore::Sql(Box::new(SqlStore::postgres(&settings).await?)));
    }
    let settings = RedisSettings { prefix, timeout, distance, ..RedisSettings::one(url) };
    Ok(AnyStore::Redis(RedisStore::connect(&settings).await?))
}
