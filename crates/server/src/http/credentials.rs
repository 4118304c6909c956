//! Finds the credential in the headers of a request. Which kind counts is the mechanism's matter.

use auth::Presented;
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use scenario::wire;

use super::reply::Refusal;

/// The session cookie and the bearer token of a request, each if there is one.
///
/// A value that is not text is handed on as the empty one: presented, and never valid. Two `Authorization` headers are
/// refused, because two readers could disagree on which of them counts (RFC 6750 §3.1: `invalid_request`). So are two
/// session cookies: one of them was planted, and their order does not say which (RFC 6265bis §5.8.3 and §8.6).
pub(crate) fn presented(headers: &HeaderMap) -> Result<Presented<'_>, Refusal> {
    let mut cookies = headers.get_all(COOKIE).iter().flat_map(|value| session_cookies(value.as_bytes()));
    let cookie = cookies.next();
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    let bearer = authorizations.next().and_then(|value| bearer(value.as_bytes()));
    if authorizations.next().is_some() || (cookie.is_some() && cookies.next().is_some()) {
        return Err(Refusal::BadRequest("invalid_request"));
    }
    Ok(Presented { cookie, bearer })
}

/// Values of the session cookies in a `Cookie` header (RFC 6265bis §4.2.1: pairs separated by `; `).
fn session_cookies(header: &[u8]) -> impl Iterator<Item = &str> {
    header.split(|&byte| byte == b';').filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(wire::COOKIE.as_bytes())?.strip_prefix(b"=")?;
        Some(str::from_utf8(value).unwrap_or_default())
    })
}

/// The token of an `Authorization` header, if its scheme is `Bearer` (compared without case, RFC 9110 §11.1).
fn bearer(header: &[u8]) -> Option<&str> {
    let (scheme, token) = header.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| str::from_utf8(token.trim_ascii()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[(&'static str, &'static [u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn finds_the_cookie_among_others() {
        let headers =
            headers(&[("cookie", b"a=b; x__Host-session=no; __Host-session=yes; __Host-session2=no")]);
        let found = presented(&headers).unwrap();
        assert_eq!((found.cookie, found.bearer), (Some("yes"), None));
    }

    #[test]
    fn finds_the_bearer_token_in_any_case() {
        for value in [b"Bearer t.o.k".as_slice(), b"bearer t.o.k", b"BEARER   t.o.k "] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
            assert_eq!(presented(&headers).unwrap().bearer, Some("t.o.k"));
        }
    }

    #[test]
    fn other_schemes_are_no_credential_and_bytes_are_an_invalid_one() {
        assert_eq!(presented(&headers(&[("authorization", b"Basic Zm9v")])).unwrap().bearer, None);
        assert_eq!(presented(&headers(&[("authorization", b"Bearer")])).unwrap().bearer, None);
        assert_eq!(presented(&headers(&[("authorization", b"Bearer \xff\xfe")])).unwrap().bearer, Some(""));
        assert_eq!(presented(&headers(&[("cookie", b"__Host-session=\xff")])).unwrap().cookie, Some(""));
    }

    #[test]
    fn two_session_cookies_are_refused() {
        for lines in [
            &[("cookie", &b"__Host-session=a; __Host-session=b"[..])][..],
            &[("cookie", b"__Host-session=a; x=y; __Host-session=a")],
            &[("cookie", b"__Host-session="), ("cookie", b"__Host-session=b")],
        ] {
            assert_eq!(presented(&headers(lines)).unwrap_err(), Refusal::BadRequest("invalid_request"));
        }
    }

    #[test]
    fn two_authorization_headers_are_refused() {
        let twice = headers(&[("authorization", b"Bearer a"), ("authorization", b"Bearer b")]);
        assert_eq!(presented(&twice).unwrap_err(), Refusal::BadRequest("invalid_request"));
    }
}
