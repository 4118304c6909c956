//! Ending logins: one, all of a user, or all but the presenting one.
//!
//! **The record goes before its place in the index, and only a member whose record was there is removed.** A login that
//! is being written at that moment (index first, record second) thus stays findable.

use bytes::Bytes;

use super::checks::Login;
use super::family::Handle;
use super::users::Checked;
use super::{ATTEMPTS, Authenticator, contended};
use crate::answer::{Presented, UnixMillis, Verdict};
use crate::credential::status::StatusRef;
use crate::directory::Directory;
use crate::error::Error;
use crate::mechanism::{CheckKind, LogoutAll, RenewalChoice};
use crate::password::Hashing;
use crate::principal::Principal;
use crate::record::{EpochRecord, encode_denial};
use crate::store::{Entry, Index, Key, Kind, Member, Span, Store};

/// Clocks of replicas may differ by this much: a "not before" mark outlives every token it ends by it, milliseconds.
const CLOCK_MARGIN_MS: u64 = 60_000;

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// Ends this login and its refresh family. A refresh token in force is enough on its own: by then the access token
    /// has often expired.
    pub async fn logout(
        &self,
        presented: Presented<'_>,
        refresh_token: Option<&str>,
        now: UnixMillis,
    ) -> Result<Verdict, Error> {
        let login = self.identify(presented, now).await?;
        let session = presented.cookie.filter(|_| self.mechanism.mints());
        let owner = match refresh_token.or(session) {
            Some(token) => self.end_family_of(token, login.as_ref().ok(), now).await?,
            None => None,
        };
        match (login, owner) {
            (Ok(login), _) => {
                self.end(&login, now).await?;
                Ok(accepted(login.principal))
            }
            (Err(_), Some(principal)) => Ok(accepted(principal)),
            (Err(rejection), None) => Ok(Verdict::Rejected(rejection)),
        }
    }

    /// Ends every login of the presenting subject, this one included.
    pub async fn logout_all(&self, presented: Presented<'_>, now: UnixMillis) -> Result<Verdict, Error> {
        let login = match self.identify(presented, now).await? {
            Ok(login) => login,
            Err(rejection) => return Ok(Verdict::Rejected(rejection)),
        };
        if self.mechanism.logout_all() == LogoutAll::Cannot {
            return Err(Error::Unsupported(
                "log a user out everywhere: it knows nothing of their other logins",
            ));
        }
        self.end_all(login.principal.subject(), None, now).await?;
        Ok(accepted(login.principal))
    }

    /// Changes the password and ends the other logins, as far as the backend can. `Ok(None)`: current password wrong.
    pub async fn change_password(
        &self,
        presented: Presented<'_>,
        current: &str,
        new: &str,
        now: UnixMillis,
    ) -> Result<Option<Verdict>, Error> {
        self.change_password_watched(presented, current, new, now, &Hashing::default()).await
    }

    /// As [`Self::change_password`], telling when it hashes.
    pub async fn change_password_watched(
        &self,
        presented: Presented<'_>,
        current: &str,
        new: &str,
        now: UnixMillis,
        hashing: &Hashing,
    ) -> Result<Option<Verdict>, Error> {
        let login = match self.identify(presented, now).await? {
            Ok(login) => login,
            Err(rejection) => return Ok(Some(Verdict::Rejected(rejection))),
        };
        let subject = login.principal.subject();
        let checked = self.check_password(subject, current, now, hashing).await?;
        let Checked::Right(..) = checked else { return Ok(None) };
        let verifier = hashing.during(self.passwords.make(new)).await?;
        self.change_user(subject, now, |row| row.password = Some((verifier.salt, verifier.hash))).await?;
        self.end_all(subject, Some(&login), now).await?;
        Ok(Some(accepted(login.principal)))
    }

    /// Operator: disables a user; their logins end as the backend promises.
    pub async fn disable(&self, username: &str, now: UnixMillis) -> Result<(), Error> {
        self.change_user(username, now, |row| row.disabled = true).await?;
        self.end_all(username, None, now).await
    }

    /// Ends the family of a refresh token and says whose it was, when the token is in force (or was until just now) and
    /// belongs to the presenting subject, if there is one.
    async fn end_family_of(
        &self,
        token: &str,
        login: Option<&Login>,
        now: UnixMillis,
    ) -> Result<Option<Principal>, Error> {
        let (digest, subject) = if self.mechanism.mints() {
            let Some((digest, principal, _)) = self.session(token, now).await? else { return Ok(None) };
            (digest, principal.subject().to_owned())
        } else {
            let Some(handle) = Handle::read(token) else { return Ok(None) };
            let Some((_, family)) = self.family(&handle.digest, now).await? else { return Ok(None) };
            if !handle.opens(&family) {
                return Ok(None);
            }
            (handle.digest, family.subject)
        };
        if login.is_some_and(|login| login.principal.subject() != subject) {
            return Ok(None);
        }
        self.end_family(&digest, &subject, now).await?;
        Ok(self.directory.principal(&subject))
    }

    /// What records a login in the store.
    pub(super) fn login_kind(&self) -> Kind {
        match self.mechanism.renewal {
            RenewalChoice::Refresh(_) => Kind::Family,
            RenewalChoice::None | RenewalChoice::Sliding { .. } | RenewalChoice::Minted { .. } => Kind::Live,
        }
    }

    /// Ends one login by whatever the mechanism has.
    async fn end(&self, login: &Login, now: UnixMillis) -> Result<(), Error> {
        let subject = login.principal.subject();
        if let Some(family) = &login.family {
            self.end_family(family, subject, now).await?;
        }
        let member = Member { id: Bytes::copy_from_slice(login.id.as_bytes()), until: login.until };
        let each = [CheckKind::LiveList, CheckKind::DenyList, CheckKind::StatusBit];
        if each.into_iter().any(|kind| self.mechanism.has(kind)) {
            return self.end_members(subject, vec![member], now).await;
        }
        if self.mechanism.logout_ends_all() {
            return self.raise_epoch(subject, None, now).await;
        }
        if self.mechanism.has(CheckKind::UserRow) {
            return self.raise_mark(subject, None, now).await;
        }
        Ok(())
    }

    /// Ends all logins of a user, but for one.
    async fn end_all(&self, subject: &str, kept: Option<&Login>, now: UnixMillis) -> Result<(), Error> {
        match self.mechanism.logout_all() {
            LogoutAll::Cannot => Ok(()),
            LogoutAll::Epoch if self.mechanism.has(CheckKind::UserRow) => {
                self.raise_mark(subject, kept.map(|login| *login.id.padded()), now).await
            }
            LogoutAll::Epoch => {
                let spared = kept.and_then(|login| login.id.as_bytes().try_into().ok());
                self.raise_epoch(subject, spared, now).await
            }
            LogoutAll::Index => {
                let kept = kept.map(|login| match &login.family {
                    Some(family) => &family[..],
                    None => login.id.as_bytes(),
                });
                let mut members = self.store.members(subject.as_bytes(), now).await?;
                members.retain(|member| Some(&member.id[..]) != kept);
                self.end_members(subject, members, now).await
            }
        }
    }

    /// Ends logins by their ids in the index.
    async fn end_members(&self, subject: &str, members: Vec<Member>, now: UnixMillis) -> Result<(), Error> {
        if members.is_empty() {
            return Ok(());
        }
        let ended = if self.mechanism.has(CheckKind::DenyList) {
            let denials: Vec<_> =
                members.iter().map(|member| denial(member.id.clone(), member.until, now)).collect();
            self.deny(&denials).await?;
            members.into_iter().map(|member| member.id).collect()
        } else if self.mechanism.has(CheckKind::StatusBit) {
            let places = members.iter().filter_map(|member| StatusRef::from_id(&member.id)).collect();
            self.flag(places, now).await?;
            members.into_iter().map(|member| member.id).collect()
        } else {
            let kind = self.login_kind();
            let ids: Vec<Bytes> = members.into_iter().map(|member| member.id).collect();
            let found = self.store.take_all(kind, &ids, now).await?;
            self.reader.removed(kind, ids.iter());
            ids.into_iter().zip(found).filter_map(|(id, found)| found.then_some(id)).collect::<Vec<_>>()
        };
        if self.mechanism.index {
            self.store.remove(subject.as_bytes(), &ended, now).await?;
        }
        Ok(())
    }

    /// Moves a user's mark forward, so that every token handed out so far is older, but for one.
    ///
    /// The mark is a time only so that it may be forgotten once no token it ended can be alive. Tokens carry the mark
    /// they were issued under, not their own time: neither the one-second steps of `iat` nor clocks that differ between
    /// replicas let a token survive, and a login right after the revocation carries the new mark.
    async fn raise_epoch(
        &self,
        subject: &str,
        spared: Option<[u8; 16]>,
        now: UnixMillis,
    ) -> Result<(), Error> {
        let Some(life_ms) = self.mechanism.access_lifetime_ms() else { return Ok(()) };
        let key = Key { kind: Kind::Epoch, id: subject.as_bytes() };
        let until = now.saturating_add(life_ms + CLOCK_MARGIN_MS);
        for _ in 0..ATTEMPTS {
            let old = self.store.get(key, now).await?;
            let mark = old.as_deref().map(EpochRecord::decode).transpose()?.map_or(0, |epoch| epoch.mark);
            let new = EpochRecord { until, mark: now.max(mark + 1), spared }.encode();
            let span = Span { now, until };
            let done = match old {
                Some(old) => self.store.replace_if(key, &old, &new, span).await?,
                None => self.store.put_new(key, &new, span).await?,
            };
            if done {
                // Announced only now: a mark that never came to the store would end logins that carry the one there.
                let id = Bytes::copy_from_slice(subject.as_bytes());
                let raised = [Entry { id, value: Bytes::from(new), span }];
                self.announce(Kind::Epoch, &raised).await?;
                return self.reader.written(Kind::Epoch, &raised);
            }
        }
        Err(contended())
    }

    /// Lists tokens as ended.
    ///
    /// The log comes first: whoever is refused by the store cannot log out again, so a token that was ended there alone
    /// would stay alive on every node that follows the log.
    pub(super) async fn deny(&self, denials: &[Entry]) -> Result<(), Error> {
        self.announce(Kind::Deny, denials).await?;
        self.store.put_all(Kind::Deny, denials).await?;
        self.reader.written(Kind::Deny, denials)
    }
}

/// A deny-list entry that lasts as long as the token would have.
pub(super) fn denial(jti: Bytes, until: UnixMillis, now: UnixMillis) -> Entry {
    Entry { id: jti, value: encode_denial(until), span: Span { now, until } }
}

fn accepted(principal: Principal) -> Verdict {
    Verdict::Accepted { principal, replacement: None }
}
