//! The measured address: from a request to the answer of the backend.

pub(crate) mod body;
pub(crate) mod credentials;
pub(crate) mod origin;
pub(crate) mod reply;
pub(crate) mod routes;
