//! Counts, times and exposure of one block, collected on the generator's thread: no allocation per observation.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use loadgen::{Answer, CredentialFact, Ending, Observation};
use scenario::Operation;

use crate::block::{Exposure, Outcome, Quantiles};
use crate::judge::Judge;

/// All operations, in the order of their discriminants.
const OPERATIONS: [Operation; 8] = [
    Operation::Login,
    Operation::Request,
    Operation::Write,
    Operation::Refresh,
    Operation::Logout,
    Operation::LogoutAll,
    Operation::PasswordChange,
    Operation::Replay,
];
const ENDINGS: [Ending; 4] = [Ending::Logout, Ending::LogoutAll, Ending::PasswordChange, Ending::Replaced];

/// What one operation came to.
#[derive(Debug, Default)]
struct Row {
    outcomes: [u64; Outcome::ALL.len()],
    times: Option<Times>,
}

/// Times of one operation, nanoseconds.
#[derive(Debug)]
pub(crate) struct Times {
    /// From intended start.
    pub(crate) response: Histogram<u64>,
    /// From send.
    pub(crate) service: Histogram<u64>,
}

/// Everything judged and timed in one block.
#[derive(Debug)]
pub(crate) struct Tally {
    judge: Judge,
    rows: [Row; OPERATIONS.len()],
    exposure: [Exposure; ENDINGS.len()],
    /// By the replica that was asked; empty where there is one.
    replicas: Vec<[u64; Outcome::ALL.len()]>,
    sent_bytes: u64,
    received_bytes: u64,
}

impl Tally {
    pub(crate) fn new(judge: Judge) -> Self {
        Self {
            judge,
            rows: Default::default(),
            exposure: ENDINGS.map(|by| Exposure { by, sent_after: 0, accepted: 0, longest_ns: 0 }),
            replicas: Vec::new(),
            sent_bytes: 0,
            received_bytes: 0,
        }
    }

    /// Makes room for the times of an operation, so that the first observation does not have to.
    pub(crate) fn expect(&mut self, operation: Operation) {
        self.rows[operation as usize].times.get_or_insert_with(Times::new);
    }

    /// Counts outcomes by replica as well, where there are several.
    pub(crate) fn expect_replicas(&mut self, count: usize) {
        if count > 1 {
            self.replicas = vec![[0; Outcome::ALL.len()]; count];
        }
    }

    pub(crate) fn add(&mut self, observation: &Observation) {
        let outcome = self.judge.outcome(observation);
        let row = &mut self.rows[observation.operation as usize];
        row.outcomes[outcome as usize] += 1;
        let replica = observation.replica.map(usize::from);
        if let Some(counts) = replica.and_then(|replica| self.replicas.get_mut(replica)) {
            counts[outcome as usize] += 1;
        }
        if matches!(observation.answer, Answer::Response { .. } | Answer::TimedOut) {
            let times = row.times.get_or_insert_with(Times::new);
            times.response.saturating_record(observation.done_ns.saturating_sub(observation.intended_ns));
            times.service.saturating_record(observation.done_ns.saturating_sub(observation.sent_ns));
        }
        self.sent_bytes += u64::from(observation.bytes_sent);
        self.received_bytes += u64::from(observation.bytes_received);
        let CredentialFact::Ended { by, acknowledged_ns } = observation.credential else { return };
        // A second logout tells nothing about what an attacker could do.
        if observation.operation == Operation::Logout {
            return;
        }
        let exposure = &mut self.exposure[by as usize];
        exposure.sent_after += 1;
        if matches!(outcome, Outcome::AcceptedAsDeclared | Outcome::WronglyAccepted) {
            exposure.accepted += 1;
            exposure.longest_ns =
                exposure.longest_ns.max(observation.sent_ns.saturating_sub(acknowledged_ns));
        }
    }

    /// Counts that are not 0.
    pub(crate) fn outcomes(&self) -> BTreeMap<Operation, BTreeMap<Outcome, u64>> {
        let counted = |row: &Row| counted(&row.outcomes);
        OPERATIONS.into_iter().zip(self.rows.iter().map(counted)).filter(|(_, row)| !row.is_empty()).collect()
    }

    /// Counts that are not 0, by the replica that was asked; empty where there is one.
    pub(crate) fn by_replica(&self) -> Vec<BTreeMap<Outcome, u64>> {
        self.replicas.iter().map(counted).collect()
    }

    /// Times of the operations that have any.
    pub(crate) fn times(&self) -> impl Iterator<Item = (Operation, &Times)> {
        OPERATIONS
            .into_iter()
            .zip(&self.rows)
            .filter_map(|(operation, row)| row.times.as_ref().map(|times| (operation, times)))
            .filter(|(_, times)| !times.response.is_empty())
    }

    /// Exposure by the endings that occurred.
    pub(crate) fn exposure(&self) -> Vec<Exposure> {
        self.exposure.iter().copied().filter(|exposure| exposure.sent_after > 0).collect()
    }

    /// Bytes to and from the server.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.sent_bytes, self.received_bytes)
    }
}

fn counted(counts: &[u64; Outcome::ALL.len()]) -> BTreeMap<Outcome, u64> {
    Outcome::ALL.into_iter().zip(*counts).filter(|(_, count)| *count > 0).collect()
}

impl Times {
    fn new() -> Self {
        Self { response: loadgen::nanosecond_histogram(), service: loadgen::nanosecond_histogram() }
    }
}

/// Quantiles of a histogram.
pub(crate) fn quantiles(histogram: &Histogram<u64>) -> Quantiles {
    let at = |q| histogram.value_at_quantile(q);
    Quantiles {
        count: histogram.len(),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: histogram.max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::fixture::{ACKNOWLEDGED_NS, observed};
    use loadgen::Identity;
    use scenario::backend::{Lag, LogoutAll, Promises, Replicas, StoreDown};

    #[test]
    fn enums_index_their_tables() {
        assert!(OPERATIONS.into_iter().enumerate().all(|(at, operation)| operation as usize == at));
        assert!(ENDINGS.into_iter().enumerate().all(|(at, ending)| ending as usize == at));
        assert!(Outcome::ALL.into_iter().enumerate().all(|(at, outcome)| outcome as usize == at));
    }

    #[test]
    fn counts_times_and_exposure_add_up() {
        let promises = Promises {
            revocation_lag: Lag::Millis(1),
            logout_all: LogoutAll::Index,
            store_down: StoreDown::Closed,
            replicas: Replicas::Any,
        };
        let mut tally = Tally::new(Judge::new(promises, None));
        tally.expect_replicas(3);
        let ended = CredentialFact::Ended { by: Ending::LogoutAll, acknowledged_ns: ACKNOWLEDGED_NS };
        let right = Answer::Response { status: 200, identity: Identity::Expected };
        let mut observation = observed(Operation::Replay, right, ended, 4_000);
        observation.intended_ns = 4_000;
        observation.done_ns = 8_000;
        observation.replica = Some(1);
        tally.add(&observation);
        observation.sent_ns = 5_001_000;
        observation.done_ns = 5_002_000;
        tally.add(&observation);
        observation.answer = Answer::Response { status: 401, identity: Identity::Absent };
        tally.add(&observation);
        observation.answer = Answer::Closed;
        observation.credential = CredentialFact::Held;
        tally.add(&observation);

        let outcomes = tally.outcomes();
        assert_eq!(outcomes.len(), 1);
        assert_eq!(
            outcomes[&Operation::Replay],
            BTreeMap::from([
                (Outcome::RejectedAsExpected, 1),
                (Outcome::AcceptedAsDeclared, 1),
                (Outcome::WronglyAccepted, 1),
                (Outcome::ConnectionFailed, 1),
            ])
        );
        let exposure = Exposure { by: Ending::LogoutAll, sent_after: 3, accepted: 2, longest_ns: 5_000_000 };
        assert_eq!(tally.exposure(), [exposure]);
        assert_eq!(tally.bytes(), (40, 80));
        let (operation, times) = tally.times().next().unwrap();
        assert_eq!((operation, times.response.len(), times.service.min()), (Operation::Replay, 3, 1_000));
        assert_eq!(quantiles(&times.response).count, 3);
        // All of them went to the second replica, but for the one that was sent nowhere.
        observation.replica = None;
        tally.add(&observation);
        assert_eq!(
            tally.by_replica(),
            [BTreeMap::new(), outcomes[&Operation::Replay].clone(), BTreeMap::new()]
        );
    }
}
