//! One mechanism over one store: everything a server can ask of a backend.

use crate::answer::{Access, Grant, LoginAnswer, Presented, UnixMillis, Verdict};
use crate::error::Error;

/// A backend: credential, checks, view and renewal over a store of type `S`.
#[derive(Debug)]
pub struct Authenticator<S> {
    store: S,
}

/// A subject to provision: created without hashing (all share one precomputed hash).
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// Who.
    pub principal: &'a crate::Principal,
}

#[expect(
    unused_variables,
    clippy::todo,
    clippy::unused_async,
    reason = "signatures that server and auth agree on"
)]
impl<S> Authenticator<S> {
    /// Checks the password and hands out a credential.
    pub async fn login(&self, username: &str, password: &str, now: UnixMillis) -> Result<LoginAnswer, Error> {
        todo!()
    }
    /// Who presents this? Runs the checks the backend names for this kind of access.
    pub async fn verify(
        &self,
        presented: Presented<'_>,
        access: Access,
        now: UnixMillis,
    ) -> Result<Verdict, Error> {
        todo!()
    }
    /// A write on the login's own record where there is one (`POST /note`), after [`Self::verify`] accepted it.
    pub async fn note(&self, presented: Presented<'_>, now: UnixMillis) -> Result<Verdict, Error> {
        todo!()
    }
    /// Exchanges a refresh token. `Ok(None)`: not accepted (`invalid_grant`).
    pub async fn refresh(&self, refresh_token: &str, now: UnixMillis) -> Result<Option<Grant>, Error> {
        todo!()
    }
    /// Ends this login (and its refresh family).
    pub async fn logout(
        &self,
        presented: Presented<'_>,
        refresh_token: Option<&str>,
        now: UnixMillis,
    ) -> Result<Verdict, Error> {
        todo!()
    }
    /// Ends every login of the presenting subject.
    pub async fn logout_all(&self, presented: Presented<'_>, now: UnixMillis) -> Result<Verdict, Error> {
        todo!()
    }
    /// Changes the password and ends the other logins. `Ok(None)`: current password wrong.
    pub async fn change_password(
        &self,
        presented: Presented<'_>,
        current: &str,
        new: &str,
        now: UnixMillis,
    ) -> Result<Option<Verdict>, Error> {
        todo!()
    }
    /// Number of live logins of the presenting subject; `Unsupported` where none are listed.
    pub async fn sessions(&self, presented: Presented<'_>, now: UnixMillis) -> Result<(Verdict, u64), Error> {
        todo!()
    }
    /// Operator: disables a user; their logins end as the backend promises.
    pub async fn disable(&self, username: &str, now: UnixMillis) -> Result<(), Error> {
        todo!()
    }
    /// Operator: a new signing key; older ones stop verifying. `Unsupported` without keys.
    pub async fn rotate_key(&self) -> Result<(), Error> {
        todo!()
    }
    /// Bulk set-up, unmeasured: `count` live logins for each account, pipelined to the store.
    pub async fn provision(&self, accounts: &[Account<'_>], now: UnixMillis) -> Result<Vec<Grant>, Error> {
        todo!()
    }
    /// Bulk set-up, unmeasured: as many logins that are created and revoked at once.
    pub async fn provision_revoked(&self, accounts: &[Account<'_>], now: UnixMillis) -> Result<(), Error> {
        todo!()
    }
    /// The four choices, algorithm and sizes, for the recording.
    pub fn describe(&self) -> serde_json::Value {
        todo!()
    }
}
