//! Series, counts, restarts and ratios of differences: answers from SciPy 1.17.1 and NumPy, typed in.

use stats::bootstrap::Bootstrap;
use stats::restarts::{between_interval, between_p_value, variance_parts, welch_interval, welch_p_value};
use stats::series::{
    Truncation, dispersion, drift, effective_sample_size, lag1_autocorrelation, mser5, spearman,
};
use stats::two_sample::{self, Shifts};
use stats::{Pairs, Random, Unusable, Values, binomial, planning};

#[track_caller]
fn close(got: f64, want: f64, relative: f64) {
    assert!((got - want).abs() <= relative * want.abs().max(1e-12), "got {got:e}, want {want:e}");
}

/// `scipy.stats.binomtest(k, n).proportion_ci(0.95, "exact")`.
#[test]
fn clopper_pearson() {
    for (hits, trials, low, high) in [
        (0, 40, 0.0, 0.088_097_302_878_803_35),
        (3, 40, 0.015_742_179_851_041_527, 0.203_864_748_732_898_98),
        (8, 10, 0.443_904_537_692_358_5, 0.974_789_273_673_166_5),
        (10, 10, 0.691_502_892_181_237_1, 1.0),
    ] {
        let interval = binomial::clopper_pearson(hits, trials, 0.95).unwrap();
        close(interval.low, low, 1e-9);
        close(interval.high, high, 1e-9);
    }
    assert_eq!(binomial::clopper_pearson(0, 0, 0.95), Err(Unusable::TooFew { have: 0, need: 1 }));
    assert_eq!(binomial::clopper_pearson(3, 2, 0.95), Err(Unusable::BadParameter));
}

/// `scipy.stats.spearmanr`, the second with ties.
#[test]
fn rank_correlation() {
    let rising = drift(&[3.1, 2.9, 3.5, 3.3, 3.8, 3.6, 3.6, 4.1, 3.9, 4.4]).unwrap();
    close(rising.rho, 0.924_016_426_393_698_3, 1e-12);
    close(rising.p, 0.000_132_952_658_160_090_46, 1e-9);
    let tied = spearman(&[1.0, 2.0, 2.0, 3.0, 5.0, 8.0], &[2.0, 1.0, 4.0, 4.0, 4.0, 0.0]).unwrap();
    close(tied.rho, -0.123_208_220_726_739_48, 1e-12);
    close(tied.p, 0.816_122_835_670_625, 1e-9);
    assert_eq!(drift(&[2.0; 5]).unwrap().rho, 0.0);
}

#[test]
fn autocorrelation_and_dispersion() {
    close(
        lag1_autocorrelation(&[1.0, 3.0, 2.0, 5.0, 4.0, 6.0, 8.0, 7.0]).unwrap(),
        0.494_047_619_047_619,
        1e-12,
    );
    assert_eq!(lag1_autocorrelation(&[4.0; 9]), Ok(0.0));
    close(dispersion(&[4.0, 6.0, 4.0, 6.0]).unwrap(), 4.0 / 15.0, 1e-12);
    assert_eq!(dispersion(&[0.0, 0.0]), Err(Unusable::BadParameter));
}

/// The minimum was found by direct evaluation of White's formula in NumPy.
#[test]
fn warm_up_by_mser5() {
    let settling: Vec<f64> =
        (0..100).map(f64::from).map(|i| 10.0 * libm::exp(-i / 8.0) + libm::sin(i * 1.7)).collect();
    assert_eq!(mser5(&settling), Ok(Truncation { discard: 35, settled: true }));
    let ramp: Vec<f64> = (0..100).map(|i| f64::from(i) * 0.5).collect();
    assert_eq!(mser5(&ramp), Ok(Truncation { discard: 50, settled: false }));
    assert_eq!(mser5(&[1.0; 40]), Ok(Truncation { discard: 0, settled: true }));
    assert_eq!(mser5(&[1.0; 19]), Err(Unusable::TooFew { have: 19, need: 20 }));
}

/// An AR(1) series of n values is worth n·(1 − φ)/(1 + φ) (Priestley, "Spectral Analysis and Time Series", 1981, §5.3).
#[test]
fn effective_size_of_a_dependent_series() {
    let mut random = Random::new(7, 0);
    for phi in [0.0, 0.5, 0.9] {
        let mut value = 0.0;
        let series: Vec<f64> = std::iter::repeat_with(|| {
            value = phi * value + random.normal();
            value
        })
        .take(1 << 16)
        .collect();
        let got = effective_sample_size(&series).unwrap() / series.len() as f64;
        let want = (1.0 - phi) / (1.0 + phi);
        assert!((got / want - 1.0).abs() < 0.15, "phi {phi}: {got}, want {want}");
    }
    assert_eq!(effective_sample_size(&[2.0; 50]), Ok(50.0));
}

/// `scipy.stats.t.interval` and `ttest_1samp`; analysis of variance by hand in NumPy.
#[test]
fn restarts() {
    let estimates = [0.01, 0.03, 0.005];
    let interval = between_interval(&estimates, 0.95).unwrap();
    close(interval.low, -0.017_862_053_038_642_14, 1e-9);
    close(interval.high, 0.047_862_053_038_642_14, 1e-9);
    close(between_p_value(&estimates, 0.0).unwrap(), 0.188_497_328_799_310_94, 1e-9);
    assert_eq!(between_interval(&[1.0, 2.0], 0.95), Err(Unusable::TooFew { have: 2, need: 3 }));
    let parts = variance_parts(&[vec![1.0, 2.0, 3.0], vec![4.0, 6.0], vec![5.0, 5.0, 9.0, 7.0]]).unwrap();
    close(parts.restart, 5.192_307_692_307_692_5, 1e-12);
    close(parts.round, 2.5, 1e-12);
    close(planning::rounds_per_restart(20.0, 4.0, 0.5).unwrap().unwrap(), 12.649_110_640_673_518, 1e-12);
    assert_eq!(planning::rounds_per_restart(20.0, 4.0, 0.0), Ok(None));
}

/// The variance between restarts enters the interval: the same pairs, read as three restarts that disagree.
#[test]
fn restarts_widen_the_interval() {
    let values: Vec<f64> = (0..24).map(|i| f64::from(i / 8) * 0.05 + f64::from(i % 8) * 0.001).collect();
    let restarts: Vec<u32> = (0..24).map(|i| i / 8).collect();
    let alone = Pairs::log_ratios(&values);
    let grouped = Pairs { restarts: &restarts, ..alone };
    let (narrow, wide) = (alone.interval(0.95).unwrap(), grouped.interval(0.95).unwrap());
    assert!(wide.low < narrow.low && narrow.high < wide.high, "{narrow:?} {wide:?}");
    assert!(alone.p_value(1.0).unwrap() < 0.001 && grouped.p_value(1.0).unwrap() > 0.05);
    let two = Pairs { restarts: &restarts.iter().map(|r| r / 2).collect::<Vec<_>>(), ..alone };
    assert_eq!(two.interval(0.95), Ok(narrow), "two restarts give no variance between them");
}

/// All 36 ratios enumerated in Python; p-value from `scipy.stats.wilcoxon(row - 1.45 * base)`.
#[test]
fn ratio_of_differences() {
    let row = [30.0, 28.0, 35.0, 31.0, 29.0, 33.0, 30.5, 32.0];
    let baseline = [20.0, 21.0, 19.0, 22.0, 20.5, 18.0, 21.5, 20.0];
    let pairs = Pairs { values: Values::Added { row: &row, baseline: &baseline }, restarts: &[] };
    close(pairs.ratio().unwrap(), 1.506_098_467_945_857_6, 1e-12);
    let interval = pairs.interval(0.95).unwrap();
    close(interval.low, 1.376_470_588_235_294_1, 1e-12);
    close(interval.high, 1.717_948_717_948_717_9, 1e-12);
    close(pairs.p_value(1.45).unwrap(), 0.382_812_5, 1e-12);

    let one_bad = [20.0, 21.0, 19.0, 22.0, 20.5, 18.0, 21.5, -1.0];
    let wider = Pairs { values: Values::Added { row: &row, baseline: &one_bad }, restarts: &[] };
    assert!(wider.interval(0.95).unwrap().half_width() > interval.half_width());
    let noise = [1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1.5, -1.5];
    let hopeless = Pairs { values: Values::Added { row: &row, baseline: &noise }, restarts: &[] };
    assert_eq!(hopeless.interval(0.95), Err(Unusable::NotResolved));
}

/// A mean of 12 normal values: the interval is close to Student's t, and the same seed gives the same bits.
#[test]
fn bootstrap_of_a_mean() {
    let mut random = Random::new(11, 0);
    let values: Vec<f64> = (0..12).map(|_| random.normal()).collect();
    let mean =
        |indices: &[usize]| Some(indices.iter().map(|&i| values[i]).sum::<f64>() / indices.len() as f64);
    let bootstrap = Bootstrap { draws: 4000, level: 0.95, seed: 3 };
    let got = bootstrap.interval(values.len(), mean).unwrap();
    let want = between_interval(&values, 0.95).unwrap();
    assert!((got.half_width() / want.half_width() - 1.0).abs() < 0.1, "{got:?} {want:?}");
    assert_eq!(bootstrap.interval(values.len(), mean), Ok(got));
    assert_eq!(bootstrap.interval(3, mean), Err(Unusable::TooFew { have: 3, need: 6 }));
    assert_eq!(bootstrap.interval(12, |_| None), Err(Unusable::NotFinite));
}

/// The generator is part of every stored result: these values must never change.
#[test]
fn random_streams_are_fixed() {
    let draw = |stream| {
        let mut random = Random::new(1, stream);
        [random.below(1000), random.below(1000), random.below(1000)]
    };
    assert_eq!(draw(0), [402, 80, 596]);
    assert_eq!(draw(1), [851, 50, 558]);
    assert_eq!(Random::new(1, 0).below(0), 0);
}

/// `scipy.stats.mannwhitneyu(x, y, method="exact")`; interval by an independent recursion in NumPy. Data: permeability of
/// chorioamnion, Hollander, Wolfe & Chicken table 4.1, the example of R's `wilcox.test`.
#[test]
fn two_separate_samples() {
    let x = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    let y = [1.15, 0.88, 0.90, 0.74, 1.21];
    close(two_sample::p_value(&x, &y).unwrap(), 0.254_412_254_412_254_4, 1e-12);
    let shifts = Shifts::new(&x, &y).unwrap();
    close(shifts.estimate(), 0.305, 1e-12);
    let interval = shifts.interval(0.95).unwrap();
    close(interval.low, -0.15, 1e-9);
    close(interval.high, 0.76, 1e-9);
    close(interval.level, 0.960_039_960_039_960_1, 1e-12);
    // Ties: all 126 ways to draw five of the nine midranks, enumerated in Python.
    close(
        two_sample::p_value(&[1.0, 2.0, 2.0, 3.0, 5.0], &[2.0, 4.0, 4.0, 6.0]).unwrap(),
        0.269_841_269_841_269_8,
        1e-12,
    );
    assert_eq!(two_sample::p_value(&[1.0; 4], &[1.0; 4]), Ok(1.0));
    let few = Shifts::new(&x[..3], &y[..3]).unwrap().interval(0.95);
    assert_eq!(few, Err(Unusable::TooFew { have: 3, need: 4 }));
    // Where exact and approximate meet, they agree.
    let many: Vec<f64> = (0..51).map(|i| libm::sin(f64::from(i) * 1.3)).collect();
    let shifted: Vec<f64> = (0..51).map(|i| libm::cos(f64::from(i) * 2.1) + 0.3).collect();
    let exact = two_sample::p_value(&many[..50], &shifted[..50]).unwrap();
    let approximate = two_sample::p_value(&many, &shifted[..50]).unwrap();
    assert!((exact / approximate - 1.0).abs() < 0.2, "{exact} {approximate}");
}

/// `scipy.stats.ttest_ind(a, b, equal_var=False)` and its confidence interval.
#[test]
fn welch() {
    let (a, b) = ([0.01, 0.03, 0.005], [0.06, 0.05, 0.08]);
    close(welch_p_value(&a, &b, 0.0).unwrap(), 0.014_953_297_582_274_533, 1e-9);
    let interval = welch_interval(&a, &b, 0.95).unwrap();
    close(interval.low, -0.080_987_574_202_446_25, 1e-9);
    close(interval.high, -0.015_679_092_464_220_43, 1e-9);
}
