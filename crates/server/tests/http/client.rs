//! A blocking HTTP/1.1 client, as small as the tests allow.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One keep-alive connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

/// An answer with its whole body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// Value of a header that comes at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} comes twice in {self:?}");
        value
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // Long enough that only a server that hangs meets it.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Sends `method path` with header lines and a body, and reads the answer.
    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: authbench.test\r\n");
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.write(format!("{head}\r\n{body}").as_bytes());
        self.answer(method == "HEAD").unwrap()
    }

    pub(crate) fn get(&mut self, path: &str, headers: &[&str]) -> Answer {
        self.send("GET", path, headers, "")
    }

    pub(crate) fn post_json(&mut self, path: &str, headers: &[&str], body: &str) -> Answer {
        self.send("POST", path, &[headers, &["Content-Type: application/json"]].concat(), body)
    }

    pub(crate) fn post_form(&mut self, path: &str, headers: &[&str], body: &str) -> Answer {
        self.send(
            "POST",
            path,
            &[headers, &["Content-Type: application/x-www-form-urlencoded"]].concat(),
            body,
        )
    }

    /// Sends a `POST` and does not wait for the answer.
    pub(crate) fn begin_json(&mut self, path: &str, body: &str) {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n");
        self.write(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes());
    }

    /// Bytes as they are. A server that has closed already is seen when its answer is read.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.get_mut().write_all(bytes);
    }

    /// The next answer; `None` at the end of the stream.
    pub(crate) fn answer(&mut self, head_only: bool) -> Option<Answer> {
        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut answer = Answer { status: status.expect("a status"), headers, body: String::new() };
        if !head_only {
            answer.body = self.body(&answer)?;
        }
        Some(answer)
    }

    fn body(&mut self, answer: &Answer) -> Option<String> {
        let mut body = Vec::new();
        if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = usize::from_str_radix(&self.line()?, 16).expect("a chunk size");
                let start = body.len();
                body.resize(start + size, 0);
                self.stream.read_exact(&mut body[start..]).ok()?;
                self.line()?;
                if size == 0 {
                    break;
                }
            }
        } else {
            let length =
                answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
            body.resize(length, 0);
            self.stream.read_exact(&mut body).ok()?;
        }
        Some(String::from_utf8(body).expect("text"))
    }

    /// One line without its end; `None` at the end of the stream or when the server reset it.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end_matches("\r\n").to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}"),
        }
    }
}
