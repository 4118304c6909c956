//! Every route for every shipped backend, on the memory store.

use scenario::backend::LogoutAll;
use scenario::wire::{self, PasswordHash};

use crate::client::{Answer, Client};
use crate::fixture::{Held, Server, all, login, login_body, options};

/// Runs a check against each shipped backend, and says which one failed.
fn for_each(check: impl Fn(&Server, &mut Client)) {
    for name in all() {
        let server = Server::in_memory(name);
        println!("backend {name}");
        check(&server, &mut server.client());
    }
}

#[track_caller]
fn assert_rejected(answer: &Answer, presented: bool) {
    assert_eq!(answer.status, 401, "{answer:?}");
    let expected = if presented { r#"Bearer error="invalid_token""# } else { "Bearer" };
    assert_eq!(answer.header("www-authenticate"), Some(expected));
    assert_eq!(answer.body, r#"{"error":"unauthorized"}"#);
}

#[test]
fn a_login_is_let_in_as_the_one_who_logged_in() {
    for_each(|_, client| {
        for subject in [0, 42] {
            let held = login(client, subject);
            let answer = client.get(wire::ME, &[&held.header]).expect(200);
            assert_eq!(answer.body, held.identity(256));
            assert_eq!(answer.header("content-type"), Some("application/json"));
            let head = client.send("HEAD", wire::ME, &[&held.header], "").expect(200);
            assert_eq!(head.header("content-length"), Some(answer.body.len().to_string().as_str()));
        }
    });
}

#[test]
fn a_credential_is_a_cookie_with_all_attributes_or_a_token_response() {
    for_each(|_, client| {
        let answer = client.post_json(wire::LOGIN, &[], &login_body(7, wire::PASSWORD_TEXT)).expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        match answer.header("set-cookie") {
            Some(cookie) => {
                let parts: Vec<&str> = cookie.split("; ").collect();
                let [pair, attributes @ .., max_age] = &parts[..] else { panic!("{cookie}") };
                let value = pair.strip_prefix("__Host-session=").unwrap();
                assert_eq!(attributes, ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]);
                assert!(max_age.strip_prefix("Max-Age=").unwrap().parse::<u64>().unwrap() > 0);
                assert!(value.len() >= 22 && pair.len() <= 4096, "128 bits, and what browsers keep");
                assert!(!answer.body.contains(value));
            }
            None => {
                let body = answer.json();
                assert_eq!(body["token_type"], "Bearer");
                assert!(body["expires_in"].is_u64() || body["expires_in"].is_null());
                assert!(body["access_token"].is_string());
            }
        }
    });
}

#[test]
fn every_bad_login_gets_the_same_answer() {
    for_each(|_, client| {
        let wrong = client.post_json(wire::LOGIN, &[], &login_body(3, "wrong"));
        let unknown = client.post_json(wire::LOGIN, &[], r#"{"username":"nobody","password":"wrong"}"#);
        let empty = client.post_json(wire::LOGIN, &[], r#"{"username":"","password":""}"#);
        assert_eq!(wrong.status, 401);
        assert_eq!(wrong.body, r#"{"error":"invalid_credentials"}"#);
        let without_date = |mut answer: Answer| {
            answer.headers.retain(|(name, _)| name != "date");
            answer
        };
        let wrong = without_date(wrong);
        assert_eq!(wrong, without_date(unknown));
        assert_eq!(wrong, without_date(empty));
    });
}

#[test]
fn without_a_credential_or_with_an_invented_one_nobody_is_let_in() {
    for_each(|server, client| {
        assert_rejected(&client.get(wire::ME, &[]), false);
        assert_rejected(&client.get(wire::SESSIONS, &[]), false);
        for path in [wire::NOTE, wire::LOGOUT, wire::LOGOUT_ALL] {
            let answer = client.send("POST", path, &[], "");
            assert!(matches!(answer.status, 401 | 501), "{path} {answer:?}");
        }
        let held = login(client, 1);
        let invented = if held.is_cookie() {
            format!("Cookie: {}={}", wire::COOKIE, "A".repeat(43))
        } else {
            "Authorization: Bearer invented".to_owned()
        };
        assert_rejected(&client.get(wire::ME, &[&invented]), true);
        assert!(server.counters().failures == 0 || server.header.promises.logout_all == LogoutAll::Cannot);
    });
}

#[test]
fn a_note_is_a_write_of_the_one_who_is_logged_in() {
    for_each(|_, client| {
        let held = login(client, 5);
        client.post_json(wire::NOTE, &[&held.header], r#"{"text":"x"}"#).expect(204);
        client.send("POST", wire::NOTE, &[&held.header], "").expect(204);
        assert_eq!(client.get(wire::ME, &[&held.header]).expect(200).body, held.identity(256));
    });
}

#[test]
fn a_logout_ends_this_login_and_clears_its_cookie() {
    for_each(|server, client| {
        let (left, stays) = (login(client, 9), login(client, 9));
        let answer = client.send("POST", wire::LOGOUT, &[&left.header], "").expect(204);
        let cleared = "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";
        assert_eq!(answer.header("set-cookie"), left.is_cookie().then_some(cleared));
        if server.ends_logins() {
            assert_rejected(&client.get(wire::ME, &[&left.header]), true);
        }
        client.get(wire::ME, &[&stays.header]).expect(if server.logout_ends_all() { 401 } else { 200 });
    });
}

#[test]
fn a_logout_everywhere_does_what_the_backend_promises() {
    for_each(|server, client| {
        let (here, elsewhere, other) = (login(client, 9), login(client, 9), login(client, 10));
        for (method, path) in [("POST", wire::LOGOUT_ALL), ("DELETE", wire::SESSIONS)] {
            let answer = client.send(method, path, &[&here.header], "");
            if server.header.promises.logout_all == LogoutAll::Cannot {
                answer.expect(501);
            } else if path == wire::LOGOUT_ALL {
                answer.expect(204);
            }
        }
        if server.ends_logins() {
            assert_rejected(&client.get(wire::ME, &[&here.header]), true);
            assert_rejected(&client.get(wire::ME, &[&elsewhere.header]), true);
        }
        client.get(wire::ME, &[&other.header]).expect(200);
    });
}

#[test]
fn live_logins_are_counted_where_there_is_a_list() {
    for_each(|server, client| {
        let held = login(client, 11);
        login(client, 11);
        let answer = client.get(wire::SESSIONS, &[&held.header]);
        if server.header.promises.logout_all == LogoutAll::Index {
            assert_eq!(answer.expect(200).body, r#"{"sessions":2}"#);
        } else {
            answer.expect(501);
        }
    });
}

#[test]
fn a_changed_password_is_the_only_one_and_ends_other_logins() {
    for_each(|server, client| {
        let (here, elsewhere) = (login(client, 12), login(client, 12));
        let change = |current: &str, new: &str| format!(r#"{{"current":"{current}","new":"{new}"}}"#);
        let refused =
            client.post_json(wire::PASSWORD, &[&here.header], &change("wrong", "a-new-long-password"));
        if server.header.name == "none" {
            return;
        }
        assert_eq!(refused.expect(403).body, r#"{"error":"wrong_password"}"#);
        let new = "a-new-password-of-64-characters-or-more-is-as-good-as-any-other-one";
        client.post_json(wire::PASSWORD, &[&here.header], &change(wire::PASSWORD_TEXT, new)).expect(204);
        client.post_json(wire::LOGIN, &[], &login_body(12, wire::PASSWORD_TEXT)).expect(401);
        client.post_json(wire::LOGIN, &[], &login_body(12, new)).expect(200);
        if server.ends_logins() {
            assert_rejected(&client.get(wire::ME, &[&elsewhere.header]), true);
        }
    });
}

#[test]
fn a_refresh_token_is_exchanged_as_declared() {
    for_each(|server, client| {
        let held = login(client, 13);
        let Some(token) = &held.refresh else {
            let form = "grant_type=refresh_token&refresh_token=x";
            let answer = client.post_form(wire::REFRESH, &[], form);
            assert!(matches!(answer.status, 400 | 501), "{answer:?}");
            return;
        };
        if token.starts_with("Cookie:") {
            client.send("POST", wire::REFRESH, &[], "").expect(401);
            client.send("POST", wire::REFRESH, &[token, "Sec-Fetch-Site: cross-site"], "").expect(403);
        }
        let answer = exchange(client, token).expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let renewed = Held::from_answer(13, &answer);
        assert_eq!(client.get(wire::ME, &[&renewed.header]).expect(200).body, renewed.identity(256));
        let again = exchange(client, token);
        let renewal = &server.ready.describe["renewal"];
        if renewal["rotates"] == true && renewal["retry"] == "refuse" {
            assert_eq!(again.expect(400).body, r#"{"error":"invalid_grant"}"#);
        } else {
            // The token stays, or a retry gets its successor.
            assert_eq!(Held::from_answer(13, &again.expect(200)).refresh, renewed.refresh);
        }
    });
}

/// By the refresh token, or by the cookie of the session that tokens are minted from.
fn exchange(client: &mut Client, token: &str) -> Answer {
    if token.starts_with("Cookie:") {
        return client.send("POST", wire::REFRESH, &[token], "");
    }
    client.post_form(wire::REFRESH, &[], &format!("grant_type=refresh_token&refresh_token={token}"))
}

#[test]
fn a_logout_ends_the_session_that_mints() {
    let server = Server::in_memory("jwt-minted");
    let mut client = server.client();
    let first = login(&mut client, 14);
    let session = first.refresh.unwrap();
    client.send("POST", wire::LOGOUT, &[&first.header], "").expect(204);
    assert_eq!(exchange(&mut client, &session).expect(400).body, r#"{"error":"invalid_grant"}"#);
    let session = login(&mut client, 14).refresh.unwrap();
    let answer = client.send("POST", wire::LOGOUT, &[&session], "").expect(204);
    assert!(answer.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")));
    exchange(&mut client, &session).expect(400);
    let held = server.provision(1, 1).pop().unwrap();
    exchange(&mut client, &held.refresh.unwrap()).expect(200);
}

#[test]
fn a_logout_ends_the_refresh_token_too() {
    let server = Server::in_memory("jwt-refresh");
    let mut client = server.client();
    for with_form in [false, true] {
        let held = login(&mut client, 14);
        let token = held.refresh.unwrap();
        let form = if with_form { format!("refresh_token={token}") } else { String::new() };
        client.post_form(wire::LOGOUT, &[&held.header], &form).expect(204);
        let body = format!("grant_type=refresh_token&refresh_token={token}");
        client.post_form(wire::REFRESH, &[], &body).expect(400);
    }
}

#[test]
fn unknown_paths_and_methods_are_named() {
    let server = Server::in_memory("none");
    let mut client = server.client();
    client.get("/", &[]).expect(404);
    client.get("/me/", &[]).expect(404);
    for (method, path, allow) in [
        ("POST", wire::ME, "GET, HEAD"),
        ("PUT", wire::SESSIONS, "GET, HEAD, DELETE"),
        ("GET", wire::LOGIN, "POST"),
        ("OPTIONS", wire::LOGOUT_ALL, "POST"),
    ] {
        let answer = client.send(method, path, &[], "").expect(405);
        assert_eq!(answer.header("allow"), Some(allow));
    }
    client.get("/me?x=1", &["Authorization: Bearer u00000001"]).expect(200);
    let counters = server.counters();
    assert_eq!((counters.requests, counters.failures), (7, 0));
}

#[test]
fn an_account_with_many_failures_is_locked_out() {
    let server = Server::in_memory("session-memory");
    let mut client = server.client();
    let mut statuses = (0..=100).map(|_| client.post_json(wire::LOGIN, &[], &login_body(15, "wrong")));
    let locked = statuses.find(|answer| answer.status != 401).expect("at most 100 failures in a row");
    assert_eq!(locked.status, 429);
    assert!(locked.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    client.post_json(wire::LOGIN, &[], &login_body(15, wire::PASSWORD_TEXT)).expect(429);
    login(&mut client, 16);
}

#[test]
fn a_full_hashing_queue_is_503_at_once_and_what_is_in_it_is_still_answered() {
    let mut options = options("session-memory");
    options.password_hash = PasswordHash::Argon2id;
    let server = Server::start(options);
    // All at once, far more than may wait: to shed none, hashing would have to be as fast as reading requests.
    let mut clients: Vec<Client> = (0..200).map(|_| server.client()).collect();
    for (subject, client) in (0..).zip(&mut clients) {
        client.begin_json(wire::LOGIN, &login_body(subject, wire::PASSWORD_TEXT));
    }
    let answers: Vec<Answer> = clients.iter_mut().map(|client| client.answer(false).unwrap()).collect();
    let (granted, shed): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(granted.len() >= 2 && !shed.is_empty());
    assert!(shed.iter().all(|answer| answer.status == 503 && answer.header("retry-after") == Some("1")));
    let counters = server.counters();
    assert_eq!(counters.failures, shed.len() as u64);
    assert!((1..=counters.failures).contains(&counters.logins_shed));
}

#[test]
fn an_authority_tells_servers_and_nobody_else_what_it_knows() {
    for_each(|_, client| {
        let held = login(client, 21);
        let token = held.header.rsplit(['=', ' ']).next().unwrap().to_owned();
        let (form, secret) = (
            "Content-Type: application/x-www-form-urlencoded",
            format!("Authorization: Bearer {}", wire::AUTHORITY_SECRET),
        );
        let body = format!("token={token}");
        assert_rejected(&client.send("POST", wire::INTROSPECT, &[form], &body), false);
        assert_rejected(
            &client.send("POST", wire::INTROSPECT, &[form, &held.header], &body),
            !held.is_cookie(),
        );
        client.send("POST", wire::INTROSPECT, &[form, &secret], "").expect(400);
        client.send("POST", wire::INTROSPECT, &[&secret], &body).expect(415);
        client.send("GET", wire::INTROSPECT, &[&secret], "").expect(405);
        let said = client.send("POST", wire::INTROSPECT, &[form, &secret], &body).expect(200).json();
        assert_eq!((&said["active"], &said["sub"]), (&true.into(), &"u00000021".into()));
        assert!(said["exp"].is_u64(), "{said}");
        let unknown = client.send("POST", wire::INTROSPECT, &[form, &secret], "token=nobody").expect(200);
        assert_eq!(unknown.body, r#"{"active":false}"#);
    });
}

#[test]
fn a_status_list_is_shown_where_tokens_stand_in_one() {
    for_each(|server, client| {
        let listed = server.ready.describe["checks"][0]["kind"] == "status-bit";
        let path = format!("{}?list=1", wire::STATUS_LIST);
        let answer = client.get(&path, &[]).expect(if listed { 200 } else { 501 });
        if listed {
            assert_eq!((&answer.json()["bits"], answer.json()["lst"].is_string()), (&1.into(), true));
        }
        client.get(wire::STATUS_LIST, &[]).expect(400);
        client.get(&format!("{}?list=one", wire::STATUS_LIST), &[]).expect(400);
        client.send("POST", &path, &[], "").expect(405);
    });
}
