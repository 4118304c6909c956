//! Where a fresh server's transient ends: MSER-5 on the medians of short windows.

use super::watch::WINDOW_NS;

/// End of the transient, milliseconds from the first request; absent = it does not settle within the first half, or the
/// pilot is too short to tell. `windows` hold response times by window of intended start; empty ones are left out.
pub(super) fn transient_ms(windows: &[Vec<u64>]) -> Option<u64> {
    let medians: Vec<f64> = windows
        .iter()
        .filter(|window| !window.is_empty())
        .filter_map(|window| {
            let values: Vec<f64> = window.iter().map(|&value| value as f64).collect();
            stats::quantile::median(&values).ok()
        })
        .collect();
    let found = stats::series::mser5(&medians).ok()?;
    found.settled.then(|| found.discard as u64 * (WINDOW_NS / 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::transient_ms;

    /// Two hundred windows; the first `slow` are ten times slower.
    fn windows(slow: usize) -> Vec<Vec<u64>> {
        (0..200_u64)
            .map(|at| {
                let base = if (at as usize) < slow { 1_000 } else { 100 };
                vec![base + at % 7, base + at % 3, base]
            })
            .collect()
    }

    #[test]
    fn a_slow_start_is_cut_off_and_nothing_else() {
        assert_eq!(transient_ms(&windows(0)), Some(0));
        assert_eq!(transient_ms(&windows(20)), Some(1_000));
    }

    #[test]
    fn what_does_not_settle_is_not_given_a_length() {
        let ramp: Vec<Vec<u64>> = (0..200).map(|at| vec![1_000 + at * 50]).collect();
        assert_eq!(transient_ms(&ramp), None);
        assert_eq!(transient_ms(&[]), None);
    }
}
