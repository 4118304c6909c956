//! What is asked when, of which server, concerning whom: drawn from the seed before anything is started.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::FaultLoad;

/// One kind of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultOperation {
    /// `GET /me` by a user who is logged in.
    Request,
    /// `POST /note` by one.
    Write,
    /// `POST /login`.
    Login,
    /// `POST /logout`.
    Logout,
    /// `POST /refresh`.
    Refresh,
    /// `GET /me` with a credential whose end was acknowledged.
    Replay,
    /// `GET /me` with a credential that was never handed out.
    Forgery,
}

impl FaultOperation {
    /// All.
    pub const ALL: [Self; 7] =
        [Self::Request, Self::Write, Self::Login, Self::Logout, Self::Refresh, Self::Replay, Self::Forgery];

    /// As it stands in recordings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Write => "write",
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Refresh => "refresh",
            Self::Replay => "replay",
            Self::Forgery => "forgery",
        }
    }
}

/// An operation that falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// Nanoseconds since the start of the load.
    pub(super) at_ns: u64,
    pub(super) operation: FaultOperation,
    /// Which server.
    pub(super) replica: usize,
    /// Concerning whom: a number to choose by.
    pub(super) choice: u32,
}

/// One kind of operation at its rate, in a part of the time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    pub(super) operation: FaultOperation,
    pub(super) per_s: u32,
    pub(super) from_ns: u64,
    pub(super) to_ns: u64,
}

/// The streams of a load that lasts so long.
pub(super) fn streams(load: &FaultLoad, length_ns: u64) -> Vec<Stream> {
    [
        (FaultOperation::Request, load.requests),
        (FaultOperation::Write, load.writes),
        (FaultOperation::Login, load.logins),
        (FaultOperation::Logout, load.logouts),
        (FaultOperation::Refresh, load.refreshes),
        (FaultOperation::Replay, load.replays),
        (FaultOperation::Forgery, load.forgeries),
    ]
    .map(|(operation, per_s)| Stream { operation, per_s, from_ns: 0, to_ns: length_ns })
    .into()
}

/// All operations in the order of their times. Each stream has one in every interval of its own length, at a random
/// moment in it, so that every piece of the timeline has some.
pub(super) fn schedule(streams: &[Stream], replicas: usize, seed: u64, stream: u64) -> Vec<Due> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    let mut all = Vec::new();
    for &Stream { operation, per_s, from_ns, to_ns } in streams.iter().filter(|stream| stream.per_s > 0) {
        let step_ns = 1_000_000_000 / u64::from(per_s);
        let mut start_ns = from_ns;
        while start_ns < to_ns {
            let at_ns = start_ns + random.next_u64() % step_ns.max(1);
            let replica = random.next_u32() as usize % replicas.max(1);
            all.push(Due { at_ns, operation, replica, choice: random.next_u32() });
            start_ns += step_ns;
        }
    }
    all.sort_by_key(|due| due.at_ns);
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(per_s: u32, from_ns: u64, to_ns: u64) -> Stream {
        Stream { operation: FaultOperation::Request, per_s, from_ns, to_ns }
    }

    proptest! {
        #[test]
        fn rates_hold_in_every_part_and_the_seed_decides(per_s in 1u32..500, seed: u64, replicas in 1usize..5) {
            let second = 1_000_000_000;
            let streams = [stream(per_s, 0, 3 * second), stream(2 * per_s, second, 2 * second)];
            let all = schedule(&streams, replicas, seed, 7);
            prop_assert_eq!(&all, &schedule(&streams, replicas, seed, 7));
            prop_assert!(all.is_sorted_by_key(|due| due.at_ns));
            prop_assert!(all.iter().all(|due| due.replica < replicas));
            for (part, rate) in [(0, per_s), (1, 3 * per_s), (2, per_s)] {
                let inside = |due: &&Due| (part * second..(part + 1) * second).contains(&due.at_ns);
                let found = all.iter().filter(inside).count() as u32;
                // Where a second is not whole steps, one more or less at each end.
                prop_assert!(found.abs_diff(rate) <= 4, "{} of {}", found, rate);
            }
        }
    }

    #[test]
    fn nothing_comes_of_a_rate_of_nothing() {
        assert!(schedule(&[stream(0, 0, 1_000_000_000)], 2, 1, 1).is_empty());
    }
}
