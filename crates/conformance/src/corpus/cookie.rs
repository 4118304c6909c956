//! Session ids that were guessed, altered or planted, cookies under other names, and requests that another site forged.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::case::{Case, Cases, Expect, Send};
use crate::http::Request;
use crate::token;

/// Values that someone might try, none of them an id.
const GUESSES: &[&str] = &[
    "",
    "0",
    "1",
    "-1",
    "null",
    "undefined",
    "true",
    "admin",
    "root",
    "session",
    "guest",
    "deleted",
    "u00000001",
    "{username}",
    "../../../../dev/null",
    "*",
    "?",
    "[a-z]*",
    "%2A",
    "' OR '1'='1",
    "1; DROP TABLE sessions",
    "$ne",
    "[object Object]",
    "() { :; }",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "___________________________________________",
    "0000000000000000000000000000000000000000000",
    "-------------------------------------------",
    "d41d8cd98f00b204e9800998ecf8427e",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "eyJhbGciOiJub25lIn0.e30.",
    "s%3Aabc.def",
    "TzoxOiJBIjowOnt9",
    "\"\"",
    "%00",
    "%",
    "é",
];

/// A live id in other spellings, and with something more or less.
const ALTERED: &[(&str, &str)] = &[
    ("without its last character", "{id|drop 1}"),
    ("without its first character", "{id|skip 1}"),
    ("its first half", "{id|drop 22}"),
    ("with one character more", "{id|append A}"),
    ("with one character in front", "{id|prepend A}"),
    ("twice", "{id}{id}"),
    ("padded", "{id|append =}"),
    ("with %3D behind it", "{id|append %3D}"),
    ("with a dot behind it", "{id|append .}"),
    ("with a signature behind it", "{id|append .c2ln}"),
    ("with a zero byte, encoded", "{id|append %00}"),
    ("with a line end, encoded", "{id|append %0d%0a}"),
    ("with `s:` in front", "{id|prepend s:}"),
    ("its case swapped", "{id|swapcase}"),
    ("in upper case", "{id|upper}"),
    ("in lower case", "{id|lower}"),
    ("reversed", "{id|reverse}"),
    ("its unused bits set", "{id|spare}"),
    ("its digest", "{id|sha256}"),
    ("its digest as hex", "{id|sha256hex}"),
    ("as hex", "{id|hex}"),
    ("encoded once more", "{id|base64}"),
    ("percent-encoded", "{id|percent}"),
    ("in quotes", "\"{id}\""),
    ("in single quotes", "'{id}'"),
    ("in braces of a template", "${id}"),
    ("with a comma and itself", "{id},{id}"),
    ("with another's behind a comma", "{id},{other}"),
    ("as a key of the store", "authbench:live:{id|sha256hex}"),
    ("as a pattern", "{id|drop 3}???"),
    ("as a pattern with a star", "{id|drop 5}*"),
];

pub(super) fn cases(seed: u64) -> Vec<Case> {
    let mut cases = Cases::default();
    guessing(&mut cases, seed);
    names(&mut cases);
    tossing(&mut cases);
    forged(&mut cases);
    cases.finish()
}

fn cookie(value: &str) -> Send {
    Send::Headers(vec![format!("Cookie: __Host-session={value}")])
}

fn guessing(cases: &mut Cases, seed: u64) {
    cases.group(
        "session-id",
        "S1",
        "ASVS 7.2.2 and 7.2.3; OWASP Session Management: an id is random and is looked up as it is",
    );
    cases.add(Expect::Accept, "the id itself", cookie("{id}"));
    for guess in GUESSES {
        cases.add(Expect::Refuse, format!("the guess {guess:?}"), cookie(guess));
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for length in [8, 16, 31, 32, 33, 64] {
        let mut bytes = vec![0; length];
        random.fill_bytes(&mut bytes);
        cases.add(Expect::Refuse, format!("{length} random bytes"), cookie(&token::encode(&bytes)));
    }
    for (what, value) in ALTERED {
        cases.add(Expect::Refuse, format!("a live id, {what}"), cookie(value));
    }
    for at in (0..43).step_by(3) {
        cases.add(
            Expect::Refuse,
            format!("a live id, character {at} replaced"),
            cookie(&format!("{{id|flip {at}}}")),
        );
    }
    for length in [4096, 16_384] {
        cases.add(Expect::Refuse, format!("{length} characters"), cookie(&"A".repeat(length)));
    }
}

fn names(cases: &mut Cases) {
    cases.group(
        "cookie-name",
        "S6",
        "RFC 6265bis §4.1.3.2: the prefix is part of the name, and names have a case",
    );
    for name in [
        "session",
        "Host-session",
        "_Host-session",
        "__host-session",
        "__HOST-SESSION",
        "__Host-Session",
        "__Secure-session",
        "__Host-session2",
        "__Host-sessio",
        "x__Host-session",
        "__Host-session.sig",
        "__Host-",
        "sessionid",
        "connect.sid",
        "PHPSESSID",
        "JSESSIONID",
        "id",
        "$__Host-session",
        "__Host-session[]",
        "__Host%2Dsession",
        "\"__Host-session\"",
        "__Host-session%3D",
    ] {
        cases.add(
            Expect::Refuse,
            format!("the id under the name {name}"),
            Send::Headers(vec![format!("Cookie: {name}={{id}}")]),
        );
    }
    cases.group(
        "cookie-place",
        "S6",
        "ASVS 3.3 and 7.2; RFC 6265bis §4.2: the id counts in the Cookie header alone",
    );
    for (what, line) in [
        ("as a bearer token", "Authorization: Bearer {id}"),
        ("as a bearer token with its name", "Authorization: Bearer __Host-session={id}"),
        ("as a basic password", "Authorization: Basic {id}"),
        ("as a session scheme", "Authorization: Session {id}"),
        ("in X-Session", "X-Session: {id}"),
        ("in Cookie2", "Cookie2: __Host-session={id}"),
        ("in Set-Cookie", "Set-Cookie: __Host-session={id}"),
        ("in X-Cookie", "X-Cookie: __Host-session={id}"),
        ("in X-Auth-Token", "X-Auth-Token: {id}"),
    ] {
        cases.add(Expect::Refuse, format!("the id {what}"), Send::Headers(vec![line.to_owned()]));
    }
    for path in [
        "/me?__Host-session={id}",
        "/me?session={id}",
        "/me?sid={id}",
        "/me;__Host-session={id}",
        "/me;jsessionid={id}",
        "/me/{id}",
    ] {
        cases.add(
            Expect::Refuse,
            format!("the id in the address {path}"),
            Send::Request(Request::new("GET", path)),
        );
    }
    for (what, line) in [
        ("among others", "Cookie: a=b; __Host-session={id}; c=d"),
        ("without spaces", "Cookie: a=b;__Host-session={id};c=d"),
        ("after 60 others", &format!("Cookie: {}__Host-session={{id}}", "a=b; ".repeat(60))),
    ] {
        cases.add(Expect::Accept, format!("the id {what}"), Send::Headers(vec![line.to_owned()]));
    }
}

/// Two session cookies: one of them was planted, and no one can say which.
fn tossing(cases: &mut Cases) {
    cases.group(
        "tossing",
        "S2",
        "RFC 6265bis §8.6 (weak integrity) and §5.8.3: a server must not rely on the order of cookies",
    );
    cases.policy("a request with two session cookies is refused, as one with two Authorization headers is");
    for (what, lines) in [
        ("a live id and another's", vec!["Cookie: __Host-session={id}; __Host-session={other}"]),
        ("another's and a live id", vec!["Cookie: __Host-session={other}; __Host-session={id}"]),
        (
            "a live id and a made-up one",
            vec!["Cookie: __Host-session={id}; __Host-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
        ),
        (
            "a made-up one and a live id",
            vec!["Cookie: __Host-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA; __Host-session={id}"],
        ),
        ("an empty one and a live id", vec!["Cookie: __Host-session=; __Host-session={id}"]),
        ("a live id and an empty one", vec!["Cookie: __Host-session={id}; __Host-session="]),
        ("with others between", vec!["Cookie: __Host-session={other}; a=b; c=d; __Host-session={id}"]),
        ("in two headers", vec!["Cookie: __Host-session={id}", "Cookie: __Host-session={other}"]),
        (
            "in two headers, the other first",
            vec!["Cookie: __Host-session={other}", "Cookie: __Host-session={id}"],
        ),
        (
            "a live id three times with another's",
            vec!["Cookie: __Host-session={id}; __Host-session={id}; __Host-session={other}"],
        ),
    ] {
        let lines = lines.into_iter().map(str::to_owned).collect();
        cases.add(Expect::Refuse, format!("two session cookies: {what}"), Send::Headers(lines));
    }
    cases.add(
        Expect::Accept,
        "a cookie of a similar name beside it",
        Send::Headers(vec![
            "Cookie: __Host-session2={other}; __Host-session={id}; x__Host-session={other}".to_owned(),
        ]),
    );
}

/// Headers with which browsers mark requests of another site.
const FOREIGN: &[(&str, &[&str])] = &[
    ("Origin of another site", &["Origin: https://attacker.example"]),
    ("Origin null", &["Origin: null"]),
    ("Origin empty", &["Origin: "]),
    ("Origin that begins like the host", &["Origin: http://{host}.attacker.example"]),
    ("Origin that ends like the host", &["Origin: http://attacker.example.{host}"]),
    ("Origin with the host as its user", &["Origin: http://{host}@attacker.example"]),
    ("Origin with another port", &["Origin: http://{host}0"]),
    ("Origin with a path", &["Origin: http://{host}/x"]),
    ("Origin without a scheme", &["Origin: {host}"]),
    ("Origin of another scheme", &["Origin: file://{host}"]),
    ("two Origins in one", &["Origin: http://{host} https://attacker.example"]),
    ("Fetch Metadata cross-site", &["Sec-Fetch-Site: cross-site"]),
    ("Fetch Metadata same-site", &["Sec-Fetch-Site: same-site"]),
    ("Fetch Metadata empty", &["Sec-Fetch-Site: "]),
    ("Fetch Metadata of an unknown word", &["Sec-Fetch-Site: trusted"]),
    (
        "Fetch Metadata cross-site with the own Origin",
        &["Sec-Fetch-Site: cross-site", "Origin: http://{host}"],
    ),
    ("Fetch Metadata twice", &["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"]),
    ("Origin twice", &["Origin: http://{host}", "Origin: https://attacker.example"]),
];

fn forged(cases: &mut Cases) {
    cases.group(
        "forged",
        "S6",
        "ASVS 3.5.1 and 3.5.2; OWASP CSRF: unsafe requests with a cookie come from the own site alone",
    );
    for (method, path, body) in [
        ("POST", "/note", "{}"),
        ("POST", "/logout", ""),
        ("POST", "/logout-all", ""),
        ("DELETE", "/sessions", ""),
        ("POST", "/password", r#"{"current":"x","new":"a new password that is long enough"}"#),
    ] {
        for (what, lines) in FOREIGN {
            let mut request = Request::new(method, path).header("{credential}");
            for line in *lines {
                request = request.header(*line);
            }
            if !body.is_empty() {
                request = request.content("application/json", body);
            }
            cases.add(Expect::Refuse, format!("{method} {path}, {what}"), Send::Request(request));
        }
    }
    for (what, lines) in FOREIGN {
        let body = r#"{"username":"u00000001","password":"correct-horse-battery-staple"}"#;
        let mut request = Request::new("POST", "/login").content("application/json", body);
        for line in *lines {
            request = request.header(*line);
        }
        cases.add(Expect::Refuse, format!("a login (CSRF of the login), {what}"), Send::Request(request));
    }
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "",
    ] {
        let body = r#"{"username":"u00000001","password":"correct-horse-battery-staple"}"#;
        let mut request = Request::new("POST", "/login");
        request.body = body.to_owned();
        if !media.is_empty() {
            request = request.header(format!("Content-Type: {media}"));
        }
        cases.add(
            Expect::Refuse,
            format!("a login as {media:?}, which a form of another site can send"),
            Send::Request(request),
        );
    }
    for (what, lines) in [
        ("of the own origin", vec!["Origin: http://{host}"]),
        ("Fetch Metadata same-origin", vec!["Sec-Fetch-Site: same-origin"]),
        ("typed by the user", vec!["Sec-Fetch-Site: none"]),
    ] {
        let request = lines
            .into_iter()
            .fold(Request::new("POST", "/note").header("{credential}"), Request::header)
            .content("application/json", "{}");
        cases.add(Expect::Accept, format!("POST /note, {what}"), Send::Request(request));
    }
    for (method, path) in [
        ("GET", "/logout"),
        ("GET", "/logout-all"),
        ("GET", "/note"),
        ("GET", "/password"),
        ("PUT", "/note"),
        ("HEAD", "/logout"),
    ] {
        let request = Request::new(method, path).header("{credential}");
        cases.add(
            Expect::Refuse,
            format!("{method} {path}: a safe method changes nothing"),
            Send::Request(request),
        );
    }
    for line in ["X-HTTP-Method-Override: POST", "X-Method-Override: DELETE", "X-HTTP-Method: POST"] {
        let request = Request::new("GET", "/logout").header("{credential}").header(line);
        cases.add(Expect::Refuse, format!("GET /logout, {line}"), Send::Request(request));
    }
}
