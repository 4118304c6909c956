//! A trace file, checked once from end to end and then replayed as often as wanted, in constant memory.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::format::{Digest, END, Footer, Header, MAGIC, parse_step};
use super::{Operation, Step, TraceOptions};
use crate::error::FileError;
use crate::file::{is_name, nearest};

/// A longer line is no step and no header.
const LONGEST_LINE: usize = 4096;

/// A trace file that was found whole. The file is held open: replacing it later changes nothing.
#[derive(Debug, Clone)]
pub struct Recorded {
    path: PathBuf,
    file: Arc<File>,
    header: Header,
    steps: u64,
    digest: String,
    last_ns: u64,
}

impl PartialEq for Recorded {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header && self.digest == other.digest
    }
}

impl Recorded {
    /// Opens a trace file and reads it once to the end: form, order, ranges, count and digest.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = File::open(path).map_err(|error| at(path, 0, format!("cannot be read: {error}"), None))?;
        let file = Arc::new(file);
        let mut lines = Lines::new(&file, path);
        let header = read_header(&mut lines)?;
        let mut digest = Digest::default();
        let mut last_ns = 0;
        loop {
            let Some(line) = lines.next()? else {
                let hint = "the writer was interrupted, or the file was cut: make it again";
                return Err(lines.fail("the trace ends without its `# end` line", Some(hint)));
            };
            if line.starts_with(END.as_bytes()) {
                break;
            }
            let step = parse_step(line).map_err(|message| lines.fail(message, Some(&example())))?;
            check(&step, &header, last_ns).map_err(|message| lines.fail(&message, None))?;
            last_ns = step.intended_ns;
            digest.add(&step);
        }
        read_footer(&lines, &digest)?;
        if lines.next()?.is_some() {
            return Err(lines.fail("text after the `# end` line", Some("remove it")));
        }
        if digest.steps() == 0 {
            return Err(at(path, 0, "the trace has no steps".into(), None));
        }
        Ok(Self { path: path.to_owned(), file, header, steps: digest.steps(), digest: digest.hex(), last_ns })
    }

    /// Whether a file begins like a trace.
    #[must_use]
    pub fn is_one(path: &Path) -> bool {
        let mut start = [0_u8; 17];
        let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
        read.is_ok() && MAGIC.as_bytes().starts_with(&start)
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Number of steps in the file.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// [`Digest::hex`] of the steps in the file.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// From the start to the last step, or longer where the header says so.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let stated = self.header.duration.map_or(0, crate::HumanDuration::as_nanos);
        Duration::from_nanos(stated.max(self.last_ns.saturating_add(1)))
    }

    pub(super) fn replay(&self, options: &TraceOptions) -> RecordedSteps {
        let end = options.duration.map_or(u64::MAX, |end| end.as_nanos().try_into().unwrap_or(u64::MAX));
        let speed = self.header.speed;
        let refreshes = options.access_lifetime.map(|lifetime| Refreshes {
            after: (lifetime.as_nanos() as f64 / speed) as u64,
            granted: HashMap::new(),
        });
        let lines = Lines::new(&self.file, &self.path);
        RecordedSteps { lines, end, refreshes, held_back: None, failure: None }
    }
}

fn example() -> String {
    let names: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    format!("a step looks like `2104119<TAB>512<TAB>0<TAB>login`; operations: {}", names.join(", "))
}

fn at(path: &Path, line: usize, message: String, hint: Option<&str>) -> FileError {
    let hint = hint.map(str::to_owned);
    FileError { path: path.to_owned(), line, column: 0, key: String::new(), message, hint }
}

fn read_header(lines: &mut Lines) -> Result<Header, FileError> {
    let first = lines.next()?.map(<[u8]>::to_vec).unwrap_or_default();
    if first != MAGIC.as_bytes() {
        let hint = match first.starts_with(b"# authbench trace ") {
            true => "it was written by another version of authbench",
            false => "make one with `authbench trace generate` or `authbench trace import`",
        };
        return Err(lines.fail(&format!("not a trace of this version: expected `{MAGIC}`"), Some(hint)));
    }
    let second = lines.next()?.map(<[u8]>::to_vec).unwrap_or_default();
    let json = second.strip_prefix(b"# ").unwrap_or_default();
    let header: Header = serde_json::from_slice(json).map_err(|error| {
        lines.fail(&format!("header: {error}"), header_hint(&error.to_string()).as_deref())
    })?;
    let sound = is_name(&header.name)
        && (1..=100_000_000).contains(&header.subjects)
        && header.devices >= 1
        && header.logged_in <= header.devices
        && (64..=4096).contains(&header.principal_bytes)
        && (1..=10_000).contains(&header.connections)
        && header.revoked_per_million <= 1_000_000
        && header.deadline.as_nanos() > 0
        && (1e-3..=1e9).contains(&header.speed);
    if sound {
        Ok(header)
    } else {
        Err(lines.fail("header: a value is out of its range", Some("scenarios/README.md lists the ranges")))
    }
}

fn header_hint(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("unknown field `")?;
    let (field, expected) = rest.split_once('`')?;
    let near = nearest(field, expected.split('`').skip(1).step_by(2))?;
    Some(format!("did you mean `{near}`?"))
}

fn check(step: &Step, header: &Header, last_ns: u64) -> Result<(), String> {
    if step.intended_ns < last_ns {
        Err(format!("step at {} ns after one at {last_ns} ns: steps must ascend", step.intended_ns))
    } else if step.subject >= header.subjects {
        Err(format!("subject {} is not below the {} of the header", step.subject, header.subjects))
    } else if step.device >= header.devices {
        Err(format!("device {} is not below the {} of the header", step.device, header.devices))
    } else {
        Ok(())
    }
}

fn read_footer(lines: &Lines, digest: &Digest) -> Result<(), FileError> {
    let json = lines.line.strip_prefix(END.as_bytes()).unwrap_or_default();
    let footer: Footer =
        serde_json::from_slice(json).map_err(|error| lines.fail(&format!("last line: {error}"), None))?;
    if footer.steps != digest.steps() {
        let message =
            format!("the file has {} steps, and its last line says {}", digest.steps(), footer.steps);
        return Err(
            lines.fail(&message, Some("it was cut or edited: make it again, or correct the last line"))
        );
    }
    match footer.xxh3 {
        Some(stated) if stated != digest.hex() => {
            let message =
                format!("the steps have the digest {}, and the last line says {stated}", digest.hex());
            Err(lines
                .fail(&message, Some("it was changed: make it again, or remove `xxh3` from the last line")))
        }
        _ => Ok(()),
    }
}

/// Steps of a trace file.
#[derive(Debug)]
pub(super) struct RecordedSteps {
    lines: Lines,
    end: u64,
    refreshes: Option<Refreshes>,
    held_back: Option<Step>,
    failure: Option<FileError>,
}

/// When each login's access credential was granted, for those seen so far; the others had theirs at the start.
#[derive(Debug)]
struct Refreshes {
    after: u64,
    granted: HashMap<(u32, u8), u64>,
}

impl Refreshes {
    /// Whether a refresh is due before a step, by what was granted so far.
    fn due(&mut self, step: &Step) -> bool {
        let granted = self.granted.entry((step.subject, step.device)).or_insert(0);
        match step.operation {
            Operation::Login | Operation::Refresh => *granted = step.intended_ns,
            Operation::Replay => {}
            _ if step.intended_ns - *granted >= self.after => {
                *granted = step.intended_ns;
                return true;
            }
            _ => {}
        }
        false
    }
}

impl RecordedSteps {
    pub(super) fn failure(&self) -> Option<&FileError> {
        self.failure.as_ref()
    }

    fn read(&mut self) -> Result<Option<Step>, FileError> {
        loop {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            if line.first() != Some(&b'#') {
                let step = parse_step(line).map_err(|message| self.lines.fail(message, None))?;
                return Ok(Some(step).filter(|step| step.intended_ns < self.end));
            }
        }
    }
}

impl Iterator for RecordedSteps {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if let Some(step) = self.held_back.take() {
            return Some(step);
        }
        if self.failure.is_some() {
            return None;
        }
        let step = match self.read() {
            Ok(step) => step?,
            Err(error) => {
                self.failure = Some(error);
                return None;
            }
        };
        if self.refreshes.as_mut().is_some_and(|refreshes| refreshes.due(&step)) {
            self.held_back = Some(step);
            return Some(Step { operation: Operation::Refresh, ..step });
        }
        Some(step)
    }
}

/// Bounded lines of a file, with its own position: several readers may share one open file.
#[derive(Debug)]
struct Lines {
    reader: BufReader<At>,
    path: PathBuf,
    line: Vec<u8>,
    number: usize,
}

#[derive(Debug)]
struct At {
    file: Arc<File>,
    offset: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl Lines {
    fn new(file: &Arc<File>, path: &Path) -> Self {
        let reader = BufReader::with_capacity(1 << 16, At { file: Arc::clone(file), offset: 0 });
        Self { reader, path: path.to_owned(), line: Vec::new(), number: 0 }
    }

    /// The next line without its end, or `None` at the end of the file.
    fn next(&mut self) -> Result<Option<&[u8]>, FileError> {
        self.line.clear();
        self.number += 1;
        let most = LONGEST_LINE as u64 + 1;
        match (&mut self.reader).take(most).read_until(b'\n', &mut self.line) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(self.fail(&format!("cannot be read: {error}"), None)),
        }
        match self.line.pop() {
            Some(b'\n') => Ok(Some(&self.line)),
            _ if self.line.len() >= LONGEST_LINE => Err(self.fail("the line is too long for a trace", None)),
            Some(last) => {
                self.line.push(last);
                Ok(Some(&self.line))
            }
            None => Ok(Some(&self.line)),
        }
    }

    fn fail(&self, message: &str, hint: Option<&str>) -> FileError {
        at(&self.path, self.number, message.to_owned(), hint)
    }
}
