//! Credentials in store addresses never reach a message, a file or a terminal.

/// Replaces what stands between `://` and the last `@` of an authority by `***`, everywhere in `text`.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        clean.push_str(before);
        clean.push_str("://");
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'`<>".contains(c)).unwrap_or(after.len());
        rest = match after[..end].rfind('@') {
            Some(at) => {
                clean.push_str("***");
                &after[at..]
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
    fn only_credentials_go() {
        assert_eq!(redact("redis://user:p@ss@host:1/0 gone"), "redis://***@host:1/0 gone");
        assert_eq!(redact("redis://host:1/0"), "redis://host:1/0");
        assert_eq!(redact("a@b redis://:x@h, rediss://:y@i"), "a@b redis://***@h, rediss://***@i");
    }
}
