//! Credentials in addresses never reach a message, a file or a terminal.

/// Replaces the user information of every `scheme://user:password@host` in the text by `***`.
pub(crate) fn redact(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let authority =
            after.find(|c: char| c.is_whitespace() || "/?#\"'`<>".contains(c)).unwrap_or(after.len());
        // The password may itself contain `@`: the last one before the path ends the user information.
        rest = match after[..authority].rfind('@') {
            Some(end) => {
                clean.push_str("***");
                &after[end..]
            }
            None => after,
        };
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn user_information_is_replaced_and_nothing_else() {
        for (given, expected) in [
            ("redis://user:secret@host:6379/0", "redis://***@host:6379/0"),
            ("rediss://:p@ss@host", "rediss://***@host"),
            ("redis://host:6379", "redis://host:6379"),
            ("two: redis://a:b@c and http://d:e@f/g?h=@i", "two: redis://***@c and http://***@f/g?h=@i"),
            ("mail a@b, no address", "mail a@b, no address"),
            ("http://[::1]:80/x", "http://[::1]:80/x"),
            ("", ""),
        ] {
            assert_eq!(redact(given), expected);
        }
    }
}
