//! Several Redis servers for one row alone: a cluster of three masters with a replica each, or a master with two replicas
//! and three sentinels. They are there to lose a master.
//!
//! Members of a cluster are born with their configuration written, as each would write it itself: nobody has to be
//! introduced to anybody.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::connect::{Place, connect};
use crate::error::Error;
use crate::process::{Child, Launcher, OwnFolder, Spawn};

/// Masters of a cluster; each has one replica.
const MASTERS: usize = 3;
/// Slots of a cluster.
const SLOTS: usize = 16_384;
/// Replicas of the master behind sentinels.
const REPLICAS: usize = 2;
/// Sentinels; two of them agree that a master is gone.
const SENTINELS: usize = 3;
/// What sentinels call the service.
const SERVICE: &str = "main";
/// Servers that were just started take seconds until they answer together: a cluster waits two before it serves.
const READY: Duration = Duration::from_secs(30);
/// Ports that are tried for all of them.
const TRIES: u32 = 4;
/// Pause between two looks whether they do.
const LOOK: Duration = Duration::from_millis(20);

/// How several Redis servers are one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreTopology {
    /// Three masters that share the keys, each with one replica.
    Cluster,
    /// One master, two replicas, three sentinels.
    Sentinel,
}

impl StoreTopology {
    /// As it is written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Sentinel => "sentinel",
        }
    }
}

/// The servers. The first is the master that is lost. Dropping it ends them.
#[derive(Debug)]
pub struct PrivateGroup {
    row: String,
    topology: StoreTopology,
    servers: Vec<Member>,
    sentinels: Vec<Member>,
    /// The first has been killed.
    lost: bool,
    // Last: what is in it belongs to servers that run.
    _folder: OwnFolder,
}

#[derive(Debug)]
struct Member {
    child: Child,
    port: u16,
}

/// What starting one of them needs.
struct Start<'a> {
    launcher: &'a Launcher,
    program: &'a Path,
    row: &'a str,
    folder: &'a Path,
}

impl PrivateGroup {
    /// Starts the servers for `row` on free ports of the loopback address, without persistence, and waits until they are one
    /// store, every key replicated. A master that does not answer for `timeout` is replaced.
    ///
    /// # Errors
    ///
    /// When there is no room for their files, no port, one cannot be started, or they are no store after half a minute.
    pub fn start(
        launcher: &Launcher,
        program: &Path,
        row: &str,
        topology: StoreTopology,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let mut tries = 1;
        loop {
            let mut group = Self::started(launcher, program, row, topology, timeout)?;
            match group.ready() {
                // Somebody else may take a port between the moment it was found free and the server's own claim.
                Err(_) if tries < TRIES && group.has_ended().is_some() => tries += 1,
                ready => return ready.map(|()| group),
            }
        }
    }

    fn started(
        launcher: &Launcher,
        program: &Path,
        row: &str,
        topology: StoreTopology,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let folder = OwnFolder::new()?;
        let start = Start { launcher, program, row, folder: folder.path() };
        let ports = ports(2 * MASTERS).map_err(|error| Error::Process {
            name: format!("redis-servers for {row}"),
            message: format!("no free ports on the loopback address: {error}"),
            stderr: String::new(),
        })?;
        let (servers, sentinels) = match topology {
            StoreTopology::Cluster => (start.cluster(&ports, timeout)?, Vec::new()),
            StoreTopology::Sentinel => start.watched(&ports, timeout)?,
        };
        Ok(Self { row: row.to_owned(), topology, servers, sentinels, lost: false, _folder: folder })
    }

    /// Waits until they are one store.
    fn ready(&mut self) -> Result<(), Error> {
        let until = crate::clock::now() + READY;
        loop {
            if let Some(ended) = self.has_ended() {
                return Err(ended);
            }
            if self.is_whole() {
                return Ok(());
            }
            if crate::clock::now() > until {
                let message = format!("are up, but no {} after {} s", self.topology.name(), READY.as_secs());
                let name = format!("redis-servers for {}", self.row);
                return Err(Error::Process { name, message, stderr: String::new() });
            }
            std::thread::sleep(LOOK);
        }
    }

    /// What servers connect to; a write waits for so many replicas.
    #[must_use]
    pub fn url(&self, wait: u32) -> String {
        let list = |members: &[Member]| {
            let places: Vec<String> =
                members.iter().map(|member| format!("127.0.0.1:{}", member.port)).collect();
            places.join(",")
        };
        let query = if wait > 0 { format!("?wait={wait}") } else { String::new() };
        match self.topology {
            StoreTopology::Cluster => format!("redis+cluster://{}{query}", list(&self.servers[..MASTERS])),
            StoreTopology::Sentinel => format!("redis+sentinel://{}/{SERVICE}{query}", list(&self.sentinels)),
        }
    }

    /// Cuts the first master off from its replicas, which are stopped: what was sent to them before they would still read.
    pub(crate) fn cut(&mut self) -> Result<(), Error> {
        self.replicas_of_first().iter().for_each(|replica| replica.child.signal(Signal::STOP));
        let place = self.place(0);
        let mut connection = connect(&place, &self.address(0))?;
        let mut order = redis::cmd("CLIENT");
        order.arg("KILL").arg("TYPE").arg("REPLICA");
        order.exec(&mut connection).map_err(|error| place.failed("", &error))
    }

    /// Kills the first master, as a crash would; its replicas go on.
    pub(crate) fn lose(&mut self) {
        self.lost = true;
        self.servers[0].child.kill();
        self.replicas_of_first().iter().for_each(|replica| replica.child.signal(Signal::CONT));
    }

    /// Did one of them end that was not to be lost?
    pub(crate) fn has_ended(&mut self) -> Option<Error> {
        let kept = self.servers.iter_mut().skip(usize::from(self.lost));
        kept.chain(&mut self.sentinels).find_map(|member| member.child.has_ended())
    }

    fn replicas_of_first(&self) -> &[Member] {
        match self.topology {
            StoreTopology::Cluster => &self.servers[MASTERS..=MASTERS],
            StoreTopology::Sentinel => &self.servers[1..],
        }
    }

    fn address(&self, server: usize) -> String {
        format!("redis://127.0.0.1:{}", self.servers[server].port)
    }

    fn place(&self, server: usize) -> Place {
        Place::new(&self.row, &self.address(server))
    }

    /// Whether every server says what it says in a whole group.
    fn is_whole(&self) -> bool {
        let says = |member: &Member, command: &redis::Cmd, wanted: &str, times: usize| {
            let url = format!("redis://127.0.0.1:{}", member.port);
            let asked = connect(&Place::new(&self.row, &url), &url)
                .ok()
                .and_then(|mut connection| command.query::<String>(&mut connection).ok());
            asked.is_some_and(|answer| answer.matches(wanted).count() == times)
        };
        let mut replication = redis::cmd("INFO");
        replication.arg("replication");
        let online = |master, replicas| says(master, &replication, "state=online", replicas);
        match self.topology {
            StoreTopology::Cluster => {
                let mut state = redis::cmd("CLUSTER");
                state.arg("INFO");
                self.servers.iter().all(|member| says(member, &state, "cluster_state:ok", 1))
                    && self.servers[..MASTERS].iter().all(|master| online(master, 1))
            }
            StoreTopology::Sentinel => {
                let mut watched = redis::cmd("INFO");
                watched.arg("sentinel");
                let wanted = format!(
                    "status=ok,address=127.0.0.1:{},slaves={REPLICAS},sentinels={SENTINELS}",
                    self.servers[0].port
                );
                online(&self.servers[0], REPLICAS)
                    && self.sentinels.iter().all(|sentinel| says(sentinel, &watched, &wanted, 1))
            }
        }
    }
}

impl Start<'_> {
    fn cluster(&self, ports: &[u16], timeout: Duration) -> Result<Vec<Member>, Error> {
        let members = ports.iter().enumerate().map(|(at, &port)| {
            let file = self.file(&format!("{port}.conf"), &born(ports, at))?;
            let timeout = timeout.as_millis().to_string();
            let mut arguments: Vec<OsString> =
                ["--cluster-enabled", "yes", "--cluster-node-timeout", &timeout].map(Into::into).into();
            arguments.extend(["--cluster-config-file".into(), file]);
            self.server(port, arguments)
        });
        members.collect()
    }

    /// A master, its replicas, and the sentinels that watch it.
    fn watched(&self, ports: &[u16], timeout: Duration) -> Result<(Vec<Member>, Vec<Member>), Error> {
        let (servers, sentinels) = ports.split_at(1 + REPLICAS);
        let master = servers[0];
        let servers = servers.iter().map(|&port| {
            let of: [OsString; 3] = ["--replicaof", "127.0.0.1", &master.to_string()].map(Into::into);
            self.server(port, if port == master { Vec::new() } else { of.into() })
        });
        let servers = servers.collect::<Result<Vec<_>, _>>()?;
        let sentinels = sentinels.iter().take(SENTINELS).map(|&port| {
            let text = format!(
                "port {port}\nbind 127.0.0.1\ndir \"{}\"\nsentinel monitor {SERVICE} 127.0.0.1 {master} 2\n\
                 sentinel down-after-milliseconds {SERVICE} {}\nsentinel failover-timeout {SERVICE} 10000\n",
                self.folder.display(),
                timeout.as_millis()
            );
            let file = self.file(&format!("{port}.conf"), &text)?;
            self.member("sentinel", port, vec![file, "--sentinel".into()])
        });
        Ok((servers, sentinels.collect::<Result<Vec<_>, _>>()?))
    }

    fn server(&self, port: u16, more: Vec<OsString>) -> Result<Member, Error> {
        let port_text = port.to_string();
        let mut arguments: Vec<OsString> = [
            ["--port", port_text.as_str()],
            ["--bind", "127.0.0.1"],
            ["--save", ""],
            ["--appendonly", "no"],
            ["--maxmemory-policy", "noeviction"],
            ["--repl-diskless-sync-delay", "0"],
            ["--logfile", ""],
        ]
        .concat()
        .into_iter()
        .map(Into::into)
        .collect();
        arguments.extend(["--dir".into(), self.folder.as_os_str().to_owned()]);
        arguments.extend(more);
        self.member("redis-server", port, arguments)
    }

    fn member(&self, what: &str, port: u16, arguments: Vec<OsString>) -> Result<Member, Error> {
        let name = format!("{what} for {} at 127.0.0.1:{port}", self.row);
        let spawn =
            Spawn { name, program: self.program.to_owned(), arguments, directory: None, secret: None };
        Ok(Member { child: self.launcher.spawn(&spawn)?, port })
    }

    fn file(&self, name: &str, text: &str) -> Result<OsString, Error> {
        let path = self.folder.join(name);
        match std::fs::write(&path, text) {
            Ok(()) => Ok(path.into_os_string()),
            Err(source) => Err(Error::Io { path, what: "cannot be written", source }),
        }
    }
}

/// What a member of a cluster knows from its birth: a line for each member, and how often masters were elected.
fn born(ports: &[u16], myself: usize) -> String {
    let id = |at: usize| format!("{:040x}", at + 1);
    let mut text = String::new();
    for (at, port) in ports.iter().enumerate() {
        let mine = if at == myself { "myself," } else { "" };
        let place = format!("{} 127.0.0.1:{port}@{}", id(at), port + 10_000);
        text += &if at < MASTERS {
            let first = (at * SLOTS).div_ceil(MASTERS);
            let last = ((at + 1) * SLOTS).div_ceil(MASTERS) - 1;
            format!("{place} {mine}master - 0 0 {} connected {first}-{last}\n", at + 1)
        } else {
            format!("{place} {mine}slave {} 0 0 {} connected\n", id(at - MASTERS), at - MASTERS + 1)
        };
    }
    text + &format!("vars currentEpoch {MASTERS} lastVoteEpoch 0\n")
}

/// Ports that were free a moment ago, also with 10,000 added, which is where members of a cluster talk to each other.
fn ports(count: usize) -> std::io::Result<Vec<u16>> {
    let mut held = Vec::new();
    while held.len() < count {
        let other = TcpListener::bind(("127.0.0.1", 0))?;
        let port = other.local_addr()?.port().saturating_sub(10_000);
        if let (true, Ok(own)) = (port > 1024, TcpListener::bind(("127.0.0.1", port))) {
            held.push((port, own, other));
        }
    }
    Ok(held.into_iter().map(|(port, ..)| port).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_one_master_and_every_master_a_replica() {
        let text = born(&[7000, 7001, 7002, 7003, 7004, 7005], 4);
        for line in [
            "0000000000000000000000000000000000000001 127.0.0.1:7000@17000 master - 0 0 1 connected 0-5461",
            "0000000000000000000000000000000000000002 127.0.0.1:7001@17001 master - 0 0 2 connected 5462-10922",
            "0000000000000000000000000000000000000003 127.0.0.1:7002@17002 master - 0 0 3 connected 10923-16383",
            "0000000000000000000000000000000000000005 127.0.0.1:7004@17004 myself,slave \
             0000000000000000000000000000000000000002 0 0 2 connected",
            "vars currentEpoch 3 lastVoteEpoch 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
