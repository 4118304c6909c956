//! SQL as the shared store: SQLite in a file of this process's machine, or a PostgreSQL server. One table per kind.
//!
//! A row that is past its end is not seen by any statement; it goes with [`SqlStore::sweep`], which is the operator's
//! job here as with any table of sessions. Every step is one statement, atomic by itself.

mod bits;
mod feed;
mod statements;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool, raw_sql};

pub use self::feed::NoSubscription;
use self::statements::{Statements, rows_of, value_of};
use super::distance::Distance;
use super::redis::redacted;
use super::{Entry, Index, Key, Kind, Member, Span, Store, StoreCounters};
use crate::answer::UnixMillis;
use crate::error::Error;

/// Connections of one process.
const CONNECTIONS: u32 = 8;

/// Rows of a bulk statement: three parameters each stay far below the limit of 32,766.
const BULK: usize = 1000;

/// How to reach a PostgreSQL server and what to leave there.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `postgres://[user[:password]@]host[:port]/database`, or `postgres:///database?host=/folder/of/socket&user=name`.
    pub url: String,
    /// The names of all tables begin with it, or with its digest where it is no plain name.
    pub prefix: String,
    /// Longest wait for one round trip, connecting included; past it the step fails.
    pub timeout: Duration,
    /// Modelled distance, added to each round trip.
    pub distance: Duration,
}

impl std::fmt::Debug for PostgresSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PostgresSettings")
            .field("url", &redacted(&self.url))
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("distance", &self.distance)
            .finish()
    }
}

/// A SQL database.
#[derive(Debug)]
pub struct SqlStore {
    pool: Pool,
    statements: Statements,
    timeout: Duration,
    distance: Distance,
    round_trips: AtomicU64,
    commands: AtomicU64,
}

#[derive(Debug)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The same statement on either database. `$act` is what is done with the query and the pool.
macro_rules! on {
    ($self:ident, $sql:expr, [$($argument:expr),*], $query:ident, $pool:ident => $act:expr) => {
        match &$self.pool {
            Pool::Sqlite($pool) => {
                let $query = sqlx::query(AssertSqlSafe($sql))$(.bind($argument))*;
                $self.bounded(async { $act }).await
            }
            Pool::Postgres($pool) => {
                let $query = sqlx::query(AssertSqlSafe($sql))$(.bind($argument))*;
                $self.bounded(async { $act }).await
            }
        }
    };
}

/// As [`on`], with further arguments bound for every item of a list.
macro_rules! on_each {
    ($self:ident, $sql:expr, [$($argument:expr),*], $list:expr, |$bound:ident, $item:pat_param| $bind:expr,
     $query:ident, $pool:ident => $act:expr) => {
        match &$self.pool {
            Pool::Sqlite($pool) => {
                let first = sqlx::query(AssertSqlSafe($sql))$(.bind($argument))*;
                let $query = $list.iter().fold(first, |$bound, $item| $bind);
                $self.bounded(async { $act }).await
            }
            Pool::Postgres($pool) => {
                let first = sqlx::query(AssertSqlSafe($sql))$(.bind($argument))*;
                let $query = $list.iter().fold(first, |$bound, $item| $bind);
                $self.bounded(async { $act }).await
            }
        }
    };
}

impl SqlStore {
    /// Opens a SQLite file, made where there is none: write-ahead log, no wait for the disk at a commit.
    pub async fn sqlite(file: &Path, timeout: Duration) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(timeout);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(timeout)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options);
        Self::prepared(Pool::Sqlite(pool), "ab", timeout, Duration::ZERO).await
    }

    /// Connects to a PostgreSQL server, or says why not (without credentials).
    pub async fn postgres(settings: &PostgresSettings) -> Result<Self, Error> {
        let failed = || {
            Error::Store(format!(
                "cannot connect to {}: not an address of PostgreSQL",
                redacted(&settings.url)
            ))
        };
        let options: PgConnectOptions = settings.url.parse().map_err(|_| failed())?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(settings.timeout)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options);
        let opened =
            Self::prepared(Pool::Postgres(pool), &settings.prefix, settings.timeout, settings.distance);
        opened.await.map_err(|error| Error::Store(format!("cannot use {}: {error}", redacted(&settings.url))))
    }

    async fn prepared(
        pool: Pool,
        prefix: &str,
        timeout: Duration,
        distance: Duration,
    ) -> Result<Self, Error> {
        let store = Self {
            statements: Statements::new(prefix, matches!(pool, Pool::Postgres(_))),
            pool,
            timeout,
            distance: Distance::new(distance),
            round_trips: AtomicU64::new(0),
            commands: AtomicU64::new(0),
        };
        let schema = AssertSqlSafe(store.statements.schema.clone());
        let made = async {
            match &store.pool {
                Pool::Sqlite(pool) => raw_sql(schema).execute(pool).await.map(|_| ()),
                Pool::Postgres(pool) => raw_sql(schema).execute(pool).await.map(|_| ()),
            }
        };
        // Making tables takes longer than a request may, and happens once.
        match tokio::time::timeout(timeout * 10, made).await {
            Ok(made) => made.map_err(|error| Error::Store(error.to_string()))?,
            Err(_elapsed) => return Err(Error::Store("the tables could not be made in time".into())),
        }
        Ok(store)
    }

    /// Deletes everything that has ended by `now`.
    pub async fn sweep(&self, now: UnixMillis) -> Result<(), Error> {
        for sql in &self.statements.sweeps {
            self.travel(1).await?;
            on!(self, sql.clone(), [stored(now)], query, pool => query.execute(pool).await.map(|_| ()))?;
        }
        Ok(())
    }

    async fn travel(&self, commands: usize) -> Result<(), Error> {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        self.commands.fetch_add(commands as u64, Ordering::Relaxed);
        self.distance.travel().await
    }

    async fn bounded<T>(&self, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(answer) => answer.map_err(|error| Error::Store(error.to_string())),
            Err(_elapsed) => Err(Error::Store(format!("no answer within {} ms", self.timeout.as_millis()))),
        }
    }
}

/// A time as a column holds it.
fn stored(time: UnixMillis) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

fn read(time: i64) -> UnixMillis {
    UnixMillis::try_from(time).unwrap_or(0)
}

impl Store for SqlStore {
    async fn put_new(&self, key: Key<'_>, value: &[u8], span: Span) -> Result<bool, Error> {
        self.travel(1).await?;
        let sql = self.statements.of(key.kind).put_new.clone();
        let done = on!(self, sql, [key.id, value, stored(span.until), stored(span.now)], query, pool => {
            query.execute(pool).await.map(|done| done.rows_affected())
        })?;
        Ok(done > 0)
    }

    async fn get(&self, key: Key<'_>, now: UnixMillis) -> Result<Option<Bytes>, Error> {
        self.travel(1).await?;
        on!(self, self.statements.of(key.kind).get.clone(), [key.id, stored(now)], query, pool => {
            value_of(query.fetch_optional(pool).await?)
        })
    }

    async fn get_and_touch(&self, key: Key<'_>, span: Span) -> Result<Option<Bytes>, Error> {
        self.travel(1).await?;
        let sql = self.statements.of(key.kind).get_and_touch.clone();
        on!(self, sql, [key.id, stored(span.until), stored(span.now)], query, pool => {
            value_of(query.fetch_optional(pool).await?)
        })
    }

    async fn get_many<const N: usize>(
        &self,
        keys: [Key<'_>; N],
        now: UnixMillis,
    ) -> Result<[Option<Bytes>; N], Error> {
        self.travel(N).await?;
        let sql = self.statements.get_many(&keys);
        let found = on_each!(self, sql, [stored(now)], keys, |query, key| query.bind(key.id),
            query, pool => rows_of(&query.fetch_all(pool).await?))?;
        let mut values = [const { None }; N];
        for (value, place) in found {
            if let Some(slot) = usize::try_from(place).ok().and_then(|place| values.get_mut(place)) {
                *slot = Some(value);
            }
        }
        Ok(values)
    }

    async fn take(&self, key: Key<'_>, now: UnixMillis) -> Result<Option<Bytes>, Error> {
        self.travel(1).await?;
        on!(self, self.statements.of(key.kind).take.clone(), [key.id, stored(now)], query, pool => {
            value_of(query.fetch_optional(pool).await?)
        })
    }

    async fn replace_if(&self, key: Key<'_>, old: &[u8], new: &[u8], span: Span) -> Result<bool, Error> {
        self.travel(1).await?;
        let sql = self.statements.of(key.kind).replace_if.clone();
        let done = on!(self, sql, [key.id, old, new, stored(span.until), stored(span.now)], query, pool => {
            query.execute(pool).await.map(|done| done.rows_affected())
        })?;
        Ok(done > 0)
    }

    async fn touch(&self, key: Key<'_>, span: Span) -> Result<bool, Error> {
        self.get_and_touch(key, span).await.map(|value| value.is_some())
    }

    async fn put_all(&self, kind: Kind, entries: &[Entry]) -> Result<(), Error> {
        for chunk in entries.chunks(BULK) {
            self.travel(chunk.len()).await?;
            let sql = self.statements.put_all(kind, chunk.len());
            on_each!(self, sql, [], chunk, |query, entry| {
                query.bind(&entry.id[..]).bind(&entry.value[..]).bind(stored(entry.span.until))
            }, query, pool => query.execute(pool).await.map(|_| ()))?;
        }
        Ok(())
    }

    async fn take_all(&self, kind: Kind, ids: &[Bytes], now: UnixMillis) -> Result<Vec<bool>, Error> {
        let mut there = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(BULK) {
            self.travel(chunk.len()).await?;
            let sql = self.statements.take_all(kind, chunk.len());
            let taken = on_each!(self, sql, [], chunk, |query, id| query.bind(&id[..]),
                query, pool => rows_of(&query.fetch_all(pool).await?))?;
            there.extend(
                chunk.iter().map(|id| taken.iter().any(|(taken, until)| taken == id && read(*until) > now)),
            );
        }
        Ok(there)
    }

    fn counters(&self) -> StoreCounters {
        StoreCounters {
            round_trips: self.round_trips.load(Ordering::Relaxed),
            commands: self.commands.load(Ordering::Relaxed),
        }
    }

    fn count(&self, _kind: Kind) -> Option<u64> {
        None
    }

    fn name(&self) -> &'static str {
        match self.pool {
            Pool::Sqlite(_) => "sqlite",
            Pool::Postgres(_) => "postgres",
        }
    }
}

impl Index for SqlStore {
    async fn add(&self, user: &[u8], member: &[u8], span: Span) -> Result<(), Error> {
        self.travel(1).await?;
        let sql = self.statements.forget.clone();
        on!(self, sql, [user, stored(span.now)], query, pool => query.execute(pool).await.map(|_| ()))?;
        self.add_all(&[(Bytes::copy_from_slice(user), Bytes::copy_from_slice(member), span)]).await
    }

    async fn members(&self, user: &[u8], now: UnixMillis) -> Result<Vec<Member>, Error> {
        self.travel(1).await?;
        let sql = self.statements.members.clone();
        let rows =
            on!(self, sql, [user, stored(now)], query, pool => rows_of(&query.fetch_all(pool).await?))?;
        Ok(rows.into_iter().map(|(id, until)| Member { id, until: read(until) }).collect())
    }

    async fn remove(&self, user: &[u8], members: &[Bytes], _now: UnixMillis) -> Result<(), Error> {
        for chunk in members.chunks(BULK) {
            self.travel(1).await?;
            let sql = self.statements.remove(chunk.len());
            on_each!(self, sql, [user], chunk, |query, id| query.bind(&id[..]),
                query, pool => query.execute(pool).await.map(|_| ()))?;
        }
        Ok(())
    }

    async fn add_all(&self, members: &[(Bytes, Bytes, Span)]) -> Result<(), Error> {
        for chunk in members.chunks(BULK) {
            self.travel(chunk.len()).await?;
            let sql = self.statements.add_all(chunk.len());
            on_each!(self, sql, [], chunk, |query, (user, id, span)| {
                query.bind(&user[..]).bind(&id[..]).bind(stored(span.until))
            }, query, pool => query.execute(pool).await.map(|_| ()))?;
        }
        Ok(())
    }
}
