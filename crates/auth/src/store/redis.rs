//! Redis as the shared store: one multiplexed connection that reconnects, one command per step.
//!
//! Keys are `{prefix}:{kind}:{{id}}` with literal braces around the id (its hash tag on a cluster). Ids that are random
//! bytes are written as base64url, names as they are, long ones by their digest.

mod bits;
mod connection;
mod feed;
mod key;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use redis::{Cmd, FromRedisValue, Pipeline, Script};

use self::connection::Connection;
pub(super) use self::connection::redacted;
use super::distance::Distance;
use super::{Entry, Index, Key, Kind, Member, Span, Store, StoreCounters};
use crate::answer::UnixMillis;
use crate::error::Error;

/// Commands per pipeline of a bulk write: large enough to amortise the round trip, small enough to bound memory.
const BULK: usize = 2048;

/// Compare and set with a time to live, on one key.
const REPLACE_IF: &str = "if redis.call('GET',KEYS[1])==ARGV[1] then redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) \
                          return 1 end return 0";

/// How to reach a Redis server and what to leave there.
#[derive(Clone)]
pub struct RedisSettings {
    /// `redis://[user:password@]host:port/db`, `rediss://…` or `redis+unix:…`.
    pub url: String,
    /// Every key begins with it.
    pub prefix: String,
    /// Longest wait for one round trip, reconnecting included; past it the step fails.
    pub timeout: Duration,
    /// Modelled distance, added to each round trip.
    pub distance: Duration,
}

impl std::fmt::Debug for RedisSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RedisSettings")
            .field("url", &redacted(&self.url))
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("distance", &self.distance)
            .finish()
    }
}

/// A Redis server.
#[derive(Debug)]
pub struct RedisStore {
    connection: Connection,
    prefix: String,
    distance: Distance,
    replace_if: Script,
    append: Script,
    round_trips: AtomicU64,
    commands: AtomicU64,
}

impl RedisStore {
    /// Connects, or says why not (without credentials).
    pub async fn connect(settings: &RedisSettings) -> Result<Self, Error> {
        Ok(Self {
            connection: Connection::open(&settings.url, settings.timeout).await?,
            prefix: settings.prefix.clone(),
            distance: Distance::new(settings.distance),
            replace_if: Script::new(REPLACE_IF),
            append: Script::new(feed::APPEND),
            round_trips: AtomicU64::new(0),
            commands: AtomicU64::new(0),
        })
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        self.travel(1).await?;
        self.connection.ask(command).await
    }

    async fn ask_all<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, Error> {
        self.travel(pipeline.len()).await?;
        self.connection.ask_all(pipeline).await
    }

    async fn travel(&self, commands: usize) -> Result<(), Error> {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        self.commands.fetch_add(commands as u64, Ordering::Relaxed);
        self.distance.travel().await
    }

    fn key(&self, key: Key<'_>) -> String {
        key::text(&self.prefix, key)
    }

    fn index_key(&self, user: &[u8]) -> String {
        self.key(Key { kind: Kind::Index, id: user })
    }

    /// Adds a member with its end as score; the key lives as long as its newest member.
    fn push_add(&self, pipeline: &mut Pipeline, user: &[u8], member: &[u8], span: Span) {
        let key = self.index_key(user);
        pipeline.cmd("ZADD").arg(&key).arg(span.until).arg(member).ignore();
        pipeline.cmd("PEXPIRE").arg(&key).arg(span.ttl_ms()).ignore();
    }
}

fn command(name: &str, key: &str) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(key);
    command
}

impl Store for RedisStore {
    async fn put_new(&self, key: Key<'_>, value: &[u8], span: Span) -> Result<bool, Error> {
        let mut set = command("SET", &self.key(key));
        set.arg(value).arg("PX").arg(span.ttl_ms()).arg("NX");
        self.ask::<Option<String>>(&set).await.map(|answer| answer.is_some())
    }

    async fn get(&self, key: Key<'_>, _now: UnixMillis) -> Result<Option<Bytes>, Error> {
        let value: Option<Vec<u8>> = self.ask(&command("GET", &self.key(key))).await?;
        Ok(value.map(Bytes::from))
    }

    async fn get_and_touch(&self, key: Key<'_>, span: Span) -> Result<Option<Bytes>, Error> {
        let mut command = command("GETEX", &self.key(key));
        command.arg("PX").arg(span.ttl_ms());
        let value: Option<Vec<u8>> = self.ask(&command).await?;
        Ok(value.map(Bytes::from))
    }

    async fn get_many<const N: usize>(
        &self,
        keys: [Key<'_>; N],
        _now: UnixMillis,
    ) -> Result<[Option<Bytes>; N], Error> {
        let mut pipeline = Pipeline::with_capacity(N);
        for key in keys {
            pipeline.cmd("GET").arg(self.key(key));
        }
        let values: Vec<Option<Vec<u8>>> = self.ask_all(&pipeline).await?;
        let values: [Option<Vec<u8>>; N] =
            values.try_into().map_err(|_| Error::Store("a pipeline was answered in part".into()))?;
        Ok(values.map(|value| value.map(Bytes::from)))
    }

    async fn take(&self, key: Key<'_>, _now: UnixMillis) -> Result<Option<Bytes>, Error> {
        let value: Option<Vec<u8>> = self.ask(&command("GETDEL", &self.key(key))).await?;
        Ok(value.map(Bytes::from))
    }

    async fn replace_if(&self, key: Key<'_>, old: &[u8], new: &[u8], span: Span) -> Result<bool, Error> {
        self.travel(1).await?;
        let mut call = self.replace_if.key(self.key(key));
        call.arg(old).arg(new).arg(span.ttl_ms());
        self.connection.call(&call).await
    }

    async fn touch(&self, key: Key<'_>, span: Span) -> Result<bool, Error> {
        let mut expire = command("PEXPIRE", &self.key(key));
        expire.arg(span.ttl_ms());
        self.ask(&expire).await
    }

    async fn put_all(&self, kind: Kind, entries: &[Entry]) -> Result<(), Error> {
        for chunk in entries.chunks(BULK) {
            let mut pipeline = Pipeline::with_capacity(chunk.len());
            for Entry { id, value, span } in chunk {
                let set = pipeline.cmd("SET").arg(self.key(Key { kind, id })).arg(&value[..]);
                set.arg("PX").arg(span.ttl_ms()).ignore();
            }
            self.ask_all::<()>(&pipeline).await?;
        }
        Ok(())
    }

    async fn take_all(&self, kind: Kind, ids: &[Bytes], _now: UnixMillis) -> Result<Vec<bool>, Error> {
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(BULK) {
            let mut pipeline = Pipeline::with_capacity(chunk.len());
            for id in chunk {
                pipeline.cmd("DEL").arg(self.key(Key { kind, id }));
            }
            found.extend(self.ask_all::<Vec<bool>>(&pipeline).await?);
        }
        Ok(found)
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
        "redis"
    }
}

impl Index for RedisStore {
    async fn add(&self, user: &[u8], member: &[u8], span: Span) -> Result<(), Error> {
        // A transaction on one key: atomic, and one slot on a cluster.
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.atomic();
        pipeline.cmd("ZREMRANGEBYSCORE").arg(self.index_key(user)).arg("-inf").arg(span.now).ignore();
        self.push_add(&mut pipeline, user, member, span);
        self.ask_all(&pipeline).await
    }

    async fn members(&self, user: &[u8], now: UnixMillis) -> Result<Vec<Member>, Error> {
        let mut range = command("ZRANGE", &self.index_key(user));
        range.arg(format!("({now}")).arg("+inf").arg("BYSCORE").arg("WITHSCORES");
        let pairs: Vec<(Vec<u8>, f64)> = self.ask(&range).await?;
        // Scores are whole milliseconds far below 2^53: the cast is exact.
        Ok(pairs
            .into_iter()
            .map(|(id, until)| Member { id: Bytes::from(id), until: until as UnixMillis })
            .collect())
    }

    async fn remove(&self, user: &[u8], members: &[Bytes], _now: UnixMillis) -> Result<(), Error> {
        if members.is_empty() {
            return Ok(());
        }
        let mut remove = command("ZREM", &self.index_key(user));
        for member in members {
            remove.arg(&member[..]);
        }
        self.ask::<()>(&remove).await
    }

    async fn add_all(&self, members: &[(Bytes, Bytes, Span)]) -> Result<(), Error> {
        for chunk in members.chunks(BULK / 2) {
            let mut pipeline = Pipeline::with_capacity(chunk.len() * 2);
            for (user, member, span) in chunk {
                self.push_add(&mut pipeline, user, member, *span);
            }
            self.ask_all::<()>(&pipeline).await?;
        }
        Ok(())
    }
}
