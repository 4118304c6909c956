//! The values in the store: small binary records, each with its own absolute expiry.

use bytes::Bytes;

use crate::answer::UnixMillis;
use crate::error::Error;
use crate::principal::Principal;

/// A live login: the session record, or the entry of an allow-listed token (whose principal the token carries).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveRecord {
    pub(crate) until: UnixMillis,
    pub(crate) since: UnixMillis,
    /// Writes of the application on this login (`POST /note`).
    pub(crate) notes: u64,
    /// The user's mark at the login, where the user's row is checked.
    pub(crate) mark: Option<u64>,
    pub(crate) principal: Option<Principal>,
}

/// In `since` (no time has this bit): a mark follows.
const MARKED: u64 = 1 << 63;

/// A user's "not before" mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EpochRecord {
    pub(crate) until: UnixMillis,
    /// Tokens whose `epoch` claim is smaller are dead.
    pub(crate) mark: u64,
    /// But for this one: the login that changed its password.
    pub(crate) spared: Option<[u8; 16]>,
}

/// A refresh family: the whole state of one login with rotating refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FamilyRecord {
    pub(crate) until: UnixMillis,
    /// Digest of the secret that may be used next.
    pub(crate) head: [u8; 32],
    /// Digest of the one before, and when it was replaced.
    pub(crate) replaced: Option<([u8; 32], UnixMillis)>,
    /// Rotations so far.
    pub(crate) generation: u64,
    pub(crate) subject: String,
    /// What makes the secret in force out of the one before, where a retry is answered.
    pub(crate) salt: Option<[u8; 32]>,
}

/// A user's row. A user without one has the provisioned password and no failures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserRow {
    /// Failed logins in a row and when the last one was.
    pub(crate) failures: u64,
    pub(crate) failed_at: UnixMillis,
    pub(crate) disabled: bool,
    /// Logins handed out under a smaller mark are dead, where the row is checked on every request.
    pub(crate) mark: u64,
    /// But for this one: the login that changed its password.
    pub(crate) spared: Option<[u8; 32]>,
    /// Salt and hash of a changed password.
    pub(crate) password: Option<([u8; 16], [u8; 32])>,
}

/// What else stands in a user's row, as bits.
const DISABLED: u64 = 1;
const RAISED: u64 = 2;
const SPARING: u64 = 4;

impl LiveRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        let marked = if self.mark.is_some() { MARKED } else { 0 };
        out.number(self.until).number(self.since | marked).number(self.notes);
        if let Some(mark) = self.mark {
            out.number(mark);
        }
        if let Some(principal) = &self.principal {
            out.bytes(principal.packed());
        }
        out.0
    }

    pub(crate) fn decode(value: &Bytes) -> Result<Self, Error> {
        let mut from = Reader(value);
        let (until, since, notes) = (from.number()?, from.number()?, from.number()?);
        let mark = if since & MARKED == 0 { None } else { Some(from.number()?) };
        let since = since & !MARKED;
        let principal = match from.rest() {
            [] => None,
            rest => Some(Principal::unpack(value.slice_ref(rest))?),
        };
        Ok(Self { until, since, notes, mark, principal })
    }
}

/// A deny-list entry holds nothing but the end of the token it denies.
pub(crate) fn encode_denial(until: UnixMillis) -> Bytes {
    Bytes::copy_from_slice(&until.to_be_bytes())
}

pub(crate) fn decode_denial(value: &[u8]) -> Result<UnixMillis, Error> {
    Reader(value).number()
}

impl EpochRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(self.until).number(self.mark);
        if let Some(spared) = &self.spared {
            out.bytes(spared);
        }
        out.0
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, Error> {
        let mut from = Reader(value);
        let (until, mark) = (from.number()?, from.number()?);
        let spared = if from.is_empty() { None } else { Some(from.array()?) };
        Ok(Self { until, mark, spared })
    }
}

impl FamilyRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(self.until).number(self.generation).bytes(&self.head);
        let (replaced, at) = self.replaced.unwrap_or(([0; 32], 0));
        out.number(u64::from(self.replaced.is_some())).bytes(&replaced).number(at).text(&self.subject);
        if let Some(salt) = &self.salt {
            out.bytes(salt);
        }
        out.0
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, Error> {
        let mut from = Reader(value);
        let (until, generation, head) = (from.number()?, from.number()?, from.array()?);
        let (was_replaced, replaced, at) = (from.number()? != 0, from.array()?, from.number()?);
        let subject = from.text()?;
        let salt = if from.is_empty() { None } else { Some(from.array()?) };
        Ok(Self { until, head, replaced: was_replaced.then_some((replaced, at)), generation, subject, salt })
    }
}

impl UserRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        let flag = |set: bool, bit: u64| if set { bit } else { 0 };
        let flags = flag(self.disabled, DISABLED)
            | flag(self.mark > 0, RAISED)
            | flag(self.spared.is_some(), SPARING);
        out.number(self.failures).number(self.failed_at).number(flags);
        if self.mark > 0 {
            out.number(self.mark);
        }
        if let Some(spared) = &self.spared {
            out.bytes(spared);
        }
        if let Some((salt, hash)) = &self.password {
            out.bytes(salt).bytes(hash);
        }
        out.0
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, Error> {
        let mut from = Reader(value);
        let (failures, failed_at, flags) = (from.number()?, from.number()?, from.number()?);
        let mark = if flags & RAISED == 0 { 0 } else { from.number()? };
        let spared = if flags & SPARING == 0 { None } else { Some(from.array()?) };
        let password = if from.is_empty() { None } else { Some((from.array()?, from.array()?)) };
        Ok(Self { failures, failed_at, disabled: flags & DISABLED != 0, mark, spared, password })
    }
}

/// Writes numbers and texts one after the other.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.bytes(&number.to_be_bytes())
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        // A text is a name or a role: four gigabytes of it would have failed long before.
        self.bytes(&(text.len() as u32).to_be_bytes()).bytes(text.as_bytes())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// Reads back what a [`Writer`] wrote; anything else is an error.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn number(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or_else(unreadable)?;
        self.0 = rest;
        Ok(*head)
    }

    fn text(&mut self) -> Result<String, Error> {
        let length = self.array().map(u32::from_be_bytes)? as usize;
        let (text, rest) = self.0.split_at_checked(length).ok_or_else(unreadable)?;
        self.0 = rest;
        std::str::from_utf8(text).map(str::to_owned).map_err(|_| unreadable())
    }
}

fn unreadable() -> Error {
    Error::Store("a record in the store is not one of ours".into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{EpochRecord, FamilyRecord, LiveRecord, UserRow};
    use bytes::Bytes;

    use crate::principal::Principal;

    proptest! {
        #[test]
        fn live_records_survive_the_store(
            until: u64, since in 0..1_u64 << 63, notes: u64, mark: Option<u64>,
            subject in ".{0,20}", tenant in ".{0,40}",
            roles in prop::collection::vec(".{0,9}", 0..4), carried: bool,
        ) {
            let principal = carried.then(|| Principal::new(&subject, &roles, &tenant));
            let record = LiveRecord { until, since, notes, mark, principal };
            prop_assert_eq!(LiveRecord::decode(&record.encode().into()).unwrap(), record);
        }

        #[test]
        fn family_records_survive_the_store(
            until: u64, head: [u8; 32], replaced: Option<([u8; 32], u64)>, generation: u64, subject in ".{0,20}",
            salt: Option<[u8; 32]>,
        ) {
            let record = FamilyRecord { until, head, replaced, generation, subject, salt };
            prop_assert_eq!(FamilyRecord::decode(&record.encode()).unwrap(), record);
        }

        #[test]
        fn user_rows_and_epochs_survive_the_store(
            failures: u64, failed_at: u64, disabled: bool, password: Option<([u8; 16], [u8; 32])>,
            mark: u64, spared: Option<[u8; 16]>, other: Option<[u8; 32]>,
        ) {
            let row = UserRow { failures, failed_at, disabled, mark, spared: other, password };
            prop_assert_eq!(UserRow::decode(&row.encode()).unwrap(), row);
            let epoch = EpochRecord { until: failed_at, mark, spared };
            prop_assert_eq!(EpochRecord::decode(&epoch.encode()).unwrap(), epoch);
        }

        #[test]
        fn foreign_bytes_are_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = (LiveRecord::decode(&Bytes::copy_from_slice(&bytes)), FamilyRecord::decode(&bytes));
            let _ = (UserRow::decode(&bytes), EpochRecord::decode(&bytes));
        }
    }
}
