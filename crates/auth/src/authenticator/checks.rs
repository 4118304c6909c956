//! From what a client presents to who it is: the credential without state, then the listed checks.
//!
//! A check says which key it needs and judges what is found there. Reading is left to one place, so that a list of
//! checks costs one round trip.

use bytes::Bytes;

use super::{Authenticator, Credential};
use crate::answer::{Access, Presented, Rejection, UnixMillis};
use crate::authority::{Authority, Introspection};
use crate::credential::status::StatusRef;
use crate::credential::{LoginId, opaque};
use crate::directory::Directory;
use crate::error::Error;
use crate::mechanism::{CheckChoice, CheckKind, RenewalChoice};
use crate::principal::Principal;
use crate::record::{EpochRecord, LiveRecord, UserRow, decode_denial};
use crate::store::{Index, Key, Span, Store};
use crate::views::Reader;

/// A login that was recognised.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) principal: Principal,
    pub(super) id: LoginId,
    /// When the presented credential is refused everywhere.
    pub(super) until: UnixMillis,
    /// Digest of its refresh family.
    pub(super) family: Option<[u8; 32]>,
    /// Its record in the live list as it was read.
    pub(super) record: Option<Bytes>,
    epoch: u64,
}

type Judged = Result<Result<(), Rejection>, Error>;

impl CheckKind {
    fn key<'a>(self, login: &'a Login) -> Key<'a> {
        let id = match self {
            Self::LiveList | Self::DenyList | Self::StatusBit => login.id.as_bytes(),
            Self::Epoch | Self::UserRow => login.principal.subject().as_bytes(),
        };
        Key { kind: self.state(), id }
    }

    fn judge(self, found: Option<Bytes>, login: &mut Login, now: UnixMillis) -> Judged {
        match self {
            Self::LiveList => judge_live(found, login, now),
            Self::DenyList => judge_denial(found.as_deref(), now),
            Self::Epoch => judge_epoch(found.as_deref(), login, now),
            Self::UserRow => judge_user(found.as_deref(), login),
            // What is found is a bit that is set.
            Self::StatusBit => Ok(if found.is_some() { Err(Rejection::Revoked) } else { Ok(()) }),
        }
    }
}

fn judge_live(found: Option<Bytes>, login: &mut Login, now: UnixMillis) -> Judged {
    let Some(value) = found else { return Ok(Err(Rejection::Revoked)) };
    let record = LiveRecord::decode(&value)?;
    if record.until <= now {
        return Ok(Err(Rejection::Expired));
    }
    if let Some(principal) = record.principal {
        login.principal = principal;
        login.until = record.until;
        login.epoch = record.mark.unwrap_or(0);
    }
    login.record = Some(value);
    Ok(Ok(()))
}

fn judge_denial(found: Option<&[u8]>, now: UnixMillis) -> Judged {
    match found {
        Some(value) if decode_denial(value)? > now => Ok(Err(Rejection::Revoked)),
        _ => Ok(Ok(())),
    }
}

fn judge_epoch(found: Option<&[u8]>, login: &Login, now: UnixMillis) -> Judged {
    let Some(value) = found else { return Ok(Ok(())) };
    let epoch = EpochRecord::decode(value)?;
    let spared = epoch.spared.is_some_and(|jti| jti == login.id.as_bytes());
    let dead = epoch.until > now && login.epoch < epoch.mark && !spared;
    Ok(if dead { Err(Rejection::Revoked) } else { Ok(()) })
}

fn judge_user(found: Option<&[u8]>, login: &Login) -> Judged {
    let Some(value) = found else { return Ok(Ok(())) };
    let row = UserRow::decode(value)?;
    let older = login.epoch < row.mark && row.spared.as_ref() != Some(login.id.padded());
    Ok(if row.disabled || older { Err(Rejection::Revoked) } else { Ok(()) })
}

fn unplaced() -> Error {
    Error::Crypto("a token without a place was let through to its status list".into())
}

/// What an authority says of an opaque id, as the record that the store would have held.
async fn introspected(
    authority: &dyn Authority,
    presented: Presented<'_>,
    now: UnixMillis,
) -> Result<Option<Bytes>, Error> {
    let Some(credential) = presented.cookie else { return Ok(None) };
    let said = authority.introspect(credential).await?;
    Ok(said.map(|Introspection { principal, until_s }| {
        let until = until_s.saturating_mul(1000);
        Bytes::from(
            LiveRecord { until, since: now, notes: 0, mark: None, principal: Some(principal) }.encode(),
        )
    }))
}

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// What this backend says of a credential when another process asks (RFC 7662): read from the store itself.
    /// `None`: not in force.
    pub async fn introspect(
        &self,
        credential: &str,
        now: UnixMillis,
    ) -> Result<Option<Introspection>, Error> {
        let presented = Presented { cookie: Some(credential), bearer: Some(credential) };
        let login = self.identify(presented, now).await?.ok();
        Ok(login.map(|login| Introspection { principal: login.principal, until_s: login.until / 1000 }))
    }

    /// Who presents this, by all checks, read where the mechanism's view says: for requests.
    pub(super) async fn admit(
        &self,
        presented: Presented<'_>,
        access: Access,
        now: UnixMillis,
    ) -> Result<Result<Login, Rejection>, Error> {
        // The view is that of the checks of all requests; those of writes alone read the store.
        let strict = access == Access::Write && !self.mechanism.write_checks.is_empty();
        self.check(presented, access, if strict { &Reader::Store } else { &self.reader }, now).await
    }

    /// Who presents this, by all checks, read from the store itself: for what changes logins, which is rare and must
    /// not be done with an ended one.
    pub(super) async fn identify(
        &self,
        presented: Presented<'_>,
        now: UnixMillis,
    ) -> Result<Result<Login, Rejection>, Error> {
        self.check(presented, Access::Write, &Reader::Store, now).await
    }

    async fn check(
        &self,
        presented: Presented<'_>,
        access: Access,
        reader: &Reader,
        now: UnixMillis,
    ) -> Result<Result<Login, Rejection>, Error> {
        let mut login = match self.recognise(presented, now) {
            Ok(login) => login,
            Err(rejection) => return Ok(Err(rejection)),
        };
        match *self.mechanism.checks_of(access) {
            [] => {}
            [CheckChoice { kind: CheckKind::StatusBit, .. }] => {
                let place = StatusRef::from_id(login.id.as_bytes()).ok_or_else(unplaced)?;
                if self.is_flagged(place, reader, now).await? {
                    return Ok(Err(Rejection::Revoked));
                }
            }
            [one] => {
                let found = self.read(one.kind, &login, presented, reader, now).await?;
                if let Err(rejection) = one.kind.judge(found, &mut login, now)? {
                    return Ok(Err(rejection));
                }
            }
            // Whose row it is stands in the record that is read first: two round trips, like everywhere.
            [first, second, ..] if matches!(self.credential, Credential::Opaque { .. }) => {
                for check in [first, second] {
                    let found = self.read(check.kind, &login, presented, reader, now).await?;
                    if let Err(rejection) = check.kind.judge(found, &mut login, now)? {
                        return Ok(Err(rejection));
                    }
                }
            }
            // Parsing admits no longer list: live and deny list exclude each other, and so do epoch and user row.
            [first, second, ..] => {
                let keys = [first.kind.key(&login), second.kind.key(&login)];
                let found = match reader.at_hand(keys, now)? {
                    Some(found) => found,
                    None => {
                        let asked = reader.asked(now);
                        let found = self.store.get_many(keys, now).await?;
                        for (key, found) in keys.into_iter().zip(&found) {
                            reader.keep(key, found.as_ref(), asked);
                        }
                        found
                    }
                };
                for (check, found) in [first, second].into_iter().zip(found) {
                    if let Err(rejection) = check.kind.judge(found, &mut login, now)? {
                        return Ok(Err(rejection));
                    }
                }
            }
        }
        Ok(Ok(login))
    }

    /// Reads what one check asks for. Where requests prolong the login, its record is read and prolonged in one step.
    async fn read(
        &self,
        check: CheckKind,
        login: &Login,
        presented: Presented<'_>,
        reader: &Reader,
        now: UnixMillis,
    ) -> Result<Option<Bytes>, Error> {
        let key = check.key(login);
        match self.mechanism.renewal {
            RenewalChoice::Sliding { inactivity_ms } if check == CheckKind::LiveList => {
                let span = Span { now, until: now.saturating_add(inactivity_ms) };
                return self.store.get_and_touch(key, span).await;
            }
            _ => {}
        }
        if let Some([found]) = reader.at_hand([key], now)? {
            return Ok(found);
        }
        let asked = reader.asked(now);
        let found = match reader.authority() {
            Some(authority) => introspected(authority, presented, now).await?,
            None => self.store.get(key, now).await?,
        };
        reader.keep(key, found.as_ref(), asked);
        Ok(found)
    }

    /// The part that needs no state. An opaque id stands for nobody until the live list is read.
    fn recognise(&self, presented: Presented<'_>, now: UnixMillis) -> Result<Login, Rejection> {
        match &self.credential {
            Credential::BareSubject => {
                let subject = presented.bearer.ok_or(Rejection::Missing)?;
                let principal = self.directory.principal(subject).ok_or(Rejection::Invalid)?;
                Ok(Login::new(principal, LoginId::from([0; 16]), UnixMillis::MAX))
            }
            Credential::Opaque { .. } => {
                let cookie = presented.cookie.ok_or(Rejection::Missing)?;
                let digest = opaque::open(cookie).ok_or(Rejection::Invalid)?;
                Ok(Login::new(Principal::nobody(), LoginId::from(digest), UnixMillis::MAX))
            }
            Credential::SignedCookie(cookies) => {
                let claims = cookies.open(presented.cookie.ok_or(Rejection::Missing)?, now)?;
                let login = Login::new(claims.principal, LoginId::from(claims.id), claims.until);
                Ok(Login { epoch: claims.epoch, ..login })
            }
            Credential::Jwt(jwt) => {
                let claims = jwt.open(presented.bearer.ok_or(Rejection::Missing)?, now)?;
                let until = jwt.dead_at(&claims);
                let principal = Principal::new(&claims.sub, &claims.roles, &claims.tenant);
                let id = if self.mechanism.has(CheckKind::StatusBit) {
                    StatusRef::from(claims.status.ok_or(Rejection::Invalid)?).to_id()
                } else {
                    claims.jti.0
                };
                let login = Login::new(principal, LoginId::from(id), until);
                Ok(Login {
                    family: claims.sid.map(|sid| sid.0),
                    epoch: claims.epoch.map_or(0, |epoch| epoch.0),
                    ..login
                })
            }
        }
    }
}

impl Login {
    fn new(principal: Principal, id: LoginId, until: UnixMillis) -> Self {
        Self { principal, id, until, family: None, record: None, epoch: 0 }
    }
}
