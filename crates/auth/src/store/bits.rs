//! Status lists: numbers handed out once each, and one bit for each of them.

use std::future::Future;

use bytes::Bytes;

use super::Span;
use crate::answer::UnixMillis;
use crate::error::Error;

/// Lists of bits, each with a counter that hands out its places. Each call is one atomic step on one key.
///
/// Bit `n` is bit `n mod 8`, from the least significant, of byte `n / 8` (draft-ietf-oauth-status-list §4.1). A list
/// ends with its last bit that was set: what lies behind it is 0.
pub trait Bits: Send + Sync {
    /// The first of `count` places that nobody else gets.
    fn reserve(&self, list: u64, count: u64, span: Span) -> impl Future<Output = Result<u64, Error>> + Send;

    /// Sets bits.
    fn set_bits(
        &self,
        list: u64,
        places: &[u64],
        span: Span,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Whether a bit is set.
    fn bit(&self, list: u64, place: u64, now: UnixMillis)
    -> impl Future<Output = Result<bool, Error>> + Send;

    /// The whole list.
    fn bits(&self, list: u64, now: UnixMillis) -> impl Future<Output = Result<Bytes, Error>> + Send;
}

/// Whether a bit of a list is set.
#[must_use]
pub fn is_set(bits: &[u8], place: u64) -> bool {
    let byte = usize::try_from(place / 8).ok().and_then(|at| bits.get(at));
    byte.is_some_and(|byte| byte >> (place % 8) & 1 == 1)
}

/// Sets a bit of a list, which grows as far as needed.
pub(crate) fn set(bits: &mut Vec<u8>, place: u64) -> Result<(), Error> {
    let at = usize::try_from(place / 8).ok().filter(|at| *at < LARGEST);
    let at = at.ok_or_else(|| Error::Store(format!("place {place} is beyond any status list")))?;
    if bits.len() <= at {
        bits.resize(at + 1, 0);
    }
    bits[at] |= 1 << (place % 8);
    Ok(())
}

/// The largest list, bytes: 128 million tokens.
pub const LARGEST: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bit_is_set_and_no_other(places in prop::collection::btree_set(0u64..5000, 0..50)) {
            let mut bits = Vec::new();
            places.iter().for_each(|place| set(&mut bits, *place).unwrap());
            let read: std::collections::BTreeSet<u64> = (0..6000).filter(|place| is_set(&bits, *place)).collect();
            prop_assert_eq!(read, places);
        }
    }

    #[test]
    fn the_order_is_that_of_the_draft() {
        // §4.1: the statuses 1, 0, 0, 1, 1, 1, 0, 1 are the byte 0xb9.
        assert!([0, 3, 4, 5, 7].iter().all(|place| is_set(&[0xb9], *place)));
        assert!([1, 2, 6, 8, u64::MAX].iter().all(|place| !is_set(&[0xb9], *place)));
        assert!(set(&mut Vec::new(), u64::MAX).is_err());
    }
}
