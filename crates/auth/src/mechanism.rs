//! The four choices that make a backend: credential, checks, view and renewal, as a backend file states them.

mod parse;
mod raw;
mod view;

use crate::credential::keys::{Algorithm, KeyMaterial};

pub use view::View;

/// A validated `[mechanism]` table. Impossible combinations cannot be built by [`Mechanism::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mechanism {
    /// What the client holds.
    pub credential: CredentialChoice,
    /// Which state a request consults, in this order; may be empty.
    pub checks: Vec<CheckChoice>,
    /// Whether an index of each user's live logins is kept, so that all of them can be found and ended.
    pub index: bool,
    /// How a login is prolonged.
    pub renewal: RenewalChoice,
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
    /// A fixed HS256 key; absent: generated at the start or shared through [`Setup`](crate::Setup).
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
}

/// How a login is prolonged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalChoice {
    /// Not at all.
    None,
    /// A rotating refresh token.
    Refresh {
        /// Absolute life of the family, milliseconds; refreshing never extends it.
        lifetime_ms: u64,
        /// For this long after a rotation the token just replaced is refused without ending the family, milliseconds.
        grace_ms: u64,
        /// Where the family state lies.
        view: View,
    },
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
        } else {
            LogoutAll::Cannot
        }
    }

    /// Whether some of its state lies in the shared store (any view but `local`). Otherwise it runs on memory alone.
    #[must_use]
    pub fn uses_shared_store(&self) -> bool {
        let renewal = matches!(self.renewal, RenewalChoice::Refresh { view: View::Store, .. });
        renewal || self.checks.iter().any(|check| check.view.is_shared())
    }

    /// Whether ending one login ends all of its user's: nothing finer than a mark per user is kept.
    #[must_use]
    pub fn logout_ends_all(&self) -> bool {
        self.has(CheckKind::Epoch) && !self.has(CheckKind::LiveList) && !self.has(CheckKind::DenyList)
    }

    /// How long after the acknowledged end of a login its checks may still let it in on another node, milliseconds.
    /// A mechanism without checks ends nothing before it expires, whatever this says.
    #[must_use]
    pub fn lag_ms(&self) -> u64 {
        self.checks.iter().map(|check| check.view.lag_ms()).max().unwrap_or(0)
    }

    /// Whether the list of checks has one of this kind.
    #[must_use]
    pub fn has(&self, kind: CheckKind) -> bool {
        self.checks.iter().any(|check| check.kind == kind)
    }

    /// Life of a login in milliseconds: how long after it a user must log in again. `None`: for ever (`none`).
    #[must_use]
    pub fn login_lifetime_ms(&self) -> Option<u64> {
        match (&self.credential, self.renewal) {
            (_, RenewalChoice::Refresh { lifetime_ms, .. }) => Some(lifetime_ms),
            (CredentialChoice::BareSubject, _) => None,
            (CredentialChoice::Opaque { lifetime_ms }, _) => Some(*lifetime_ms),
            (CredentialChoice::Jwt(jwt), _) => Some(jwt.lifetime_s * 1000),
        }
    }
}
