//! Statements about getting in: who, with what, and until when.

use auth::mechanism::{CheckKind, CredentialChoice, LogoutAll, RenewalChoice, StoreChoice};
use auth::{Access, Account, Grant, LoginAnswer, Presented, Rejection, Verdict};

use crate::harness::{ALICE, BOB, Case, Held, PASSWORD, T0, anywhere, users};

pub(crate) async fn a_login_is_let_in_as_who_it_is(case: Case) {
    for user in [ALICE, BOB] {
        let held = case.login(user, T0).await;
        for access in [Access::Read, Access::Write] {
            let verdict = case.backend.verify(held.presented(), access, T0).await.unwrap();
            assert_eq!(
                verdict,
                Verdict::Accepted { principal: users(user).unwrap(), replacement: None },
                "{access:?}"
            );
        }
        let noted = case.backend.note(held.presented(), T0).await.unwrap();
        assert!(matches!(noted, Verdict::Accepted { .. }));
        assert!(case.lets_in(&held, T0).await, "a write must not change who it is");
    }
}

pub(crate) async fn wrong_passwords_and_unknown_users_get_one_answer(case: Case) {
    let no_one = Presented::default();
    let long = "x".repeat(100_000);
    for (user, password) in [
        (ALICE, "wrong"),
        (ALICE, ""),
        (ALICE, &long),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        (&long, PASSWORD),
    ] {
        let answer = case.backend.login(user, password, no_one, T0).await.unwrap();
        assert_eq!(answer, LoginAnswer::Rejected, "{user:.20} {password:.20}");
    }
    case.login(ALICE, T0).await;
}

pub(crate) async fn what_is_missing_or_invented_is_rejected(case: Case) {
    let nothing = case.backend.verify(Presented::default(), Access::Read, T0).await.unwrap();
    assert_eq!(nothing, Verdict::Rejected(Rejection::Missing));
    let id = "A".repeat(auth::OPAQUE_LEN);
    let huge = "a.".repeat(100_000);
    for invented in ["", ".", "..", "nobody", &id, "e30.e30.e30", &huge, "ü", "\0", "a b"] {
        for presented in anywhere(invented) {
            let verdict = case.backend.verify(presented, Access::Read, T0).await.unwrap();
            assert!(matches!(verdict, Verdict::Rejected(_)), "{invented:.40} gave {verdict:?}");
        }
    }
    // A real credential in the place of another kind is no credential.
    let held = case.login(ALICE, T0).await;
    let misplaced = match held.presented() {
        Presented { cookie: Some(text), .. } => Presented { cookie: None, bearer: Some(text) },
        Presented { bearer, .. } => Presented { cookie: bearer, bearer: None },
    };
    let verdict = case.backend.verify(misplaced, Access::Read, T0).await.unwrap();
    assert_eq!(verdict, Verdict::Rejected(Rejection::Missing));
}

pub(crate) async fn a_new_login_has_a_new_credential_and_adopts_none(case: Case) {
    if case.mechanism.credential == CredentialChoice::BareSubject {
        assert_eq!(case.login(ALICE, T0).await.text(), ALICE, "the control's credential is the name");
        return;
    }
    let first = case.login(ALICE, T0).await;
    let second = case.login(ALICE, T0).await;
    assert_ne!(first.text(), second.text());
    assert!(case.lets_in(&first, T0).await && case.lets_in(&second, T0).await);

    let invented = "A".repeat(auth::OPAQUE_LEN);
    let planted = Presented { cookie: Some(&invented), bearer: None };
    let answer = case.backend.login(ALICE, PASSWORD, planted, T0).await.unwrap();
    let LoginAnswer::Granted(grant) = answer else { panic!("{answer:?}") };
    assert_ne!(Held(grant).text(), invented);
    let verdict = case.backend.verify(planted, Access::Read, T0).await.unwrap();
    assert!(matches!(verdict, Verdict::Rejected(_)), "a planted id came alive");

    let ends_one = case.mechanism.has(CheckKind::LiveList) || case.mechanism.has(CheckKind::DenyList);
    if ends_one && first.presented().cookie.is_some() {
        case.backend.login(ALICE, PASSWORD, first.presented(), T0).await.unwrap();
        assert!(!case.lets_in(&first, T0).await, "a replaced session id still works");
        assert!(case.lets_in(&second, T0).await, "another device lost its session");
    }
}

pub(crate) async fn accounts_lock_after_failures_in_a_row(case: Case) {
    let no_one = Presented::default();
    let attempt = async |user: &str, password: &str, now| {
        case.backend.login(user, password, no_one, now).await.unwrap()
    };
    for user in [ALICE, "nobody"] {
        for _ in 0..4 {
            assert_eq!(attempt(user, "wrong", T0).await, LoginAnswer::Rejected);
        }
        if user == ALICE {
            assert!(matches!(attempt(user, PASSWORD, T0).await, LoginAnswer::Granted(_)), "four are no lock");
            for _ in 0..4 {
                assert_eq!(
                    attempt(user, "wrong", T0).await,
                    LoginAnswer::Rejected,
                    "success counts from zero"
                );
            }
        }
        assert_eq!(attempt(user, "wrong", T0).await, LoginAnswer::Rejected);
        assert_eq!(attempt(user, "wrong", T0).await, LoginAnswer::LockedOut);
        assert_eq!(
            attempt(user, PASSWORD, T0).await,
            LoginAnswer::LockedOut,
            "{user}: known or not, it is locked"
        );
    }
    assert!(matches!(attempt(BOB, PASSWORD, T0).await, LoginAnswer::Granted(_)), "another account is not");
    let later = T0 + 15 * 60_000 + 1;
    assert!(matches!(attempt(ALICE, PASSWORD, later).await, LoginAnswer::Granted(_)), "a lock ends");
}

pub(crate) async fn credentials_end_on_time_by_the_clock_given(case: Case) {
    let held = case.login(ALICE, T0).await;
    if case.mechanism.credential == CredentialChoice::BareSubject {
        assert!(case.lets_in(&held, T0 + 1_000_000_000_000).await, "the control never ends");
        return;
    }
    let end = T0 + held.life_s() * 1000;
    if let RenewalChoice::Sliding { inactivity_ms } = case.mechanism.renewal {
        // Redis counts inactivity by its own clock, which no test can move.
        if case.store_name() != "redis" {
            let idle = case.login(ALICE, T0).await;
            assert!(case.lets_in(&idle, T0 + inactivity_ms - 1).await);
            assert!(case.lets_in(&idle, T0 + 2 * inactivity_ms - 2).await, "a request prolongs it");
            assert!(!case.lets_in(&idle, T0 + 3 * inactivity_ms).await, "inactive for too long");
        }
        for at in (T0..end).step_by(usize::try_from(inactivity_ms / 2).unwrap()) {
            assert!(case.lets_in(&held, at).await);
        }
    }
    assert!(case.lets_in(&held, end - 1).await);
    match case.verdict(&held, end).await {
        Verdict::Rejected(Rejection::Expired) => {}
        // A store that has collected the record cannot tell an old id from one that was ended.
        Verdict::Rejected(Rejection::Revoked) if case.mechanism.has(CheckKind::LiveList) => {}
        other => panic!("{other:?}"),
    }
    assert!(!case.lets_in(&held, end + 1_000_000).await);
}

pub(crate) async fn provisioned_logins_are_real(case: Case) {
    let principals: Vec<_> = (0..300).map(|index| users(&format!("u{:08}", index / 2)).unwrap()).collect();
    let accounts: Vec<_> = principals.iter().map(|principal| Account { principal }).collect();
    let grants = case.backend.provision(&accounts, T0).await.unwrap();
    assert_eq!(grants.len(), accounts.len());
    for (grant, principal) in grants.iter().zip(&principals).step_by(37) {
        let verdict = case.verdict(&Held(grant.clone()), T0).await;
        assert_eq!(verdict, Verdict::Accepted { principal: principal.clone(), replacement: None });
    }
    let mut texts: Vec<_> = grants.iter().map(|grant| Held(grant.clone()).text().to_owned()).collect();
    texts.sort();
    texts.dedup();
    let distinct = if case.mechanism.credential == CredentialChoice::BareSubject { 150 } else { 300 };
    assert_eq!(texts.len(), distinct);

    case.backend.provision_revoked(&accounts[..50], T0).await.unwrap();
    let totals = case.backend.totals();
    if case.store_name() == "memory" {
        let listed = case.mechanism.has(CheckKind::LiveList) || Held(grants[0].clone()).refresh().is_some();
        assert_eq!(totals.live_entries, listed.then_some(300));
        assert_eq!(totals.revoked_entries, case.mechanism.has(CheckKind::DenyList).then_some(50));
    }
    // A provisioned login ends like any other.
    let last = Held(grants[299].clone());
    if case.is_checked() {
        case.backend.logout(last.presented(), None, T0).await.unwrap();
        assert!(!case.lets_in(&last, T0).await);
        let spared = case.lets_in(&Held(grants[298].clone()), T0).await;
        assert_eq!(spared, !case.mechanism.logout_ends_all(), "the same user's other device");
        assert!(case.lets_in(&Held(grants[297].clone()), T0).await, "another user");
    }
}

pub(crate) async fn a_description_states_the_choices(case: Case) {
    let sample = users(ALICE).unwrap();
    let description = case.backend.describe(&sample).unwrap();
    let held = case.login(ALICE, T0).await;
    assert_eq!(description["credential_bytes"], held.text().len());
    assert_eq!(description["refresh_bytes"].as_u64(), held.refresh().map(|token| token.len() as u64));
    assert_eq!(description["checks"].as_array().unwrap().len(), case.mechanism.checks.len());
    assert_eq!(description["write_checks"].as_array().unwrap().len(), case.mechanism.write_checks.len());
    assert_eq!(description["store"], case.store_name());
    let life = description["access_lifetime_s"].as_f64();
    let told = matches!(case.mechanism.credential, CredentialChoice::BareSubject).then_some(None);
    assert_eq!(life, told.unwrap_or(Some(held.life_s() as f64)));
    // What the file promises is what the mechanism does.
    let file: toml::Table = case.text.parse().unwrap();
    let promised = file["promises"]["logout_all"].as_str().unwrap();
    assert_eq!(description["logout_all"], promised);
    assert_eq!(promised == "cannot", case.mechanism.logout_all() == LogoutAll::Cannot);
    let needs = file.get("needs").and_then(|needs| needs.as_array()).is_some_and(|list| !list.is_empty());
    let server = case.mechanism.uses_shared_store() && case.mechanism.store != StoreChoice::Sqlite;
    assert_eq!(server, needs, "the header's `needs`");
    let lag = match file["promises"]["revocation_lag"].as_str().unwrap() {
        "none" => Some(0),
        "lifetime" | "never" => None,
        seconds => seconds.strip_suffix('s').map(|seconds| seconds.parse::<u64>().unwrap() * 1000),
    };
    assert_eq!(lag, case.is_checked().then(|| case.mechanism.lag_ms()), "the promised lag");
    let down = file["promises"]["store_down"].as_str().unwrap();
    assert_eq!(down == "closed", case.is_checked() && case.mechanism.uses_shared_store());
    assert_eq!(down == "writes-closed", !case.mechanism.write_checks.is_empty());
    let cookie = matches!(held.0, Grant::Cookie { .. } | Grant::Minted { .. });
    assert_eq!(cookie, case.mechanism.sets_cookie());
}
