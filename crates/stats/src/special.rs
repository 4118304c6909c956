//! Distribution functions: normal, beta, Student's t, and their inverses.

use crate::error::{Unusable, open_unit};

/// Standard normal distribution function Φ.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Standard normal quantile Φ⁻¹, `p` strictly between 0 and 1. Newton steps on Φ (in the lower tail, where Φ is
/// accurate) from the rational starting value 26.2.23 of Abramowitz & Stegun.
pub fn normal_quantile(p: f64) -> Result<f64, Unusable> {
    open_unit(p)?;
    let lower = p.min(1.0 - p);
    let t = libm::sqrt(-2.0 * libm::log(lower));
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut x = -(t - numerator / denominator);
    for _ in 0..4 {
        let density = libm::exp(-0.5 * x * x) / libm::sqrt(std::f64::consts::TAU);
        if density > 0.0 {
            // Halley's correction: two steps reach the precision of erfc from three digits.
            let step = (normal_cdf(x) - lower) / density;
            x -= step / (1.0 + 0.5 * x * step);
        }
    }
    Ok(if p <= 0.5 { x } else { -x })
}

/// Regularised incomplete beta function `I_x(a, b)`, `a, b > 0`: the continued fraction of DLMF 8.17.22 evaluated by
/// Lentz's method, on the side of the symmetry relation 8.17.4 where it converges fast.
#[must_use]
pub fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_cdf_by_fraction(1.0 - x, b, a);
    }
    beta_cdf_by_fraction(x, a, b)
}

fn beta_cdf_by_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let log_front =
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    let (mut c, mut d) = (1.0, 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0), TINY));
    let mut fraction = d;
    for step in 1..=1000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / nonzero(1.0 + even * d, TINY);
        c = nonzero(1.0 + even / c, TINY);
        fraction *= c * d;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / nonzero(1.0 + odd * d, TINY);
        c = nonzero(1.0 + odd / c, TINY);
        let factor = c * d;
        fraction *= factor;
        if (factor - 1.0).abs() < 1e-15 {
            break;
        }
    }
    libm::exp(log_front) * fraction / a
}

fn nonzero(value: f64, tiny: f64) -> f64 {
    if value.abs() < tiny { tiny } else { value }
}

/// Quantile of the beta distribution, by bisection: 200 halvings end at neighbouring floating-point numbers.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> Result<f64, Unusable> {
    let shape = |value: f64| value > 0.0 && value.is_finite();
    if !((0.0..=1.0).contains(&p) && shape(a) && shape(b)) {
        return Err(Unusable::BadParameter);
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if beta_cdf(middle, a, b) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(0.5 * (low + high))
}

/// Distribution function of Student's t with `df > 0` degrees of freedom (DLMF 8.17 by way of the beta function).
#[must_use]
pub fn t_cdf(t: f64, df: f64) -> f64 {
    let tail = 0.5 * beta_cdf(df / (df + t * t), df / 2.0, 0.5);
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// Quantile of Student's t, `p` strictly between 0 and 1.
pub fn t_quantile(p: f64, df: f64) -> Result<f64, Unusable> {
    open_unit(p)?;
    if !(df > 0.0 && df.is_finite()) {
        return Err(Unusable::BadParameter);
    }
    let lower = p.min(1.0 - p);
    // The square of t is df·(1 − x)/x for x beta distributed with (df/2, 1/2).
    let x = beta_quantile(2.0 * lower, df / 2.0, 0.5)?;
    let size = libm::sqrt(df * (1.0 - x) / x);
    Ok(if p < 0.5 { -size } else { size })
}
