//! The published corpus is what the generator makes, and each case says what it must.

#![expect(clippy::expect_used, reason = "helpers of tests may fail the test")]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use conformance::corpus::{self, published, published_base};
use conformance::token::{Base, decode};
use conformance::{Algorithm, Case, Expect, Key, Send};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// `UPDATE=1 cargo test -p conformance` writes the files anew.
#[test]
fn the_published_files_are_what_the_generator_makes() {
    let update = std::env::var_os("UPDATE").is_some();
    if update {
        seal();
    }
    for (name, file) in published().expect("the corpus") {
        let text = format!("{}\n", serde_json::to_string_pretty(&file).expect("JSON"));
        let path = folder().join(&name);
        if update {
            fs::write(&path, &text).expect("written");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(text == committed, "{name} is not what the generator makes; UPDATE=1 writes it anew");
    }
}

/// Signs once what is signed differently each time, unless a signature that verifies is there.
fn seal() {
    let mut sealed = serde_json::Map::new();
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_deterministic()) {
        let key = Key::test(algorithm).expect("a test key");
        let base = published_base(&key).expect("a base");
        let (input, old) = base.split();
        let old = decode(old).unwrap_or_default();
        let signature = if key.verifies(input.as_bytes(), &old) { old } else { key.sign(input.as_bytes()) };
        sealed.insert(algorithm.name().to_owned(), conformance::token::encode(signature).into());
    }
    let text = format!("{}\n", serde_json::to_string_pretty(&sealed).expect("JSON"));
    fs::write(folder().join("sealed.json"), text).expect("written");
}

#[test]
fn every_published_base_verifies() {
    for algorithm in Algorithm::ALL {
        let key = Key::test(algorithm).expect("a test key");
        let base = published_base(&key).expect("a base");
        let (input, signature) = base.split();
        assert!(key.verifies(input.as_bytes(), &decode(signature).expect("base64url")), "{algorithm:?}");
    }
}

fn all() -> Vec<(String, Case)> {
    let files = published().expect("the corpus");
    files
        .into_iter()
        .flat_map(|(name, file)| file.cases.into_iter().map(move |case| (name.clone(), case)))
        .collect()
}

#[test]
fn there_are_far_more_than_five_hundred_distinct_attacks() {
    let all = all();
    let attacks: HashSet<String> = all
        .iter()
        .filter(|(_, case)| case.expect == Expect::Refuse)
        .map(|(_, case)| serde_json::to_string(&case.send).expect("JSON"))
        .collect();
    assert!(attacks.len() >= 900, "{} distinct attacks", attacks.len());
    let tokens = all.iter().filter(|(name, _)| name == "hs256.json").count();
    assert!(tokens >= 500, "{tokens} tokens for HS256");
    let ids: HashSet<(&String, &String)> = all.iter().map(|(name, case)| (name, &case.id)).collect();
    assert_eq!(ids.len(), all.len(), "an id is given twice");
    for (name, case) in &all {
        assert!(!case.source.is_empty() && !case.what.is_empty(), "{name} {}", case.id);
        assert!(conformance::statement::find(&case.statement).is_some(), "{name} {}", case.id);
    }
}

#[test]
fn the_same_seed_gives_the_same_cases() {
    assert_eq!(all(), all());
}

/// What a refusal is worth depends on the signature: all that is refused for another reason carries a valid one.
#[test]
fn claims_are_refused_under_a_valid_signature() {
    let key = Key::test(Algorithm::Hs256).expect("a test key");
    let base = published_base(&key).expect("a base");
    let groups = [
        "date-type",
        "date-size",
        "date-float",
        "expiry",
        "issuer",
        "audience",
        "type",
        "members",
        "duplicate",
        "json",
        "depth",
        "size",
        "critical",
    ];
    let mut seen = HashSet::new();
    for case in corpus::tokens(&base, Algorithm::Hs256) {
        let (group, _) = case.id.split_once('/').expect("group and number");
        let Send::Bearer(token) = &case.send else { panic!("{}: not a token", case.id) };
        let unsigned = case.what.contains("no signature")
            || case.what.contains("of nothing")
            || case.what.contains("dots");
        if !groups.contains(&group) || unsigned {
            continue;
        }
        seen.insert(group.to_owned());
        let (input, signature) = token.rsplit_once('.').expect("a signature");
        let signature = decode(signature).expect("base64url");
        assert!(
            key.verifies(input.as_bytes(), &signature),
            "{} ({}) is not validly signed",
            case.id,
            case.what
        );
    }
    assert_eq!(seen.len(), groups.len(), "{seen:?}");
}

#[test]
fn without_a_key_only_unsigned_attacks_are_made() {
    let key = Key::test(Algorithm::Es256).expect("a test key");
    let published = published_base(&key).expect("a base");
    let base = Base::of(&published.valid, None).expect("a token");
    let cases = corpus::tokens(&base, Algorithm::Es256);
    assert!(cases.len() > 200, "{}", cases.len());
    for case in cases.iter().filter(|case| case.expect == Expect::Refuse) {
        let Send::Bearer(token) = &case.send else { panic!("{}: not a token", case.id) };
        let parts: Vec<&str> = token.split('.').collect();
        if let [header, payload, signature] = parts[..]
            && let Some(signature) = decode(signature)
        {
            let input = format!("{header}.{payload}");
            assert!(
                !key.verifies(input.as_bytes(), &signature),
                "{} ({}) is validly signed",
                case.id,
                case.what
            );
        }
    }
}
