//! A blocking HTTP/1.1 client that sends whatever bytes it is given and bounds every wait.
//!
//! One connection per exchange: no answer can be taken for that of another request. It writes raw bytes because attacks
//! on the framing of messages are among the checks; a client library would refuse to send them.

mod answer;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub use answer::Answer;

use crate::clock;

/// Longest answer that is read, bytes.
const MAX_ANSWER: usize = 8 << 20;
/// How long a connection with one whole answer is watched for a second one.
const QUIET: Duration = Duration::from_millis(300);

/// A request to be written down.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Header lines, without their ends. `Host`, `Connection` and `Content-Length` are added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// Body; empty = none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

impl Request {
    /// Without headers and body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: String::new() }
    }

    /// With one more header line; an empty one is left out.
    #[must_use]
    pub fn header(mut self, line: impl Into<String>) -> Self {
        let line = line.into();
        if !line.is_empty() {
            self.headers.push(line);
        }
        self
    }

    /// With a body of this media type.
    #[must_use]
    pub fn content(mut self, media_type: &str, body: impl Into<String>) -> Self {
        self.body = body.into();
        self.header(format!("Content-Type: {media_type}"))
    }

    /// The bytes on the wire, for a connection that ends with its answer.
    #[must_use]
    pub fn bytes(&self, host: &str) -> Vec<u8> {
        let mut text =
            format!("{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", self.method, self.path);
        for line in &self.headers {
            text.push_str(line);
            text.push_str("\r\n");
        }
        if !self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH") {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The server closed it.
    Closed,
    /// The answer was whole and nothing more came.
    Quiet,
    /// The wait was over before an answer was whole.
    TimedOut,
    /// It broke, or could not be made: why.
    Broken(String),
}

/// What was sent on a connection and what came back.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Bytes written.
    pub sent: Vec<u8>,
    /// Whole answers, in order.
    pub answers: Vec<Answer>,
    /// How it ended.
    pub end: End,
    /// From the first byte written to the end.
    pub took: Duration,
}

impl Exchange {
    /// The status of the first answer; none where there was none.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.answers.first().map(|answer| answer.status)
    }

    /// The first answer as JSON; `null` where it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        self.answers.first().and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default()
    }
}

/// Speaks to one address.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    host: String,
    patience: Duration,
}

impl Client {
    /// A client that waits at most `patience` for an answer.
    #[must_use]
    pub fn new(address: SocketAddr, patience: Duration) -> Self {
        Self { address, host: address.to_string(), patience }
    }

    /// What stands in `Host`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends one request and reads its answer.
    #[must_use]
    pub fn request(&self, request: &Request) -> Exchange {
        let head_only = request.method == "HEAD";
        self.exchange(request.bytes(&self.host), 1, head_only)
    }

    /// Sends these bytes and reads every answer that comes.
    #[must_use]
    pub fn raw(&self, bytes: Vec<u8>) -> Exchange {
        self.exchange(bytes, usize::MAX, false)
    }

    fn exchange(&self, sent: Vec<u8>, wanted: usize, head_only: bool) -> Exchange {
        let started = clock::now();
        let mut received = Vec::new();
        let end = self.transfer(&sent, &mut received, wanted, head_only);
        let ended = end != End::TimedOut && end != End::Quiet;
        let answers = answer::read_all(&received, head_only, ended);
        let end = match end {
            // A broken connection after a whole answer is how a server refuses the rest of what was sent.
            End::Broken(_) if !answers.is_empty() => End::Closed,
            other => other,
        };
        Exchange { sent, answers, end, took: clock::now().duration_since(started) }
    }

    fn transfer(&self, sent: &[u8], received: &mut Vec<u8>, wanted: usize, head_only: bool) -> End {
        let deadline = clock::now() + self.patience;
        let mut stream = match TcpStream::connect_timeout(&self.address, self.patience) {
            Ok(stream) => stream,
            Err(error) => return End::Broken(format!("no connection: {error}")),
        };
        let prepared = stream.set_nodelay(true).and_then(|()| stream.set_write_timeout(Some(self.patience)));
        // A server may answer and close before it has read all: what it said still counts.
        let written = prepared.and_then(|()| stream.write_all(sent));
        let mut buffer = [0u8; 16 * 1024];
        loop {
            let whole = answer::count(received, head_only);
            if whole >= wanted {
                return End::Quiet;
            }
            let left = deadline.saturating_duration_since(clock::now());
            let wait = if whole > 0 { left.min(QUIET) } else { left };
            if wait.is_zero() || stream.set_read_timeout(Some(wait)).is_err() {
                return End::TimedOut;
            }
            match stream.read(&mut buffer) {
                Ok(0) => return End::Closed,
                Ok(_) if received.len() > MAX_ANSWER => return End::Broken("an endless answer".to_owned()),
                Ok(read) => received.extend_from_slice(&buffer[..read]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return if whole > 0 { End::Quiet } else { End::TimedOut };
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let first = written.as_ref().err().unwrap_or(&error);
                    return End::Broken(format!("the connection broke: {first}"));
                }
            }
        }
    }
}
