//! A Redis server for one row alone: its CPU and memory are that row's own.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use crate::error::Error;
use crate::process::{Child, Launcher, Spawn};

/// A server answers within milliseconds; on a busy machine it may take longer.
const READY: Duration = Duration::from_secs(30);
/// What it prints once it does.
const READY_LINE: &str = "eady to accept connections";
/// What it says of a port that somebody else has.
const TAKEN: &str = "already in use";
/// Ports that are tried.
const PORTS: usize = 16;

/// A private server. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct PrivateRedis {
    child: Child,
    port: u16,
}

impl PrivateRedis {
    /// Starts a server for `row` on a free port of the loopback address: no persistence, no eviction, no memory limit.
    /// [`Self::ready_somewhere`] waits for it.
    pub(crate) fn start(launcher: &Launcher, program: &Path, row: &str) -> Result<Self, Error> {
        Self::start_at(launcher, program, row, free_port(row)?, None)
    }

    /// The same on this port. With `keep` it logs every write there before it answers, and finds it again when it is
    /// started anew, however it ended.
    pub(crate) fn start_at(
        launcher: &Launcher,
        program: &Path,
        row: &str,
        port: u16,
        keep: Option<&Path>,
    ) -> Result<Self, Error> {
        let name = format!("redis-server for {row} at 127.0.0.1:{port}");
        let mut arguments: Vec<std::ffi::OsString> = Vec::new();
        for (option, value) in [
            ("--port", port.to_string().as_str()),
            ("--bind", "127.0.0.1"),
            ("--save", ""),
            ("--appendonly", if keep.is_some() { "yes" } else { "no" }),
            ("--daemonize", "no"),
            ("--maxmemory", "0"),
            ("--maxmemory-policy", "noeviction"),
            ("--logfile", ""),
        ] {
            arguments.push(option.into());
            arguments.push(value.into());
        }
        // It never writes, so that it needs no folder that would be left behind by a kill: `/` is everybody's, a data
        // file of this name is nobody's, and what is not there is not read at the start.
        let folder = keep.unwrap_or(Path::new("/"));
        arguments.extend(["--dbfilename", "authbench-keeps-nothing.rdb", "--dir"].map(Into::into));
        arguments.push(folder.into());
        let spawn = Spawn { name, program: program.to_owned(), arguments, directory: None, secret: None };
        Ok(Self { child: launcher.spawn(&spawn)?, port })
    }

    /// Waits until it accepts connections.
    pub(crate) fn ready(&mut self) -> Result<(), Error> {
        let mut said: Vec<String> = Vec::new();
        loop {
            match self.child.read_line(READY) {
                Ok(line) if line.contains(READY_LINE) => return Ok(()),
                Ok(line) => said.push(line),
                // It logs to standard output: what it said belongs into the message.
                Err(Error::Process { name, message, stderr }) => {
                    let last = said.iter().rev().take(6).rev().cloned().collect::<Vec<_>>().join("\n");
                    return Err(Error::Process { name, message, stderr: format!("{last}\n{stderr}") });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The same for one on any free port. Nobody holds a port between the moment it was found free and the server's own
    /// claim: where somebody else came first, it is started `again` on another.
    pub(crate) fn ready_somewhere(mut self, again: impl Fn() -> Result<Self, Error>) -> Result<Self, Error> {
        for _ in 1..PORTS {
            match self.ready() {
                Err(Error::Process { stderr, .. }) if stderr.contains(TAKEN) => self = again()?,
                ready => return ready.map(|()| self),
            }
        }
        self.ready().map(|()| self)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.child.signal(signal);
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    pub(crate) fn has_ended(&mut self) -> Option<Error> {
        self.child.has_ended()
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port(row: &str) -> Result<u16, Error> {
    let found = || Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port());
    found().map_err(|error: std::io::Error| Error::Process {
        name: format!("redis-server for {row}"),
        message: format!("no free port on the loopback address: {error}"),
        stderr: String::new(),
    })
}
