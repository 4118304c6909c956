//! `authbench serve`: one backend over HTTP, until it is told to stop.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, ValueEnum};
use scenario::BackendFile;
use scenario::builtin::Shelf;
use scenario::wire::{PasswordHash, ServeOptions};

use crate::args::redis_address;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use measure::redact::redact;

const EXAMPLE: &str = "Examples:
  authbench serve --backend session-memory --listen 127.0.0.1:8080
  authbench serve --backend my-backend.toml --redis redis://127.0.0.1:6379

Prints one JSON line with its addresses and process id once it answers.";

/// Serve one backend over HTTP
///
/// The same server that `run` measures. SIGTERM or Ctrl-C ends it once the requests in flight are answered.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct ServeArgs {
    /// Backend: a file, or a built-in name
    #[arg(long, value_name = "FILE")]
    backend: String,
    /// Where its shared state lives: redis://…, rediss://…, redis+cluster://HOST:PORT,… or
    /// redis+sentinel://HOST:PORT,…/SERVICE; ?wait=N behind the last two waits for N replicas; - reads it from stdin
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// The same for a backend on PostgreSQL: postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Server that is asked about credentials, for a backend whose view is `authority`; without it, this one itself
    #[arg(long, value_name = "ADDRESS")]
    authority: Option<SocketAddr>,
    /// Beginning of every key in a shared store
    #[arg(long, value_name = "TEXT", default_value = "authbench")]
    prefix: String,
    /// Address to answer on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address of the control port: provisioning, counters, key rotation; never expose it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Worker threads
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// How logins check a password
    #[arg(long, value_enum, default_value_t = Hash::Argon2id)]
    password_hash: Hash,
    /// Size of what a request learns about its user, in bytes
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(64..=65536))]
    principal_bytes: u32,
    /// Modelled distance of the store: added to each round trip, in nanoseconds
    #[arg(long, value_name = "N", default_value_t = 0)]
    store_rtt_ns: u64,
    /// Deadline of what waits on a store, in milliseconds
    #[arg(long, value_name = "N", default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..))]
    deadline_ms: u64,
    /// Extra work per request, in nanoseconds of CPU: a control for checking measurements
    #[arg(long, value_name = "N", default_value_t = 0)]
    extra_work_ns: u64,
    /// Signing key shared by the replicas of one service: made by the first that starts, read by the others
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Speak TLS with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Sets the clock of this server apart from the machine's, in milliseconds, e.g. -30000: to see what clocks apart do
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    clock_offset_ms: i64,
    /// CPUs to run on, e.g. 1,2; all when left out
    #[arg(long, value_name = "LIST", value_delimiter = ',', action = ArgAction::Append)]
    cpus: Vec<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Hash {
    /// Argon2id at the parameters OWASP recommends
    Argon2id,
    /// One SHA-256: only to measure something else
    Cheap,
}

impl From<ServeArgs> for ServeOptions {
    fn from(args: ServeArgs) -> Self {
        Self {
            backend: args.backend,
            redis: args.redis,
            postgres: args.postgres,
            authority: args.authority,
            prefix: args.prefix,
            listen: args.listen,
            control: args.control,
            threads: args.threads,
            password_hash: match args.password_hash {
                Hash::Argon2id => PasswordHash::Argon2id,
                Hash::Cheap => PasswordHash::Cheap,
            },
            principal_bytes: args.principal_bytes,
            store_rtt_ns: args.store_rtt_ns,
            deadline_ms: args.deadline_ms,
            cpus: args.cpus,
            extra_work_ns: args.extra_work_ns,
            key_file: args.key_file,
            tls_cert: args.tls_cert,
            tls_key: args.tls_key,
            clock_offset_ms: args.clock_offset_ms,
        }
    }
}

pub(crate) fn run(args: ServeArgs, output: &mut Output) -> Result<Exit, Failure> {
    let mut options = ServeOptions::from(args);
    options.redis = redis_address(options.redis.as_deref())?;
    let found = Shelf::Backends.resolve(&options.backend)?;
    let backend = BackendFile::parse(&found.path, &found.text)?;
    let scheme = if options.tls_cert.is_some() { "https" } else { "http" };
    let mut announced = Ok(());
    server::run(options, backend, |ready| {
        announced = output.json_line(&ready);
        if std::io::stderr().is_terminal() {
            let line = format!("answering on {scheme}://{}, Ctrl-C stops it", ready.address);
            // With stderr gone there is nobody left to tell.
            let _ = writeln!(anstream::stderr(), "{}", redact(&line));
        }
    })?;
    announced?;
    Ok(Exit::Good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn parsed(options: &ServeOptions) -> ServeOptions {
        let mut line = vec!["authbench".into(), "serve".into()];
        line.extend(options.to_arguments());
        match Cli::try_parse_from(line).expect("arguments that the command takes").command {
            Command::Serve(args) => args.into(),
            other => panic!("parsed as {other:?}"),
        }
    }

    #[test]
    fn what_a_run_writes_the_server_reads_back() {
        let full = ServeOptions {
            backend: "scenarios/backends/session-redis.toml".into(),
            redis: Some("rediss://user:p@ss@host:6380/2".into()),
            postgres: Some("postgres://user:p@ss@host:5432/db".into()),
            authority: Some("127.0.0.1:4001".parse().unwrap()),
            prefix: "{run-7}:session".into(),
            listen: "127.0.0.1:0".parse().unwrap(),
            control: "[::1]:4000".parse().unwrap(),
            threads: 3,
            password_hash: PasswordHash::Cheap,
            principal_bytes: 1024,
            store_rtt_ns: 250_000,
            deadline_ms: 100,
            cpus: vec![1, 2, 17],
            extra_work_ns: 1234,
            key_file: Some("/a dir/key".into()),
            tls_cert: Some("/a dir/cert.pem".into()),
            tls_key: Some("/a dir/key.pem".into()),
            clock_offset_ms: -1500,
        };
        // A password does not stand in the arguments.
        assert_eq!(full.secret_address(), Some("rediss://user:p@ss@host:6380/2"));
        assert_eq!(parsed(&full), ServeOptions { redis: Some("-".into()), ..full.clone() });
        let open = ServeOptions { redis: Some("redis://host:6380/2".into()), ..full.clone() };
        assert_eq!((parsed(&open), open.secret_address()), (open.clone(), None));
        let bare = ServeOptions {
            redis: None,
            postgres: None,
            authority: None,
            cpus: Vec::new(),
            password_hash: PasswordHash::Argon2id,
            backend: "none".into(),
            key_file: None,
            tls_cert: None,
            tls_key: None,
            clock_offset_ms: 0,
            ..full
        };
        assert_eq!(parsed(&bare), bare);
        let ahead = ServeOptions { clock_offset_ms: 30_000, ..bare };
        assert_eq!(parsed(&ahead), ahead);
    }
}
