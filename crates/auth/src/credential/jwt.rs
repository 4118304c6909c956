//! Signed access tokens: issue, and the whole of their check that needs no state.
//!
//! `jsonwebtoken` checks the signature, that the algorithm is the configured one, and `iss` and `aud`. It has no clock
//! to give it, and lets through what RFC 7515, RFC 7519 and RFC 9068 refuse, so the rest is checked here: size, `typ`,
//! `crit`, `exp`, `nbf`, `iat`, and the strict reading of [`super::claims`].

mod header;
mod ring;

use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Validation;

use self::ring::Ring;
use super::claims::{Claims, NewClaims};
use super::keys::KeyMaterial;
use super::random;
use super::status::{NewListed, NewStatus, StatusRef};
use crate::answer::{Rejection, UnixMillis};
use crate::error::Error;
use crate::mechanism::JwtChoice;
use crate::principal::Principal;

/// Larger tokens are refused unread, bytes.
pub const MAX_TOKEN: usize = 8 * 1024;

/// A token said to be issued further ahead than this is refused; between replicas clocks may differ by less.
const MAX_IAT_AHEAD_S: u64 = 60;

const CLIENT_ID: &str = "authbench";

/// Issues and checks the tokens of one backend.
#[derive(Debug)]
pub(crate) struct JwtCredential {
    choice: JwtChoice,
    validation: Validation,
    keys: RwLock<Ring>,
}

/// What the shared state at its issue leaves in a token, as far as checks will ask for it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stamp {
    /// The user's mark.
    pub(crate) epoch: Option<u64>,
    /// Its place in a status list.
    pub(crate) status: Option<StatusRef>,
}

/// What a token is about, besides its principal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenFacts<'a> {
    pub(crate) now: UnixMillis,
    pub(crate) stamp: Stamp,
    pub(crate) family: Option<&'a [u8; 32]>,
    /// A family's absolute end, which no access token outlives.
    pub(crate) no_later_than: Option<UnixMillis>,
}

/// A new token.
#[derive(Debug)]
pub(crate) struct NewToken {
    pub(crate) text: String,
    pub(crate) jti: [u8; 16],
    /// When it is refused everywhere, leeway included.
    pub(crate) dead_at: UnixMillis,
    pub(crate) expires_in_s: u64,
}

impl JwtCredential {
    pub(crate) fn new(choice: &JwtChoice, key: Option<&KeyMaterial>) -> Result<Self, Error> {
        let material = match choice.key.as_ref().or(key) {
            Some(material) if material.algorithm() != choice.algorithm => {
                let (given, wanted) = (material.algorithm().name(), choice.algorithm.name());
                return Err(Error::Crypto(format!(
                    "the key given is for {given}, the backend signs with {wanted}"
                )));
            }
            Some(material) => material.clone(),
            None => KeyMaterial::generate(choice.algorithm)?,
        };
        let mut validation = Validation::new(choice.algorithm.of_library());
        validation.set_issuer(&[&choice.issuer]);
        validation.set_audience(&[&choice.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.leeway = 0;
        Ok(Self {
            choice: choice.clone(),
            validation,
            keys: RwLock::new(Ring::new(&material, choice.key_overlap_ms)?),
        })
    }

    /// A new random key; tokens of the old one are refused from now on, or when the declared overlap has passed.
    pub(crate) fn rotate_key(&self, now: UnixMillis) -> Result<(), Error> {
        self.replace_key(&KeyMaterial::generate(self.choice.algorithm)?, now)
    }

    /// This key from now on, as another replica already has it.
    pub(crate) fn replace_key(&self, material: &KeyMaterial, now: UnixMillis) -> Result<(), Error> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner).replace(material, now)
    }

    /// The public keys as a JWK set, where keys have names and a public half.
    pub(crate) fn public_keys(&self, now: UnixMillis) -> Option<serde_json::Value> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).public(now)
    }

    pub(crate) fn issue(&self, principal: &Principal, facts: TokenFacts<'_>) -> Result<NewToken, Error> {
        let iat = facts.now / 1000;
        let latest = facts.no_later_than.map_or(u64::MAX, |end| end / 1000);
        let exp = (iat + self.choice.lifetime_s).min(latest);
        let jti = random::<16>()?;
        let (mut jti_text, mut sid_text) = ([0u8; 22], [0u8; 43]);
        let roles: Vec<&str> = principal.roles().collect();
        let list_uri = facts.stamp.status.map(|place| place.uri(&self.choice.issuer));
        let claims = NewClaims {
            iss: &self.choice.issuer,
            sub: principal.subject(),
            aud: &self.choice.audience,
            client_id: CLIENT_ID,
            exp,
            iat,
            jti: base64_text(&jti, &mut jti_text)?,
            roles: &roles,
            tenant: principal.tenant(),
            epoch: facts.stamp.epoch,
            sid: facts.family.map(|family| base64_text(family, &mut sid_text)).transpose()?,
            status: facts
                .stamp
                .status
                .zip(list_uri.as_deref())
                .map(|(place, uri)| NewStatus { status_list: NewListed { idx: place.index, uri } }),
        };
        let payload = serde_json::to_vec(&claims).map_err(|error| Error::Crypto(error.to_string()))?;
        let mut text = String::with_capacity(payload.len() * 4 / 3 + 440);
        {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            text.push_str(keys.header());
            text.push('.');
            URL_SAFE_NO_PAD.encode_string(&payload, &mut text);
            keys.sign(&mut text)?;
        }
        let dead_at = (exp + self.choice.leeway_s) * 1000;
        Ok(NewToken { text, jti, dead_at, expires_in_s: exp.saturating_sub(iat) })
    }

    /// Checks all that can be checked without state.
    pub(crate) fn open(&self, token: &str, now: UnixMillis) -> Result<Claims, Rejection> {
        if token.len() > MAX_TOKEN {
            return Err(Rejection::Invalid);
        }
        let claims = {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            let key = keys.key_of(token, now).ok_or(Rejection::Invalid)?;
            jsonwebtoken::decode::<Claims>(token, key, &self.validation)
                .map_err(|_| Rejection::Invalid)?
                .claims
        };
        self.check_times(&claims, now / 1000)?;
        Ok(claims)
    }

    /// RFC 7519 §4.1.4: refused "on or after" `exp`; §4.1.5: refused before `nbf`. Seconds.
    fn check_times(&self, claims: &Claims, now: u64) -> Result<(), Rejection> {
        if now >= claims.exp.0 + self.choice.leeway_s {
            return Err(Rejection::Expired);
        }
        if claims.nbf.is_some_and(|nbf| now + self.choice.leeway_s < nbf.0) {
            return Err(Rejection::Expired);
        }
        if claims.iat.0 > claims.exp.0 || claims.iat.0 > now + MAX_IAT_AHEAD_S {
            return Err(Rejection::Invalid);
        }
        Ok(())
    }

    /// When a token with this `exp` is refused everywhere.
    pub(crate) fn dead_at(&self, claims: &Claims) -> UnixMillis {
        (claims.exp.0 + self.choice.leeway_s) * 1000
    }
}

fn base64_text<'a>(bytes: &[u8], text: &'a mut [u8]) -> Result<&'a str, Error> {
    let failed = || Error::Crypto("an id does not fit its text".into());
    let length = URL_SAFE_NO_PAD.encode_slice(bytes, text).map_err(|_| failed())?;
    std::str::from_utf8(&text[..length]).map_err(|_| failed())
}
