//! Which void blocks of a round are measured again, and while how long.

use super::Conductor;
use crate::block::BlockRecord;
use crate::clock::now;
use crate::generator::Generator;
use crate::plan::{BETWEEN_BLOCKS_MS, BLOCKS_PER_REPEAT};
use crate::run::fleet::Parts;

/// Kept for what no estimate holds: answers on their way, ending the servers, milliseconds.
const RESERVE_MS: u64 = 1_000;

/// Repeats of one pass: how many there may still be, and which rows are short of rounds.
#[derive(Debug)]
pub(super) struct Repeats {
    left: u64,
    /// Usable rounds so far, by row.
    usable: Vec<u32>,
}

/// A block that failed its self-checks.
#[derive(Debug)]
pub(super) struct Void {
    /// Which row, by its place.
    pub(super) row: usize,
    /// Which of the row's visits.
    pub(super) visit: u32,
    pub(super) block: BlockRecord,
}

impl Repeats {
    /// For so many planned blocks of so many rows.
    pub(super) fn of(blocks: u64, rows: usize) -> Self {
        Self { left: blocks / BLOCKS_PER_REPEAT, usable: vec![0; rows] }
    }

    /// More rounds were added.
    pub(super) fn grow(&mut self, blocks: u64) {
        self.left += blocks / BLOCKS_PER_REPEAT;
    }

    /// Counts a round that a row can be ranked by.
    pub(super) fn count(&mut self, row: usize, block: &BlockRecord) {
        self.usable[row] += u32::from(block.validity.response_times);
    }

    /// The order in which void blocks of a round are measured again: the baseline, which every comparison needs, then
    /// rows with the fewest usable rounds.
    pub(super) fn order(&self, void: &mut [Void], baseline: Option<usize>) {
        void.sort_by_key(|void| (Some(void.row) != baseline, self.usable[void.row], void.row));
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self) -> bool {
        let there = self.left > 0;
        self.left = self.left.saturating_sub(1);
        there
    }
}

impl<P: Parts, G: Generator> Conductor<'_, P, G> {
    /// Is there time for a block besides the planned ones?
    pub(super) fn has_time_for(&self, block_ms: u64) -> bool {
        let Some(limit_ms) = self.setting.plan.limit_ms else { return true };
        let elapsed = now().saturating_duration_since(self.started).as_millis();
        let elapsed_ms = u64::try_from(elapsed).unwrap_or(u64::MAX);
        let planned_ms = self.left.ms + self.left.set_up_ms + RESERVE_MS;
        elapsed_ms.saturating_add(planned_ms + block_ms + BETWEEN_BLOCKS_MS) <= limit_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_and_rows_short_of_rounds_come_first() {
        let block = || crate::run::growth::tests::block("row", 0, 1);
        let mut repeats = Repeats::of(18, 4);
        for row in [0, 0, 1, 2, 2, 3] {
            repeats.count(row, &block());
        }
        let mut void: Vec<Void> = [2, 3, 0, 1].map(|row| Void { row, visit: 0, block: block() }).into();
        repeats.order(&mut void, Some(2));
        assert_eq!(void.iter().map(|void| void.row).collect::<Vec<_>>(), [2, 1, 3, 0]);
    }

    #[test]
    fn one_block_in_six_may_be_repeated_and_no_more() {
        let mut repeats = Repeats::of(13, 1);
        assert_eq!([(); 4].map(|()| repeats.take()), [true, true, false, false]);
        repeats.grow(6);
        assert!(repeats.take() && !repeats.take());
    }
}
