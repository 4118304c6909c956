//! One design, up with its servers and a store of its own, and what can be done to them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use scenario::BackendFile;
use scenario::backend::Need;
use scenario::wire::{PasswordHash, ReadyLine, ServeOptions};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::plan::FaultKind;
use super::record::PATIENCE_NS;
use super::relay::{Relay, Way};
use crate::affinity::Placement;
use crate::certificate::Scratch;
use crate::drill::http::HttpService;
use crate::error::Error;
use crate::process::{Child, Launcher, Spawn};
use crate::resources::ProcessProbe;
use crate::store::{PrivateRedis, free_port, info, order, redis_server};

/// A server is ready within milliseconds, but for the one password hash that all subjects share.
const READY: Duration = Duration::from_secs(20);
/// Keys of a neighbour that shares the store that runs out of memory, and bytes of each.
const NEIGHBOUR: (u32, u32) = (2000, 1024);
/// How far below what is used the limit is set, bytes: about half of all keys go.
const SHORTAGE: u64 = 1 << 20;
/// What a panic says of itself.
const PANIC: &str = "panicked at";

/// Starts designs.
#[derive(Debug)]
pub(super) struct Yard {
    executable: PathBuf,
    servers: Vec<u32>,
    scratch: Scratch,
    started: u32,
    launcher: Arc<Launcher>,
}

/// How a design is to be started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) fault: FaultKind,
    pub(super) replicas: u32,
    pub(super) deadline_ms: u64,
}

/// A design that is up. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) name: String,
    servers: Vec<Server>,
    store: Option<Store>,
    /// One for each server, where the fault is on the way to the store.
    relays: Vec<Relay>,
    executable: PathBuf,
    // Last: children are ended before what they were launched by.
    launcher: Arc<Launcher>,
}

#[derive(Debug)]
struct Server {
    options: ServeOptions,
    ready: ReadyLine,
    /// None while it is dead by our hand.
    child: Option<Child>,
}

#[derive(Debug)]
struct Store {
    program: PathBuf,
    port: u16,
    /// None while it is dead by our hand.
    redis: Option<PrivateRedis>,
    /// Where it keeps its data, where it is to come back with them.
    folder: Option<TempDir>,
}

/// What the processes were like at their end.
#[derive(Debug, Default)]
pub(super) struct End {
    pub(super) died: Vec<String>,
    pub(super) panics: Vec<String>,
}

impl Yard {
    pub(super) fn new(executable: &Path, placement: &Placement) -> Result<Self, Error> {
        let guard = vec![executable.to_owned().into_os_string()];
        let scratch = Scratch::new()?;
        let launcher = Launcher::new(guard, &placement.servers)?.with_temporary(scratch.path());
        Ok(Self {
            executable: executable.to_owned(),
            servers: placement.servers.clone(),
            scratch,
            started: 0,
            launcher: Arc::new(launcher),
        })
    }

    /// Starts a design and waits until every server answers. Call it on a runtime: relays are tasks there.
    pub(super) async fn start(&mut self, backend: &BackendFile, wanted: Wanted) -> Result<Rig, Error> {
        self.started += 1;
        let name = backend.header.name.clone();
        let file = self.scratch.file(&format!("{name}-{}.toml", self.started), &backend.text)?;
        let store = if backend.header.needs.contains(&Need::Redis) {
            let program = redis_server().unwrap_or_else(|| "redis-server".into());
            let keeps = wanted.fault == FaultKind::StoreKilled;
            let folder = keeps.then(|| folder_below(self.scratch.path())).transpose()?;
            Some(Store::start(&self.launcher, program, &name, folder)?)
        } else {
            None
        };
        let mut relays = Vec::new();
        if let Some(store) = store.as_ref().filter(|_| wanted.fault.is_on_the_way()) {
            for _ in 0..wanted.replicas {
                relays.push(Relay::start(store.address()).await?);
            }
        }
        let key_file = self.scratch.key_file();
        let options = |replica: usize| ServeOptions {
            backend: file.to_string_lossy().into_owned(),
            redis: store.as_ref().map(|store| {
                let address = relays.get(replica).map_or(store.address(), Relay::address);
                format!("redis://{address}")
            }),
            postgres: None,
            authority: None,
            prefix: "ab".to_owned(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            control: (Ipv4Addr::LOCALHOST, 0).into(),
            threads: 1,
            password_hash: match wanted.fault {
                FaultKind::LoginFlood => PasswordHash::Argon2id,
                // Logins are there to be answered; what they cost is not the question.
                _ => PasswordHash::Cheap,
            },
            principal_bytes: 256,
            store_rtt_ns: 0,
            deadline_ms: wanted.deadline_ms,
            cpus: self.servers.clone(),
            extra_work_ns: 0,
            key_file: Some(key_file.clone()),
            tls_cert: None,
            tls_key: None,
            clock_offset_ms: 0,
        };
        let mut starting = Vec::new();
        for replica in 0..wanted.replicas as usize {
            let options = options(replica);
            let child = self.launcher.spawn(&spawn(&self.executable, &name, replica, &options))?;
            starting.push((options, child));
        }
        // The relays must go on while the servers connect through them.
        let waiting = starting.into_iter().map(|(options, child)| {
            spawn_blocking(move || ready(child).map(|(child, ready)| (options, child, ready)))
        });
        let mut servers = Vec::new();
        for one in waiting.collect::<Vec<_>>() {
            let (options, child, ready) = one.await.map_err(|error| interrupted(&error))??;
            servers.push(Server { options, ready, child: Some(child) });
        }
        Ok(Rig {
            name,
            servers,
            store,
            relays,
            executable: self.executable.clone(),
            launcher: Arc::clone(&self.launcher),
        })
    }
}

/// A folder for a store, in that of the run: whatever ends that, nothing of it stays.
fn folder_below(parent: &Path) -> Result<TempDir, Error> {
    tempfile::Builder::new().prefix("store-").tempdir_in(parent).map_err(|source| Error::Io {
        path: parent.to_owned(),
        what: "cannot hold a folder for a store",
        source,
    })
}

fn spawn(executable: &Path, name: &str, replica: usize, options: &ServeOptions) -> Spawn {
    let mut arguments = vec!["serve".into()];
    arguments.extend(options.to_arguments());
    Spawn {
        name: format!("server of {name}, replica {}", replica + 1),
        program: executable.to_owned(),
        arguments,
        directory: None,
        secret: None,
    }
}

/// Waits until a server answers.
fn ready(mut child: Child) -> Result<(Child, ReadyLine), Error> {
    let text = child.read_line(READY)?;
    match serde_json::from_str(&text) {
        Ok(line) => Ok((child, line)),
        Err(error) => Err(Error::Process {
            name: "a server".to_owned(),
            message: format!("its first line is not a ready line: {error}"),
            stderr: text,
        }),
    }
}

fn interrupted(error: &tokio::task::JoinError) -> Error {
    Error::Probe { what: "waiting for a process", message: error.to_string() }
}

impl FaultKind {
    /// Whether it is what a relay does.
    fn is_on_the_way(self) -> bool {
        matches!(self, Self::StoreSlow50Ms | Self::StoreSlow1S | Self::StoreCutOff | Self::StoreFlapping)
    }
}

impl Store {
    fn start(
        launcher: &Launcher,
        program: PathBuf,
        name: &str,
        folder: Option<TempDir>,
    ) -> Result<Self, Error> {
        let keep = folder.as_ref().map(TempDir::path);
        let start = || PrivateRedis::start_at(launcher, &program, name, free_port(name)?, keep);
        let redis = start()?.ready_somewhere(start)?;
        Ok(Self { port: redis.port(), redis: Some(redis), program, folder })
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn url(&self) -> String {
        format!("redis://{}", self.address())
    }
}

impl Rig {
    /// Its servers, by HTTP, with a clock that begins now.
    pub(super) fn service(&self) -> HttpService {
        let addresses: Vec<SocketAddr> = self.servers.iter().map(|server| server.ready.address).collect();
        let controls: Vec<SocketAddr> = self.servers.iter().map(|server| server.ready.control).collect();
        let patience = Duration::from_nanos(PATIENCE_NS);
        HttpService::new(&addresses, &controls, crate::clock::now(), patience)
    }

    /// What its first server is measured by.
    pub(super) fn probe(&self) -> Result<ProcessProbe, Error> {
        ProcessProbe::new(self.servers.first().map_or(0, |server| server.ready.pid))
    }

    /// Fills what a store shares with a neighbour, where it is to run out of memory.
    pub(super) async fn prepare(&self, fault: FaultKind) -> Result<(), Error> {
        if fault != FaultKind::StoreOutOfMemory {
            return Ok(());
        }
        let (keys, bytes) = NEIGHBOUR;
        let fill = format!(
            "for i=1,{keys} do redis.call('SET','neighbour:'..i,string.rep('x',{bytes})) end return 1"
        );
        self.order(&["EVAL", &fill, "0"]).await
    }

    /// Gives the store an order.
    async fn order(&self, words: &[&str]) -> Result<(), Error> {
        let Some(store) = &self.store else { return Ok(()) };
        let (name, url) = (self.name.clone(), store.url());
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let ordered = spawn_blocking(move || {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            order(&name, &url, &words)
        });
        ordered.await.map_err(|error| interrupted(&error))?
    }

    /// A number that the store says of itself.
    pub(super) async fn info(&self, key: &'static str) -> Result<Option<u64>, Error> {
        let Some(store) = &self.store else { return Ok(None) };
        let (name, url) = (self.name.clone(), store.url());
        let asked = spawn_blocking(move || info(&name, &url, key));
        asked.await.map_err(|error| interrupted(&error))?
    }

    /// Sets the way of the first server to the store, or of all.
    pub(super) fn way(&self, fault: FaultKind, way: Way) {
        let concerned = if fault.of_first_server() { 1 } else { self.relays.len() };
        for relay in self.relays.iter().take(concerned) {
            relay.set(way);
        }
    }

    /// Sends the store a signal.
    pub(super) fn signal_store(&self, signal: Signal) {
        if let Some(redis) = self.store.as_ref().and_then(|store| store.redis.as_ref()) {
            redis.signal(signal);
        }
    }

    /// Kills the store. It has ended when this returns.
    pub(super) async fn kill_store(&mut self) -> Result<(), Error> {
        let Some(redis) = self.store.as_mut().and_then(|store| store.redis.take()) else { return Ok(()) };
        redis.signal(Signal::KILL);
        spawn_blocking(move || drop(redis)).await.map_err(|error| interrupted(&error))
    }

    /// Starts the store again where it was, and waits until it answers.
    pub(super) async fn start_store(&mut self) -> Result<(), Error> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let (launcher, program, name) =
            (Arc::clone(&self.launcher), store.program.clone(), self.name.clone());
        let (port, keep) = (store.port, store.folder.as_ref().map(|folder| folder.path().to_owned()));
        let started = spawn_blocking(move || {
            let mut redis = PrivateRedis::start_at(&launcher, &program, &name, port, keep.as_deref())?;
            redis.ready().map(|()| redis)
        });
        store.redis = Some(started.await.map_err(|error| interrupted(&error))??);
        Ok(())
    }

    /// Kills the first server. It has ended when this returns.
    pub(super) async fn kill_server(&mut self) -> Result<(), Error> {
        let Some(child) = self.servers.first_mut().and_then(|server| server.child.take()) else {
            return Ok(());
        };
        child.signal(Signal::KILL);
        spawn_blocking(move || drop(child)).await.map_err(|error| interrupted(&error))
    }

    /// Starts the first server again at its addresses, and waits until it answers.
    pub(super) async fn start_server(&mut self) -> Result<(), Error> {
        let Some(server) = self.servers.first_mut() else { return Ok(()) };
        let options = ServeOptions {
            listen: server.ready.address,
            control: server.ready.control,
            ..server.options.clone()
        };
        let spawn = spawn(&self.executable, &self.name, 0, &options);
        let launcher = Arc::clone(&self.launcher);
        let started = spawn_blocking(move || ready(launcher.spawn(&spawn)?));
        let (child, line) = started.await.map_err(|error| interrupted(&error))??;
        (server.child, server.ready) = (Some(child), line);
        Ok(())
    }

    /// The store has half of its keys too many: it drops any, until the rest fits.
    pub(super) async fn shorten_memory(&self) -> Result<(), Error> {
        self.order(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]).await?;
        let used = self.info("used_memory").await?.unwrap_or(0);
        let limit = used.saturating_sub(SHORTAGE).max(1).to_string();
        self.order(&["CONFIG", "SET", "maxmemory", &limit]).await
    }

    /// It has memory enough again.
    pub(super) async fn restore_memory(&self) -> Result<(), Error> {
        self.order(&["CONFIG", "SET", "maxmemory", "0"]).await
    }

    /// The store is a replica of a primary that is gone: it reads, and refuses writes.
    pub(super) async fn read_only(&self) -> Result<(), Error> {
        // Nothing listens on the port of discard, and the replica goes on with the data it has.
        self.order(&["REPLICAOF", "127.0.0.1", "9"]).await
    }

    /// It is a primary again.
    pub(super) async fn writable(&self) -> Result<(), Error> {
        self.order(&["REPLICAOF", "NO", "ONE"]).await
    }

    /// Ends everything; what ended before by itself, and who panicked.
    pub(super) fn end(mut self) -> End {
        let mut end = End::default();
        for server in &mut self.servers {
            let Some(mut child) = server.child.take() else { continue };
            if let Some(error) = child.has_ended() {
                end.died.push(one_line(&error.to_string()));
            }
            let words = child.finish();
            end.panics.extend(words.lines().filter(|line| line.contains(PANIC)).map(str::to_owned));
        }
        if let Some(error) =
            self.store.as_mut().and_then(|store| store.redis.as_mut()).and_then(PrivateRedis::has_ended)
        {
            end.died.push(one_line(&error.to_string()));
        }
        end
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
