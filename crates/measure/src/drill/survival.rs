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
    /// When the credential was copied, nanoseconds.
    pub(super) stolen_ns: u64,
    /// When a refresh was refused before the owner had ended anything: the design noticed.
    pub(super) alarm_ns: Option<u64>,
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

/// Replays around the acknowledged end of what was stolen, added up over trials, by when they were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// Where the first step begins, nanoseconds from the acknowledgement: negative.
    pub from_ns: i64,
    /// Length of a step, nanoseconds: a whole number of replay intervals.
    pub step_ns: u64,
    /// By replica.
    pub replicas: Vec<Steps>,
}

/// Replays at one replica, by step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// Sent.
    pub sent: Vec<u64>,
    /// Of these, accepted.
    pub accepted: Vec<u64>,
}

/// Steps of a timeline at most.
const MOST_STEPS: i64 = 80;

impl Timeline {
    /// Of trials that were ended; empty without any.
    fn of(trials: &[Trial], replicas: usize, interval_ns: u64) -> Self {
        let sent = || {
            trials.iter().filter_map(|trial| Some((trial.acknowledged_ns?, trial))).flat_map(
                |(at_ns, trial)| {
                    let replays = trial.replays.iter().enumerate();
                    replays.flat_map(move |(replica, replays)| {
                        let from_end = move |replay: &Replay| {
                            let after = i64::try_from(replay.sent_ns).ok()?.checked_sub_unsigned(at_ns)?;
                            Some((replica, after, replay.accepted))
                        };
                        replays.iter().filter_map(from_end)
                    })
                },
            )
        };
        let (Some(first), Some(last)) =
            (sent().map(|(_, at, _)| at).min(), sent().map(|(_, at, _)| at).max())
        else {
            return Self::default();
        };
        let interval = i64::try_from(interval_ns.max(1)).unwrap_or(i64::MAX);
        let many = (last - first) / interval / MOST_STEPS + 1;
        let step = interval.saturating_mul(many);
        // A step begins at the acknowledgement itself: nothing before it is mixed with what is after.
        let from = first.div_euclid(step);
        let steps = usize::try_from(last.div_euclid(step) - from + 1).unwrap_or(0);
        let mut found = vec![Steps { sent: vec![0; steps], accepted: vec![0; steps] }; replicas];
        for (replica, at, accepted) in sent() {
            let step = usize::try_from(at.div_euclid(step) - from).unwrap_or(usize::MAX);
            let Some(there) = found.get_mut(replica) else { continue };
            if let (Some(sent), Some(let_in)) = (there.sent.get_mut(step), there.accepted.get_mut(step)) {
                *sent += 1;
                *let_in += u64::from(accepted);
            }
        }
        Self { from_ns: from * step, step_ns: step.unsigned_abs(), replicas: found }
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
    /// The same by replica, and how many were accepted there.
    pub(super) by_replica: Vec<Replica>,
    /// From the theft to the moment at which the design noticed, over the trials in which it did.
    pub(super) noticed_ns: Spread,
    pub(super) timeline: Timeline,
    /// Sends later than intended, nanoseconds.
    pub(super) lateness_ns: Spread,
    pub(super) alarms: u64,
    pub(super) forced: u64,
    /// Trials in which the last replay at some replica was still accepted.
    pub(super) still_working: u64,
}

/// What one replica let in after the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// Accepted replays sent after the acknowledgement.
    pub accepted_after: u64,
    /// Longest time from the acknowledgement to such a send, nanoseconds.
    pub longest_ns: u64,
    /// The time from the acknowledgement to the last of them, over trials; 0 where none was. Nanoseconds.
    #[serde(default)]
    pub survival_ns: Spread,
}

/// Sums up the trials of a cell.
pub(super) fn summary(trials: &[Trial], replicas: usize, interval_ns: u64) -> Summary {
    let mut sum = Summary { by_replica: vec![Replica::default(); replicas], ..Summary::default() };
    let (mut survivals, mut lateness, mut noticed) = (Vec::new(), Vec::new(), Vec::new());
    let mut there_survivals = vec![Vec::new(); replicas];
    for trial in trials {
        sum.cannot += u64::from(trial.cannot);
        sum.alarms += u64::from(trial.alarm_ns.is_some());
        let last =
            trial.replays.iter().filter_map(|replays| replays.iter().max_by_key(|replay| replay.sent_ns));
        sum.still_working += u64::from(last.into_iter().any(|replay| replay.accepted));
        noticed.extend(trial.alarm_ns.map(|at_ns| at_ns.saturating_sub(trial.stolen_ns)));
        sum.forced += u64::from(trial.forced);
        sum.ended += u64::from(trial.acknowledged_ns.is_some());
        let mut longest = vec![0; replicas];
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
                if let (Some(there), Some(longest)) =
                    (sum.by_replica.get_mut(replica), longest.get_mut(replica))
                {
                    there.accepted_after += 1;
                    *longest = survived.max(*longest);
                }
            }
        }
        if trial.acknowledged_ns.is_some() {
            survivals.push(longest.iter().copied().max().unwrap_or(0));
            for (there, longest) in there_survivals.iter_mut().zip(longest) {
                there.push(longest);
            }
        }
    }
    for (there, survivals) in sum.by_replica.iter_mut().zip(there_survivals) {
        there.survival_ns = Spread::of(survivals);
        there.longest_ns = there.survival_ns.max;
    }
    sum.timeline = Timeline::of(trials, replicas, interval_ns);
    sum.noticed_ns = Spread::of(noticed);
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
        let open = Trial {
            replays: vec![vec![replay(1, true)]],
            stolen_ns: 3,
            alarm_ns: Some(10),
            ..Trial::default()
        };
        let sum = summary(&[trial, never, open], 2, 50);
        assert_eq!((sum.ended, sum.alarms), (2, 1));
        assert_eq!((sum.sent_before, sum.accepted_before), (3, 3));
        assert_eq!((sum.sent_after, sum.accepted_after), (6, 3));
        assert_eq!(sum.survival_ns, Spread { p50: 0, p99: 60, max: 60 });
        let expected = [(2, 60), (1, 20)].map(|(accepted_after, longest_ns)| Replica {
            accepted_after,
            longest_ns,
            survival_ns: Spread { p50: 0, p99: longest_ns, max: longest_ns },
        });
        assert_eq!(sum.by_replica, expected);
        assert_eq!(sum.noticed_ns.max, 7);
        let steps =
            |sent: [u64; 4], accepted: [u64; 4]| Steps { sent: sent.into(), accepted: accepted.into() };
        let replicas = vec![steps([1, 2, 2, 0], [1, 1, 1, 0]), steps([1, 1, 0, 1], [1, 1, 0, 0])];
        // From -50 on in steps of 50; the trial that was never let in has its one replay 10 after its end.
        assert_eq!(sum.timeline, Timeline { from_ns: -50, step_ns: 50, replicas });
    }

    #[test]
    fn spreads_are_nearest_ranks() {
        assert_eq!(Spread::of(vec![]), Spread::default());
        assert_eq!(Spread::of(vec![7]), Spread { p50: 7, p99: 7, max: 7 });
        assert_eq!(Spread::of((1..=100).collect()), Spread { p50: 50, p99: 99, max: 100 });
        assert_eq!(Spread::of((1..=1000).rev().collect()), Spread { p50: 500, p99: 990, max: 1000 });
    }

    #[test]
    fn a_long_timeline_has_wider_steps_and_loses_nothing() {
        let replays = (0..1000).map(|at| replay(at * 10, at < 600)).collect();
        let trial = Trial { acknowledged_ns: Some(5005), replays: vec![replays], ..Trial::default() };
        let timeline = summary(&[trial], 1, 10).timeline;
        assert!(timeline.replicas[0].sent.len() <= 81, "{timeline:?}");
        assert_eq!(timeline.replicas[0].sent.iter().sum::<u64>(), 1000);
        assert_eq!(timeline.replicas[0].accepted.iter().sum::<u64>(), 600);
        assert_eq!(timeline.from_ns.rem_euclid(timeline.step_ns as i64), 0);
        assert_eq!(summary(&[], 1, 10).timeline, Timeline::default());
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
