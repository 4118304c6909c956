//! A server in this process, and what a client can do with it whatever the backend.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread::JoinHandle;

use scenario::BackendFile;
use scenario::builtin::Shelf;
use scenario::wire::{self, PasswordHash, ReadyLine, ServeOptions};
use tokio::sync::oneshot;

use crate::client::{Answer, Client};

/// A running server; ends when dropped.
pub(crate) struct Server {
    pub(crate) ready: ReadyLine,
    pub(crate) header: scenario::backend::Header,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), server::Error>>>,
}

/// Options of a server on free loopback ports.
pub(crate) fn options(backend: &str) -> ServeOptions {
    ServeOptions {
        backend: backend.to_owned(),
        redis: None,
        postgres: None,
        authority: None,
        prefix: "test".to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        control: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        threads: 1,
        password_hash: PasswordHash::Cheap,
        principal_bytes: 256,
        store_rtt_ns: 0,
        // Far beyond any pause of a busy machine: only a test of the deadline itself sets a shorter one.
        deadline_ms: 10_000,
        cpus: Vec::new(),
        extra_work_ns: 0,
        key_file: None,
        tls_cert: None,
        tls_key: None,
        clock_offset_ms: 0,
    }
}

/// A shipped backend file.
pub(crate) fn shipped(name: &str) -> BackendFile {
    let found = Shelf::Backends.resolve(name).unwrap();
    BackendFile::parse(&found.path, &found.text).unwrap()
}

/// Names of all shipped backends.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    Shelf::Backends.all().iter().map(|builtin| builtin.name)
}

impl Server {
    /// Serves a shipped backend, on the memory store even where it ships with Redis.
    pub(crate) fn in_memory(backend: &str) -> Self {
        Self::start(options(backend))
    }

    /// Serves the shipped backend that `options` names; without a Redis in them, on the memory store.
    pub(crate) fn start(options: ServeOptions) -> Self {
        let mut file = shipped(&options.backend);
        if options.redis.is_none() {
            file.header.needs.clear();
        }
        Self::start_file(options, file)
    }

    pub(crate) fn start_file(options: ServeOptions, file: BackendFile) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (sender, receiver) = mpsc::channel();
        let header = file.header.clone();
        let thread = std::thread::spawn(move || {
            server::run_until(options, file, |ready| sender.send(ready).unwrap(), async {
                let _ = stopped.await;
            })
        });
        match receiver.recv() {
            Ok(ready) => Self { ready, header, stop: Some(stop), thread: Some(thread) },
            Err(_) => panic!("the server did not start: {:?}", thread.join()),
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.ready.address)
    }

    pub(crate) fn control(&self) -> Client {
        Client::connect(self.ready.control)
    }

    pub(crate) fn counters(&self) -> wire::Counters {
        serde_json::from_str(&self.control().get(wire::CONTROL_COUNTERS, &[]).expect(200).body).unwrap()
    }

    /// Live logins, one per subject and device.
    pub(crate) fn provision(&self, subjects: u32, devices: u8) -> Vec<Held> {
        let body =
            format!(r#"{{"first":0,"subjects":{subjects},"devices":{devices},"revoked_per_million":0}}"#);
        let answer = self.control().post_json(wire::CONTROL_PROVISION, &[], &body).expect(200);
        answer.body.lines().map(Held::from_line).collect()
    }

    /// Whether a login that ended here is refused here: a bounded lag is about other servers.
    pub(crate) fn ends_logins(&self) -> bool {
        use scenario::backend::Lag;
        matches!(self.header.promises.revocation_lag, Lag::None | Lag::Millis(_))
    }

    /// Whether a logout ends the user's other logins as well.
    pub(crate) fn logout_ends_all(&self) -> bool {
        self.ready.describe["logout"] == "all"
    }

    /// Tells it to end, as a signal would, and goes on.
    pub(crate) fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).unwrap();
        }
    }

    /// Waits for its end.
    pub(crate) fn join(mut self) -> Result<(), server::Error> {
        self.begin_stop();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(std::thread::panicking() || ended.is_ok());
        }
    }
}

/// A credential held by a client.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) subject: u32,
    pub(crate) header: String,
    pub(crate) refresh: Option<String>,
}

impl Held {
    /// From a line of the provisioning answer.
    pub(crate) fn from_line(line: &str) -> Self {
        let fields: Vec<&str> = line.split('\t').collect();
        let [subject, _device, header, refresh] = fields[..] else { panic!("{line:?}") };
        let refresh = (refresh != "-").then(|| refresh.to_owned());
        Self { subject: subject.parse().unwrap(), header: header.to_owned(), refresh }
    }

    /// From the answer to a login or a refresh.
    pub(crate) fn from_answer(subject: u32, answer: &Answer) -> Self {
        let body = answer.json();
        if let Some(cookie) = answer.header("set-cookie") {
            let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
            let Some(token) = body["access_token"].as_str() else {
                return Self { subject, header: cookie, refresh: None };
            };
            // Tokens are minted from the session.
            return Self { subject, header: format!("Authorization: Bearer {token}"), refresh: Some(cookie) };
        }
        let header = format!("Authorization: Bearer {}", body["access_token"].as_str().unwrap());
        Self { subject, header, refresh: body["refresh_token"].as_str().map(str::to_owned) }
    }

    pub(crate) fn is_cookie(&self) -> bool {
        self.header.starts_with("Cookie:")
    }

    /// The body that `/me` must have for this subject.
    pub(crate) fn identity(&self, principal_bytes: usize) -> String {
        let principal = wire::principal(self.subject, principal_bytes);
        let digest = wire::principal_digest(&principal.subject, &principal.roles, &principal.tenant);
        wire::identity_body(&principal.subject, digest)
    }
}

/// Body of a login.
pub(crate) fn login_body(subject: u32, password: &str) -> String {
    let username = String::from_utf8_lossy(&wire::subject_name(subject)).into_owned();
    serde_json::to_string(&wire::LoginBody { username, password: password.to_owned() }).unwrap()
}

/// Logs in with the password that every subject has at first.
#[track_caller]
pub(crate) fn login(client: &mut Client, subject: u32) -> Held {
    let answer = client.post_json(wire::LOGIN, &[], &login_body(subject, wire::PASSWORD_TEXT)).expect(200);
    Held::from_answer(subject, &answer)
}
