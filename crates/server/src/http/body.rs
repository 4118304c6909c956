//! Request bodies: bounded in size and time, JSON or form-encoded.

use std::borrow::Cow;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use serde::de::DeserializeOwned;

use super::reply::Refusal;
use crate::http::routes::within;

/// Largest body on the measured address, bytes: a form with the largest token fits in twice over.
pub(crate) const MAX_BODY: usize = 16 * 1024;
/// A body must be there this long after its head.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// The whole body.
pub(crate) async fn read(mut body: Incoming) -> Result<Bytes, Refusal> {
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Refusal::TooLarge);
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let whole = pin!(async {
        let first = match body.frame().await {
            None => return Ok(Bytes::new()),
            Some(frame) => frame.map_err(|_| Refusal::BadRequest("invalid_request"))?,
        };
        let first = first.into_data().unwrap_or_default();
        if body.is_end_stream() && first.len() <= MAX_BODY {
            return Ok(first);
        }
        let room = MAX_BODY.saturating_sub(first.len());
        let rest = Limited::new(body, room).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                Refusal::TooLarge
            } else {
                Refusal::BadRequest("invalid_request")
            }
        })?;
        let rest = rest.to_bytes();
        Ok(if rest.is_empty() { first } else { [first, rest].concat().into() })
    });
    within(BODY_TIMEOUT, whole).await.unwrap_or(Err(Refusal::SlowBody))
}

/// The body as JSON of type `T`. The media type must be `application/json`: a form of another site cannot send that.
pub(crate) async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Incoming) -> Result<T, Refusal> {
    if !is_media_type(headers, "application/json") {
        return Err(Refusal::MediaType);
    }
    serde_json::from_slice(&read(body).await?).map_err(|_| Refusal::BadRequest("invalid_request"))
}

/// Whether `Content-Type` names this media type, parameters aside.
pub(crate) fn is_media_type(headers: &HeaderMap, wanted: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted))
}

/// Value of `name` in an `application/x-www-form-urlencoded` text. A name that comes twice is refused (RFC 6749 §3.2);
/// an unknown one is not looked at.
pub(crate) fn form_field<'a>(form: &'a str, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
    let mut values = form.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
    let first = values.next();
    if values.next().is_some() {
        return Err(Refusal::BadRequest("invalid_request"));
    }
    first.map(|(_, value)| percent_decode(value)).transpose()
}

/// WHATWG URL §5.1: `+` is a space, `%XX` a byte; the result must be UTF-8.
fn percent_decode(text: &str) -> Result<Cow<'_, str>, Refusal> {
    const BAD: Refusal = Refusal::BadRequest("invalid_request");
    if !text.bytes().any(|byte| matches!(byte, b'+' | b'%')) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut nibble = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = nibble().zip(nibble()).ok_or(BAD)?;
                (high * 16 + low) as u8
            }
            other => other,
        });
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| BAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_fields_are_decoded() {
        let form = "grant_type=refresh_token&refresh_token=a%2Bb%3d+c&empty=&flag";
        assert_eq!(form_field(form, "grant_type").unwrap().as_deref(), Some("refresh_token"));
        assert_eq!(form_field(form, "refresh_token").unwrap().as_deref(), Some("a+b= c"));
        assert_eq!(form_field(form, "empty").unwrap().as_deref(), Some(""));
        assert_eq!(form_field(form, "flag").unwrap(), None);
        assert_eq!(form_field("", "x").unwrap(), None);
    }

    #[test]
    fn a_broken_or_repeated_field_is_refused() {
        for form in ["x=%", "x=%4", "x=%zz", "x=%ff", "x=1&x=1", "x=%+1"] {
            assert_eq!(form_field(form, "x").unwrap_err(), Refusal::BadRequest("invalid_request"), "{form}");
        }
    }
}
