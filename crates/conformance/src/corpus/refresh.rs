//! Refresh tokens that were altered, are of another kind, or come in another place.

use crate::case::{Case, Cases, Expect, Send};
use crate::http::Request;

/// A live refresh token, altered. Each case gets a login of its own: some end its family, as they should.
const ALTERED: &[(&str, &str)] = &[
    ("empty", ""),
    ("without its last character", "{refresh|drop 1}"),
    ("without its first character", "{refresh|skip 1}"),
    ("its first half", "{refresh|drop 43}"),
    ("its second half", "{refresh|skip 43}"),
    ("with one character more", "{refresh|append A}"),
    ("with one character in front", "{refresh|prepend A}"),
    ("twice", "{refresh}{refresh}"),
    ("padded", "{refresh|append %3D%3D}"),
    ("with a plus sign behind it", "{refresh|append +}"),
    ("with a zero byte behind it", "{refresh|append %00}"),
    ("its case swapped", "{refresh|swapcase}"),
    ("reversed", "{refresh|reverse}"),
    ("its unused bits set", "{refresh|spare}"),
    ("its digest", "{refresh|sha256}"),
    ("its digest as hex", "{refresh|sha256hex}"),
    ("as hex", "{refresh|hex}"),
    ("encoded once more", "{refresh|base64}"),
    ("percent-encoded twice", "{refresh|percent|percent}"),
    ("character 0 replaced", "{refresh|flip 0}"),
    ("character 20 replaced", "{refresh|flip 20}"),
    ("character 42 replaced", "{refresh|flip 42}"),
    ("character 44 replaced", "{refresh|flip 44}"),
    ("character 60 replaced", "{refresh|flip 60}"),
    ("character 85 replaced", "{refresh|flip 85}"),
    (
        "zeros of its length",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ),
    ("the access token", "{access}"),
    ("the access token without its signature", "{access|parts 2}"),
    ("the name of the subject", "{username}"),
    ("null", "null"),
    ("a star", "*"),
    ("a path", "../../../../dev/null"),
    ("a quote", "%27%20OR%20%271%27%3D%271"),
    ("an unsecured token", "eyJhbGciOiJub25lIn0.e30."),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Cases::default();
    let form = |rest: &str| Send::Refresh(format!("grant_type=refresh_token{rest}"));
    cases.group("refresh", "R2", "RFC 6749 §6 and §10.4; RFC 9700 §4.14; ASVS 10.4");
    cases.add(Expect::Accept, "the refresh token itself", form("&refresh_token={refresh}"));
    cases.add(Expect::Accept, "the refresh token, percent-encoded", form("&refresh_token={refresh|percent}"));
    for (what, value) in ALTERED {
        cases.add(
            Expect::Refuse,
            format!("the refresh token, {what}"),
            form(&format!("&refresh_token={value}")),
        );
    }
    for length in [4096, 15_000, 100_000] {
        let value = "A".repeat(length);
        cases.add(Expect::Refuse, format!("{length} characters"), form(&format!("&refresh_token={value}")));
    }
    cases.group("refresh-form", "R5", "RFC 6749 §3.2 and §6: one grant type, one token, in the body");
    for (what, body) in [
        ("no token", "grant_type=refresh_token"),
        ("no grant type", "refresh_token={refresh}"),
        ("nothing", ""),
        ("the token twice", "grant_type=refresh_token&refresh_token={refresh}&refresh_token={refresh}"),
        ("a made-up token first", "grant_type=refresh_token&refresh_token=x&refresh_token={refresh}"),
        ("the grant type twice", "grant_type=refresh_token&grant_type=refresh_token&refresh_token={refresh}"),
        ("another grant type first", "grant_type=password&grant_type=refresh_token&refresh_token={refresh}"),
        ("grant type password", "grant_type=password&refresh_token={refresh}"),
        ("grant type authorization_code", "grant_type=authorization_code&refresh_token={refresh}"),
        ("grant type client_credentials", "grant_type=client_credentials&refresh_token={refresh}"),
        ("grant type empty", "grant_type=&refresh_token={refresh}"),
        ("grant type in capitals", "grant_type=REFRESH_TOKEN&refresh_token={refresh}"),
        ("names in capitals", "GRANT_TYPE=refresh_token&REFRESH_TOKEN={refresh}"),
        ("a list", "grant_type=refresh_token&refresh_token[]={refresh}"),
        ("a semicolon between", "grant_type=refresh_token;refresh_token={refresh}"),
        ("half a percent sign", "grant_type=refresh_token&refresh_token={refresh}%"),
        ("a percent sign that is none", "grant_type=refresh_token&refresh_token={refresh}%zz"),
    ] {
        cases.add(Expect::Refuse, what, Send::Refresh(body.to_owned()));
    }
    let json = r#"{"grant_type":"refresh_token","refresh_token":"{refresh}"}"#;
    let query = "/refresh?grant_type=refresh_token&refresh_token={refresh}";
    for (what, request) in [
        ("as JSON", Request::new("POST", "/refresh").content("application/json", json)),
        (
            "as plain text",
            Request::new("POST", "/refresh")
                .content("text/plain", "grant_type=refresh_token&refresh_token={refresh}"),
        ),
        ("in the address", Request::new("POST", query)),
        ("in the address of a GET", Request::new("GET", query)),
        ("as a bearer token", Request::new("POST", "/refresh").header("Authorization: Bearer {refresh}")),
        ("in a cookie", Request::new("POST", "/refresh").header("Cookie: refresh_token={refresh}")),
    ] {
        cases.add(Expect::Refuse, format!("the refresh token {what}"), Send::Request(request));
    }
    cases.group(
        "refresh-as-access",
        "J10",
        "RFC 8725 §3.12; RFC 9700 §4.14; ASVS 9.2.2: one kind of token is not taken for another",
    );
    for (what, line) in [
        ("as a bearer token", "Authorization: Bearer {refresh}"),
        ("its first half as a bearer token", "Authorization: Bearer {refresh|drop 43}"),
        ("with two dots as a bearer token", "Authorization: Bearer {refresh}.."),
        ("as a session cookie", "Cookie: __Host-session={refresh}"),
        ("its first half as a session cookie", "Cookie: __Host-session={refresh|drop 43}"),
    ] {
        cases.add(Expect::Refuse, format!("the refresh token {what}"), Send::Headers(vec![line.to_owned()]));
    }
    cases.finish()
}
