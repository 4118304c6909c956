//! Signing keys: generated at the start, or shared by the replicas of one backend as [`KeyMaterial`].

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Value, json};

use super::opaque::sha256;
use super::random;
use crate::error::Error;

/// Size of an RSA signature, bytes: the modulus.
const RSA_2048: usize = 256;

/// Signature algorithms of RFC 7518 §3.1 (EdDSA: RFC 8037, Ed25519).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits.
    Rs256,
    /// RSASSA-PSS with SHA-256, 2048 bits.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Shortest HS256 key, bytes (RFC 7518 §3.2).
    pub const MIN_HS256_KEY: usize = 32;
    /// Names as in JOSE headers.
    pub const NAMES: [&'static str; 5] = ["HS256", "RS256", "PS256", "ES256", "EdDSA"];
    /// All algorithms, in the order of [`Algorithm::NAMES`].
    pub const ALL: [Self; 5] = [Self::Hs256, Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The name in a JOSE header.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The algorithm of this exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(crate) fn of_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Ps256 => jsonwebtoken::Algorithm::PS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

/// A private key as bytes: the secret of HS256, a PKCS#8 document otherwise. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyMaterial {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for KeyMaterial {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KeyMaterial").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl KeyMaterial {
    /// A new random key.
    pub fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let failed = |_| Error::Crypto(format!("cannot generate a key for {}", algorithm.name()));
        let bytes = match algorithm {
            Algorithm::Hs256 => random::<32>()?.to_vec(),
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let document: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                document.as_ref().to_vec()
            }
            Algorithm::Es256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                    .map_err(failed)?
                    .as_ref()
                    .to_vec()
            }
            Algorithm::EdDsa => {
                Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(failed)?.as_ref().to_vec()
            }
        };
        Ok(Self { algorithm, bytes })
    }

    /// A key from bytes made by [`KeyMaterial::to_bytes`], checked.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, Error> {
        let material = Self { algorithm, bytes: bytes.to_vec() };
        Signer::new(&material).map(|_| material)
    }

    /// The key as bytes, to hand to another replica. A secret.
    #[must_use]
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it is for.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// A key ready to sign: parsed once, where the library would parse it for every token.
pub(crate) enum Signer {
    Hmac(Box<hmac::Key>),
    Rsa(Box<RsaKeyPair>, &'static dyn signature::RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Signer {
    pub(crate) fn new(material: &KeyMaterial) -> Result<Self, Error> {
        let KeyMaterial { algorithm, bytes } = material;
        let refused = |why: String| Error::Crypto(format!("unusable key for {}: {why}", algorithm.name()));
        let rsa = || match RsaKeyPair::from_pkcs8(bytes) {
            Ok(pair) if pair.public_modulus_len() == RSA_2048 => Ok(Box::new(pair)),
            Ok(pair) => {
                Err(refused(format!("a modulus of {} bits, 2048 needed", pair.public_modulus_len() * 8)))
            }
            Err(error) => Err(refused(error.to_string())),
        };
        match algorithm {
            Algorithm::Hs256 if bytes.len() < Algorithm::MIN_HS256_KEY => {
                Err(refused(format!("{} bytes, at least {} needed", bytes.len(), Algorithm::MIN_HS256_KEY)))
            }
            Algorithm::Hs256 => Ok(Self::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, bytes)))),
            Algorithm::Rs256 => Ok(Self::Rsa(rsa()?, &signature::RSA_PKCS1_SHA256)),
            Algorithm::Ps256 => Ok(Self::Rsa(rsa()?, &signature::RSA_PSS_SHA256)),
            Algorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes)
                .map(Self::Ecdsa)
                .map_err(|error| refused(error.to_string())),
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(bytes)
                .map(Self::Ed25519)
                .map_err(|error| refused(error.to_string())),
        }
    }

    /// Appends the base64url signature of `message` to it, after a dot.
    pub(crate) fn sign(&self, message: &mut String) -> Result<(), Error> {
        let failed = |_| Error::Crypto("cannot sign".into());
        let random = SystemRandom::new();
        let bytes = message.as_bytes();
        let mut rsa = [0u8; RSA_2048];
        let (tag, signature);
        let signature: &[u8] = match self {
            Self::Hmac(key) => {
                tag = hmac::sign(key, bytes);
                tag.as_ref()
            }
            Self::Rsa(pair, padding) => {
                pair.sign(*padding, &random, bytes, &mut rsa).map_err(failed)?;
                &rsa
            }
            Self::Ecdsa(pair) => {
                signature = pair.sign(&random, bytes).map_err(failed)?;
                signature.as_ref()
            }
            Self::Ed25519(pair) => {
                signature = pair.sign(bytes);
                signature.as_ref()
            }
        };
        message.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, message);
        Ok(())
    }

    /// A name for this key: 64 bits of a digest of its public half, or of the secret of HS256.
    pub(crate) fn thumbprint(&self, material: &KeyMaterial) -> String {
        let bytes = self.public().unwrap_or(&material.bytes);
        URL_SAFE_NO_PAD.encode(&sha256(&[b"kid", bytes].concat())[..8])
    }

    /// The public key as a JWK (RFC 7518 §6.2 and §6.3, RFC 8037 §2). An HMAC key has none.
    pub(crate) fn public_jwk(&self, algorithm: Algorithm, kid: &str) -> Option<Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = self.public()?;
        let mut jwk = match self {
            Self::Hmac(_) => return None,
            Self::Rsa(..) => {
                let (modulus, exponent) = rsa_numbers(public)?;
                json!({ "kty": "RSA", "n": text(modulus), "e": text(exponent) })
            }
            // An uncompressed point (SEC 1 §2.3.3): 4, x, y.
            Self::Ecdsa(_) => {
                let (x, y) = public.strip_prefix(&[4])?.split_at_checked(32)?;
                json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
            }
            Self::Ed25519(_) => json!({ "kty": "OKP", "crv": "Ed25519", "x": text(public) }),
        };
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(algorithm.name());
        Some(jwk)
    }

    /// The public half as AWS-LC gives it.
    fn public(&self) -> Option<&[u8]> {
        match self {
            Self::Hmac(_) => None,
            Self::Rsa(pair, _) => Some(pair.public_key().as_ref()),
            Self::Ecdsa(pair) => Some(pair.public_key().as_ref()),
            Self::Ed25519(pair) => Some(pair.public_key().as_ref()),
        }
    }

    /// The key that checks what this one signs.
    pub(crate) fn decoding_key(&self, material: &KeyMaterial) -> DecodingKey {
        match self {
            Self::Hmac(_) => DecodingKey::from_secret(&material.bytes),
            Self::Rsa(pair, _) => DecodingKey::from_rsa_der(pair.public_key().as_ref()),
            Self::Ecdsa(pair) => DecodingKey::from_ec_der(pair.public_key().as_ref()),
            Self::Ed25519(pair) => DecodingKey::from_ed_der(pair.public_key().as_ref()),
        }
    }
}

/// Modulus and exponent, without leading zeros, of an `RSAPublicKey` in DER (RFC 8017 A.1.1).
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = der_value(der, 0x30)?;
    let (modulus, rest) = der_value(sequence, 2)?;
    let (exponent, _) = der_value(rest, 2)?;
    let trimmed = |number: &'_ [u8]| number.iter().take_while(|byte| **byte == 0).count();
    Some((&modulus[trimmed(modulus)..], &exponent[trimmed(exponent)..]))
}

/// The content of the DER value that `bytes` begin with, if it has this tag, and what follows it.
fn der_value(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if found != tag {
        return None;
    }
    if first < 0x80 {
        return rest.split_at_checked(first.into());
    }
    // The long form: so many bytes of length, two are enough for any key here.
    let (length, rest) =
        rest.split_at_checked(usize::from(first & 0x7f)).filter(|(length, _)| length.len() <= 2)?;
    rest.split_at_checked(length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}
