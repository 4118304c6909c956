//! Issue and verify for every backend and algorithm, beside the cryptographic floor and the library alone.
//!
//! `cargo bench -p benches --bench verify` · one group: `… -- verify/library` · Redis is measured when `redis-server` is
//! on PATH. Every bench goes round 1,024 credentials with a principal of 256 bytes.
//!
//! - `floor`: the raw primitive + base64 + a plain JSON reader: what a check of a signed token costs at least.
//! - `library`: `jsonwebtoken::decode` with issuer and audience checked, as its users call it.
//! - `verify/kept`: a hit in a cache, copy or filter of the process, beside the same token without any check.
//! - `backend`: this project's verify: the library, the checks it leaves out, and the principal built.

use std::hint::black_box;

use auth::{Access, Algorithm};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use benches::backends::{HELD, KEPT, NOW, PrivateRedis, SHIPPED, Subject, at_once, file, principal};
use benches::library::{Claims, Library, SECRET, jwt_backend};
use criterion::{Criterion, criterion_group, criterion_main};

/// Life of a login in the shipped files, milliseconds.
const LIFE_MS: u64 = 8 * 3_600_000;

/// With a key of its own making.
fn jwt(algorithm: Algorithm) -> String {
    let name = algorithm.name();
    format!("[mechanism.credential]\nkind = \"jwt\"\nlifetime = \"8h\"\nalgorithm = \"{name}\"\n")
}

fn subject(text: &str) -> Subject {
    Subject::in_memory(text).unwrap_or_else(|error| panic!("{error}"))
}

/// The next index of a round.
fn next(at: &mut usize) -> usize {
    *at = (*at + 1) % HELD as usize;
    *at
}

fn verify_of(criterion: &mut Criterion, group: &str, name: &str, subject: &Subject) {
    let mut at = 0;
    criterion.benchmark_group(group).bench_function(name, |bench| {
        bench.iter(|| at_once(subject.backend.verify(subject.presented(next(&mut at)), Access::Read, NOW)));
    });
}

/// HS256: floor, library and backend on the same tokens, in the same run.
fn hs256(criterion: &mut Criterion) {
    let subject = subject(&jwt_backend(Algorithm::Hs256.name()));
    let tokens: Vec<&str> = (0..HELD as usize).filter_map(|at| subject.presented(at).bearer).collect();

    let secret = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    let floor = |token: &str| -> Option<Claims> {
        let (message, signature) = token.rsplit_once('.')?;
        let mut tag = [0u8; 33];
        let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut tag).ok()?;
        hmac::verify(&secret, message.as_bytes(), &tag[..length]).ok()?;
        let payload = URL_SAFE_NO_PAD.decode(message.split_once('.')?.1).ok()?;
        serde_json::from_slice(&payload).ok()
    };
    let theirs = Library::default();
    let library = |token: &str| theirs.claims(token);
    assert!(floor(tokens[0]).is_some() && library(tokens[0]).is_some(), "the comparison checks real tokens");

    let mut group = criterion.benchmark_group("verify/HS256");
    let mut at = 0;
    group.bench_function("floor", |bench| bench.iter(|| floor(black_box(tokens[next(&mut at)]))));
    group.bench_function("library", |bench| bench.iter(|| library(black_box(tokens[next(&mut at)]))));
    group.finish();
    verify_of(criterion, "verify/HS256", "backend", &subject);
}

fn algorithms(criterion: &mut Criterion) {
    for algorithm in Algorithm::ALL {
        let subject = subject(&jwt(algorithm));
        verify_of(criterion, "verify/algorithm", algorithm.name(), &subject);
        let principal = principal(0);
        criterion.benchmark_group("issue/algorithm").bench_function(algorithm.name(), |bench| {
            bench
                .iter(|| at_once(subject.backend.provision(&[auth::Account { principal: &principal }], NOW)));
        });
    }
}

fn memory(criterion: &mut Criterion) {
    for name in SHIPPED {
        let subject = subject(&file(name));
        verify_of(criterion, "verify/memory", name, &subject);
        // The clock moves, so that a login ends while 4,096 others are made: the store stays as full as it is.
        let principals: Vec<_> = (0..HELD).map(principal).collect();
        let (mut at, mut now) = (0, NOW);
        criterion.benchmark_group("issue/memory").bench_function(name, |bench| {
            bench.iter(|| {
                now += LIFE_MS / 4096;
                let account = auth::Account { principal: &principals[next(&mut at)] };
                at_once(subject.backend.provision(&[account], now))
            });
        });
    }
}

/// A hit in what the process keeps, with one revoked token in a hundred known; the first round fills the caches.
fn kept(criterion: &mut Criterion) {
    for name in KEPT {
        let subject = subject(&file(name));
        let principals: Vec<_> = (0..HELD / 100).map(principal).collect();
        let accounts: Vec<_> = principals.iter().map(|principal| auth::Account { principal }).collect();
        at_once(subject.backend.provision_revoked(&accounts, NOW)).unwrap_or_else(|error| panic!("{error}"));
        for at in 0..HELD as usize {
            let verdict = at_once(subject.backend.verify(subject.presented(at), Access::Read, NOW));
            assert!(matches!(verdict, Ok(auth::Verdict::Accepted { .. })), "{name}");
        }
        verify_of(criterion, "verify/kept", name, &subject);
    }
}

fn redis(criterion: &mut Criterion) {
    let Some(server) = PrivateRedis::start() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    for name in SHIPPED {
        let subject = runtime.block_on(async {
            let store = server.store().await.unwrap_or_else(|error| panic!("{error}"));
            Subject::new(&file(name), store).await.unwrap_or_else(|error| panic!("{error}"))
        });
        let mut at = 0;
        criterion.benchmark_group("verify/redis").bench_function(name, |bench| {
            bench
                .to_async(&runtime)
                .iter(|| subject.backend.verify(subject.presented(next(&mut at)), Access::Read, NOW));
        });
    }
}

criterion_group!(benches, hs256, algorithms, memory, kept, redis);
criterion_main!(benches);
