//! Several Redis servers of which one answers for a key: the masters of a cluster, or the master that sentinels agree on.
//!
//! Routing is ours, over the same kind of connection as to a single server: so what a cluster costs beside one server is
//! the cluster's, a server that hangs holds up nobody but its own keys, and a command whose answer was lost is sent again
//! only where doing it twice does no harm.

mod find;
mod map;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::PubSub;
use redis::{Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError, ServerErrorKind, Value};

use self::map::{Address, Map, Node};
use super::connection::{Effect, Failed, bounded, cannot_connect, subscribed};
use super::{RedisSettings, RedisTopology, slot};
use crate::error::Error;

/// Pause before a command is sent again to a server that cannot take it now, and between two looks at who can.
const PAUSE: Duration = Duration::from_millis(20);

/// The way to all of them.
#[derive(Debug)]
pub(super) struct Many(Arc<Shared>);

struct Shared {
    /// Who is asked for the topology: members of the cluster, or sentinels.
    seeds: Vec<ConnectionInfo>,
    topology: RedisTopology,
    timeout: Duration,
    /// Replicas that must have a write before it is acknowledged.
    wait: u32,
    map: RwLock<Arc<Map>>,
    /// Somebody looks for the topology at this moment.
    looking: AtomicBool,
    /// Who is asked first, next time.
    turn: AtomicUsize,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { topology, timeout, wait, .. } = self;
        formatter
            .debug_struct("Shared")
            .field("topology", topology)
            .field("timeout", timeout)
            .field("wait", wait)
            .finish_non_exhaustive()
    }
}

/// What to do about a failure.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Send it there.
    To(Address),
    /// Send it there, saying that it is meant: the slot is being moved.
    Asking(Address),
    /// Send it again after a pause.
    Later,
    /// Tell the caller.
    GiveUp,
}

impl Many {
    pub(super) async fn open(settings: &RedisSettings) -> Result<Self, Error> {
        let first = settings.servers.first().map_or("", String::as_str);
        let failed = |error: &RedisError| cannot_connect(first, error);
        let seeds: Result<Vec<_>, _> =
            settings.servers.iter().map(|url| url.as_str().into_connection_info()).collect();
        let shared = Arc::new(Shared {
            seeds: seeds.map_err(|error| failed(&error))?,
            topology: settings.topology.clone(),
            timeout: settings.timeout,
            wait: settings.wait,
            map: RwLock::default(),
            looking: AtomicBool::new(false),
            turn: AtomicUsize::new(0),
        });
        let map = shared.find().await.map_err(|error| failed(&error))?;
        shared.set(map);
        Ok(Self(shared))
    }

    /// One command on one key.
    pub(super) async fn ask(&self, effect: Effect, command: &Cmd) -> Result<Value, Failed> {
        let steps = std::slice::from_ref(command);
        let mut answers = self.steps(effect, slot::of(command), steps).await?;
        answers.pop().ok_or_else(|| Failed::Redis(nothing()))
    }

    /// Commands on one key, all of them or none: a list of their answers.
    pub(super) async fn transact(&self, effect: Effect, commands: Vec<Cmd>) -> Result<Value, Failed> {
        let slot = commands.first().map_or(0, slot::of);
        let mut steps = vec![redis::cmd("MULTI")];
        steps.extend(commands);
        steps.push(redis::cmd("EXEC"));
        let mut answers = self.steps(effect, slot, &steps).await?;
        answers.pop().ok_or_else(|| Failed::Redis(nothing()))
    }

    /// Independent commands on a key each: one pipeline per server, all at the same time.
    pub(super) async fn ask_each(&self, effect: Effect, commands: &[Cmd]) -> Result<Vec<Value>, Failed> {
        let work = async {
            let mut answers = vec![Value::Nil; commands.len()];
            let mut open: Vec<usize> = (0..commands.len()).collect();
            while !open.is_empty() {
                let parts = self.0.map().by_node(open.iter().map(|&at| (at, slot::of(&commands[at]))));
                let sent = parts.iter().map(|(node, places)| async move {
                    let steps: Vec<Cmd> = places.iter().map(|&at| commands[at].clone()).collect();
                    match node {
                        Some(node) => node.send(&steps, self.awaited(effect), false).await,
                        None => Err(Failed::Redis(nobody())),
                    }
                });
                let came = join_all(sent).await;
                open.clear();
                for ((_, places), came) in parts.into_iter().zip(came) {
                    match came {
                        Ok(values) => {
                            for (at, value) in places.into_iter().zip(values) {
                                match refusal(&value) {
                                    Some(error) if self.next(effect, &error) != Next::GiveUp => open.push(at),
                                    Some(error) => return Err(Failed::Redis(error)),
                                    None => answers[at] = value,
                                }
                            }
                        }
                        Err(Failed::Redis(error)) if self.next(effect, &error) != Next::GiveUp => {
                            open.extend(places);
                        }
                        Err(failed) => return Err(failed),
                    }
                }
                if !open.is_empty() {
                    self.look();
                    tokio::time::sleep(PAUSE).await;
                }
            }
            Ok(answers)
        };
        self.within(work).await
    }

    /// A connection of its own that is subscribed: to the server that answers for the channel's name, so that it breaks
    /// with it. A cluster hands what is published to all of its members.
    pub(super) async fn listen(&self, channel: &str) -> Result<PubSub, Failed> {
        let slot = slot::of(redis::cmd("PUBLISH").arg(channel));
        let node = self.0.map().owner(slot).ok_or_else(|| Failed::Redis(nobody()))?;
        let listening = bounded(self.0.timeout, subscribed(node.client(), channel)).await;
        if listening.is_err() {
            self.look();
        }
        listening
    }

    /// Commands that belong together, on the server that answers for a slot, sent again where that is right. Their answers;
    /// a refusal of one is a failure of all.
    async fn steps(&self, effect: Effect, slot: u16, steps: &[Cmd]) -> Result<Vec<Value>, Failed> {
        let work = async {
            let mut redirected: Option<(Arc<Node>, bool)> = None;
            let mut hops = 0_u32;
            loop {
                let (node, asking) = match redirected.take() {
                    Some(there) => there,
                    None => (self.0.map().owner(slot).ok_or_else(|| Failed::Redis(nobody()))?, false),
                };
                let error = match node.send(steps, self.awaited(effect), asking).await {
                    Ok(values) => match values.iter().find_map(refusal) {
                        None => return Ok(values),
                        Some(error) => error,
                    },
                    Err(Failed::Redis(error)) => error,
                    Err(failed) => return Err(failed),
                };
                hops += 1;
                match self.next(effect, &error) {
                    Next::To(address) => {
                        self.look();
                        redirected = self.0.adopt(slot, &address).map(|node| (node, false));
                    }
                    Next::Asking(address) => {
                        redirected = self.0.map().node(&address, &self.0).map(|node| (node, true));
                    }
                    Next::Later => {
                        self.look();
                        tokio::time::sleep(PAUSE).await;
                    }
                    Next::GiveUp => return Err(Failed::Redis(error)),
                }
                // Two servers that point at each other must not be asked without end in between.
                if hops > 2 && redirected.is_some() {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        self.within(work).await
    }

    /// Ends in time; a server that did not answer may no longer be the one to ask.
    async fn within<T>(&self, work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
        let done = tokio::time::timeout(self.0.timeout, work).await;
        let done = done.unwrap_or(Err(Failed::Late(self.0.timeout)));
        if done.is_err() {
            self.look();
        }
        done
    }

    /// Whether writes wait for replicas.
    pub(super) fn waits(&self) -> bool {
        self.0.wait > 0
    }

    /// How many replicas a write waits for, and how long: the answer that there are too few comes before the deadline.
    fn awaited(&self, effect: Effect) -> Option<(u32, Duration)> {
        (self.waits() && effect != Effect::Read).then_some((self.0.wait, self.0.timeout * 3 / 4))
    }

    fn next(&self, effect: Effect, error: &RedisError) -> Next {
        let sentinel = matches!(self.0.topology, RedisTopology::Sentinel(_));
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::Moved) => redirect(error).map_or(Next::Later, Next::To),
            ErrorKind::Server(ServerErrorKind::Ask) => redirect(error).map_or(Next::Later, Next::Asking),
            // Refused before anything was done.
            ErrorKind::Server(
                ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::BusyLoading,
            ) => Next::Later,
            ErrorKind::Server(ServerErrorKind::ReadOnly) if sentinel => Next::Later,
            ErrorKind::Io if error.is_connection_refusal() || effect != Effect::WriteOnce => Next::Later,
            ErrorKind::ClusterConnectionNotFound => Next::Later,
            _ => Next::GiveUp,
        }
    }

    /// Looks for the topology in the background, once at a time.
    fn look(&self) {
        if self.0.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Looking(Arc::clone(&self.0));
        tokio::spawn(async move {
            if let Ok(map) = shared.0.find().await {
                shared.0.set(map);
            }
            tokio::time::sleep(PAUSE).await;
            drop(shared);
        });
    }
}

/// Lets the next one look, also where this one was ended.
struct Looking(Arc<Shared>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.looking.store(false, Ordering::Release);
    }
}

impl Shared {
    fn map(&self) -> Arc<Map> {
        Arc::clone(&self.map.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, map: Map) {
        *self.map.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(map);
    }

    /// Believes a server that says who answers for a slot.
    fn adopt(&self, slot: u16, address: &Address) -> Option<Arc<Node>> {
        let map = self.map();
        let node = map.node(address, self)?;
        if !map.owner(slot).is_some_and(|owner| Arc::ptr_eq(&owner, &node)) {
            self.set(map.with(slot, &node));
        }
        Some(node)
    }
}

/// An answer that is a refusal.
fn refusal(value: &Value) -> Option<RedisError> {
    match value {
        Value::ServerError(error) => Some(error.clone().into()),
        _ => None,
    }
}

/// Where a server sends us: `SLOT HOST:PORT`.
fn redirect(error: &RedisError) -> Option<Address> {
    let (text, _) = error.redirect_node()?;
    let (host, port) = text.rsplit_once(':')?;
    // A host that is not given is the one that was asked: only a cluster that hides its own addresses does that.
    (!host.is_empty()).then_some(())?;
    Some(Address { host: host.trim_matches(['[', ']']).to_owned(), port: port.parse().ok()? })
}

fn nobody() -> RedisError {
    (ErrorKind::ClusterConnectionNotFound, "no server answers for this key").into()
}

fn nothing() -> RedisError {
    (ErrorKind::UnexpectedReturnType, "a pipeline was answered in part").into()
}
