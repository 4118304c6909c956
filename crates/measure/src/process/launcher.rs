//! The one thread that spawns children.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;

use super::child::Child;
use super::guard::CHILD_ARGUMENT;
use crate::error::Error;

/// What to start.
#[derive(Debug, Clone)]
pub struct Spawn {
    /// For messages: the row, or `redis-server for ROW`.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its working directory; absent = ours.
    pub directory: Option<PathBuf>,
    /// One line for its standard input, which then ends: what nobody else on the machine may read. Absent = no input.
    pub secret: Option<Secret>,
}

/// A line that is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Of this text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

struct Request {
    command: Command,
    reply: mpsc::Sender<io::Result<std::process::Child>>,
}

/// Spawns children that are killed when this process dies, however it dies.
///
/// Keep it until every [`Child`] is dropped: when the launcher ends, the kernel kills what is left.
#[derive(Debug)]
pub struct Launcher {
    guard: Vec<OsString>,
    temporary: Option<PathBuf>,
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Launcher {
    /// A launcher whose children run on `cpus` (empty = wherever the system puts them). `guard` is the program, with
    /// any first arguments, that answers to [`CHILD_ARGUMENT`]: this binary.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started or bound to `cpus`.
    pub fn new(guard: Vec<OsString>, cpus: &[u32]) -> Result<Self, Error> {
        let (requests, inbox) = mpsc::channel::<Request>();
        let (bound, is_bound) = mpsc::channel();
        let cpus = cpus.to_vec();
        let thread = std::thread::Builder::new()
            .name("launcher".into())
            .spawn(move || {
                // Children inherit the affinity of the thread that spawns them.
                let result = crate::affinity::bind(&cpus);
                let go_on = result.is_ok();
                if bound.send(result).is_err() || !go_on {
                    return;
                }
                while let Ok(Request { mut command, reply }) = inbox.recv() {
                    // Nobody waits any more only when the run is being torn down.
                    let _ = reply.send(command.spawn());
                }
            })
            .map_err(|error| Error::Probe { what: "starting a thread", message: error.to_string() })?;
        is_bound.recv().unwrap_or(Ok(()))?;
        Ok(Self { guard, temporary: None, requests: Some(requests), thread: Some(thread) })
    }

    /// The same, whose children put temporary files into this folder: a child that is killed tidies nothing up.
    #[must_use]
    pub fn with_temporary(mut self, folder: &Path) -> Self {
        self.temporary = Some(folder.to_owned());
        self
    }

    /// Starts a child with piped output, in a process group of its own: Ctrl-C at the terminal reaches us, not it.
    ///
    /// # Errors
    ///
    /// When the process cannot be made. (A program that cannot be executed shows as a child that dies at once.)
    pub fn spawn(&self, spawn: &Spawn) -> Result<Child, Error> {
        let failed =
            |message: String| Error::Process { name: spawn.name.clone(), message, stderr: String::new() };
        let [program, first @ ..] = &self.guard[..] else {
            return Err(failed("no program is named that can guard children".into()));
        };
        let mut command = Command::new(program);
        command.args(first).arg(CHILD_ARGUMENT).arg(std::process::id().to_string());
        command.arg(&spawn.program).args(&spawn.arguments);
        let input = if spawn.secret.is_some() { Stdio::piped() } else { Stdio::null() };
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        if let Some(temporary) = &self.temporary {
            command.env("TMPDIR", temporary);
        }
        if let Some(directory) = &spawn.directory {
            command.current_dir(directory);
        }
        let (reply, answer) = mpsc::channel();
        let sent = self.requests.as_ref().is_some_and(|out| out.send(Request { command, reply }).is_ok());
        if !sent {
            return Err(failed("the launcher has ended".into()));
        }
        let mut process = answer
            .recv()
            .map_err(|_| failed("the launcher has ended".into()))?
            .map_err(|error| failed(format!("could not be started: {error}")))?;
        let input = process.stdin.take();
        let child = Child::new(spawn.name.clone(), process)?;
        if let (Some(mut input), Some(Secret(secret))) = (input, &spawn.secret) {
            // A child that has died already says why when it is waited for.
            let _ = input.write_all(format!("{secret}\n").as_bytes());
        }
        Ok(child)
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has already been reported by the runtime.
            let _ = thread.join();
        }
    }
}
