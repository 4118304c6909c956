//! Asking somebody else: the questions that a view of kind `authority` puts to another process.
//!
//! How the question travels is not known here; the server carries it over HTTP. A question that is asked costs a round
//! trip, so its future may be boxed; an answer that is still believed is found without asking.

use std::fmt::Debug;
use std::pin::Pin;

use bytes::Bytes;

use crate::error::Error;
use crate::principal::Principal;

/// An answer on its way.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// What an authority says of a credential that is in force (RFC 7662 §2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introspection {
    /// Whose it is.
    pub principal: Principal,
    /// When it ends by itself (`exp`), Unix time in whole seconds: what is left of its last second is not said.
    pub until_s: u64,
}

/// Another process that knows which logins are in force.
pub trait Authority: Debug + Send + Sync {
    /// What it says of this credential; `None`: not in force.
    fn introspect<'a>(&'a self, credential: &'a str) -> Answer<'a, Option<Introspection>>;

    /// The bits of a status list, in the order of [`crate::store::bits`].
    fn status_list(&self, list: u64) -> Answer<'_, Bytes>;
}
