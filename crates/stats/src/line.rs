//! A straight line through points by ordinary least squares, and how far the points lie from it.

use crate::error::{Unusable, finite};

/// A line `base + slope · x`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Rise for each unit of x.
    pub slope: f64,
    /// Value at x = 0.
    pub base: f64,
    /// Distance in y of the point farthest from the line: what the line does not explain.
    pub farthest: f64,
}

impl Line {
    /// The least-squares line through `(x, y)` points: slope `Σ(x−x̄)(y−ȳ) / Σ(x−x̄)²`, through the mean of both.
    ///
    /// # Errors
    ///
    /// [`Unusable`] with fewer than three points (two lie on a line whatever they are), with one x for all of them, or with
    /// a value that is no number.
    pub fn through(points: &[(f64, f64)]) -> Result<Self, Unusable> {
        if points.len() < 3 {
            return Err(Unusable::TooFew { have: points.len(), need: 3 });
        }
        let (xs, ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        finite(&xs)?;
        finite(&ys)?;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (across, up) = (mean(&xs), mean(&ys));
        let spread: f64 = xs.iter().map(|x| (x - across).powi(2)).sum();
        if spread <= 0.0 {
            return Err(Unusable::NotResolved);
        }
        let slope = points.iter().map(|(x, y)| (x - across) * (y - up)).sum::<f64>() / spread;
        let base = up - slope * across;
        let off = |(x, y): &(f64, f64)| (y - base - slope * x).abs();
        Ok(Self { slope, base, farthest: points.iter().map(off).fold(0.0, f64::max) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_on_a_line_give_that_line() {
        let line = Line::through(&[(1.0, 5.0), (2.0, 7.0), (10.0, 23.0)]).unwrap();
        assert!((line.slope - 2.0).abs() < 1e-12 && (line.base - 3.0).abs() < 1e-12);
        assert!(line.farthest < 1e-12);
    }

    #[test]
    fn the_farthest_point_is_said() {
        // Anscombe's third set (1973): one point far off; slope 0.4997 and intercept 3.0025 by his own table.
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73];
        let points: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
        let line = Line::through(&points).unwrap();
        assert!((line.slope - 0.4997).abs() < 1e-4 && (line.base - 3.0025).abs() < 1e-4, "{line:?}");
        assert!((line.farthest - 3.2411).abs() < 1e-3, "{line:?}");
    }

    #[test]
    fn what_makes_no_line_is_said() {
        assert_eq!(Line::through(&[(1.0, 1.0), (2.0, 2.0)]), Err(Unusable::TooFew { have: 2, need: 3 }));
        assert_eq!(Line::through(&[(1.0, 1.0); 3]), Err(Unusable::NotResolved));
        assert_eq!(Line::through(&[(1.0, 1.0), (2.0, f64::NAN), (3.0, 1.0)]), Err(Unusable::NotFinite));
    }
}
