//! Statements about refresh tokens. Backends without them refuse to refresh, and that is asserted too.

use std::sync::Arc;

use auth::mechanism::RenewalChoice;
use auth::{Access, Error, Presented, Rejection, Verdict};
use tokio::task::JoinSet;

use crate::harness::{ALICE, BOB, Case, Held, T0};

/// Past every grace window, long before any access token ends.
const LATER: u64 = T0 + 60_000;

/// A login and its refresh token; `None` (asserted) where nothing is renewed.
async fn renewable(case: &Case) -> Option<(Held, String)> {
    let held = case.login(ALICE, T0).await;
    let Some(token) = held.refresh().map(str::to_owned) else {
        assert_eq!(case.mechanism.renewal, RenewalChoice::None);
        assert!(matches!(case.backend.refresh(held.text(), T0).await, Err(Error::Unsupported(_))));
        return None;
    };
    Some((held, token))
}

async fn refreshed(case: &Case, token: &str, now: u64) -> Option<Held> {
    case.backend.refresh(token, now).await.unwrap().map(Held)
}

pub(crate) async fn a_refresh_token_is_good_once(case: Case) {
    let Some((_, first)) = renewable(&case).await else { return };
    let next = refreshed(&case, &first, T0).await.expect("a fresh token is accepted");
    assert!(case.lets_in(&next, T0).await);
    assert_ne!(next.refresh(), Some(&first[..]));
    // A second tab, a moment later: refused, but nothing else happens.
    assert_eq!(refreshed(&case, &first, T0 + 1).await, None);
    let third = refreshed(&case, next.refresh().unwrap(), T0 + 2).await.expect("the head still works");
    assert!(case.lets_in(&third, T0 + 2).await);
    for nonsense in ["", "A", &"A".repeat(86), &"=".repeat(86), &first[1..]] {
        assert_eq!(refreshed(&case, nonsense, T0).await, None, "{nonsense}");
    }
}

pub(crate) async fn of_many_refreshes_at_once_one_succeeds(case: Case) {
    let Some((_, token)) = renewable(&case).await else { return };
    let mut clients = JoinSet::new();
    for _ in 0..64 {
        let (backend, token) = (Arc::clone(&case.backend), token.clone());
        clients.spawn(async move { backend.refresh(&token, T0).await });
    }
    let mut heads = Vec::new();
    while let Some(done) = clients.join_next().await {
        heads.extend(done.unwrap().unwrap().map(Held));
    }
    assert_eq!(heads.len(), 1, "exactly one exchange succeeds, the others are refused");
    let head = heads[0].refresh().unwrap();
    assert!(refreshed(&case, head, T0).await.is_some(), "and it is the head of a living family");
}

pub(crate) async fn reuse_ends_the_family(case: Case) {
    let Some((held, first)) = renewable(&case).await else { return };
    let second = refreshed(&case, &first, T0).await.unwrap();
    let third = refreshed(&case, second.refresh().unwrap(), T0).await.unwrap();
    let other = case.login(ALICE, T0).await;
    // Two generations behind: no grace at any time.
    assert_eq!(refreshed(&case, &first, T0).await, None);
    assert_eq!(refreshed(&case, third.refresh().unwrap(), T0).await, None, "the family lives on after reuse");
    assert!(refreshed(&case, other.refresh().unwrap(), T0).await.is_some(), "another login went with it");
    assert!(case.lets_in(&held, T0).await, "without checks the access token lives until it expires");

    let (_, first) = renewable(&case).await.unwrap();
    let second = refreshed(&case, &first, T0).await.unwrap();
    assert_eq!(refreshed(&case, &first, LATER).await, None);
    assert_eq!(refreshed(&case, second.refresh().unwrap(), LATER).await, None, "grace has ended");
}

pub(crate) async fn refreshing_never_outlives_the_login(case: Case) {
    let Some((held, mut token)) = renewable(&case).await else { return };
    let RenewalChoice::Refresh { lifetime_ms, .. } = case.mechanism.renewal else { unreachable!() };
    let (end, step) = (T0 + lifetime_ms, held.life_s() * 1000 - 1000);
    let mut now = T0;
    while now + step < end {
        now += step;
        let next = refreshed(&case, &token, now).await.expect("in force");
        assert!(now + next.life_s() * 1000 <= end, "an access token outlives the login");
        token = next.refresh().unwrap().to_owned();
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
