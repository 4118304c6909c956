//! What no client of ours sends: the server answers or closes, and goes on.

use scenario::wire;

use crate::client::Client;
use crate::fixture::{Server, login};

/// Sends raw bytes on a connection of their own; the status, or `None` when the server just closed.
fn raw(server: &Server, bytes: &[u8]) -> Option<u16> {
    let mut client = server.client();
    client.write(bytes);
    client.answer(false).map(|answer| answer.status)
}

#[track_caller]
fn assert_alive(server: &Server) {
    let mut client = server.client();
    let held = login(&mut client, 1);
    client.get(wire::ME, &[&held.header]).expect(200);
}

#[test]
fn malformed_requests_are_answered_with_400_or_closed() {
    let server = Server::in_memory("session-memory");
    for bytes in [
        b"\0\0\0\0\r\n\r\n".as_slice(),
        b"GET /me\r\n\r\n",
        b"GET /me HTTP/9.9\r\n\r\n",
        b"GET /me HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /me HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /note HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"GET /me HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n",
    ] {
        let status = raw(&server, bytes);
        assert!(matches!(status, None | Some(400)), "{status:?} for {}", bytes.escape_ascii());
    }
    assert_alive(&server);
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let server = Server::in_memory("session-memory");
    let huge = format!("GET /me HTTP/1.1\r\nHost: a\r\nX-Filler: {}\r\n\r\n", "x".repeat(1 << 20));
    let status = raw(&server, huge.as_bytes());
    assert!(matches!(status, None | Some(400 | 431)), "{status:?}");
    let many = format!("GET /me HTTP/1.1\r\nHost: a\r\n{}\r\n", "X-Filler: x\r\n".repeat(1000));
    let status = raw(&server, many.as_bytes());
    assert!(matches!(status, None | Some(400 | 431)), "{status:?}");
    assert_alive(&server);
}

#[test]
fn a_large_token_is_a_rejected_credential_not_an_error() {
    for backend in ["jwt-stateless", "session-memory", "none"] {
        let server = Server::in_memory(backend);
        let mut client = server.client();
        let large = "x".repeat(9000);
        client.get(wire::ME, &[&format!("Authorization: Bearer {large}")]).expect(401);
        client.get(wire::ME, &[&format!("Cookie: {}={large}", wire::COOKIE)]).expect(401);
        assert_alive(&server);
    }
}

#[test]
fn bodies_that_are_not_what_they_should_be_are_refused() {
    let server = Server::in_memory("jwt-refresh");
    let mut client = server.client();
    for body in ["", "{", "null", "[]", r#"{"username":"a"}"#, r#"{"username":1,"password":2}"#] {
        client.post_json(wire::LOGIN, &[], body).expect(400);
    }
    client.post_json(wire::LOGIN, &[], r#"{"username":"a","password":"b","admin":true}"#).expect(400);
    client.send("POST", wire::LOGIN, &["Content-Type: text/plain"], "{}").expect(415);
    client.send("POST", wire::LOGIN, &[], "{}").expect(415);
    client.post_json(wire::REFRESH, &[], "{}").expect(415);
    for (form, error) in [
        ("", "invalid_request"),
        ("refresh_token=x", "invalid_request"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=password&refresh_token=x", "unsupported_grant_type"),
        ("grant_type=refresh_token&refresh_token=%zz", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=a&refresh_token=b", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=never-issued", "invalid_grant"),
    ] {
        let answer = client.post_form(wire::REFRESH, &[], form).expect(400);
        assert_eq!(answer.json()["error"], error, "{form}");
    }
    assert_alive(&server);
}

#[test]
fn a_body_that_is_too_large_is_refused_declared_or_not() {
    let server = Server::in_memory("session-memory");
    let held = login(&mut server.client(), 1);
    let large = "x".repeat(20 * 1024);
    server.client().post_json(wire::LOGIN, &[], &large).expect(413);
    server.client().send("POST", wire::NOTE, &[&held.header], &large).expect(413);

    let mut client = server.client();
    let header = &held.header;
    client.write(
        format!("POST /note HTTP/1.1\r\nHost: a\r\n{header}\r\nTransfer-Encoding: chunked\r\n\r\n")
            .as_bytes(),
    );
    for _ in 0..20 {
        client.write(format!("400\r\n{}\r\n", "x".repeat(1024)).as_bytes());
    }
    assert_eq!(client.answer(false).unwrap().status, 413);
    assert_alive(&server);
}

#[test]
fn a_body_in_pieces_is_whole_and_one_that_never_comes_is_timed_out() {
    let server = Server::in_memory("session-memory");
    let held = login(&mut server.client(), 1);
    let header = &held.header;

    let mut pieces = server.client();
    pieces.write(
        format!("POST /note HTTP/1.1\r\nHost: a\r\n{header}\r\nTransfer-Encoding: chunked\r\n\r\n")
            .as_bytes(),
    );
    for piece in ["3\r\nabc\r\n", "2\r\nde\r\n", "0\r\n\r\n"] {
        pieces.write(piece.as_bytes());
    }
    assert_eq!(pieces.answer(false).unwrap().status, 204);

    let mut slow: Vec<Client> = (0..3).map(|_| server.client()).collect();
    for client in &mut slow {
        client.write(
            format!("POST /note HTTP/1.1\r\nHost: a\r\n{header}\r\nContent-Length: 10\r\n\r\nab").as_bytes(),
        );
    }
    assert_alive(&server);
    for client in &mut slow {
        assert_eq!(client.answer(false).unwrap().status, 408);
        assert!(client.answer(false).is_none(), "the connection ends with it");
    }
}

#[test]
fn a_head_that_never_ends_is_cut_and_an_idle_connection_is_not() {
    let server = Server::in_memory("session-memory");
    let mut idle = server.client();
    let held = login(&mut idle, 1);
    let mut slow = server.client();
    slow.write(b"GET /me HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    assert!(slow.answer(false).is_none());
    idle.get(wire::ME, &[&held.header]).expect(200);
}

#[test]
fn a_client_that_goes_away_in_the_middle_harms_nobody() {
    let server = Server::in_memory("session-memory");
    for bytes in
        [b"GET /me HT".as_slice(), b"POST /note HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", b""]
    {
        server.client().write(bytes);
    }
    assert_alive(&server);
}

#[test]
fn two_credentials_in_one_request_are_refused() {
    let server = Server::in_memory("none");
    let twice = ["Authorization: Bearer u00000001", "Authorization: Bearer u00000002"];
    server.client().get(wire::ME, &twice).expect(400);
}
