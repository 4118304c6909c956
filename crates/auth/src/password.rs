//! Passwords: Argon2id on its own few threads, or a cheap verifier where a scenario measures something else.

mod pool;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;

use self::pool::Pool;
use crate::credential::opaque::sha256;
use crate::credential::random;
use crate::error::Error;

/// Memory of one hash, KiB (OWASP Password Storage Cheat Sheet: 19 MiB with two passes).
pub const ARGON2_MEMORY_KIB: u32 = 19_456;
/// Passes.
pub const ARGON2_PASSES: u32 = 2;
/// Lanes.
pub const ARGON2_LANES: u32 = 1;

/// Longest password that is hashed, bytes; a longer one is a wrong one.
pub const MAX_PASSWORD: usize = 1024;

/// How passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordScheme {
    /// Argon2id, 19 MiB, t = 2, p = 1.
    Argon2id,
    /// One SHA-256: no protection, for runs that measure something else.
    Cheap,
}

/// What logins need.
#[derive(Debug, Clone)]
pub struct PasswordSettings {
    /// How passwords are hashed.
    pub scheme: PasswordScheme,
    /// The password of every subject until they change it.
    pub initial: String,
    /// Hashing threads, at the lowest scheduling priority.
    pub threads: NonZeroUsize,
    /// Hashes that may wait; one more is [`Error::Busy`] at once.
    pub queue: usize,
    /// How long a hash may wait for those before it, at what one costs; one that would is [`Error::Busy`] at once.
    pub patience: Duration,
    /// Failures in a row that lock an account. NIST SP 800-63B allows at most 100.
    pub lockout_after: u64,
    /// How long a locked account stays locked after its last failure, milliseconds.
    pub lockout_ms: u64,
}

impl PasswordSettings {
    /// One thread, 32 waiting hashes and 180 ms of them (at about 14 ms each, 12: all are done within a quarter of a
    /// second), locked for 15 minutes after 50 failures in a row.
    #[must_use]
    pub fn new(scheme: PasswordScheme, initial: &str) -> Self {
        Self {
            scheme,
            initial: initial.to_owned(),
            threads: NonZeroUsize::MIN,
            queue: 32,
            patience: Duration::from_millis(180),
            lockout_after: 50,
            lockout_ms: 15 * 60_000,
        }
    }
}

/// Whether a password is being hashed, or waits for that: the part of a login that takes CPU and not the store. Whoever
/// bounds the rest looks here.
#[derive(Debug, Default)]
pub struct Hashing(AtomicBool);

impl Hashing {
    /// Whether it goes on.
    pub fn goes_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The output of `work`, which is such a hash.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        self.0.store(true, Ordering::Relaxed);
        let output = work.await;
        self.0.store(false, Ordering::Relaxed);
        output
    }
}

/// Salt and hash of one password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verifier {
    pub(crate) salt: [u8; 16],
    pub(crate) hash: [u8; 32],
}

/// Checks and makes verifiers.
#[derive(Debug)]
pub(crate) struct Passwords {
    settings: PasswordSettings,
    pool: Option<Pool>,
    /// All provisioned subjects share it.
    shared: Verifier,
    /// What an unknown user is checked against, so that it costs the same.
    decoy: Verifier,
    shed: AtomicU64,
}

impl Passwords {
    pub(crate) fn start(settings: &PasswordSettings) -> Result<Self, Error> {
        let (pool, shared) = match settings.scheme {
            PasswordScheme::Cheap => {
                let salt = random()?;
                (None, Verifier { salt, hash: cheap(&salt, &settings.initial) })
            }
            PasswordScheme::Argon2id => {
                let salt = random()?;
                let hash = pool::hash(settings.initial.as_bytes(), &salt)?;
                (
                    Some(Pool::start(settings.threads, settings.queue, settings.patience)?),
                    Verifier { salt, hash },
                )
            }
        };
        // No password hashes to random bytes.
        let decoy = Verifier { salt: random()?, hash: random()? };
        Ok(Self { settings: settings.clone(), pool, shared, decoy, shed: AtomicU64::new(0) })
    }

    pub(crate) fn settings(&self) -> &PasswordSettings {
        &self.settings
    }

    pub(crate) fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    /// The verifier of a user: changed, shared, or the decoy of an unknown one.
    pub(crate) fn verifier(&self, known: bool, changed: Option<([u8; 16], [u8; 32])>) -> Verifier {
        match (known, changed) {
            (false, _) => self.decoy,
            (true, Some((salt, hash))) => Verifier { salt, hash },
            (true, None) => self.shared,
        }
    }

    /// Whether this is the password. Always costs one hash.
    pub(crate) async fn check(&self, password: &str, against: Verifier) -> Result<bool, Error> {
        let hash = self.hash(password, against.salt).await?;
        let fits = password.len() <= MAX_PASSWORD;
        Ok(verify_slices_are_equal(&hash, &against.hash).is_ok() && fits)
    }

    /// A verifier for a new password.
    pub(crate) async fn make(&self, password: &str) -> Result<Verifier, Error> {
        let salt = random()?;
        Ok(Verifier { salt, hash: self.hash(password, salt).await? })
    }

    async fn hash(&self, password: &str, salt: [u8; 16]) -> Result<[u8; 32], Error> {
        let end = password.len().min(MAX_PASSWORD);
        let bytes = &password.as_bytes()[..end];
        let Some(pool) = &self.pool else { return Ok(cheap_bytes(&salt, bytes)) };
        let answer = pool.hash(bytes, salt).await;
        if matches!(answer, Err(Error::Busy)) {
            self.shed.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

fn cheap(salt: &[u8; 16], password: &str) -> [u8; 32] {
    cheap_bytes(salt, password.as_bytes())
}

fn cheap_bytes(salt: &[u8; 16], password: &[u8]) -> [u8; 32] {
    sha256(&[&salt[..], password].concat())
}
