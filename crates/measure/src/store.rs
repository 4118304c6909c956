//! The store behind a row: a private Redis of its own, or one that already runs.

mod connect;
mod gauge;
mod group;
mod private;
mod shared;

use std::collections::BTreeMap;

pub(crate) use gauge::{Gauge, Sample};
pub use group::{PrivateGroup, StoreTopology};
pub(crate) use private::{PrivateRedis, free_port};
pub use shared::SharedRedis;

use connect::{Place, connect};

use crate::error::Error;
use crate::recording::StoreRecord;
use crate::resources::ProcessProbe;

/// The command that installs Redis on this platform, for the row that is skipped without it.
#[must_use]
pub fn install_line() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    install_line_for(&release)
}

fn install_line_for(release: &str) -> String {
    let ids: Vec<&str> = release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_ascii_whitespace())
        .collect();
    let command = [
        ("debian", "apt-get install redis-server"),
        ("ubuntu", "apt-get install redis-server"),
        ("alpine", "apk add redis"),
        ("arch", "pacman -S valkey"),
        ("fedora", "dnf install valkey-compat-redis"),
        ("rhel", "dnf install redis"),
        ("suse", "zypper install redis"),
        ("opensuse", "zypper install redis"),
    ]
    .into_iter()
    .find(|(id, _)| ids.contains(id))
    .map(|(_, command)| command);
    match command {
        Some(command) => {
            format!("install it (`{command}`), or name one that runs: --redis redis://HOST:PORT")
        }
        None => "put redis-server on PATH, or name one that runs: --redis redis://HOST:PORT".to_owned(),
    }
}

/// The program, if it is on PATH.
#[must_use]
pub fn redis_server() -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| [folder.join("redis-server"), folder.join("valkey-server")])
        .find(|program| program.is_file())
}

/// The store of one row, ready for use.
#[derive(Debug)]
pub(crate) struct Store {
    /// What servers connect to.
    pub(crate) url: String,
    /// Prefix of every key of this row.
    pub(crate) prefix: String,
    /// What the recording says of it.
    pub(crate) record: StoreRecord,
    /// Reads `INFO`.
    pub(crate) gauge: Gauge,
    /// Reads the process of a private one.
    pub(crate) probe: Option<ProcessProbe>,
    /// Ended (private) or cleaned (shared) when this is dropped.
    owner: Owner,
}

#[derive(Debug)]
enum Owner {
    Private(PrivateRedis),
    Shared(SharedRedis),
}

impl Store {
    /// Uses a private server that was started for this row, or is started `again` where its port was taken.
    pub(crate) fn private(
        row: &str,
        redis: PrivateRedis,
        again: impl Fn() -> Result<PrivateRedis, Error>,
    ) -> Result<Self, Error> {
        let redis = redis.ready_somewhere(again)?;
        let url = redis.url();
        let mut gauge = Gauge::connect(row, &url, true)?;
        let probe = ProcessProbe::new(redis.pid())?;
        let record = gauge.record(true)?;
        Ok(Self { url, prefix: "ab".into(), record, gauge, probe: Some(probe), owner: Owner::Private(redis) })
    }

    /// Uses keys under `prefix` of a server that already runs.
    pub(crate) fn shared(row: &str, url: &str, prefix: String) -> Result<Self, Error> {
        let mut gauge = Gauge::connect(row, url, false)?;
        let record = StoreRecord { prefix: prefix.clone(), ..gauge.record(false)? };
        let owner = Owner::Shared(SharedRedis::new(row, url, &prefix)?);
        Ok(Self { url: url.to_owned(), prefix, record, gauge, probe: None, owner })
    }

    /// Did a private server end by itself?
    pub(crate) fn has_ended(&mut self) -> Option<Error> {
        match &mut self.owner {
            Owner::Private(redis) => redis.has_ended(),
            Owner::Shared(_) => None,
        }
    }

    /// Removes what this row left in a shared server; the count of keys. A private one is simply ended later.
    pub(crate) fn clean(&mut self) -> Result<u64, Error> {
        match &mut self.owner {
            Owner::Private(_) => Ok(0),
            Owner::Shared(redis) => redis.clean(),
        }
    }
}

/// Gives a server of ours an order and does not look at the answer. Waits for it.
pub(crate) fn order(row: &str, url: &str, words: &[&str]) -> Result<(), Error> {
    let place = Place::new(row, url);
    let mut connection = connect(&place, url)?;
    let [name, arguments @ ..] = words else { return Ok(()) };
    let done = redis::cmd(name).arg(arguments).exec(&mut connection);
    done.map_err(|error| place.failed(&format!("{name}: "), &error))
}

/// A number from `INFO` of a server of ours; absent where it does not say.
pub(crate) fn info(row: &str, url: &str, key: &str) -> Result<Option<u64>, Error> {
    let place = Place::new(row, url);
    let mut connection = connect(&place, url)?;
    let text: String = redis::cmd("INFO")
        .arg("everything")
        .query(&mut connection)
        .map_err(|error| place.failed("INFO: ", &error))?;
    let value = |line: &str| line.split_once(':').filter(|(name, _)| *name == key)?.1.trim().parse().ok();
    Ok(text.lines().find_map(value))
}

/// Settings of a store that decide how far its figures can be compared.
fn settings_of(info: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    ["maxmemory_policy", "maxmemory", "aof_enabled", "mem_allocator", "io_threads_active", "redis_mode", "os"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), info.get(key)?.clone())))
        .collect()
}

#[cfg(test)]
mod tests;
