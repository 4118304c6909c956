//! Numbers as people read them: three significant digits, a unit, thousands apart.
//!
//! Every exporter prints through these functions, so that one figure looks the same everywhere.

/// Groups the digits before the decimal point by three: `12345.6` with one decimal is `12,345.6`.
#[must_use]
pub fn grouped(value: f64, decimals: usize) -> String {
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut out = String::new();
    let negative = value < 0.0 && plain.bytes().any(|b| b.is_ascii_digit() && b != b'0');
    if negative {
        out.push('−');
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A number with six significant digits: finer than any figure here is known.
#[must_use]
pub fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// A number with four significant digits, for times out of a histogram that keeps three.
#[must_use]
pub fn four_digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// A ratio with four decimals: one more than is printed.
#[must_use]
pub fn four_decimals(ratio: f64) -> f64 {
    format!("{ratio:.4}").parse().unwrap_or(ratio)
}

/// Decimals that leave about three significant digits.
#[must_use]
pub fn decimals(value: f64) -> usize {
    let size = value.abs();
    match size {
        s if s >= 100.0 => 0,
        s if s >= 10.0 => 1,
        s if s >= 1.0 || s == 0.0 => 2,
        _ => 3,
    }
}

/// Three significant digits, grouped: `1,234`, `70.8`, `0.981`. Zero is `0`.
#[must_use]
pub fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    grouped(value, decimals(value))
}

/// A unit of time and how many nanoseconds it has.
type TimeUnit = (&'static str, f64);

/// The unit in which a duration of this size is read best.
#[must_use]
pub fn time_unit(ns: f64) -> TimeUnit {
    match ns.abs() {
        s if s >= 5_400e9 => ("h", 3_600e9),
        s if s >= 90e9 => ("min", 60e9),
        s if s >= 1e9 => ("s", 1e9),
        s if s >= 1e6 => ("ms", 1e6),
        s if s >= 1e3 => ("µs", 1e3),
        _ => ("ns", 1.0),
    }
}

/// A duration in nanoseconds: `812 ns`, `70.8 µs`, `1.23 ms`, `2.40 s`, `15 min`.
#[must_use]
pub fn time(ns: f64) -> String {
    if ns == 0.0 {
        return "0 s".to_owned();
    }
    let (unit, size) = time_unit(ns);
    let scaled = ns / size;
    if matches!(unit, "min" | "h") && (scaled - scaled.round()).abs() < 1e-9 {
        return format!("{} {unit}", grouped(scaled, 0));
    }
    format!("{} {unit}", short(scaled))
}

/// A duration at a round tick of an axis: `5 s`, not `5.00 s`.
#[must_use]
pub fn time_tick(ns: f64) -> String {
    if ns == 0.0 {
        return "0".to_owned();
    }
    let (unit, size) = time_unit(ns);
    let scaled = ns / size;
    let decimals = (0..3).find(|d| (scaled * 10f64.powi(*d)).fract().abs() < 1e-6).unwrap_or(3);
    format!("{} {unit}", grouped(scaled, usize::try_from(decimals).unwrap_or(3)))
}

/// Microseconds without the unit, one decimal (none from 1,000): for columns headed µs.
#[must_use]
pub fn micros(ns: f64) -> String {
    let us = ns / 1e3;
    grouped(us, usize::from(us.abs() < 999.95))
}

/// Microseconds without the unit, as a round tick of an axis.
#[must_use]
pub fn micros_tick(ns: f64) -> String {
    let us = ns / 1e3;
    let decimals = if us == 0.0 || us.abs() >= 1.0 { usize::from(us.fract().abs() > 1e-9) } else { 2 };
    grouped(us, decimals)
}

/// Bytes: `412 B`, `1.21 KiB`, `3.40 MiB`.
#[must_use]
pub fn bytes(value: f64) -> String {
    match value.abs() {
        s if s >= 1_073_741_824.0 => format!("{} GiB", short(value / 1_073_741_824.0)),
        s if s >= 1_048_576.0 => format!("{} MiB", short(value / 1_048_576.0)),
        s if s >= 10_240.0 => format!("{} KiB", short(value / 1_024.0)),
        _ => format!("{} B", grouped(value, 0)),
    }
}

/// A ratio with three decimals, because a bound may decide: `0.981×`.
#[must_use]
pub fn ratio(value: f64) -> String {
    format!("{value:.3}×")
}

/// A share as a percentage: `0.0123` is `1.2 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    let decimals = if value == 0.0 || value.abs() >= 10.0 || (value - value.round()).abs() < 1e-9 {
        0
    } else if value.abs() >= 0.1 {
        1
    } else {
        3
    };
    format!("{} %", grouped(value, decimals))
}

/// An amount of money without its currency, three significant digits however small: `0.00112`, `1.08`, `1,234`.
#[must_use]
pub fn money(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let magnitude = libm::floor(libm::log10(value.abs()));
    grouped(value, (2.0 - magnitude).clamp(0.0, 12.0) as usize)
}

/// A whole number, grouped.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53 are printed")]
pub fn count(value: u64) -> String {
    grouped(value as f64, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grouping_and_sign() {
        assert_eq!(grouped(1_234_567.0, 0), "1,234,567");
        assert_eq!(grouped(-1_234.56, 1), "−1,234.6");
        assert_eq!(grouped(-0.04, 1), "0.0");
        assert_eq!(grouped(999.0, 0), "999");
    }

    #[test]
    fn six_significant_digits() {
        assert_eq!(six_digits(123_456_789.0), 123_457_000.0);
        assert_eq!(six_digits(0.012_345_678), 0.012_345_7);
        assert_eq!(six_digits(0.0), 0.0);
        assert_eq!(six_digits(-1.0), -1.0);
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(time(812.0), "812 ns");
        assert_eq!(time(70_840.0), "70.8 µs");
        assert_eq!(time(1_234_000.0), "1.23 ms");
        assert_eq!(time(900e9), "15 min");
        assert_eq!(time(43_200e9), "12 h");
        assert_eq!(time(0.0), "0 s");
        assert_eq!(time_tick(5e9), "5 s");
        assert_eq!(time_tick(1.5e6), "1.5 ms");
        assert_eq!(micros(70_840.0), "70.8");
        assert_eq!(micros(1_234_000.0), "1,234");
        assert_eq!(micros(-3_100.0), "−3.1");
    }

    #[test]
    fn money_keeps_three_digits() {
        assert_eq!(money(0.001_124_4), "0.00112");
        assert_eq!(money(1.0849), "1.08");
        assert_eq!(money(-12.345), "−12.3");
        assert_eq!(money(1_234.5), "1,234");
        assert_eq!(money(0.0), "0");
    }

    #[test]
    fn sizes_and_shares() {
        assert_eq!(bytes(412.0), "412 B");
        assert_eq!(bytes(1_234.0), "1,234 B");
        assert_eq!(bytes(3_565_158.0), "3.40 MiB");
        assert_eq!(percent(0.05), "5 %");
        assert_eq!(percent(0.0123), "1.2 %");
        assert_eq!(ratio(0.981), "0.981×");
    }
}
