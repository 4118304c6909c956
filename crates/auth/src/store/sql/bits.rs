//! SQL keeps no status lists: a mechanism that needs them is refused before a store is opened for it.

use bytes::Bytes;

use super::SqlStore;
use crate::answer::UnixMillis;
use crate::error::Error;
use crate::store::Span;
use crate::store::bits::Bits;

/// What any question about them is answered with.
const NO_LISTS: Error = Error::Unsupported("keep status lists: its store is SQL");

impl Bits for SqlStore {
    async fn reserve(&self, _list: u64, _count: u64, _span: Span) -> Result<u64, Error> {
        Err(NO_LISTS)
    }

    async fn set_bits(&self, _list: u64, _places: &[u64], _span: Span) -> Result<(), Error> {
        Err(NO_LISTS)
    }

    async fn bit(&self, _list: u64, _place: u64, _now: UnixMillis) -> Result<bool, Error> {
        Err(NO_LISTS)
    }

    async fn bits(&self, _list: u64, _now: UnixMillis) -> Result<Bytes, Error> {
        Err(NO_LISTS)
    }
}
