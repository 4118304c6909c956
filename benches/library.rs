//! `jsonwebtoken` as its users call it: HS256, issuer and audience checked, the claims as a type of one's own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::{Deserialize, Serialize};

/// The key that library and backend share.
pub const SECRET: [u8; 32] = *b"an HS256 key of thirty-two bytes";

/// The claims as a user of the library would declare them.
#[derive(Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named after the claims of RFC 9068, and two of this project")]
pub struct Claims {
    pub iss: String,
    pub sub: String,
    pub aud: String,
    pub client_id: String,
    pub exp: u64,
    pub iat: u64,
    pub jti: String,
    pub roles: Vec<String>,
    pub tenant: String,
}

/// The library, set up once.
pub struct Library {
    key: DecodingKey,
    validation: Validation,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").finish_non_exhaustive()
    }
}

impl Default for Library {
    fn default() -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&["https://issuer.authbench.example"]);
        validation.set_audience(&["https://api.authbench.example"]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self { key: DecodingKey::from_secret(&SECRET), validation }
    }
}

impl Library {
    /// The claims of a token that is signed, in date, and meant for us.
    #[inline]
    #[must_use]
    pub fn claims(&self, token: &str) -> Option<Claims> {
        decode::<Claims>(token, &self.key, &self.validation).ok().map(|token| token.claims)
    }
}

/// A backend file that signs with [`SECRET`]: HS256 unless `algorithm` says else.
#[must_use]
pub fn jwt_backend(algorithm: &str) -> String {
    format!(
        "[mechanism.credential]\nkind = \"jwt\"\nlifetime = \"8h\"\nalgorithm = \"{algorithm}\"\nkey = \"{}\"\n",
        URL_SAFE_NO_PAD.encode(SECRET)
    )
}
