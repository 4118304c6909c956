//! One mechanism over one store: everything a server can ask of a backend.

mod checks;
mod describe;
mod ending;
mod family;
mod login;
mod loss;
mod minting;
mod provision;
mod status;
mod upkeep;
mod users;

use std::sync::Arc;

use crate::answer::{Access, Grant, LoginAnswer, Presented, UnixMillis, Verdict};
use crate::authority::Authority;
use crate::credential::cookie::CookieCredential;
use crate::credential::jwt::JwtCredential;
use crate::credential::keys::KeyMaterial;
use crate::directory::Directory;
use crate::error::Error;
use crate::mechanism::{CheckKind, CredentialChoice, Mechanism, RenewalChoice, View};
use crate::password::{Hashing, PasswordSettings, Passwords};
use crate::record::LiveRecord;
use crate::store::{Index, Key, Kind, Span, Store};
use crate::views::Reader;

pub use loss::Mark;
pub use provision::Account;
pub use upkeep::Upkeep;

/// What a backend is built from.
#[derive(Debug)]
pub struct Setup<S, D> {
    /// The four choices.
    pub mechanism: Mechanism,
    /// Where state lies. A mechanism that does not use the shared store needs memory all the same: for user rows.
    pub store: S,
    /// Who the users are.
    pub directory: D,
    /// How logins check a password.
    pub passwords: PasswordSettings,
    /// The signing key shared by the replicas of one backend; absent: a new one.
    pub key: Option<KeyMaterial>,
}

/// A backend: credential, checks, view and renewal over a store of type `S`, for the users of `D`.
#[derive(Debug)]
pub struct Authenticator<S, D> {
    mechanism: Mechanism,
    credential: Credential,
    reader: Reader,
    store: S,
    directory: D,
    passwords: Passwords,
}

/// The part of the credential choice that has code of its own.
#[derive(Debug)]
enum Credential {
    BareSubject,
    Opaque { lifetime_ms: u64 },
    SignedCookie(Box<CookieCredential>),
    Jwt(Box<JwtCredential>),
}

/// Totals since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Round trips to the store.
    pub store_round_trips: u64,
    /// Commands in them.
    pub store_commands: u64,
    /// Live logins recorded (sessions, allow-listed tokens, refresh families), where the store can count.
    pub live_entries: Option<u64>,
    /// Revoked credentials recorded, where the store can count.
    pub revoked_entries: Option<u64>,
    /// Logins refused because the hashing queue was full.
    pub logins_shed: u64,
}

/// How often a lost compare-and-set is tried again before the store counts as broken.
const ATTEMPTS: usize = 16;

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// Builds a backend: generates keys where none are given, hashes the initial password once.
    pub fn new(setup: Setup<S, D>) -> Result<Self, Error> {
        let Setup { mechanism, store, directory, passwords, key } = setup;
        let credential = match &mechanism.credential {
            CredentialChoice::BareSubject => Credential::BareSubject,
            CredentialChoice::Opaque { lifetime_ms } => Credential::Opaque { lifetime_ms: *lifetime_ms },
            CredentialChoice::SignedCookie { lifetime_ms } => {
                Credential::SignedCookie(Box::new(CookieCredential::new(*lifetime_ms, key.as_ref())?))
            }
            CredentialChoice::Jwt(choice) => {
                Credential::Jwt(Box::new(JwtCredential::new(choice, key.as_ref())?))
            }
        };
        let reader = Reader::new(&mechanism);
        Ok(Self { credential, reader, mechanism, store, directory, passwords: Passwords::start(&passwords)? })
    }

    /// The same, asking another process where its view is `authority`. Without one it is its own authority, and a
    /// request asks the store.
    #[must_use]
    pub fn with_authority(mut self, authority: Arc<dyn Authority>) -> Self {
        if let Some(View::Authority { .. }) = self.mechanism.checks.first().map(|check| check.view) {
            self.reader.ask_instead(authority);
        }
        self
    }

    /// Checks the password and hands out a new credential. A login presented along with it is replaced, so that its
    /// old id is dead at once; an id that the client invented is never adopted.
    pub async fn login(
        &self,
        username: &str,
        password: &str,
        presented: Presented<'_>,
        now: UnixMillis,
    ) -> Result<LoginAnswer, Error> {
        self.login_watched(username, password, presented, now, &Hashing::default()).await
    }

    /// As [`Self::login`], telling when it hashes.
    pub async fn login_watched(
        &self,
        username: &str,
        password: &str,
        presented: Presented<'_>,
        now: UnixMillis,
        hashing: &Hashing,
    ) -> Result<LoginAnswer, Error> {
        let (principal, row) = match self.check_password(username, password, now, hashing).await? {
            users::Checked::Right(principal, row) => (principal, row),
            users::Checked::Wrong => return Ok(LoginAnswer::Rejected),
            users::Checked::Locked => return Ok(LoginAnswer::LockedOut),
        };
        if self.mechanism.sets_cookie() && self.mechanism.records_logins() && presented.cookie.is_some() {
            self.logout(presented, None, now).await?;
        }
        let grant = self.grant(&principal, &row, now).await?;
        if !self.still_stands(username, &row, now).await? {
            self.logout(grant.presented(), None, now).await?;
            return Ok(LoginAnswer::Rejected);
        }
        Ok(LoginAnswer::Granted(grant))
    }

    /// Who presents this? Runs the checks the backend names for this kind of access, through the view it names.
    pub async fn verify(
        &self,
        presented: Presented<'_>,
        access: Access,
        now: UnixMillis,
    ) -> Result<Verdict, Error> {
        Ok(match self.admit(presented, access, now).await? {
            Ok(login) => Verdict::Accepted { principal: login.principal, replacement: None },
            Err(rejection) => Verdict::Rejected(rejection),
        })
    }

    /// A write on the login's own record where there is one (`POST /note`), after [`Self::verify`] accepted it.
    ///
    /// It is a compare-and-set: a write that comes after the login ended cannot bring the record back.
    pub async fn note(&self, presented: Presented<'_>, now: UnixMillis) -> Result<Verdict, Error> {
        for _ in 0..ATTEMPTS {
            // A record to be written must be the one in the store; a login without one is read as any request is.
            let identified = if self.mechanism.has(CheckKind::LiveList) {
                self.identify(presented, now).await?
            } else {
                self.admit(presented, Access::Write, now).await?
            };
            let login = match identified {
                Ok(login) => login,
                Err(rejection) => return Ok(Verdict::Rejected(rejection)),
            };
            let Some(old) = &login.record else {
                return Ok(Verdict::Accepted { principal: login.principal, replacement: None });
            };
            let mut record = LiveRecord::decode(old)?;
            record.notes += 1;
            let key = Key { kind: Kind::Live, id: login.id.as_bytes() };
            let span = self.kept_for(Span { now, until: record.until });
            if self.store.replace_if(key, old, &record.encode(), span).await? {
                return Ok(Verdict::Accepted { principal: login.principal, replacement: None });
            }
        }
        Err(contended())
    }

    /// Exchanges a refresh token, or mints a token from a session. `Ok(None)`: not accepted (`invalid_grant`).
    ///
    /// Of several exchanges of one token exactly one replaces it, so that a family never has two heads. What the others
    /// get is the mechanism's choice: within the grace window nothing, or what the first one got; after it they are
    /// taken for theft, and the family ends, or are refused.
    pub async fn refresh(&self, refresh_token: &str, now: UnixMillis) -> Result<Option<Grant>, Error> {
        let Credential::Jwt(jwt) = &self.credential else {
            return Err(Error::Unsupported("refresh: nothing is renewed"));
        };
        match self.mechanism.renewal {
            RenewalChoice::Refresh(choice) => self.exchange(jwt, choice, refresh_token, now).await,
            RenewalChoice::Minted { .. } => self.mint(jwt, refresh_token, now).await,
            RenewalChoice::None | RenewalChoice::Sliding { .. } => {
                Err(Error::Unsupported("refresh: nothing is renewed"))
            }
        }
    }

    /// Number of live logins of the presenting subject; `Unsupported` where none are listed.
    pub async fn sessions(&self, presented: Presented<'_>, now: UnixMillis) -> Result<(Verdict, u64), Error> {
        let login = match self.identify(presented, now).await? {
            Ok(login) => login,
            Err(rejection) => return Ok((Verdict::Rejected(rejection), 0)),
        };
        if !self.mechanism.index {
            return Err(Error::Unsupported("list the logins of a user: it keeps no index of them"));
        }
        let live = self.store.members(login.principal.subject().as_bytes(), now).await?.len() as u64;
        Ok((Verdict::Accepted { principal: login.principal, replacement: None }, live))
    }

    /// Operator: a new signing key; older ones stop verifying, or do so when the declared overlap has passed.
    /// `Unsupported` without keys.
    pub async fn rotate_key(&self, now: UnixMillis) -> Result<(), Error> {
        match &self.credential {
            Credential::Jwt(jwt) => jwt.rotate_key(now),
            Credential::SignedCookie(cookies) => cookies.rotate_key(),
            _ => Err(Error::Unsupported("rotate a signing key: it signs nothing")),
        }
    }

    /// The public keys that verify now, as a JWK set. `Unsupported` where keys have no names or no public half.
    pub fn public_keys(&self, now: UnixMillis) -> Result<serde_json::Value, Error> {
        let keys = match &self.credential {
            Credential::Jwt(jwt) => jwt.public_keys(now),
            _ => None,
        };
        keys.ok_or(Error::Unsupported("publish its keys: they have no names, or no public half"))
    }

    /// Operator: this signing key from now on, as another replica already has it. `Unsupported` without keys.
    pub async fn replace_key(&self, key: &KeyMaterial, now: UnixMillis) -> Result<(), Error> {
        match &self.credential {
            Credential::Jwt(jwt) => jwt.replace_key(key, now),
            Credential::SignedCookie(cookies) => cookies.replace_key(key),
            _ => Err(Error::Unsupported("replace a signing key: it signs nothing")),
        }
    }

    /// Totals since the start.
    pub fn totals(&self) -> Totals {
        let work = self.store.counters();
        let live = match self.mechanism.renewal {
            RenewalChoice::Refresh(_) => Some(Kind::Family),
            RenewalChoice::Minted { .. } => Some(Kind::Live),
            RenewalChoice::None | RenewalChoice::Sliding { .. } => {
                self.mechanism.has(CheckKind::LiveList).then_some(Kind::Live)
            }
        };
        let revoked = self.mechanism.has(CheckKind::DenyList).then_some(Kind::Deny);
        Totals {
            store_round_trips: work.round_trips,
            store_commands: work.commands,
            live_entries: live.and_then(|kind| self.store.count(kind)),
            revoked_entries: revoked
                .and_then(|kind| self.store.count(kind).or_else(|| self.reader.count(kind))),
            logins_shed: self.passwords.shed(),
        }
    }

    /// The store, for what the server does with it beyond this interface (sweeping memory).
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The four choices.
    pub fn mechanism(&self) -> &Mechanism {
        &self.mechanism
    }
}

fn contended() -> Error {
    Error::Store("a value kept changing under a compare-and-set".into())
}
