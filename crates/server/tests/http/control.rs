//! The control address: set-up and operator's actions, never counted as traffic.

use scenario::wire;

use crate::fixture::{Held, Server, all, login, options};

#[test]
fn provisioned_credentials_are_let_in_as_their_subjects() {
    for name in all() {
        println!("backend {name}");
        let server = Server::in_memory(name);
        let mut control = server.control();
        let body = r#"{"first":5,"subjects":1500,"devices":2,"revoked_per_million":0}"#;
        let answer = control.post_json(wire::CONTROL_PROVISION, &[], body).expect(200);
        let lines: Vec<&str> = answer.body.lines().collect();
        let ids: Vec<String> =
            lines.iter().map(|line| line.split('\t').take(2).collect::<Vec<_>>().join("/")).collect();
        let expected: Vec<String> =
            (5..1505).flat_map(|subject| (0..2).map(move |device| format!("{subject}/{device}"))).collect();
        assert_eq!(ids, expected);
        let mut client = server.client();
        for line in [lines[0], lines[1], lines[1023], lines[1024], lines[2999]] {
            let held = Held::from_line(line);
            assert_eq!(client.get(wire::ME, &[&held.header]).expect(200).body, held.identity(256));
        }
        if name != "none" {
            assert_ne!(Held::from_line(lines[0]).header, Held::from_line(lines[1]).header);
        }
    }
}

#[test]
fn a_provisioned_refresh_token_can_be_exchanged() {
    let server = Server::in_memory("jwt-refresh");
    let held = server.provision(3, 1).pop().unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={}", held.refresh.unwrap());
    server.client().post_form(wire::REFRESH, &[], &form).expect(200);
}

#[test]
fn a_provision_fills_the_lists_by_the_share_asked_for() {
    for (name, live, revoked) in [
        ("jwt-denylist", None, Some(20)),
        ("session-memory", Some(2000), None),
        ("jwt-allowlist", Some(2000), None),
    ] {
        let server = Server::in_memory(name);
        let body = r#"{"first":0,"subjects":2000,"devices":1,"revoked_per_million":10000}"#;
        server.control().post_json(wire::CONTROL_PROVISION, &[], body).expect(200);
        let counters = server.counters();
        assert_eq!((counters.live_entries, counters.revoked_entries), (live, revoked), "{name}");
    }
}

#[test]
fn a_provision_of_nobody_and_a_malformed_one() {
    let server = Server::in_memory("session-memory");
    let mut control = server.control();
    let body = r#"{"first":0,"subjects":0,"devices":1,"revoked_per_million":0}"#;
    assert_eq!(control.post_json(wire::CONTROL_PROVISION, &[], body).expect(200).body, "");
    let last = r#"{"first":99999999,"subjects":1,"devices":1,"revoked_per_million":0}"#;
    assert_eq!(control.post_json(wire::CONTROL_PROVISION, &[], last).expect(200).body.lines().count(), 1);
    for body in [
        r#"{"first":99999999,"subjects":2,"devices":1,"revoked_per_million":0}"#,
        r#"{"first":0,"subjects":1,"devices":0,"revoked_per_million":0}"#,
        r#"{"first":0}"#,
        "x",
    ] {
        control.post_json(wire::CONTROL_PROVISION, &[], body).expect(400);
    }
}

#[test]
fn a_disabled_user_cannot_log_in_and_loses_what_the_backend_can_end() {
    for name in all().filter(|name| *name != "none") {
        println!("backend {name}");
        let server = Server::in_memory(name);
        let mut client = server.client();
        let held = login(&mut client, 1);
        server.control().post_json(wire::CONTROL_DISABLE, &[], r#"{"subject":"u00000001"}"#).expect(200);
        let body = crate::fixture::login_body(1, wire::PASSWORD_TEXT);
        client.post_json(wire::LOGIN, &[], &body).expect(401);
        let status = client.get(wire::ME, &[&held.header]).status;
        assert_eq!(status, if server.ends_logins() { 401 } else { 200 });
        login(&mut client, 2);
    }
}

#[test]
fn a_rotated_key_ends_all_tokens_and_a_session_has_none() {
    let server = Server::in_memory("jwt-stateless");
    let mut client = server.client();
    let held = login(&mut client, 1);
    server.control().send("POST", wire::CONTROL_ROTATE_KEY, &[], "").expect(200);
    client.get(wire::ME, &[&held.header]).expect(401);
    let held = login(&mut client, 1);
    client.get(wire::ME, &[&held.header]).expect(200);
    let sessions = Server::in_memory("session-memory");
    sessions.control().send("POST", wire::CONTROL_ROTATE_KEY, &[], "").expect(501);
}

#[test]
fn the_key_set_follows_a_rotation() {
    let server = Server::in_memory("jwt-key-rotation");
    let mut client = server.client();
    let held = login(&mut client, 1);
    let kid = |client: &mut crate::client::Client| {
        let set = client.get(wire::JWKS, &[]).expect(200).json();
        let keys = set["keys"].as_array().unwrap().clone();
        assert_eq!(keys.len(), 1, "a replaced key is dropped at once");
        assert_eq!((&keys[0]["kty"], &keys[0]["crv"]), (&"OKP".into(), &"Ed25519".into()));
        keys[0]["kid"].as_str().unwrap().to_owned()
    };
    let before = kid(&mut client);
    client.get(wire::ME, &[&held.header]).expect(200);
    server.control().send("POST", wire::CONTROL_ROTATE_KEY, &[], "").expect(200);
    assert_ne!(kid(&mut client), before);
    client.get(wire::ME, &[&held.header]).expect(401);
    client.send("POST", wire::JWKS, &[], "").expect(405);
    Server::in_memory("jwt-stateless").client().get(wire::JWKS, &[]).expect(501);
}

#[test]
fn an_offset_clock_sees_credentials_expire() {
    for name in ["jwt-stateless", "session-memory"] {
        let server = Server::in_memory(name);
        let (mut client, mut control) = (server.client(), server.control());
        let held = login(&mut client, 1);
        control.post_json(wire::CONTROL_CLOCK_OFFSET, &[], r#"{"offset_ms":86400000}"#).expect(200);
        client.get(wire::ME, &[&held.header]).expect(401);
        control.post_json(wire::CONTROL_CLOCK_OFFSET, &[], r#"{"offset_ms":0.5}"#).expect(400);
    }
}

#[test]
fn the_two_addresses_do_not_know_each_others_routes() {
    let server = Server::in_memory("none");
    let (mut client, mut control) = (server.client(), server.control());
    for path in [wire::CONTROL_HEALTH, wire::CONTROL_COUNTERS, wire::CONTROL_PROVISION, wire::CONTROL_DISABLE]
    {
        client.get(path, &[]).expect(404);
    }
    control.get(wire::ME, &[]).expect(404);
    control.get(wire::CONTROL_HEALTH, &[]).expect(200);
    control.get(wire::CONTROL_DISABLE, &[]).expect(405);
    assert_eq!(server.counters().requests, 4, "control requests are not counted");
}

#[test]
fn the_ready_line_describes_the_backend() {
    let mut with_work = options("jwt-stateless");
    with_work.extra_work_ns = 20_000;
    with_work.threads = 2;
    let server = Server::start(with_work);
    assert!(server.ready.describe.is_object());
    assert_eq!(server.ready.pid, std::process::id());
    let held = server.provision(1, 1).pop().unwrap();
    // More connections than threads: each thread answers some.
    for _ in 0..4 {
        server.client().get(wire::ME, &[&held.header]).expect(200);
    }
    assert_eq!(server.counters().requests, 4);
}
