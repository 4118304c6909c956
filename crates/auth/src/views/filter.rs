//! A membership filter of what was ended: a few bits per entry instead of the entry, and sometimes a false alarm.
//!
//! A Bloom filter forgets nothing, so it is built anew from the log, which holds what is in force: once per life of a
//! token, and when more has come in than it was made for. Whatever it does not know was not ended.

use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use fastbloom::BloomFilter;

use super::follower::Keeps;
use crate::answer::UnixMillis;
use crate::error::Error;
use crate::store::memory::hash::Seed;
use crate::store::{Entry, Key, Kind};

/// Entries a filter is made for at least.
const SMALLEST: usize = 1024;

/// A denial that ends never: what an unconfirmed alarm counts as.
const ALARM: Bytes = Bytes::from_static(&u64::MAX.to_be_bytes());

/// A filter in front of a list of ended tokens.
pub(crate) struct Filter {
    /// One false alarm in so many questions.
    one_in: u32,
    /// Whether an alarm is looked up in the store.
    confirm: bool,
    /// Time from one building to the next, milliseconds.
    period_ms: u64,
    seed: Seed,
    state: RwLock<State>,
}

struct State {
    bits: BloomFilter<Seed>,
    entries: usize,
    made_for: usize,
    built_at: UnixMillis,
    /// Ids for the next filter, while it is being built.
    next: Option<Vec<Bytes>>,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Filter").field("one_in", &self.one_in).finish_non_exhaustive()
    }
}

impl Filter {
    /// An empty filter.
    pub(crate) fn new(one_in: u32, confirm: bool, period_ms: u64) -> Self {
        let seed = Seed::random();
        let state = State {
            bits: bits(seed, one_in, SMALLEST),
            entries: 0,
            made_for: SMALLEST,
            built_at: 0,
            next: None,
        };
        Self { one_in, confirm, period_ms, seed, state: RwLock::new(state) }
    }

    /// What it says of these. `None`: there is an alarm, and the store must be asked.
    pub(crate) fn read_all<const N: usize>(&self, keys: [Key<'_>; N]) -> Option<[Option<Bytes>; N]> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut said = [const { None }; N];
        for (key, said) in keys.into_iter().zip(&mut said) {
            match state.bits.contains(key.id) {
                false => {}
                true if self.confirm => return None,
                true => *said = Some(ALARM),
            }
        }
        Some(said)
    }

    /// Entries in it, repetitions included.
    pub(crate) fn count(&self) -> u64 {
        self.state.read().unwrap_or_else(PoisonError::into_inner).entries as u64
    }
}

fn bits(seed: Seed, one_in: u32, made_for: usize) -> BloomFilter<Seed> {
    BloomFilter::with_false_pos(1.0 / f64::from(one_in)).hasher(seed).expected_items(made_for)
}

impl Keeps for Filter {
    fn take(&self, kind: Kind, entry: &Entry) -> Result<(), Error> {
        if kind == Kind::Deny {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            state.bits.insert(&entry.id[..]);
            state.entries += 1;
            if let Some(next) = &mut state.next {
                next.push(entry.id.clone());
            }
        }
        Ok(())
    }

    fn starts_anew(&self, now: UnixMillis) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let full = state.entries > state.made_for;
        let due = full || state.next.is_some() || now.abs_diff(state.built_at) >= self.period_ms;
        if due {
            // What is ended meanwhile goes into both.
            state.next = Some(Vec::new());
        }
        due
    }

    fn is_complete(&self, now: UnixMillis) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let Some(ids) = state.next.take() else { return };
        let made_for = (ids.len() * 2).max(SMALLEST);
        let mut bits = bits(self.seed, self.one_in, made_for);
        ids.iter().for_each(|id| {
            bits.insert(&id[..]);
        });
        *state = State { bits, entries: ids.len(), made_for, built_at: now, next: None };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::Span;

    fn entry(number: u32) -> Entry {
        let span = Span { now: 0, until: u64::MAX };
        Entry { id: Bytes::copy_from_slice(&number.to_be_bytes()), value: Bytes::new(), span }
    }

    fn alarms(filter: &Filter, numbers: std::ops::Range<u32>) -> usize {
        let said = |number: u32| filter.read_all([Key { kind: Kind::Deny, id: &number.to_be_bytes() }]);
        numbers.filter(|&number| said(number) != Some([None])).count()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_was_ended_is_never_missed_while_it_is_built_anew(
            before in 0u32..3000, during in 0u32..500, after in 0u32..500, confirm: bool,
        ) {
            let filter = Filter::new(1000, confirm, 1000);
            (0..before).for_each(|number| filter.take(Kind::Deny, &entry(number)).unwrap());
            prop_assert!(filter.starts_anew(5000));
            // The log from its beginning, and what another request ended meanwhile.
            (0..before).for_each(|number| filter.take(Kind::Deny, &entry(number)).unwrap());
            let last = before + during;
            (before..last).for_each(|number| filter.take(Kind::Deny, &entry(number)).unwrap());
            prop_assert_eq!(alarms(&filter, 0..last), last as usize);
            filter.is_complete(5000);
            (last..last + after).for_each(|number| filter.take(Kind::Deny, &entry(number)).unwrap());
            prop_assert_eq!(alarms(&filter, 0..last + after), (last + after) as usize);
            prop_assert!(!filter.starts_anew(5001) || (last + after) as usize > SMALLEST);
            prop_assert!(filter.starts_anew(6000));
        }
    }

    #[test]
    fn false_alarms_are_as_rare_as_declared() {
        let filter = Filter::new(100, false, 1000);
        assert!(filter.starts_anew(5000));
        (0..20_000).for_each(|number| filter.take(Kind::Deny, &entry(number)).unwrap());
        filter.is_complete(5000);
        (20_000..40_000).for_each(|number| filter.take(Kind::Deny, &entry(number)).unwrap());
        let false_alarms = alarms(&filter, 1_000_000..1_100_000);
        // 1,000 are expected with as many entries as it is made for; four standard deviations are 126.
        assert!((300..1300).contains(&false_alarms), "{false_alarms}");
        assert_eq!(filter.count(), 40_000);
        assert!(!filter.starts_anew(5001), "not full yet");
        filter.take(Kind::Deny, &entry(40_000)).unwrap();
        assert!(filter.starts_anew(5001), "one more than it was made for");
    }

    #[test]
    fn an_entry_that_is_not_in_the_log_any_more_is_forgotten() {
        let filter = Filter::new(1000, false, 1000);
        assert!(filter.starts_anew(5000));
        filter.is_complete(5000);
        filter.take(Kind::Deny, &entry(7)).unwrap();
        filter.take(Kind::Epoch, &entry(8)).unwrap();
        assert_eq!((alarms(&filter, 7..8), filter.count()), (1, 1));
        assert!(filter.starts_anew(6000));
        filter.is_complete(6000);
        assert_eq!((alarms(&filter, 7..8), filter.count()), (0, 0));
    }
}
