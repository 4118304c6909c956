//! What is checked: an address, what is known of the backend behind it, and what may be done to its surroundings.

use std::net::SocketAddr;

use serde_json::Value;

use crate::key::Key;

/// A running backend.
#[derive(Debug)]
pub struct Target {
    /// Name in the results.
    pub name: String,
    /// Where it answers.
    pub address: SocketAddr,
    /// Its control address, where there is one.
    pub control: Option<SocketAddr>,
    /// What the server says about itself in its ready line; `null` where nobody said anything.
    pub describe: Value,
    /// What it promises; none where nobody said anything.
    pub promises: Option<Promises>,
    /// The key it signs with, where it is known.
    pub key: Option<Key>,
    /// A Redis for it alone.
    pub store: Option<SocketAddr>,
    /// Deadline of one request for what waits on a store, milliseconds.
    pub deadline_ms: u64,
}

/// What a backend promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promises {
    /// Longest time that a credential works after the acknowledged end of its login.
    pub revocation: Lag,
    /// Whether all logins of a user can be ended.
    pub ends_all: bool,
    /// What a request gets when the store is down.
    pub store_down: StoreDown,
}

/// Bound on the revocation lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// At once.
    None,
    /// At most this long.
    Millis(u64),
    /// Until the credential expires.
    Lifetime,
    /// Never ended.
    Never,
}

/// What a request gets when the store is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreDown {
    /// Let in on what the credential says.
    Open,
    /// 503.
    Closed,
    /// Reads are let in, because they ask no store; writes get 503.
    WritesClosed,
    /// It asks no store.
    Unaffected,
}

/// What can go wrong with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It stops answering; connections stay open.
    Hang,
    /// It goes on after [`Fault::Hang`].
    GoOn,
    /// It dies.
    Die,
    /// It comes back without its data, on the same address.
    ReturnEmpty,
}

/// What whoever started the target can do to it and around it.
pub trait Surroundings {
    /// Does this to the store.
    ///
    /// # Errors
    /// Why it cannot be done.
    fn fault(&mut self, fault: Fault) -> Result<(), String>;

    /// The bytes of a store that lies in files of the target alone; none where there is no such store.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn stored(&mut self) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }

    /// Whether the backend starts with this key, in base64url.
    ///
    /// # Errors
    /// Why that cannot be tried.
    fn starts_with_key(&mut self, key: &str) -> Result<bool, String>;
}

/// Surroundings that are not ours to touch.
#[derive(Debug, Clone, Copy)]
pub struct Untouchable;

impl Surroundings for Untouchable {
    fn fault(&mut self, _: Fault) -> Result<(), String> {
        Err("its store is not ours to break".to_owned())
    }

    fn starts_with_key(&mut self, _: &str) -> Result<bool, String> {
        Err("it was not started here".to_owned())
    }
}
