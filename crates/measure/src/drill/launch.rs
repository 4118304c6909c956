//! One design, up with all its replicas, for a drill.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use scenario::backend::Need;
use scenario::wire::{Counters, PasswordHash, Provision, ServeOptions};

use super::http::HttpService;
use super::scaled::Scaled;
use crate::affinity::Placement;
use crate::certificate::Scratch;
use crate::error::Error;
use crate::process::Launcher;
use crate::recording::StoreRecord;
use crate::resources::ProcessProbe;
use crate::run::RunOptions;
use crate::store::{PrivateGroup, PrivateRedis, Sample, Store, StoreTopology, redis_server};
use crate::target::{LaunchedServer, Ready, Target};

/// Longest wait for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait of a request for a store, milliseconds.
const DEADLINE_MS: u64 = 1000;
/// The same where it is what is looked at: as in a run.
pub(super) const FAILOVER_DEADLINE_MS: u64 = 250;

/// Starts designs one after the other.
#[derive(Debug)]
pub(crate) struct Yard {
    executable: PathBuf,
    redis: Option<String>,
    prefix: String,
    started: u32,
    servers: Vec<u32>,
    scratch: Scratch,
    launcher: Rc<Launcher>,
}

/// A design that is up. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Design {
    target: LaunchedServer,
    store: Option<Store>,
    pub(crate) ready: Ready,
    probes: Vec<ProcessProbe>,
    /// CPUs that servers and a private store may use.
    cpus: usize,
}

impl Yard {
    pub(crate) fn new(options: &RunOptions, placement: &Placement) -> Result<Self, Error> {
        let guard = vec![options.executable.clone().into_os_string()];
        let scratch = Scratch::new()?;
        let launcher = Launcher::new(guard, &placement.servers)?.with_temporary(scratch.path());
        Ok(Self {
            executable: options.executable.clone(),
            redis: options.redis.clone(),
            prefix: format!("authbench-drill-{:x}-{:x}", crate::clock::unix_ns(), std::process::id()),
            started: 0,
            servers: placement.servers.clone(),
            scratch,
            launcher: Rc::new(launcher),
        })
    }

    /// Starts a design and waits until every replica answers.
    pub(crate) fn start(
        &mut self,
        scaled: &Scaled,
        replicas: u32,
        store_rtt_ns: u64,
        clock_offsets_s: &[i32],
    ) -> Result<Design, Error> {
        self.started += 1;
        let header = &scaled.backend.header;
        let mut store = self.store(&header.name, header.needs.contains(&Need::Redis))?;
        let redis = store.as_ref().map(|store| (store.url.clone(), store.prefix.clone()));
        let (target, ready) =
            self.serve(scaled, replicas, redis, store_rtt_ns, DEADLINE_MS, clock_offsets_s)?;
        if let Some(ended) = store.as_mut().and_then(Store::has_ended) {
            return Err(ended);
        }
        self.design(target, store, ready)
    }

    /// Starts a design of one replica over several servers of its own, of which one can be lost; a write waits for so many
    /// replicas.
    pub(super) fn start_on(
        &mut self,
        scaled: &Scaled,
        topology: StoreTopology,
        node_timeout: Duration,
        wait: u32,
    ) -> Result<(Design, PrivateGroup), Error> {
        self.started += 1;
        let name = &scaled.backend.header.name;
        let program = redis_server().unwrap_or_else(|| "redis-server".into());
        let group = PrivateGroup::start(&self.launcher, &program, name, topology, node_timeout)?;
        let redis = Some((group.url(wait), "ab".to_owned()));
        let (target, ready) = self.serve(scaled, 1, redis, 0, FAILOVER_DEADLINE_MS, &[])?;
        Ok((self.design(target, None, ready)?, group))
    }

    fn design(&self, target: LaunchedServer, store: Option<Store>, ready: Ready) -> Result<Design, Error> {
        let probes = target.pids().into_iter().map(ProcessProbe::new).collect::<Result<_, _>>()?;
        Ok(Design { target, store, probes, cpus: self.servers.len().max(1), ready })
    }

    /// Starts the servers of a design and waits until every replica answers.
    fn serve(
        &mut self,
        scaled: &Scaled,
        replicas: u32,
        redis: Option<(String, String)>,
        store_rtt_ns: u64,
        deadline_ms: u64,
        clock_offsets_s: &[i32],
    ) -> Result<(LaunchedServer, Ready), Error> {
        let name = scaled.backend.header.name.clone();
        let file = self.scratch.file(&format!("{name}-{}.toml", self.started), &scaled.backend.text)?;
        let (redis, prefix) = redis.map_or((None, "ab".to_owned()), |(url, prefix)| (Some(url), prefix));
        let options = ServeOptions {
            backend: text(&file),
            redis,
            postgres: None,
            authority: None,
            prefix,
            listen: ([127, 0, 0, 1], 0).into(),
            control: ([127, 0, 0, 1], 0).into(),
            threads: 1,
            // Logins are the beginning of every trial, and not what is measured.
            password_hash: PasswordHash::Cheap,
            principal_bytes: 256,
            store_rtt_ns,
            deadline_ms,
            cpus: self.servers.clone(),
            extra_work_ns: 0,
            key_file: (replicas > 1).then(|| self.scratch.key_file()),
            tls_cert: None,
            tls_key: None,
            clock_offset_ms: 0,
        };
        let launcher = Rc::clone(&self.launcher);
        let asks = scaled.backend.header.needs.contains(&Need::Authority);
        let executable = self.executable.clone();
        let mut target = LaunchedServer::new(&name, executable, options, replicas, asks, launcher)
            .clock_offsets(clock_offsets_s.iter().map(|&seconds| i64::from(seconds) * 1000).collect());
        target.launch()?;
        let ready = target.ready()?;
        Ok((target, ready))
    }

    fn store(&self, name: &str, needed: bool) -> Result<Option<Store>, Error> {
        if !needed {
            return Ok(None);
        }
        if let Some(url) = &self.redis {
            let prefix = format!("{}:{name}:{}", self.prefix, self.started);
            return Store::shared(name, url, prefix).map(Some);
        }
        let program = redis_server().unwrap_or_else(|| "redis-server".into());
        let start = || PrivateRedis::start(&self.launcher, &program, name);
        Store::private(name, start()?, start).map(Some)
    }
}

impl Design {
    /// Its replicas, by HTTP, with a clock that begins now.
    pub(super) fn service(&self) -> HttpService {
        HttpService::new(&self.ready.addresses, &self.ready.controls, crate::clock::now(), PATIENCE)
    }

    /// What a recording says of its store, where it has one of its own.
    pub(crate) fn store_record(&self) -> Option<StoreRecord> {
        self.store.as_ref().map(|store| store.record.clone())
    }

    /// Its server processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.target.pids()
    }

    /// The figures of its store, where it has one of its own.
    pub(crate) fn sample(&mut self) -> Result<Option<Sample>, Error> {
        self.store.as_mut().map(|store| store.gauge.read()).transpose()
    }

    /// Totals of its servers.
    pub(crate) fn counters(&mut self) -> Result<Counters, Error> {
        self.target.counters()
    }

    /// Makes logins, unmeasured; nobody takes their credentials.
    pub(crate) fn provision(&mut self, wanted: &Provision) -> Result<(), Error> {
        self.target.provision(wanted, &mut |_| Ok(()))
    }

    /// CPU of all its servers and of a private store since they began, over CPUs, nanoseconds: at most what a clock shows.
    /// Absent once one of them has ended.
    pub(super) fn busy_ns(&self) -> Option<u64> {
        let store = self.store.as_ref().and_then(|store| store.probe.as_ref());
        let all = self.probes.iter().chain(store).map(|probe| probe.cpu_ns().ok());
        Some(all.sum::<Option<u64>>()? / self.cpus as u64)
    }

    /// Address of its store, where nobody else uses that.
    pub(super) fn private_store(&self) -> Option<String> {
        self.store.as_ref().filter(|store| store.record.private).map(|store| store.url.clone())
    }

    /// Ends one replica as an operator does, requests in flight answered, and starts it again where it was.
    pub(super) fn restart(&mut self, replica: usize) -> Result<(), Error> {
        let place = self.ready.addresses.get(replica).zip(self.ready.controls.get(replica));
        let Some((&address, &control)) = place else { return Ok(()) };
        self.target.restart(replica, address, control)
    }

    /// Did something of it end by itself?
    pub(super) fn has_ended(&mut self) -> Option<Error> {
        self.target.has_ended().or_else(|| self.store.as_mut().and_then(Store::has_ended))
    }

    /// Ends it, and removes what it left in a shared store.
    pub(super) fn end(mut self) -> Result<(), Error> {
        self.target.stop();
        self.store.as_mut().map_or(Ok(0), Store::clean).map(drop)
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
