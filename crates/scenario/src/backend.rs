//! The header of a backend file. The mechanism below it is handed on unread: only `auth` reads it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A backend file: its header, and the text whose `[mechanism]` table `auth` reads.
#[derive(Debug, Clone)]
pub struct BackendFile {
    /// Where it came from, or `<built-in NAME>`.
    pub path: PathBuf,
    /// The whole text: byte offsets of mechanism errors refer to it.
    pub text: String,
    /// What everyone but `auth` may know.
    pub header: Header,
}

/// What a backend file says about itself to the rest of the tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Kebab-case name, unique in a plan.
    pub name: String,
    /// One line for the tables.
    pub summary: String,
    /// External parts it needs.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Server processes.
    #[serde(default = "one")]
    pub replicas: u32,
    /// What it promises; runs check it.
    pub promises: Promises,
}

fn one() -> u32 {
    1
}

/// An external part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// A Redis server: a private one is started, or `--redis` names one.
    Redis,
}

/// The promises of a backend, judged in every run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Promises {
    /// Longest time a credential works after the acknowledged end of its login.
    #[serde(rename = "revocation_lag")]
    pub revocation_lag: Lag,
    /// How "log out everywhere" is done.
    #[serde(rename = "logout_all")]
    pub logout_all: LogoutAll,
    /// What a request gets when the store is down.
    #[serde(rename = "store_down")]
    pub store_down: StoreDown,
}

/// Bound on the revocation lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lag {
    /// No request started after the acknowledgement is let in.
    None,
    /// Until the (access) credential expires by itself.
    Lifetime,
    /// At most this many milliseconds.
    Millis(u64),
    /// Nothing is ever ended (`none`).
    Never,
}

/// How "log out everywhere" finds the user's other logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogoutAll {
    /// An index of the user's live logins.
    Index,
    /// A "not before" mark per user.
    Epoch,
    /// It cannot.
    Cannot,
}

/// What a request gets when the store is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreDown {
    /// It is let in unchecked.
    Open,
    /// It is refused with 503.
    Closed,
    /// No store is asked.
    Unaffected,
}
