//! TLS on the measured address: the acceptor, from two PEM files.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use scenario::wire::ServeOptions;
use tokio_rustls::TlsAcceptor;

use crate::Error;

/// The acceptor that the options ask for, if they ask for one.
pub(crate) fn acceptor(options: &ServeOptions) -> Result<Option<TlsAcceptor>, Error> {
    match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => from_files(certificate, key).map(Some),
        (Some(path), None) | (None, Some(path)) => {
            Err(refused(path, &"certificate and key belong together, one is missing"))
        }
        (None, None) => Ok(None),
    }
}

fn from_files(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Error> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| refused(certificate, &error))?;
    if chain.is_empty() {
        return Err(refused(certificate, &"no certificate in it"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| refused(key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| refused(certificate, &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn refused(path: &Path, message: &dyn std::fmt::Display) -> Error {
    Error::Tls { path: path.to_owned(), message: message.to_string() }
}
