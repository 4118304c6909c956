//! Why no figure can be given. Data that do not suffice are a value, never a wrong interval.

/// The data do not support what was asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unusable {
    /// Fewer values than the method needs at this level.
    TooFew {
        /// Values given.
        have: usize,
        /// Values the method needs.
        need: usize,
    },
    /// A value is NaN or infinite.
    NotFinite,
    /// A parameter lies outside its range (a level not between 0 and 1, a margin not above 0).
    BadParameter,
    /// The quantity to divide by cannot be told from zero.
    NotResolved,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooFew { have, need } => write!(f, "{have} values, at least {need} are needed"),
            Self::NotFinite => f.write_str("a value is not a finite number"),
            Self::BadParameter => f.write_str("a parameter lies outside its range"),
            Self::NotResolved => f.write_str("the quantity to divide by cannot be told from zero"),
        }
    }
}

impl std::error::Error for Unusable {}

/// Every value finite, or [`Unusable::NotFinite`].
pub(crate) fn finite(values: &[f64]) -> Result<(), Unusable> {
    if values.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(Unusable::NotFinite) }
}

/// At least `need` finite values.
pub(crate) fn enough(values: &[f64], need: usize) -> Result<(), Unusable> {
    if values.len() < need {
        return Err(Unusable::TooFew { have: values.len(), need });
    }
    finite(values)
}

/// A probability strictly between 0 and 1.
pub(crate) fn open_unit(value: f64) -> Result<(), Unusable> {
    if value > 0.0 && value < 1.0 { Ok(()) } else { Err(Unusable::BadParameter) }
}
