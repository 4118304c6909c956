//! The keys of one backend: the one that signs, and those before it that still verify.

use jsonwebtoken::DecodingKey;
use serde_json::Value;

use super::header;
use crate::answer::UnixMillis;
use crate::credential::keys::{Algorithm, KeyMaterial, Signer};
use crate::error::Error;

/// The signing key and the replaced ones.
#[derive(Debug)]
pub(super) struct Ring {
    algorithm: Algorithm,
    /// How long a replaced key still verifies, milliseconds; `None`: keys have no names, and a replaced one is gone.
    overlap_ms: Option<u64>,
    signer: Signer,
    current: Verifier,
    replaced: Vec<(Verifier, UnixMillis)>,
}

/// What checks the tokens of one key.
#[derive(Debug)]
struct Verifier {
    kid: Option<String>,
    /// The header of its tokens as we write it.
    header: String,
    decoding: DecodingKey,
    /// The public key as a JWK (RFC 7517); an HMAC key has none.
    public: Option<Value>,
}

impl Ring {
    pub(super) fn new(material: &KeyMaterial, overlap_ms: Option<u64>) -> Result<Self, Error> {
        let (signer, current) = parts(material, overlap_ms.is_some())?;
        Ok(Self { algorithm: material.algorithm(), overlap_ms, signer, current, replaced: Vec::new() })
    }

    /// Another key signs from now on.
    pub(super) fn replace(&mut self, material: &KeyMaterial, now: UnixMillis) -> Result<(), Error> {
        let (signer, current) = parts(material, self.overlap_ms.is_some())?;
        self.signer = signer;
        let old = std::mem::replace(&mut self.current, current);
        self.replaced.retain(|(_, until)| *until > now);
        if let Some(overlap_ms @ 1..) = self.overlap_ms {
            self.replaced.push((old, now.saturating_add(overlap_ms)));
        }
        Ok(())
    }

    pub(super) fn header(&self) -> &str {
        &self.current.header
    }

    pub(super) fn sign(&self, text: &mut String) -> Result<(), Error> {
        self.signer.sign(text)
    }

    /// The key that this token must be checked with. Headers of ours are known by their bytes, which costs nearly
    /// nothing; any other is read.
    pub(super) fn key_of(&self, token: &str, now: UnixMillis) -> Option<&DecodingKey> {
        if header::begins(token, &self.current.header) {
            return Some(&self.current.decoding);
        }
        let replaced = self.replaced.iter().filter(|(_, until)| *until > now).map(|(verifier, _)| verifier);
        let mut all = std::iter::once(&self.current).chain(replaced);
        let of = |verifier: &&Verifier| {
            header::begins(token, &verifier.header)
                || header::admits(token, self.algorithm, verifier.kid.as_deref())
        };
        all.find(of).map(|verifier| &verifier.decoding)
    }

    /// The public keys that verify now, as a JWK set (RFC 7517 §5). `None`: keys have no names, or no public half.
    pub(super) fn public(&self, now: UnixMillis) -> Option<Value> {
        self.overlap_ms?;
        let replaced = self.replaced.iter().filter(|(_, until)| *until > now).map(|(verifier, _)| verifier);
        let keys: Option<Vec<&Value>> =
            std::iter::once(&self.current).chain(replaced).map(|verifier| verifier.public.as_ref()).collect();
        Some(serde_json::json!({ "keys": keys? }))
    }
}

fn parts(material: &KeyMaterial, named: bool) -> Result<(Signer, Verifier), Error> {
    let signer = Signer::new(material)?;
    let kid = named.then(|| signer.thumbprint(material));
    let verifier = Verifier {
        header: header::encoded(material.algorithm(), kid.as_deref()),
        decoding: signer.decoding_key(material),
        public: kid.as_deref().and_then(|kid| signer.public_jwk(material.algorithm(), kid)),
        kid,
    };
    Ok((signer, verifier))
}

#[cfg(test)]
mod tests {
    use super::Ring;
    use crate::credential::keys::{Algorithm, KeyMaterial};

    const T0: u64 = 1_800_000_000_000;

    fn key(algorithm: Algorithm) -> KeyMaterial {
        KeyMaterial::generate(algorithm).unwrap()
    }

    #[test]
    fn a_key_set_holds_what_verifies_now_and_nothing_private() {
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256, Algorithm::Ps256] {
            let mut ring = Ring::new(&key(algorithm), Some(60_000)).unwrap();
            ring.replace(&key(algorithm), T0).unwrap();
            ring.replace(&key(algorithm), T0 + 30_000).unwrap();
            for (now, count) in [(T0 + 59_999, 3), (T0 + 60_000, 2), (T0 + 90_000, 1)] {
                let set = ring.public(now).unwrap();
                let keys = set["keys"].as_array().unwrap();
                assert_eq!(keys.len(), count, "{algorithm:?}");
                for jwk in keys {
                    // The library reads it back as a key to verify with.
                    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk.clone()).unwrap();
                    assert!(jsonwebtoken::DecodingKey::from_jwk(&jwk).is_ok(), "{algorithm:?}");
                    assert!(jwk.common.key_id.is_some());
                }
                for private in ["\"d\"", "\"p\"", "\"q\"", "\"k\""] {
                    assert!(!set.to_string().contains(private));
                }
            }
        }
        let secret = Ring::new(&key(Algorithm::Hs256), Some(60_000)).unwrap();
        assert_eq!(secret.public(T0), None, "a shared secret is not published");
        assert_eq!(Ring::new(&key(Algorithm::EdDsa), None).unwrap().public(T0), None);
    }

    #[test]
    fn a_token_is_checked_with_the_key_it_names() {
        let mut ring = Ring::new(&key(Algorithm::EdDsa), Some(60_000)).unwrap();
        let first = format!("{}.e30.", ring.header());
        ring.replace(&key(Algorithm::EdDsa), T0).unwrap();
        let second = format!("{}.e30.", ring.header());
        assert_ne!(first, second);
        assert!(ring.key_of(&second, T0 + 60_000).is_some());
        assert!(ring.key_of(&first, T0 + 59_999).is_some());
        assert!(ring.key_of(&first, T0 + 60_000).is_none(), "the overlap has ended");
        let nameless = Ring::new(&key(Algorithm::EdDsa), None).unwrap();
        assert!(ring.key_of(&format!("{}.e30.", nameless.header()), T0).is_none(), "no key is named");
        let mut strict = Ring::new(&key(Algorithm::EdDsa), Some(0)).unwrap();
        let first = format!("{}.e30.", strict.header());
        strict.replace(&key(Algorithm::EdDsa), T0).unwrap();
        assert!(strict.key_of(&first, T0).is_none());
    }
}
