//! What a recording says about a backend: the four choices, the algorithm, sizes and hash parameters.

use serde_json::{Value, json};

use super::Authenticator;
use crate::answer::Grant;
use crate::directory::Directory;
use crate::error::Error;
use crate::mechanism::{CheckKind, CredentialChoice, LogoutAll, RenewalChoice, View};
use crate::password::{ARGON2_LANES, ARGON2_MEMORY_KIB, ARGON2_PASSES, PasswordScheme};
use crate::principal::Principal;
use crate::store::{Index, Store};

/// Any present-day time: it only decides the number of digits in a sample token.
const SAMPLE_TIME: u64 = 1_800_000_000_000;

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// The four choices, algorithm and sizes, for the recording. Sizes are those of a credential for `sample`.
    pub fn describe(&self, sample: &Principal) -> Result<Value, Error> {
        let issued = self.issue(sample, self.mechanism.has(CheckKind::Epoch).then_some(0), SAMPLE_TIME)?;
        let (credential_bytes, refresh_bytes) = match &issued.grant {
            Grant::Cookie { value, .. } => (value.len(), None),
            Grant::Tokens { access, refresh, .. } => (access.len(), refresh.as_ref().map(String::len)),
        };
        let (kind, algorithm, access_lifetime_s, leeway_s) = match &self.mechanism.credential {
            CredentialChoice::BareSubject => ("bare-subject", None, None, 0),
            CredentialChoice::Opaque { lifetime_ms } => {
                ("opaque", None, Some(*lifetime_ms as f64 / 1000.0), 0)
            }
            CredentialChoice::Jwt(jwt) => {
                ("jwt", Some(jwt.algorithm.name()), Some(jwt.lifetime_s as f64), jwt.leeway_s)
            }
        };
        Ok(json!({
            "credential": kind,
            "algorithm": algorithm,
            "access_lifetime_s": access_lifetime_s,
            "login_lifetime_s": self.mechanism.login_lifetime_ms().map(|ms| ms as f64 / 1000.0),
            "leeway_s": leeway_s,
            "checks": self.checks(),
            "lag_s": self.mechanism.lag_ms() as f64 / 1000.0,
            "index": self.mechanism.index,
            "logout": if self.mechanism.logout_ends_all() { "all" } else { "one" },
            "logout_all": match self.mechanism.logout_all() {
                LogoutAll::Index => "index",
                LogoutAll::Epoch => "epoch",
                LogoutAll::Cannot => "cannot",
            },
            "renewal": self.renewal(),
            "store": self.store.name(),
            "credential_bytes": credential_bytes,
            "refresh_bytes": refresh_bytes,
            "record_bytes": issued.record.map(|(_, _, value)| value.len()),
            "principal_bytes": principal_bytes(sample),
            "password_hash": self.password_hash(),
        }))
    }

    fn checks(&self) -> Vec<Value> {
        let kind = |kind| match kind {
            CheckKind::LiveList => "live-list",
            CheckKind::DenyList => "deny-list",
            CheckKind::Epoch => "epoch",
        };
        self.mechanism
            .checks
            .iter()
            .map(|check| {
                let mut said = settings(check.view);
                said["kind"] = json!(kind(check.kind));
                said["view"] = json!(check.view.name());
                said
            })
            .collect()
    }

    fn renewal(&self) -> Value {
        match self.mechanism.renewal {
            RenewalChoice::None => json!({ "kind": "none" }),
            RenewalChoice::Refresh { lifetime_ms, grace_ms, view } => json!({
                "kind": "refresh",
                "rotates": true,
                "lifetime_s": lifetime_ms as f64 / 1000.0,
                "grace_s": grace_ms as f64 / 1000.0,
                "view": view.name(),
            }),
        }
    }

    fn password_hash(&self) -> Value {
        let settings = self.passwords.settings();
        let mut hash = match settings.scheme {
            PasswordScheme::Argon2id => json!({
                "scheme": "argon2id",
                "memory_kib": ARGON2_MEMORY_KIB,
                "passes": ARGON2_PASSES,
                "lanes": ARGON2_LANES,
                "threads": settings.threads,
                "queue": settings.queue,
            }),
            PasswordScheme::Cheap => json!({ "scheme": "cheap" }),
        };
        hash["lockout_after"] = json!(settings.lockout_after);
        hash
    }
}

/// The settings of a view, durations in seconds.
fn settings(view: View) -> Value {
    let seconds = |millis: u64| millis as f64 / 1000.0;
    match view {
        View::Store | View::Local => json!({}),
        View::Cached { ttl_ms, entries } => json!({ "ttl_s": seconds(ttl_ms), "entries": entries }),
        View::Polled { interval_ms, tolerance_ms } => {
            json!({ "interval_s": seconds(interval_ms), "tolerance_s": seconds(tolerance_ms) })
        }
        View::Filter { interval_ms, tolerance_ms, confirm, one_in } => json!({
            "interval_s": seconds(interval_ms),
            "tolerance_s": seconds(tolerance_ms),
            "confirm": confirm,
            "false_alarms_one_in": one_in,
        }),
        View::Pushed { heartbeat_ms, tolerance_ms } => {
            json!({ "heartbeat_s": seconds(heartbeat_ms), "tolerance_s": seconds(tolerance_ms) })
        }
    }
}

/// Size of `subject|role,role|tenant`.
fn principal_bytes(principal: &Principal) -> usize {
    let roles: usize = principal.roles().map(|role| role.len() + 1).sum();
    principal.subject().len() + 1 + roles + principal.tenant().len()
}
