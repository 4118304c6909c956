//! Bulk set-up, unmeasured: logins without password hashing, written in pipelines.

use bytes::Bytes;

use super::Authenticator;
use super::ending::denial;
use crate::answer::{Grant, UnixMillis};
use crate::credential::jwt::Stamp;
use crate::credential::random;
use crate::directory::Directory;
use crate::error::Error;
use crate::mechanism::CheckKind;
use crate::principal::Principal;
use crate::record::{EpochRecord, UserRow};
use crate::store::{Entry, Index, Key, Kind, Span, Store};

/// A subject to provision: created without hashing (all share one precomputed hash).
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// Who.
    pub principal: &'a Principal,
}

/// Accounts per round of pipelines.
const CHUNK: usize = 2048;

/// Marks read in one round trip.
const MARKS: usize = 64;

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// One live login for each account, in their order; an account listed twice gets two.
    pub async fn provision(&self, accounts: &[Account<'_>], now: UnixMillis) -> Result<Vec<Grant>, Error> {
        let mut grants = Vec::with_capacity(accounts.len());
        for chunk in accounts.chunks(CHUNK) {
            let epochs = self.epochs(chunk, now).await?;
            let mut places = self.places(chunk.len() as u64, now).await?;
            let mut members = Vec::new();
            let mut records: Option<(Kind, Vec<Entry>)> = None;
            for (account, epoch) in chunk.iter().zip(epochs) {
                let stamp = Stamp { epoch, status: places.next() };
                let issued = self.issue(account.principal, stamp, now)?;
                let span = Span { now, until: issued.until };
                if self.mechanism.index {
                    let user = Bytes::copy_from_slice(account.principal.subject().as_bytes());
                    members.push((user, Bytes::from(issued.member), span));
                }
                if let Some((kind, id, value)) = issued.record {
                    let (_, entries) = records.get_or_insert_with(|| (kind, Vec::with_capacity(chunk.len())));
                    let span = self.kept_for(span);
                    entries.push(Entry { id: Bytes::from(id), value: Bytes::from(value), span });
                }
                grants.push(issued.grant);
            }
            self.store.add_all(&members).await?;
            if let Some((kind, entries)) = records {
                self.store.put_all(kind, &entries).await?;
            }
        }
        Ok(grants)
    }

    /// For each account one login that is created and revoked at once: fills a deny list. Where ending a login leaves
    /// nothing behind, nothing is written.
    pub async fn provision_revoked(&self, accounts: &[Account<'_>], now: UnixMillis) -> Result<(), Error> {
        let Some(life_ms) = self.mechanism.access_lifetime_ms() else { return Ok(()) };
        if self.mechanism.has(CheckKind::StatusBit) {
            let places = self.places(accounts.len() as u64, now).await?;
            return self.flag(places.collect(), now).await;
        }
        if !self.mechanism.has(CheckKind::DenyList) {
            return Ok(());
        }
        let until = now.saturating_add(life_ms);
        for chunk in accounts.chunks(CHUNK) {
            let entries: Vec<Entry> = chunk
                .iter()
                .map(|_| random::<16>().map(|jti| denial(Bytes::copy_from_slice(&jti), until, now)))
                .collect::<Result<_, Error>>()?;
            self.deny(&entries).await?;
        }
        Ok(())
    }

    /// The marks that new tokens of these accounts carry.
    async fn epochs(&self, accounts: &[Account<'_>], now: UnixMillis) -> Result<Vec<Option<u64>>, Error> {
        let in_row = self.mechanism.has(CheckKind::UserRow);
        if !in_row && !self.mechanism.has(CheckKind::Epoch) {
            return Ok(vec![None; accounts.len()]);
        }
        let kind = if in_row { Kind::User } else { Kind::Epoch };
        let mut marks = Vec::with_capacity(accounts.len());
        for group in accounts.chunks(MARKS) {
            // A short last group is filled up with its first account.
            let keys: [Key<'_>; MARKS] = std::array::from_fn(|at| {
                let account = group.get(at).unwrap_or(&group[0]);
                Key { kind, id: account.principal.subject().as_bytes() }
            });
            for found in self.store.get_many(keys, now).await?.into_iter().take(group.len()) {
                if in_row {
                    marks.push(Some(
                        found.as_deref().map(UserRow::decode).transpose()?.map_or(0, |row| row.mark),
                    ));
                    continue;
                }
                let epoch = found.as_deref().map(EpochRecord::decode).transpose()?;
                marks.push(Some(epoch.filter(|epoch| epoch.until > now).map_or(0, |epoch| epoch.mark)));
            }
        }
        Ok(marks)
    }
}
