//! Handing out a credential and writing the state that its checks will ask for.
//!
//! **The index is written before the record.** A crash between the two leaves a member without a record, which ends by
//! itself; the other order would leave a live login that nobody can find.

use super::family::NewFamily;
use super::{Authenticator, Credential};
use crate::answer::{Grant, UnixMillis};
use crate::credential::cookie::NewCookie;
use crate::credential::jwt::{JwtCredential, NewToken, Stamp, TokenFacts};
use crate::credential::opaque;
use crate::credential::status::StatusRef;
use crate::directory::Directory;
use crate::error::Error;
use crate::mechanism::{CheckKind, RenewalChoice};
use crate::principal::Principal;
use crate::record::{EpochRecord, LiveRecord, UserRow};
use crate::store::{Index, Key, Kind, Span, Store};

/// What the control calls the life of its credential, seconds; nothing ever checks it.
pub(super) const BARE_LIFE_S: u64 = 86_400;

/// A credential and the state that goes with it, nothing written yet.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) grant: Grant,
    /// What the index lists: the login's id, or its family.
    pub(super) member: Vec<u8>,
    /// The end of what the index lists.
    pub(super) until: UnixMillis,
    /// A record to write, its kind and id.
    pub(super) record: Option<(Kind, Vec<u8>, Vec<u8>)>,
}

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// A new login of this user, whose row was just read.
    pub(super) async fn grant(
        &self,
        principal: &Principal,
        row: &UserRow,
        now: UnixMillis,
    ) -> Result<Grant, Error> {
        let epoch = if self.mechanism.has(CheckKind::UserRow) {
            Some(row.mark)
        } else {
            self.current_epoch(principal.subject(), now).await?
        };
        let stamp = Stamp { epoch, status: self.places(1, now).await?.next() };
        let issued = self.issue(principal, stamp, now)?;
        let span = Span { now, until: issued.until };
        if self.mechanism.index {
            self.store.add(principal.subject().as_bytes(), &issued.member, span).await?;
        }
        if let Some((kind, id, value)) = &issued.record
            && !self.store.put_new(Key { kind: *kind, id }, value, self.kept_for(span)).await?
        {
            return Err(Error::Crypto("a new random id is already in use".into()));
        }
        Ok(issued.grant)
    }

    /// How long the store keeps a login's record untouched.
    pub(super) fn kept_for(&self, span: Span) -> Span {
        match self.mechanism.renewal {
            RenewalChoice::Sliding { inactivity_ms } => {
                Span { until: span.until.min(span.now.saturating_add(inactivity_ms)), ..span }
            }
            _ => span,
        }
    }

    /// Makes a credential.
    pub(super) fn issue(
        &self,
        principal: &Principal,
        stamp: Stamp,
        now: UnixMillis,
    ) -> Result<Issued, Error> {
        match &self.credential {
            Credential::BareSubject => Ok(Issued {
                grant: tokens(principal.subject().to_owned(), BARE_LIFE_S, None),
                member: Vec::new(),
                until: now,
                record: None,
            }),
            Credential::Opaque { lifetime_ms } => {
                let (value, digest) = opaque::issue()?;
                let until = now.saturating_add(*lifetime_ms);
                let principal = Some(principal.clone());
                let record = LiveRecord { until, since: now, notes: 0, mark: stamp.epoch, principal };
                Ok(Issued {
                    grant: Grant::Cookie { value, max_age_s: lifetime_ms / 1000 },
                    member: digest.to_vec(),
                    until,
                    record: Some((Kind::Live, digest.to_vec(), record.encode())),
                })
            }
            Credential::SignedCookie(cookies) => {
                let NewCookie { value, id, until } =
                    cookies.issue(principal, stamp.epoch.unwrap_or(0), now)?;
                Ok(Issued {
                    grant: Grant::Cookie { value, max_age_s: until.saturating_sub(now) / 1000 },
                    member: id.to_vec(),
                    until,
                    record: self.listed(&id, until, now),
                })
            }
            Credential::Jwt(jwt) => self.issue_tokens(jwt, principal, stamp, now),
        }
    }

    /// The entry of a credential that carries its principal itself in the list of live ones, where there is a list.
    fn listed(&self, id: &[u8; 16], until: UnixMillis, now: UnixMillis) -> Option<(Kind, Vec<u8>, Vec<u8>)> {
        self.mechanism.has(CheckKind::LiveList).then(|| {
            let record = LiveRecord { until, since: now, notes: 0, mark: None, principal: None };
            (Kind::Live, id.to_vec(), record.encode())
        })
    }

    fn issue_tokens(
        &self,
        jwt: &JwtCredential,
        principal: &Principal,
        stamp: Stamp,
        now: UnixMillis,
    ) -> Result<Issued, Error> {
        if let RenewalChoice::Minted { lifetime_ms, .. } = self.mechanism.renewal {
            return self.issue_session(jwt, principal, lifetime_ms, now);
        }
        let facts = TokenFacts { now, stamp, family: None, no_later_than: None };
        let Some(family) = NewFamily::start(&self.mechanism, principal.subject(), now)? else {
            let NewToken { text, jti, dead_at, expires_in_s } = jwt.issue(principal, facts)?;
            return Ok(Issued {
                grant: tokens(text, expires_in_s, None),
                member: stamp.status.map_or(jti, StatusRef::to_id).to_vec(),
                until: dead_at,
                record: self.listed(&jti, dead_at, now),
            });
        };
        let facts =
            TokenFacts { family: Some(&family.digest), no_later_than: Some(family.record.until), ..facts };
        let token = jwt.issue(principal, facts)?;
        Ok(Issued {
            grant: tokens(token.text, token.expires_in_s, Some(family.token)),
            member: family.digest.to_vec(),
            until: family.record.until,
            record: Some((Kind::Family, family.digest.to_vec(), family.record.encode())),
        })
    }

    /// The user's mark, zero when there is none; `None` where no check asks for it.
    pub(super) async fn current_epoch(&self, subject: &str, now: UnixMillis) -> Result<Option<u64>, Error> {
        if !self.mechanism.has(CheckKind::Epoch) {
            return Ok(None);
        }
        let found = self.store.get(Key { kind: Kind::Epoch, id: subject.as_bytes() }, now).await?;
        let mark = found.as_deref().map(EpochRecord::decode).transpose()?;
        Ok(Some(mark.filter(|epoch| epoch.until > now).map_or(0, |epoch| epoch.mark)))
    }
}

pub(super) fn tokens(access: String, expires_in_s: u64, refresh: Option<String>) -> Grant {
    Grant::Tokens { access, expires_in_s, refresh }
}
