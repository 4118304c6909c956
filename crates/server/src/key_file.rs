//! The signing key that the replicas of one service share: whoever comes first makes it, the others read it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use auth::{Algorithm, KeyMaterial};
use tempfile::NamedTempFile;

use crate::Error;

/// Longest key, bytes: an RSA key of 2048 bits is shorter.
const LONGEST: u64 = 16 * 1024;

/// The signing key in a file, as this replica last saw it.
#[derive(Debug)]
pub(crate) struct SharedKey {
    path: PathBuf,
    current: Mutex<KeyMaterial>,
}

impl SharedKey {
    /// The key in `path`; a new one is put there if there is none.
    pub(crate) fn open(path: &Path, algorithm: Algorithm) -> Result<Self, Error> {
        let current = Mutex::new(shared(path, algorithm)?);
        Ok(Self { path: path.to_owned(), current })
    }

    /// The key this replica uses.
    pub(crate) fn current(&self) -> KeyMaterial {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The next key. Replicas are told one after the other: the first puts a new key into the file, the others find one
    /// there that is not theirs, and take it.
    pub(crate) fn rotate(&self) -> Result<KeyMaterial, Error> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let algorithm = current.algorithm();
        let next = match read(&self.path, algorithm)? {
            Some(found) if found != *current => found,
            _ => {
                let made = KeyMaterial::generate(algorithm).map_err(|error| refused(&self.path, &error))?;
                let beside = written_beside(&self.path, &made)?;
                beside.persist(&self.path).map_err(|error| refused(&self.path, &error.error))?;
                made
            }
        };
        *current = next.clone();
        Ok(next)
    }
}

/// The key in `path`; a new one is put there if there is none.
fn shared(path: &Path, algorithm: Algorithm) -> Result<KeyMaterial, Error> {
    if let Some(found) = read(path, algorithm)? {
        return Ok(found);
    }
    let made = KeyMaterial::generate(algorithm).map_err(|error| refused(path, &error))?;
    // Written beside and linked: the file appears whole or not at all, and only one of several can be first.
    match written_beside(path, &made)?.persist_noclobber(path) {
        Ok(_) => Ok(made),
        Err(refusal) if refusal.error.kind() == io::ErrorKind::AlreadyExists => {
            read(path, algorithm)?.ok_or_else(|| refused(path, &"it vanished while it was read"))
        }
        Err(refusal) => Err(refused(path, &refusal.error)),
    }
}

/// The key in a file of its own in the folder of `path`, readable by this user alone.
fn written_beside(path: &Path, key: &KeyMaterial) -> Result<NamedTempFile, Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = NamedTempFile::new_in(folder).and_then(|mut beside| {
        beside.write_all(key.to_bytes())?;
        Ok(beside)
    });
    written.map_err(|error| refused(path, &error))
}

fn read(path: &Path, algorithm: Algorithm) -> Result<Option<KeyMaterial>, Error> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(path, &error)),
        Ok(facts) if facts.len() > LONGEST => return Err(refused(path, &"it is too long for a key")),
        Ok(_) => {}
    }
    let bytes = fs::read(path).map_err(|error| refused(path, &error))?;
    KeyMaterial::from_bytes(algorithm, &bytes).map(Some).map_err(|error| refused(path, &error))
}

fn refused(path: &Path, message: &dyn std::fmt::Display) -> Error {
    Error::Key { path: path.to_owned(), message: message.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_come_at_once_share_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let gate = std::sync::Barrier::new(16);
        let keys: Vec<KeyMaterial> = std::thread::scope(|scope| {
            let start = |_| {
                scope.spawn(|| {
                    gate.wait();
                    shared(&path, Algorithm::Es256).unwrap()
                })
            };
            let threads: Vec<_> = (0..16).map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| key.to_bytes() == keys[0].to_bytes()));
        assert_eq!(shared(&path, Algorithm::Es256).unwrap().to_bytes(), keys[0].to_bytes());
    }

    #[test]
    fn a_rotation_reaches_every_replica_that_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let replicas: Vec<SharedKey> =
            (0..3).map(|_| SharedKey::open(&path, Algorithm::Hs256).unwrap()).collect();
        let first = replicas[0].current();
        for round in 0..2 {
            let keys: Vec<KeyMaterial> = replicas.iter().map(|replica| replica.rotate().unwrap()).collect();
            assert!(keys.iter().all(|key| *key == keys[0] && *key != first), "round {round}");
        }
        // Whoever starts later finds the newest.
        assert!(SharedKey::open(&path, Algorithm::Hs256).unwrap().current() == replicas[2].current());
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        shared(&path, Algorithm::Es256).unwrap();
        let error = shared(&path, Algorithm::EdDsa).unwrap_err().to_string();
        assert!(error.contains("signing key") && error.contains("help:"), "{error}");
    }
}
