//! The four choices that make a backend: credential, checks, view and renewal, as a backend file states them.

mod parse;
mod raw;
mod renewal;
mod view;

use crate::answer::Access;
use crate::credential::keys::{Algorithm, KeyMaterial};

pub use renewal::{RefreshChoice, RenewalChoice, Retry, Reuse, RotationChoice};
pub use view::View;

/// A validated `[mechanism]` table. Impossible combinations cannot be built by [`Mechanism::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mechanism {
    /// What the client holds.
    pub credential: CredentialChoice,
    /// Which state a request consults, in this order; may be empty.
    pub checks: Vec<CheckChoice>,
    /// Which state a write consults instead, where that is more; empty: the same as any request.
    pub write_checks: Vec<CheckChoice>,
    /// Whether an index of each user's live logins is kept, so that all of them can be found and ended.
    pub index: bool,
    /// How a login is prolonged.
    pub renewal: RenewalChoice,
    /// What the shared store is, where there is one.
    pub store: StoreChoice,
}

/// What the shared store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreChoice {
    /// A Redis server.
    Redis,
    /// A SQLite file beside the process.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// What the client holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialChoice {
    /// The bare subject name, unchecked: the control.
    BareSubject,
    /// A random id that means nothing without the store.
    Opaque {
        /// Absolute life of a login, milliseconds.
        lifetime_ms: u64,
    },
    /// The principal and an end in a cookie, under an HMAC.
    SignedCookie {
        /// Absolute life of a login, milliseconds.
        lifetime_ms: u64,
    },
    /// A signed JWT with the claims of RFC 9068.
    Jwt(JwtChoice),
}

/// Settings of a signed access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtChoice {
    /// Signature algorithm; no other is accepted.
    pub algorithm: Algorithm,
    /// `exp` − `iat`, seconds.
    pub lifetime_s: u64,
    /// How long after `exp` (and before `nbf`) a token is still accepted, seconds; at most 60.
    pub leeway_s: u64,
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// How long a replaced key still verifies, milliseconds; 0: not at all. `None`: keys have no names, and are not
    /// published. With names, tokens say which key signed them (`kid`).
    pub key_overlap_ms: Option<u64>,
    /// A fixed key (HS256: the secret, else PKCS#8); absent: generated at the start or shared through [`Setup`](crate::Setup).
    pub key: Option<KeyMaterial>,
}

/// One check and where it reads its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckChoice {
    /// Which state.
    pub kind: CheckKind,
    /// Where from.
    pub view: View,
}

/// State that a check consults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckKind {
    /// The login must be recorded: session store or allow list.
    LiveList,
    /// The token's `jti` must not be recorded.
    DenyList,
    /// The token must not be older than its user's "not before" mark.
    Epoch,
    /// The user must not be disabled, nor the login be older than the mark in their row.
    UserRow,
    /// The bit at the token's place in a status list must not be set.
    StatusBit,
}

/// How "log out everywhere" finds the user's other logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutAll {
    /// An index of the user's live logins.
    Index,
    /// A "not before" mark per user.
    Epoch,
    /// It cannot.
    Cannot,
}

impl Mechanism {
    /// How this mechanism logs a user out everywhere.
    #[must_use]
    pub fn logout_all(&self) -> LogoutAll {
        if self.has(CheckKind::Epoch) {
            LogoutAll::Epoch
        } else if self.index {
            LogoutAll::Index
        } else if self.has(CheckKind::UserRow) {
            LogoutAll::Epoch
        } else {
            LogoutAll::Cannot
        }
    }

    /// Whether some of its state lies in the shared store (any view but `local`). Otherwise it runs on memory alone.
    #[must_use]
    pub fn uses_shared_store(&self) -> bool {
        let renewal = match self.renewal {
            RenewalChoice::Refresh(RefreshChoice { view, .. }) | RenewalChoice::Minted { view, .. } => {
                view == View::Store
            }
            RenewalChoice::None | RenewalChoice::Sliding { .. } => false,
        };
        renewal || self.all_checks().any(|check| check.view.is_shared())
    }

    /// Whether ending one login ends all of its user's: nothing finer than a mark per user is kept.
    #[must_use]
    pub fn logout_ends_all(&self) -> bool {
        let marked = self.has(CheckKind::Epoch) || self.has(CheckKind::UserRow);
        marked && !self.has(CheckKind::LiveList) && !self.has(CheckKind::DenyList)
    }

    /// How long after the acknowledged end of a login its checks may still let it in on another node, milliseconds.
    /// A mechanism without checks ends nothing before it expires, whatever this says.
    #[must_use]
    pub fn lag_ms(&self) -> u64 {
        self.checks.iter().map(|check| check.view.lag_ms()).max().unwrap_or(0)
    }

    /// Whether reads or writes have a check of this kind.
    #[must_use]
    pub fn has(&self, kind: CheckKind) -> bool {
        self.all_checks().any(|check| check.kind == kind)
    }

    /// The checks of one kind of access.
    #[must_use]
    pub fn checks_of(&self, access: Access) -> &[CheckChoice] {
        match access {
            Access::Write if !self.write_checks.is_empty() => &self.write_checks,
            _ => &self.checks,
        }
    }

    fn all_checks(&self) -> impl Iterator<Item = &CheckChoice> {
        self.checks.iter().chain(&self.write_checks)
    }

    /// Whether a login hands out a cookie, which a browser sends by itself.
    #[must_use]
    pub fn sets_cookie(&self) -> bool {
        matches!(self.credential, CredentialChoice::Opaque { .. } | CredentialChoice::SignedCookie { .. })
            || self.mints()
    }

    /// Whether access tokens are minted from a session.
    #[must_use]
    pub fn mints(&self) -> bool {
        matches!(self.renewal, RenewalChoice::Minted { .. })
    }

    /// Whether something in the store can end a single login.
    #[must_use]
    pub fn records_logins(&self) -> bool {
        let renewed = matches!(self.renewal, RenewalChoice::Refresh(_) | RenewalChoice::Minted { .. });
        let ended_each = [CheckKind::LiveList, CheckKind::DenyList, CheckKind::StatusBit];
        renewed || ended_each.into_iter().any(|kind| self.has(kind))
    }

    /// Life of an access credential in milliseconds, leeway included. `None`: for ever (`none`).
    #[must_use]
    pub fn access_lifetime_ms(&self) -> Option<u64> {
        match &self.credential {
            CredentialChoice::BareSubject => None,
            CredentialChoice::Opaque { lifetime_ms } | CredentialChoice::SignedCookie { lifetime_ms } => {
                Some(*lifetime_ms)
            }
            CredentialChoice::Jwt(jwt) => Some((jwt.lifetime_s + jwt.leeway_s) * 1000),
        }
    }

    /// Life of a login in milliseconds: how long after it a user must log in again. `None`: for ever (`none`).
    #[must_use]
    pub fn login_lifetime_ms(&self) -> Option<u64> {
        match (&self.credential, self.renewal) {
            (_, RenewalChoice::Refresh(RefreshChoice { lifetime_ms, .. }))
            | (_, RenewalChoice::Minted { lifetime_ms, .. }) => Some(lifetime_ms),
            (CredentialChoice::BareSubject, _) => None,
            (
                CredentialChoice::Opaque { lifetime_ms } | CredentialChoice::SignedCookie { lifetime_ms },
                _,
            ) => Some(*lifetime_ms),
            (CredentialChoice::Jwt(jwt), _) => Some(jwt.lifetime_s * 1000),
        }
    }
}
