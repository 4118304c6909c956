//! What a trace contains, for people and programs: counted in one pass.

use std::collections::BTreeMap;

use serde::Serialize;

use super::format::Digest;
use super::{Operation, Step};

/// What a trace contains.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Number of steps.
    pub steps: u64,
    /// Of these, by operation; only those that occur.
    pub operations: BTreeMap<Operation, u64>,
    /// Different subjects.
    pub subjects: u64,
    /// Different pairs of subject and device.
    pub logins: u64,
    /// Intended start of the last step, nanoseconds.
    pub last_ns: u64,
    /// Steps per second up to the last step.
    pub mean_rate: f64,
    /// Most steps in any one of the seconds counted from the start.
    pub peak_rate: u64,
    /// [`Digest::hex`] of the steps.
    pub digest: String,
}

impl Summary {
    /// Counts a trace. Memory: one bit per pair of subject and device below the highest that occur.
    #[must_use]
    pub fn of(steps: impl Iterator<Item = Step>) -> Self {
        let mut operations = BTreeMap::new();
        let mut digest = Digest::default();
        let (mut subjects, mut logins) = (BitSet::default(), BTreeMap::<u8, BitSet>::new());
        let (mut last_ns, mut second, mut in_second, mut peak_rate) = (0, 0, 0_u64, 0_u64);
        for step in steps {
            digest.add(&step);
            *operations.entry(step.operation).or_default() += 1;
            subjects.insert(step.subject);
            logins.entry(step.device).or_default().insert(step.subject);
            last_ns = step.intended_ns;
            let now = last_ns / 1_000_000_000;
            in_second = if now == second { in_second + 1 } else { 1 };
            second = now;
            peak_rate = peak_rate.max(in_second);
        }
        let steps = digest.steps();
        let mean_rate = if last_ns == 0 { 0.0 } else { steps as f64 / (last_ns as f64 * 1e-9) };
        Self {
            steps,
            operations,
            subjects: subjects.len,
            logins: logins.values().map(|set| set.len).sum(),
            last_ns,
            mean_rate,
            peak_rate,
            digest: digest.hex(),
        }
    }
}

#[derive(Debug, Default)]
struct BitSet {
    words: Vec<u64>,
    len: u64,
}

impl BitSet {
    fn insert(&mut self, value: u32) {
        let (word, bit) = (value as usize / 64, 1_u64 << (value % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if self.words[word] & bit == 0 {
            self.words[word] |= bit;
            self.len += 1;
        }
    }
}
