//! What a drill or a fault plan does to a service: the seam between its scripts and the network.

use scenario::wire;
use serde::Deserialize;

/// One request of the HTTP contract, or one order to a control address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask<'a> {
    /// `GET /me` with this header line.
    Me(&'a str),
    /// `POST /note`.
    Note(&'a str),
    /// `POST /login` of a subject with their first password.
    Login(u32),
    /// `POST /refresh` with this token, or with the cookie line that the next access token is minted from.
    Refresh(&'a str),
    /// `POST /logout`, with the refresh token where there is one.
    Logout(&'a str, Option<&'a str>),
    /// `POST /logout-all`.
    LogoutAll(&'a str),
    /// `POST /password`: to another one.
    Password(&'a str),
    /// Control address: the subject is disabled.
    Disable(u32),
    /// Control address: the next signing key.
    RotateKey,
    /// Control address: this replica's clock is so many milliseconds off from now on.
    ClockOffset(i64),
    /// Control address: how the server is.
    Health,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Status code; 0 where none came.
    pub(crate) status: u16,
    /// Whether it says when to try again (`Retry-After`).
    pub(crate) retry_after: bool,
    /// The value of the cookie that is set, if one is.
    pub(crate) cookie: Option<String>,
    pub(crate) body: String,
}

impl Reply {
    /// Whether the request was granted.
    pub(crate) fn granted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it was refused for what was presented.
    pub(crate) fn refused(&self) -> bool {
        matches!(self.status, 400 | 401 | 403)
    }

    /// Whether `GET /me` let this subject in.
    pub(crate) fn names(&self, subject: u32) -> bool {
        let name = wire::subject_name(subject);
        self.status == 200
            && self
                .body
                .as_bytes()
                .strip_prefix(br#"{"subject":""#)
                .is_some_and(|rest| rest.starts_with(&name))
    }

    /// The credential it hands out.
    pub(crate) fn held(&self) -> Option<Held> {
        #[derive(Deserialize)]
        struct Tokens {
            access_token: String,
            #[serde(default)]
            refresh_token: Option<String>,
        }
        if !self.granted() {
            return None;
        }
        let cookie = self.cookie.as_ref().map(|cookie| format!("Cookie: {cookie}"));
        match (serde_json::from_str::<Tokens>(&self.body), cookie) {
            // A cookie beside an access token is what the next one is minted from.
            (Ok(tokens), cookie) => {
                let header = format!("Authorization: Bearer {}", tokens.access_token);
                Some(Held { header, refresh: tokens.refresh_token.or(cookie) })
            }
            (Err(_), cookie) => Some(Held { header: cookie?, refresh: None }),
        }
    }
}

/// A credential that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// The header line that requests carry.
    pub(crate) header: String,
    /// The refresh token, where there is one.
    pub(crate) refresh: Option<String>,
}

impl Held {
    /// An answer without a new refresh token leaves the old one in force (RFC 6749 §6).
    pub(crate) fn or_keep(self, token: &str) -> Self {
        Self { refresh: self.refresh.or_else(|| Some(token.to_owned())), ..self }
    }
}

/// A service of several replicas, and a clock.
pub(crate) trait Service: 'static {
    /// How many.
    fn replicas(&self) -> usize;
    /// Asks one of them. What goes wrong on the way is a [`Reply`] with status 0.
    fn ask(&self, replica: usize, ask: Ask<'_>) -> impl Future<Output = Reply>;
    /// Nanoseconds since it began.
    fn now_ns(&self) -> u64;
    /// Waits until then.
    fn sleep_until(&self, at_ns: u64) -> impl Future<Output = ()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read() {
        let cookie = Reply { status: 200, cookie: Some("a=b".into()), ..Reply::default() };
        assert_eq!(cookie.held().unwrap().header, "Cookie: a=b");
        let body = r#"{"access_token":"x","token_type":"Bearer","expires_in":3,"refresh_token":"r"}"#;
        let tokens = Reply { status: 200, body: body.into(), ..Reply::default() };
        let held = Held { header: "Authorization: Bearer x".into(), refresh: Some("r".into()) };
        assert_eq!(tokens.held(), Some(held));
        let body = r#"{"access_token":"x","token_type":"Bearer","expires_in":3}"#.into();
        let minted = Reply { status: 200, cookie: Some("a=b".into()), body, ..Reply::default() };
        assert_eq!(minted.held().unwrap().refresh.as_deref(), Some("Cookie: a=b"));
        assert_eq!(Reply { status: 401, ..tokens }.held(), None);
        let me = |body: &str| Reply { status: 200, body: body.into(), ..Reply::default() };
        assert!(me(r#"{"subject":"u00000007","principal":"0"}"#).names(7));
        assert!(!me(r#"{"subject":"u00000007","principal":"0"}"#).names(8));
        assert!(!me("").names(0));
    }
}
