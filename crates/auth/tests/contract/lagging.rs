//! Statements about several nodes: how long another one still lets in what was ended, and what a new one knows.

use std::sync::Arc;

use auth::mechanism::{CredentialChoice, LogoutAll, View};
use auth::store::AnySubscription;
use auth::store::feed::{Message, Subscription};
use auth::{Access, Rejection, Verdict};

use crate::harness::{ALICE, BOB, Backend, Case, Held, PATIENCE, T0};

/// Whether this node lets it in. Refusing to answer is not letting in.
async fn node_lets_in(node: &Arc<Backend>, held: &Held, now: u64) -> bool {
    matches!(node.verify(held.presented(), Access::Read, now).await, Ok(Verdict::Accepted { .. }))
}

pub(crate) async fn another_node_refuses_what_was_ended_within_the_declared_lag(case: Case) {
    let (held, other) = (case.login(ALICE, T0).await, case.login(BOB, T0).await);
    let node = case.another_node().await;
    if !case.mechanism.uses_shared_store() || !case.is_checked() {
        // A token speaks for itself everywhere; what one process keeps in its memory no other knows.
        // (What the tests keep in Redis for it they all know: then there is nothing to see.)
        if case.redis.is_some() && case.is_checked() {
            return;
        }
        let carried = !matches!(case.mechanism.credential, CredentialChoice::Opaque { .. });
        assert_eq!(node_lets_in(&node, &held, T0).await, carried);
        case.backend.logout(held.presented(), held.refresh(), T0).await.unwrap();
        assert_eq!(node_lets_in(&node, &held, T0).await, carried);
        return;
    }
    let lag = case.mechanism.lag_ms();
    for (subject, ended_by_all) in [(&held, false), (&other, true)] {
        if ended_by_all && case.mechanism.logout_all() == LogoutAll::Cannot {
            continue;
        }
        assert!(node_lets_in(&node, subject, T0).await, "a login is known everywhere");
        let verdict = if ended_by_all {
            case.backend.logout_all(subject.presented(), T0).await.unwrap()
        } else {
            case.backend.logout(subject.presented(), None, T0).await.unwrap()
        };
        assert!(matches!(verdict, Verdict::Accepted { .. }));
        assert!(!case.lets_in(subject, T0).await, "the node that ended it knows at once");
        if lag > 0 {
            assert!(node_lets_in(&node, subject, T0 + lag - 1).await, "the lag is promised, and it is there");
        }
        assert!(!node_lets_in(&node, subject, T0 + lag).await, "a lag of {lag} ms and not more");
        assert!(!node_lets_in(&node, subject, T0 + 10 * lag + 1).await, "and it stays so");
    }
}

pub(crate) async fn a_node_that_comes_later_knows_what_was_ended(case: Case) {
    if !case.mechanism.uses_shared_store() || !case.is_checked() {
        assert!(case.mechanism.lag_ms() == 0);
        return;
    }
    let (ended, live) = (case.login(ALICE, T0).await, case.login(BOB, T0).await);
    case.backend.logout(ended.presented(), None, T0).await.unwrap();
    let node = case.another_node().await;
    let verdict = node.verify(ended.presented(), Access::Read, T0).await.unwrap();
    assert_eq!(verdict, Verdict::Rejected(Rejection::Revoked));
    assert!(node_lets_in(&node, &live, T0).await);
}

pub(crate) async fn a_node_that_follows_the_log_knows_after_one_reading(case: Case) {
    let node = case.another_node().await;
    if !case.mechanism.checks.iter().any(|check| check.view.follows_the_log()) {
        assert!(!node.upkeep().is_some_and(|upkeep| upkeep.listens));
        return;
    }
    let (first, second) = (case.login(ALICE, T0).await, case.login(ALICE, T0).await);
    let other = case.login(BOB, T0).await;
    case.backend.logout(first.presented(), None, T0).await.unwrap();
    assert!(node_lets_in(&node, &first, T0).await, "not read yet");
    node.sync(T0 + 10).await.unwrap();
    let verdict = node.verify(first.presented(), Access::Read, T0 + 10).await.unwrap();
    assert_eq!(verdict, Verdict::Rejected(Rejection::Revoked));
    assert!(node_lets_in(&node, &second, T0 + 10).await && node_lets_in(&node, &other, T0 + 10).await);

    // More than one page of the log, from both sides, and the same once more by a reading from its beginning.
    for _ in 0..70 {
        let held = case.login(ALICE, T0).await;
        node.logout(held.presented(), None, T0).await.unwrap();
        let held = case.login(ALICE, T0).await;
        case.backend.logout(held.presented(), None, T0).await.unwrap();
    }
    case.backend.logout_all(second.presented(), T0 + 20).await.unwrap();
    let again = case.login(ALICE, T0 + 20).await;
    let late = case.another_node().await;
    for node in [&node, &late] {
        node.sync(T0 + 30).await.unwrap();
        assert!(!node_lets_in(node, &second, T0 + 30).await, "the end of all logins stands in the log too");
        assert!(node_lets_in(node, &again, T0 + 30).await && node_lets_in(node, &other, T0 + 30).await);
    }
}

pub(crate) async fn a_node_that_listens_knows_at_once_and_finds_what_it_missed(case: Case) {
    let node = case.another_node().await;
    if !node.upkeep().is_some_and(|upkeep| upkeep.listens) {
        assert!(!case.mechanism.checks.iter().any(|check| matches!(check.view, View::Pushed { .. })));
        return;
    }
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(case.login(ALICE, T0).await);
    }
    let end = async |held: &Held| {
        case.backend.logout(held.presented(), None, T0).await.unwrap();
    };
    let mut subscription = node.subscribe().await.unwrap();
    end(&held[0]).await;
    node.hear(told(&mut subscription).await, T0).await.unwrap();
    assert!(!node_lets_in(&node, &held[0], T0).await, "told, not read");
    assert!(node_lets_in(&node, &held[1], T0).await);

    end(&held[1]).await;
    let lost = told(&mut subscription).await;
    assert!(node_lets_in(&node, &held[1], T0).await, "a message that never arrived");
    end(&held[2]).await;
    node.hear(told(&mut subscription).await, T0).await.unwrap();
    for held in &held[1..3] {
        assert!(!node_lets_in(&node, held, T0).await, "the gap was seen and filled from the log");
    }
    node.hear(lost, T0).await.unwrap();
    assert!(
        !node_lets_in(&node, &held[1], T0).await && node_lets_in(&node, &held[3], T0).await,
        "late, twice"
    );

    drop(subscription);
    end(&held[3]).await;
    assert!(node_lets_in(&node, &held[3], T0).await, "cut off");
    node.sync(T0 + 1).await.unwrap();
    assert!(!node_lets_in(&node, &held[3], T0 + 1).await, "the heartbeat finds it without any message");
    let mut subscription = node.subscribe().await.unwrap();
    end(&held[4]).await;
    node.hear(told(&mut subscription).await, T0).await.unwrap();
    assert!(!node_lets_in(&node, &held[4], T0 + 1).await, "connected again");
}

async fn told(subscription: &mut AnySubscription) -> Message {
    let message = tokio::time::timeout(PATIENCE, subscription.next()).await;
    message.expect("a message comes").expect("the subscription lives")
}
