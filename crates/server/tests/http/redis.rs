//! Backends on a real, private Redis: the contract, and what happens when it goes away.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use scenario::backend::{Lag, Need, StoreDown};
use scenario::wire;

use crate::fixture::{Server, all, login, options, shipped};

/// A private `redis-server` without persistence; ends when dropped.
struct Redis {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Redis {
    fn start() -> Self {
        // A port may be taken between the probe and the start: then another one is tried.
        (0..16).find_map(|_| Self::start_on(free_address())).expect("a redis-server that starts")
    }

    /// `None` when it ends before it is ready.
    fn start_on(address: SocketAddr) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server on PATH: apt-get install redis-server");
        let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = log.any(|line| line.is_ok_and(|line| line.contains("Ready to accept connections")));
        // Whatever it says from now on is read and dropped, so that its pipe never fills.
        std::thread::spawn(move || log.for_each(drop));
        let redis = Self { child, address, _folder: folder };
        ready.then_some(redis)
    }

    fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Gives it an order and returns the first line of its answer.
    fn order(&self, words: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(format!("{words}\r\n").as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn serve(backend: &str, redis: &Redis) -> Server {
    let mut options = options(backend);
    options.redis = Some(redis.url());
    // Each keeps its own members in a user's index.
    options.prefix = backend.to_owned();
    // The store's connection lives on the first thread; the others use it from theirs.
    options.threads = 2;
    Server::start(options)
}

#[test]
fn every_backend_that_needs_redis_keeps_its_contract_there() {
    let redis = Redis::start();
    for name in all() {
        if !shipped(name).header.needs.contains(&Need::Redis) {
            continue;
        }
        println!("backend {name}");
        let server = serve(name, &redis);
        let mut client = server.client();
        let (here, elsewhere) = (login(&mut client, 1), login(&mut client, 1));
        assert_eq!(client.get(wire::ME, &[&here.header]).expect(200).body, here.identity(256));
        client.send("POST", wire::NOTE, &[&here.header], "").expect(204);
        client.send("POST", wire::LOGOUT, &[&here.header], "").expect(204);
        let ended = if server.ends_logins() { 401 } else { 200 };
        client.get(wire::ME, &[&here.header]).expect(ended);
        let elsewhere = if server.logout_ends_all() {
            client.get(wire::ME, &[&elsewhere.header]).expect(ended);
            login(&mut client, 1)
        } else {
            elsewhere
        };
        client.get(wire::ME, &[&elsewhere.header]).expect(200);
        client.send("POST", wire::LOGOUT_ALL, &[&elsewhere.header], "").expect(204);
        client.get(wire::ME, &[&elsewhere.header]).expect(ended);
        let held = server.provision(1500, 1).pop().unwrap();
        assert_eq!(client.get(wire::ME, &[&held.header]).expect(200).body, held.identity(256));
        let counters = server.counters();
        assert!(counters.store_round_trips > 0 && counters.store_commands >= 1500, "{counters:?}");
        assert_eq!(counters.failures, 0);
    }
}

#[test]
fn two_replicas_share_what_is_in_redis() {
    let redis = Redis::start();
    let (one, other) = (serve("session-redis", &redis), serve("session-redis", &redis));
    let held = login(&mut one.client(), 1);
    other.client().get(wire::ME, &[&held.header]).expect(200);
    other.client().send("POST", wire::LOGOUT, &[&held.header], "").expect(204);
    one.client().get(wire::ME, &[&held.header]).expect(401);
}

#[test]
fn a_killed_store_is_503_and_the_server_goes_on() {
    for name in all() {
        let header = shipped(name).header;
        if !header.needs.contains(&Need::Redis) {
            continue;
        }
        println!("backend {name}");
        let redis = Redis::start();
        let server = serve(name, &redis);
        let mut client = server.client();
        let held = login(&mut client, 1);
        let address = redis.address;
        drop(redis);
        let requests = [("GET", wire::ME), ("POST", wire::NOTE), ("POST", wire::LOGOUT)];
        for (method, path) in requests.into_iter().cycle().take(9) {
            let answer = client.send(method, path, &[&held.header], "");
            // Within its lag a backend may go on with what it knew.
            if path != wire::LOGOUT && matches!(header.promises.revocation_lag, Lag::Millis(_)) {
                assert!(matches!(answer.status, 200 | 204 | 503), "{answer:?}");
            } else if header.promises.store_down == StoreDown::Closed {
                assert_eq!(answer.expect(503).header("retry-after"), Some("1"));
            } else if path == wire::ME {
                answer.expect(200);
            } else if header.promises.store_down == StoreDown::WritesClosed {
                answer.expect(503);
            }
        }
        let body = crate::fixture::login_body(2, wire::PASSWORD_TEXT);
        client.post_json(wire::LOGIN, &[], &body).expect(503);
        assert!(server.counters().failures > 0);

        // It comes back at the same address, empty.
        let Some(_back) = Redis::start_on(address) else { continue };
        let again =
            (0..100).map(|_| client.post_json(wire::LOGIN, &[], &body).status).find(|status| *status == 200);
        assert_eq!(again, Some(200), "it reconnects");
    }
}

#[test]
fn a_store_that_hangs_is_503_by_the_deadline() {
    let redis = Redis::start();
    let mut options = options("session-redis");
    options.redis = Some(redis.url());
    options.deadline_ms = 1000;
    let server = Server::start(options);
    let mut client = server.client();
    let held = login(&mut client, 1);
    redis.signal(rustix::process::Signal::STOP);
    // The client's own limit is far above the deadline and far below for ever: it is the server that answers.
    client.get(wire::ME, &[&held.header]).expect(503);
    client.post_json(wire::LOGIN, &[], &crate::fixture::login_body(2, wire::PASSWORD_TEXT)).expect(503);
    redis.signal(rustix::process::Signal::CONT);
    let again = (0..100).map(|_| client.get(wire::ME, &[&held.header]).status).find(|status| *status == 200);
    assert_eq!(again, Some(200));
}

#[test]
fn a_store_that_drops_keys_for_want_of_memory_is_told_at_the_control_address() {
    let redis = Redis::start();
    let server = serve("jwt-denylist", &redis);
    let (mut client, mut control) = (server.client(), server.control());
    for subject in 0..20 {
        let held = login(&mut client, subject);
        client.send("POST", wire::LOGOUT, &[&held.header], "").expect(204);
    }
    let lost = |control: &mut crate::client::Client| {
        control.get(wire::CONTROL_HEALTH, &[]).expect(200).json()["store_lost_data"] == true
    };
    assert!(!lost(&mut control));
    assert_eq!(redis.order("CONFIG SET maxmemory-policy allkeys-random"), "+OK");
    assert_eq!(redis.order("CONFIG SET maxmemory 1"), "+OK");
    assert!((0..200_000).any(|_| lost(&mut control)), "ended logins may be let in again, and nobody says so");
}

#[test]
fn a_provision_that_breaks_is_seen_to_be_incomplete() {
    let redis = Redis::start();
    let server = serve("session-redis", &redis);
    drop(redis);
    let body = r#"{"first":0,"subjects":5000,"devices":1,"revoked_per_million":0}"#;
    let mut control = server.control();
    control.begin_json(wire::CONTROL_PROVISION, body);
    assert!(control.answer(false).is_none(), "no last chunk");
}

#[test]
fn a_redis_that_is_not_there_is_named_without_its_password() {
    // Port 1: nobody but root may listen there, and nobody does.
    let mut options = options("session-redis");
    options.redis = Some("redis://user:hunter2@127.0.0.1:1/".to_owned());
    let error =
        server::run_until(options, shipped("session-redis"), |_| panic!("ready"), async {}).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("127.0.0.1:1") && text.contains("help:"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_server_that_lags_learns_what_another_one_ended_and_closes_without_a_store() {
    for name in all() {
        let header = shipped(name).header;
        let Lag::Millis(lag) = header.promises.revocation_lag else { continue };
        println!("backend {name}");
        let redis = Redis::start();
        let mut file = shipped(name);
        // One key signs for both, as it does wherever two servers share their logins.
        if file.text.contains("kind = \"jwt\"") {
            let key = "key = \"YW4gSFMyNTYga2V5IG9mIHRoaXJ0eS10d28gYnl0ZXM\"\n";
            file.text = file.text.replacen("algorithm =", &format!("{key}algorithm ="), 1);
        }
        let start = |authority| {
            let mut options = options(name);
            options.redis = Some(redis.url());
            options.authority = authority;
            Server::start_file(options, file.clone())
        };
        let one = start(None);
        let other = start(header.needs.contains(&Need::Authority).then_some(one.ready.address));
        let (mut here, mut there) = (one.client(), other.client());
        let held = login(&mut here, 1);
        there.get(wire::ME, &[&held.header]).expect(200);
        here.send("POST", wire::LOGOUT, &[&held.header], "").expect(204);
        here.get(wire::ME, &[&held.header]).expect(401);
        let jump = |millis: u64| {
            let body = format!(r#"{{"offset_ms":{millis}}}"#);
            other.control().post_json(wire::CONTROL_CLOCK_OFFSET, &[], &body).expect(200);
        };
        jump(lag);
        let learns = (0..200_000).any(|_| there.get(wire::ME, &[&held.header]).status == 401);
        assert!(learns, "what another server ended is never known");
        let fresh = login(&mut here, 1);
        there.get(wire::ME, &[&fresh.header]).expect(200);
        drop(redis);
        jump(3 * lag);
        there.get(wire::ME, &[&fresh.header]).expect(503);
    }
}

#[test]
fn an_authority_that_is_gone_closes_the_server_and_a_new_connection_is_made_when_it_is_back() {
    let redis = Redis::start();
    let serve = |authority| {
        let mut options = options("opaque-introspection");
        options.redis = Some(redis.url());
        options.authority = authority;
        options
    };
    let authority = Server::start(serve(None));
    let address = authority.ready.address;
    let server = Server::start(serve(Some(address)));
    let mut client = server.client();
    let held = login(&mut client, 7);
    assert_eq!(client.get(wire::ME, &[&held.header]).expect(200).body, held.identity(256));
    assert_eq!(authority.counters().requests, 1, "asked once");
    client.get(wire::ME, &[&held.header]).expect(200);
    assert_eq!(authority.counters().requests, 1, "and believed");
    for invented in ["A".repeat(43), "a%26b".into(), "ü".into(), String::new()] {
        client.get(wire::ME, &[&format!("Cookie: {}={invented}", wire::COOKIE)]).expect(401);
    }

    authority.join().unwrap();
    let other = login(&mut client, 8);
    client.get(wire::ME, &[&other.header]).expect(503);
    client.get(wire::ME, &[&held.header]).expect(200);
    let mut back = serve(None);
    back.listen = address;
    let _authority = Server::start(back);
    client.get(wire::ME, &[&other.header]).expect(200);
}
