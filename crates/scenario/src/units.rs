//! Durations as people write them: `250ms`, `15m`, `8h`. Parsed and printed here and nowhere else.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Units from large to small, each with its length in nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A duration in a file or on the command line: a number and a unit (`d`, `h`, `m`, `s`, `ms`, `us`, `ns`).
/// It has whole nanoseconds and at most 584 years. `Display` prints the largest unit that keeps the number whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HumanDuration(u64);

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a duration: {why}; write a number and a unit, e.g. 250ms, 15s, 5m or 8h")]
pub struct DurationError {
    text: String,
    why: &'static str,
}

impl HumanDuration {
    /// From nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From milliseconds; past 584 years it saturates.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// In nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// As the standard type.
    #[must_use]
    pub const fn get(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl FromStr for HumanDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let fail = |why| DurationError { text: text.chars().take(40).collect(), why };
        let trimmed = text.trim();
        let unit_at =
            trimmed.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(unit_at);
        let unit = match unit.trim_start() {
            "" => return Err(fail("it has no unit")),
            "µs" | "μs" => "us",
            "min" => "m",
            other => other,
        };
        let scale =
            UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| fail("its unit is unknown"))?.1;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let whole: u64 = whole.replace('_', "").parse().map_err(|_| fail("its number cannot be read"))?;
        let nanos = whole.checked_mul(scale).ok_or_else(|| fail("it is too long"))?;
        let rest = fraction_of(fraction, scale).ok_or_else(|| fail("its fraction cannot be read"))?;
        nanos.checked_add(rest).map(Self).ok_or_else(|| fail("it is too long"))
    }
}

/// Nanoseconds in the decimal fraction `digits` of a unit; finer than a nanosecond is refused, not rounded.
fn fraction_of(digits: &str, scale: u64) -> Option<u64> {
    if digits.is_empty() {
        return Some(0);
    }
    if digits.len() > 15 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let numerator = u128::from(digits.parse::<u64>().ok()?) * u128::from(scale);
    let denominator = 10_u128.pow(digits.len() as u32);
    if numerator % denominator != 0 {
        return None;
    }
    u64::try_from(numerator / denominator).ok()
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let (unit, scale) =
            UNITS.iter().find(|(_, scale)| self.0.is_multiple_of(*scale)).copied().unwrap_or(("ns", 1));
        write!(f, "{}{unit}", self.0 / scale)
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = HumanDuration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration with its unit in quotes, e.g. \"250ms\", \"15m\" or \"8h\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<HumanDuration, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl schemars::JsonSchema for HumanDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A number and a unit: 250ms, 15s, 5m, 8h, 1d.",
            "pattern": r"^\s*[0-9][0-9_]*(\.[0-9]+)?\s*(d|h|m|min|s|ms|us|µs|ns)\s*$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nanos(text: &str) -> Option<u64> {
        text.parse::<HumanDuration>().ok().map(HumanDuration::as_nanos)
    }

    #[test]
    fn units_and_fractions() {
        assert_eq!(nanos("250ms"), Some(250_000_000));
        assert_eq!(nanos("1.5s"), Some(1_500_000_000));
        assert_eq!(nanos(" 15 min "), Some(900_000_000_000));
        assert_eq!(nanos("8h"), Some(28_800_000_000_000));
        assert_eq!(nanos("30µs"), Some(30_000));
        for bad in ["", "5", "h", "-5s", "5 parsecs", "1.5ns", "99999999999999d", "1e3s", "1.s.2"] {
            assert_eq!(nanos(bad), None, "{bad}");
        }
    }

    #[test]
    fn error_names_the_text_and_a_cure() {
        let error = "5".parse::<HumanDuration>().unwrap_err().to_string();
        assert!(error.contains("`5`") && error.contains("no unit") && error.contains("8h"), "{error}");
    }

    proptest! {
        #[test]
        fn printing_and_parsing_agree(value: u64) {
            let text = HumanDuration::from_nanos(value).to_string();
            prop_assert_eq!(nanos(&text), Some(value));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<HumanDuration>();
        }
    }
}
