//! One way to reach a Redis: bounded waits, and an address without its password in every message.

use std::time::Duration;

use redis::{Client, Connection, IntoConnectionInfo, RedisError};

use crate::error::Error;
use crate::redact::redact;

/// Longest wait for a connection or an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server, as it is named in messages.
#[derive(Debug, Clone)]
pub(super) struct Place {
    row: String,
    /// Without credentials.
    pub(super) address: String,
}

impl Place {
    pub(super) fn new(row: &str, url: &str) -> Self {
        Self { row: row.to_owned(), address: redact(url) }
    }

    /// What went wrong there, with `what` before what Redis says.
    pub(super) fn failed(&self, what: &str, error: &RedisError) -> Error {
        let message = format!("{what}{}", redact(&error.to_string()));
        Error::Store { row: self.row.clone(), address: self.address.clone(), message }
    }
}

/// A connection that never waits for long.
pub(super) fn connect(place: &Place, url: &str) -> Result<Connection, Error> {
    let open = || {
        let client = Client::open(url.into_connection_info()?)?;
        let connection = client.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    };
    open().map_err(|error| place.failed("", &error))
}
