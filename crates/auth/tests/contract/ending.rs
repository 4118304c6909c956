//! Statements about ending a login: nothing that was ended works again, nothing else ends with it.

use std::sync::Arc;

use auth::mechanism::{CheckKind, CredentialChoice, LogoutAll};
use auth::{Access, Error, LoginAnswer, Presented, Rejection, Verdict};
use tokio::task::JoinSet;

use crate::harness::{ALICE, BOB, Case, Held, PASSWORD, T0};

/// What the design declares after the end of a login: refused at once, or let in until it expires by itself.
async fn assert_ended(case: &Case, held: &Held, now: u64) {
    match case.mechanism.credential {
        CredentialChoice::BareSubject => assert!(case.lets_in(held, now).await, "the control ends nothing"),
        _ if case.is_checked() => {
            assert_eq!(case.verdict(held, now).await, Verdict::Rejected(Rejection::Revoked));
        }
        _ => {
            assert!(case.lets_in(held, now).await, "without checks a token lives until it expires");
            let end = T0 + held.life_s() * 1000;
            assert_eq!(case.verdict(held, end).await, Verdict::Rejected(Rejection::Expired));
        }
    }
}

pub(crate) async fn logout_ends_this_login_and_no_other(case: Case) {
    let (first, second) = (case.login(ALICE, T0).await, case.login(ALICE, T0).await);
    let other = case.login(BOB, T0).await;
    let verdict = case.backend.logout(first.presented(), first.refresh(), T0).await.unwrap();
    assert!(matches!(verdict, Verdict::Accepted { .. }));
    assert_ended(&case, &first, T0).await;
    assert_eq!(case.lets_in(&second, T0).await, !case.mechanism.logout_ends_all(), "the user's other device");
    assert!(case.lets_in(&other, T0).await);
    if case.is_checked() {
        let again = case.backend.logout(first.presented(), None, T0).await.unwrap();
        assert!(matches!(again, Verdict::Rejected(_)), "an ended login cannot log out");
    }
    let nobody = case.backend.logout(Presented::default(), None, T0).await.unwrap();
    assert_eq!(nobody, Verdict::Rejected(Rejection::Missing));
}

pub(crate) async fn logout_everywhere_ends_all_as_promised(case: Case) {
    let held = [case.login(ALICE, T0).await, case.login(ALICE, T0).await, case.login(ALICE, T0).await];
    let other = case.login(BOB, T0).await;
    let answer = case.backend.logout_all(held[0].presented(), T0).await;
    if case.mechanism.logout_all() == LogoutAll::Cannot {
        assert!(matches!(answer, Err(Error::Unsupported(_))));
        assert!(case.lets_in(&held[1], T0).await);
        return;
    }
    assert!(matches!(answer.unwrap(), Verdict::Accepted { .. }));
    for held in &held {
        assert_ended(&case, held, T0).await;
        if let Some(refresh) = held.refresh() {
            assert_eq!(case.backend.refresh(refresh, T0).await.unwrap(), None);
        }
    }
    // The same millisecond: coarse marks would either spare the old or refuse the new.
    let again = case.login(ALICE, T0).await;
    assert!(case.lets_in(&again, T0).await && case.lets_in(&other, T0).await);
    let verdict = case.backend.logout_all(again.presented(), T0).await.unwrap();
    assert!(matches!(verdict, Verdict::Accepted { .. }));
    assert_ended(&case, &again, T0).await;
    let nobody = case.backend.logout_all(Presented::default(), T0).await.unwrap();
    assert_eq!(nobody, Verdict::Rejected(Rejection::Missing));

    // A replica whose clock is half a minute ahead issued this one.
    let ahead = case.login(ALICE, T0 + 30_000).await;
    let present = case.login(ALICE, T0).await;
    case.backend.logout_all(present.presented(), T0).await.unwrap();
    if case.is_checked() {
        assert!(!case.lets_in(&ahead, T0 + 30_000).await, "a clock ahead must not save a token");
    }
}

pub(crate) async fn changing_the_password_ends_the_other_logins(case: Case) {
    let (kept, lost) = (case.login(ALICE, T0).await, case.login(ALICE, T0).await);
    let new = "a much longer password, of more than sixty-four characters, 0123456789 €";
    assert!(new.len() > 64);
    let change =
        async |current: &str| case.backend.change_password(kept.presented(), current, new, T0).await.unwrap();
    assert_eq!(change("wrong").await, None);
    assert!(case.lets_in(&lost, T0).await, "a refused change ends nothing");
    assert!(matches!(change(PASSWORD).await, Some(Verdict::Accepted { .. })));
    assert!(case.lets_in(&kept, T0).await, "the device that changed it stays");
    if case.mechanism.logout_all() != LogoutAll::Cannot {
        assert_ended(&case, &lost, T0).await;
    }
    if let (Some(kept), Some(lost)) = (kept.refresh(), lost.refresh()) {
        assert_eq!(case.backend.refresh(lost, T0).await.unwrap(), None);
        assert!(case.backend.refresh(kept, T0).await.unwrap().is_some());
    }
    let attempt =
        async |password: &str| case.backend.login(ALICE, password, Presented::default(), T0).await.unwrap();
    assert_eq!(attempt(PASSWORD).await, LoginAnswer::Rejected);
    assert!(matches!(attempt(new).await, LoginAnswer::Granted(_)));
    case.login(BOB, T0).await;
    let nobody = case.backend.change_password(Presented::default(), new, new, T0).await.unwrap();
    assert_eq!(nobody, Some(Verdict::Rejected(Rejection::Missing)));
}

pub(crate) async fn a_disabled_user_is_out_as_promised(case: Case) {
    let held = [case.login(ALICE, T0).await, case.login(ALICE, T0).await];
    let other = case.login(BOB, T0).await;
    case.backend.disable(ALICE, T0).await.unwrap();
    let answer = case.backend.login(ALICE, PASSWORD, Presented::default(), T0).await.unwrap();
    assert_eq!(answer, LoginAnswer::Rejected);
    for held in &held {
        assert_ended(&case, held, T0).await;
        if let Some(refresh) = held.refresh() {
            assert_eq!(case.backend.refresh(refresh, T0).await.unwrap(), None);
        }
    }
    assert!(case.lets_in(&other, T0).await);
}

pub(crate) async fn an_ended_login_is_not_brought_back_by_a_late_write(case: Case) {
    let held = Arc::new(case.login(ALICE, T0).await);
    let mut writers = JoinSet::new();
    for number in 0..64 {
        let (backend, held) = (Arc::clone(&case.backend), Arc::clone(&held));
        writers.spawn(async move {
            if number == 32 {
                return backend.logout(held.presented(), held.refresh(), T0).await.map(|_| ());
            }
            match backend.note(held.presented(), T0).await {
                Ok(_) | Err(Error::Store(_)) => Ok(()),
                Err(error) => Err(error),
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap().unwrap();
    }
    assert_ended(&case, &held, T0).await;
    if case.is_checked() {
        let late = case.backend.note(held.presented(), T0).await.unwrap();
        assert_eq!(late, Verdict::Rejected(Rejection::Revoked));
        assert_ended(&case, &held, T0).await;
    }
}

pub(crate) async fn live_logins_are_counted_where_they_are_listed(case: Case) {
    let (first, second) = (case.login(ALICE, T0).await, case.login(ALICE, T0).await);
    case.login(BOB, T0).await;
    let counted = case.backend.sessions(first.presented(), T0).await;
    if !case.mechanism.index {
        assert!(matches!(counted, Err(Error::Unsupported(_))));
        return;
    }
    let (verdict, live) = counted.unwrap();
    assert!(matches!(verdict, Verdict::Accepted { .. }));
    assert_eq!(live, 2);
    case.backend.logout(second.presented(), second.refresh(), T0).await.unwrap();
    assert_eq!(case.backend.sessions(first.presented(), T0).await.unwrap().1, 1);
    let nobody = case.backend.sessions(Presented::default(), T0).await.unwrap();
    assert_eq!(nobody, (Verdict::Rejected(Rejection::Missing), 0));
}

pub(crate) async fn an_ended_login_writes_nothing_where_writes_are_checked(case: Case) {
    let held = case.login(ALICE, T0).await;
    case.backend.logout(held.presented(), held.refresh(), T0).await.unwrap();
    let checked = !case.mechanism.checks_of(Access::Write).is_empty();
    let verdict = case.backend.verify(held.presented(), Access::Write, T0).await.unwrap();
    assert_eq!(verdict == Verdict::Rejected(Rejection::Revoked), checked);
    let noted = case.backend.note(held.presented(), T0).await.unwrap();
    assert_eq!(noted == Verdict::Rejected(Rejection::Revoked), checked);
    if !case.is_checked() {
        assert!(case.lets_in(&held, T0).await, "reads are not checked");
    }
}

pub(crate) async fn a_user_row_is_seen_by_the_next_request(case: Case) {
    if !case.mechanism.has(CheckKind::UserRow) {
        return;
    }
    let (first, second) = (case.login(ALICE, T0).await, case.login(ALICE, T0).await);
    let new = "another long password";
    let change = async |held: &Held, current: &str, new: &str| {
        let changed = case.backend.change_password(held.presented(), current, new, T0).await.unwrap();
        assert!(matches!(changed, Some(Verdict::Accepted { .. })));
    };
    change(&first, PASSWORD, new).await;
    assert!(case.lets_in(&first, T0).await);
    assert_eq!(case.verdict(&second, T0).await, Verdict::Rejected(Rejection::Revoked));
    let answer = case.backend.login(ALICE, new, Presented::default(), T0).await.unwrap();
    let LoginAnswer::Granted(grant) = answer else { panic!("{answer:?}") };
    let third = Held(grant);
    assert!(case.lets_in(&third, T0).await, "a login under the new mark");
    change(&third, new, PASSWORD).await;
    assert_eq!(case.verdict(&first, T0).await, Verdict::Rejected(Rejection::Revoked), "spared once only");
    let other = case.login(BOB, T0).await;
    case.backend.disable(ALICE, T0).await.unwrap();
    assert_eq!(case.verdict(&third, T0).await, Verdict::Rejected(Rejection::Revoked));
    assert!(case.lets_in(&other, T0).await);
}

pub(crate) async fn a_rotated_key_ends_what_it_signed(case: Case) {
    let held = case.login(ALICE, T0).await;
    let rotated = case.backend.rotate_key(T0).await;
    if !matches!(case.mechanism.credential, CredentialChoice::Jwt(_) | CredentialChoice::SignedCookie { .. })
    {
        assert!(matches!(rotated, Err(Error::Unsupported(_))));
        return;
    }
    rotated.unwrap();
    let overlap_ms = match &case.mechanism.credential {
        CredentialChoice::Jwt(jwt) => jwt.key_overlap_ms.unwrap_or(0),
        _ => 0,
    };
    assert_eq!(case.lets_in(&held, T0).await, overlap_ms > 0);
    assert_eq!(case.verdict(&held, T0 + overlap_ms).await, Verdict::Rejected(Rejection::Invalid));
    let fresh = case.login(ALICE, T0).await;
    let verdict = case.backend.verify(fresh.presented(), Access::Read, T0).await.unwrap();
    assert!(matches!(verdict, Verdict::Accepted { .. }));
    assert!(!case.mechanism.has(CheckKind::Epoch) || case.mechanism.logout_all() == LogoutAll::Epoch);
}
