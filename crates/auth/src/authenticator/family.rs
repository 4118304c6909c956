//! Refresh families: rotation, reuse, grace. **A family is one key**, changed by compare-and-set alone.
//!
//! A refresh token is `family id ‖ secret`, 32 random bytes each. The store knows the digest of the id (the key) and of
//! the secret in force (in the value). Only holders of a token of the family know its id, so whoever presents the id
//! with another secret holds an older token.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use super::login::tokens;
use super::{Authenticator, Credential};
use crate::answer::{Grant, UnixMillis};
use crate::credential::jwt::TokenFacts;
use crate::credential::opaque::sha256;
use crate::credential::random;
use crate::directory::Directory;
use crate::error::Error;
use crate::mechanism::{Mechanism, RenewalChoice};
use crate::record::FamilyRecord;
use crate::store::{Index, Key, Kind, Span, Store};

/// Length of a refresh token: 64 bytes as unpadded base64url.
pub(super) const TOKEN_LEN: usize = 86;

/// A family not written yet.
#[derive(Debug)]
pub(super) struct NewFamily {
    pub(super) token: String,
    pub(super) digest: [u8; 32],
    pub(super) record: FamilyRecord,
}

impl NewFamily {
    /// A new family, where the mechanism has them.
    pub(super) fn start(
        mechanism: &Mechanism,
        subject: &str,
        now: UnixMillis,
    ) -> Result<Option<Self>, Error> {
        let RenewalChoice::Refresh { lifetime_ms, .. } = mechanism.renewal else { return Ok(None) };
        let (id, secret) = (random::<32>()?, random::<32>()?);
        let record = FamilyRecord {
            until: now.saturating_add(lifetime_ms),
            head: sha256(&secret),
            replaced: None,
            generation: 0,
            subject: subject.to_owned(),
        };
        Ok(Some(Self { token: token_text(&id, &secret), digest: sha256(&id), record }))
    }
}

/// A refresh token taken apart.
#[derive(Debug)]
pub(super) struct Handle {
    id: [u8; 32],
    pub(super) digest: [u8; 32],
    secret: [u8; 32],
}

impl Handle {
    /// `None`: not one of ours by form.
    pub(super) fn read(token: &str) -> Option<Self> {
        let mut bytes = [0u8; 64];
        if token.len() != TOKEN_LEN || URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()? != bytes.len() {
            return None;
        }
        let (id, secret): (&[u8; 32], &[u8; 32]) = (bytes.first_chunk()?, bytes.last_chunk()?);
        Some(Self { id: *id, digest: sha256(id), secret: sha256(secret) })
    }

    pub(super) fn key(&self) -> Key<'_> {
        family_key(&self.digest)
    }

    /// Whether its secret is in force, or was until the last rotation.
    pub(super) fn opens(&self, family: &FamilyRecord) -> bool {
        self.is(&family.head) || family.replaced.is_some_and(|(secret, _)| self.is(&secret))
    }

    fn is(&self, secret: &[u8; 32]) -> bool {
        verify_slices_are_equal(&self.secret, secret).is_ok()
    }
}

pub(super) fn family_key(digest: &[u8; 32]) -> Key<'_> {
    Key { kind: Kind::Family, id: digest }
}

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// A family as it stands, unless its absolute end has come.
    pub(super) async fn family(
        &self,
        digest: &[u8; 32],
        now: UnixMillis,
    ) -> Result<Option<(Bytes, FamilyRecord)>, Error> {
        let Some(value) = self.store.get(family_key(digest), now).await? else { return Ok(None) };
        let record = FamilyRecord::decode(&value)?;
        Ok((record.until > now).then_some((value, record)))
    }

    pub(super) async fn rotate(&self, refresh_token: &str, now: UnixMillis) -> Result<Option<Grant>, Error> {
        let (RenewalChoice::Refresh { grace_ms, .. }, Credential::Jwt(jwt)) =
            (self.mechanism.renewal, &self.credential)
        else {
            return Err(Error::Unsupported("refresh: nothing is renewed"));
        };
        let Some(handle) = Handle::read(refresh_token) else { return Ok(None) };
        let Some((old, record)) = self.family(&handle.digest, now).await? else { return Ok(None) };
        if !handle.is(&record.head) {
            let tolerated = record
                .replaced
                .is_some_and(|(secret, at)| handle.is(&secret) && now.saturating_sub(at) < grace_ms);
            if !tolerated {
                self.end_family(&handle.digest, &record.subject, now).await?;
            }
            return Ok(None);
        }
        let Some(principal) = self.directory.principal(&record.subject) else { return Ok(None) };
        if !self.mechanism.index && self.user_row(&record.subject, now).await?.1.disabled {
            // Without an index, disabling the user could not end the family.
            return Ok(None);
        }
        let secret = random::<32>()?;
        let next = FamilyRecord {
            head: sha256(&secret),
            replaced: Some((record.head, now)),
            generation: record.generation + 1,
            ..record
        };
        let facts =
            TokenFacts { now, epoch: None, family: Some(&handle.digest), no_later_than: Some(next.until) };
        let access = jwt.issue(&principal, facts)?;
        let span = Span { now, until: next.until };
        if !self.store.replace_if(handle.key(), &old, &next.encode(), span).await? {
            // Another exchange of the same token won, or the family ended meanwhile.
            return Ok(None);
        }
        Ok(Some(tokens(access.text, access.expires_in_s, Some(token_text(&handle.id, &secret)))))
    }

    /// Ends a family: the record first, then its place in the index.
    pub(super) async fn end_family(
        &self,
        digest: &[u8; 32],
        subject: &str,
        now: UnixMillis,
    ) -> Result<(), Error> {
        self.store.take(family_key(digest), now).await?;
        if self.mechanism.index {
            self.store.remove(subject.as_bytes(), &[Bytes::copy_from_slice(digest)], now).await?;
        }
        Ok(())
    }
}

fn token_text(id: &[u8; 32], secret: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode([&id[..], secret].concat())
}
