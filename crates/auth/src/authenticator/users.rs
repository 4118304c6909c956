//! User rows: changed passwords, disabled users, failed logins in a row.

use super::{ATTEMPTS, Authenticator, contended};
use crate::answer::UnixMillis;
use crate::directory::Directory;
use crate::error::Error;
use crate::password::Hashing;
use crate::principal::Principal;
use crate::record::UserRow;
use crate::store::{Index, Key, Kind, Span, Store};

/// How long a row lies in a store that nobody cleans up: longer than any run.
const ROW_LIFE_MS: u64 = 7 * 24 * 3_600_000;

/// What came of a user name and a password.
#[derive(Debug)]
pub(super) enum Checked {
    /// With the row it was checked against.
    Right(Principal, UserRow),
    /// Unknown user, wrong password or disabled user: the same answer at the same cost.
    Wrong,
    Locked,
}

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// An unknown name takes the same path as a known one: row, hash, and a failure on its row.
    ///
    /// Guesses that wait for their hash when the account locks are still answered; the queue bounds them.
    pub(super) async fn check_password(
        &self,
        username: &str,
        password: &str,
        now: UnixMillis,
        hashing: &Hashing,
    ) -> Result<Checked, Error> {
        let principal = self.directory.principal(username);
        let row = self.user_row(username, now).await?.1;
        if self.locked(&row, now) {
            return Ok(Checked::Locked);
        }
        let verifier = self.passwords.verifier(principal.is_some(), row.password);
        let fits = hashing.during(self.passwords.check(password, verifier)).await?;
        match principal.filter(|_| fits && !row.disabled) {
            Some(principal) => {
                if row.failures > 0 {
                    self.change_user(username, now, |row| row.failures = 0).await?;
                }
                Ok(Checked::Right(principal, row))
            }
            None => {
                self.change_user(username, now, |row| {
                    let over = now.saturating_sub(row.failed_at) > self.passwords.settings().lockout_ms;
                    row.failures = if over { 1 } else { row.failures.saturating_add(1) };
                    row.failed_at = now;
                })
                .await?;
                Ok(Checked::Wrong)
            }
        }
    }

    /// Whether the user is still who they were when the password was checked: not disabled, same password.
    ///
    /// Hashing takes long enough for both to change meanwhile, and whoever changes them then ends the logins there are.
    /// Asked after a login is written, the answer covers the one that was not there yet.
    pub(super) async fn still_stands(
        &self,
        username: &str,
        checked: &UserRow,
        now: UnixMillis,
    ) -> Result<bool, Error> {
        let row = self.user_row(username, now).await?.1;
        Ok(!row.disabled && row.password == checked.password)
    }

    fn locked(&self, row: &UserRow, now: UnixMillis) -> bool {
        let settings = self.passwords.settings();
        row.failures >= settings.lockout_after && now.saturating_sub(row.failed_at) <= settings.lockout_ms
    }

    /// Applies a change to a row, again on the newer row when another change came first.
    pub(super) async fn change_user(
        &self,
        username: &str,
        now: UnixMillis,
        change: impl Fn(&mut UserRow) + Send + Sync,
    ) -> Result<(), Error> {
        let key = user_key(username);
        // A mark must not be forgotten before the logins that it ended.
        let life_ms = self.mechanism.login_lifetime_ms().map_or(0, |life| life.saturating_mul(2));
        let span = Span { now, until: now.saturating_add(life_ms.max(ROW_LIFE_MS)) };
        for _ in 0..ATTEMPTS {
            let (old, mut row) = self.user_row(username, now).await?;
            change(&mut row);
            let new = row.encode();
            let done = match old {
                Some(old) => self.store.replace_if(key, &old, &new, span).await?,
                None => self.store.put_new(key, &new, span).await?,
            };
            if done {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Moves the mark in a user's row forward, so that every login handed out so far is older, but for one.
    pub(super) async fn raise_mark(
        &self,
        username: &str,
        spared: Option<[u8; 32]>,
        now: UnixMillis,
    ) -> Result<(), Error> {
        let raise = |row: &mut UserRow| {
            row.mark = row.mark.saturating_add(1).max(now);
            row.spared = spared;
        };
        self.change_user(username, now, raise).await
    }

    /// The row and its bytes; a user without one has a clean one.
    pub(super) async fn user_row(
        &self,
        username: &str,
        now: UnixMillis,
    ) -> Result<(Option<bytes::Bytes>, UserRow), Error> {
        let found = self.store.get(user_key(username), now).await?;
        let row = found.as_deref().map(UserRow::decode).transpose()?.unwrap_or_default();
        Ok((found, row))
    }
}

fn user_key(username: &str) -> Key<'_> {
    Key { kind: Kind::User, id: username.as_bytes() }
}
