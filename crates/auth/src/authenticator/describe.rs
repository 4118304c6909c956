//! What a recording says about a backend: the four choices, the algorithm, sizes and hash parameters.

use serde_json::{Value, json};

use super::Authenticator;
use crate::answer::Grant;
use crate::credential::jwt::Stamp;
use crate::credential::status::StatusRef;
use crate::directory::Directory;
use crate::error::Error;
use crate::mechanism::{
    CheckChoice, CheckKind, CredentialChoice, LogoutAll, RefreshChoice, RenewalChoice, Retry, Reuse, View,
};
use crate::password::{ARGON2_LANES, ARGON2_MEMORY_KIB, ARGON2_PASSES, PasswordScheme};
use crate::principal::Principal;
use crate::store::{Index, Store};

/// Any present-day time: it only decides the number of digits in a sample token.
const SAMPLE_TIME: u64 = 1_800_000_000_000;

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// The four choices, algorithm and sizes, for the recording. Sizes are those of a credential for `sample`.
    pub fn describe(&self, sample: &Principal) -> Result<Value, Error> {
        let marked = self.mechanism.has(CheckKind::Epoch) || self.mechanism.has(CheckKind::UserRow);
        let first = StatusRef { list: self.list_at(SAMPLE_TIME), index: 0 };
        let stamp = Stamp {
            epoch: marked.then_some(0),
            status: self.mechanism.has(CheckKind::StatusBit).then_some(first),
        };
        let issued = self.issue(sample, stamp, SAMPLE_TIME)?;
        let (credential_bytes, refresh_bytes) = match &issued.grant {
            Grant::Cookie { value, .. } => (value.len(), None),
            Grant::Tokens { access, refresh, .. } => (access.len(), refresh.as_ref().map(String::len)),
            Grant::Minted { access, session, .. } => (access.len(), Some(session.len())),
        };
        let (kind, algorithm, access_lifetime_s, leeway_s) = match &self.mechanism.credential {
            CredentialChoice::BareSubject => ("bare-subject", None, None, 0),
            CredentialChoice::Opaque { lifetime_ms } => {
                ("opaque", None, Some(*lifetime_ms as f64 / 1000.0), 0)
            }
            CredentialChoice::SignedCookie { lifetime_ms } => {
                ("signed-cookie", Some("HS256"), Some(*lifetime_ms as f64 / 1000.0), 0)
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
            "key_overlap_s": self.key_overlap_s(),
            "checks": checks(&self.mechanism.checks),
            "write_checks": checks(&self.mechanism.write_checks),
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

    /// How long a replaced signing key still verifies; `null` where keys have no names.
    fn key_overlap_s(&self) -> Option<f64> {
        match &self.mechanism.credential {
            CredentialChoice::Jwt(jwt) => jwt.key_overlap_ms.map(|overlap| overlap as f64 / 1000.0),
            _ => None,
        }
    }

    fn renewal(&self) -> Value {
        match self.mechanism.renewal {
            RenewalChoice::None => json!({ "kind": "none" }),
            RenewalChoice::Refresh(choice) => refresh(&choice),
            RenewalChoice::Minted { lifetime_ms, view } => json!({
                "kind": "minted",
                "lifetime_s": lifetime_ms as f64 / 1000.0,
                "view": view.name(),
            }),
            RenewalChoice::Sliding { inactivity_ms } => {
                json!({ "kind": "sliding", "inactivity_s": inactivity_ms as f64 / 1000.0 })
            }
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

fn checks(list: &[CheckChoice]) -> Vec<Value> {
    let kind = |kind| match kind {
        CheckKind::LiveList => "live-list",
        CheckKind::DenyList => "deny-list",
        CheckKind::Epoch => "epoch",
        CheckKind::UserRow => "user-row",
        CheckKind::StatusBit => "status-bit",
    };
    list.iter()
        .map(|check| {
            let mut said = settings(check.view);
            said["kind"] = json!(kind(check.kind));
            said["view"] = json!(check.view.name());
            said
        })
        .collect()
}

fn refresh(choice: &RefreshChoice) -> Value {
    let mut refresh = json!({
        "kind": "refresh",
        "rotates": choice.rotation.is_some(),
        "lifetime_s": choice.lifetime_ms as f64 / 1000.0,
        "view": choice.view.name(),
    });
    if let Some(rotation) = choice.rotation {
        refresh["grace_s"] = json!(rotation.grace_ms as f64 / 1000.0);
        refresh["retry"] = json!(match rotation.retry {
            Retry::Refuse => "refuse",
            Retry::Answer => "answer",
        });
        refresh["reuse"] = json!(match rotation.reuse {
            Reuse::EndFamily => "end-family",
            Reuse::Refuse => "refuse",
        });
    }
    refresh
}

/// The settings of a view, durations in seconds.
fn settings(view: View) -> Value {
    let seconds = |millis: u64| millis as f64 / 1000.0;
    match view {
        View::Store | View::Local => json!({}),
        View::Cached { ttl_ms, entries } | View::Authority { ttl_ms, entries } => {
            json!({ "ttl_s": seconds(ttl_ms), "entries": entries })
        }
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
