//! The attack corpus: generated here, published as data in `crates/conformance/corpus/`, sent by the suite.
//!
//! The tokens of the published files are made with the published test keys around fixed claims; the suite makes the same
//! cases around the token of a live login. Where something is drawn at random, the seed is fixed.

mod cookie;
mod jwt;
mod message;
mod refresh;

use serde::Serialize;

use crate::case::Case;
use crate::key::{Algorithm, BadKey, Key};
use crate::object::Object;
use crate::token::{self, Base};

/// Seed of everything random in the corpus.
const SEED: u64 = 0x6175_7468_6265_6e63;

/// Claims of the published tokens; the suite's are those of a live login. They expire in the year 2286.
const CLAIMS: &str = r#"{"iss":"https://issuer.authbench.example","sub":"u00000001","aud":"https://api.authbench.example","client_id":"authbench","exp":9999999999,"iat":1700000000,"jti":"AAECAwQFBgcICQoLDA0ODw","roles":["member","basic"],"tenant":"tenant-0001"}"#;

/// Signatures of the algorithms that sign differently each time, made once, over [`CLAIMS`] under their header.
const SEALED: &str = include_str!("../corpus/sealed.json");

/// A published file.
#[derive(Debug, Serialize)]
pub struct File {
    /// What it is and how to use it.
    pub about: &'static str,
    /// `MIT`.
    pub license: &'static str,
    /// What the names in braces stand for, where there are any.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub templates: &'static [(&'static str, &'static str)],
    /// Algorithm that the verifier must be configured with, where the cases are tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<Algorithm>,
    /// A token that must be accepted: without it a refusal proves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid: Option<String>,
    /// The cases.
    pub cases: Vec<Case>,
}

const ABOUT_TOKENS: &str = "Access tokens (RFC 9068) for a verifier configured with the key of this algorithm in keys.json \
(test keys, published: never use them elsewhere), issuer https://issuer.authbench.example, audience \
https://api.authbench.example, leeway 0, and no state. `expect` says what must come of each; `policy` marks cases where the \
standards leave a choice. A refusal counts only from a verifier that accepts `valid`.";

const ABOUT_REQUESTS: &str = "Requests against a service that speaks the HTTP contract of authbench: POST /login, GET /me, \
POST /note, /refresh, /logout, /logout-all, /password, GET and DELETE /sessions. `expect` says what must come of each.";

/// What the names in braces stand for.
pub const TEMPLATES: &[(&str, &str)] = &[
    ("host", "host and port of the service"),
    ("credential", "the header line that carries the credential of a fresh login"),
    ("id", "the session id of a fresh login"),
    ("other", "the session id of a fresh login of another subject"),
    ("access", "the access token of a fresh login"),
    ("refresh", "the refresh token of a fresh login"),
    ("length", "the number of bytes behind the first empty line, once everything else is filled in"),
    ("username", "the name of the subject that logged in"),
    (
        "operations",
        "`{id|drop 1|append A}` changes a value first: drop N, skip N, append TEXT, prepend TEXT, flip N, swapcase, upper, lower, reverse, spare, sha256, sha256hex, hex, base64, percent, parts N",
    ),
];

/// The tokens around a base, for the verifier of this algorithm.
#[must_use]
pub fn tokens(base: &Base<'_>, algorithm: Algorithm) -> Vec<Case> {
    jwt::cases(base, algorithm, SEED)
}

/// Session ids, cookies and forged requests, for backends whose credential is a cookie.
#[must_use]
pub fn cookies() -> Vec<Case> {
    cookie::cases(SEED)
}

/// Refresh tokens, for backends that have them.
#[must_use]
pub fn refreshes() -> Vec<Case> {
    refresh::cases()
}

/// The framing of messages and the places where a credential may stand, for every backend with a credential.
#[must_use]
pub fn messages() -> Vec<Case> {
    message::cases()
}

/// The base of the published tokens of an algorithm.
///
/// # Errors
/// When the test keys or the sealed signatures that are compiled in cannot be used, which a test excludes.
pub fn published_base(key: &Key) -> Result<Base<'_>, BadKey> {
    let header = format!(r#"{{"typ":"at+jwt","alg":"{}"}}"#, key.algorithm().name());
    let input = token::input(&header, CLAIMS);
    let signature = if key.algorithm().is_deterministic() {
        key.sign(input.as_bytes())
    } else {
        let sealed: serde_json::Value = serde_json::from_str(SEALED).unwrap_or_default();
        sealed[key.algorithm().name()].as_str().and_then(token::decode).unwrap_or_default()
    };
    let claims: serde_json::Value = serde_json::from_str(CLAIMS).unwrap_or_default();
    let header: serde_json::Value = serde_json::from_str(&header).unwrap_or_default();
    // Where signatures differ each time, only what needs no further one can be published.
    let signer = key.algorithm().is_deterministic().then_some(key);
    Ok(Base {
        header: Object::of(&header),
        claims: Object::of(&claims),
        key: signer,
        valid: token::seal(&input, &signature),
    })
}

/// Every published file and its name.
///
/// # Errors
/// As [`published_base`].
pub fn published() -> Result<Vec<(String, File)>, BadKey> {
    let mut files = Vec::new();
    for algorithm in Algorithm::ALL {
        let key = Key::test(algorithm)?;
        let base = published_base(&key)?;
        let mut cases = tokens(&base, algorithm);
        if algorithm != Algorithm::Hs256 {
            // What has nothing to do with the signature is published once, under HS256.
            cases.retain(jwt::depends_on_algorithm);
        }
        let file = File {
            about: ABOUT_TOKENS,
            license: "MIT",
            templates: &[],
            algorithm: Some(algorithm),
            valid: Some(base.valid.clone()),
            cases,
        };
        files.push((format!("{}.json", algorithm.name().to_lowercase()), file));
    }
    for (name, cases) in [("cookie", cookies()), ("refresh", refreshes()), ("message", messages())] {
        let file = File {
            about: ABOUT_REQUESTS,
            license: "MIT",
            templates: TEMPLATES,
            algorithm: None,
            valid: None,
            cases,
        };
        files.push((format!("{name}.json"), file));
    }
    Ok(files)
}
