//! Values that go in and out of an [`Authenticator`](crate::Authenticator).

use crate::principal::Principal;

/// Unix time in milliseconds, as the caller's clock (with this replica's offset) shows it.
pub type UnixMillis = u64;

/// What a client presented, as found by the HTTP layer. A mechanism looks only at the kind it issues.
#[derive(Debug, Clone, Copy, Default)]
pub struct Presented<'a> {
    /// Value of the session cookie.
    pub cookie: Option<&'a str>,
    /// Value after `Authorization: Bearer `.
    pub bearer: Option<&'a str>,
}

/// What the request wants to do: a backend may name stricter checks for writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A read.
    Read,
    /// A write.
    Write,
}

/// Answer to a presented credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Let in.
    Accepted {
        /// Who.
        principal: Principal,
        /// A cookie to set, where the mechanism prolongs or replaces it.
        replacement: Option<String>,
    },
    /// Not let in.
    Rejected(Rejection),
}

/// Why a credential was not accepted. Never told to the client in detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// None was presented.
    Missing,
    /// It is not one of ours: bad form, signature, type, issuer, audience, size.
    Invalid,
    /// Its time has passed, or has not come.
    Expired,
    /// It was ended: logout, revocation, reuse of a rotated refresh token, disabled user.
    Revoked,
}

/// A credential handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// To be set as the session cookie.
    Cookie {
        /// Cookie value.
        value: String,
        /// Remaining life in seconds, for `Max-Age` (which never decides).
        max_age_s: u64,
    },
    /// An RFC 6749 §5.1 token response.
    Tokens {
        /// Access token.
        access: String,
        /// Its remaining life in seconds.
        expires_in_s: u64,
        /// Refresh token, where there is renewal.
        refresh: Option<String>,
    },
    /// An access token, and the session that further ones are minted from, to be set as the session cookie.
    Minted {
        /// Access token.
        access: String,
        /// Its remaining life in seconds.
        expires_in_s: u64,
        /// Value of the session cookie.
        session: String,
        /// Remaining life of the session in seconds, for `Max-Age`.
        max_age_s: u64,
    },
}

impl Grant {
    /// The credential as its holder presents it.
    #[must_use]
    pub fn presented(&self) -> Presented<'_> {
        match self {
            Self::Cookie { value, .. } => Presented { cookie: Some(value), bearer: None },
            Self::Tokens { access, .. } | Self::Minted { access, .. } => {
                Presented { cookie: None, bearer: Some(access) }
            }
        }
    }
}

/// Answer to a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginAnswer {
    /// Let in.
    Granted(Grant),
    /// Unknown user or wrong password: the same answer at the same cost.
    Rejected,
    /// Too many failures in a row for this account (429).
    LockedOut,
}
