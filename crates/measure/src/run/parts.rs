//! The real parts of a row: servers launched from this binary, private Redis servers, or what already runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use scenario::wire::ServeOptions;

use super::fleet::Parts;
use super::rows::Row;
use super::{ExistingServer, RunOptions};
use crate::affinity::Placement;
use crate::certificate::{Certificate, Scratch};
use crate::error::Error;
use crate::process::Launcher;
use crate::store::{PrivateRedis, Store, redis_server};
use crate::target::{LaunchedServer, RunningServer, Target};

/// Makes what a plan needs on this machine.
#[derive(Debug)]
pub(super) struct RealParts {
    executable: PathBuf,
    redis: Option<String>,
    /// Prefix of every key of this run in a shared Redis.
    run_prefix: String,
    existing: BTreeMap<String, ExistingServer>,
    /// Keys and certificates of this run; removed with it.
    scratch: Scratch,
    launcher: Rc<Launcher>,
}

impl RealParts {
    pub(super) fn new(options: &RunOptions, placement: &Placement) -> Result<Self, Error> {
        let guard = vec![options.executable.clone().into_os_string()];
        let scratch = Scratch::new()?;
        let launcher = Launcher::new(guard, &placement.servers)?.with_temporary(scratch.path());
        Ok(Self {
            executable: options.executable.clone(),
            redis: options.redis.clone(),
            run_prefix: format!("authbench-{:x}-{:x}", crate::clock::unix_ns(), std::process::id()),
            existing: options.existing.clone(),
            scratch,
            launcher: Rc::new(launcher),
        })
    }
}

impl Parts for RealParts {
    fn target(&mut self, row: &Row, replicas: u32, mut options: ServeOptions) -> Box<dyn Target> {
        options.key_file = (replicas > 1).then(|| self.scratch.key_file());
        match self.existing.get(&row.name) {
            Some(server) => Box::new(RunningServer::new(&row.name, *server)),
            None => Box::new(LaunchedServer::new(
                &row.name,
                row.executable.clone().unwrap_or_else(|| self.executable.clone()),
                options,
                replicas,
                row.backend.header.needs.contains(&scenario::backend::Need::Authority),
                Rc::clone(&self.launcher),
            )),
        }
    }

    fn certificate(&mut self) -> Result<Certificate, Error> {
        self.scratch.certificate()
    }

    fn stores(&mut self, rows: &[&Row]) -> Vec<Result<Option<Store>, Error>> {
        let needs = |row: &Row| row.needs_redis() && !self.existing.contains_key(&row.name);
        if let Some(url) = &self.redis {
            let shared = |row: &&Row| {
                let prefix = format!("{}:{}", self.run_prefix, row.name);
                needs(row).then(|| Store::shared(&row.name, url, prefix)).transpose()
            };
            return rows.iter().map(shared).collect();
        }
        let program = redis_server().unwrap_or_else(|| "redis-server".into());
        let start = |row: &Row| PrivateRedis::start(&self.launcher, &program, &row.name);
        // All are started before the first is waited for.
        let started: Vec<_> = rows.iter().map(|row| needs(row).then(|| start(row)).transpose()).collect();
        let ready = |(row, started): (&&Row, Result<Option<PrivateRedis>, Error>)| {
            started?.map(|redis| Store::private(&row.name, redis, || start(row))).transpose()
        };
        rows.iter().zip(started).map(ready).collect()
    }
}
