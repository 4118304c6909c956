//! The date that names a folder: the only clock this crate reads.

/// Today in the local time zone, as `2026-11-23`.
pub(crate) fn today() -> String {
    jiff::ZonedDateTime::now().date().to_string()
}
