//! Opens the backend that a file describes, over the store that the options name.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use auth::mechanism::{CredentialChoice, StoreChoice};
use auth::{
    Algorithm, AnyStore, Authenticator, Mechanism, MechanismError, MemoryStore, PasswordScheme,
    PasswordSettings, PostgresSettings, RedisSettings, RedisStore, RedisTopology, Setup, SqlStore,
};
use scenario::backend::Need;
use scenario::redis_address::{RedisAddress, Topology};
use scenario::wire::{self, PasswordHash, ServeOptions};
use scenario::{BackendFile, FileError};
use tempfile::TempDir;

use crate::Error;
use crate::authority::RemoteAuthority;
use crate::clock::WallClock;
use crate::http::routes::Api;
use crate::key_file::SharedKey;
use crate::subjects::Subjects;
use crate::totals::Totals;
use crate::work::ExtraWork;

/// The one type behind which every backend is served: an enum of stores, so that no call is boxed.
pub(crate) type Backend = Authenticator<AnyStore, Subjects>;

/// Opens the backend, its store included.
pub(crate) async fn open(options: &ServeOptions, file: &BackendFile) -> Result<Api, Error> {
    let mechanism = Mechanism::parse(&file.text).map_err(|error| located(file, error))?;
    let (store, folder) = open_store(&mechanism, options, file).await?;
    let scheme = match options.password_hash {
        PasswordHash::Argon2id => PasswordScheme::Argon2id,
        PasswordHash::Cheap => PasswordScheme::Cheap,
    };
    let passwords = PasswordSettings::new(scheme, wire::PASSWORD_TEXT);
    let lockout = Duration::from_millis(passwords.lockout_ms);
    let cookie_logins = mechanism.sets_cookie();
    let directory = Subjects::new(usize::try_from(options.principal_bytes).unwrap_or(usize::MAX));
    let sample = directory.principal(0);
    let broken = |source| Error::Backend { backend: file.header.name.clone(), source };
    let shared_key = match (&options.key_file, &mechanism.credential) {
        (Some(path), CredentialChoice::Jwt(choice)) => Some(SharedKey::open(path, choice.algorithm)?),
        (Some(path), CredentialChoice::SignedCookie { .. }) => Some(SharedKey::open(path, Algorithm::Hs256)?),
        _ => None,
    };
    let key = shared_key.as_ref().map(SharedKey::current);
    let setup = Setup { mechanism, store, directory, passwords, key };
    let mut authenticator = Authenticator::new(setup).map_err(broken)?;
    if let Some(address) = options.authority {
        authenticator = authenticator.with_authority(Arc::new(RemoteAuthority::new(address)));
    }
    let mut describe = authenticator.describe(&sample).map_err(broken)?;
    if options.clock_offset_ms != 0 {
        describe["clock_offset_ms"] = options.clock_offset_ms.into();
    }
    let clock = WallClock::default();
    clock.set_offset(options.clock_offset_ms);
    // A copy that was never filled would answer nothing.
    authenticator.sync(clock.now()).await.map_err(broken)?;
    Ok(Api {
        authenticator,
        describe,
        clock,
        totals: Totals::default(),
        store_lost_data: AtomicBool::new(false),
        deadline: Duration::from_millis(options.deadline_ms),
        extra_work: ExtraWork::new(Duration::from_nanos(options.extra_work_ns)),
        cookie_logins,
        lockout,
        _folder: folder,
        shared_key,
    })
}

/// The store of a mechanism, and the folder it lies in where it is this process's own.
async fn open_store(
    mechanism: &Mechanism,
    options: &ServeOptions,
    file: &BackendFile,
) -> Result<(AnyStore, Option<TempDir>), Error> {
    let backend = || file.header.name.clone();
    let needs = |need| file.header.needs.contains(&need);
    let store = match (mechanism.store, &options.redis, &options.postgres) {
        (StoreChoice::Sqlite, ..) => {
            let folder = tempfile::Builder::new().prefix("authbench-sqlite-").tempdir()?;
            let path = folder.path().join("state.sqlite");
            let opened = SqlStore::sqlite(&path, Duration::from_millis(options.deadline_ms)).await;
            let store = opened.map_err(|source| Error::Backend { backend: backend(), source })?;
            return Ok((AnyStore::Sql(Box::new(store)), Some(folder)));
        }
        (StoreChoice::Postgres, _, Some(url)) => AnyStore::Sql(Box::new(connect_sql(url, options).await?)),
        (StoreChoice::Postgres, _, None) if needs(Need::Postgres) => {
            return Err(Error::NeedsPostgres { backend: backend() });
        }
        (StoreChoice::Redis, Some(url), _) => AnyStore::Redis(connect(url, options).await?),
        (StoreChoice::Redis, None, _) if needs(Need::Redis) => {
            return Err(Error::NeedsRedis { backend: backend() });
        }
        (StoreChoice::Redis | StoreChoice::Postgres, ..) => AnyStore::Memory(MemoryStore::new()),
    };
    Ok((store, None))
}

async fn connect_sql(url: &str, options: &ServeOptions) -> Result<SqlStore, Error> {
    let settings = PostgresSettings {
        url: url.to_owned(),
        prefix: options.prefix.clone(),
        timeout: Duration::from_millis(options.deadline_ms),
        distance: Duration::from_nanos(options.store_rtt_ns),
    };
    SqlStore::postgres(&settings).await.map_err(|source| Error::Postgres { source })
}

async fn connect(url: &str, options: &ServeOptions) -> Result<RedisStore, Error> {
    let refused = |message| Error::Redis { source: auth::Error::Store(message) };
    let RedisAddress { servers, topology, wait } = RedisAddress::parse(url).map_err(refused)?;
    let settings = RedisSettings {
        servers,
        topology: match topology {
            Topology::One => RedisTopology::One,
            Topology::Cluster => RedisTopology::Cluster,
            Topology::Sentinel { service } => RedisTopology::Sentinel(service),
        },
        wait,
        prefix: options.prefix.clone(),
        timeout: Duration::from_millis(options.deadline_ms),
        distance: Duration::from_nanos(options.store_rtt_ns),
    };
    RedisStore::connect(&settings).await.map_err(|source| Error::Redis { source })
}

/// Where in the file it is.
fn located(file: &BackendFile, error: MechanismError) -> FileError {
    let MechanismError { key, span, message, hint } = error;
    scenario::file::locate(&file.path, &file.text, &key, span, message, hint)
}
