//! The status lists of the memory store.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;

use super::{MemoryStore, locked};
use crate::answer::UnixMillis;
use crate::error::Error;
use crate::store::Span;
use crate::store::bits::{Bits, is_set, set};

/// All lists, by their number.
pub(super) type Lists = Mutex<BTreeMap<u64, List>>;

/// One list.
#[derive(Debug, Default)]
pub(super) struct List {
    next: u64,
    bits: Vec<u8>,
    until: UnixMillis,
}

impl MemoryStore {
    fn in_list<T>(&self, list: u64, span: Span, change: impl FnOnce(&mut List) -> T) -> T {
        let mut lists = locked(&self.lists);
        lists.retain(|_, list| list.until > span.now);
        let list = lists.entry(list).or_default();
        list.until = list.until.max(span.until);
        change(list)
    }
}

impl Bits for MemoryStore {
    async fn reserve(&self, list: u64, count: u64, span: Span) -> Result<u64, Error> {
        Ok(self.in_list(list, span, |list| {
            list.next += count;
            list.next - count
        }))
    }

    async fn set_bits(&self, list: u64, places: &[u64], span: Span) -> Result<(), Error> {
        self.in_list(list, span, |list| places.iter().try_for_each(|place| set(&mut list.bits, *place)))
    }

    async fn bit(&self, list: u64, place: u64, _now: UnixMillis) -> Result<bool, Error> {
        Ok(locked(&self.lists).get(&list).is_some_and(|list| is_set(&list.bits, place)))
    }

    async fn bits(&self, list: u64, _now: UnixMillis) -> Result<Bytes, Error> {
        let lists = locked(&self.lists);
        Ok(lists.get(&list).map_or_else(Bytes::new, |list| Bytes::copy_from_slice(&list.bits)))
    }
}
