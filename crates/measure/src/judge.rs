//! Was an answer right? Facts of the generator, held against what the backend declares.
//!
//! Pure: no clock, no I/O, no mechanism. The generator says what the client knew of the credential it sent; the
//! backend file says how long an ended credential may go on working; this module puts the two together.

use loadgen::{Answer, CredentialFact, Ending, Identity, Observation};
use scenario::Operation;
use scenario::backend::{Lag, LogoutAll, Promises, Replicas};

use crate::block::Outcome;

/// What answers of one backend are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judge {
    promises: Promises,
    /// Longest life of an access credential, leeway included, nanoseconds; absent where it is not known.
    access_lifetime_ns: Option<u64>,
}

/// How a server answered, by the HTTP contract of [`scenario::wire`].
enum Reading {
    LetIn(Identity),
    Refused,
    /// 501: the backend has no such operation.
    Cannot,
    Is(Outcome),
}

impl Judge {
    /// `access_lifetime_ns` bounds a lag of `lifetime`; without it such a lag has no bound that could be checked.
    #[must_use]
    pub fn new(promises: Promises, access_lifetime_ns: Option<u64>) -> Self {
        Self { promises, access_lifetime_ns }
    }

    /// The outcome of one operation.
    #[must_use]
    pub fn outcome(&self, observation: &Observation) -> Outcome {
        let operation = observation.operation;
        match read(operation, observation.answer) {
            Reading::Is(outcome) => outcome,
            Reading::LetIn(Identity::Wrong) => Outcome::WrongSubject,
            Reading::LetIn(Identity::Absent) if names_subject(operation) => Outcome::Unexpected,
            Reading::LetIn(_) => self.let_in(observation),
            Reading::Refused => match observation.credential {
                CredentialFact::Held if self.is_unknown_there(observation) => Outcome::RejectedAsDeclared,
                CredentialFact::None | CredentialFact::Held => Outcome::WronglyRejected,
                CredentialFact::Ended { .. } | CredentialFact::Ending => Outcome::RejectedAsExpected,
            },
            Reading::Cannot if self.may_lack(operation) => Outcome::RejectedAsExpected,
            Reading::Cannot => Outcome::ServerError,
        }
    }

    /// Does the backend say of itself that this replica does not know this credential?
    fn is_unknown_there(&self, observation: &Observation) -> bool {
        let elsewhere = match (observation.replica, observation.issuer) {
            (Some(replica), Some(issuer)) => replica != issuer,
            _ => false,
        };
        self.promises.replicas == Replicas::NodeLocal && elsewhere
    }

    fn let_in(&self, observation: &Observation) -> Outcome {
        match observation.credential {
            CredentialFact::None | CredentialFact::Held | CredentialFact::Ending => Outcome::Ok,
            // Logging out twice harms nobody: RFC 7009 §2.2 answers it with success as well.
            CredentialFact::Ended { .. } if observation.operation == Operation::Logout => Outcome::Ok,
            CredentialFact::Ended { by, acknowledged_ns } => {
                let overrun_ns = observation.sent_ns.saturating_sub(acknowledged_ns);
                if self.declares(observation.operation, by, overrun_ns) {
                    Outcome::AcceptedAsDeclared
                } else {
                    Outcome::WronglyAccepted
                }
            }
        }
    }

    /// Does the backend say of itself that a credential still works this long after its end was acknowledged?
    fn declares(&self, operation: Operation, by: Ending, overrun_ns: u64) -> bool {
        let lag = self.promises.revocation_lag;
        if lag == Lag::Never {
            return true;
        }
        let out_of_reach = matches!(by, Ending::LogoutAll | Ending::PasswordChange)
            && self.promises.logout_all == LogoutAll::Cannot;
        // A refresh token is looked up on every use: no lag covers it, and one that was exchanged is spent.
        if operation == Operation::Refresh {
            return out_of_reach && by != Ending::Replaced;
        }
        match lag {
            Lag::Never => true,
            Lag::Lifetime => self.access_lifetime_ns.is_none_or(|lifetime| overrun_ns <= lifetime),
            Lag::Millis(millis) => out_of_reach || overrun_ns <= millis.saturating_mul(1_000_000),
            Lag::None => out_of_reach,
        }
    }

    /// May it answer 501 to this?
    fn may_lack(&self, operation: Operation) -> bool {
        match operation {
            Operation::LogoutAll => self.promises.logout_all == LogoutAll::Cannot,
            Operation::PasswordChange | Operation::Logout => self.promises.revocation_lag == Lag::Never,
            _ => false,
        }
    }
}

/// Must a success name the subject?
fn names_subject(operation: Operation) -> bool {
    matches!(operation, Operation::Request | Operation::Replay)
}

fn read(operation: Operation, answer: Answer) -> Reading {
    let (status, identity) = match answer {
        Answer::Response { status, identity } => (status, identity),
        Answer::TimedOut => return Reading::Is(Outcome::TimedOut),
        Answer::Unreachable | Answer::TlsRefused | Answer::Closed => {
            return Reading::Is(Outcome::ConnectionFailed);
        }
        Answer::Malformed | Answer::TooLarge => return Reading::Is(Outcome::Malformed),
        Answer::NothingHeld => return Reading::Is(Outcome::NothingHeld),
    };
    match status {
        200 | 204 => Reading::LetIn(identity),
        // RFC 6749 §5.2: an invalid grant is a 400.
        400 if operation == Operation::Refresh => Reading::Refused,
        401 | 403 | 429 => Reading::Refused,
        501 => Reading::Cannot,
        503 => Reading::Is(Outcome::Unavailable),
        500..=599 => Reading::Is(Outcome::ServerError),
        _ => Reading::Is(Outcome::Unexpected),
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
