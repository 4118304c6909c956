//! What the test files share: the shipped backends, both stores, a private Redis, and users.
#![allow(dead_code, reason = "each test file uses its own part of it")]
#![allow(clippy::allow_attributes, reason = "an expectation would fail in the files that use everything")]

pub(crate) mod postgres_server;
pub(crate) mod redis_cluster;
pub(crate) mod redis_server;

use std::sync::Arc;
use std::time::Duration;

use auth::authority::{Answer, Authority, Introspection};
use auth::mechanism::CredentialChoice;
use auth::{
    Access, Algorithm, AnyStore, Authenticator, Grant, KeyMaterial, LoginAnswer, Mechanism, MemoryStore,
    PasswordScheme, PasswordSettings, Presented, Principal, RedisSettings, RedisStore, Setup, SqlStore,
    Verdict,
};
pub(crate) use postgres_server::PostgresServer;
pub(crate) use redis_cluster::RedisCluster;
pub(crate) use redis_server::RedisServer;
pub(crate) use tempfile::TempDir as Folder;

pub(crate) const PASSWORD: &str = "correct-horse-battery-staple";
pub(crate) const ALICE: &str = "u00000001";
pub(crate) const BOB: &str = "u00000002";
pub(crate) const PREFIX: &str = "contract";

/// Any present-day time: all tests run on an injected clock.
pub(crate) const T0: u64 = 1_800_000_000_000;

/// How long a test waits for something that must come: reaching it is a failure, never a pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Users = fn(&str) -> Option<Principal>;
pub(crate) type Backend = Authenticator<AnyStore, Users>;

/// `u` and eight digits are known; nobody else is.
pub(crate) fn users(name: &str) -> Option<Principal> {
    let digits = name.strip_prefix('u').filter(|digits| digits.len() == 8)?;
    let index: u32 = digits.parse().ok()?;
    let roles = ["member", if index.is_multiple_of(2) { "admin" } else { "basic" }];
    Some(Principal::new(name, &roles, &format!("tenant-{index:0220}")))
}

/// The text of a shipped backend file.
pub(crate) fn file(name: &str) -> String {
    let path = format!("{}/../../scenarios/backends/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Cheap passwords that lock after five failures in a row.
pub(crate) fn cheap_passwords() -> PasswordSettings {
    PasswordSettings { lockout_after: 5, ..PasswordSettings::new(PasswordScheme::Cheap, PASSWORD) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Memory,
    Redis,
    Sqlite,
}

/// One shipped backend over one store.
pub(crate) struct Case {
    pub(crate) backend: Arc<Backend>,
    pub(crate) mechanism: Mechanism,
    pub(crate) text: String,
    pub(crate) redis: Option<RedisServer>,
    memory: MemoryStore,
    shared: Option<Shared>,
    key: Option<KeyMaterial>,
}

/// A store that nodes share, and that tests of other statements share as well.
#[derive(Clone)]
pub(crate) enum Shared {
    /// A file in this folder.
    Sqlite(Arc<Folder>),
    /// These tables of a server.
    Postgres(Arc<PostgresServer>, String),
    /// These keys of a cluster.
    Cluster(Arc<RedisCluster>, String),
}

impl Shared {
    async fn open(&self) -> AnyStore {
        match self {
            Self::Sqlite(folder) => sqlite(folder).await,
            Self::Postgres(server, prefix) => server.store(prefix).await,
            Self::Cluster(cluster, prefix) => cluster.store(prefix, Duration::from_secs(5), 0).await,
        }
    }
}

impl Case {
    pub(crate) async fn new(name: &str, store: StoreKind) -> Self {
        let text = file(name);
        let mechanism = Mechanism::parse(&text).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let redis = (store == StoreKind::Redis).then(RedisServer::start);
        let shared = (store == StoreKind::Sqlite).then(|| Shared::Sqlite(Arc::new(Folder::new().unwrap())));
        let case = Self::on(mechanism, redis, shared, None).await;
        Self { text, ..case }
    }

    /// The same over tables of a server.
    pub(crate) async fn in_postgres(name: &str, server: &Arc<PostgresServer>, prefix: &str) -> Self {
        let text = file(name);
        let mechanism = Mechanism::parse(&text).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let shared = Shared::Postgres(Arc::clone(server), prefix.to_owned());
        let case = Self::on(mechanism, None, Some(shared), None).await;
        Self { text, ..case }
    }

    /// The same over keys of a cluster.
    pub(crate) async fn in_cluster(name: &str, cluster: &Arc<RedisCluster>, prefix: &str) -> Self {
        let text = file(name);
        let mechanism = Mechanism::parse(&text).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let shared = Shared::Cluster(Arc::clone(cluster), prefix.to_owned());
        let case = Self::on(mechanism, None, Some(shared), None).await;
        Self { text, ..case }
    }

    /// What the store is called.
    pub(crate) fn store_name(&self) -> &'static str {
        match (&self.redis, &self.shared) {
            (Some(_), _) => "redis",
            (None, Some(Shared::Sqlite(_))) => "sqlite",
            (None, Some(Shared::Postgres(..))) => "postgres",
            (None, Some(Shared::Cluster(..))) => "redis",
            (None, None) => "memory",
        }
    }

    pub(crate) async fn over(
        mechanism: Mechanism,
        redis: Option<RedisServer>,
        key: Option<KeyMaterial>,
    ) -> Self {
        Self::on(mechanism, redis, None, key).await
    }

    async fn on(
        mechanism: Mechanism,
        redis: Option<RedisServer>,
        shared: Option<Shared>,
        key: Option<KeyMaterial>,
    ) -> Self {
        let key = match &mechanism.credential {
            CredentialChoice::Jwt(jwt) => key.or_else(|| KeyMaterial::generate(jwt.algorithm).ok()),
            CredentialChoice::SignedCookie { .. } => {
                key.or_else(|| KeyMaterial::generate(Algorithm::Hs256).ok())
            }
            _ => None,
        };
        let memory = MemoryStore::new();
        let backend = node(&mechanism, &memory, redis.as_ref(), shared.as_ref(), key.clone(), None).await;
        Self { backend, mechanism, text: String::new(), redis, memory, shared, key }
    }

    /// Another node of the same deployment: the same key, the same shared store, and this one as its authority.
    pub(crate) async fn another_node(&self) -> Arc<Backend> {
        let alone = MemoryStore::new();
        let memory = if self.mechanism.uses_shared_store() { &self.memory } else { &alone };
        let authority: Arc<dyn Authority> = Arc::new(Asked(Arc::clone(&self.backend)));
        let (redis, shared) = (self.redis.as_ref(), self.shared.as_ref());
        node(&self.mechanism, memory, redis, shared, self.key.clone(), Some(authority)).await
    }

    pub(crate) async fn login(&self, user: &str, now: u64) -> Held {
        match self.backend.login(user, PASSWORD, Presented::default(), now).await.unwrap() {
            LoginAnswer::Granted(grant) => Held(grant),
            other => panic!("{user} was not let in: {other:?}"),
        }
    }

    /// What the backend says at `now`, the time of its last upkeep as well.
    pub(crate) async fn verdict(&self, held: &Held, now: u64) -> Verdict {
        self.backend.sync(now).await.unwrap();
        self.backend.verify(held.presented(), Access::Read, now).await.unwrap()
    }

    pub(crate) async fn lets_in(&self, held: &Held, now: u64) -> bool {
        matches!(self.verdict(held, now).await, Verdict::Accepted { .. })
    }

    /// Whether ended logins are known to be ended before they expire.
    pub(crate) fn is_checked(&self) -> bool {
        !self.mechanism.checks.is_empty()
    }
}

/// A node as an authority, with its clock at rest.
#[derive(Debug)]
struct Asked(Arc<Backend>);

impl Authority for Asked {
    fn introspect<'a>(&'a self, credential: &'a str) -> Answer<'a, Option<Introspection>> {
        Box::pin(self.0.introspect(credential, T0))
    }

    fn status_list(&self, list: u64) -> Answer<'_, bytes::Bytes> {
        Box::pin(self.0.status_list(list, T0))
    }
}

async fn node(
    mechanism: &Mechanism,
    memory: &MemoryStore,
    redis: Option<&RedisServer>,
    shared: Option<&Shared>,
    key: Option<KeyMaterial>,
    authority: Option<Arc<dyn Authority>>,
) -> Arc<Backend> {
    let store = match (redis, shared) {
        (Some(server), _) => AnyStore::Redis(connect(server).await),
        (None, Some(shared)) => shared.open().await,
        (None, None) => AnyStore::Memory(memory.clone()),
    };
    let directory: Users = users;
    let mechanism = mechanism.clone();
    let setup = Setup { mechanism, store, directory, passwords: cheap_passwords(), key };
    let mut backend = Authenticator::new(setup).expect("a shipped backend can be built");
    if let Some(authority) = authority {
        backend = backend.with_authority(authority);
    }
    backend.sync(T0).await.expect("the store answers");
    Arc::new(backend)
}

/// A store in a SQLite file in this folder.
pub(crate) async fn sqlite(folder: &Folder) -> AnyStore {
    let file = folder.path().join("state.sqlite");
    let store = SqlStore::sqlite(&file, Duration::from_secs(5)).await.expect("a file can be made");
    AnyStore::Sql(Box::new(store))
}

pub(crate) async fn connect(server: &RedisServer) -> RedisStore {
    let settings = RedisSettings {
        prefix: PREFIX.into(),
        timeout: Duration::from_secs(5),
        ..RedisSettings::one(server.url())
    };
    RedisStore::connect(&settings).await.expect("the private Redis answers")
}

/// A credential as a client holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held(pub(crate) Grant);

impl Held {
    pub(crate) fn presented(&self) -> Presented<'_> {
        match &self.0 {
            Grant::Cookie { value, .. } => Presented { cookie: Some(value), bearer: None },
            Grant::Tokens { access, .. } | Grant::Minted { access, .. } => {
                Presented { cookie: None, bearer: Some(access) }
            }
        }
    }

    pub(crate) fn text(&self) -> &str {
        match &self.0 {
            Grant::Cookie { value, .. } => value,
            Grant::Tokens { access, .. } | Grant::Minted { access, .. } => access,
        }
    }

    pub(crate) fn refresh(&self) -> Option<&str> {
        match &self.0 {
            Grant::Cookie { .. } => None,
            Grant::Tokens { refresh, .. } => refresh.as_deref(),
            Grant::Minted { session, .. } => Some(session),
        }
    }

    /// Seconds the client was told.
    pub(crate) fn life_s(&self) -> u64 {
        match &self.0 {
            Grant::Cookie { max_age_s, .. } => *max_age_s,
            Grant::Tokens { expires_in_s, .. } | Grant::Minted { expires_in_s, .. } => *expires_in_s,
        }
    }
}

/// The presented form of a text, in every place a client can put it.
pub(crate) fn anywhere(text: &str) -> [Presented<'_>; 3] {
    [
        Presented { cookie: Some(text), bearer: None },
        Presented { cookie: None, bearer: Some(text) },
        Presented { cookie: Some(text), bearer: Some(text) },
    ]
}
