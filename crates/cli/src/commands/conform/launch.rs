//! Starts a backend to be checked, with a known signing key and a Redis of its own, and breaks that Redis on demand. Or
//! with one that already runs, which nobody breaks.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use conformance::target::{Fault, Lag, Promises, StoreDown, Surroundings};
use conformance::{Algorithm, Key, Target};
use measure::process::{Child, Launcher, OwnFolder, Secret, Spawn};
use measure::store::{SharedRedis, install_line, redis_server};
use rustix::process::{Pid, Signal, kill_process};
use scenario::BackendFile;
use scenario::backend::Need;
use scenario::builtin::Shelf;
use scenario::wire::{PasswordHash, ReadyLine, ServeOptions};

use crate::error::Failure;

/// Deadline of what waits on a store, milliseconds: the server's default.
pub(super) const DEADLINE_MS: u64 = 250;
/// How long a server or a store may take to start.
const READY: Duration = Duration::from_secs(30);
/// Ports that are tried for a Redis.
const PORTS: u32 = 3;
/// What a Redis prints once it answers.
const STORE_READY: &str = "eady to accept connections";

/// A backend to be checked.
#[derive(Debug)]
pub(super) struct Subject {
    /// Name in the results.
    pub(super) name: String,
    /// What it promises.
    pub(super) promises: Promises,
    needs_redis: bool,
    needs_authority: bool,
    /// No PostgreSQL is started here.
    pub(super) needs_postgres: bool,
    /// The file as a table, for a copy with another key.
    table: toml::Table,
    /// What it signs with, if it signs.
    algorithm: Option<Algorithm>,
}

impl Subject {
    /// A file or a built-in name, with `+ALGORITHM` behind it where another one is wanted.
    pub(super) fn read(name: &str) -> Result<Self, Failure> {
        let (file, wanted) = match name.rsplit_once('+') {
            Some((file, algorithm)) if Algorithm::from_name(algorithm).is_some() => (file, Some(algorithm)),
            _ => (name, None),
        };
        let found = Shelf::Backends.resolve(file)?;
        let backend = BackendFile::parse(&found.path, &found.text)?;
        auth::Mechanism::parse(&found.text).map_err(|error| {
            scenario::file::locate(
                &found.path,
                &found.text,
                &error.key,
                error.span,
                error.message,
                error.hint,
            )
        })?;
        let mut table: toml::Table = toml::from_str(&found.text).unwrap_or_default();
        // One process is enough for every statement, and the checks speak to one.
        table.remove("replicas");
        let mut subject = Self {
            name: backend.header.name.clone(),
            promises: promises(&backend),
            needs_redis: backend.header.needs.contains(&Need::Redis),
            needs_authority: backend.header.needs.contains(&Need::Authority),
            needs_postgres: backend.header.needs.contains(&Need::Postgres),
            table,
            algorithm: None,
        };
        let Some(credential) = subject.credential() else { return Ok(subject) };
        let signs = credential.get("kind").and_then(toml::Value::as_str) == Some("jwt");
        match (wanted, signs) {
            (Some(_), false) => {
                return Err(Failure::usage(format!("`{file}` signs nothing, so it has no algorithm"))
                    .hint(format!("check it as `{file}`")));
            }
            (Some(algorithm), true) => {
                credential.insert("algorithm".into(), algorithm.into());
                credential.remove("key");
                subject.name = format!("{}+{algorithm}", subject.name);
            }
            (None, _) => {}
        }
        if signs {
            let name = subject.credential().and_then(|it| it.get("algorithm")?.as_str()).unwrap_or("HS256");
            subject.algorithm = Algorithm::from_name(name);
        }
        Ok(subject)
    }

    /// The key that stands in the file.
    pub(super) fn own_key(&self) -> Option<Key> {
        let text = self.table.get("mechanism")?.get("credential")?.get("key")?.as_str()?;
        Key::new(self.algorithm?, conformance::token::decode(text)?).ok()
    }

    fn credential(&mut self) -> Option<&mut toml::Table> {
        self.table.get_mut("mechanism")?.get_mut("credential")?.as_table_mut()
    }

    /// The file as text, signing with this key.
    fn with_key(&self, key: &str) -> Result<String, Failure> {
        let mut copy = Self { table: self.table.clone(), name: self.name.clone(), ..*self };
        if let (Some(_), Some(credential)) = (self.algorithm, copy.credential()) {
            credential.insert("key".into(), key.into());
        }
        toml::to_string(&copy.table).map_err(|error| {
            Failure::tool(format!("backend `{}` cannot be written down", self.name)).because(&error)
        })
    }
}

fn promises(backend: &BackendFile) -> Promises {
    let promised = &backend.header.promises;
    Promises {
        revocation: match promised.revocation_lag {
            scenario::backend::Lag::None => Lag::None,
            scenario::backend::Lag::Millis(bound) => Lag::Millis(bound),
            scenario::backend::Lag::Lifetime => Lag::Lifetime,
            scenario::backend::Lag::Never => Lag::Never,
        },
        ends_all: promised.logout_all != scenario::backend::LogoutAll::Cannot,
        store_down: match promised.store_down {
            scenario::backend::StoreDown::Open => StoreDown::Open,
            scenario::backend::StoreDown::Closed => StoreDown::Closed,
            scenario::backend::StoreDown::WritesClosed => StoreDown::WritesClosed,
            scenario::backend::StoreDown::Unaffected => StoreDown::Unaffected,
        },
    }
}

/// A backend that runs, and what it runs on. Dropping it ends both.
#[derive(Debug)]
pub(super) struct Launched {
    subject_name: String,
    /// The file with an empty key, for starts with other keys; none where nothing is signed with a secret.
    keyed: Option<Subject>,
    _server: Child,
    _authority: Option<Child>,
    store: Option<Store>,
    folder: OwnFolder,
    executable: PathBuf,
    // Last: children are ended before what they were launched by.
    launcher: Launcher,
}

impl Launched {
    /// Starts a backend, on a Redis of its own or on this one, and says what there is to check.
    pub(super) fn start(subject: &Subject, redis: Option<&str>) -> Result<(Target, Self), Failure> {
        if subject.needs_postgres {
            let hint = "serve it with --postgres, and check it with --url and --control";
            return Err(
                Failure::tool("it keeps its state in PostgreSQL, and none is started here").hint(hint)
            );
        }
        let executable =
            env::current_exe().map_err(|e| Failure::tool("this program cannot find itself").because(&e))?;
        let folder = OwnFolder::new()?;
        let launcher = Launcher::new(vec![executable.clone().into()], &[])?.with_temporary(folder.path());
        let store = match redis.filter(|_| subject.needs_redis) {
            Some(url) => Some(Store::given(&subject.name, url, folder.path())?),
            None => subject.needs_redis.then(|| Store::start(&launcher, folder.path())).transpose()?,
        };
        let key = match subject.algorithm {
            Some(algorithm) => {
                Some(Key::test(algorithm).map_err(|e| Failure::tool("the test key").because(&e))?)
            }
            None => None,
        };
        let text = subject.with_key(&key.as_ref().map(Key::text).unwrap_or_default())?;
        let up = |asks| {
            let mut server = serve(
                &launcher,
                &executable,
                &subject.name,
                folder.path(),
                "backend.toml",
                &text,
                Asks { store: store.as_ref(), authority: asks },
            )?;
            let line = server.read_line(READY)?;
            let ready: ReadyLine = serde_json::from_str(&line)
                .map_err(|e| Failure::tool(format!("{} gave no ready line", subject.name)).because(&e))?;
            Ok::<_, Failure>((server, ready))
        };
        // The authority is one more server of the same backend; the checks speak to the one that asks it.
        let asked = subject.needs_authority.then(|| up(None)).transpose()?;
        let (authority, address) = asked.map(|(child, ready)| (child, ready.address)).unzip();
        let (server, ready) = up(address)?;
        let target = Target {
            name: subject.name.clone(),
            address: ready.address,
            control: Some(ready.control),
            describe: ready.describe,
            promises: Some(subject.promises),
            key,
            store: store.as_ref().and_then(Store::own_address),
            deadline_ms: DEADLINE_MS,
        };
        let keyed = (subject.algorithm == Some(Algorithm::Hs256)).then(|| Subject {
            table: subject.table.clone(),
            name: subject.name.clone(),
            ..*subject
        });
        let launched = Self {
            subject_name: subject.name.clone(),
            keyed,
            _server: server,
            _authority: authority,
            store,
            folder,
            executable,
            launcher,
        };
        Ok((target, launched))
    }
}

/// Whom a server asks.
#[derive(Debug, Clone, Copy)]
struct Asks<'a> {
    store: Option<&'a Store>,
    authority: Option<SocketAddr>,
}

/// Starts a server on a free port; does not wait for it.
fn serve(
    launcher: &Launcher,
    executable: &Path,
    name: &str,
    folder: &Path,
    file: &str,
    text: &str,
    asks: Asks<'_>,
) -> Result<Child, Failure> {
    let path = folder.join(file);
    fs::write(&path, text)
        .map_err(|e| Failure::tool(format!("{} cannot be written", path.display())).because(&e))?;
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = ServeOptions {
        backend: path.to_string_lossy().into_owned(),
        redis: asks.store.map(Store::url),
        postgres: None,
        authority: asks.authority,
        key_file: None,
        tls_cert: None,
        tls_key: None,
        clock_offset_ms: 0,
        prefix: asks.store.map_or("conform", Store::prefix).to_owned(),
        listen: anywhere,
        control: anywhere,
        threads: 1,
        password_hash: PasswordHash::Argon2id,
        principal_bytes: 256,
        store_rtt_ns: 0,
        deadline_ms: DEADLINE_MS,
        cpus: Vec::new(),
        extra_work_ns: 0,
    };
    let mut arguments: Vec<OsString> = vec!["serve".into()];
    arguments.extend(options.to_arguments());
    let spawn = Spawn {
        name: format!("server of {name}"),
        program: executable.to_owned(),
        arguments,
        directory: None,
        secret: options.secret_address().map(|address| Secret::new(address.to_owned())),
    };
    Ok(launcher.spawn(&spawn)?)
}

impl Surroundings for Launched {
    fn fault(&mut self, fault: Fault) -> Result<(), String> {
        let redis = match &mut self.store {
            Some(Store::Own(redis)) => redis,
            Some(Store::Given { .. }) => return Err("its store is not ours to break".to_owned()),
            None => return Err("it has no store".to_owned()),
        };
        match fault {
            Fault::Hang => redis.signal(Signal::STOP),
            Fault::GoOn => redis.signal(Signal::CONT),
            Fault::Die => {
                redis.signal(Signal::KILL)?;
                redis.child.stop();
                Ok(())
            }
            Fault::ReturnEmpty => {
                *redis = Redis::start_on(&self.launcher, self.folder.path(), redis.address)
                    .map_err(|failure| failure.text())?;
                Ok(())
            }
        }
    }

    fn stored(&mut self) -> Result<Option<Vec<u8>>, String> {
        // The server's own folder for temporary files lies in this one.
        let listed = |folder: &Path| -> std::io::Result<Vec<PathBuf>> {
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
        };
        let read = || -> std::io::Result<Option<Vec<u8>>> {
            let own = |path: &PathBuf| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("authbench-sqlite-"))
            };
            let Some(folder) = listed(self.folder.path())?.into_iter().find(own) else { return Ok(None) };
            let mut all = Vec::new();
            for path in listed(&folder)? {
                all.extend(fs::read(path)?);
            }
            Ok(Some(all))
        };
        read().map_err(|error| error.to_string())
    }

    fn starts_with_key(&mut self, key: &str) -> Result<bool, String> {
        let Some(subject) = &self.keyed else { return Err("it signs with no shared secret".to_owned()) };
        let text = subject.with_key(key).map_err(|failure| failure.text())?;
        let asks = Asks { store: self.store.as_ref(), authority: None };
        let folder = self.folder.path();
        let mut child = serve(
            &self.launcher,
            &self.executable,
            &self.subject_name,
            folder,
            "other-key.toml",
            &text,
            asks,
        )
        .map_err(|failure| failure.text())?;
        Ok(child.read_line(READY).is_ok())
    }
}

/// The Redis behind a backend.
#[derive(Debug)]
enum Store {
    /// Started for it alone.
    Own(Redis),
    /// One that already runs. Dropping this removes the keys that were left there.
    Given { url: String, prefix: String, _keys: SharedRedis },
}

impl Store {
    fn start(launcher: &Launcher, folder: &Path) -> Result<Self, Failure> {
        let mut ports = 1;
        loop {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
            let address =
                free.map_err(|e| Failure::tool("no free port on the loopback address").because(&e))?;
            let started = Redis::start_on(launcher, folder, address);
            // Somebody else may take a port between the moment it was found free and the server's own claim.
            if started.is_ok() || redis_server().is_none() || ports == PORTS {
                return started.map(Self::Own);
            }
            ports += 1;
        }
    }

    /// Keys there are named after `folder`, whose name nobody else has.
    fn given(backend: &str, url: &str, folder: &Path) -> Result<Self, Failure> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!("{name}:conform:{backend}");
        let keys = SharedRedis::new(backend, url, &prefix)?;
        Ok(Self::Given { url: url.to_owned(), prefix, _keys: keys })
    }

    fn url(&self) -> String {
        match self {
            Self::Own(redis) => format!("redis://{}", redis.address),
            Self::Given { url, .. } => url.clone(),
        }
    }

    fn prefix(&self) -> &str {
        match self {
            Self::Own(_) => "conform",
            Self::Given { prefix, .. } => prefix,
        }
    }

    /// Where it answers, if it may be read and broken.
    fn own_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Own(redis) => Some(redis.address),
            Self::Given { .. } => None,
        }
    }
}

/// A Redis for one backend alone, without persistence.
#[derive(Debug)]
struct Redis {
    child: Child,
    address: SocketAddr,
}

impl Redis {
    fn start_on(launcher: &Launcher, folder: &Path, address: SocketAddr) -> Result<Self, Failure> {
        let Some(program) = redis_server() else {
            return Err(
                Failure::tool("it keeps its state in Redis, and there is none on PATH").hint(install_line())
            );
        };
        let port = address.port().to_string();
        let mut arguments: Vec<OsString> = Vec::new();
        for (option, value) in [
            ("--port", port.as_str()),
            ("--bind", "127.0.0.1"),
            ("--save", ""),
            ("--appendonly", "no"),
            ("--daemonize", "no"),
            ("--maxmemory-policy", "noeviction"),
            ("--logfile", ""),
        ] {
            arguments.push(option.into());
            arguments.push(value.into());
        }
        arguments.push("--dir".into());
        arguments.push(folder.into());
        let spawn = Spawn { name: "redis-server".into(), program, arguments, directory: None, secret: None };
        let mut child = launcher.spawn(&spawn)?;
        while !child.read_line(READY)?.contains(STORE_READY) {}
        Ok(Self { child, address })
    }

    fn signal(&self, signal: Signal) -> Result<(), String> {
        let pid = i32::try_from(self.child.pid()).ok().and_then(Pid::from_raw).ok_or("no process id")?;
        kill_process(pid, signal).map_err(|error| format!("the store could not be signalled: {error}"))
    }
}
