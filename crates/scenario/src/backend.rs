//! The header of a backend file. The mechanism below it is handed on unread: only `auth` reads it.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::file::{is_name, locate, parse};
use crate::units::HumanDuration;

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

impl BackendFile {
    /// Reads the header. The `[mechanism]` table must be there and is left unread.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let file: Whole = parse(path, text)?;
        let Whole { name, summary, needs, replicas, promises, .. } = file;
        let refuse =
            |key, message: String, hint: &str| Err(locate(path, text, key, None, message, Some(hint.into())));
        if !is_name(&name) {
            return refuse(
                "name",
                format!("`name`: `{name}` is not a name"),
                "use 1 to 64 of a-z, 0-9 and -",
            );
        }
        if !(1..=64).contains(&replicas) {
            return refuse(
                "replicas",
                format!("`replicas`: {replicas} is not between 1 and 64"),
                "1 is the default",
            );
        }
        let header = Header { name, summary, needs, replicas, promises };
        Ok(Self { path: path.to_owned(), text: text.to_owned(), header })
    }
}

/// A backend file as its keys stand, for the parser and the JSON Schema.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "authbench backend")]
pub(crate) struct Whole {
    /// Kebab-case name, unique in a plan.
    name: String,
    /// One line for the tables.
    summary: String,
    /// External parts it needs.
    #[serde(default)]
    needs: Vec<Need>,
    /// Server processes, 1 to 64.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 64))]
    replicas: u32,
    /// What it promises; runs check it.
    promises: Promises,
    /// The four choices: credential, checks, view and renewal.
    #[serde(rename = "mechanism")]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    _mechanism: IgnoredAny,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// A Redis server: a private one is started, or `--redis` names one.
    Redis,
    /// A PostgreSQL server that `serve --postgres` names.
    Postgres,
    /// A process that is asked about credentials: a second server of the same backend, started beside the first.
    Authority,
}

/// The promises of a backend, judged in every run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Promises {
    /// Longest time a credential works after the acknowledged end of its login.
    pub revocation_lag: Lag,
    /// How "log out everywhere" is done.
    pub logout_all: LogoutAll,
    /// What a request gets when the store is down.
    pub store_down: StoreDown,
    /// Which replicas know a login.
    #[serde(default)]
    pub replicas: Replicas,
}

/// Which replicas of a service know a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Replicas {
    /// All of them: whichever is asked, the answer is the same.
    #[default]
    Any,
    /// Only the one that took it: the others refuse what they have not issued.
    NodeLocal,
}

/// Bound on the revocation lag. Written `none`, `lifetime`, `never` or a duration (`5s`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
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

impl fmt::Display for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Lifetime => f.write_str("lifetime"),
            Self::Millis(millis) => HumanDuration::from_millis(*millis).fmt(f),
            Self::Never => f.write_str("never"),
        }
    }
}

impl FromStr for Lag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "lifetime" => Ok(Self::Lifetime),
            "never" => Ok(Self::Never),
            _ => {
                let nanos = text.parse::<HumanDuration>().map_err(|_| not_a_lag(text))?.as_nanos();
                if nanos == 0 || nanos % 1_000_000 != 0 {
                    Err(not_a_lag(text))
                } else {
                    Ok(Self::Millis(nanos / 1_000_000))
                }
            }
        }
    }
}

fn not_a_lag(text: &str) -> String {
    format!(
        "`{text}` is not a revocation lag: write none, lifetime, never, or whole milliseconds with a unit, e.g. 5s"
    )
}

impl From<Lag> for String {
    fn from(lag: Lag) -> Self {
        lag.to_string()
    }
}

impl TryFrom<String> for Lag {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl JsonSchema for Lag {
    fn schema_name() -> Cow<'static, str> {
        "RevocationLag".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "none: ended with the acknowledgement. lifetime: until the credential expires. never: not ended at all. A duration such as 5s: at most that long.",
            "pattern": r"^(none|lifetime|never|[0-9][0-9_]*(\.[0-9]+)?(d|h|m|min|s|ms))$"
        })
    }
}

/// How "log out everywhere" finds the user's other logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoreDown {
    /// It is let in unchecked.
    Open,
    /// It is refused with 503.
    Closed,
    /// A read is let in, because it asks no store; a write is refused with 503.
    WritesClosed,
    /// No store is asked.
    Unaffected,
}
