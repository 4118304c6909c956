//! Opaque ids: 256 random bits as base64url, known to the store only by their SHA-256 digest.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::random;
use crate::error::Error;

/// Length of an opaque id: 32 bytes as unpadded base64url.
pub const OPAQUE_LEN: usize = 43;

/// A new id (for the client) and its digest (for the store).
pub(crate) fn issue() -> Result<(String, [u8; 32]), Error> {
    let id = URL_SAFE_NO_PAD.encode(random::<32>()?);
    let digest = sha256(id.as_bytes());
    Ok((id, digest))
}

/// The digest of what a client presented; `None` when it cannot be an id of ours.
///
/// The text is hashed as it is, so another spelling of the same bits is another id, and an unknown one.
pub(crate) fn open(presented: &str) -> Option<[u8; 32]> {
    (presented.len() == OPAQUE_LEN).then(|| sha256(presented.as_bytes()))
}

/// SHA-256 without a heap allocation: the other library at hand makes a context per digest.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
