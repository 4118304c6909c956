//! TLS over a non-blocking socket, and the client configurations that `load` and the scenarios use.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::Refusal;
use super::sockets::tcp_established;
use super::target::TlsTarget;
use crate::error::Error;

/// A client configuration that trusts Mozilla's roots, or only the certificates of a PEM file.
///
/// # Errors
/// [`Error::Tls`] when the file cannot be read, holds no certificate, or holds one that cannot be a root.
pub fn client_config(roots: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let mut store = RootCertStore::empty();
    match roots {
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => add_file(&mut store, path)?,
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Tls { what: error.to_string() })?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn add_file(store: &mut RootCertStore, path: &Path) -> Result<(), Error> {
    let refuse = |what: String| Error::Tls { what: format!("{}: {what}", path.display()) };
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| refuse(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| refuse(error.to_string()))?;
        store.add(certificate).map_err(|error| refuse(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(refuse("no certificate in it".to_owned()));
    }
    Ok(())
}

/// One TLS connection.
#[derive(Debug)]
pub(super) struct TlsStream {
    tcp: TcpStream,
    tls: ClientConnection,
}

impl TlsStream {
    pub(super) fn new(tcp: TcpStream, target: &TlsTarget) -> io::Result<Self> {
        let tls = ClientConnection::new(Arc::clone(&target.config), target.name.clone())
            .map_err(io::Error::other)?;
        Ok(Self { tcp, tls })
    }

    /// Goes on with the TCP connection, then with the handshake.
    pub(super) fn establish(&mut self) -> Result<bool, Refusal> {
        if !tcp_established(&self.tcp)? {
            return Ok(false);
        }
        while self.tls.is_handshaking() {
            match self.tls.complete_io(&mut self.tcp) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(_) => return Err(Refusal::Tls),
            }
        }
        self.flush().map_err(|_| Refusal::Tls)?;
        Ok(true)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.tls.writer().write(bytes)?;
        if taken == 0 && !self.flush()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.flush()?;
        Ok(taken)
    }

    pub(super) fn flush(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.tcp) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // An end without close_notify (UnexpectedEof) is an end all the same: framing tells if it came early.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                done => return done,
            }
            let got = self.tls.read_tls(&mut self.tcp)?;
            self.tls.process_new_packets().map_err(io::Error::other)?;
            if got == 0 {
                // The end is now known to the reader: the next round returns it.
                match self.tls.reader().read(buffer) {
                    Ok(n) => return Ok(n),
                    Err(_) => return Ok(0),
                }
            }
            self.flush()?;
        }
    }
}
