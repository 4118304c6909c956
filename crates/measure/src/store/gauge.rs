//! Reads the own figures of Redis servers by `INFO`, less what reading them costs.
//!
//! Of a cluster the masters are read and summed: a replica repeats what its master did. (It says every second what it
//! has; that is in its master's count.)

use std::collections::BTreeMap;

use redis::Connection;

use super::connect::{Place, connect, masters};
use super::settings_of;
use crate::error::Error;
use crate::recording::StoreRecord;

/// Figures of the servers of a store, totals since their start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// CPU, nanoseconds.
    pub(crate) cpu_ns: u64,
    /// Commands processed.
    pub(crate) commands: u64,
    /// Bytes received.
    pub(crate) bytes_in: u64,
    /// Bytes sent.
    pub(crate) bytes_out: u64,
    /// Memory of the data, bytes (not a total).
    pub(crate) dataset_bytes: u64,
    /// All memory, bytes: what a limit counts (not a total).
    pub(crate) memory_bytes: u64,
    /// Keys in it (not a total).
    pub(crate) keys: u64,
    /// Keys evicted.
    pub(crate) evicted_keys: u64,
}

/// Connections that read the figures, one for each server that takes writes.
pub(crate) struct Gauge {
    place: Place,
    connections: Vec<Connection>,
    /// What one reading adds to the totals.
    own: Sample,
}

impl std::fmt::Debug for Gauge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gauge").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Gauge {
    /// Connects and learns what a reading costs: on a private server by reading twice; elsewhere others may come between,
    /// so that only the command itself is counted.
    pub(crate) fn connect(row: &str, url: &str, private: bool) -> Result<Self, Error> {
        let place = Place::new(row, url);
        let servers = masters(&place, url)?;
        let connections =
            servers.iter().map(|server| connect(&place, server)).collect::<Result<Vec<_>, _>>()?;
        let own = Sample { commands: connections.len() as u64, ..Sample::default() };
        let mut gauge = Self { place, connections, own };
        if private {
            gauge.read()?;
            let before = gauge.read()?;
            let after = gauge.read()?;
            gauge.own = Sample {
                commands: after.commands - before.commands,
                bytes_in: after.bytes_in - before.bytes_in,
                bytes_out: after.bytes_out - before.bytes_out,
                ..Sample::default()
            };
        }
        Ok(gauge)
    }

    /// The figures now.
    pub(crate) fn read(&mut self) -> Result<Sample, Error> {
        let mut sum = Sample::default();
        for info in self.infos()? {
            let number = |key: &str| info.get(key).and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
            let seconds =
                |key: &str| info.get(key).and_then(|value| value.parse::<f64>().ok()).unwrap_or(0.0);
            let databases = info.iter().filter(|(name, _)| is_database(name));
            sum.cpu_ns += ((seconds("used_cpu_user") + seconds("used_cpu_sys")) * 1e9) as u64;
            sum.commands += number("total_commands_processed");
            sum.bytes_in += number("total_net_input_bytes");
            sum.bytes_out += number("total_net_output_bytes");
            sum.dataset_bytes += number("used_memory_dataset");
            sum.memory_bytes += number("used_memory");
            sum.keys += databases.filter_map(|(_, value)| keys(value)).sum::<u64>();
            sum.evicted_keys += number("evicted_keys");
        }
        Ok(sum)
    }

    /// What was used between two readings, the first reading's own cost taken out.
    pub(crate) fn between(&self, before: Sample, after: Sample) -> Sample {
        let less = |after: u64, before: u64, own: u64| after.saturating_sub(before).saturating_sub(own);
        Sample {
            cpu_ns: less(after.cpu_ns, before.cpu_ns, 0),
            commands: less(after.commands, before.commands, self.own.commands),
            bytes_in: less(after.bytes_in, before.bytes_in, self.own.bytes_in),
            bytes_out: less(after.bytes_out, before.bytes_out, self.own.bytes_out),
            dataset_bytes: after.dataset_bytes,
            memory_bytes: after.memory_bytes,
            keys: after.keys,
            evicted_keys: after.evicted_keys,
        }
    }

    /// What the recording says of the store; its settings are those of the first of its servers.
    pub(crate) fn record(&mut self, private: bool) -> Result<StoreRecord, Error> {
        let info = self.infos()?.into_iter().next().unwrap_or_default();
        let version = |key: &str| info.get(key).cloned();
        let named = match version("valkey_version") {
            Some(version) => format!("valkey {version}"),
            None => format!("redis {}", version("redis_version").unwrap_or_else(|| "unknown".into())),
        };
        Ok(StoreRecord {
            version: named,
            private,
            prefix: String::new(),
            address: if private { String::new() } else { self.place.address.clone() },
            settings: settings_of(&info),
        })
    }

    fn infos(&mut self) -> Result<Vec<BTreeMap<String, String>>, Error> {
        let place = &self.place;
        let read = |connection: &mut Connection| {
            let asked = redis::cmd("INFO").query(connection);
            let text: String = asked.map_err(|error| place.failed("", &error))?;
            let lines = text.lines().filter_map(|line| line.split_once(':'));
            Ok(lines.map(|(key, value)| (key.to_owned(), value.trim_end().to_owned())).collect())
        };
        self.connections.iter_mut().map(read).collect()
    }
}

/// `db0`, `db1`, …
fn is_database(name: &str) -> bool {
    name.strip_prefix("db")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The keys of `keys=12,expires=3,avg_ttl=0`.
fn keys(value: &str) -> Option<u64> {
    value.split(',').find_map(|part| part.strip_prefix("keys="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_all_databases_are_counted() {
        assert!(is_database("db0") && is_database("db12") && !is_database("db") && !is_database("dbsize"));
        assert_eq!(keys("keys=12,expires=3,avg_ttl=0"), Some(12));
        assert_eq!(keys("expires=3"), None);
    }
}
