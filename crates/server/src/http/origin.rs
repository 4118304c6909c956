//! Cross-site request forgery: is an unsafe request with a cookie one of our own pages', or another site's?

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Fetch Metadata, W3C: sent by every current browser with every request to a trustworthy address.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the request may use a credential that a browser adds by itself.
///
/// `Sec-Fetch-Site` decides where it is: only `same-origin` and `none` (typed by the user) pass. Without it `Origin`
/// decides: its host and port must be those of `Host`. With neither the request passes: browsers send `Origin` with
/// every `POST` and `DELETE`, so it comes from a program, which holds the cookie on purpose. No browser sends either of
/// them twice: such a request does not pass.
pub(crate) fn same_site(headers: &HeaderMap) -> bool {
    match only(headers, &SEC_FETCH_SITE) {
        Only::None => {}
        Only::One(site) => return site == "same-origin" || site == "none",
        Only::Several => return false,
    }
    match (only(headers, &ORIGIN), headers.get(HOST)) {
        (Only::None, _) => true,
        (Only::One(origin), Some(host)) => {
            let origin = origin.as_bytes();
            let authority = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
            authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host.as_bytes()))
        }
        (Only::One(_), None) | (Only::Several, _) => false,
    }
}

/// What there is of a header that may stand once.
enum Only<'a> {
    None,
    One(&'a HeaderValue),
    Several,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Only<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Only::None,
        (Some(value), None) => Only::One(value),
        (Some(_), Some(_)) => Only::Several,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(lines: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        same_site(&headers)
    }

    #[test]
    fn fetch_metadata_decides_first() {
        assert!(passes(&[("sec-fetch-site", "same-origin"), ("host", "a"), ("origin", "http://b")]));
        assert!(passes(&[("sec-fetch-site", "none")]));
        assert!(!passes(&[("sec-fetch-site", "same-site")]));
        assert!(!passes(&[("sec-fetch-site", "cross-site"), ("host", "a"), ("origin", "http://a")]));
        assert!(!passes(&[("sec-fetch-site", "")]));
    }

    #[test]
    fn origin_must_be_the_host() {
        assert!(passes(&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")]));
        assert!(passes(&[("host", "Example.org"), ("origin", "https://example.org")]));
        assert!(!passes(&[("host", "example.org"), ("origin", "https://example.org.evil")]));
        assert!(!passes(&[("host", "example.org"), ("origin", "https://example.org:444")]));
        assert!(!passes(&[("host", "example.org"), ("origin", "null")]));
        assert!(!passes(&[("origin", "https://example.org")]));
    }

    #[test]
    fn a_header_given_twice_does_not_pass() {
        assert!(!passes(&[
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "same-origin"),
            ("host", "a")
        ]));
        assert!(!passes(&[("host", "a"), ("origin", "http://a"), ("origin", "http://b")]));
    }

    #[test]
    fn a_program_sends_neither() {
        assert!(passes(&[("host", "example.org")]));
    }
}
