//! What may be shown of what was sent and what came back: enough to see what it was, not enough to use it.

/// Longest text that is shown, characters.
const LONGEST: usize = 700;
/// Characters of a secret that are shown.
const SHOWN: usize = 8;

/// Where secrets stand, and what ends them.
const MARKS: &[&str] = &[
    "Bearer ",
    "__Host-session=",
    "refresh_token=",
    "\"access_token\":\"",
    "\"refresh_token\":\"",
    "\"password\":\"",
    "\"current\":\"",
    "\"new\":\"",
];

/// Bytes of a message as text, its secrets cut short, its line ends shown as such.
#[must_use]
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    for mark in MARKS {
        text = cut(&text, mark);
    }
    let mut text: String = text.trim_end().replace("\r\n", "\n").replace('\r', "␍").replace('\0', "␀");
    if let Some((at, _)) = text.char_indices().nth(LONGEST) {
        let rest = text[at..].chars().count();
        text.truncate(at);
        text.push_str(&format!("… ({rest} more)"));
    }
    text
}

fn cut(text: &str, mark: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        let (before, secret) = rest.split_at(at + mark.len());
        out.push_str(before);
        let end = secret
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | ';' | '&' | ','))
            .unwrap_or(secret.len());
        let (secret, after) = secret.split_at(end);
        match secret.char_indices().nth(SHOWN) {
            Some((shown, _)) => out.push_str(&format!("{}…({})", &secret[..shown], secret.chars().count())),
            None => out.push_str(secret),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_cut_short_and_everything_else_is_kept() {
        let sent = b"GET /me HTTP/1.1\r\nAuthorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc\r\nCookie: a=b; __Host-session=0123456789; c=d\r\n\r\n";
        let text = shown(sent);
        assert!(text.contains("Bearer eyJhbGci…(28)\n"), "{text}");
        assert!(text.contains("a=b; __Host-session=01234567…(10); c=d"), "{text}");
        let body = br#"{"access_token":"0123456789abc","expires_in":5,"refresh_token":"short"}"#;
        assert_eq!(shown(body), r#"{"access_token":"01234567…(13)","expires_in":5,"refresh_token":"short"}"#);
        assert!(shown(&[b'x'; 5000]).len() < 800);
    }
}
