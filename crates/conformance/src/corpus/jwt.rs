//! Tokens: algorithm, key, signature, form, encoding, claims.

mod algorithm;
mod claims;
mod encoding;
mod form;
mod injection;
mod json;
mod kinds;
mod signature;

use crate::case::{Case, Cases};
use crate::key::Algorithm;
use crate::token::Base;

/// All of them, in the order of the statements.
pub(super) fn cases(base: &Base<'_>, algorithm: Algorithm, seed: u64) -> Vec<Case> {
    let mut cases = Cases::default();
    cases.group("valid", "J1", "RFC 7515 §5.2, RFC 9068 §4: the token everything else is compared with");
    cases.accept("the token itself", base.valid.clone());
    algorithm::add(&mut cases, base, algorithm);
    injection::add(&mut cases, base, algorithm);
    form::add(&mut cases, base);
    encoding::add(&mut cases, base);
    algorithm::weak_keys(&mut cases, base);
    claims::add(&mut cases, base);
    kinds::add(&mut cases, base);
    json::add(&mut cases, base);
    signature::add(&mut cases, base, algorithm, seed);
    cases.finish()
}

/// Whether a case is another one for another algorithm.
pub(super) fn depends_on_algorithm(case: &Case) -> bool {
    let group = case.id.split('/').next().unwrap_or_default();
    [
        "valid",
        "none",
        "confusion",
        "public-key-as-secret",
        "embedded-key",
        "stripped",
        "signature",
        "ecdsa",
        "rsa",
        "eddsa",
    ]
    .contains(&group)
}
