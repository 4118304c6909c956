//! What a row's blocks of one round amount to: a round is what comparisons pair, whatever number of blocks it is made of.

use std::collections::BTreeMap;

use crate::block::BlockRecord;

/// A round of a recording: how often everything had been restarted before it, and its number.
pub type Round = (u32, u32);

/// What the visits of each round say, from the blocks of one row, one scenario and one store distance, in any order. A
/// second block of the same visit stands in where it has a value that the first one, being void, has not; a visit
/// without any is left out, and so is a round without any visit.
pub fn visits<'a, T>(
    blocks: impl IntoIterator<Item = (&'a BlockRecord, Option<T>)>,
) -> BTreeMap<Round, Vec<T>> {
    let mut rounds: BTreeMap<Round, BTreeMap<u32, T>> = BTreeMap::new();
    for (block, value) in blocks {
        if let Some(value) = value {
            rounds.entry((block.restart, block.round)).or_default().entry(block.visit).or_insert(value);
        }
    }
    rounds.into_iter().map(|(round, visits)| (round, visits.into_values().collect())).collect()
}

/// The mean over the [`visits`] of each round.
pub fn means<'a>(blocks: impl IntoIterator<Item = (&'a BlockRecord, Option<f64>)>) -> BTreeMap<Round, f64> {
    let mean = |visits: Vec<f64>| visits.iter().sum::<f64>() / visits.len() as f64;
    visits(blocks).into_iter().map(|(round, visits)| (round, mean(visits))).collect()
}

#[cfg(test)]
mod tests {
    use super::means;
    use crate::run::growth::tests::block;

    #[test]
    fn a_round_is_the_mean_of_its_visits_and_a_repeat_stands_in_for_a_void_block() {
        let of = |round, visit, value| (crate::BlockRecord { visit, ..block("row", round, 1) }, value);
        let blocks = [
            of(0, 0, Some(10.0)),
            of(0, 1, Some(20.0)),
            of(1, 0, None),
            of(1, 1, Some(8.0)),
            of(1, 0, Some(4.0)),
            of(1, 0, Some(99.0)),
            of(2, 0, None),
            of(3, 0, None),
            of(3, 1, Some(7.0)),
        ];
        let found = means(blocks.iter().map(|(block, value)| (block, *value)));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [((0, 0), 15.0), ((0, 1), 6.0), ((0, 3), 7.0)]);
    }
}
