//! Opens the backend that a file describes, over the store that the options name.

use std::time::Duration;

use auth::{
    AnyStore, Authenticator, Mechanism, MechanismError, MemoryStore, PasswordScheme, PasswordSettings,
    RedisSettings, RedisStore, Setup,
};
use scenario::backend::Need;
use scenario::wire::{self, PasswordHash, ServeOptions};
use scenario::{BackendFile, FileError};

use crate::Error;
use crate::clock::WallClock;
use crate::http::routes::Api;
use crate::subjects::Subjects;
use crate::totals::Totals;
use crate::work::ExtraWork;

/// The one type behind which every backend is served: an enum of stores, so that no call is boxed.
pub(crate) type Backend = Authenticator<AnyStore, Subjects>;

/// Opens the backend, its store included.
pub(crate) async fn open(options: &ServeOptions, file: &BackendFile) -> Result<Api, Error> {
    let mechanism = Mechanism::parse(&file.text).map_err(|error| located(file, error))?;
    let store = match &options.redis {
        None if file.header.needs.contains(&Need::Redis) => {
            return Err(Error::NeedsRedis { backend: file.header.name.clone() });
        }
        None => AnyStore::Memory(MemoryStore::new()),
        Some(url) => AnyStore::Redis(connect(url, options).await?),
    };
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
    let setup = Setup { mechanism, store, directory, passwords, key: None };
    let authenticator = Authenticator::new(setup).map_err(broken)?;
    let describe = authenticator.describe(&sample).map_err(broken)?;
    let clock = WallClock::default();
    // A copy that was never filled would answer nothing.
    authenticator.sync(clock.now()).await.map_err(broken)?;
    Ok(Api {
        authenticator,
        describe,
        clock,
        totals: Totals::default(),
        deadline: Duration::from_millis(options.deadline_ms),
        extra_work: ExtraWork::calibrated(Duration::from_nanos(options.extra_work_ns)),
        cookie_logins,
        lockout,
    })
}

async fn connect(url: &str, options: &ServeOptions) -> Result<RedisStore, Error> {
    let settings = RedisSettings {
        url: url.to_owned(),
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
