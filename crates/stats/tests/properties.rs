//! What must hold for all data.

use proptest::collection::vec;
use proptest::prelude::*;
use stats::location::{Walsh, hodges_lehmann, signed_rank_interval};
use stats::multiplicity::holm;
use stats::signed_rank::{cumulative, cut, p_value};
use stats::{Pairs, Rules, Unusable, Values, Verdict, judge, quantile, series, special};

fn pairs() -> impl Strategy<Value = Vec<f64>> {
    vec(-0.5..0.5_f64, 8..40)
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs())
}

proptest! {
    #[test]
    fn order_does_not_matter(data in pairs()) {
        let mut reversed = data.clone();
        reversed.reverse();
        prop_assert_eq!(signed_rank_interval(&data, 0.95), signed_rank_interval(&reversed, 0.95));
        prop_assert_eq!(p_value(&data), p_value(&reversed));
        prop_assert_eq!(hodges_lehmann(&data), hodges_lehmann(&reversed));
    }

    #[test]
    fn swapping_the_rows_mirrors_the_result(data in pairs()) {
        let mirrored: Vec<f64> = data.iter().map(|d| -d).collect();
        let (one, other) = (signed_rank_interval(&data, 0.95).unwrap(), signed_rank_interval(&mirrored, 0.95).unwrap());
        prop_assert!(near(one.low, -other.high) && near(one.high, -other.low));
        prop_assert_eq!(p_value(&data), p_value(&mirrored));
        let rules = Rules { alpha: 0.05, margin: 0.05, family: 3 };
        let verdict = |data: &[f64]| judge(&[Pairs::log_ratios(data)], rules).remove(0).unwrap().verdict;
        let expected = match verdict(&data) {
            Verdict::Lower { material } => Verdict::Higher { material },
            Verdict::Higher { material } => Verdict::Lower { material },
            same => same,
        };
        prop_assert_eq!(verdict(&mirrored), expected);
    }

    #[test]
    fn shifting_and_scaling_carry_over(data in pairs(), shift in -3.0..3.0_f64, factor in 0.1..9.0_f64) {
        let moved: Vec<f64> = data.iter().map(|d| factor * d + shift).collect();
        let (before, after) = (Walsh::new(&data).unwrap(), Walsh::new(&moved).unwrap());
        prop_assert!(near(after.estimate(), factor * before.estimate() + shift));
        let (before, after) = (before.interval(0.9).unwrap(), after.interval(0.9).unwrap());
        prop_assert!(near(after.low, factor * before.low + shift) && near(after.high, factor * before.high + shift));
    }

    #[test]
    fn interval_holds_the_estimate_and_agrees_with_the_test(data in pairs()) {
        let walsh = Walsh::new(&data).unwrap();
        let (wide, narrow) = (walsh.interval(0.99).unwrap(), walsh.interval(0.9).unwrap());
        prop_assert!(narrow.contains(walsh.estimate()) && wide.low <= narrow.low && narrow.high <= wide.high);
        prop_assert!(narrow.level >= 0.9 && wide.level >= 0.99);
        // Without ties, the interval excludes 0 exactly when the test rejects at the level reached.
        prop_assert_eq!(!narrow.contains(0.0), p_value(&data).unwrap() <= 1.0 - narrow.level + 1e-12);
    }

    #[test]
    fn equivalent_means_inside_the_margin_at_the_family_level(data in vec(-0.06..0.06_f64, 10..40), family in 1_usize..9) {
        let rules = Rules { alpha: 0.05, margin: 0.05, family };
        let judged = judge(&[Pairs::log_ratios(&data)], rules).remove(0).unwrap();
        let inside = judged.equivalence.is_some_and(|i| i.low > 1.0 / 1.05 && i.high < 1.05);
        prop_assert_eq!(judged.verdict == Verdict::Equivalent, inside);
        if let Verdict::Lower { .. } | Verdict::Higher { .. } = judged.verdict {
            prop_assert!(judged.different && !judged.interval.contains(1.0));
        }
        prop_assert!(judged.resolvable >= 1.0 && judged.p_adjusted <= 1.0);
    }

    #[test]
    fn a_larger_family_never_proves_more(data in pairs(), family in 1_usize..12) {
        let verdict = |family| judge(&[Pairs::log_ratios(&data)], Rules { alpha: 0.05, margin: 0.05, family }).remove(0).unwrap();
        let (small, large) = (verdict(family), verdict(family + 1));
        prop_assert!(large.p_adjusted >= small.p_adjusted);
        prop_assert!(large.verdict != Verdict::Equivalent || small.verdict == Verdict::Equivalent);
    }

    #[test]
    fn holm_keeps_the_order_and_never_helps(p in vec(0.0..1.0_f64, 1..12)) {
        let adjusted = holm(&p);
        for i in 0..p.len() {
            prop_assert!(adjusted[i] >= p[i] && adjusted[i] <= 1.0);
            for j in 0..p.len() {
                prop_assert!(p[i] >= p[j] || adjusted[i] <= adjusted[j]);
            }
        }
    }

    #[test]
    fn the_distribution_is_one(n in 1_usize..120, miss in 0.001..0.5_f64) {
        let distribution = cumulative(n);
        prop_assert!(near(*distribution.last().unwrap(), 1.0));
        prop_assert!(distribution.windows(2).all(|pair| pair[0] <= pair[1]));
        if let Some((at, level)) = cut(n, miss) {
            prop_assert!(level >= 1.0 - miss - 1e-12);
            prop_assert!(2.0 * distribution[at + 1] > miss, "one more could have been cut");
        }
    }

    #[test]
    fn a_ratio_of_differences_inverts_the_test(
        row in vec(5.0..50.0_f64, 10), baseline in vec(5.0..50.0_f64, 10), level in 0.8..0.98_f64,
    ) {
        let pairs = Pairs { values: Values::Added { row: &row, baseline: &baseline }, restarts: &[] };
        let interval = pairs.interval(level).unwrap();
        prop_assert!(interval.contains(pairs.ratio().unwrap()));
        // Just outside the bounds the test rejects at the level reached, just inside it does not.
        let miss = 1.0 - interval.level;
        let p = |ratio: f64| pairs.p_value(ratio).unwrap();
        prop_assert!(p(interval.low * (1.0 - 1e-9)) <= miss + 1e-12 && p(interval.high * (1.0 + 1e-9)) <= miss + 1e-12);
        prop_assert!(p(interval.low * (1.0 + 1e-9)) > miss && p(interval.high * (1.0 - 1e-9)) > miss);
    }

    #[test]
    fn quantile_functions_invert(p in 0.000_1..0.999_9_f64, a in 0.5..40.0_f64, b in 0.5..40.0_f64) {
        prop_assert!((special::normal_cdf(special::normal_quantile(p).unwrap()) - p).abs() < 1e-12);
        prop_assert!((special::beta_cdf(special::beta_quantile(p, a, b).unwrap(), a, b) - p).abs() < 1e-9);
        prop_assert!((special::t_cdf(special::t_quantile(p, a).unwrap(), a) - p).abs() < 1e-9);
    }

    #[test]
    fn nothing_panics(data in vec(any::<f64>(), 0..30), level in any::<f64>(), margin in any::<f64>(), family in 0_usize..5) {
        let _ = (signed_rank_interval(&data, level), p_value(&data), quantile::mad_scale(&data));
        let _ = (series::mser5(&data), series::effective_sample_size(&data), series::drift(&data));
        let _ = judge(&[Pairs::log_ratios(&data)], Rules { alpha: level, margin, family });
        let _ = judge(
            &[Pairs { values: Values::Added { row: &data, baseline: &data }, restarts: &[1, 2, 3] }],
            Rules { alpha: 0.05, margin: 0.05, family },
        );
        let _ = (special::normal_quantile(level), special::beta_quantile(level, margin, level), special::t_quantile(level, margin));
    }
}

#[test]
fn data_that_do_not_suffice_are_a_value() {
    let rules = Rules { alpha: 0.05, margin: 0.05, family: 7 };
    let few = [0.01; 5];
    let enough: Vec<f64> = (0..24).map(|i| f64::from(i % 5) * 0.001 - 0.002).collect();
    let judged = judge(&[Pairs::log_ratios(&few), Pairs::log_ratios(&enough)], rules);
    assert_eq!(judged[0], Err(Unusable::TooFew { have: 5, need: 6 }));
    assert_eq!(judged[1].unwrap().verdict, Verdict::Equivalent);
    assert_eq!(
        judge(&[Pairs::log_ratios(&enough)], Rules { margin: 0.0, ..rules })[0],
        Err(Unusable::BadParameter)
    );
}

#[test]
fn verdicts_by_example() {
    let rules = Rules { alpha: 0.05, margin: 0.05, family: 1 };
    let verdict = |centre: f64, spread: f64| {
        let data: Vec<f64> = (0..24).map(|i| centre + spread * (f64::from(i) - 11.5) / 12.0).collect();
        judge(&[Pairs::log_ratios(&data)], rules).remove(0).unwrap()
    };
    assert_eq!(verdict(0.20, 0.05).verdict, Verdict::Higher { material: true });
    assert_eq!(verdict(-0.20, 0.05).verdict, Verdict::Lower { material: true });
    assert_eq!(verdict(0.055, 0.05).verdict, Verdict::Higher { material: false });
    let immaterial = verdict(0.02, 0.03);
    assert_eq!(immaterial.verdict, Verdict::Equivalent);
    assert!(immaterial.different, "different but immaterial");
    let open = verdict(0.01, 0.5);
    assert_eq!(open.verdict, Verdict::Inconclusive);
    assert!(open.pairs_needed.unwrap() > 24 && open.resolvable > 1.1);
}

proptest! {
    #[test]
    fn a_quantile_found_by_selection_is_that_of_the_sorted(
        mut values in vec(-1e6_f64..1e6, 1..60), q in 0.0_f64..=1.0,
    ) {
        let sorted = quantile::sorted(&values);
        prop_assert_eq!(quantile::quantile(&mut values, q), quantile::quantile_sorted(&sorted, q));
    }
}
