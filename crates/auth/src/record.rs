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
    pub(crate) principal: Option<Principal>,
}

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
}

/// A user's row. A user without one has the provisioned password and no failures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserRow {
    /// Failed logins in a row and when the last one was.
    pub(crate) failures: u64,
    pub(crate) failed_at: UnixMillis,
    pub(crate) disabled: bool,
    /// Salt and hash of a changed password.
    pub(crate) password: Option<([u8; 16], [u8; 32])>,
}

impl LiveRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(self.until).number(self.since).number(self.notes);
        if let Some(principal) = &self.principal {
            out.bytes(principal.packed());
        }
        out.0
    }

    pub(crate) fn decode(value: &Bytes) -> Result<Self, Error> {
        let mut from = Reader(value);
        let (until, since, notes) = (from.number()?, from.number()?, from.number()?);
        let principal = match from.0 {
            [] => None,
            rest => Some(Principal::unpack(value.slice_ref(rest))?),
        };
        Ok(Self { until, since, notes, principal })
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
        out.0
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, Error> {
        let mut from = Reader(value);
        let (until, generation, head) = (from.number()?, from.number()?, from.array()?);
        let (was_replaced, replaced, at) = (from.number()? != 0, from.array()?, from.number()?);
        let subject = from.text()?;
        Ok(Self { until, head, replaced: was_replaced.then_some((replaced, at)), generation, subject })
    }
}

impl UserRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(self.failures).number(self.failed_at).number(u64::from(self.disabled));
        if let Some((salt, hash)) = &self.password {
            out.bytes(salt).bytes(hash);
        }
        out.0
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, Error> {
        let mut from = Reader(value);
        let (failures, failed_at, disabled) = (from.number()?, from.number()?, from.number()? != 0);
        let password = if from.is_empty() { None } else { Some((from.array()?, from.array()?)) };
        Ok(Self { failures, failed_at, disabled, password })
    }
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u64) -> &mut Self {
        self.bytes(&number.to_be_bytes())
    }

    fn text(&mut self, text: &str) -> &mut Self {
        // A text is a name or a role: four gigabytes of it would have failed long before.
        self.bytes(&(text.len() as u32).to_be_bytes()).bytes(text.as_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn number(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_be_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
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
            until: u64, since: u64, notes: u64, subject in ".{0,20}", tenant in ".{0,40}",
            roles in prop::collection::vec(".{0,9}", 0..4), carried: bool,
        ) {
            let principal = carried.then(|| Principal::new(&subject, &roles, &tenant));
            let record = LiveRecord { until, since, notes, principal };
            prop_assert_eq!(LiveRecord::decode(&record.encode().into()).unwrap(), record);
        }

        #[test]
        fn family_records_survive_the_store(
            until: u64, head: [u8; 32], replaced: Option<([u8; 32], u64)>, generation: u64, subject in ".{0,20}",
        ) {
            let record = FamilyRecord { until, head, replaced, generation, subject };
            prop_assert_eq!(FamilyRecord::decode(&record.encode()).unwrap(), record);
        }

        #[test]
        fn user_rows_and_epochs_survive_the_store(
            failures: u64, failed_at: u64, disabled: bool, password: Option<([u8; 16], [u8; 32])>,
            mark: u64, spared: Option<[u8; 16]>,
        ) {
            let row = UserRow { failures, failed_at, disabled, password };
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
