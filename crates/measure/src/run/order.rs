//! The random order of a round: seeded, so that a run can be repeated, and drawn anew for each round.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest as _, Sha256};

/// A permutation of `0..rows` that depends on everything that names a round.
pub(super) fn order(seed: u64, scenario: &str, store_rtt_us: u64, round: u32, rows: usize) -> Vec<usize> {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(store_rtt_us.to_le_bytes());
    hash.update(round.to_le_bytes());
    hash.update(scenario.as_bytes());
    let mut random = ChaCha8Rng::from_seed(hash.finalize().into());
    let mut order: Vec<usize> = (0..rows).collect();
    // Fisher and Yates; a bias below rows / 2^64 remains.
    for last in (1..rows).rev() {
        let chosen = (u128::from(random.next_u64()) * (last as u128 + 1)) >> 64;
        order.swap(last, usize::try_from(chosen).unwrap_or(last));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn it_is_a_permutation_that_reproduces_and_changes_with_the_round() {
        let first = order(1, "steady", 0, 0, 9);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..9).collect::<Vec<_>>());
        assert_eq!(first, order(1, "steady", 0, 0, 9));
        assert_ne!(first, order(1, "steady", 0, 1, 9));
        assert_ne!(first, order(2, "steady", 0, 0, 9));
        assert!(order(1, "steady", 0, 0, 0).is_empty());
    }

    #[test]
    fn every_row_takes_every_place() {
        let mut seen = [[0_u32; 4]; 4];
        for round in 0..4_000 {
            for (place, row) in order(7, "steady", 0, round, 4).into_iter().enumerate() {
                seen[row][place] += 1;
            }
        }
        // 1000 expected; five standard deviations are 137.
        assert!(seen.iter().flatten().all(|&count| (863..=1137).contains(&count)), "{seen:?}");
    }
}
