//! The short version of `benches/coverage.rs`: nominal levels are kept on noise of four kinds.

use stats::simulation::{Design, Noise, coverage, granted, share};
use stats::{Pairs, Rules, Values};

/// Ten rounds, because the level reached there (95.1 %) is close to the nominal one.
const RUNS: u64 = 4_000;

#[test]
fn intervals_cover_what_they_say() {
    for noise in Noise::ALL {
        let design = Design { rounds: 10, noise, scale: 0.02, truth: 0.03 };
        let covered = coverage(design, 0.95, RUNS, 2026).unwrap();
        assert!((0.935..=0.965).contains(&covered), "{}: {covered}", noise.label());
    }
}

#[test]
fn equivalence_is_rarely_granted_at_the_margin() {
    let rules = Rules { alpha: 0.05, margin: 0.05, family: 1 };
    for noise in Noise::ALL {
        let design = Design { rounds: 10, noise, scale: 0.01, truth: rules.log_margin() };
        let wrongly = granted(design, rules, RUNS, 2026).unwrap();
        assert!(wrongly <= 0.06, "{}: {wrongly}", noise.label());
    }
    let equal = Design { rounds: 10, noise: Noise::Normal, scale: 0.01, truth: 0.0 };
    let rightly = granted(equal, rules, RUNS, 2026).unwrap();
    assert!(rightly > 0.99, "equal rows are found equivalent: {rightly}");
}

/// Two runs that were not interleaved, each with its own log ratios.
#[test]
fn separate_runs_are_covered_too() {
    let design = Design { rounds: 12, noise: Noise::Normal, scale: 0.02, truth: 0.0 };
    let covered = share(RUNS, 2026, |random| {
        let row: Vec<f64> = design.pairs(random).iter().map(|value| value + 0.03).collect();
        let values = Values::Separate { row: &row, baseline: &design.pairs(random), baseline_restarts: &[] };
        Ok(Pairs { values, restarts: &[] }.interval(0.95)?.contains(libm::exp(0.03)))
    });
    let covered = covered.unwrap();
    assert!((0.935..=0.965).contains(&covered), "{covered}");
}
