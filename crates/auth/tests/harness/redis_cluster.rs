//! A private Redis Cluster on loopback: three masters with a replica each, born with its configuration written, so that no
//! member has to be introduced to the others.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use auth::{AnyStore, RedisSettings, RedisStore, RedisTopology};

/// Masters; each has one replica.
const MASTERS: usize = 3;
const SLOTS: usize = 16_384;

/// Ended when dropped.
pub(crate) struct RedisCluster {
    /// Masters first, then their replicas in the same order.
    members: Vec<Member>,
    _folder: tempfile::TempDir,
}

struct Member {
    process: Child,
    port: u16,
}

impl RedisCluster {
    /// Starts it and waits until every slot is served and replicated.
    pub(crate) fn start(node_timeout: Duration) -> Self {
        // A port may be taken between the probe and the start: then others are tried.
        (0..16).find_map(|_| Self::start_once(node_timeout)).expect("members that start")
    }

    /// None when one of its members ends at once.
    fn start_once(node_timeout: Duration) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let ports = ports(2 * MASTERS);
        let mut members = Vec::new();
        for (at, &port) in ports.iter().enumerate() {
            let file = folder.path().join(format!("{port}.conf"));
            std::fs::write(&file, configuration(&ports, at)).unwrap();
            let process = Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
                .args(["--repl-diskless-sync-delay", "0", "--cluster-enabled", "yes"])
                .args(["--port", &port.to_string()])
                .args(["--cluster-node-timeout", &node_timeout.as_millis().to_string()])
                .arg("--cluster-config-file")
                .arg(&file)
                .arg("--dir")
                .arg(folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .expect("these tests need redis-server: apt-get install redis-server");
            members.push(Member { process, port });
        }
        let mut cluster = Self { members, _folder: folder };
        cluster.becomes_whole().then_some(cluster)
    }

    /// A store on it, with these keys and that long for a step.
    pub(crate) async fn store(&self, prefix: &str, timeout: Duration, wait: u32) -> AnyStore {
        let settings = RedisSettings {
            servers: vec![self.url(1), self.url(0)],
            topology: RedisTopology::Cluster,
            wait,
            prefix: prefix.to_owned(),
            timeout,
            distance: Duration::ZERO,
        };
        AnyStore::Redis(RedisStore::connect(&settings).await.expect("the private cluster answers"))
    }

    /// The master that is asked for a key.
    pub(crate) fn master_of(&self, key: &str) -> usize {
        let slot: usize = self.ask(0, redis::cmd("CLUSTER").arg("KEYSLOT").arg(key));
        slot * MASTERS / SLOTS
    }

    /// Kills a member.
    pub(crate) fn kill(&mut self, at: usize) {
        self.members[at].process.kill().unwrap();
        self.members[at].process.wait().unwrap();
    }

    /// Stops a member where it stands, so that whoever asks it waits.
    pub(crate) fn stop(&self, at: usize) {
        self.signal(at, rustix::process::Signal::STOP);
    }

    /// Lets a stopped member go on.
    pub(crate) fn go_on(&self, at: usize) {
        self.signal(at, rustix::process::Signal::CONT);
    }

    /// Cuts a master off from its replica, which is stopped: what was sent before it would still read from its socket.
    pub(crate) fn part_from_replica(&self, master: usize) {
        self.stop(self.replica_of(master));
        self.ask::<u64>(master, redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("REPLICA"));
    }

    /// The replica of a master.
    pub(crate) fn replica_of(&self, master: usize) -> usize {
        master + MASTERS
    }

    /// What a member answers on a connection of its own.
    pub(crate) fn ask<T: redis::FromRedisValue>(&self, at: usize, command: &redis::Cmd) -> T {
        let client = redis::Client::open(self.url(at)).unwrap();
        command.query(&mut client.get_connection().unwrap()).unwrap()
    }

    fn url(&self, at: usize) -> String {
        format!("redis://127.0.0.1:{}", self.members[at].port)
    }

    fn signal(&self, at: usize, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.members[at].process);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Whether every slot is served and replicated in the end; not when a member has ended.
    fn becomes_whole(&mut self) -> bool {
        let urls: Vec<String> = (0..self.members.len()).map(|at| self.url(at)).collect();
        let is_whole = |(at, url): (usize, &String)| {
            let client = redis::Client::open(url.as_str()).unwrap();
            let Ok(mut link) = client.get_connection() else { return false };
            let state: String = redis::cmd("CLUSTER").arg("INFO").query(&mut link).unwrap_or_default();
            let role: String = redis::cmd("INFO").arg("replication").query(&mut link).unwrap_or_default();
            let replicated = if at < MASTERS { "connected_slaves:1" } else { "master_link_status:up" };
            state.contains("cluster_state:ok") && role.contains(replicated)
        };
        for _ in 0..6000 {
            if urls.iter().enumerate().all(is_whole) {
                return true;
            }
            if self.members.iter_mut().any(|member| member.process.try_wait().unwrap().is_some()) {
                return false;
            }
            // Processes that have been started give no other sign of being ready.
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the members were started but are no cluster");
    }
}

impl Drop for RedisCluster {
    fn drop(&mut self) {
        for member in &mut self.members {
            let _ = member.process.kill();
            let _ = member.process.wait();
        }
    }
}

/// What a member knows from its birth: one line per member, as it would write it itself.
fn configuration(ports: &[u16], myself: usize) -> String {
    let id = |at: usize| format!("{:040x}", at + 1);
    let mut text = String::new();
    for (at, port) in ports.iter().enumerate() {
        let mine = if at == myself { "myself," } else { "" };
        let place = format!("{} 127.0.0.1:{port}@{}", id(at), port + 10_000);
        text += &if at < MASTERS {
            // Dealt so that the owner of a slot is `slot * MASTERS / SLOTS`, rounded down.
            let first = (at * SLOTS).div_ceil(MASTERS);
            let last = ((at + 1) * SLOTS).div_ceil(MASTERS) - 1;
            format!("{place} {mine}master - 0 0 {} connected {first}-{last}\n", at + 1)
        } else {
            format!("{place} {mine}slave {} 0 0 {} connected\n", id(at - MASTERS), at - MASTERS + 1)
        };
    }
    text + &format!("vars currentEpoch {MASTERS} lastVoteEpoch 0\n")
}

/// Ports that are free, and free with 10,000 added, which is where members talk to each other.
fn ports(count: usize) -> Vec<u16> {
    let mut held = Vec::new();
    while held.len() < count {
        let bus = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = bus.local_addr().unwrap().port().saturating_sub(10_000);
        if let (true, Ok(own)) = (port > 1024, TcpListener::bind(("127.0.0.1", port))) {
            held.push((port, bus, own));
        }
    }
    held.into_iter().map(|(port, ..)| port).collect()
}
