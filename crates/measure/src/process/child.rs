//! One child: its output, its end.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::error::Error;

/// Lines of standard error kept for messages.
const TAIL_LINES: usize = 12;
/// Bytes of one line kept: a program that never ends its line must not fill our memory.
const LINE_BYTES: u64 = 64 * 1024;
/// How long a child may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// How long we wait for the last of its output once it has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A running child. Dropping it ends it (SIGTERM, after a bound SIGKILL) and reaps it.
#[derive(Debug)]
pub struct Child {
    name: String,
    process: std::process::Child,
    pidfd: OwnedFd,
    lines: mpsc::Receiver<String>,
    last_words: mpsc::Receiver<String>,
    readers: Vec<JoinHandle<()>>,
    ended: bool,
}

impl Child {
    pub(super) fn new(name: String, mut process: std::process::Child) -> Result<Self, Error> {
        let pidfd = match open_pidfd(process.id()) {
            Ok(pidfd) => pidfd,
            Err(message) => {
                // Without the descriptor nothing could wait for it: end it here.
                let _ = process.kill();
                let _ = process.wait();
                return Err(Error::Process { name, message, stderr: String::new() });
            }
        };
        let (line, lines) = mpsc::channel();
        let (word, last_words) = mpsc::channel();
        let mut readers = Vec::new();
        if let Some(out) = process.stdout.take() {
            readers.push(std::thread::spawn(move || {
                let mut reader = BufReader::new(out);
                // After the receiver is gone the pipe is still drained: a full pipe would stop the child.
                while let Some(text) = read_line(&mut reader) {
                    let _ = line.send(text);
                }
            }));
        }
        if let Some(err) = process.stderr.take() {
            readers.push(std::thread::spawn(move || {
                let mut reader = BufReader::new(err);
                let mut tail = std::collections::VecDeque::new();
                while let Some(text) = read_line(&mut reader) {
                    if tail.len() == TAIL_LINES {
                        tail.pop_front();
                    }
                    tail.push_back(text);
                }
                let _ = word.send(Vec::from(tail).join("\n"));
            }));
        }
        Ok(Self { name, process, pidfd, lines, last_words, readers, ended: false })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The next line of its standard output.
    ///
    /// # Errors
    ///
    /// When it ends, or says nothing in time: with the last lines of its standard error.
    pub fn read_line(&mut self, timeout: Duration) -> Result<String, Error> {
        match self.lines.recv_timeout(timeout) {
            Ok(line) => Ok(line),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                self.stop();
                Err(self.error(format!("said nothing for {} s and was ended", timeout.as_secs_f64())))
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = self.stop();
                Err(self.error(format!("ended before it was ready ({status})")))
            }
        }
    }

    /// Has it ended by itself? With a sentence saying how, and the last lines of its standard error.
    pub fn has_ended(&mut self) -> Option<Error> {
        if !self.ended && !wait_for(&self.pidfd, Duration::ZERO) {
            return None;
        }
        let status = self.stop();
        Some(self.error(format!("ended during the run ({status})")))
    }

    /// Ends it at once, as a crash would, and reaps it.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        wait_for(&self.pidfd, GRACE);
        self.stop();
    }

    /// Ends it and reaps it; says how it ended. Harmless when it has ended already.
    pub fn stop(&mut self) -> String {
        if !self.ended {
            if !wait_for(&self.pidfd, Duration::ZERO) {
                // Errors mean that it is gone already.
                let _ = pidfd_send_signal(&self.pidfd, Signal::TERM);
                if !wait_for(&self.pidfd, GRACE) {
                    let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
                }
            }
            self.ended = true;
        }
        match self.process.wait() {
            Ok(status) => status.to_string(),
            Err(error) => format!("its status could not be read: {error}"),
        }
    }

    /// Sends a signal; one that has ended gets none.
    pub(crate) fn signal(&self, signal: Signal) {
        if !self.ended {
            // Errors mean that it is gone already.
            let _ = pidfd_send_signal(&self.pidfd, signal);
        }
    }

    /// Ends it; the last lines of its standard error.
    pub(crate) fn finish(mut self) -> String {
        self.stop();
        self.last_words.recv_timeout(LAST_WORDS).unwrap_or_default()
    }

    fn error(&self, message: String) -> Error {
        let stderr = self.last_words.recv_timeout(LAST_WORDS).unwrap_or_default();
        Error::Process { name: self.name.clone(), message, stderr: crate::redact::redact(&stderr) }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.stop();
        // Its readers end with it, and are waited for: nothing of it stays. Where a grandchild keeps a pipe open, the
        // reader of that ends by itself later.
        let until = crate::clock::now() + LAST_WORDS;
        let over = is_over(&self.lines, until) && is_over(&self.last_words, until);
        for reader in self.readers.drain(..) {
            if over || reader.is_finished() {
                let _ = reader.join();
            }
        }
    }
}

/// Waits until a reader has nothing more to say; false when it may have at `until`.
fn is_over(said: &mpsc::Receiver<String>, until: Instant) -> bool {
    loop {
        let left = until.saturating_duration_since(crate::clock::now());
        match said.recv_timeout(left) {
            Err(mpsc::RecvTimeoutError::Disconnected) => return true,
            Ok(_) if !left.is_zero() => {}
            Ok(_) | Err(mpsc::RecvTimeoutError::Timeout) => return false,
        }
    }
}

fn open_pidfd(pid: u32) -> Result<OwnedFd, String> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or("its process id is out of range")?;
    pidfd_open(pid, PidfdFlags::empty()).map_err(|error| format!("pidfd_open failed: {error}"))
}

/// Waits until the process behind the descriptor has ended; false when the time is over.
fn wait_for(pidfd: &OwnedFd, timeout: Duration) -> bool {
    let deadline = crate::clock::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(crate::clock::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        match poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&left)) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// One line without its end, cut at [`LINE_BYTES`]; none at the end of the stream.
fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    match reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned()),
    }
}
