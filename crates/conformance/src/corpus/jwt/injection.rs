//! Headers that name or carry a key: none of them may ever select one.

use crate::case::Cases;
use crate::key::{self, Algorithm, Key};
use crate::object::quoted;
use crate::token::{self, Base};

/// The attacker's secret.
const SECRET: &[u8] = b"the attacker's own key, 32 bytes";

/// Places that a key might be fetched from.
const URLS: &[&str] = &[
    "https://attacker.example/jwks.json",
    "http://attacker.example/jwks.json",
    "//attacker.example/jwks.json",
    "https://issuer.authbench.example@attacker.example/jwks.json",
    "https://issuer.authbench.example.attacker.example/jwks.json",
    "https://issuer.authbench.example/redirect?to=https://attacker.example/jwks.json",
    "https://issuer.authbench.example/../../attacker/jwks.json",
    "http://127.0.0.1:1/jwks.json",
    "http://[::1]:1/jwks.json",
    "http://169.254.169.254/latest/meta-data/",
    "file:///dev/null",
    "file:///etc/hostname",
    "data:application/json,%7B%22keys%22%3A%5B%5D%7D",
    "gopher://127.0.0.1:6379/_INFO",
    "jar:file:///dev/null!/",
];

/// Key ids that mean something to a file system, a database, a shell or a template.
const KEY_IDS: &[&str] = &[
    "../../../../../../dev/null",
    "/dev/null",
    "../../../../../../etc/hostname",
    "/etc/passwd",
    "..\\..\\..\\windows\\win.ini",
    "....//....//dev/null",
    "%2e%2e%2f%2e%2e%2fdev%2fnull",
    "/proc/sys/kernel/randomize_va_space",
    "file:///dev/null",
    "key.pem\u{0}.jwk",
    "' OR '1'='1",
    "' OR 1=1 --",
    "' UNION SELECT 'k' --",
    "x' UNION SELECT 'k';--",
    "\" OR \"\"=\"",
    "1; DROP TABLE keys",
    "'; SELECT pg_sleep(9); --",
    "$ne",
    "{\"$gt\":\"\"}",
    "*",
    "*)(uid=*))(|(uid=*",
    "| id",
    "; id",
    "$(id)",
    "`id`",
    "& ping -n 1 127.0.0.1",
    "${jndi:ldap://127.0.0.1:1/a}",
    "{{7*7}}",
    "<%= 7*7 %>",
    "#{7*7}",
    "%s%s%s%n",
    "\r\nSET k v\r\n",
    "https://attacker.example/key",
    "0",
    "-1",
    "null",
    "undefined",
    "__proto__",
    "constructor",
    "k",
];

/// Key ids that are no text.
const KEY_ID_VALUES: &[&str] =
    &["null", "0", "-1", "true", "[]", "{}", "[\"k\"]", "{\"$ne\":null}", "1e400", "\"\""];

/// Signs with a key of the attacker's.
type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

pub(super) fn add(cases: &mut Cases, base: &Base<'_>, algorithm: Algorithm) {
    embedded(cases, base, algorithm);
    fetched(cases, base);
    named(cases, base);
}

/// A key in the header itself, and a signature that it verifies.
fn embedded(cases: &mut Cases, base: &Base<'_>, algorithm: Algorithm) {
    cases.group("embedded-key", "J3", "RFC 8725 §3.10; CVE-2018-0114; ASVS 9.1.3");
    let payload = base.claims.render();
    let oct = format!(r#"{{"kty":"oct","k":"{}"}}"#, token::encode(SECRET));
    for (what, value) in [
        ("an octet key", oct.clone()),
        ("an octet key with its use", oct.replace('}', r#","use":"sig","alg":"HS256"}"#)),
        ("a set of octet keys", format!(r#"{{"keys":[{oct}]}}"#)),
        ("a list of octet keys", format!("[{oct}]")),
        ("an octet key as text", quoted(&oct)),
        ("an empty octet key", r#"{"kty":"oct","k":""}"#.to_owned()),
        ("an empty object", "{}".to_owned()),
        ("null", "null".to_owned()),
    ] {
        for alg in ["HS256", algorithm.name()] {
            let header = base.header.clone().with_text("alg", alg).with("jwk", value.clone()).render();
            let secret = if value.contains("\"k\":\"\"") { b"" } else { SECRET };
            let input = token::input(&header, &payload);
            cases.refuse(
                format!("jwk {what}, alg {alg}, HMAC with it"),
                token::seal(&input, &key::hs256(secret, input.as_bytes())),
            );
        }
    }
    // Another key pair of the right algorithm. Where signatures differ each time it is not published.
    let attackers: Vec<(String, Sign)> = Algorithm::ALL
        .into_iter()
        .filter(|other| other.is_deterministic() && *other != algorithm)
        .filter_map(|other| Key::test(other).ok())
        .map(|key| {
            let jwk = key.jwk();
            (jwk, Box::new(move |input: &[u8]| key.sign(input)) as Sign)
        })
        .collect();
    for (jwk, sign) in attackers {
        let kty = if jwk.contains("RSA") {
            "RSA"
        } else if jwk.contains("OKP") {
            "Ed25519"
        } else {
            "octet"
        };
        let alg = match kty {
            "RSA" => "RS256",
            "Ed25519" => "EdDSA",
            _ => "HS256",
        };
        for alg in [alg, algorithm.name()] {
            let header = base.header.clone().with_text("alg", alg).with("jwk", jwk.clone()).render();
            let input = token::input(&header, &payload);
            cases.refuse(
                format!("jwk with an {kty} key, alg {alg}, signed with it"),
                token::seal(&input, &sign(input.as_bytes())),
            );
        }
    }
    for (member, value) in [
        ("x5c", r#"["MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"]"#),
        ("x5c", "[]"),
        ("x5c", "[\"\"]"),
        ("x5c", "\"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\""),
        ("x5t", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAA\""),
        ("x5t#S256", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""),
    ] {
        let header = base.header.clone().with(member, value).render();
        let input = token::input(&header, &payload);
        cases.refuse(
            format!("{member} {value}, HMAC with the attacker's secret"),
            token::seal(&input, &key::hs256(SECRET, input.as_bytes())),
        );
    }
}

/// A place to fetch a key from. The signature is the attacker's, so that acceptance would mean that it was fetched.
fn fetched(cases: &mut Cases, base: &Base<'_>) {
    cases.group("fetched-key", "J3", "RFC 8725 §3.10; RFC 7515 §10.7; ASVS 9.1.3");
    let payload = base.claims.render();
    for url in URLS {
        for member in ["jku", "x5u"] {
            let header = base.header.clone().with_text(member, url).render();
            let input = token::input(&header, &payload);
            let tag = key::hs256(SECRET, input.as_bytes());
            cases.refuse(format!("{member} {url}"), token::seal(&input, &tag));
        }
    }
}

/// Key ids, signed with what an injection could make the key: nothing, a known text, or the id itself.
fn named(cases: &mut Cases, base: &Base<'_>) {
    cases.group("key-id", "J3", "RFC 8725 §3.10; RFC 7515 §4.1.4; ASVS 9.1.3");
    let payload = base.claims.render();
    for id in KEY_IDS {
        let input = token::input(&base.header.clone().with_text("kid", id).render(), &payload);
        for (what, secret) in
            [("the empty key", &b""[..]), ("the key `k`", b"k"), ("the id as the key", id.as_bytes())]
        {
            let tag = key::hs256(secret, input.as_bytes());
            cases.refuse(format!("kid {id:?}, HMAC with {what}"), token::seal(&input, &tag));
        }
    }
    for value in KEY_ID_VALUES {
        let input = token::input(&base.header.clone().with("kid", *value).render(), &payload);
        cases.refuse(
            format!("kid {value}, HMAC with the empty key"),
            token::seal(&input, &key::hs256(b"", input.as_bytes())),
        );
    }
    let long = "k".repeat(4096);
    let input = token::input(&base.header.clone().with_text("kid", &long).render(), &payload);
    cases.refuse(
        "kid of 4096 characters, HMAC with the empty key",
        token::seal(&input, &key::hs256(b"", input.as_bytes())),
    );
}
