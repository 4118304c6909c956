//! Redis as the shared store: one multiplexed connection per server that reconnects, one command per step.
//!
//! Keys are `{prefix}:{kind}:{{id}}` with literal braces around the id (its hash tag on a cluster). Ids that are random
//! bytes are written as base64url, names as they are, long ones by their digest.
//!
//! On a cluster, and behind sentinels, replication is asynchronous: a write that was acknowledged is lost with a master that
//! dies before its replica has it. [`RedisSettings::wait`] asks for the replica first.

mod bits;
mod connection;
mod feed;
mod key;
mod many;
mod slot;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use redis::{Cmd, FromRedisValue};

pub(super) use self::connection::redacted;
use self::connection::{Connection, Effect, Lua};
use super::distance::Distance;
use super::{Entry, Index, Key, Kind, Member, Span, Store, StoreCounters};
use crate::answer::UnixMillis;
use crate::error::Error;

/// Commands per pipeline of a bulk write: large enough to amortise the round trip, small enough to bound memory.
const BULK: usize = 2048;

/// Compare and set with a time to live, on one key.
const REPLACE_IF: &str = "if redis.call('GET',KEYS[1])==ARGV[1] then redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) \
                          return 1 end return 0";

/// What the servers of an address are to each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RedisTopology {
    /// There is one.
    #[default]
    One,
    /// Members of a cluster: any of them knows the others.
    Cluster,
    /// Sentinels that watch a service of this name. They are asked without user and password, which are the servers'.
    Sentinel(String),
}

/// How to reach Redis and what to leave there.
#[derive(Clone)]
pub struct RedisSettings {
    /// `redis://[user:password@]host:port/db`, `rediss://…` or `redis+unix:…`; more than one beyond [`RedisTopology::One`],
    /// where all are reached as the first is.
    pub servers: Vec<String>,
    /// What they are to each other.
    pub topology: RedisTopology,
    /// Replicas that must have a write before it is acknowledged (`WAIT`); beyond [`RedisTopology::One`] only.
    pub wait: u32,
    /// Every key begins with it.
    pub prefix: String,
    /// Longest wait for one round trip, reconnecting included; past it the step fails.
    pub timeout: Duration,
    /// Modelled distance, added to each round trip.
    pub distance: Duration,
}

impl RedisSettings {
    /// One server at this address, with the usual prefix and deadline and no modelled distance.
    #[must_use]
    pub fn one(url: impl Into<String>) -> Self {
        Self {
            servers: vec![url.into()],
            topology: RedisTopology::One,
            wait: 0,
            prefix: "authbench".into(),
            timeout: Duration::from_millis(250),
            distance: Duration::ZERO,
        }
    }
}

impl std::fmt::Debug for RedisSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RedisSettings")
            .field("servers", &self.servers.iter().map(|url| redacted(url)).collect::<Vec<_>>())
            .field("topology", &self.topology)
            .field("wait", &self.wait)
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("distance", &self.distance)
            .finish()
    }
}

/// A Redis server, or several that share the keys.
#[derive(Debug)]
pub struct RedisStore {
    connection: Connection,
    prefix: String,
    distance: Distance,
    replace_if: Lua,
    append: Lua,
    round_trips: AtomicU64,
    commands: AtomicU64,
}

impl RedisStore {
    /// Connects, or says why not (without credentials).
    pub async fn connect(settings: &RedisSettings) -> Result<Self, Error> {
        Ok(Self {
            connection: Connection::open(settings).await?,
            prefix: settings.prefix.clone(),
            distance: Distance::new(settings.distance),
            replace_if: Lua::new(REPLACE_IF),
            append: Lua::new(feed::APPEND),
            round_trips: AtomicU64::new(0),
            commands: AtomicU64::new(0),
        })
    }

    async fn ask<T: FromRedisValue>(&self, effect: Effect, command: &Cmd) -> Result<T, Error> {
        self.travel(1).await?;
        self.connection.ask(effect, command).await
    }

    /// Independent commands, sent together: one round trip, also where they go to several servers at the same time.
    async fn ask_each<T: FromRedisValue>(&self, effect: Effect, commands: Vec<Cmd>) -> Result<Vec<T>, Error> {
        self.travel(commands.len()).await?;
        self.connection.ask_each(effect, commands).await
    }

    /// Commands on one key, all of them or none.
    async fn transact<T: FromRedisValue, const N: usize>(
        &self,
        effect: Effect,
        commands: [Cmd; N],
    ) -> Result<[T; N], Error> {
        self.travel(N).await?;
        let answers: Vec<T> = self.connection.transact(effect, commands.into()).await?;
        answers.try_into().map_err(|_| in_part())
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
    fn adding(&self, user: &[u8], member: &[u8], span: Span) -> [Cmd; 2] {
        let key = self.index_key(user);
        let (mut add, mut expire) = (command("ZADD", &key), command("PEXPIRE", &key));
        add.arg(span.until).arg(member);
        expire.arg(span.ttl_ms());
        [add, expire]
    }
}

fn in_part() -> Error {
    Error::Store("a pipeline was answered in part".into())
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
        self.ask::<Option<String>>(Effect::WriteOnce, &set).await.map(|answer| answer.is_some())
    }

    async fn get(&self, key: Key<'_>, _now: UnixMillis) -> Result<Option<Bytes>, Error> {
        let value: Option<Vec<u8>> = self.ask(Effect::Read, &command("GET", &self.key(key))).await?;
        Ok(value.map(Bytes::from))
    }

    async fn get_and_touch(&self, key: Key<'_>, span: Span) -> Result<Option<Bytes>, Error> {
        let mut command = command("GETEX", &self.key(key));
        command.arg("PX").arg(span.ttl_ms());
        let value: Option<Vec<u8>> = self.ask(Effect::Read, &command).await?;
        Ok(value.map(Bytes::from))
    }

    async fn get_many<const N: usize>(
        &self,
        keys: [Key<'_>; N],
        _now: UnixMillis,
    ) -> Result<[Option<Bytes>; N], Error> {
        let commands = keys.map(|key| command("GET", &self.key(key))).into();
        let values: Vec<Option<Vec<u8>>> = self.ask_each(Effect::Read, commands).await?;
        let values: [Option<Vec<u8>>; N] = values.try_into().map_err(|_| in_part())?;
        Ok(values.map(|value| value.map(Bytes::from)))
    }

    async fn take(&self, key: Key<'_>, _now: UnixMillis) -> Result<Option<Bytes>, Error> {
        let value: Option<Vec<u8>> = self.ask(Effect::WriteOnce, &command("GETDEL", &self.key(key))).await?;
        Ok(value.map(Bytes::from))
    }

    async fn replace_if(&self, key: Key<'_>, old: &[u8], new: &[u8], span: Span) -> Result<bool, Error> {
        self.travel(1).await?;
        let ttl = span.ttl_ms().to_string();
        let arguments = [old, new, ttl.as_bytes()];
        self.connection.call(Effect::WriteOnce, &self.replace_if, &self.key(key), &arguments).await
    }

    async fn touch(&self, key: Key<'_>, span: Span) -> Result<bool, Error> {
        let mut expire = command("PEXPIRE", &self.key(key));
        expire.arg(span.ttl_ms());
        self.ask(Effect::Read, &expire).await
    }

    async fn put_all(&self, kind: Kind, entries: &[Entry]) -> Result<(), Error> {
        for chunk in entries.chunks(BULK) {
            let set = |Entry { id, value, span }: &Entry| {
                let mut set = command("SET", &self.key(Key { kind, id }));
                set.arg(&value[..]).arg("PX").arg(span.ttl_ms());
                set
            };
            self.ask_each::<()>(Effect::Write, chunk.iter().map(set).collect()).await?;
        }
        Ok(())
    }

    async fn take_all(&self, kind: Kind, ids: &[Bytes], _now: UnixMillis) -> Result<Vec<bool>, Error> {
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(BULK) {
            let remove = |id| command("DEL", &self.key(Key { kind, id }));
            found.extend(
                self.ask_each::<bool>(Effect::WriteOnce, chunk.iter().map(|id| remove(id)).collect()).await?,
            );
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

    async fn evicted(&self) -> Result<Option<u64>, Error> {
        let said: String = self.ask(Effect::Read, &command("INFO", "stats")).await?;
        Ok(said.lines().find_map(|line| line.strip_prefix("evicted_keys:")?.trim().parse().ok()))
    }

    fn name(&self) -> &'static str {
        "redis"
    }
}

impl Index for RedisStore {
    async fn add(&self, user: &[u8], member: &[u8], span: Span) -> Result<(), Error> {
        // A transaction on one key: atomic, and one slot on a cluster.
        let mut forget = command("ZREMRANGEBYSCORE", &self.index_key(user));
        forget.arg("-inf").arg(span.now);
        let [add, expire] = self.adding(user, member, span);
        let _: [(); 3] = self.transact(Effect::Write, [forget, add, expire]).await?;
        Ok(())
    }

    async fn members(&self, user: &[u8], now: UnixMillis) -> Result<Vec<Member>, Error> {
        let mut range = command("ZRANGE", &self.index_key(user));
        range.arg(format!("({now}")).arg("+inf").arg("BYSCORE").arg("WITHSCORES");
        let pairs: Vec<(Vec<u8>, f64)> = self.ask(Effect::Read, &range).await?;
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
        self.ask::<()>(Effect::Write, &remove).await
    }

    async fn add_all(&self, members: &[(Bytes, Bytes, Span)]) -> Result<(), Error> {
        for chunk in members.chunks(BULK / 2) {
            let commands = chunk.iter().flat_map(|(user, member, span)| self.adding(user, member, *span));
            self.ask_each::<()>(Effect::Write, commands.collect()).await?;
        }
        Ok(())
    }
}
