//! Secrets made for one run and removed with it: signing keys that replicas share, and a certificate for TLS.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::process::OwnFolder;

/// The address that servers are reached at.
const NAME: &str = "127.0.0.1";

/// A self-made certificate and its key, as PEM files.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    /// The certificate.
    pub(crate) certificate: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// A client that trusts this certificate and no other.
    pub(crate) fn trusted(&self) -> Result<loadgen::TlsTarget, Error> {
        loadgen::TlsTarget::trusting(&self.certificate, NAME).map_err(|error| failed(&error))
    }
}

/// A folder of this run's own that only this user can read.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: OwnFolder,
    keys: u32,
    certificate: Option<Certificate>,
}

impl Scratch {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self { folder: OwnFolder::new()?, keys: 0, certificate: None })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file for a signing key, not there yet.
    pub(crate) fn key_file(&mut self) -> PathBuf {
        self.keys += 1;
        self.folder.path().join(format!("signing-{}.key", self.keys))
    }

    /// A file of this name with this text.
    pub(crate) fn file(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.folder.path().join(name);
        write(&path, text).map(|()| path)
    }

    /// The certificate, made when it is first asked for.
    pub(crate) fn certificate(&mut self) -> Result<Certificate, Error> {
        if let Some(made) = &self.certificate {
            return Ok(made.clone());
        }
        // ECDSA on P-256, rcgen's default: what a new certificate has today.
        let made = rcgen::generate_simple_self_signed([NAME.to_owned(), "localhost".to_owned()])
            .map_err(|error| failed(&error))?;
        let certificate = Certificate {
            certificate: self.folder.path().join("server.pem"),
            key: self.folder.path().join("server.key"),
        };
        write(&certificate.certificate, &made.cert.pem())?;
        write(&certificate.key, &made.signing_key.serialize_pem())?;
        self.certificate = Some(certificate.clone());
        Ok(certificate)
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|source| Error::Io {
        path: path.to_owned(),
        what: "cannot be written",
        source,
    })
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::Probe { what: "the certificate for TLS", message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_certificate_per_run_that_can_be_trusted() {
        let mut scratch = Scratch::new().unwrap();
        let certificate = scratch.certificate().unwrap();
        assert_eq!(scratch.certificate().unwrap().certificate, certificate.certificate);
        certificate.trusted().unwrap();
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&certificate.key).unwrap());
        assert_eq!(mode & 0o777, 0o600);
        let folder = certificate.key.parent().unwrap().to_owned();
        drop(scratch);
        assert!(!folder.exists());
    }

    #[test]
    fn every_service_has_a_key_of_its_own() {
        let mut scratch = Scratch::new().unwrap();
        assert_ne!(scratch.key_file(), scratch.key_file());
    }
}
