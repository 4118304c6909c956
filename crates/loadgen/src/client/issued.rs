//! A credential as an answer brings it: cookies, or an RFC 6749 §5.1 token response.

use std::mem::MaybeUninit;

use serde::Deserialize;

use crate::work::Response;

/// What the client will send from now on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Issued {
    /// A whole header line.
    pub(crate) header: String,
    /// Refresh token, if one came along.
    pub(crate) refresh: Option<String>,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    token_type: String,
    #[serde(default)]
    refresh_token: Option<String>,
}

impl Issued {
    /// A bearer token where the answer brings one, cookies otherwise. Cookies beside a token are what it is renewed
    /// with.
    pub(crate) fn read(response: Response<'_>) -> Option<Self> {
        let cookies = if response.sets_cookie { cookies(response.head) } else { None };
        let token = serde_json::from_slice::<TokenResponse>(response.body).ok();
        match (token.filter(|token| token.token_type.eq_ignore_ascii_case("bearer")), cookies) {
            (Some(token), cookies) => Some(Self {
                header: format!("Authorization: Bearer {}", token.access_token),
                refresh: token.refresh_token.or(cookies),
            }),
            (None, Some(header)) => Some(Self { header, refresh: None }),
            (None, None) => None,
        }
    }
}

/// `Cookie: name=value; name=value` from every `Set-Cookie` that does not empty its cookie.
fn cookies(head: &[u8]) -> Option<String> {
    let mut headers = [const { MaybeUninit::uninit() }; 100];
    let mut response = httparse::Response::new(&mut []);
    httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut response, head, &mut headers)
        .ok()?;
    let mut line = String::new();
    for header in response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("set-cookie")) {
        let text = std::str::from_utf8(header.value).ok()?;
        let pair = text.split(';').next().unwrap_or_default().trim();
        if pair.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty()) {
            line.push_str(if line.is_empty() { "Cookie: " } else { "; " });
            line.push_str(pair);
        }
    }
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str, body: &str) -> Option<Issued> {
        let sets_cookie = head.to_ascii_lowercase().contains("set-cookie");
        Issued::read(Response { status: 200, sets_cookie, head: head.as_bytes(), body: body.as_bytes() })
    }

    #[test]
    fn cookies_are_sent_back_as_name_and_value() {
        let head =
            "HTTP/1.1 200 OK\r\nset-cookie: __Host-session=abc; Path=/; Secure\r\nSet-Cookie: b=2\r\n\r\n";
        let issued = read(head, "").unwrap();
        assert_eq!(issued.header, "Cookie: __Host-session=abc; b=2");
        assert_eq!(issued.refresh, None);
    }

    #[test]
    fn token_responses_are_sent_back_as_bearer() {
        let body = r#"{"access_token":"a.b.c","token_type":"Bearer","expires_in":60,"refresh_token":"r"}"#;
        let issued = read("HTTP/1.1 200 OK\r\n\r\n", body).unwrap();
        assert_eq!(
            issued,
            Issued { header: "Authorization: Bearer a.b.c".into(), refresh: Some("r".into()) }
        );
    }

    #[test]
    fn a_cookie_beside_a_token_renews_it() {
        let head = "HTTP/1.1 200 OK\r\nset-cookie: __Host-session=abc; Path=/; Secure\r\n\r\n";
        let issued = read(head, r#"{"access_token":"a.b.c","token_type":"Bearer","expires_in":60}"#).unwrap();
        assert_eq!(issued.header, "Authorization: Bearer a.b.c");
        assert_eq!(issued.refresh.as_deref(), Some("Cookie: __Host-session=abc"));
    }

    #[test]
    fn anything_else_brings_nothing() {
        assert_eq!(read("HTTP/1.1 200 OK\r\n\r\n", "hello"), None);
        assert_eq!(read("HTTP/1.1 200 OK\r\n\r\n", r#"{"access_token":"a","token_type":"mac"}"#), None);
        assert_eq!(read("HTTP/1.1 200 OK\r\nset-cookie: a=; Max-Age=0\r\n\r\n", ""), None);
    }
}
