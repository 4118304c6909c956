//! Asks a server's control address. HTTP/1.0, one connection per question: the end of the body is the end of the stream.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use scenario::wire::{CONTROL_COUNTERS, CONTROL_PROVISION, Counters, Provision};
use serde::de::DeserializeOwned;

use crate::error::Error;

/// Longest silence.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest line of an answer: a credential of a few kilobytes fits.
const LONGEST_LINE: u64 = 1 << 20;

/// A control address.
#[derive(Debug, Clone)]
pub(super) struct Control {
    pub(super) row: String,
    pub(super) address: SocketAddr,
}

impl Control {
    /// Creates live logins; `line` gets each credential's line.
    pub(super) fn provision(
        &self,
        wanted: &Provision,
        line: &mut dyn FnMut(&str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let body = serde_json::to_string(wanted).map_err(|error| self.failed(error.to_string()))?;
        let mut answer = self.ask("POST", CONTROL_PROVISION, &body)?;
        let (mut text, mut count) = (String::new(), 0_u64);
        loop {
            text.clear();
            let read = (&mut answer).take(LONGEST_LINE).read_line(&mut text);
            match read.map_err(|error| self.failed(error.to_string()))? {
                0 => break,
                _ if !text.ends_with('\n') => {
                    return Err(self.failed(format!("broke off while provisioning: `{}`", text.trim_end())));
                }
                _ => line(text.trim_end_matches('\n'))?,
            }
            count += 1;
        }
        let expected = u64::from(wanted.subjects) * u64::from(wanted.devices);
        if count == expected {
            return Ok(());
        }
        Err(self.failed(format!("provisioned {count} logins of {expected}; its standard error may say why")))
    }

    /// Totals since the start of the server.
    pub(super) fn counters(&self) -> Result<Counters, Error> {
        self.json("GET", CONTROL_COUNTERS, "")
    }

    fn json<T: DeserializeOwned>(&self, method: &str, path: &str, body: &str) -> Result<T, Error> {
        let mut text = String::new();
        let answer = self.ask(method, path, body)?;
        answer
            .take(LONGEST_LINE)
            .read_to_string(&mut text)
            .map_err(|error| self.failed(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| self.failed(format!("{path}: {error}")))
    }

    /// Sends a request and reads the head of the answer, which must be a 200.
    fn ask(&self, method: &str, path: &str, body: &str) -> Result<BufReader<TcpStream>, Error> {
        let failed = |error: std::io::Error| self.failed(format!("{path}: {error}"));
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        (&stream).write_all(request.as_bytes()).map_err(failed)?;
        let mut reader = BufReader::with_capacity(64 * 1024, stream);
        let mut status = String::new();
        (&mut reader).take(LONGEST_LINE).read_line(&mut status).map_err(failed)?;
        let mut line = String::new();
        while {
            line.clear();
            (&mut reader).take(LONGEST_LINE).read_line(&mut line).map_err(failed)? > 0
        } {
            if line.trim_end().is_empty() {
                break;
            }
        }
        if status.split_ascii_whitespace().nth(1) == Some("200") {
            return Ok(reader);
        }
        let mut text = String::new();
        // The answer is already refused: its body only makes the message clearer.
        let _ = reader.take(4096).read_to_string(&mut text);
        Err(self.failed(format!("{path}: answered `{}` {}", status.trim_end(), text.trim_end())))
    }

    fn failed(&self, message: String) -> Error {
        Error::Control { row: self.row.clone(), message }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A control address that gives one answer.
    fn answering(answer: &'static str) -> (Control, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = vec![0; 4096];
            let read = stream.read(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&asked[..read]).into_owned()
        });
        (Control { row: "row".into(), address }, thread)
    }

    const WANTED: Provision = Provision { first: 0, subjects: 2, devices: 1, revoked_per_million: 0 };

    fn provisioned(answer: &'static str) -> Result<Vec<String>, String> {
        let (control, thread) = answering(answer);
        let mut lines = Vec::new();
        let result = control.provision(&WANTED, &mut |line| {
            lines.push(line.to_owned());
            Ok(())
        });
        assert!(thread.join().unwrap().starts_with("POST /provision HTTP/1.0\r\n"));
        result.map(|()| lines).map_err(|error| error.to_string())
    }

    #[test]
    fn every_line_is_handed_on() {
        let lines =
            provisioned("HTTP/1.0 200 OK\r\nx: y\r\n\r\n0\t0\tCookie: a=b\t-\n1\t0\tCookie: a=c\t-\n");
        assert_eq!(lines.unwrap(), ["0\t0\tCookie: a=b\t-", "1\t0\tCookie: a=c\t-"]);
    }

    #[test]
    fn an_answer_that_is_not_whole_is_refused() {
        for (answer, part) in [
            ("HTTP/1.0 200 OK\r\n\r\n0\t0\tCookie: a=b\t-\n", "1 logins of 2"),
            ("HTTP/1.0 200 OK\r\n\r\n0\t0\tCookie: a=b\t-\n1\t0\tCoo", "broke off"),
            ("HTTP/1.0 503 No\r\n\r\nstore is gone", "`HTTP/1.0 503 No` store is gone"),
            ("", "answered ``"),
        ] {
            let error = provisioned(answer).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn counters_are_read() {
        let (control, thread) = answering(
            "HTTP/1.0 200 OK\r\n\r\n{\"requests\":3,\"failures\":0,\"store_round_trips\":1,\"store_commands\":2,\"live_entries\":null,\"revoked_entries\":null,\"logins_shed\":0}",
        );
        assert_eq!(control.counters().unwrap().requests, 3);
        thread.join().unwrap();
    }
}
