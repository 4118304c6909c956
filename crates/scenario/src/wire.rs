//! The HTTP contract that server and generator both read: paths, bodies, names, the ready line and the control port.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

/// `POST`: username and password as JSON ([`LoginBody`]) → 200 with a credential, or 401.
pub const LOGIN: &str = "/login";
/// `GET`: → 200 with [`identity_body`], or 401 with `WWW-Authenticate`.
pub const ME: &str = "/me";
/// `POST`: a write; updates the session record where there is one.
pub const NOTE: &str = "/note";
/// `POST` (RFC 6749 §6): `grant_type=refresh_token&refresh_token=…` → 200, or 400 with `invalid_grant`. Where tokens are
/// minted from a session, its cookie takes the place of the body.
pub const REFRESH: &str = "/refresh";
/// `POST`: ends this login. 204. The body may name the refresh token that ends with it, as a form: `refresh_token=…`.
pub const LOGOUT: &str = "/logout";
/// `POST`: ends every login of the subject, this one included. 204; 501 where the backend cannot.
pub const LOGOUT_ALL: &str = "/logout-all";
/// `POST` ([`PasswordBody`]): changes the password and ends the other logins. 204; 403 where the current one is wrong; 400
/// where the new one has fewer than 15 characters or more than 1024 bytes.
pub const PASSWORD: &str = "/password";
/// `GET`: how many live logins the subject has, `{"sessions":2}`; `DELETE`: ends all of them, as [`LOGOUT_ALL`]. 501 where
/// the backend keeps no list.
pub const SESSIONS: &str = "/sessions";

/// `GET`: the public keys that verify now, as a JWK set (RFC 7517). 501 where keys have no names or no public half.
pub const JWKS: &str = "/jwks.json";

/// `POST` (RFC 7662 §2): `token=…` as a form → 200 with `{"active":…}`: what an authority says of a credential to a server
/// that shows [`AUTHORITY_SECRET`] as its bearer token.
pub const INTROSPECT: &str = "/introspect";

/// `GET /statuslist?list=N` → 200 with `{"bits":1,"lst":"…"}` (draft-ietf-oauth-status-list §4.2: zlib, then base64url): which
/// tokens of a list were ended. Anybody may read it. 501 where tokens stand in no list.
pub const STATUS_LIST: &str = "/statuslist";

/// What servers show to an authority. Like the one password of all users it is no secret, but it travels as one.
pub const AUTHORITY_SECRET: &str = "resource-server-battery-staple";

/// Name of the session cookie (RFC 6265bis §4.1.3.2 prefix).
pub const COOKIE: &str = "__Host-session";

/// `POST /login`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// [`subject_name`].
    pub username: String,
    /// Clear text; [`PASSWORD_TEXT`] until it is changed.
    pub password: String,
}

/// `POST /password`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordBody {
    /// The password in force.
    pub current: String,
    /// The one to be.
    pub new: String,
}

/// The password of every provisioned subject until they change it (all share one precomputed hash).
pub const PASSWORD_TEXT: &str = "correct-horse-battery-staple";

/// Length of [`subject_name`] in bytes.
pub const SUBJECT_NAME_LEN: usize = 9;

/// `u` and eight digits, so that a name can be compared and patched in place.
#[must_use]
pub fn subject_name(index: u32) -> [u8; SUBJECT_NAME_LEN] {
    let mut name = *b"u00000000";
    let mut rest = index;
    for digit in name[1..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    name
}

/// The index behind a [`subject_name`], if it is one.
#[must_use]
pub fn subject_index(name: &str) -> Option<u32> {
    let digits = name.strip_prefix('u').filter(|digits| digits.len() == SUBJECT_NAME_LEN - 1)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// What every authenticated request yields: carried in the JWT or stored in the session record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// [`subject_name`].
    #[serde(rename = "sub")]
    pub subject: String,
    /// Role names.
    pub roles: Vec<String>,
    /// Tenant name, long enough that the canonical form has the configured size.
    pub tenant: String,
}

/// The principal of a subject whose canonical form (`subject|role,role|tenant`) has `size` bytes (at least 64).
#[must_use]
pub fn principal(index: u32, size: usize) -> Principal {
    let name = subject_name(index);
    let subject = String::from_utf8_lossy(&name).into_owned();
    let roles =
        vec!["member".to_owned(), if index.is_multiple_of(16) { "admin" } else { "basic" }.to_owned()];
    let mut tenant = format!("tenant-{:04}-", index % 1000);
    let used = subject.len() + 1 + roles.iter().map(|role| role.len() + 1).sum::<usize>() + tenant.len();
    tenant.extend((used..size).map(|at| char::from(b'a' + ((index as usize + at) % 26) as u8)));
    Principal { subject, roles, tenant }
}

/// The digest that `/me` returns: XXH3-64 of `subject|role,role|tenant`. It detects mix-ups, not attacks.
#[must_use]
pub fn principal_digest<R: AsRef<str>>(
    subject: &str,
    roles: impl IntoIterator<Item = R>,
    tenant: &str,
) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(subject.as_bytes());
    for (at, role) in roles.into_iter().enumerate() {
        hasher.update(if at == 0 { b"|" } else { b"," });
        hasher.update(role.as_ref().as_bytes());
    }
    hasher.update(b"|");
    hasher.update(tenant.as_bytes());
    hasher.digest()
}

/// The body of `GET /me`: `{"subject":"u00000042","principal":"0123456789abcdef"}`, fixed width.
#[must_use]
pub fn identity_body(subject: &str, digest: u64) -> String {
    format!(r#"{{"subject":"{subject}","principal":"{digest:016x}"}}"#)
}

/// How logins check a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordHash {
    /// Argon2id at OWASP parameters (19 MiB, t = 2, p = 1).
    #[default]
    Argon2id,
    /// One SHA-256: only where a scenario measures something else; the report says so.
    Cheap,
}

/// What stands for a store's address in the arguments where the address itself is the first line of standard input: the
/// arguments of a process can be read by everyone on the machine, and an address may hold a password.
pub const FROM_STDIN: &str = "-";

/// Options of one server process. `measure` writes them as arguments of `authbench serve`; `cli` parses them back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServeOptions {
    /// Backend file path or built-in name.
    pub backend: String,
    /// `redis://…`, `rediss://…`; absent = the memory store where the mechanism allows it.
    pub redis: Option<String>,
    /// `postgres://…`, for the backends whose store it is.
    pub postgres: Option<String>,
    /// Measured address of the process that is asked about credentials, where the mechanism's view is `authority`; absent
    /// = this process is its own authority.
    pub authority: Option<SocketAddr>,
    /// Prefix of every key in a shared store.
    pub prefix: String,
    /// Measured address; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Control address; port 0 picks a free one.
    pub control: SocketAddr,
    /// Worker threads of the server (1 by default).
    pub threads: u32,
    /// How logins check a password.
    pub password_hash: PasswordHash,
    /// Size of a principal's canonical form, bytes.
    pub principal_bytes: u32,
    /// Modelled distance of the store: added to each round trip, nanoseconds.
    pub store_rtt_ns: u64,
    /// Deadline of one request for what waits on a store, milliseconds.
    pub deadline_ms: u64,
    /// CPUs the process is bound to; empty = all.
    pub cpus: Vec<u32>,
    /// Calibrated extra work per request, nanoseconds of CPU: the positive control. 0 = none.
    pub extra_work_ns: u64,
    /// The signing key that the replicas of one service share: made by the first of them, read by the others. Absent = a key
    /// of its own.
    pub key_file: Option<PathBuf>,
    /// Certificate chain for TLS on the measured address, PEM; absent = plain HTTP.
    pub tls_cert: Option<PathBuf>,
    /// Its private key, PEM; present where the certificate is.
    pub tls_key: Option<PathBuf>,
    /// Offset of this replica's clock from the machine's, milliseconds: to see what clocks apart do.
    pub clock_offset_ms: i64,
}

impl ServeOptions {
    /// The store's address where it holds a password: to be written to standard input, not into the arguments.
    #[must_use]
    pub fn secret_address(&self) -> Option<&str> {
        self.redis.as_deref().filter(|address| address.contains('@'))
    }

    /// The arguments after `authbench serve`; [`FROM_STDIN`] for a [`Self::secret_address`].
    #[must_use]
    pub fn to_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut push = |name: &str, value: String| {
            arguments.push(name.into());
            arguments.push(value.into());
        };
        push("--backend", self.backend.clone());
        if let Some(redis) = &self.redis {
            push("--redis", if self.secret_address().is_some() { FROM_STDIN.into() } else { redis.clone() });
        }
        if let Some(postgres) = &self.postgres {
            push("--postgres", postgres.clone());
        }
        if let Some(authority) = &self.authority {
            push("--authority", authority.to_string());
        }
        push("--prefix", self.prefix.clone());
        push("--listen", self.listen.to_string());
        push("--control", self.control.to_string());
        push("--threads", self.threads.to_string());
        push(
            "--password-hash",
            if self.password_hash == PasswordHash::Cheap { "cheap" } else { "argon2id" }.into(),
        );
        push("--principal-bytes", self.principal_bytes.to_string());
        push("--store-rtt-ns", self.store_rtt_ns.to_string());
        push("--deadline-ms", self.deadline_ms.to_string());
        push("--extra-work-ns", self.extra_work_ns.to_string());
        push("--clock-offset-ms", self.clock_offset_ms.to_string());
        if !self.cpus.is_empty() {
            push("--cpus", self.cpus.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
        }
        for (name, path) in
            [("--key-file", &self.key_file), ("--tls-cert", &self.tls_cert), ("--tls-key", &self.tls_key)]
        {
            if let Some(path) = path {
                arguments.push(name.into());
                arguments.push(path.clone().into_os_string());
            }
        }
        arguments
    }
}

/// One JSON line on standard output once the server answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadyLine {
    /// The measured address.
    pub address: SocketAddr,
    /// The control address.
    pub control: SocketAddr,
    /// Process id.
    pub pid: u32,
    /// The four choices, algorithm, sizes: for the recording, unread by anyone but the report.
    pub describe: serde_json::Value,
}

/// Control port: `GET /health` → 200 with `{"status":"ok"}`, and `"store_lost_data":true` once the shared store has come
/// back without what was written to it and ended logins may be let in again.
pub const CONTROL_HEALTH: &str = "/health";
/// Control port: `POST` [`Provision`] → 200, one line per credential ([`provision_line`]), then the end of the body.
pub const CONTROL_PROVISION: &str = "/provision";
/// Control port: `POST {"subject": "u…"}`: the user is disabled; their logins end as the backend promises.
pub const CONTROL_DISABLE: &str = "/disable";
/// Control port: `POST`: a new signing key; older ones stop verifying when the overlap that is declared has passed.
pub const CONTROL_ROTATE_KEY: &str = "/rotate-key";
/// Control port: `POST {"offset_ms": N}`: offset of this replica's clock.
pub const CONTROL_CLOCK_OFFSET: &str = "/clock-offset";
/// Control port: `GET` [`Counters`].
pub const CONTROL_COUNTERS: &str = "/counters";

/// Live logins to create, unmeasured, without passwords being hashed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provision {
    /// First subject index.
    pub first: u32,
    /// How many subjects.
    pub subjects: u32,
    /// Logins per subject.
    pub devices: u8,
    /// Further logins that are created and revoked at once, per million live ones: fills deny lists.
    pub revoked_per_million: u32,
}

/// One provisioned credential: `subject \t device \t header line \t refresh token or -`. A refresh token that is a
/// cookie stands there as a whole header line.
/// The header line is what the client sends, e.g. `Cookie: __Host-session=…` or `Authorization: Bearer …`.
#[must_use]
pub fn provision_line(subject: u32, device: u8, header: &str, refresh: Option<&str>) -> String {
    format!("{subject}\t{device}\t{header}\t{}\n", refresh.unwrap_or("-"))
}

/// Totals since the start of the server process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Requests answered on the measured address.
    pub requests: u64,
    /// Of these, 5xx.
    pub failures: u64,
    /// Round trips to the store.
    pub store_round_trips: u64,
    /// Commands sent to the store.
    pub store_commands: u64,
    /// Live logins known to the store (sessions, allow-listed tokens, refresh families), if it counts them.
    pub live_entries: Option<u64>,
    /// Revoked credentials known to the store, if it counts them.
    pub revoked_entries: Option<u64>,
    /// Logins refused because the hashing queue was full.
    pub logins_shed: u64,
}
