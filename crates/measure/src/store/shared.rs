//! A Redis that belongs to somebody else: only keys under our prefix are touched, and they are removed at the end.

use redis::Connection;

use super::connect::{Place, connect, masters};
use crate::error::Error;

/// Keys asked for and removed at a time: other clients must not wait for us.
const BATCH: usize = 1000;

/// Keys under a prefix of ours in a Redis that already runs: one server, a cluster, or what sentinels watch. Dropping it
/// removes them.
pub struct SharedRedis {
    place: Place,
    prefix: String,
    /// One for each server that takes writes.
    connections: Vec<Connection>,
    cleaned: bool,
}

impl std::fmt::Debug for SharedRedis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedRedis")
            .field("place", &self.place)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl SharedRedis {
    /// Connects to every server there that takes writes. `row` is for messages.
    ///
    /// # Errors
    ///
    /// When the address is none, or nobody answers there.
    pub fn new(row: &str, url: &str, prefix: &str) -> Result<Self, Error> {
        let place = Place::new(row, url);
        let servers = masters(&place, url)?;
        let connections =
            servers.iter().map(|server| connect(&place, server)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { place, prefix: prefix.to_owned(), connections, cleaned: false })
    }

    /// Removes every key under the prefix; their count.
    ///
    /// # Errors
    ///
    /// When a server does not answer.
    pub fn clean(&mut self) -> Result<u64, Error> {
        let what = format!("keys under {} could not be removed: ", self.prefix);
        let removed = self.remove().map_err(|error| self.place.failed(&what, &error))?;
        self.cleaned = true;
        Ok(removed)
    }

    fn remove(&mut self) -> redis::RedisResult<u64> {
        let pattern = format!("{}:*", escape(&self.prefix));
        self.connections.iter_mut().map(|connection| remove(connection, &pattern)).sum()
    }
}

/// Removes the keys of one server that match.
fn remove(connection: &mut Connection, pattern: &str) -> redis::RedisResult<u64> {
    let (mut cursor, mut removed) = (0_u64, 0_u64);
    loop {
        let (next, keys): (u64, Vec<Vec<u8>>) = redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(pattern)
            .arg("COUNT")
            .arg(BATCH)
            .query(connection)?;
        // One command each: on a cluster no command spans two slots.
        let mut unlink = redis::Pipeline::with_capacity(keys.len());
        for key in &keys {
            unlink.cmd("UNLINK").arg(key);
        }
        if !keys.is_empty() {
            removed += unlink.query::<Vec<u64>>(connection)?.into_iter().sum::<u64>();
        }
        if next == 0 {
            return Ok(removed);
        }
        cursor = next;
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
