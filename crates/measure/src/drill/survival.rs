//! From replays to how long a credential went on working: arithmetic only.

use serde::{Deserialize, Serialize};

/// One use of a stolen credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Replay {
    /// When it was to be sent, nanoseconds.
    pub(super) intended_ns: u64,
    /// When it was sent.
    pub(super) sent_ns: u64,
    /// Whether the owner's identity came back.
    pub(super) accepted: bool,
}

/// One stolen credential, and what was done with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Trial {
    /// When the end of the credential was acknowledged; absent: it never ended.
    pub(super) acknowledged_ns: Option<u64>,
    /// The event was answered with 501: the design cannot do it. The user was told, so the clock runs all the same.
    pub(super) cannot: bool,
    /// Replays by replica.
    pub(super) replays: Vec<Vec<Replay>>,
    /// A refresh was refused before the owner had ended anything: the design noticed.
    pub(super) alarm: bool,
    /// The owner was among those refused, and had to log in again.
    pub(super) forced: bool,
}

/// How a quantity is spread over trials: nearest-rank quantiles, exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Largest.
    pub max: u64,
}

impl Spread {
    /// Of these values; all 0 without any.
    #[must_use]
    pub fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let at = |share: f64| {
            let rank = (share * values.len() as f64).ceil() as usize;
            values.get(rank.max(1) - 1).copied().unwrap_or(0)
        };
        Self { p50: at(0.5), p99: at(0.99), max: values.last().copied().unwrap_or(0) }
    }
}

/// What the trials of a cell come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// Trials whose credential was ended.
    pub(super) ended: u64,
    pub(super) cannot: u64,
    pub(super) sent_before: u64,
    pub(super) accepted_before: u64,
    pub(super) sent_after: u64,
    pub(super) accepted_after: u64,
    /// Time from the acknowledgement to the send of the last accepted replay, over trials; 0 where none was.
    pub(super) survival_ns: Spread,
    /// The longest by replica, nanoseconds, and how many were accepted there.
    pub(super) by_replica: Vec<Replica>,
    /// Sends later than intended, nanoseconds.
    pub(super) lateness_ns: Spread,
    pub(super) alarms: u64,
    pub(super) forced: u64,
}

/// What one replica let in after the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// Accepted replays sent after the acknowledgement.
    pub accepted_after: u64,
    /// Longest time from the acknowledgement to such a send, nanoseconds.
    pub longest_ns: u64,
}

/// Sums up the trials of a cell.
pub(super) fn summary(trials: &[Trial], replicas: usize) -> Summary {
    let mut sum = Summary { by_replica: vec![Replica::default(); replicas], ..Summary::default() };
    let (mut survivals, mut lateness) = (Vec::new(), Vec::new());
    for trial in trials {
        sum.cannot += u64::from(trial.cannot);
        sum.alarms += u64::from(trial.alarm);
        sum.forced += u64::from(trial.forced);
        sum.ended += u64::from(trial.acknowledged_ns.is_some());
        let mut longest = 0;
        for (replica, replays) in trial.replays.iter().enumerate() {
            for replay in replays {
                lateness.push(replay.sent_ns.saturating_sub(replay.intended_ns));
                let after = trial.acknowledged_ns.filter(|at| replay.sent_ns >= *at);
                let Some(acknowledged_ns) = after else {
                    sum.sent_before += 1;
                    sum.accepted_before += u64::from(replay.accepted);
                    continue;
                };
                sum.sent_after += 1;
                if !replay.accepted {
                    continue;
                }
                sum.accepted_after += 1;
                let survived = replay.sent_ns - acknowledged_ns;
                longest = longest.max(survived);
                if let Some(there) = sum.by_replica.get_mut(replica) {
                    there.accepted_after += 1;
                    there.longest_ns = there.longest_ns.max(survived);
                }
            }
        }
        if trial.acknowledged_ns.is_some() {
            survivals.push(longest);
        }
    }
    sum.survival_ns = Spread::of(survivals);
    sum.lateness_ns = Spread::of(lateness);
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replay(sent_ns: u64, accepted: bool) -> Replay {
        Replay { intended_ns: sent_ns, sent_ns, accepted }
    }

    #[test]
    fn the_last_acceptance_after_the_acknowledgement_counts() {
        let trial = Trial {
            acknowledged_ns: Some(100),
            replays: vec![
                vec![replay(50, true), replay(100, true), replay(150, false), replay(160, true)],
                vec![replay(99, true), replay(120, true), replay(200, false)],
            ],
            ..Trial::default()
        };
        let never =
            Trial { acknowledged_ns: Some(10), replays: vec![vec![replay(20, false)]], ..Trial::default() };
        let open = Trial { replays: vec![vec![replay(1, true)]], alarm: true, ..Trial::default() };
        let sum = summary(&[trial, never, open], 2);
        assert_eq!((sum.ended, sum.alarms), (2, 1));
        assert_eq!((sum.sent_before, sum.accepted_before), (3, 3));
        assert_eq!((sum.sent_after, sum.accepted_after), (6, 3));
        assert_eq!(sum.survival_ns, Spread { p50: 0, p99: 60, max: 60 });
        let expected =
            [(2, 60), (1, 20)].map(|(accepted_after, longest_ns)| Replica { accepted_after, longest_ns });
        assert_eq!(sum.by_replica, expected);
    }

    #[test]
    fn spreads_are_nearest_ranks() {
        assert_eq!(Spread::of(vec![]), Spread::default());
        assert_eq!(Spread::of(vec![7]), Spread { p50: 7, p99: 7, max: 7 });
        assert_eq!(Spread::of((1..=100).collect()), Spread { p50: 50, p99: 99, max: 100 });
        assert_eq!(Spread::of((1..=1000).rev().collect()), Spread { p50: 500, p99: 990, max: 1000 });
    }

    proptest! {
        #[test]
        fn a_spread_is_ordered_and_made_of_its_values(values in proptest::collection::vec(0_u64..1000, 1..200)) {
            let spread = Spread::of(values.clone());
            prop_assert!(spread.p50 <= spread.p99 && spread.p99 <= spread.max);
            for value in [spread.p50, spread.p99, spread.max] {
                prop_assert!(values.contains(&value));
            }
            let below = values.iter().filter(|value| **value <= spread.p50).count();
            prop_assert!(2 * below >= values.len());
        }
    }
}
