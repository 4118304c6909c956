//! Where a credential may stand in a message, and where one message ends: framing that two readers see differently.

use crate::case::{Case, Cases, Expect, Send};
use crate::http::Request;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Cases::default();
    places(&mut cases);
    framing(&mut cases);
    heads(&mut cases);
    cases.finish()
}

fn places(cases: &mut Cases) {
    cases.group("place", "J4", "RFC 6750 §2.1–2.3 and §5.3; RFC 9110 §11.6.2: one credential, in its header");
    let get = |path: &str| Request::new("GET", path);
    for (what, request) in [
        ("nothing", get("/me")),
        ("a token in the address", get("/me?access_token={access}")),
        ("a token in the address and its scheme", get("/me?authorization=Bearer%20{access}")),
        (
            "a token in the body",
            Request::new("POST", "/note")
                .content("application/x-www-form-urlencoded", "access_token={access}"),
        ),
        ("Basic", get("/me").header("Authorization: Basic {access}")),
        ("Token", get("/me").header("Authorization: Token {access}")),
        ("JWT", get("/me").header("Authorization: JWT {access}")),
        ("Bearer with an equals sign", get("/me").header("Authorization: Bearer={access}")),
        ("Bearer with a colon", get("/me").header("Authorization: Bearer: {access}")),
        ("Bearer without a space", get("/me").header("Authorization: Bearer{access}")),
        ("no scheme", get("/me").header("Authorization: {access}")),
        ("an empty scheme", get("/me").header("Authorization:  {access}")),
        ("Bearer alone", get("/me").header("Authorization: Bearer")),
        ("Bearer and a space", get("/me").header("Authorization: Bearer ")),
        ("Proxy-Authorization", get("/me").header("Proxy-Authorization: Bearer {access}")),
        ("X-Authorization", get("/me").header("X-Authorization: Bearer {access}")),
        ("Authorization_", get("/me").header("Authorization_: Bearer {access}")),
        ("X-Forwarded-User", get("/me").header("X-Forwarded-User: {username}")),
        ("X-Remote-User", get("/me").header("X-Remote-User: {username}")),
        ("X-User", get("/me").header("X-User: {username}")),
        ("X-Original-URL", Request::new("GET", "/").header("X-Original-URL: /me")),
        ("X-Rewrite-URL", Request::new("GET", "/").header("X-Rewrite-URL: /me")),
        (
            "two Authorization headers",
            get("/me").header("Authorization: Bearer {access}").header("Authorization: Bearer x"),
        ),
        (
            "two Authorization headers, the wrong one first",
            get("/me").header("Authorization: Bearer x").header("Authorization: Bearer {access}"),
        ),
        (
            "two Authorization headers, the same",
            get("/me").header("Authorization: Bearer {access}").header("Authorization: Bearer {access}"),
        ),
        (
            "two Authorization headers of two schemes",
            get("/me").header("Authorization: Basic eDp5").header("Authorization: Bearer {access}"),
        ),
        ("a token in a session cookie", get("/me").header("Cookie: __Host-session={access}")),
    ] {
        cases.add(Expect::Refuse, what, Send::Request(request));
    }
    for (what, request) in [
        ("the credential itself", get("/me").header("{credential}")),
        ("HEAD", Request::new("HEAD", "/me").header("{credential}")),
    ] {
        cases.add(Expect::Accept, what, Send::Request(request));
    }
    for path in [
        "/ME",
        "/me/",
        "//me",
        "/./me",
        "/me%00",
        "/%6de",
        "/me.json",
        "/me;a=b",
        "/x/../me",
        "/me%2f",
        "/me\\",
        "/login/../me",
    ] {
        cases.add(
            Expect::Refuse,
            format!("GET {path}: not an address of the service"),
            Send::Request(get(path)),
        );
    }
}

/// A second request hidden behind one without a credential: only the hidden one could be a success.
fn framing(cases: &mut Cases) {
    cases.group(
        "smuggling",
        "J4",
        "RFC 9112 §6.1, §6.3 and §11.2: ambiguous framing is refused, or the connection closed",
    );
    let hidden = "GET /me HTTP/1.1\r\nHost: {host}\r\n{credential}\r\n\r\n";
    for (what, lines, body) in [
        (
            "Content-Length and chunked, the hidden request behind the last chunk",
            vec!["Transfer-Encoding: chunked", "Content-Length: {length}"],
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "chunked and Content-Length",
            vec!["Content-Length: {length}", "Transfer-Encoding: chunked"],
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "Content-Length 0 and chunked",
            vec!["Content-Length: 0", "Transfer-Encoding: chunked"],
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "Transfer-Encoding with a space before its colon",
            vec!["Transfer-Encoding : chunked", "Content-Length: 0"],
            hidden.to_owned(),
        ),
        (
            "Transfer-Encoding xchunked",
            vec!["Transfer-Encoding: xchunked", "Content-Length: 0"],
            hidden.to_owned(),
        ),
        (
            "Transfer-Encoding chunked, identity",
            vec!["Transfer-Encoding: chunked, identity"],
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "Transfer-Encoding identity",
            vec!["Transfer-Encoding: identity", "Content-Length: 0"],
            hidden.to_owned(),
        ),
        ("Transfer-Encoding gzip", vec!["Transfer-Encoding: gzip", "Content-Length: 0"], hidden.to_owned()),
        (
            "Transfer-Encoding in quotes",
            vec!["Transfer-Encoding: \"chunked\"", "Content-Length: 0"],
            hidden.to_owned(),
        ),
        (
            "Transfer-Encoding with a vertical tab",
            vec!["Transfer-Encoding: \u{b}chunked", "Content-Length: 0"],
            hidden.to_owned(),
        ),
        (
            "Transfer-Encoding on a folded line",
            vec!["Transfer-Encoding:\r\n chunked", "Content-Length: 0"],
            hidden.to_owned(),
        ),
        (
            "two Transfer-Encodings",
            vec!["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "two Content-Lengths, the first 0",
            vec!["Content-Length: 0", "Content-Length: {length}"],
            hidden.to_owned(),
        ),
        (
            "two Content-Lengths, the second 0",
            vec!["Content-Length: {length}", "Content-Length: 0"],
            hidden.to_owned(),
        ),
        ("a list of Content-Lengths", vec!["Content-Length: 0, 5"], hidden.to_owned()),
        ("Content-Length +0", vec!["Content-Length: +0"], hidden.to_owned()),
        ("Content-Length -0", vec!["Content-Length: -0"], hidden.to_owned()),
        ("Content-Length 0x0", vec!["Content-Length: 0x0"], hidden.to_owned()),
        ("Content-Length 0.0", vec!["Content-Length: 0.0"], hidden.to_owned()),
        ("Content-Length empty", vec!["Content-Length: "], hidden.to_owned()),
        ("Content-Length beyond 2^64", vec!["Content-Length: 18446744073709551616"], hidden.to_owned()),
        ("Content-Length with a space inside", vec!["Content-Length: 0 0"], hidden.to_owned()),
        ("Content-Length with a space before its colon", vec!["Content-Length : 0"], hidden.to_owned()),
        ("a chunk size with a minus sign", vec!["Transfer-Encoding: chunked"], format!("-1\r\n\r\n{hidden}")),
        (
            "a chunk size beyond 2^64",
            vec!["Transfer-Encoding: chunked"],
            format!("10000000000000000\r\n\r\n{hidden}"),
        ),
        ("a chunk size with 0x", vec!["Transfer-Encoding: chunked"], format!("0x0\r\n\r\n{hidden}")),
        (
            "a chunk without its line end",
            vec!["Transfer-Encoding: chunked"],
            format!("1\r\naX0\r\n\r\n{hidden}"),
        ),
        (
            "a chunk size with a bare line feed",
            vec!["Transfer-Encoding: chunked"],
            format!("1\na\n0\n\n{hidden}"),
        ),
    ] {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        cases.add(
            Expect::Refuse,
            what,
            Send::Raw(format!(
                "POST /note HTTP/1.1\r\nHost: {{host}}\r\nContent-Type: application/json\r\n{lines}\r\n{body}"
            )),
        );
    }
}

fn heads(cases: &mut Cases) {
    cases.group("head", "J4", "RFC 9112 §2.2, §3 and §5; RFC 9110 §5.5: malformed heads are refused");
    let line =
        |line: &str| format!("GET /me HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n{line}\r\n\r\n");
    let end = "Host: {host}\r\n{credential}\r\nConnection: close\r\n\r\n";
    for (what, raw) in [
        ("no Host", "GET /me HTTP/1.1\r\n{credential}\r\nConnection: close\r\n\r\n".to_owned()),
        ("a token with a space before the colon", line("Authorization : Bearer {access}")),
        ("a cookie with a space before the colon", line("Cookie : __Host-session={id}")),
        ("a token on a folded line", line("Authorization: Bearer\r\n {access}")),
        ("a cookie on a folded line", line("Cookie:\r\n __Host-session={id}")),
        ("a zero byte behind a token", line("Authorization: Bearer {access}\0")),
        ("a zero byte behind a cookie", line("Cookie: __Host-session={id}\0")),
        ("a token behind a carriage return", line("X: a\rAuthorization: Bearer {access}")),
        ("a cookie behind a carriage return", line("X: a\rCookie: __Host-session={id}")),
        ("a line without a colon", format!("GET /me HTTP/1.1\r\nnonsense\r\n{end}")),
        ("a line that begins with a colon", format!("GET /me HTTP/1.1\r\n: x\r\n{end}")),
        ("a name with a space", format!("GET /me HTTP/1.1\r\nX Y: z\r\n{end}")),
        ("a name with a control character", format!("GET /me HTTP/1.1\r\nX\u{1}: z\r\n{end}")),
        ("HTTP/2.0", format!("GET /me HTTP/2.0\r\n{end}")),
        ("HTTP/1.2 in lower case", format!("GET /me http/1.1\r\n{end}")),
        ("HTTP/0.9", "GET /me\r\n\r\n".to_owned()),
        ("two spaces in the first line", format!("GET  /me HTTP/1.1\r\n{end}")),
        ("a space in the address", format!("GET /m e HTTP/1.1\r\n{end}")),
        ("a tab in the first line", format!("GET\t/me\tHTTP/1.1\r\n{end}")),
        ("a method in lower case", format!("get /me HTTP/1.1\r\n{end}")),
        ("a method that nobody knows", format!("FETCH /me HTTP/1.1\r\n{end}")),
        ("TRACE", format!("TRACE /me HTTP/1.1\r\n{end}")),
        ("CONNECT", format!("CONNECT {{host}} HTTP/1.1\r\n{end}")),
        ("a head of 70 KiB", format!("GET /me HTTP/1.1\r\nX: {}\r\n{end}", "x".repeat(70_000))),
        ("500 header lines", format!("GET /me HTTP/1.1\r\n{}{end}", "X: y\r\n".repeat(500))),
        ("an address of 70 KiB", format!("GET /me?{} HTTP/1.1\r\n{end}", "x".repeat(70_000))),
        ("TLS", "\u{16}\u{3}\u{1}\u{0}\u{5}hello\r\n\r\n".to_owned()),
        ("HTTP/2 without an upgrade", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
    ] {
        cases.add(Expect::Refuse, what, Send::Raw(raw));
    }
    cases.add(
        Expect::Accept,
        "the request itself, written by hand",
        Send::Raw(format!("GET /me HTTP/1.1\r\n{end}")),
    );
}
