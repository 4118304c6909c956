//! The shipped scenarios, backends, plans and claims, compiled in: an installed binary works in an empty folder.

use std::fs;
use std::io::ErrorKind::{FileTooLarge, InvalidData, IsADirectory, NotADirectory, NotFound};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::file::nearest;

/// A longer file is none that a person wrote, in bytes.
const LONGEST: u64 = 1 << 20;

/// One shipped file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// Name without folder and ending.
    pub name: &'static str,
    /// Path below `scenarios/`, for writing it out.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// `scenarios/*.toml`.
    Scenarios,
    /// `scenarios/backends/*.toml`.
    Backends,
    /// `scenarios/plans/*.toml`.
    Plans,
    /// `scenarios/plans/faults.toml`: plans of what fails.
    Faults,
    /// `scenarios/drills/*.toml`.
    Drills,
    /// `scenarios/claims/*.toml`.
    Claims,
    /// `scenarios/prices/*.toml`.
    Prices,
}

macro_rules! shelf {
    ($($path:literal),* $(,)?) => {
        &[$(Builtin { name: stem($path), path: $path, text: include_str!(concat!("../../../scenarios/", $path)) }),*]
    };
}

const SCENARIOS: &[Builtin] = shelf![
    "steady.toml",
    "login-storm.toml",
    "workday.toml",
    "cafe.toml",
    "replicas.toml",
    "replicas-random.toml",
    "replicas-least.toml",
    "replicas-sticky-client.toml",
    "replicas-sticky-cookie.toml",
    "wire-plain.toml",
    "wire-tls.toml",
    "wire-plain-new.toml",
    "wire-tls-new.toml",
];

const BACKENDS: &[Builtin] = shelf![
    "backends/none.toml",
    "backends/session-memory.toml",
    "backends/session-redis.toml",
    "backends/session-cached.toml",
    "backends/session-sliding.toml",
    "backends/session-sqlite.toml",
    "backends/session-postgres.toml",
    "backends/session-user-row.toml",
    "backends/cookie-signed.toml",
    "backends/cookie-signed-epoch.toml",
    "backends/jwt-stateless.toml",
    "backends/jwt-strict-writes.toml",
    "backends/jwt-key-rotation.toml",
    "backends/jwt-denylist.toml",
    "backends/jwt-denylist-index.toml",
    "backends/jwt-denylist-cached.toml",
    "backends/jwt-denylist-polled.toml",
    "backends/jwt-denylist-pushed.toml",
    "backends/jwt-denylist-filter.toml",
    "backends/jwt-denylist-filter-only.toml",
    "backends/jwt-allowlist.toml",
    "backends/jwt-refresh.toml",
    "backends/jwt-epoch.toml",
    "backends/jwt-epoch-cached.toml",
    "backends/jwt-refresh-1m.toml",
    "backends/jwt-refresh-1h.toml",
    "backends/jwt-refresh-static.toml",
    "backends/jwt-refresh-grace.toml",
    "backends/jwt-minted.toml",
    "backends/opaque-introspection.toml",
    "backends/jwt-status-list.toml",
];

const PLANS: &[Builtin] = shelf![
    "plans/quick.toml",
    "plans/smoke.toml",
    "plans/standard.toml",
    "plans/evidence.toml",
    "plans/selftest.toml",
    "plans/replicas.toml",
    "plans/wire.toml",
    "plans/sweep.toml",
];

const FAULTS: &[Builtin] = shelf!["plans/faults.toml"];

const DRILLS: &[Builtin] = shelf![
    "drills/matrix.toml",
    "drills/at-once.toml",
    "drills/clocks.toml",
    "drills/cut-off.toml",
    "drills/failover.toml",
    "drills/restart.toml",
    "drills/unscaled.toml",
];

const PRICES: &[Builtin] = shelf!["prices/cloud-2026-06.toml"];

const CLAIMS: &[Builtin] = shelf![
    "claims/C1.toml",
    "claims/C2.toml",
    "claims/C3.toml",
    "claims/C4.toml",
    "claims/C5.toml",
    "claims/C6.toml",
    "claims/C7.toml",
    "claims/C8.toml",
    "claims/C9.toml",
];

/// `backends/none.toml` → `none`.
const fn stem(path: &'static str) -> &'static str {
    let bytes = path.as_bytes();
    let mut start = bytes.len();
    while start > 0 && bytes[start - 1] != b'/' {
        start -= 1;
    }
    let (_, name) = path.split_at(start);
    let (name, _) = name.split_at(name.len() - ".toml".len());
    name
}

/// A file's text and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file as the user named it, or `<built-in NAME>`.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl Shelf {
    /// Every shipped file on it.
    #[must_use]
    pub fn all(self) -> &'static [Builtin] {
        match self {
            Self::Scenarios => SCENARIOS,
            Self::Backends => BACKENDS,
            Self::Plans => PLANS,
            Self::Faults => FAULTS,
            Self::Drills => DRILLS,
            Self::Claims => CLAIMS,
            Self::Prices => PRICES,
        }
    }

    /// The shipped file of this name.
    #[must_use]
    pub fn find(self, name: &str) -> Option<&'static Builtin> {
        self.all().iter().find(|builtin| builtin.name == name)
    }

    /// What a user means by `name`: a file of that path if there is one, else the built-in of that name.
    pub fn resolve(self, name: &str) -> Result<Found, FileError> {
        let path = Path::new(name);
        match read_bounded(path) {
            Ok(text) => Ok(Found { path: path.to_owned(), text }),
            Err(error) if matches!(error.kind(), NotFound | NotADirectory | IsADirectory) => {
                self.find(name).map(Builtin::found).ok_or_else(|| self.missing(name))
            }
            Err(error) => match error.kind() {
                InvalidData => Err(whole(path, "is not UTF-8 text".into(), None)),
                FileTooLarge => {
                    Err(whole(path, format!("is longer than {LONGEST} bytes: not a file of ours"), None))
                }
                _ => Err(whole(path, format!("cannot be read: {error}"), None)),
            },
        }
    }

    fn missing(self, name: &str) -> FileError {
        let what = match self {
            Self::Scenarios => "scenario",
            Self::Backends => "backend",
            Self::Plans => "plan",
            Self::Faults => "fault plan",
            Self::Drills => "drill plan",
            Self::Claims => "claim",
            Self::Prices => "price sheet",
        };
        let names = self.all().iter().map(|builtin| builtin.name);
        let hint = match nearest(name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("built-in: {}", names.collect::<Vec<_>>().join(", ")),
        };
        whole(Path::new(name), format!("no such file, and no built-in {what} of that name"), Some(hint))
    }
}

impl Builtin {
    /// As if it had been read from a file.
    #[must_use]
    pub fn found(&self) -> Found {
        Found { path: format!("<built-in {}>", self.name).into(), text: self.text.to_owned() }
    }
}

/// A device or a log given by mistake must not fill the memory.
fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST { Err(FileTooLarge.into()) } else { Ok(text) }
}

fn whole(path: &Path, message: String, hint: Option<String>) -> FileError {
    FileError { path: path.to_owned(), line: 0, column: 0, key: String::new(), message, hint }
}
