//! How a login is prolonged: the choices, their reading, and what they cannot be combined with.

use std::ops::Range;

use toml::Spanned;

use super::parse::{Parsed, duration_ms, lifetime_ms, read_view, refuse, required_lifetime, unknown};
use super::raw::RawRenewal;
use super::{CredentialChoice, Mechanism, View};

/// How a login is prolonged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalChoice {
    /// Not at all.
    None,
    /// A refresh token.
    Refresh(RefreshChoice),
    /// Every request prolongs it: it ends this long after the last one, and at its absolute end at the latest.
    Sliding {
        /// Milliseconds without a request.
        inactivity_ms: u64,
    },
    /// Access tokens are minted from a session, which only the endpoint that mints them looks up.
    Minted {
        /// Absolute life of the session, milliseconds.
        lifetime_ms: u64,
        /// Where sessions lie.
        view: View,
    },
}

/// Settings of refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshChoice {
    /// Absolute life of the family, milliseconds; refreshing never extends it.
    pub lifetime_ms: u64,
    /// What a refresh does to the token it was done with; `None`: the token stays good until the family ends.
    pub rotation: Option<RotationChoice>,
    /// Where the family state lies.
    pub view: View,
}

/// What happens to refresh tokens that were already exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationChoice {
    /// For this long after a rotation the token just replaced is taken for a retry and not for theft, milliseconds.
    pub grace_ms: u64,
    /// What a retry gets.
    pub retry: Retry,
    /// What any other old token does.
    pub reuse: Reuse,
}

/// What comes of the token just replaced, within the grace window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Nothing: the client must hold the answer to its first attempt.
    Refuse,
    /// The refresh token that replaced it, and another access token. A thief who is one exchange behind gets them too.
    Answer,
}

/// What an old token does that is no retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It ends the family: somebody has a token that they should not have.
    EndFamily,
    /// It is refused, and nothing else happens.
    Refuse,
}

impl RenewalChoice {
    /// Reads `[mechanism.renewal]`, which stands at `span`.
    pub(super) fn read(raw: &RawRenewal, span: &Range<usize>) -> Parsed<Self> {
        match raw.kind.get_ref().as_str() {
            "none" => {
                raw.only("nothing is renewed", "remove it, or use `kind = \"refresh\"`", &[])?;
                Ok(Self::None)
            }
            "refresh" => {
                if let Some(inactivity) = &raw.inactivity {
                    let (key, span) = ("mechanism.renewal.inactivity", Some(inactivity.span()));
                    let hint = "remove it, or use `kind = \"sliding\"`";
                    return Err(refuse(key, span, "a refresh token has no inactivity timeout here", hint));
                }
                Ok(Self::Refresh(RefreshChoice {
                    lifetime_ms: required_lifetime("renewal", &raw.lifetime, span)?,
                    rotation: read_rotation(raw)?,
                    view: raw.view()?,
                }))
            }
            "sliding" => {
                let hint = "remove it: the absolute end is `mechanism.credential.lifetime`";
                raw.only("requests prolong the login, and no token does", hint, &["inactivity"])?;
                let Some(inactivity) = &raw.inactivity else {
                    let key = "mechanism.renewal.inactivity";
                    let hint = "add e.g. `inactivity = \"30m\"`";
                    return Err(refuse(key, Some(span.clone()), "missing key `inactivity`", hint));
                };
                Ok(Self::Sliding { inactivity_ms: lifetime_ms("mechanism.renewal.inactivity", inactivity)? })
            }
            "minted" => {
                let hint = "remove it, or use `kind = \"refresh\"`";
                raw.only("a session mints tokens and is not replaced by it", hint, &["lifetime", "view"])?;
                Ok(Self::Minted {
                    lifetime_ms: required_lifetime("renewal", &raw.lifetime, span)?,
                    view: raw.view()?,
                })
            }
            _ => {
                let known = ["none", "refresh", "sliding", "minted"];
                Err(unknown("mechanism.renewal.kind", &raw.kind, &known))
            }
        }
    }
}

impl RawRenewal {
    /// Refuses every key but `kind` and those named.
    fn only(&self, message: &str, hint: &str, allowed: &[&str]) -> Parsed<()> {
        let given = [
            ("lifetime", self.lifetime.as_ref().map(Spanned::span)),
            ("inactivity", self.inactivity.as_ref().map(Spanned::span)),
            ("rotate", self.rotate.as_ref().map(Spanned::span)),
            ("grace", self.grace.as_ref().map(Spanned::span)),
            ("retry", self.retry.as_ref().map(Spanned::span)),
            ("reuse", self.reuse.as_ref().map(Spanned::span)),
            ("view", self.view.as_ref().map(Spanned::span)),
        ];
        match given.into_iter().find(|(name, span)| span.is_some() && !allowed.contains(name)) {
            Some((name, span)) => Err(refuse(&format!("mechanism.renewal.{name}"), span, message, hint)),
            None => Ok(()),
        }
    }

    fn view(&self) -> Parsed<View> {
        match &self.view {
            Some(view) => read_view("mechanism.renewal.view", view),
            None => Ok(View::Store),
        }
    }
}

fn read_rotation(raw: &RawRenewal) -> Parsed<Option<RotationChoice>> {
    if raw.rotate.as_ref().is_some_and(|rotate| !rotate.get_ref()) {
        let hint = "remove it, or leave `rotate = false` out";
        raw.only("no refresh token is ever replaced", hint, &["lifetime", "rotate", "view"])?;
        return Ok(None);
    }
    let grace_ms = match &raw.grace {
        Some(grace) => duration_ms("mechanism.renewal.grace", grace)?,
        None => 0,
    };
    let retry = match &raw.retry {
        None => Retry::Refuse,
        Some(text) => match text.get_ref().as_str() {
            "refuse" => Retry::Refuse,
            "answer" if grace_ms == 0 => {
                let (key, span) = ("mechanism.renewal.retry", Some(text.span()));
                let hint = "add e.g. `grace = \"10s\"`";
                return Err(refuse(key, span, "without a grace window no attempt is a retry", hint));
            }
            "answer" => Retry::Answer,
            _ => return Err(unknown("mechanism.renewal.retry", text, &["refuse", "answer"])),
        },
    };
    let reuse = match &raw.reuse {
        None => Reuse::EndFamily,
        Some(text) => match text.get_ref().as_str() {
            "end-family" => Reuse::EndFamily,
            "refuse" => Reuse::Refuse,
            _ => return Err(unknown("mechanism.renewal.reuse", text, &["end-family", "refuse"])),
        },
    };
    Ok(Some(RotationChoice { grace_ms, retry, reuse }))
}

impl Mechanism {
    /// Refuses a renewal that cannot work with the other choices. `span`: where its kind stands.
    pub(super) fn renewal_fits(&self, span: Option<Range<usize>>) -> Parsed<()> {
        match self.renewal {
            RenewalChoice::None => Ok(()),
            RenewalChoice::Refresh(RefreshChoice { lifetime_ms, .. })
            | RenewalChoice::Minted { lifetime_ms, .. } => self.refresh_fits(lifetime_ms, span),
            RenewalChoice::Sliding { inactivity_ms } => self.sliding_fits(inactivity_ms, span),
        }
    }

    fn sliding_fits(&self, inactivity_ms: u64, span: Option<Range<usize>>) -> Parsed<()> {
        let CredentialChoice::Opaque { lifetime_ms } = self.credential else {
            return Err(refuse(
                "mechanism.renewal.kind",
                span,
                "only a login whose record is read on every request can be prolonged by it",
                "remove `[mechanism.renewal]`, or use `kind = \"opaque\"` in `[mechanism.credential]`",
            ));
        };
        if inactivity_ms >= lifetime_ms {
            return Err(refuse(
                "mechanism.renewal.inactivity",
                span,
                "the login ends before it can be inactive for so long",
                "make it shorter than `mechanism.credential.lifetime`",
            ));
        }
        Ok(())
    }

    fn refresh_fits(&self, lifetime_ms: u64, span: Option<Range<usize>>) -> Parsed<()> {
        let CredentialChoice::Jwt(jwt) = &self.credential else {
            return Err(refuse(
                "mechanism.renewal.kind",
                span,
                "it renews an access token, and this credential is none",
                "remove `[mechanism.renewal]`, or use `kind = \"jwt\"` in `[mechanism.credential]`",
            ));
        };
        if lifetime_ms <= jwt.lifetime_s * 1000 {
            return Err(refuse(
                "mechanism.renewal.lifetime",
                span,
                "what renews the access token does not outlive it",
                "make `mechanism.renewal.lifetime` longer than `mechanism.credential.lifetime`",
            ));
        }
        if !self.checks.is_empty() || !self.write_checks.is_empty() {
            return Err(refuse(
                "mechanism.renewal.kind",
                span,
                "access tokens that are renewed are not checked against state",
                "remove `checks` (ending what renews them is what revokes), or remove `[mechanism.renewal]`",
            ));
        }
        Ok(())
    }
}
