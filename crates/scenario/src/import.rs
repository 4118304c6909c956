//! Access logs into traces: who came when, and whether they wrote.
//!
//! Each client address is a subject. A request that follows a pause (30 minutes unless set otherwise), or none at all,
//! begins a visit: it becomes a login. Every other line becomes a request, or a write where its method is POST, PUT,
//! PATCH or DELETE. So a trace has as many steps as the log has good lines, in their order and with their spacing.
//!
//! Logs have whole seconds: lines of the same second are spread evenly over it in the order they stand in. Servers log a
//! request when it ends, so lines are not quite in order of time: they are sorted by time, and those of the same second
//! keep their order.

mod line;

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use crate::error::FileError;
use crate::trace::{Header, Operation, Step};
use crate::units::HumanDuration;
use crate::wire::PasswordHash;

pub use line::{Entry, Fault, parse_line};

/// A longer line is malformed: servers cut requests long before.
const LONGEST_LINE: usize = 64 * 1024;
/// So many malformed lines are told with their numbers.
const TOLD: usize = 10;
/// More clients than this are no population that could be provisioned.
const MOST_CLIENTS: usize = 100_000_000;

/// How a log is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImportOptions {
    /// A longer pause of a client makes its next request a login.
    pub pause: HumanDuration,
    /// The trace runs so many times faster than the log, 0.001 to 1e9.
    pub speed: f64,
    /// Size of what a credential says about its subject, bytes.
    pub principal_bytes: u32,
    /// How logins check a password.
    pub password_hash: PasswordHash,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            pause: HumanDuration::from_millis(30 * 60 * 1000),
            speed: 1.0,
            principal_bytes: 256,
            password_hash: PasswordHash::Argon2id,
        }
    }
}

/// A log that has been read. Memory: 16 bytes per line, and each client's address once.
#[derive(Debug, Clone)]
pub struct Imported {
    lines: Vec<Line>,
    options: ImportOptions,
    /// What was found.
    pub report: ImportReport,
}

/// What was found in a log.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct ImportReport {
    /// Lines that were understood: as many steps.
    pub lines: u64,
    /// Different clients: as many subjects.
    pub clients: u32,
    /// Steps that became logins.
    pub logins: u64,
    /// Steps that became writes.
    pub writes: u64,
    /// Lines whose time is before that of a line above them.
    pub out_of_order: u64,
    /// Empty lines.
    pub empty: u64,
    /// Lines that were not understood, and skipped.
    pub malformed: u64,
    /// The first of these: number from 1, and what is wrong.
    pub told: Vec<(u64, String)>,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    unix_s: i64,
    subject: u32,
    write: bool,
}

/// Why a log could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The reader failed.
    #[error("line {line}: cannot be read: {source}")]
    Read {
        /// Line from 1.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// Not one line was understood.
    #[error("no line is in Common or Combined Log Format{}", first(.report))]
    NoneValid {
        /// What was found.
        report: ImportReport,
    },
    /// More clients than a trace can have.
    #[error("line {line}: more than {MOST_CLIENTS} different clients")]
    TooManyClients {
        /// Line from 1.
        line: u64,
    },
    /// An option is out of its range.
    #[error("speed {0} is not between 0.001 and 1e9")]
    Speed(f64),
}

fn first(report: &ImportReport) -> String {
    match report.told.first() {
        Some((line, fault)) => format!("; line {line}: {fault}"),
        None => "; the file is empty".to_owned(),
    }
}

impl ImportError {
    /// As an error about the log file.
    #[must_use]
    pub fn in_file(&self, path: &std::path::Path) -> FileError {
        let hint = match self {
            Self::NoneValid { .. } => Some(
                "a line looks like: 192.0.2.7 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5120"
                    .to_owned(),
            ),
            _ => None,
        };
        FileError {
            path: path.to_owned(),
            line: 0,
            column: 0,
            key: String::new(),
            message: self.to_string(),
            hint,
        }
    }
}

/// Reads a log to its end.
pub fn read(log: impl BufRead, options: ImportOptions) -> Result<Imported, ImportError> {
    if !(1e-3..=1e9).contains(&options.speed) {
        return Err(ImportError::Speed(options.speed));
    }
    let mut reader = Reader::default();
    let mut log = log;
    let mut line = Vec::new();
    for number in 1_u64.. {
        match next_line(&mut log, &mut line) {
            Ok(None) => break,
            Ok(Some(whole)) => reader.add(number, &line, whole)?,
            Err(source) => return Err(ImportError::Read { line: number, source }),
        }
    }
    let Reader { mut lines, clients, mut report, .. } = reader;
    if lines.is_empty() {
        return Err(ImportError::NoneValid { report });
    }
    drop(clients);
    report.lines = lines.len() as u64;
    lines.sort_by_key(|line| line.unix_s);
    let mut imported = Imported { lines, options, report };
    let steps = || imported.steps();
    let logins = steps().filter(|step| step.operation == Operation::Login).count() as u64;
    let writes = steps().filter(|step| step.operation == Operation::Write).count() as u64;
    imported.report.logins = logins;
    imported.report.writes = writes;
    Ok(imported)
}

/// The next line without its end into `line`: `None` at the end of the log, else whether it is there whole. What is too
/// long is read over, not kept.
fn next_line(log: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    if log.take(LONGEST_LINE as u64).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        return Ok(Some(true));
    }
    let whole = line.len() < LONGEST_LINE;
    if !whole {
        log.skip_until(b'\n')?;
    }
    Ok(Some(whole))
}

#[derive(Debug, Default)]
struct Reader {
    lines: Vec<Line>,
    clients: HashMap<Box<[u8]>, u32>,
    report: ImportReport,
    latest: Option<i64>,
}

impl Reader {
    fn add(&mut self, number: u64, line: &[u8], whole: bool) -> Result<(), ImportError> {
        if whole && line.iter().all(u8::is_ascii_whitespace) {
            self.report.empty += 1;
            return Ok(());
        }
        let parsed = if whole { parse_line(line) } else { Err(Fault::TooLong) };
        let entry = match parsed {
            Ok(entry) => entry,
            Err(fault) => {
                self.report.malformed += 1;
                if self.report.told.len() < TOLD {
                    self.report.told.push((number, fault.to_string()));
                }
                return Ok(());
            }
        };
        let subject = match self.clients.get(entry.client) {
            Some(subject) => *subject,
            None => {
                if self.clients.len() >= MOST_CLIENTS {
                    return Err(ImportError::TooManyClients { line: number });
                }
                let subject = self.clients.len() as u32;
                self.clients.insert(entry.client.into(), subject);
                self.report.clients = subject + 1;
                subject
            }
        };
        if self.latest.is_some_and(|latest| entry.unix_s < latest) {
            self.report.out_of_order += 1;
        }
        self.latest = self.latest.max(Some(entry.unix_s));
        self.lines.push(Line { unix_s: entry.unix_s, subject, write: entry.write });
        Ok(())
    }
}

impl Imported {
    /// The header of the trace.
    #[must_use]
    pub fn header(&self, name: &str) -> Header {
        Header {
            name: name.to_owned(),
            subjects: self.report.clients,
            devices: 1,
            logged_in: 0,
            revoked_per_million: 0,
            principal_bytes: self.options.principal_bytes,
            password_hash: self.options.password_hash,
            connections: 32,
            deadline: HumanDuration::from_millis(2000),
            speed: self.options.speed,
            seed: 0,
            duration: None,
        }
    }

    /// The steps of the trace, from 0 at the first line.
    pub fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        let start = self.lines.first().map_or(0, |line| line.unix_s);
        let pause_s = self.options.pause.as_nanos() as f64 * 1e-9;
        let mut seen: Vec<Option<i64>> = vec![None; self.report.clients as usize];
        let mut second = 0..0;
        self.lines.iter().enumerate().map(move |(at, line)| {
            if at >= second.end {
                let same = self.lines[at..].iter().take_while(|other| other.unix_s == line.unix_s).count();
                second = at..at + same;
            }
            let within = (at - second.start) as f64 / second.len() as f64;
            let elapsed_s = line.unix_s.saturating_sub(start) as f64 + within;
            let last = seen.get_mut(line.subject as usize).and_then(|last| last.replace(line.unix_s));
            let begins = last.is_none_or(|last| line.unix_s.saturating_sub(last) as f64 > pause_s);
            let operation = match (begins, line.write) {
                (true, _) => Operation::Login,
                (false, true) => Operation::Write,
                (false, false) => Operation::Request,
            };
            let intended_ns = (elapsed_s / self.options.speed * 1e9) as u64;
            Step { intended_ns, subject: line.subject, device: 0, operation }
        })
    }
}
