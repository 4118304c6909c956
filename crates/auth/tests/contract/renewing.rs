//! Statements about refresh tokens. Backends without them refuse to refresh, and that is asserted too.

use std::collections::BTreeSet;
use std::sync::Arc;

use auth::mechanism::{RenewalChoice, Retry, Reuse, RotationChoice};
use auth::{Access, Error, Presented, Rejection, Verdict};
use tokio::task::JoinSet;

use crate::harness::{ALICE, BOB, Case, Held, T0};

/// Past every grace window, long before any access token ends.
const LATER: u64 = T0 + 60_000;

/// A login and its refresh token; `None` (asserted) where nothing is renewed.
async fn renewable(case: &Case) -> Option<(Held, String)> {
    let held = case.login(ALICE, T0).await;
    let Some(token) = held.refresh().map(str::to_owned) else {
        let renewal = case.mechanism.renewal;
        assert!(matches!(renewal, RenewalChoice::None | RenewalChoice::Sliding { .. }));
        assert!(matches!(case.backend.refresh(held.text(), T0).await, Err(Error::Unsupported(_))));
        return None;
    };
    Some((held, token))
}

async fn refreshed(case: &Case, token: &str, now: u64) -> Option<Held> {
    case.backend.refresh(token, now).await.unwrap().map(Held)
}

/// The refresh token to be used next: a response without one leaves the old one in force.
fn next<'a>(held: &'a Held, token: &'a str) -> &'a str {
    held.refresh().unwrap_or(token)
}

fn rotation(case: &Case) -> Option<RotationChoice> {
    match case.mechanism.renewal {
        RenewalChoice::Refresh(choice) => choice.rotation,
        // A session stays what it is, however many tokens are minted from it.
        _ => None,
    }
}

pub(crate) async fn a_refresh_token_is_good_as_long_as_declared(case: Case) {
    let Some((_, first)) = renewable(&case).await else { return };
    let second = refreshed(&case, &first, T0).await.expect("a fresh token is accepted");
    assert!(case.lets_in(&second, T0).await);
    match rotation(&case) {
        None => {
            assert_eq!(second.refresh(), None, "the old one stays in force");
            assert!(refreshed(&case, &first, LATER).await.is_some());
        }
        Some(rotation) => {
            let head = second.refresh().expect("another one").to_owned();
            assert_ne!(head, first);
            // A second tab, a moment later.
            let retry = refreshed(&case, &first, T0 + 1).await;
            match rotation.retry {
                Retry::Refuse => assert_eq!(retry, None, "refused, but nothing else happens"),
                Retry::Answer => {
                    let retry = retry.expect("a retry is answered");
                    assert_eq!(retry.refresh(), Some(&head[..]), "with the same head, not with another one");
                    assert!(case.lets_in(&retry, T0 + 1).await);
                }
            }
            let third = refreshed(&case, &head, T0 + 2).await.expect("the head still works");
            assert!(case.lets_in(&third, T0 + 2).await);
        }
    }
    for nonsense in ["", "A", &"A".repeat(86), &"=".repeat(86), &first[1..]] {
        assert_eq!(refreshed(&case, nonsense, T0).await, None, "{nonsense}");
    }
}

pub(crate) async fn many_refreshes_at_once_leave_one_head(case: Case) {
    let Some((_, token)) = renewable(&case).await else { return };
    let mut clients = JoinSet::new();
    for _ in 0..64 {
        let (backend, token) = (Arc::clone(&case.backend), token.clone());
        clients.spawn(async move { backend.refresh(&token, T0).await });
    }
    let mut granted = Vec::new();
    while let Some(done) = clients.join_next().await {
        granted.extend(done.unwrap().unwrap().map(Held));
    }
    let expected = match rotation(&case) {
        Some(RotationChoice { retry: Retry::Refuse, .. }) => 1,
        _ => 64,
    };
    assert_eq!(granted.len(), expected, "those that lose the race get what the design declares");
    let heads: BTreeSet<&str> = granted.iter().map(|held| next(held, &token)).collect();
    assert_eq!(heads.len(), 1, "a family with several heads");
    let head = heads.first().unwrap();
    assert!(refreshed(&case, head, T0).await.is_some(), "and it is the head of a living family");
}

pub(crate) async fn reuse_does_what_is_declared(case: Case) {
    let Some((held, first)) = renewable(&case).await else { return };
    let Some(rotation) = rotation(&case) else { return };
    let lives_on = rotation.reuse == Reuse::Refuse;
    let second = refreshed(&case, &first, T0).await.unwrap();
    let third = refreshed(&case, second.refresh().unwrap(), T0).await.unwrap();
    let other = case.login(ALICE, T0).await;
    // Two generations behind: no grace at any time.
    assert_eq!(refreshed(&case, &first, T0).await, None);
    assert_eq!(refreshed(&case, third.refresh().unwrap(), T0).await.is_some(), lives_on);
    assert!(refreshed(&case, other.refresh().unwrap(), T0).await.is_some(), "another login went with it");
    assert!(case.lets_in(&held, T0).await, "without checks the access token lives until it expires");

    let (_, first) = renewable(&case).await.unwrap();
    let second = refreshed(&case, &first, T0).await.unwrap();
    assert_eq!(refreshed(&case, &first, LATER).await, None);
    assert_eq!(
        refreshed(&case, second.refresh().unwrap(), LATER).await.is_some(),
        lives_on,
        "grace has ended"
    );
}

pub(crate) async fn refreshing_never_outlives_the_login(case: Case) {
    let Some((held, mut token)) = renewable(&case).await else { return };
    let (end, step) = (T0 + case.mechanism.login_lifetime_ms().unwrap(), held.life_s() * 1000 - 1000);
    let mut now = T0;
    while now + step < end {
        now += step;
        let next = refreshed(&case, &token, now).await.expect("in force");
        assert!(now + next.life_s() * 1000 <= end, "an access token outlives the login");
        token = next.refresh().map_or(token, str::to_owned);
    }
    assert!(refreshed(&case, &token, end).await.is_none(), "the absolute end is the end");
    let last = refreshed(&case, &token, end - 1500).await.expect("one and a half seconds before it");
    assert_eq!(last.life_s(), 2, "whole seconds: floor of now to floor of the end");
    assert_eq!(case.verdict(&last, end).await, Verdict::Rejected(Rejection::Expired));
}

pub(crate) async fn access_and_refresh_tokens_are_not_interchangeable(case: Case) {
    let Some((held, token)) = renewable(&case).await else { return };
    let as_access = Presented { cookie: Some(&token), bearer: Some(&token) };
    let verdict = case.backend.verify(as_access, Access::Read, T0).await.unwrap();
    assert_eq!(verdict, Verdict::Rejected(Rejection::Invalid));
    assert_eq!(refreshed(&case, held.text(), T0).await, None);
}

pub(crate) async fn logout_ends_the_family(case: Case) {
    let Some((held, token)) = renewable(&case).await else { return };
    case.backend.logout(held.presented(), None, T0).await.unwrap();
    assert_eq!(refreshed(&case, &token, T0).await, None, "the access token alone names its family");

    let (held, token) = renewable(&case).await.unwrap();
    let late = T0 + held.life_s() * 1000;
    let verdict = case.backend.logout(held.presented(), Some(&token), late).await.unwrap();
    assert!(matches!(verdict, Verdict::Accepted { .. }), "an expired access token does not prevent it");
    assert_eq!(refreshed(&case, &token, late).await, None);

    let (_, token) = renewable(&case).await.unwrap();
    let thief = case.login(BOB, T0).await;
    case.backend.logout(thief.presented(), Some(&token), T0).await.unwrap();
    assert!(refreshed(&case, &token, T0).await.is_some(), "another user's logout ended it");
}
