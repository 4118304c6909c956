//! `authbench serve` from its start to its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

use crate::support::{CLOSED, authbench, kill, run_in};

/// A server that has said that it answers.
pub(crate) struct Served {
    child: Child,
    ready: serde_json::Value,
}

impl Served {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = authbench()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line).expect("one line of JSON");
        Self { child, ready }
    }

    /// `http://…` and a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.ready["address"].as_str().expect("an address"))
    }

    /// The control address.
    pub(crate) fn control(&self) -> String {
        self.ready["control"].as_str().expect("an address").to_owned()
    }

    fn get(&self, path: &str) -> String {
        let mut stream =
            TcpStream::connect(self.ready["address"].as_str().expect("an address")).expect("it answers");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Ended already, or by this: a failed test leaves no server behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_announces_itself_answers_and_ends_on_sigterm() {
    let mut served = Served::start(&["--backend", "session-memory"]);
    assert_eq!(served.ready["pid"].as_u64(), Some(served.child.id().into()));
    assert_eq!(served.ready["describe"]["credential"], "opaque");
    let answer = served.get("/me");
    assert!(
        answer.starts_with("HTTP/1.1 401 ") && answer.to_lowercase().contains("www-authenticate"),
        "{answer}"
    );
    kill("-TERM", served.child.id());
    let status = served.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_port_in_use_is_named_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let said = run_in(".".as_ref(), &["serve", "--backend", "none", "--listen", &address]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""));
    assert!(said.stderr.contains(&format!("cannot listen on {address}")), "{}", said.stderr);
    assert!(said.stderr.contains("help: choose another port"), "{}", said.stderr);
}

#[test]
fn a_redis_that_does_not_answer_is_named_without_its_password() {
    let url = format!("redis://user:secret@{CLOSED}/");
    let said = run_in(".".as_ref(), &["serve", "--backend", "session-redis", "--redis", &url]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""));
    assert!(said.stderr.contains(CLOSED), "{}", said.stderr);
    assert!(!said.stderr.contains("secret"), "{}", said.stderr);
}
