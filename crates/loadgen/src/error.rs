//! Why a drive could not be made at all. What a server does wrong is an outcome, never one of these.

use std::io;

/// A drive that could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL cannot be driven.
    #[error("cannot drive {url}: {what}")]
    Target {
        /// As the user wrote it.
        url: String,
        /// A lowercase fragment.
        what: String,
    },
    /// An option is out of range.
    #[error("{option} is {value}, but {must}")]
    Options {
        /// Name of the option.
        option: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        must: &'static str,
    },
    /// A credential that cannot be kept.
    #[error("credential of subject {subject}, device {device}: {what}")]
    Credential {
        /// Index of the subject.
        subject: u32,
        /// Device.
        device: u8,
        /// A lowercase fragment.
        what: &'static str,
    },
    /// The kernel refused what the generator cannot do without.
    #[error("{what}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// TLS could not be set up.
    #[error("cannot set up TLS: {what}")]
    Tls {
        /// A lowercase fragment.
        what: String,
    },
}

impl Error {
    /// For `map_err` on a system call.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
