//! Frees ended logins of a memory store in small pieces, on a timer: a login that nobody follows by another would keep its
//! memory for ever.

use std::sync::Arc;
use std::time::Duration;

use auth::{AnyStore, MemoryStore, UnixMillis};
use tokio::time::{MissedTickBehavior, interval};

use crate::http::routes::Api;

/// One shard at a time: with a million live logins it holds some 30,000, a millisecond of work; with the ten thousand of
/// the shipped scenarios, ten microseconds.
const EVERY: Duration = Duration::from_secs(1);

/// Which shard comes next.
#[derive(Debug, Default)]
struct Round {
    turn: usize,
}

impl Round {
    /// Sweeps the next shard.
    fn next(&mut self, store: &MemoryStore, now: UnixMillis) {
        store.sweep_one(self.turn, now);
        self.turn = (self.turn + 1) % MemoryStore::SWEEP_TURNS;
    }
}

/// Sweeps for ever. Returns at once where the store frees its entries by itself.
pub(crate) async fn sweep(api: Arc<Api>) {
    let AnyStore::Memory(store) = api.authenticator.store() else { return };
    let mut round = Round::default();
    let mut ticks = interval(EVERY);
    // A server that was held up does not make up for it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        round.next(store, api.clock.now());
    }
}

#[cfg(test)]
mod tests {
    use auth::store::{Key, Kind, Span, Store};

    use super::*;

    const MINUTE: u64 = 60_000;

    fn filled() -> MemoryStore {
        let store = MemoryStore::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for number in 0_u64..1000 {
                let id = number.to_be_bytes();
                let until = if number % 2 == 0 { MINUTE } else { 3 * MINUTE };
                let key = Key { kind: Kind::Live, id: &id };
                assert!(store.put_new(key, b"x", Span { now: 0, until }).await.unwrap());
            }
        });
        store
    }

    #[test]
    fn a_round_frees_what_has_ended_by_the_clock_and_nothing_else() {
        let store = filled();
        let mut round = Round::default();
        let mut sweep_all = |now| (0..MemoryStore::SWEEP_TURNS).for_each(|_| round.next(&store, now));
        sweep_all(MINUTE - 1);
        assert_eq!(store.count(Kind::Live), Some(1000));
        sweep_all(2 * MINUTE);
        assert_eq!(store.count(Kind::Live), Some(500));
        sweep_all(3 * MINUTE);
        assert_eq!(store.count(Kind::Live), Some(0));
    }

    #[test]
    fn one_turn_frees_a_small_part_only() {
        let store = filled();
        let mut round = Round::default();
        let mut before = 1000;
        for _ in 0..MemoryStore::SWEEP_TURNS {
            round.next(&store, 4 * MINUTE);
            let left = store.count(Kind::Live).unwrap();
            // A shard holds a thirty-second of them, more or less.
            assert!(before - left < 200, "{before} to {left}");
            before = left;
        }
        assert_eq!(before, 0);
    }
}
