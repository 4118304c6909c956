//! Statements about the store: what a request costs there, what lies in it, and what happens without it.

use auth::mechanism::{CheckKind, CredentialChoice, RenewalChoice};
use auth::{Access, Error, Verdict};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::harness::{ALICE, Case, PATIENCE, PREFIX, T0};

pub(crate) async fn a_request_costs_one_command_per_check(case: Case) {
    let held = case.login(ALICE, T0).await;
    let cost = async |access| {
        let before = case.backend.totals();
        let verdict = case.backend.verify(held.presented(), access, T0).await.unwrap();
        assert!(matches!(verdict, Verdict::Accepted { .. }));
        let after = case.backend.totals();
        let round_trips = after.store_round_trips - before.store_round_trips;
        (round_trips, after.store_commands - before.store_commands)
    };
    let in_this_process = case.mechanism.checks.iter().any(|check| check.view.follows_the_log());
    let asks = case.store_name() != "memory" && !in_this_process;
    // Whose row it is stands in the session: that one is read first, by a round trip of its own.
    let in_turn = matches!(case.mechanism.credential, CredentialChoice::Opaque { .. });
    for access in [Access::Read, Access::Write] {
        let checks = case.mechanism.checks_of(access).len() as u64;
        let round_trips = if in_turn { checks } else { checks.min(1) };
        let once = if asks { (round_trips, checks) } else { (0, 0) };
        let lags = case.mechanism.lag_ms() > 0;
        if access == Access::Read || !lags {
            assert_eq!(cost(access).await, once, "one command per check");
        }
        assert_eq!(cost(access).await, if lags { (0, 0) } else { once }, "a lag saves something");
    }
}

pub(crate) async fn a_store_keeps_a_login_no_longer_than_it_may_be_inactive(case: Case) {
    let RenewalChoice::Sliding { inactivity_ms } = case.mechanism.renewal else { return };
    let held = case.login(ALICE, T0).await;
    let Some(redis) = &case.redis else { return };
    let left = || {
        let keys = redis.dump();
        keys.into_iter().find(|(key, ..)| key.contains(":live:")).expect("a session").2
    };
    let fits = |left: i64, from: u64| {
        let from = from as i64;
        left <= from && left > from - PATIENCE.as_millis() as i64
    };
    assert!(fits(left(), inactivity_ms), "{}", left());
    // Half a minute before its absolute end it is written once more, and then read.
    let late = T0 + held.life_s() * 1000 - 30_000;
    case.backend.note(held.presented(), late).await.unwrap();
    assert!(fits(left(), 30_000), "{}", left());
    assert!(case.lets_in(&held, late).await);
    assert!(fits(left(), inactivity_ms), "a request prolongs it: {}", left());
}

pub(crate) async fn nothing_at_rest_is_a_credential(case: Case) {
    let held = case.login(ALICE, T0).await;
    case.backend.note(held.presented(), T0).await.unwrap();
    let other = case.login(ALICE, T0).await;
    case.backend.logout(other.presented(), other.refresh(), T0).await.unwrap();
    let Some(redis) = &case.redis else { return };
    let mut secrets = vec![held.text().as_bytes().to_vec(), other.text().as_bytes().to_vec()];
    secrets.extend(held.refresh().map(|token| token.as_bytes().to_vec()));
    for text in [held.text(), held.refresh().unwrap_or("")] {
        let decoded = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        // Halves too: a refresh token is a family id and a secret.
        secrets.extend(decoded.chunks(32).filter(|half| half.len() == 32).map(<[u8]>::to_vec));
    }
    if held.text() == ALICE {
        secrets.clear();
    }
    for (key, value, _) in redis.dump() {
        for secret in &secrets {
            let found = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == &secret[..]);
            assert!(!found(key.as_bytes()) && !found(&value), "{key} gives a credential away");
        }
    }
}

pub(crate) async fn every_key_has_prefix_tag_and_time_to_live(case: Case) {
    let (held, other) = (case.login(ALICE, T0).await, case.login(ALICE, T0).await);
    let later = T0 + 60_000;
    case.backend.logout(other.presented(), other.refresh(), later).await.unwrap();
    let _ = case.backend.login(ALICE, "wrong", auth::Presented::default(), later).await.unwrap();
    let _ = case.backend.logout_all(held.presented(), later).await;
    let Some(redis) = &case.redis else { return };
    let keys = redis.dump();
    assert!(!keys.is_empty(), "at least the failed login left a row");
    for (key, _, ttl) in &keys {
        let rest = key.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix(':'));
        let (kind, id) = rest.and_then(|rest| rest.split_once(':')).expect(key);
        assert!(
            ["live", "deny", "epoch", "family", "user", "index", "feed", "status", "places"].contains(&kind),
            "{key}"
        );
        assert!(id.starts_with('{') && id.ends_with('}') && id.len() > 2, "{key} has no hash tag");
        assert!(*ttl > 0, "{key} would stay for ever");
    }
    if case.mechanism.has(CheckKind::DenyList) {
        let (key, _, ttl) = keys.iter().find(|(key, ..)| key.contains(":deny:")).expect("a denied token");
        let remaining = (other.life_s() * 1000 - 60_000) as i64;
        assert!(*ttl <= remaining, "{key} outlives the token it denies");
        assert!(*ttl > remaining - PATIENCE.as_millis() as i64, "{key} is forgotten before the token ends");
    }
}

pub(crate) async fn a_store_that_is_down_is_an_error_and_comes_back(mut case: Case) {
    let held = case.login(ALICE, T0).await;
    let Some(redis) = &mut case.redis else { return };
    redis.kill();
    let backend = &case.backend;
    let asked = !case.mechanism.checks.is_empty();
    // Past the lag nothing is believed any more that the store said before.
    let now = T0 + case.mechanism.lag_ms();
    for _ in 0..3 {
        let verdict = tokio::time::timeout(PATIENCE, backend.verify(held.presented(), Access::Read, now));
        match verdict.await.expect("no answer is the one thing that must not happen") {
            Ok(Verdict::Accepted { .. }) => assert!(!asked, "let in without its check"),
            Ok(Verdict::Rejected(rejection)) => panic!("an outage was taken for {rejection:?}"),
            Err(error) => assert!(asked && matches!(error, Error::Store(_)), "{error}"),
        }
    }
    redis.restart();
    let fresh = async {
        // The first calls find the broken connection; one of the next ones has a new one.
        loop {
            let answer = backend.login(ALICE, crate::harness::PASSWORD, auth::Presented::default(), T0).await;
            if let Ok(auth::LoginAnswer::Granted(grant)) = answer {
                return crate::harness::Held(grant);
            }
            tokio::task::yield_now().await;
        }
    };
    let fresh = tokio::time::timeout(PATIENCE, fresh).await.expect("it reconnects");
    assert!(case.lets_in(&fresh, T0).await);
}
