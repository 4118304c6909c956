//! Cookies that another site makes the browser send.

use scenario::wire;

use crate::fixture::{Server, login, login_body};

const FORGED: [&[&str]; 4] = [
    &["Sec-Fetch-Site: cross-site"],
    &["Sec-Fetch-Site: same-site", "Origin: http://authbench.test"],
    &["Origin: http://evil.test"],
    &["Origin: null"],
];

#[test]
fn a_cookie_on_an_unsafe_request_from_another_site_is_refused() {
    let server = Server::in_memory("session-memory");
    let mut client = server.client();
    let held = login(&mut client, 1);
    for forged in FORGED {
        let headers = [&[held.header.as_str()], forged].concat();
        for (method, path) in [
            ("POST", wire::NOTE),
            ("POST", wire::LOGOUT),
            ("POST", wire::LOGOUT_ALL),
            ("DELETE", wire::SESSIONS),
            ("POST", wire::PASSWORD),
        ] {
            let answer = client.send(method, path, &headers, "").expect(403);
            assert_eq!(answer.body, r#"{"error":"cross_site_request"}"#);
        }
        client.get(wire::ME, &headers).expect(200);
    }
    assert_eq!(client.get(wire::ME, &[&held.header]).expect(200).body, held.identity(256));
}

#[test]
fn a_login_that_sets_a_cookie_cannot_be_forged() {
    let server = Server::in_memory("session-memory");
    let mut client = server.client();
    for forged in FORGED {
        let answer = client.post_json(wire::LOGIN, forged, &login_body(1, wire::PASSWORD_TEXT)).expect(403);
        assert_eq!(answer.header("set-cookie"), None);
    }
    // A form needs no permission to be sent across sites; it is not understood.
    let form = "username=u00000001&password=correct-horse-battery-staple";
    client.post_form(wire::LOGIN, &[], form).expect(415);
}

#[test]
fn own_pages_and_programs_pass() {
    let server = Server::in_memory("session-memory");
    let mut client = server.client();
    let held = login(&mut client, 1);
    for own in [
        &[][..],
        &["Sec-Fetch-Site: same-origin"],
        &["Sec-Fetch-Site: none"],
        &["Origin: http://authbench.test"],
    ] {
        client.send("POST", wire::NOTE, &[&[held.header.as_str()], own].concat(), "").expect(204);
    }
}

#[test]
fn a_bearer_token_is_not_sent_by_the_browser_so_any_site_may_use_one() {
    let server = Server::in_memory("jwt-stateless");
    let mut client = server.client();
    let answer =
        client.post_json(wire::LOGIN, &["Origin: http://app.test"], &login_body(1, wire::PASSWORD_TEXT));
    let held = crate::fixture::Held::from_answer(1, &answer.expect(200));
    client.send("POST", wire::NOTE, &[&held.header, "Origin: http://app.test"], "").expect(204);
}
