//! One multiplexed connection: reconnecting, every call bounded in time, no credential in any message.

use std::future::Future;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig, PubSub};
use redis::{Cmd, FromRedisValue, Pipeline, RedisResult, ScriptInvocation};

use crate::error::Error;

/// Pause before the second attempt to connect; further ones follow on the next call.
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);

/// Commands that may wait in the client before a caller waits too.
const QUEUE: usize = 1024;

#[derive(Debug)]
pub(super) struct Connection {
    client: redis::Client,
    manager: ConnectionManager,
    timeout: Duration,
}

impl Connection {
    pub(super) async fn open(url: &str, timeout: Duration) -> Result<Self, Error> {
        let failed = |error: &redis::RedisError| {
            Error::Store(format!(
                "cannot connect to {}: {}",
                redacted(url),
                without_secret(url, &error.to_string())
            ))
        };
        let client = redis::Client::open(url).map_err(|error| failed(&error))?;
        // The response time-out is ours, around reconnecting too, so the library's own would only cost a second timer.
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(Some(timeout))
            .set_number_of_retries(1)
            .set_min_delay(RECONNECT_PAUSE)
            .set_max_delay(RECONNECT_PAUSE)
            .set_pipeline_buffer_size(QUEUE);
        let manager = ConnectionManager::new_with_config(client.clone(), config)
            .await
            .map_err(|error| failed(&error))?;
        Ok(Self { client, manager, timeout })
    }

    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        let mut manager = self.manager.clone();
        self.bounded(command.query_async(&mut manager)).await
    }

    pub(super) async fn ask_all<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, Error> {
        let mut manager = self.manager.clone();
        self.bounded(pipeline.query_async(&mut manager)).await
    }

    pub(super) async fn call<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, Error> {
        let mut manager = self.manager.clone();
        self.bounded(call.invoke_async(&mut manager)).await
    }

    /// A connection of its own for a subscription.
    pub(super) async fn listen(&self) -> Result<PubSub, Error> {
        self.bounded(self.client.get_async_pubsub()).await
    }

    pub(super) async fn bounded<T>(&self, work: impl Future<Output = RedisResult<T>>) -> Result<T, Error> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(answer) => answer.map_err(|error| Error::Store(error.to_string())),
            Err(_elapsed) => Err(Error::Store(format!("no answer within {} ms", self.timeout.as_millis()))),
        }
    }
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
