//! What keeps a server process from starting: what, where, and what to do next.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A server that could not start. Once it answers, nothing that happens ends it but a signal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or may not be used.
    #[error("cannot listen on {address}: {source}\n  help: choose another port, or port 0 for a free one")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The CPUs asked for are not there.
    #[error(
        "cannot bind the server to CPUs {cpus:?}: {source}\n  help: this process may use CPUs {allowed:?}"
    )]
    Affinity {
        /// The CPUs asked for.
        cpus: Vec<u32>,
        /// The CPUs there are.
        allowed: Vec<u32>,
        /// The system's reason.
        source: io::Error,
    },
    /// The backend keeps its state in Redis, and no Redis was named.
    #[error(
        "backend `{backend}` keeps its state in Redis, and none was named\n  help: pass --redis redis://127.0.0.1:6379; \
         to install one: apt-get install redis-server (Debian, Ubuntu), dnf install redis (Fedora), brew install redis"
    )]
    NeedsRedis {
        /// Name of the backend.
        backend: String,
    },
    /// The backend keeps its state in PostgreSQL, and none was named.
    #[error(
        "backend `{backend}` keeps its state in PostgreSQL, and none was named\n  help: pass --postgres \
         postgres://USER@127.0.0.1/DATABASE; to install one: apt-get install postgresql (Debian, Ubuntu)"
    )]
    NeedsPostgres {
        /// Name of the backend.
        backend: String,
    },
    /// PostgreSQL does not answer.
    #[error("{source}\n  help: check that PostgreSQL runs there and lets this user make tables")]
    Postgres {
        /// The store's reason, which names the address without credentials.
        source: auth::Error,
    },
    /// Redis does not answer.
    #[error("{source}\n  help: check that Redis runs there and accepts these credentials")]
    Redis {
        /// The store's reason, which names the address without credentials.
        source: auth::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("TLS: {}: {message}\n  help: name a PEM file with a certificate chain and one with its private key", path.display())]
    Tls {
        /// Which file.
        path: PathBuf,
        /// Why not.
        message: String,
    },
    /// The signing key of the replicas cannot be made or read.
    #[error("signing key {}: {message}\n  help: name a file that no other backend uses, in a folder that can be written", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Why not.
        message: String,
    },
    /// The backend's `[mechanism]` table cannot be used.
    #[error(transparent)]
    Mechanism(#[from] scenario::FileError),
    /// The backend cannot be built: a signing key or random numbers failed.
    #[error("backend `{backend}` cannot start: {source}")]
    Backend {
        /// Name of the backend.
        backend: String,
        /// The backend's reason.
        source: auth::Error,
    },
    /// The runtime, a thread or a signal handler could not be set up.
    #[error("cannot start the server: {0}")]
    Start(#[from] io::Error),
}
