//! Short access tokens minted from a session: the session's id travels only to where tokens are minted.

use super::Authenticator;
use super::login::{Issued, tokens};
use crate::answer::{Grant, UnixMillis};
use crate::credential::jwt::{JwtCredential, Stamp, TokenFacts};
use crate::credential::opaque;
use crate::directory::Directory;
use crate::error::Error;
use crate::principal::Principal;
use crate::record::LiveRecord;
use crate::store::{Index, Key, Kind, Store};

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// A session and the first token minted from it, nothing written yet.
    pub(super) fn issue_session(
        &self,
        jwt: &JwtCredential,
        principal: &Principal,
        lifetime_ms: u64,
        now: UnixMillis,
    ) -> Result<Issued, Error> {
        let (session, digest) = opaque::issue()?;
        let until = now.saturating_add(lifetime_ms);
        let record =
            LiveRecord { until, since: now, notes: 0, mark: None, principal: Some(principal.clone()) };
        let access = jwt.issue(principal, of_session(&digest, until, now))?;
        Ok(Issued {
            grant: Grant::Minted {
                access: access.text,
                expires_in_s: access.expires_in_s,
                session,
                max_age_s: lifetime_ms / 1000,
            },
            member: digest.to_vec(),
            until,
            record: Some((Kind::Live, digest.to_vec(), record.encode())),
        })
    }

    /// Another token from a session that has not ended.
    pub(super) async fn mint(
        &self,
        jwt: &JwtCredential,
        session: &str,
        now: UnixMillis,
    ) -> Result<Option<Grant>, Error> {
        let Some((digest, principal, until)) = self.session(session, now).await? else { return Ok(None) };
        let Some(principal) = self.renewable(principal.subject(), now).await? else { return Ok(None) };
        let access = jwt.issue(&principal, of_session(&digest, until, now))?;
        Ok(Some(tokens(access.text, access.expires_in_s, None)))
    }

    /// Digest, user and end of a session, unless it has ended.
    pub(super) async fn session(
        &self,
        session: &str,
        now: UnixMillis,
    ) -> Result<Option<([u8; 32], Principal, UnixMillis)>, Error> {
        let Some(digest) = opaque::open(session) else { return Ok(None) };
        let Some(value) = self.store.get(Key { kind: Kind::Live, id: &digest }, now).await? else {
            return Ok(None);
        };
        let LiveRecord { until, principal, .. } = LiveRecord::decode(&value)?;
        Ok(principal.filter(|_| until > now).map(|principal| (digest, principal, until)))
    }
}

/// What a token minted from this session says besides its principal.
fn of_session(digest: &[u8; 32], until: UnixMillis, now: UnixMillis) -> TokenFacts<'_> {
    TokenFacts { now, stamp: Stamp::default(), family: Some(digest), no_later_than: Some(until) }
}
