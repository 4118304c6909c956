//! Signing keys of the token writer: the test keys that come with the corpus.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// The published test keys: base64url of the HS256 secret, and of PKCS#8 documents.
const KEYS: &str = include_str!("../corpus/keys.json");

/// SubjectPublicKeyInfo up to the key itself: RSA 2048 (RFC 8017), P-256 (RFC 5480), Ed25519 (RFC 8410).
const RSA_SPKI: &[u8] =
    b"\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x01\x0f\x00";
const P256_SPKI: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
const ED25519_SPKI: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// Where the modulus of a 2048-bit key stands in its PKCS#1 document.
const MODULUS: std::ops::Range<usize> = 9..265;

/// Signature algorithms of RFC 7518 §3.1 that a token may be signed with (EdDSA: RFC 8037, Ed25519).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    #[serde(rename = "HS256")]
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Hs256, Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The name in a JOSE header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of this exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Whether the same message always gets the same signature.
    #[must_use]
    pub const fn is_deterministic(self) -> bool {
        !matches!(self, Self::Ps256 | Self::Es256)
    }
}

enum Pair {
    Hmac(Vec<u8>),
    Rsa(Box<RsaKeyPair>),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key that signs.
pub struct Key {
    algorithm: Algorithm,
    bytes: Vec<u8>,
    pair: Pair,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// A key that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadKey(String);

impl std::fmt::Display for BadKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for BadKey {}

impl Key {
    /// The published test key of an algorithm. Never use it for anything but tests.
    ///
    /// # Errors
    /// When the file that is compiled in holds none, which a test excludes.
    pub fn test(algorithm: Algorithm) -> Result<Self, BadKey> {
        let keys: serde_json::Value =
            serde_json::from_str(KEYS).map_err(|error| BadKey(error.to_string()))?;
        // Both RSA algorithms share one key.
        let name = if algorithm == Algorithm::Ps256 { "RS256" } else { algorithm.name() };
        let text = keys[name].as_str().ok_or_else(|| BadKey(format!("no test key for {name}")))?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|error| BadKey(format!("{name}: {error}")))?;
        Self::new(algorithm, bytes)
    }

    /// A key from its bytes: the secret of HS256, a PKCS#8 document otherwise.
    ///
    /// # Errors
    /// When the bytes are none for this algorithm.
    pub fn new(algorithm: Algorithm, bytes: Vec<u8>) -> Result<Self, BadKey> {
        let refused = |error: aws_lc_rs::error::KeyRejected| BadKey(format!("{}: {error}", algorithm.name()));
        let pair = match algorithm {
            Algorithm::Hs256 => Pair::Hmac(bytes.clone()),
            Algorithm::Rs256 | Algorithm::Ps256 => {
                Pair::Rsa(Box::new(RsaKeyPair::from_pkcs8(&bytes).map_err(refused)?))
            }
            Algorithm::Es256 => Pair::Ecdsa(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &bytes).map_err(refused)?,
            ),
            Algorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::from_pkcs8(&bytes).map_err(refused)?),
        };
        Ok(Self { algorithm, bytes, pair })
    }

    /// What it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its bytes as base64url, as a backend file takes them.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.bytes)
    }

    /// The signature of a message; empty if the library could not make one.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Hmac(secret) => hs256(secret, message),
            Pair::Rsa(pair) => {
                let padding: &dyn signature::RsaEncoding = match self.algorithm {
                    Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut bytes = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(padding, &random, message, &mut bytes);
                signed.map(|()| bytes).unwrap_or_default()
            }
            Pair::Ecdsa(pair) => {
                pair.sign(&random, message).map(|tag| tag.as_ref().to_vec()).unwrap_or_default()
            }
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// Whether this is the signature of a message under this key's public half.
    #[must_use]
    pub fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        let check = |algorithm: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            signature::UnparsedPublicKey::new(algorithm, key).verify(message, tag).is_ok()
        };
        match (&self.pair, self.algorithm) {
            (Pair::Hmac(secret), _) => {
                hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret), message, tag).is_ok()
            }
            (Pair::Rsa(pair), Algorithm::Ps256) => {
                check(&signature::RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref())
            }
            (Pair::Rsa(pair), _) => check(&signature::RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()),
            (Pair::Ecdsa(pair), _) => check(&signature::ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()),
            (Pair::Ed25519(pair), _) => check(&signature::ED25519, pair.public_key().as_ref()),
        }
    }

    /// Every way in which the public key is likely to lie in a configuration, with a name for it. None for HS256.
    #[must_use]
    pub fn public_forms(&self) -> Vec<(&'static str, Vec<u8>)> {
        let (raw, spki): (Vec<u8>, Vec<u8>) = match &self.pair {
            Pair::Hmac(_) => return Vec::new(),
            Pair::Rsa(pair) => {
                (pair.public_key().as_ref().to_vec(), [RSA_SPKI, pair.public_key().as_ref()].concat())
            }
            Pair::Ecdsa(pair) => {
                (pair.public_key().as_ref().to_vec(), [P256_SPKI, pair.public_key().as_ref()].concat())
            }
            Pair::Ed25519(pair) => {
                (pair.public_key().as_ref().to_vec(), [ED25519_SPKI, pair.public_key().as_ref()].concat())
            }
        };
        let pem = pem("PUBLIC KEY", &spki);
        let mut forms = vec![
            ("the SubjectPublicKeyInfo", spki.clone()),
            ("the SubjectPublicKeyInfo in base64", STANDARD.encode(&spki).into_bytes()),
            ("the PEM document", pem.clone().into_bytes()),
            ("the PEM document without its last line end", pem.trim_end().as_bytes().to_vec()),
            ("the PEM document with CRLF", pem.replace('\n', "\r\n").into_bytes()),
            ("the bare public key", raw.clone()),
            ("the bare public key in base64url", URL_SAFE_NO_PAD.encode(&raw).into_bytes()),
            ("the JWK", self.jwk().into_bytes()),
            (
                "the SHA-256 of the SubjectPublicKeyInfo",
                digest::digest(&digest::SHA256, &spki).as_ref().to_vec(),
            ),
        ];
        if let Pair::Rsa(pair) = &self.pair {
            let document = pair.public_key().as_ref();
            forms.push(("the PKCS#1 PEM document", self::pem("RSA PUBLIC KEY", document).into_bytes()));
            forms.push(("the modulus", document.get(MODULUS).unwrap_or_default().to_vec()));
        }
        forms
    }

    /// The public key as a JWK (RFC 7517); for HS256 the secret, as an attacker would embed it.
    #[must_use]
    pub fn jwk(&self) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Hmac(secret) => format!(r#"{{"kty":"oct","k":"{}"}}"#, text(secret)),
            Pair::Rsa(pair) => {
                let modulus = pair.public_key().as_ref().get(MODULUS).unwrap_or_default();
                format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB"}}"#, text(modulus))
            }
            Pair::Ecdsa(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (point.get(1..33).unwrap_or_default(), point.get(33..65).unwrap_or_default());
                format!(r#"{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}"#, text(x), text(y))
            }
            Pair::Ed25519(pair) => {
                format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, text(pair.public_key().as_ref()))
            }
        }
    }
}

/// HMAC with SHA-256 under any secret, the empty one included.
#[must_use]
pub fn hs256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
}

/// HMAC with the hash that a header of this name stands for.
#[must_use]
pub fn hmac_of(name: &str, secret: &[u8], message: &[u8]) -> Vec<u8> {
    let algorithm = match name {
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    hmac::sign(&hmac::Key::new(algorithm, secret), message).as_ref().to_vec()
}

fn pem(label: &str, document: &[u8]) -> String {
    let text = STANDARD.encode(document);
    let lines: Vec<&str> =
        (0..text.len()).step_by(64).filter_map(|at| text.get(at..text.len().min(at + 64))).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_key_signs_what_its_public_half_verifies() {
        for algorithm in Algorithm::ALL {
            let key = Key::test(algorithm).unwrap();
            let tag = key.sign(b"message");
            assert!(key.verifies(b"message", &tag), "{algorithm:?}");
            assert!(!key.verifies(b"massage", &tag), "{algorithm:?}");
            assert_eq!(key.sign(b"message") == tag, algorithm.is_deterministic(), "{algorithm:?}");
            assert_eq!(key.public_forms().is_empty(), algorithm == Algorithm::Hs256);
            serde_json::from_str::<serde_json::Value>(&key.jwk()).unwrap();
        }
    }

    #[test]
    fn hmac_is_the_one_of_the_rfc() {
        // RFC 4231 §4.3, test case 2.
        let tag = hs256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(tag[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(hs256(b"", b"").len(), 32);
    }
}
