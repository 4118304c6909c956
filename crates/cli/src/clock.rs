//! The date that names a folder and dates a record: the only clock this crate reads.

/// Today in the local time zone, as `2026-11-23`.
pub(crate) fn today() -> String {
    jiff::ZonedDateTime::now().date().to_string()
}

/// Whole days since a moment in nanoseconds of Unix time; negative when it lies ahead.
pub(crate) fn days_since(unix_ns: u64) -> i64 {
    const DAY_NS: i128 = 86_400_000_000_000;
    let days = (jiff::Timestamp::now().as_nanosecond() - i128::from(unix_ns)).div_euclid(DAY_NS);
    i64::try_from(days).unwrap_or(i64::MAX)
}
