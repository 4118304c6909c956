//! `load` over TLS: good, wrong name, unknown issuer, and no TLS at all.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use loadgen::{LoadOptions, LoadReport, Options, client_config, load};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use scenario::Arrival;
use url::Url;

/// A root certificate in a file, and a server whose certificate it issued for `localhost`.
struct Site {
    root: tempfile::NamedTempFile,
    address: SocketAddr,
}

fn site() -> Site {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let mut root = tempfile::NamedTempFile::new().unwrap();
    root.write_all(issuer.pem().as_bytes()).unwrap();

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .unwrap();
    Site { root, address: serve(Arc::new(config)) }
}

fn serve(config: Arc<ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            thread::spawn(move || {
                let mut stream = StreamOwned::new(tls, tcp);
                // Larger than one TLS record, so that one answer takes several.
                let body = vec![b'x'; 40_000];
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                while matches!(stream.read(&mut [0; 4096]), Ok(got) if got > 0) {
                    let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
                    if sent.and_then(|()| stream.flush()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn run(url: &str, site: &Site, trusts_root: bool) -> LoadReport {
    let tls = client_config(trusts_root.then(|| site.root.path())).unwrap();
    let options = LoadOptions {
        rate: Some(200.0),
        arrivals: Arrival::Constant,
        duration_ns: 200_000_000,
        tls: Some(tls),
        drive: Options { connections: 4, deadline_ns: 20_000_000_000, ..Options::default() },
        ceiling_rate: Some(1e9),
        ..LoadOptions::default()
    };
    load(&Url::parse(url).unwrap(), &options, &AtomicBool::new(false)).unwrap()
}

#[test]
fn a_trusted_site_answers() {
    let site = site();
    let report = run(&format!("https://localhost:{}/", site.address.port()), &site, true);
    assert_eq!(report.outcomes, BTreeMap::from([("ok", 40)]));
    assert!(report.bytes_received > 40_000);
}

#[test]
fn a_wrong_name_and_an_unknown_issuer_are_refused() {
    let site = site();
    let wrong_name = run(&format!("https://{}/", site.address), &site, true);
    assert_eq!(wrong_name.outcomes, BTreeMap::from([("tls-refused", 40)]));
    let unknown = run(&format!("https://localhost:{}/", site.address.port()), &site, false);
    assert_eq!(unknown.outcomes, BTreeMap::from([("tls-refused", 40)]));
}

#[test]
fn a_server_without_tls_is_refused() {
    let site = site();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            let _ = tcp.read(&mut [0; 4096]);
            let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let report = run(&format!("https://localhost:{port}/"), &site, true);
    assert_eq!(report.outcomes, BTreeMap::from([("tls-refused", 40)]));
}

#[test]
fn roots_that_cannot_be_used_are_named() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let error = client_config(Some(empty.path())).unwrap_err().to_string();
    assert!(
        error.contains("no certificate in it") && error.contains(empty.path().to_str().unwrap()),
        "{error}"
    );
    assert!(client_config(Some("/nonexistent/roots.pem".as_ref())).is_err());
}
