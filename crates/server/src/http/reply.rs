//! Every answer this server gives. Bodies of refusals are fixed: they say nothing about which check failed.

use std::time::Duration;

use auth::{Grant, Rejection};
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE,
};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use scenario::wire;

/// An answer with its whole body.
pub(crate) type Reply = Response<Full<Bytes>>;

/// Seconds in `Retry-After` of a 503: what overloads or breaks here is over, or not, within one second.
const RETRY_AFTER_S: &str = "1";

/// Why a request gets something else than what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 400: the request cannot be understood; the fixed text is an RFC 6749 §5.2 error code.
    BadRequest(&'static str),
    /// 401: no credential (`presented` false), or one that is not accepted.
    Unauthorized {
        /// A credential was there.
        presented: bool,
    },
    /// 401: unknown user or wrong password.
    BadLogin,
    /// 403: comes from another site (CSRF).
    CrossSite,
    /// 403: the current password, asked for again, is wrong.
    WrongPassword,
    /// 404.
    NotFound,
    /// 405, with the methods there are.
    Method(&'static str),
    /// 408: the body did not arrive in time.
    SlowBody,
    /// 413.
    TooLarge,
    /// 415, with what would be understood.
    MediaType,
    /// 429: too many failures in a row for this account, which stays locked for so long.
    LockedOut(Duration),
    /// 500.
    Internal,
    /// 501: this backend cannot do that by design.
    Unsupported,
    /// 503: state could not be read in time, or a queue is full.
    Unavailable,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Unauthorized { presented: rejection != Rejection::Missing }
    }
}

impl Refusal {
    /// The answer: status, headers and the one body of its kind.
    pub(crate) fn reply(self) -> Reply {
        let (status, body) = self.parts();
        let mut reply = json(status, Bytes::from_static(body.as_bytes()));
        let headers = reply.headers_mut();
        match self {
            // RFC 6750 §3: no error code where nothing was presented.
            Self::Unauthorized { presented: true } => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer error="invalid_token""#));
            }
            Self::Unauthorized { presented: false } | Self::BadLogin => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Method(allow) => {
                headers.insert(ALLOW, HeaderValue::from_static(allow));
            }
            Self::SlowBody => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::LockedOut(remaining) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(remaining.as_secs()));
            }
            Self::Unavailable => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
            }
            // RFC 6749 §5.2 asks for it, and a cached error would outlive its cause.
            Self::BadRequest(_) => {
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
            _ => {}
        }
        reply
    }

    fn parts(self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest("invalid_grant") => (StatusCode::BAD_REQUEST, r#"{"error":"invalid_grant"}"#),
            Self::BadRequest("unsupported_grant_type") => {
                (StatusCode::BAD_REQUEST, r#"{"error":"unsupported_grant_type"}"#)
            }
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, r#"{"error":"invalid_request"}"#),
            Self::Unauthorized { .. } => (StatusCode::UNAUTHORIZED, r#"{"error":"unauthorized"}"#),
            Self::BadLogin => (StatusCode::UNAUTHORIZED, r#"{"error":"invalid_credentials"}"#),
            Self::CrossSite => (StatusCode::FORBIDDEN, r#"{"error":"cross_site_request"}"#),
            Self::WrongPassword => (StatusCode::FORBIDDEN, r#"{"error":"wrong_password"}"#),
            Self::NotFound => (StatusCode::NOT_FOUND, r#"{"error":"not_found"}"#),
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, r#"{"error":"method_not_allowed"}"#),
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, r#"{"error":"body_timeout"}"#),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, r#"{"error":"body_too_large"}"#),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, r#"{"error":"unsupported_media_type"}"#),
            Self::LockedOut(_) => (StatusCode::TOO_MANY_REQUESTS, r#"{"error":"locked_out"}"#),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":"internal"}"#),
            Self::Unsupported => (StatusCode::NOT_IMPLEMENTED, r#"{"error":"unsupported"}"#),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, r#"{"error":"unavailable"}"#),
        }
    }
}

/// A JSON body with a status.
pub(crate) fn json(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// 204.
pub(crate) fn no_content() -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

/// 200 with who was let in: the body of [`wire::identity_body`], escaped where a name needs it.
pub(crate) fn identity(principal: &auth::Principal) -> Reply {
    let digest = wire::principal_digest(principal.subject(), principal.roles(), principal.tenant());
    json(StatusCode::OK, Bytes::from(identity_json(principal.subject(), digest)))
}

/// [`wire::identity_body`] in one exactly sized allocation.
fn identity_json(subject: &str, digest: u64) -> Vec<u8> {
    const HEAD: &[u8] = br#"{"subject":""#;
    const MIDDLE: &[u8] = br#"","principal":""#;
    const TAIL: &[u8] = br#""}"#;
    if !subject.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@'))
    {
        let digest = format!("{digest:016x}");
        return serde_json::json!({"subject": subject, "principal": digest}).to_string().into_bytes();
    }
    let mut body = Vec::with_capacity(HEAD.len() + subject.len() + MIDDLE.len() + 16 + TAIL.len());
    body.extend_from_slice(HEAD);
    body.extend_from_slice(subject.as_bytes());
    body.extend_from_slice(MIDDLE);
    body.extend((0..16).map(|at| b"0123456789abcdef"[(digest >> (60 - 4 * at)) as usize & 15]));
    body.extend_from_slice(TAIL);
    body
}

/// 200 with a credential: a cookie that is in no body, an RFC 6749 §5.1 token response, or both.
pub(crate) fn granted(grant: &Grant) -> Result<Reply, Refusal> {
    let mut reply = match grant {
        Grant::Cookie { value, max_age_s } => {
            let mut reply = json(StatusCode::OK, Bytes::from_static(b"{}"));
            set_cookie(&mut reply, value, Some(*max_age_s))?;
            reply
        }
        Grant::Tokens { access, expires_in_s, refresh } => {
            let tokens = TokenBody {
                access_token: access,
                token_type: "Bearer",
                expires_in: *expires_in_s,
                refresh_token: refresh.as_deref(),
            };
            token_response(&tokens)?
        }
        Grant::Minted { access, expires_in_s, session, max_age_s } => {
            let tokens = TokenBody {
                access_token: access,
                token_type: "Bearer",
                expires_in: *expires_in_s,
                refresh_token: None,
            };
            let mut reply = token_response(&tokens)?;
            set_cookie(&mut reply, session, Some(*max_age_s))?;
            reply
        }
    };
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(reply)
}

fn token_response(tokens: &TokenBody<'_>) -> Result<Reply, Refusal> {
    let body = serde_json::to_vec(tokens).map_err(|_| Refusal::Internal)?;
    Ok(json(StatusCode::OK, Bytes::from(body)))
}

/// RFC 6749 §5.1.
#[derive(serde::Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

/// Adds the session cookie, with all attributes that RFC 6265bis §4.1.3.2 asks of its prefix.
pub(crate) fn set_cookie(reply: &mut Reply, value: &str, max_age_s: Option<u64>) -> Result<(), Refusal> {
    let name = wire::COOKIE;
    let mut text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax");
    if let Some(max_age_s) = max_age_s {
        text.push_str(&format!("; Max-Age={max_age_s}"));
    }
    let value = HeaderValue::try_from(text).map_err(|_| Refusal::Internal)?;
    reply.headers_mut().insert(SET_COOKIE, value);
    Ok(())
}

/// Tells the client to drop the session cookie.
pub(crate) fn clear_cookie(reply: &mut Reply) {
    // An empty value is always a valid header.
    let _ = set_cookie(reply, "", Some(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_the_contract_and_escapes_what_is_not_plain() {
        let plain = identity_json("u00000042", 0x0123_4567_89ab_cdef);
        assert_eq!(plain, wire::identity_body("u00000042", 0x0123_4567_89ab_cdef).into_bytes());
        assert_eq!(plain.capacity(), plain.len());
        let odd: serde_json::Value = serde_json::from_slice(&identity_json("a\"\n,", 7)).unwrap();
        assert_eq!(odd["subject"], "a\"\n,");
        assert_eq!(odd["principal"], "0000000000000007");
    }

    #[test]
    fn a_cookie_value_that_would_split_the_header_is_refused() {
        let grant = Grant::Cookie { value: "a\r\nSet-Cookie: b=c".into(), max_age_s: 1 };
        assert_eq!(granted(&grant).unwrap_err(), Refusal::Internal);
    }
}
