//! The way to Redis, whatever its topology: every call bounded in time, no credential in any message.

use std::future::Future;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig, PubSub};
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, Script, ServerErrorKind};

use super::many::Many;
use super::{RedisSettings, RedisTopology};
use crate::error::Error;

/// Pause before the second attempt to connect; further ones follow on the next call.
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);

/// Commands that may wait in the client before a caller waits too.
const QUEUE: usize = 1024;

/// What a command does to the store: whether it may be sent again when its answer was lost, and whether replicas must have
/// it before it is acknowledged (where that is asked for).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Reads, or prolongs a time to live.
    Read,
    /// A write that can be done twice.
    Write,
    /// A write whose second answer would be another.
    WriteOnce,
}

/// A script on one key.
#[derive(Debug)]
pub(super) struct Lua {
    body: &'static str,
    script: Script,
}

impl Lua {
    pub(super) fn new(body: &'static str) -> Self {
        Self { body, script: Script::new(body) }
    }

    /// The command that runs it, by its digest or whole.
    fn command(&self, whole: bool, key: &str, arguments: &[&[u8]]) -> Cmd {
        let mut command = if whole { redis::cmd("EVAL") } else { redis::cmd("EVALSHA") };
        command.arg(if whole { self.body } else { self.script.get_hash() }).arg(1).arg(key);
        for argument in arguments {
            command.arg(*argument);
        }
        command
    }
}

/// One server, or several of which one answers for a key.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one per process, and a box would be one more step to each key"
)]
pub(super) enum Connection {
    One(One),
    Many(Many),
}

impl Connection {
    pub(super) async fn open(settings: &RedisSettings) -> Result<Self, Error> {
        match settings.topology {
            RedisTopology::One => {
                let url = settings.servers.first().map_or("", String::as_str);
                Ok(Self::One(One::open(url, settings.timeout).await?))
            }
            _ => Ok(Self::Many(Many::open(settings).await?)),
        }
    }

    /// One command on one key.
    pub(super) async fn ask<T: FromRedisValue>(&self, effect: Effect, command: &Cmd) -> Result<T, Error> {
        match self {
            Self::One(one) => one.ask(command).await.map_err(said),
            Self::Many(many) => read(many.ask(effect, command).await.map_err(said)?),
        }
    }

    /// Independent commands on a key each, sent together; their answers in order.
    pub(super) async fn ask_each<T: FromRedisValue>(
        &self,
        effect: Effect,
        commands: Vec<Cmd>,
    ) -> Result<Vec<T>, Error> {
        match self {
            Self::One(one) => one.ask_all(commands, false).await,
            Self::Many(many) => {
                many.ask_each(effect, &commands).await.map_err(said)?.into_iter().map(read).collect()
            }
        }
    }

    /// Commands on one key, all of them or none.
    pub(super) async fn transact<T: FromRedisValue>(
        &self,
        effect: Effect,
        commands: Vec<Cmd>,
    ) -> Result<Vec<T>, Error> {
        match self {
            Self::One(one) => one.ask_all(commands, true).await,
            Self::Many(many) => read(many.transact(effect, commands).await.map_err(said)?),
        }
    }

    /// Runs a script on its key; whole where the server does not know it yet.
    pub(super) async fn call<T: FromRedisValue>(
        &self,
        effect: Effect,
        lua: &Lua,
        key: &str,
        arguments: &[&[u8]],
    ) -> Result<T, Error> {
        // Behind a script that is not known yet the wait for replicas would be in vain.
        let mut whole = matches!(self, Self::Many(many) if many.waits());
        loop {
            let command = lua.command(whole, key, arguments);
            let answer = match self {
                Self::One(one) => one.ask::<redis::Value>(&command).await,
                Self::Many(many) => many.ask(effect, &command).await,
            };
            match answer {
                Err(Failed::Redis(error))
                    if !whole && error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) =>
                {
                    whole = true;
                }
                answer => return read(answer.map_err(said)?),
            }
        }
    }

    /// A connection of its own that is subscribed to a channel.
    pub(super) async fn listen(&self, channel: &str) -> Result<PubSub, Error> {
        match self {
            Self::One(one) => bounded(one.timeout, subscribed(&one.client, channel)).await.map_err(said),
            Self::Many(many) => many.listen(channel).await.map_err(said),
        }
    }
}

/// One multiplexed connection that reconnects.
#[derive(Debug)]
pub(super) struct One {
    client: redis::Client,
    manager: ConnectionManager,
    timeout: Duration,
}

impl One {
    async fn open(url: &str, timeout: Duration) -> Result<Self, Error> {
        let failed = |error: &RedisError| cannot_connect(url, error);
        let client = redis::Client::open(url).map_err(|error| failed(&error))?;
        let manager = ConnectionManager::new_with_config(client.clone(), manner(timeout))
            .await
            .map_err(|error| failed(&error))?;
        Ok(Self { client, manager, timeout })
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failed> {
        let mut manager = self.manager.clone();
        bounded(self.timeout, command.query_async(&mut manager)).await
    }

    async fn ask_all<T: FromRedisValue>(&self, commands: Vec<Cmd>, atomic: bool) -> Result<Vec<T>, Error> {
        let mut pipeline = Pipeline::with_capacity(commands.len());
        if atomic {
            pipeline.atomic();
        }
        for command in commands {
            pipeline.add_command(command);
        }
        let mut manager = self.manager.clone();
        bounded(self.timeout, pipeline.query_async(&mut manager)).await.map_err(said)
    }
}

/// How a connection is kept. The response time-out is ours, around reconnecting too, so the library's own would only cost a
/// second timer.
pub(super) fn manner(timeout: Duration) -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_response_timeout(None)
        .set_connection_timeout(Some(timeout))
        .set_number_of_retries(1)
        .set_min_delay(RECONNECT_PAUSE)
        .set_max_delay(RECONNECT_PAUSE)
        .set_pipeline_buffer_size(QUEUE)
}

pub(super) async fn subscribed(client: &redis::Client, channel: &str) -> RedisResult<PubSub> {
    let mut connection = client.get_async_pubsub().await?;
    connection.subscribe(channel).await?;
    Ok(connection)
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// The server or the way to it says so.
    Redis(RedisError),
    /// Nothing came within this time.
    Late(Duration),
    /// Fewer replicas than asked for have the write.
    Unreplicated { wanted: u32, have: u32 },
}

/// Waits no longer than `timeout`.
pub(super) async fn bounded<T>(
    timeout: Duration,
    work: impl Future<Output = RedisResult<T>>,
) -> Result<T, Failed> {
    match tokio::time::timeout(timeout, work).await {
        Ok(answer) => answer.map_err(Failed::Redis),
        Err(_elapsed) => Err(Failed::Late(timeout)),
    }
}

pub(super) fn said(failed: Failed) -> Error {
    Error::Store(match failed {
        Failed::Redis(error) => error.to_string(),
        Failed::Late(timeout) => format!("no answer within {} ms", timeout.as_millis()),
        Failed::Unreplicated { wanted, have } => {
            format!("{have} of {wanted} replicas had the write in time: it may be lost")
        }
    })
}

fn read<T: FromRedisValue>(value: redis::Value) -> Result<T, Error> {
    value
        .extract_error()
        .and_then(|value| Ok(T::from_redis_value(value)?))
        .map_err(|error| Error::Store(error.to_string()))
}

pub(super) fn cannot_connect(url: &str, error: &RedisError) -> Error {
    let why = without_secret(url, &error.to_string());
    Error::Store(format!("cannot connect to {}: {why}", redacted(url)))
}

/// The address without user name and password.
pub(in crate::store) fn redacted(address: &str) -> String {
    let Some(mut url) = url::Url::parse(address).ok().filter(|url| !url.cannot_be_a_base()) else {
        return "the address given (not a URL)".to_owned();
    };
    let secret = !url.username().is_empty() || url.password().is_some();
    // Both fail only for addresses that cannot carry credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    if secret { url.as_str().replacen("://", "://***@", 1) } else { url.to_string() }
}

/// A message without the password, which stands before the host or, for sockets, in the query.
fn without_secret(address: &str, message: &str) -> String {
    let Ok(url) = url::Url::parse(address) else { return "the address is not a URL".to_owned() };
    let queried = url.query_pairs().filter(|(name, _)| name == "pass").map(|(_, value)| value.into_owned());
    let secrets =
        url.password().map(str::to_owned).into_iter().chain(queried).filter(|secret| !secret.is_empty());
    secrets.fold(message.to_owned(), |message, secret| message.replace(&secret, "***"))
}

#[cfg(test)]
mod tests {
    use super::{redacted, without_secret};

    #[test]
    fn an_address_keeps_everything_but_its_credentials() {
        assert_eq!(redacted("redis://me:secret@host:6379/2"), "redis://***@host:6379/2");
        assert_eq!(redacted("rediss://host:6380/"), "rediss://host:6380/");
        assert!(!redacted("me:secret@host").contains("secret"));
        assert_eq!(redacted("redis+unix:///run/redis.sock?pass=secret"), "redis+unix:///run/redis.sock");
        assert_eq!(without_secret("redis://me:secret@host", "bad secret"), "bad ***");
        assert_eq!(without_secret("redis+unix:///run/redis.sock?pass=secret", "bad secret"), "bad ***");
    }
}
