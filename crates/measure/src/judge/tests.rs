//! Every answer × credential fact × promise, by tables.

use scenario::backend::StoreDown;

use super::fixture::{ACKNOWLEDGED_NS, observed};
use super::*;

const OPERATIONS: [Operation; 8] = [
    Operation::Login,
    Operation::Request,
    Operation::Write,
    Operation::Refresh,
    Operation::Logout,
    Operation::LogoutAll,
    Operation::PasswordChange,
    Operation::Replay,
];
const ENDINGS: [Ending; 4] = [Ending::Logout, Ending::LogoutAll, Ending::PasswordChange, Ending::Replaced];
const IDENTITIES: [Identity; 3] = [Identity::Expected, Identity::Wrong, Identity::Absent];
const LAGS: [Lag; 4] = [Lag::None, Lag::Lifetime, Lag::Millis(5), Lag::Never];
const LOGOUT_ALLS: [LogoutAll; 3] = [LogoutAll::Index, LogoutAll::Epoch, LogoutAll::Cannot];
/// Lifetime of an access credential in these tables.
const LIFETIME_NS: u64 = 60_000_000_000;

fn judge(revocation_lag: Lag, logout_all: LogoutAll) -> Judge {
    let promises =
        Promises { revocation_lag, logout_all, store_down: StoreDown::Closed, replicas: Replicas::Any };
    Judge::new(promises, Some(LIFETIME_NS))
}

fn every_judge() -> impl Iterator<Item = Judge> {
    LAGS.into_iter().flat_map(|lag| LOGOUT_ALLS.into_iter().map(move |all| judge(lag, all)))
}

fn facts() -> impl Iterator<Item = CredentialFact> {
    let ended = ENDINGS.map(|by| CredentialFact::Ended { by, acknowledged_ns: ACKNOWLEDGED_NS });
    [CredentialFact::None, CredentialFact::Held, CredentialFact::Ending].into_iter().chain(ended)
}

fn response(status: u16, identity: Identity) -> Answer {
    Answer::Response { status, identity }
}

#[test]
fn what_is_no_answer_is_named_whatever_is_known_of_the_credential() {
    let table = [
        (Answer::TimedOut, Outcome::TimedOut),
        (Answer::Unreachable, Outcome::ConnectionFailed),
        (Answer::TlsRefused, Outcome::ConnectionFailed),
        (Answer::Closed, Outcome::ConnectionFailed),
        (Answer::Malformed, Outcome::Malformed),
        (Answer::TooLarge, Outcome::Malformed),
        (Answer::NothingHeld, Outcome::NothingHeld),
        (response(503, Identity::Absent), Outcome::Unavailable),
        (response(500, Identity::Absent), Outcome::ServerError),
        (response(504, Identity::Absent), Outcome::ServerError),
        (response(404, Identity::Absent), Outcome::Unexpected),
        (response(302, Identity::Absent), Outcome::Unexpected),
        (response(100, Identity::Absent), Outcome::Unexpected),
    ];
    for judge in every_judge() {
        for operation in OPERATIONS {
            for fact in facts() {
                for (answer, expected) in table {
                    assert_eq!(judge.outcome(&observed(operation, answer, fact, 0)), expected, "{answer:?}");
                }
            }
        }
    }
}

#[test]
fn somebody_else_is_wrong_whatever_is_promised() {
    for judge in every_judge() {
        for operation in OPERATIONS {
            for fact in facts() {
                for status in [200, 204] {
                    let seen = observed(operation, response(status, Identity::Wrong), fact, 0);
                    assert_eq!(judge.outcome(&seen), Outcome::WrongSubject);
                }
            }
        }
    }
}

#[test]
fn a_success_that_must_name_the_subject_and_does_not_is_outside_the_contract() {
    for judge in every_judge() {
        for operation in OPERATIONS {
            let seen = observed(operation, response(200, Identity::Absent), CredentialFact::Held, 0);
            let expected = match operation {
                Operation::Request | Operation::Replay => Outcome::Unexpected,
                _ => Outcome::Ok,
            };
            assert_eq!(judge.outcome(&seen), expected, "{operation:?}");
        }
    }
}

#[test]
fn refusals_are_right_exactly_when_something_is_against_the_credential() {
    for judge in every_judge() {
        for operation in OPERATIONS {
            for fact in facts() {
                for identity in IDENTITIES {
                    for status in [400, 401, 403, 429] {
                        let expected = match (status, operation, fact) {
                            (400, operation, _) if operation != Operation::Refresh => Outcome::Unexpected,
                            (_, _, CredentialFact::None | CredentialFact::Held) => Outcome::WronglyRejected,
                            (_, _, CredentialFact::Ended { .. } | CredentialFact::Ending) => {
                                Outcome::RejectedAsExpected
                            }
                        };
                        let seen = observed(operation, response(status, identity), fact, 0);
                        assert_eq!(judge.outcome(&seen), expected, "{status} {operation:?} {fact:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn before_the_acknowledgement_either_answer_is_right() {
    for judge in every_judge() {
        for operation in OPERATIONS {
            let fact = CredentialFact::Ending;
            let yes = observed(operation, response(200, Identity::Expected), fact, 0);
            let no = observed(operation, response(401, Identity::Absent), fact, 0);
            assert_eq!(judge.outcome(&yes), Outcome::Ok);
            assert_eq!(judge.outcome(&no), Outcome::RejectedAsExpected);
        }
    }
}

#[test]
fn only_a_backend_that_says_so_may_lack_an_operation() {
    for judge in every_judge() {
        for operation in OPERATIONS {
            let seen = observed(operation, response(501, Identity::Absent), CredentialFact::Held, 0);
            let never = judge.promises.revocation_lag == Lag::Never;
            let allowed = match operation {
                Operation::LogoutAll => judge.promises.logout_all == LogoutAll::Cannot,
                Operation::PasswordChange | Operation::Logout => never,
                _ => false,
            };
            let expected = if allowed { Outcome::RejectedAsExpected } else { Outcome::ServerError };
            assert_eq!(judge.outcome(&seen), expected, "{operation:?} {judge:?}");
        }
    }
}

/// Promise, ending, operation, overrun in nanoseconds → may an ended credential still be let in?
#[test]
fn an_ended_credential_is_let_in_only_as_declared() {
    use Lag::{Lifetime, Millis, Never, None};
    use LogoutAll::{Cannot, Index};
    use Operation::{Refresh, Replay, Request};
    const MS: u64 = 1_000_000;
    let table = [
        // No lag: the first request sent after the acknowledgement must be refused.
        (None, Index, Ending::Logout, Request, 0, false),
        (None, Index, Ending::LogoutAll, Replay, 1, false),
        (None, Index, Ending::PasswordChange, Replay, 1, false),
        (None, Index, Ending::Replaced, Request, 1, false),
        // "Log out everywhere" that cannot: this device's logout still counts.
        (None, Cannot, Ending::Logout, Replay, 1, false),
        (None, Cannot, Ending::LogoutAll, Replay, 3600 * 1000 * MS, true),
        (None, Cannot, Ending::PasswordChange, Replay, 1, true),
        (None, Cannot, Ending::Replaced, Replay, 1, false),
        // A bounded lag: the bound itself is inside.
        (Millis(5), Index, Ending::Logout, Replay, 5 * MS, true),
        (Millis(5), Index, Ending::Logout, Replay, 5 * MS + 1, false),
        (Millis(5), Cannot, Ending::LogoutAll, Replay, 5 * MS + 1, true),
        // Until it expires by itself.
        (Lifetime, Cannot, Ending::Logout, Replay, LIFETIME_NS, true),
        (Lifetime, Cannot, Ending::Logout, Replay, LIFETIME_NS + 1, false),
        (Lifetime, Cannot, Ending::LogoutAll, Replay, LIFETIME_NS + 1, false),
        (Lifetime, Index, Ending::LogoutAll, Replay, LIFETIME_NS, true),
        (Lifetime, Index, Ending::Replaced, Request, LIFETIME_NS, true),
        // No lag covers a refresh token.
        (Lifetime, Index, Ending::Logout, Refresh, 0, false),
        (Lifetime, Index, Ending::LogoutAll, Refresh, 0, false),
        (Lifetime, Index, Ending::Replaced, Refresh, 0, false),
        (Lifetime, Cannot, Ending::LogoutAll, Refresh, 0, true),
        (Lifetime, Cannot, Ending::Replaced, Refresh, 0, false),
        (Millis(5), Index, Ending::Logout, Refresh, 0, false),
        // The control promises nothing.
        (Never, Cannot, Ending::Logout, Request, u64::MAX - ACKNOWLEDGED_NS - 1, true),
        (Never, Cannot, Ending::Replaced, Refresh, 1, true),
    ];
    for (lag, all, by, operation, overrun_ns, declared) in table {
        let fact = CredentialFact::Ended { by, acknowledged_ns: ACKNOWLEDGED_NS };
        let seen = observed(operation, response(200, Identity::Expected), fact, overrun_ns);
        let expected = if declared { Outcome::AcceptedAsDeclared } else { Outcome::WronglyAccepted };
        assert_eq!(
            judge(lag, all).outcome(&seen),
            expected,
            "{lag:?} {all:?} {by:?} {operation:?} {overrun_ns}"
        );
    }
}

#[test]
fn logging_out_twice_is_harmless_and_a_lifetime_that_is_not_known_bounds_nothing() {
    let fact = CredentialFact::Ended { by: Ending::Logout, acknowledged_ns: ACKNOWLEDGED_NS };
    let twice = observed(Operation::Logout, response(204, Identity::Absent), fact, 1);
    assert_eq!(judge(Lag::None, LogoutAll::Index).outcome(&twice), Outcome::Ok);

    let promises = judge(Lag::Lifetime, LogoutAll::Index).promises;
    let late = observed(Operation::Replay, response(200, Identity::Expected), fact, u64::MAX / 2);
    assert_eq!(Judge::new(promises, None).outcome(&late), Outcome::AcceptedAsDeclared);
}

#[test]
fn a_node_local_login_is_refused_elsewhere_as_declared() {
    let promises = |replicas| Promises {
        revocation_lag: Lag::None,
        logout_all: LogoutAll::Index,
        store_down: StoreDown::Unaffected,
        replicas,
    };
    let refused = |credential, replica| Observation {
        replica: Some(replica),
        issuer: Some(1),
        ..observed(Operation::Request, response(401, Identity::Absent), credential, 0)
    };
    let local = Judge::new(promises(Replicas::NodeLocal), None);
    assert_eq!(local.outcome(&refused(CredentialFact::Held, 2)), Outcome::RejectedAsDeclared);
    // The replica that took the login has no excuse.
    assert_eq!(local.outcome(&refused(CredentialFact::Held, 1)), Outcome::WronglyRejected);
    // What has ended is refused as it should be, wherever that is; a login carries no credential.
    let ended = CredentialFact::Ended { by: Ending::Logout, acknowledged_ns: 1 };
    assert_eq!(local.outcome(&refused(ended, 2)), Outcome::RejectedAsExpected);
    assert_eq!(local.outcome(&refused(CredentialFact::None, 2)), Outcome::WronglyRejected);
    let any = Judge::new(promises(Replicas::Any), None);
    assert_eq!(any.outcome(&refused(CredentialFact::Held, 2)), Outcome::WronglyRejected);
}
