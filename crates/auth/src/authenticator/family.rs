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
use super::{ATTEMPTS, Authenticator, contended};
use crate::answer::{Grant, UnixMillis};
use crate::credential::jwt::{JwtCredential, Stamp, TokenFacts};
use crate::credential::opaque::sha256;
use crate::credential::random;
use crate::directory::Directory;
use crate::error::Error;
use crate::mechanism::{Mechanism, RefreshChoice, RenewalChoice, Retry, Reuse};
use crate::principal::Principal;
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
        let RenewalChoice::Refresh(RefreshChoice { lifetime_ms, .. }) = mechanism.renewal else {
            return Ok(None);
        };
        let (id, secret) = (random::<32>()?, random::<32>()?);
        let record = FamilyRecord {
            until: now.saturating_add(lifetime_ms),
            head: sha256(&secret),
            replaced: None,
            generation: 0,
            subject: subject.to_owned(),
            salt: None,
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
    secret_digest: [u8; 32],
}

/// What a presented token is to its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The one in force.
    Head,
    /// The one replaced last, within the grace window.
    Retry,
    /// An older one, or one outside the window.
    Reused,
}

impl Handle {
    /// `None`: not one of ours by form.
    pub(super) fn read(token: &str) -> Option<Self> {
        let mut bytes = [0u8; 64];
        if token.len() != TOKEN_LEN || URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()? != bytes.len() {
            return None;
        }
        let (id, secret): (&[u8; 32], &[u8; 32]) = (bytes.first_chunk()?, bytes.last_chunk()?);
        Some(Self { id: *id, digest: sha256(id), secret: *secret, secret_digest: sha256(secret) })
    }

    pub(super) fn key(&self) -> Key<'_> {
        family_key(&self.digest)
    }

    /// Whether its secret is in force, or was until the last rotation.
    pub(super) fn opens(&self, family: &FamilyRecord) -> bool {
        self.is(&family.head) || family.replaced.is_some_and(|(secret, _)| self.is(&secret))
    }

    fn standing(&self, family: &FamilyRecord, grace_ms: u64, now: UnixMillis) -> Standing {
        if self.is(&family.head) {
            return Standing::Head;
        }
        match family.replaced {
            Some((secret, at)) if self.is(&secret) && now.saturating_sub(at) < grace_ms => Standing::Retry,
            _ => Standing::Reused,
        }
    }

    /// The token that replaces this one.
    fn successor(&self, retry: Retry) -> Result<Successor, Error> {
        let noise = random::<32>()?;
        Ok(match retry {
            Retry::Refuse => Successor { secret: noise, salt: None },
            Retry::Answer => Successor { secret: self.derived(&noise), salt: Some(noise) },
        })
    }

    /// The secret that follows from this one and a salt. Neither is enough: the store holds no old secret, the holder
    /// of one no salt.
    fn derived(&self, salt: &[u8; 32]) -> [u8; 32] {
        sha256([&self.secret[..], salt].concat().as_slice())
    }

    fn is(&self, secret: &[u8; 32]) -> bool {
        verify_slices_are_equal(&self.secret_digest, secret).is_ok()
    }
}

/// A secret to come, and how to find it again.
struct Successor {
    secret: [u8; 32],
    salt: Option<[u8; 32]>,
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

    /// Exchanges a refresh token for an access token and, where tokens rotate, its successor.
    pub(super) async fn exchange(
        &self,
        jwt: &JwtCredential,
        choice: RefreshChoice,
        token: &str,
        now: UnixMillis,
    ) -> Result<Option<Grant>, Error> {
        let Some(handle) = Handle::read(token) else { return Ok(None) };
        for _ in 0..ATTEMPTS {
            let Some((old, record)) = self.family(&handle.digest, now).await? else { return Ok(None) };
            let standing =
                handle.standing(&record, choice.rotation.map_or(0, |rotation| rotation.grace_ms), now);
            let retries = choice.rotation.is_some_and(|rotation| rotation.retry == Retry::Answer);
            match standing {
                Standing::Head => {}
                Standing::Retry if retries => {}
                Standing::Reused
                    if choice.rotation.is_some_and(|rotation| rotation.reuse == Reuse::EndFamily) =>
                {
                    self.end_family(&handle.digest, &record.subject, now).await?;
                    return Ok(None);
                }
                Standing::Retry | Standing::Reused => return Ok(None),
            }
            let Some(principal) = self.renewable(&record.subject, now).await? else { return Ok(None) };
            let access = jwt.issue(&principal, of_family(&handle.digest, &record, now))?;
            let granted = |refresh| Ok(Some(tokens(access.text, access.expires_in_s, refresh)));
            let Some(rotation) = choice.rotation else { return granted(None) };
            if standing == Standing::Retry {
                let Some(salt) = &record.salt else { return Ok(None) };
                return granted(Some(token_text(&handle.id, &handle.derived(salt))));
            }
            let Successor { secret, salt } = handle.successor(rotation.retry)?;
            let next = FamilyRecord {
                head: sha256(&secret),
                replaced: Some((record.head, now)),
                generation: record.generation + 1,
                salt,
                ..record
            };
            let span = Span { now, until: next.until };
            if self.store.replace_if(handle.key(), &old, &next.encode(), span).await? {
                return granted(Some(token_text(&handle.id, &secret)));
            }
            // Another exchange of the same token won, or the family ended meanwhile.
            if rotation.retry == Retry::Refuse {
                return Ok(None);
            }
        }
        Err(contended())
    }

    /// Who a login is renewed for, unless they are gone or disabled.
    pub(super) async fn renewable(&self, subject: &str, now: UnixMillis) -> Result<Option<Principal>, Error> {
        let Some(principal) = self.directory.principal(subject) else { return Ok(None) };
        if !self.mechanism.index && self.user_row(subject, now).await?.1.disabled {
            // Without an index, disabling the user could not end the login.
            return Ok(None);
        }
        Ok(Some(principal))
    }

    /// Ends a family or a session that mints: the record first, then its place in the index.
    pub(super) async fn end_family(
        &self,
        digest: &[u8; 32],
        subject: &str,
        now: UnixMillis,
    ) -> Result<(), Error> {
        self.store.take(Key { kind: self.login_kind(), id: digest }, now).await?;
        if self.mechanism.index {
            self.store.remove(subject.as_bytes(), &[Bytes::copy_from_slice(digest)], now).await?;
        }
        Ok(())
    }
}

/// What an access token of this family says besides its principal.
fn of_family<'a>(digest: &'a [u8; 32], family: &FamilyRecord, now: UnixMillis) -> TokenFacts<'a> {
    TokenFacts { now, stamp: Stamp::default(), family: Some(digest), no_later_than: Some(family.until) }
}

fn token_text(id: &[u8; 32], secret: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode([&id[..], secret].concat())
}
