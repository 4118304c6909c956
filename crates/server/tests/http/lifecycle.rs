//! Start, errors of the start, and the end with requests in flight.

use std::io::Write as _;
use std::process::{Command, Stdio};

use scenario::wire::{self, ReadyLine};

use crate::client::Client;
use crate::fixture::{Held, Server, login, options, shipped};

const SERVE: &str = "AUTHBENCH_TEST_SERVE";

/// Not a test of its own: the process that the signal test starts is this binary, filtered to this function.
#[test]
fn serve_when_asked() {
    if std::env::var_os(SERVE).is_none() {
        return;
    }
    let ready = |line: ReadyLine| {
        let mut out = std::io::stderr();
        writeln!(out, "{}", serde_json::to_string(&line).unwrap()).unwrap();
    };
    server::run(options("session-memory"), shipped("session-memory"), ready).unwrap();
}

#[test]
fn a_signal_ends_the_process_after_its_requests() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "lifecycle::serve_when_asked", "--nocapture"])
            .env(SERVE, "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = std::io::BufReader::new(child.stderr.take().unwrap());
        let ready: ReadyLine = std::io::BufRead::lines(stderr)
            .find_map(|line| serde_json::from_str(&line.unwrap()).ok())
            .expect("a ready line");
        assert_eq!(ready.pid, child.id());
        login(&mut Client::connect(ready.address), 1);
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, signal).unwrap();
        assert!(child.wait().unwrap().success());
    }
}

/// A request whose body is still to come: the server has begun to wait for it when this returns.
fn begin_note(client: &mut Client, held: &Held) {
    let header = &held.header;
    let framing = "Content-Length: 4\r\nExpect: 100-continue";
    client.write(format!("POST /note HTTP/1.1\r\nHost: a\r\n{header}\r\n{framing}\r\n\r\n").as_bytes());
    assert_eq!(client.answer(true).unwrap().status, 100);
}

#[test]
fn a_request_in_flight_is_answered_and_the_connection_then_ends() {
    for threads in [1, 3] {
        let mut options = options("session-memory");
        options.threads = threads;
        let mut server = Server::start(options);
        let mut clients: Vec<Client> = (0..3).map(|_| server.client()).collect();
        let held: Vec<_> = clients.iter_mut().map(|client| login(client, 1)).collect();
        for (client, held) in clients.iter_mut().zip(&held) {
            begin_note(client, held);
        }
        let mut idle = server.client();
        idle.get(wire::ME, &[&held[0].header]).expect(200);
        server.begin_stop();
        assert!(idle.answer(false).is_none(), "an idle connection ends at once");
        for client in &mut clients {
            client.write(b"abcd");
            let answer = client.answer(false).unwrap().expect(204);
            assert_eq!(answer.header("connection"), Some("close"));
            assert!(client.answer(false).is_none());
        }
        server.join().unwrap();
    }
}

#[test]
fn a_request_that_never_ends_does_not_hold_up_the_end() {
    let server = Server::in_memory("session-memory");
    let mut client = server.client();
    let held = login(&mut client, 1);
    begin_note(&mut client, &held);
    server.join().unwrap();
    assert!(client.answer(false).is_none());
}

#[test]
fn a_port_in_use_is_named() {
    let first = Server::in_memory("none");
    for control in [false, true] {
        let mut options = options("none");
        if control {
            options.control = first.ready.address;
        } else {
            options.listen = first.ready.address;
        }
        let error = server::run_until(options, shipped("none"), |_| panic!("ready"), async {}).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&first.ready.address.to_string()) && text.contains("help:"), "{text}");
    }
}

#[test]
fn a_backend_that_needs_redis_says_so() {
    let error =
        server::run_until(options("session-redis"), shipped("session-redis"), |_| panic!("ready"), async {})
            .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`session-redis`") && text.contains("--redis"), "{text}");
}

#[test]
fn cpus_that_are_not_there_are_named() {
    // On a thread of its own: affinity is a property of the thread.
    for cpu in [1023, 999_999] {
        let mut options = options("none");
        options.cpus = vec![cpu];
        let served = std::thread::spawn(|| {
            server::run_until(options, shipped("none"), |_| panic!("ready"), async {})
                .unwrap_err()
                .to_string()
        });
        let text = served.join().unwrap();
        assert!(text.contains(&cpu.to_string()) && text.contains("help:"), "{text}");
    }
}

#[test]
fn a_mechanism_that_cannot_be_used_is_located() {
    let mut file = shipped("jwt-stateless");
    file.text = file.text.replace("HS256", "none");
    let error = server::run_until(options("jwt-stateless"), file, |_| panic!("ready"), async {}).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("<built-in jwt-stateless>:"), "{text}");
}
