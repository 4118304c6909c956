//! A Redis that belongs to somebody else: only keys under our prefix are touched, and they are removed at the end.

use std::time::Duration;

use redis::{Client, Connection, IntoConnectionInfo};

use crate::error::Error;
use crate::redact::redact;

/// Keys asked for and removed at a time: other clients must not wait for us.
const BATCH: usize = 1000;
/// Longest wait for a connection or an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Our keys in a shared server. Dropping it removes them.
pub(crate) struct SharedRedis {
    row: String,
    address: String,
    prefix: String,
    connection: Connection,
    cleaned: bool,
}

impl std::fmt::Debug for SharedRedis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedRedis")
            .field("row", &self.row)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl SharedRedis {
    pub(crate) fn new(row: &str, url: &str, prefix: &str) -> Result<Self, Error> {
        let address = redact(url);
        let fail = |error: redis::RedisError| Error::Store {
            row: row.to_owned(),
            address: address.clone(),
            message: redact(&error.to_string()),
        };
        let info = url.into_connection_info().map_err(fail)?;
        let connection = Client::open(info)
            .and_then(|client| client.get_connection_with_timeout(PATIENCE))
            .map_err(fail)?;
        connection.set_read_timeout(Some(PATIENCE)).map_err(fail)?;
        connection.set_write_timeout(Some(PATIENCE)).map_err(fail)?;
        Ok(Self { row: row.to_owned(), address, prefix: prefix.to_owned(), connection, cleaned: false })
    }

    /// Removes every key under the prefix; their count.
    pub(crate) fn clean(&mut self) -> Result<u64, Error> {
        let removed = self.remove().map_err(|error| Error::Store {
            row: self.row.clone(),
            address: self.address.clone(),
            message: format!(
                "keys under {} could not be removed: {}",
                self.prefix,
                redact(&error.to_string())
            ),
        })?;
        self.cleaned = true;
        Ok(removed)
    }

    fn remove(&mut self) -> redis::RedisResult<u64> {
        let pattern = format!("{}:*", escape(&self.prefix));
        let (mut cursor, mut removed) = (0_u64, 0_u64);
        loop {
            let (next, keys): (u64, Vec<Vec<u8>>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(BATCH)
                .query(&mut self.connection)?;
            if !keys.is_empty() {
                removed += redis::cmd("UNLINK").arg(&keys).query::<u64>(&mut self.connection)?;
            }
            if next == 0 {
                return Ok(removed);
            }
            cursor = next;
        }
    }
}

impl Drop for SharedRedis {
    fn drop(&mut self) {
        if !self.cleaned {
            // On the way out of an error: every key has a TTL besides.
            let _ = self.remove();
        }
    }
}

/// The prefix as a pattern that matches only itself.
fn escape(prefix: &str) -> String {
    prefix.chars().flat_map(|c| "\\*?[]^".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_prefix_matches_only_itself() {
        assert_eq!(super::escape("run:a*b[c]?"), r"run:a\*b\[c\]\?");
    }
}
