//! The shipped backends ready to be measured: over memory, or over a private Redis when there is one.

use std::path::PathBuf;
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use auth::{
    Account, AnyStore, Authenticator, Directory, Grant, Mechanism, MemoryStore, PasswordScheme,
    PasswordSettings, Presented, Principal, RedisSettings, RedisStore, Setup,
};

/// A present-day time; nothing expires while it is measured.
pub const NOW: u64 = 1_800_000_000_000;

/// Credentials that a bench goes round: one alone would sit in the first-level cache.
pub const HELD: u32 = 1024;

/// The shipped backends.
pub const SHIPPED: [&str; 8] = [
    "none",
    "session-memory",
    "session-redis",
    "jwt-stateless",
    "jwt-denylist",
    "jwt-denylist-index",
    "jwt-allowlist",
    "jwt-refresh",
];

/// The shipped backends whose requests are answered from what the process keeps, and the one they are measured against:
/// a hit may cost 1.1 times as much as no check at all.
pub const KEPT: [&str; 7] = [
    "jwt-stateless",
    "jwt-epoch-cached",
    "jwt-denylist-cached",
    "jwt-denylist-polled",
    "jwt-denylist-pushed",
    "jwt-denylist-filter",
    "session-cached",
];

/// The text of a shipped backend file.
///
/// # Panics
/// If it is not where the sources are.
#[must_use]
pub fn file(name: &str) -> String {
    let path = format!("{}/../scenarios/backends/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The users of the HTTP contract.
#[derive(Debug, Clone, Copy)]
pub struct Users;

impl Directory for Users {
    fn principal(&self, username: &str) -> Option<Principal> {
        scenario::wire::subject_index(username).map(principal)
    }
}

/// A user's principal in its default size.
#[must_use]
pub fn principal(index: u32) -> Principal {
    let wire = scenario::wire::principal(index, 256);
    Principal::new(&wire.subject, &wire.roles, &wire.tenant)
}

/// A backend and the credentials it handed out.
#[derive(Debug)]
pub struct Subject {
    /// The backend.
    pub backend: Authenticator<AnyStore, Users>,
    /// Live logins.
    pub held: Vec<Grant>,
}

impl Subject {
    /// Builds a backend from the text of its file and logs [`HELD`] users in.
    pub async fn new(text: &str, store: AnyStore) -> Result<Self, Box<dyn std::error::Error>> {
        let mechanism = Mechanism::parse(text)?;
        let passwords = PasswordSettings::new(PasswordScheme::Cheap, scenario::wire::PASSWORD_TEXT);
        let backend = Authenticator::new(Setup { mechanism, store, directory: Users, passwords, key: None })?;
        backend.sync(NOW).await?;
        let principals: Vec<_> = (0..HELD).map(principal).collect();
        let accounts: Vec<_> = principals.iter().map(|principal| Account { principal }).collect();
        let held = backend.provision(&accounts, NOW).await?;
        Ok(Self { backend, held })
    }

    /// The same over memory, where nothing is waited for.
    pub fn in_memory(text: &str) -> Result<Self, Box<dyn std::error::Error>> {
        at_once(Self::new(text, AnyStore::Memory(MemoryStore::new())))
    }

    /// What a client presents.
    #[must_use]
    pub fn presented(&self, at: usize) -> Presented<'_> {
        match &self.held[at % self.held.len()] {
            Grant::Cookie { value, .. } => Presented { cookie: Some(value), bearer: None },
            Grant::Tokens { access, .. } | Grant::Minted { access, .. } => {
                Presented { cookie: None, bearer: Some(access) }
            }
        }
    }
}

/// The value of a future that never waits.
///
/// # Panics
/// If it waits after all: what is measured would then not be the code, but a runtime.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a backend in memory waited"),
    }
}

/// A `redis-server` of this bench alone, on a socket; ended when dropped.
#[derive(Debug)]
pub struct PrivateRedis {
    process: Child,
    socket: PathBuf,
}

impl PrivateRedis {
    /// `None`: there is no `redis-server` on PATH, or it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let socket = std::env::temp_dir().join(format!("authbench-{}.sock", std::process::id()));
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        Some(Self { process, socket })
    }

    /// A store on it, once it answers.
    pub async fn store(&self) -> Result<AnyStore, auth::Error> {
        let settings = RedisSettings {
            prefix: "bench".into(),
            timeout: Duration::from_secs(5),
            ..RedisSettings::one(format!("redis+unix://{}", self.socket.display()))
        };
        let mut last = RedisStore::connect(&settings).await;
        for _ in 0..200 {
            if last.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            last = RedisStore::connect(&settings).await;
        }
        last.map(AnyStore::Redis)
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}
