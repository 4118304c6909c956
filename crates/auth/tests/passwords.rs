//! Argon2id logins: right and wrong, shed when the queue is full, and the order in which a login is written.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod harness;

use std::num::NonZeroUsize;
use std::sync::Arc;

use auth::{
    AnyStore, Authenticator, Error, LoginAnswer, Mechanism, MemoryStore, PasswordScheme, PasswordSettings,
    Presented, Setup, Verdict,
};
use harness::{ALICE, Backend, PASSWORD, T0, Users, users};

fn backend(queue: usize) -> Backend {
    let directory: Users = users;
    let passwords = PasswordSettings {
        threads: NonZeroUsize::MIN,
        queue,
        ..PasswordSettings::new(PasswordScheme::Argon2id, PASSWORD)
    };
    let mechanism = Mechanism::parse(&harness::file("session-memory")).unwrap();
    let store = AnyStore::Memory(MemoryStore::new());
    Authenticator::new(Setup { mechanism, store, directory, passwords, key: None }).unwrap()
}

async fn attempt(backend: &Backend, user: &str, password: &str) -> Result<LoginAnswer, Error> {
    backend.login(user, password, Presented::default(), T0).await
}

#[tokio::test]
async fn argon2id_tells_right_from_wrong_also_after_a_change() {
    let backend = backend(8);
    assert_eq!(backend.describe(&users(ALICE).unwrap()).unwrap()["password_hash"]["memory_kib"], 19_456);
    assert_eq!(attempt(&backend, ALICE, "wrong").await.unwrap(), LoginAnswer::Rejected);
    assert_eq!(attempt(&backend, "nobody", PASSWORD).await.unwrap(), LoginAnswer::Rejected);
    let LoginAnswer::Granted(grant) = attempt(&backend, ALICE, PASSWORD).await.unwrap() else { panic!() };
    let held = harness::Held(grant);
    let long = "€".repeat(64);
    let changed = backend.change_password(held.presented(), PASSWORD, &long, T0).await.unwrap();
    assert!(matches!(changed, Some(Verdict::Accepted { .. })));
    assert_eq!(attempt(&backend, ALICE, PASSWORD).await.unwrap(), LoginAnswer::Rejected);
    assert_eq!(attempt(&backend, ALICE, &long[3..]).await.unwrap(), LoginAnswer::Rejected);
    assert!(matches!(attempt(&backend, ALICE, &long).await.unwrap(), LoginAnswer::Granted(_)));
    assert!(matches!(attempt(&backend, "u00000002", PASSWORD).await.unwrap(), LoginAnswer::Granted(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_logins_is_shed_at_once_and_counted() {
    let backend = Arc::new(backend(1));
    let mut flood = tokio::task::JoinSet::new();
    for index in 0..200 {
        let backend = Arc::clone(&backend);
        flood.spawn(async move { attempt(&backend, &format!("u{index:08}"), PASSWORD).await });
    }
    let (mut granted, mut shed) = (0, 0);
    while let Some(answer) = flood.join_next().await {
        match answer.unwrap() {
            Ok(LoginAnswer::Granted(_)) => granted += 1,
            Err(Error::Busy) => shed += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(granted > 0 && shed > 0, "{granted} granted, {shed} shed");
    assert_eq!(backend.totals().logins_shed, shed);
    assert!(
        matches!(attempt(&backend, ALICE, PASSWORD).await.unwrap(), LoginAnswer::Granted(_)),
        "it recovers"
    );
}
