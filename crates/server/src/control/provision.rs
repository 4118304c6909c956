//! Bulk set-up of live logins: batches through the backend, one line per credential to the client.

use std::fmt::Write;

use auth::authenticator::Account;
use auth::{Grant, Principal};
use bytes::Bytes;
use scenario::wire;
use tokio::sync::mpsc::Sender;

use super::Broken;
use crate::http::routes::Api;
use crate::subjects::Subjects;

/// Batches that wait for a slow reader.
pub(super) const BATCHES_AHEAD: usize = 4;
/// Logins of one batch: one pipeline to a store, and one turn of the server's thread.
const BATCH: usize = 1024;

/// Creates what is wanted and sends its lines. An error ends the body early, so that the client sees it is not whole.
pub(super) async fn run(
    api: &Api,
    wanted: &wire::Provision,
    subjects: &Subjects,
    lines: &Sender<Result<Bytes, Broken>>,
) {
    let mut revoked = Revoked::new(wanted);
    let devices = usize::from(wanted.devices);
    let last = wanted.first.saturating_add(wanted.subjects);
    let mut next = wanted.first;
    while next < last {
        let end = next.saturating_add(u32::try_from(BATCH / devices).unwrap_or(1).max(1)).min(last);
        let principals: Vec<Principal> = (next..end).map(|index| subjects.principal(index)).collect();
        let outcome = async {
            let text = live(api, &principals, next, wanted.devices).await?;
            revoked.extend(api, &principals, wanted.devices).await?;
            Ok(text)
        };
        let part = outcome.await.map_err(|error: auth::Error| Broken(error.to_string())).map(Bytes::from);
        let failed = part.is_err();
        if lines.send(part).await.is_err() || failed {
            return;
        }
        next = end;
        // The measured address is served by the same thread.
        tokio::task::yield_now().await;
    }
}

/// One login per principal and device; their lines.
async fn live(api: &Api, principals: &[Principal], first: u32, devices: u8) -> Result<String, auth::Error> {
    let accounts: Vec<Account<'_>> =
        principals.iter().flat_map(|principal| (0..devices).map(move |_| Account { principal })).collect();
    let grants = api.authenticator.provision(&accounts, api.clock.now()).await?;
    let mut text = String::with_capacity(grants.len() * 64);
    let ids = (first..).flat_map(|subject| (0..devices).map(move |device| (subject, device)));
    for ((subject, device), grant) in ids.zip(&grants) {
        push_line(&mut text, subject, device, grant);
    }
    Ok(text)
}

/// The line of [`wire::provision_line`], without an allocation of its own.
fn push_line(text: &mut String, subject: u32, device: u8, grant: &Grant) {
    // Writing to a String cannot fail.
    let _ = match grant {
        Grant::Cookie { value, .. } => {
            let name = wire::COOKIE;
            writeln!(text, "{subject}\t{device}\tCookie: {name}={value}\t-")
        }
        Grant::Tokens { access, refresh, .. } => {
            let refresh = refresh.as_deref().unwrap_or("-");
            writeln!(text, "{subject}\t{device}\tAuthorization: Bearer {access}\t{refresh}")
        }
        Grant::Minted { access, session, .. } => {
            let name = wire::COOKIE;
            writeln!(text, "{subject}\t{device}\tAuthorization: Bearer {access}\tCookie: {name}={session}")
        }
    };
}

/// Logins that are created and revoked at once: their share of the live ones, spread evenly over the subjects.
struct Revoked {
    per_million: u64,
    live: u64,
    done: u64,
}

impl Revoked {
    fn new(wanted: &wire::Provision) -> Self {
        Self { per_million: u64::from(wanted.revoked_per_million), live: 0, done: 0 }
    }

    /// How many are due after `logins` more live ones: exact over the whole provision, rounded down.
    fn due(&mut self, logins: u64) -> u64 {
        self.live += logins;
        let all = self.live.saturating_mul(self.per_million) / 1_000_000;
        let due = all - self.done;
        self.done = all;
        due
    }

    async fn extend(&mut self, api: &Api, principals: &[Principal], devices: u8) -> Result<(), auth::Error> {
        let mut due =
            usize::try_from(self.due(principals.len() as u64 * u64::from(devices))).unwrap_or(usize::MAX);
        while due > 0 && !principals.is_empty() {
            let now = due.min(BATCH);
            let step = (principals.len() / now).max(1);
            let accounts: Vec<Account<'_>> = principals
                .iter()
                .step_by(step)
                .cycle()
                .take(now)
                .map(|principal| Account { principal })
                .collect();
            api.authenticator.provision_revoked(&accounts, api.clock.now()).await?;
            due -= now;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_contract() {
        let mut text = String::new();
        push_line(&mut text, 7, 1, &Grant::Cookie { value: "abc".into(), max_age_s: 9 });
        assert_eq!(text, wire::provision_line(7, 1, "Cookie: __Host-session=abc", None));
        text.clear();
        let tokens = Grant::Tokens { access: "a.b.c".into(), expires_in_s: 9, refresh: Some("r".into()) };
        push_line(&mut text, 8, 0, &tokens);
        assert_eq!(text, wire::provision_line(8, 0, "Authorization: Bearer a.b.c", Some("r")));
    }

    #[test]
    fn the_revoked_share_is_exact_over_the_whole() {
        let wanted = wire::Provision { first: 0, subjects: 0, devices: 1, revoked_per_million: 10_000 };
        let mut revoked = Revoked::new(&wanted);
        let total: u64 = [1024, 1024, 1024, 928, 6000].into_iter().map(|logins| revoked.due(logins)).sum();
        assert_eq!(total, 100);
    }
}
