//! What a client holds: its issue and the part of its check that needs no state.

pub(crate) mod claims;
pub(crate) mod cookie;
pub(crate) mod jwt;
pub(crate) mod keys;
pub(crate) mod opaque;
pub(crate) mod status;

use aws_lc_rs::rand;

use crate::error::Error;

/// Fills an array from the operating system's generator (seeding AWS-LC's DRBG).
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0u8; N];
    rand::fill(&mut bytes)
        .map_err(|_| Error::Crypto("no random numbers from the operating system".into()))?;
    Ok(bytes)
}

/// The id under which a login is known to checks: the digest of a session id (32 bytes) or a `jti` (16 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoginId {
    bytes: [u8; 32],
    length: u8,
}

impl LoginId {
    /// The id, filled up with zeros.
    pub(crate) fn padded(&self) -> &[u8; 32] {
        &self.bytes
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl From<[u8; 32]> for LoginId {
    fn from(bytes: [u8; 32]) -> Self {
        Self { bytes, length: 32 }
    }
}

impl From<[u8; 16]> for LoginId {
    fn from(short: [u8; 16]) -> Self {
        let mut bytes = [0u8; 32];
        bytes[..16].copy_from_slice(&short);
        Self { bytes, length: 16 }
    }
}
