//! A response that arrives in pieces: consumes bytes as they come, in any split, and says when the answer is complete.
//!
//! The common case, a whole response in one read, does not come here: the engine takes it straight from the buffer.

use super::{Framing, Head, Limits};

/// Bytes of one chunk-size line at most, extensions included.
const CHUNK_LINE: usize = 4096;
/// Buffers above this size are given back after a response.
const KEEP_CAPACITY: usize = 16 * 1024;

/// Why an answer cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It breaks HTTP/1.1 framing.
    Malformed,
    /// It is longer than the bound.
    TooLarge,
}

/// What came of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More is needed.
    Partial,
    /// The answer is complete; this many of the given bytes belong to it.
    Complete {
        /// Bytes consumed of the last slice.
        consumed: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    Length(u64),
    ChunkLine,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
}

/// One response in the making.
#[derive(Debug)]
pub(crate) struct Decoder {
    stage: Stage,
    head: Option<Head>,
    /// The head as it came, kept for the response; then the line in the making.
    head_bytes: Vec<u8>,
    line: Vec<u8>,
    body: Vec<u8>,
    received: u64,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            stage: Stage::Head,
            head: None,
            head_bytes: Vec::new(),
            line: Vec::new(),
            body: Vec::new(),
            received: 0,
        }
    }
}

impl Decoder {
    /// Whether bytes of a response have been taken.
    pub(crate) fn is_fresh(&self) -> bool {
        self.received == 0
    }

    /// The head, once it is complete.
    pub(crate) fn head(&self) -> Option<Head> {
        self.head
    }

    /// The head as it came.
    pub(crate) fn head_bytes(&self) -> &[u8] {
        &self.head_bytes
    }

    /// The decoded body so far (empty when it is not kept).
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Forgets the response, keeping modest buffers.
    pub(crate) fn reset(&mut self) {
        self.stage = Stage::Head;
        self.head = None;
        self.received = 0;
        for buffer in [&mut self.head_bytes, &mut self.line, &mut self.body] {
            buffer.clear();
            if buffer.capacity() > KEEP_CAPACITY {
                *buffer = Vec::new();
            }
        }
    }

    /// Takes the next bytes. `keep_body` keeps the decoded body.
    pub(crate) fn push(&mut self, bytes: &[u8], limits: Limits, keep_body: bool) -> Result<Progress, Fault> {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            // Zero-length bodies complete without a further byte.
            if rest.is_empty() && self.stage != Stage::Length(0) {
                break;
            }
            let (used, complete) = self.step(rest, limits, keep_body)?;
            at += used;
            if complete {
                self.count(at, limits)?;
                return Ok(Progress::Complete { consumed: at });
            }
        }
        self.count(at, limits)?;
        Ok(Progress::Partial)
    }

    /// The server closed. Complete only where the close is the framing.
    pub(crate) fn end(&self) -> bool {
        self.stage == Stage::UntilClose
    }

    fn count(&mut self, used: usize, limits: Limits) -> Result<(), Fault> {
        self.received += used as u64;
        if self.received > limits.response { Err(Fault::TooLarge) } else { Ok(()) }
    }

    /// One stage's worth of `rest`: bytes used, and whether the response is complete.
    fn step(&mut self, rest: &[u8], limits: Limits, keep_body: bool) -> Result<(usize, bool), Fault> {
        match self.stage {
            Stage::Head => self.take_head(rest, limits).map(|used| (used, false)),
            Stage::Length(remaining) => {
                let used = self.take_body(rest, remaining, keep_body);
                let left = remaining - used as u64;
                self.stage = Stage::Length(left);
                Ok((used, left == 0))
            }
            Stage::UntilClose => Ok((self.take_body(rest, u64::MAX, keep_body), false)),
            Stage::ChunkLine => self.take_chunk_line(rest).map(|used| (used, false)),
            Stage::ChunkData(remaining) => {
                let used = self.take_body(rest, remaining, keep_body);
                let left = remaining - used as u64;
                self.stage = if left == 0 { Stage::ChunkEnd } else { Stage::ChunkData(left) };
                Ok((used, false))
            }
            Stage::ChunkEnd => {
                let (used, line) = self.take_line(rest, 2)?;
                match line {
                    Some(line) if line.is_empty() => self.stage = Stage::ChunkLine,
                    Some(_) => return Err(Fault::Malformed),
                    None => {}
                }
                Ok((used, false))
            }
            Stage::Trailers => {
                let (used, line) = self.take_line(rest, limits.head)?;
                Ok((used, line.is_some_and(|line| line.is_empty())))
            }
        }
    }

    fn take_head(&mut self, rest: &[u8], limits: Limits) -> Result<usize, Fault> {
        let before = self.head_bytes.len();
        self.head_bytes.extend_from_slice(&rest[..rest.len().min(limits.head + 1 - before.min(limits.head))]);
        // A head ends with an empty line; look for it only where new bytes can have made one.
        let from = before.saturating_sub(3);
        let ended = self.head_bytes[from..].windows(2).any(|pair| pair == b"\n\n" || pair == b"\n\r");
        let parsed = if ended || before == 0 { Head::parse(&self.head_bytes)? } else { None };
        let Some(head) = parsed else {
            if self.head_bytes.len() > limits.head {
                return Err(Fault::TooLarge);
            }
            return Ok(self.head_bytes.len() - before);
        };
        let used = head.length.saturating_sub(before);
        self.head_bytes.truncate(head.length);
        if (100..200).contains(&head.status) {
            // An interim response: the real one follows (RFC 9110 §15.2). 101 was not asked for.
            if head.status == 101 {
                return Err(Fault::Malformed);
            }
            self.head_bytes.clear();
            return Ok(used);
        }
        self.head = Some(head);
        self.stage = match head.framing {
            Framing::Length(length) if length > limits.response => return Err(Fault::TooLarge),
            Framing::Length(length) => Stage::Length(length),
            Framing::Chunked => Stage::ChunkLine,
            Framing::UntilClose => Stage::UntilClose,
        };
        Ok(used)
    }

    fn take_body(&mut self, rest: &[u8], remaining: u64, keep: bool) -> usize {
        let used = usize::try_from(remaining).unwrap_or(usize::MAX).min(rest.len());
        if keep {
            self.body.extend_from_slice(&rest[..used]);
        }
        used
    }

    fn take_chunk_line(&mut self, rest: &[u8]) -> Result<usize, Fault> {
        let (used, line) = self.take_line(rest, CHUNK_LINE)?;
        if let Some(line) = line {
            let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
            let size = hexadecimal(digits).ok_or(Fault::Malformed)?;
            self.stage = if size == 0 { Stage::Trailers } else { Stage::ChunkData(size) };
        }
        Ok(used)
    }

    /// Bytes up to and including a line feed; the line without its end once it is complete.
    fn take_line(&mut self, rest: &[u8], limit: usize) -> Result<(usize, Option<Vec<u8>>), Fault> {
        let end = rest.iter().position(|&byte| byte == b'\n');
        let used = end.map_or(rest.len(), |end| end + 1);
        if self.line.len() + used > limit {
            return Err(if limit <= 2 { Fault::Malformed } else { Fault::TooLarge });
        }
        self.line.extend_from_slice(&rest[..used]);
        if end.is_none() {
            return Ok((used, None));
        }
        let mut line = std::mem::take(&mut self.line);
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok((used, Some(line)))
    }
}

/// A chunk size: 1 to 15 hexadecimal digits.
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, &digit| {
        let value = char::from(digit).to_digit(16)?;
        Some(sum * 16 + u64::from(value))
    })
}
