//! What is driven: addresses, the `Host` line, and TLS where the scenario asks for it.

use std::fmt;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use scenario::balance::MOST_REPLICAS;
use url::Url;

use super::tls::client_config;
use crate::error::Error;

/// A server to drive. Connections are spread evenly over its addresses.
#[derive(Debug, Clone)]
pub struct Target {
    /// At least one address; several for replicas of one service.
    pub addresses: Vec<SocketAddr>,
    /// Value of the `Host` header.
    pub host: String,
    /// TLS, or plain HTTP.
    pub tls: Option<TlsTarget>,
}

/// How TLS is spoken.
#[derive(Clone)]
pub struct TlsTarget {
    /// The name the certificate must bear.
    pub name: ServerName<'static>,
    /// Roots, versions and suites.
    pub config: Arc<rustls::ClientConfig>,
}

impl fmt::Debug for TlsTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TlsTarget").field("name", &self.name).finish_non_exhaustive()
    }
}

impl TlsTarget {
    /// Trusts exactly the certificates of a PEM file, for a server that bears `name`. Sessions are not resumed: every
    /// connection makes a full handshake, so that its price does not depend on what is cached.
    ///
    /// # Errors
    /// [`Error::Tls`] when the file cannot be used, or `name` is neither a host name nor an address.
    pub fn trusting(path: &Path, name: &str) -> Result<Self, Error> {
        let mut config = Arc::unwrap_or_clone(client_config(Some(path))?);
        config.resumption = rustls::client::Resumption::disabled();
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| Error::Tls { what: format!("`{name}` cannot be a certificate's name") })?;
        Ok(Self { name, config: Arc::new(config) })
    }
}

impl Target {
    /// Plain HTTP to these addresses; the first one names the host.
    #[must_use]
    pub fn plain(addresses: Vec<SocketAddr>) -> Self {
        let host = addresses.first().map(ToString::to_string).unwrap_or_default();
        Self { addresses, host, tls: None }
    }

    /// The target of an `http` or `https` URL. The host name is resolved here, once, before anything is measured; of
    /// several addresses (`localhost` often has one of each family) the first that accepts a connection is driven.
    ///
    /// `tls` is used for `https` and must be given then.
    ///
    /// # Errors
    /// [`Error::Target`] for another scheme, no host, a name that does not resolve, or `https` without `tls`.
    pub fn from_url(url: &Url, tls: Option<Arc<rustls::ClientConfig>>) -> Result<Self, Error> {
        let refuse = |what: String| Error::Target { url: url.to_string(), what };
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            other => return Err(refuse(format!("scheme `{other}` is not http or https"))),
        };
        let name = url.host_str().ok_or_else(|| refuse("it names no host".to_owned()))?;
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let port = url.port_or_known_default().unwrap_or(80);
        let addresses: Vec<SocketAddr> = (bare, port)
            .to_socket_addrs()
            .map_err(|error| refuse(format!("host `{bare}` does not resolve: {error}")))?
            .collect();
        let address = reachable(&addresses).ok_or_else(|| refuse(format!("host `{bare}` has no address")))?;
        let host = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let tls = match (secure, tls) {
            (false, _) => None,
            (true, Some(config)) => Some(TlsTarget {
                name: ServerName::try_from(bare.to_owned())
                    .map_err(|_| refuse(format!("`{bare}` cannot be a certificate's name")))?,
                config,
            }),
            (true, None) => return Err(refuse("https needs a TLS configuration".to_owned())),
        };
        Ok(Self { addresses: vec![address], host, tls })
    }

    /// Refuses what cannot be driven.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.addresses.is_empty() {
            return Err(Error::Target { url: self.host.clone(), what: "it has no address".to_owned() });
        }
        if self.addresses.len() > MOST_REPLICAS as usize {
            let what =
                format!("it has {} addresses, at most {MOST_REPLICAS} are driven", self.addresses.len());
            return Err(Error::Target { url: self.host.clone(), what });
        }
        Ok(())
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

/// Time for one address to accept a connection, where there are several.
const TRIAL: Duration = Duration::from_secs(1);

/// The only address, the first that accepts a connection, or the first.
fn reachable(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let accepts = |address: &&SocketAddr| TcpStream::connect_timeout(address, TRIAL).is_ok();
    match addresses {
        [only] => Some(*only),
        several => several.iter().find(accepts).or(several.first()).copied(),
    }
}
