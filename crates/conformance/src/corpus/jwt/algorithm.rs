//! Which algorithm a token says it is signed with, and secrets that someone might have configured.

use crate::case::Cases;
use crate::key::{self, Algorithm};
use crate::object::quoted;
use crate::token::{self, Base};

/// JSON values of `alg` that name no algorithm, or not as it is written.
const MALFORMED: &[&str] = &[
    "null",
    "true",
    "0",
    "1",
    "256",
    "\"\"",
    "\" \"",
    "[]",
    "{}",
    "[\"none\"]",
    "[\"HS256\"]",
    "{\"name\":\"HS256\"}",
    "\"HS256 \"",
    "\" HS256\"",
    "\"hs256\"",
    "\"Hs256\"",
    "\"hS256\"",
    "\"HS-256\"",
    "\"HS256\\u0000\"",
    "\"HS256\\n\"",
    "\"HMACSHA256\"",
    "\"sha256\"",
    "\"ＨＳ256\"",
    "\"HЅ256\"",
    "\"HS256,none\"",
    "\"none,HS256\"",
    "\"HS1\"",
    "\"HS224\"",
    "\"A128KW\"",
    "\"dir\"",
    "\"RSA1_5\"",
    "\"RSA-OAEP\"",
    "\"ECDH-ES\"",
    "\"ES256K\"",
    "\"ES384\"",
    "\"ES512\"",
    "\"RS384\"",
    "\"RS512\"",
    "\"PS384\"",
    "\"PS512\"",
    "\"Ed25519\"",
    "\"Ed448\"",
    "\"PBES2-HS256+A128KW\"",
    "\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256\"",
];

pub(super) fn add(cases: &mut Cases, base: &Base<'_>, algorithm: Algorithm) {
    none(cases, base);
    confusion(cases, base, algorithm);
    public_key_as_secret(cases, base, algorithm);
}

/// `none` in every spelling, with no signature, the valid one, and one made up.
fn none(cases: &mut Cases, base: &Base<'_>) {
    cases.group("none", "J1", "RFC 8725 §2.1 and §3.1; CVE-2015-2951; CVE-2015-9235; ASVS 9.1.2");
    let payload = base.claims.render();
    let (_, valid) = base.split();
    for spelling in 0..16u8 {
        let name: String = "none"
            .chars()
            .enumerate()
            .map(|(at, c)| if spelling >> at & 1 == 1 { c.to_ascii_uppercase() } else { c })
            .collect();
        let input = token::input(&base.header.clone().with_text("alg", &name).render(), &payload);
        cases.refuse(format!("alg {name}, no signature"), format!("{input}."));
        cases.refuse(format!("alg {name}, the signature of the valid token"), format!("{input}.{valid}"));
        cases.refuse(format!("alg {name}, a signature made up"), format!("{input}.AA"));
    }
    for odd in ["none ", " none", "none\u{0}", "nоne", "ｎone", "none\n", "null", "undefined"] {
        let header = base.header.clone().with_text("alg", odd).render();
        cases.refuse(format!("alg {odd:?}, no signature"), format!("{}.", token::input(&header, &payload)));
    }
    let header = base.header.clone().without("alg").render();
    let input = token::input(&header, &payload);
    cases.refuse("no alg, no signature", format!("{input}."));
    cases.refuse("no alg, signed with the right key", base.signed_input(&input));
    cases.refuse("an empty header, no signature", format!("{}.", token::input("{}", &payload)));
    cases.refuse("an empty header, signed with the right key", base.signed("{}", &payload));
}

/// Names other than the configured one, signed with the right key, so that only the name is wrong.
fn confusion(cases: &mut Cases, base: &Base<'_>, algorithm: Algorithm) {
    cases.group(
        "confusion",
        "J1",
        "RFC 8725 §3.1: the application names the algorithms, not the token; RFC 7515 §4.1.1",
    );
    let payload = base.claims.render();
    let names = Algorithm::ALL.iter().filter(|other| **other != algorithm).map(|other| quoted(other.name()));
    let hmacs = ["HS384", "HS512"].map(quoted);
    let malformed =
        MALFORMED.iter().filter(|json| **json != quoted(algorithm.name())).map(|json| (*json).to_owned());
    for json in names.chain(hmacs).chain(malformed) {
        let header = base.header.clone().with("alg", json.clone()).render();
        let input = token::input(&header, &payload);
        cases.refuse(format!("alg {json}, signed as {}", algorithm.name()), base.signed_input(&input));
        let (_, valid) = base.split();
        cases.refuse(format!("alg {json}, the signature of the valid token"), format!("{input}.{valid}"));
    }
    for name in ["HS384", "HS512"] {
        let (Some(key), Algorithm::Hs256) = (base.key, algorithm) else { continue };
        let secret = token::decode(&key.text()).unwrap_or_default();
        let input = token::input(&base.header.clone().with_text("alg", name).render(), &payload);
        let tag = key::hmac_of(name, &secret, input.as_bytes());
        cases.refuse(format!("alg {name}, truly signed so with the right secret"), token::seal(&input, &tag));
    }
}

/// The public key as the secret of an HMAC.
fn public_key_as_secret(cases: &mut Cases, base: &Base<'_>, algorithm: Algorithm) {
    cases.group("public-key-as-secret", "J2", "RFC 8725 §2.1; CVE-2015-9235; CVE-2016-10555");
    let Ok(key) = key::Key::test(algorithm) else { return };
    let payload = base.claims.render();
    for (form, secret) in key.public_forms() {
        for name in ["HS256", "HS384", "HS512", algorithm.name()] {
            let input = token::input(&base.header.clone().with_text("alg", name).render(), &payload);
            let tag = key::hmac_of(name, &secret, input.as_bytes());
            cases.refuse(format!("alg {name}, HMAC with {form}"), token::seal(&input, &tag));
        }
    }
}

/// Secrets that were found in configurations, and none at all.
pub(super) fn weak_keys(cases: &mut Cases, base: &Base<'_>) {
    cases.group("weak-key", "J6", "RFC 7518 §3.2; RFC 8725 §3.5; CVE-2019-20933; CVE-2020-28637");
    let payload = base.claims.render();
    let input = token::input(&base.header.clone().with_text("alg", "HS256").render(), &payload);
    let words = [
        "",
        " ",
        "\0",
        "secret",
        "Secret",
        "password",
        "changeme",
        "key",
        "test",
        "jwt",
        "jwt_secret",
        "jwt-secret",
        "token",
        "your-256-bit-secret",
        "your_jwt_secret",
        "my-secret",
        "mysecret",
        "supersecret",
        "secretkey",
        "secret_key",
        "admin",
        "null",
        "undefined",
        "none",
        "None",
        "0",
        "1234",
        "123456",
        "12345678",
        "1234567890",
        "default",
        "example",
        "shhhh",
        "authbench",
        "qwerty",
        "hmac",
        "HS256",
        "a-string-secret-at-least-256-bits-long",
    ];
    for word in words {
        let tag = key::hs256(word.as_bytes(), input.as_bytes());
        cases.refuse(format!("HMAC with the secret {word:?}"), token::seal(&input, &tag));
    }
    for (what, secret) in [
        ("32 zero bytes", vec![0u8; 32]),
        ("64 zero bytes and one more", vec![0u8; 65]),
        ("32 bytes of ones", vec![0xff; 32]),
        ("the claims", payload.clone().into_bytes()),
        ("the signing input", input.clone().into_bytes()),
        ("the issuer", base.claims.get("iss").unwrap_or_default().trim_matches('"').as_bytes().to_vec()),
        ("the audience", base.claims.get("aud").unwrap_or_default().trim_matches('"').as_bytes().to_vec()),
    ] {
        let tag = key::hs256(&secret, input.as_bytes());
        cases.refuse(format!("HMAC with {what} as the secret"), token::seal(&input, &tag));
    }
}
