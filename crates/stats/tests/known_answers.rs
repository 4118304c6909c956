//! Answers computed elsewhere: SciPy 1.17.1 (values as printed by it), R's documentation and published tables.

use stats::location::{Walsh, hodges_lehmann, signed_rank_interval};
use stats::multiplicity::holm;
use stats::signed_rank::{cumulative, cut, p_value, pairs_needed};
use stats::special::{beta_cdf, beta_quantile, normal_cdf, normal_quantile, t_cdf, t_quantile};
use stats::{Unusable, quantile};

#[track_caller]
fn close(got: f64, want: f64, relative: f64) {
    assert!((got - want).abs() <= relative * want.abs().max(1e-12), "got {got:e}, want {want:e}");
}

/// `scipy.stats.norm.ppf` and `.cdf`.
#[test]
fn normal_distribution() {
    for (p, want) in [
        (1e-10, -6.361_340_902_404_056),
        (1e-4, -3.719_016_485_455_680_4),
        (0.007_14, -2.450_141_713_617_395),
        (0.025, -1.959_963_984_540_054_5),
        (0.3, -0.524_400_512_708_040_9),
        (0.975, 1.959_963_984_540_054),
        (0.9999, 3.719_016_485_455_709),
    ] {
        close(normal_quantile(p).unwrap(), want, 1e-11);
    }
    close(normal_quantile(0.5).unwrap() + 1.0, 1.0, 1e-12);
    for (x, want) in
        [(-6.0, 9.865_876_450_376_946e-10), (-1.5, 0.066_807_201_268_858_07), (2.5, 0.993_790_334_674_223_8)]
    {
        close(normal_cdf(x), want, 1e-12);
    }
    assert_eq!(normal_quantile(0.0), Err(Unusable::BadParameter));
    assert_eq!(normal_quantile(f64::NAN), Err(Unusable::BadParameter));
}

/// `scipy.special.betainc`, `scipy.stats.beta.ppf`, `scipy.stats.t.ppf` and `.cdf`.
#[test]
fn beta_and_t_distributions() {
    for (a, b, x, want) in [
        (0.5, 0.5, 0.3, 0.369_010_119_565_545_36),
        (2.0, 5.0, 0.2, 0.344_64),
        (10.0, 1.0, 0.9, 0.348_678_440_1),
        (100.0, 200.0, 0.35, 0.732_571_464_957_544_1),
        (1.5, 0.5, 0.99, 0.872_888_571_569_538_3),
        (24.0, 24.0, 0.5, 0.5),
    ] {
        close(beta_cdf(x, a, b), want, 1e-11);
    }
    for (p, a, b, want) in [
        (0.025, 1.0, 40.0, 0.000_632_744_932_049_419_1),
        (0.975, 5.0, 36.0, 0.236_637_399_876_099_86),
        (0.5, 0.5, 0.5, 0.5),
        (0.01, 33.0, 8.0, 0.643_537_563_873_612_9),
    ] {
        close(beta_quantile(p, a, b).unwrap(), want, 1e-11);
    }
    for (p, df, want) in [
        (0.975, 1.0, 12.706_204_736_174_694),
        (0.975, 2.0, 4.302_652_729_749_462),
        (0.975, 4.0, 2.776_445_105_197_793_4),
        (0.992_857_142_857_142_9, 2.0, 8.276_689_985_876_141),
        (0.3, 7.0, -0.549_109_657_947_285_4),
        (0.95, 120.0, 1.657_650_899_355_235_2),
    ] {
        close(t_quantile(p, df).unwrap(), want, 1e-10);
    }
    close(t_cdf(-2.0, 3.0), 0.069_662_984_279_421_52, 1e-12);
    close(t_cdf(1.5, 10.0), 0.917_746_336_777_279_9, 1e-12);
}

/// Change of the Hamilton depression scale, Hollander, Wolfe & Chicken table 3.1, the example of R's `wilcox.test`:
/// V = 5 (smaller sum), p = 0.03906; their comment 3.3: estimate 0.46, and (0.010, 0.786) at 96.1 %.
#[test]
fn depression_data() {
    let d = [0.952, -0.147, 1.022, 0.430, 0.620, 0.590, 0.490, -0.080, 0.010];
    close(p_value(&d).unwrap(), 0.039_062_5, 1e-12);
    close(hodges_lehmann(&d).unwrap(), 0.46, 1e-12);
    let interval = signed_rank_interval(&d, 0.95).unwrap();
    close(interval.low, 0.010, 1e-9);
    close(interval.high, 0.786, 1e-9);
    close(interval.level, 0.960_937_5, 1e-12);
}

/// Cumulative probabilities computed by an independent recursion in NumPy.
#[test]
fn signed_rank_distribution() {
    for (k, n, want) in [
        (0, 5, 0.031_25),
        (8, 10, 0.024_414_062_5),
        (81, 24, 0.024_530_589_580_535_89),
        (434, 50, 0.024_723_203_400_300_875),
        (8702, 200, 0.050_107_694_018_915_26),
    ] {
        close(cumulative(n)[k], want, 1e-11);
    }
    for (n, cut_at, level) in [
        (6, 0, 0.968_75),
        (8, 3, 0.960_937_5),
        (10, 8, 0.951_171_875),
        (24, 81, 0.950_938_820_838_928_2),
        (48, 396, 0.951_113_684_686_333_7),
    ] {
        let (at, reached) = cut(n, 0.05).unwrap();
        assert_eq!(at, cut_at);
        close(reached, level, 1e-12);
    }
    assert_eq!(cut(5, 0.05), None, "five pairs reach 93.75 % at most");
    assert_eq!(pairs_needed(0.95), 6);
    assert_eq!(pairs_needed(1.0 - 2.0 * 0.05 / 7.0), 8);
    // Where exact and approximate meet, they agree.
    let (exact, approximate) = (cut(300, 0.05).unwrap(), cut(301, 0.05).unwrap());
    assert!((exact.1 - approximate.1).abs() < 1e-3 && exact.1 >= 0.95 && approximate.1 >= 0.95);
}

/// Ties and zeros: all sign patterns of Pratt's midranks enumerated in Python.
#[test]
fn ties_and_zeros() {
    close(p_value(&[1.0, -1.0, 2.0, 2.0, -3.0, 4.0, 5.0, 5.0]).unwrap(), 0.125, 1e-12);
    close(p_value(&[0.0, 0.0, 1.0, 2.0, 3.0, -1.0, 4.0]).unwrap(), 0.187_5, 1e-12);
    close(p_value(&[3.0, 3.0, 3.0, 3.0, -3.0, 3.0]).unwrap(), 0.218_75, 1e-12);
    assert_eq!(p_value(&[0.0, -0.0]), Ok(1.0));
    assert_eq!(p_value(&[]), Err(Unusable::TooFew { have: 0, need: 1 }));
    assert_eq!(p_value(&[1.0, f64::NAN]), Err(Unusable::NotFinite));
}

/// R: `p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")`.
#[test]
fn holm_adjustment() {
    let got = holm(&[0.01, 0.04, 0.03, 0.005]);
    for (got, want) in got.iter().zip([0.03, 0.06, 0.06, 0.02]) {
        close(*got, want, 1e-12);
    }
    assert!(holm(&[]).is_empty());
}

/// R: `quantile(c(1, 2, 4, 8), 0.3)` is 1.9; `mad(c(1, 2, 4, 8, 100))` is 4.4478.
#[test]
fn quantiles() {
    close(quantile::quantile_sorted(&[1.0, 2.0, 4.0, 8.0], 0.3).unwrap(), 1.9, 1e-12);
    assert_eq!(quantile::quantile_sorted(&[], 0.5), None);
    assert_eq!(quantile::quantile_sorted(&[1.0], 1.5), None);
    close(quantile::mad_scale(&[1.0, 2.0, 4.0, 8.0, 100.0]).unwrap(), 4.447_806_655_516_806, 1e-12);
}

#[test]
fn too_few_pairs_is_said() {
    let error = Walsh::new(&[0.1; 5]).unwrap().interval(0.95).unwrap_err();
    assert_eq!(error, Unusable::TooFew { have: 5, need: 6 });
    assert_eq!(error.to_string(), "5 values, at least 6 are needed");
}
