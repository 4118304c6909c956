//! R: refresh tokens.

use std::collections::HashSet;
use std::sync::Barrier;

use super::attack;
use super::token::claims_of;
use crate::corpus;
use crate::http::Exchange;
use crate::object::Object;
use crate::outcome::Evidence;
use crate::probe::{Checked, Held, Probe, does_not_apply, held_of, not_run, refresh_request};
use crate::target::Lag;

/// Refreshes at the same moment.
const AT_ONCE: usize = 16;

/// Whether refresh tokens are replaced when they are used; assumed where nothing is said.
fn rotates(probe: &Probe<'_>) -> bool {
    let stated = probe.describe("/renewal/rotates").as_bool();
    stated.unwrap_or(probe.describe("/renewal/kind") != "minted")
}

fn grace_s(probe: &Probe<'_>) -> i64 {
    probe.described("/renewal/grace_s").unwrap_or(0.0).ceil() as i64
}

/// The new credentials in the answer to a refresh, noted.
fn renewed(probe: &mut Probe<'_>, step: &str, subject: &str, exchange: &Exchange) -> Option<Held> {
    let held = held_of(subject, exchange);
    probe.note(step, exchange, "200 with new tokens", held.is_some());
    held
}

pub(super) fn concurrent(probe: &mut Probe<'_>) -> Checked {
    let (held, refresh) = probe.needs_refresh()?;
    if !rotates(probe) {
        return does_not_apply("its refresh tokens are not replaced when they are used");
    }
    let barrier = Barrier::new(AT_ONCE);
    let (client, request) = (&probe.client, refresh_request(&refresh));
    let answers: Vec<Exchange> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    client.request(&request)
                })
            })
            .collect();
        racers.into_iter().filter_map(|racer| racer.join().ok()).collect()
    });
    let won: Vec<&Exchange> = answers.iter().filter(|answer| answer.status() == Some(200)).collect();
    let odd: Vec<&Exchange> =
        answers.iter().filter(|answer| !matches!(answer.status(), Some(200 | 400))).collect();
    for answer in &odd {
        probe.push(Evidence::of("one of the refreshes", answer, "200 or 400", false));
    }
    let heads: HashSet<Option<String>> =
        won.iter().map(|answer| held_of(&held.subject, answer).and_then(|held| held.refresh)).collect();
    let refused = answers.len() - won.len() - odd.len();
    let found = format!(
        "{} succeeded, with {} different new tokens, and {refused} were refused",
        won.len(),
        heads.len()
    );
    // Where a retry is answered, it gets the token that the first one got.
    let (wanted, good) = match probe.describe("/renewal/retry") == "answer" {
        true => ("all that succeed get the same new token", heads.len() == 1),
        false => ("exactly one succeeds", won.len() == 1),
    };
    probe.fact(&format!("{AT_ONCE} refreshes with one token at the same moment"), found, wanted, good);
    if let [winner, ..] = won[..] {
        let next = held_of(&held.subject, winner).and_then(|held| held.refresh);
        if let Some(next) = next
            && grace_s(probe) > 0
        {
            let again = probe.refresh(&next);
            renewed(probe, "a refresh with the winner's token", &held.subject, &again);
        }
    }
    Ok(())
}

pub(super) fn reuse(probe: &mut Probe<'_>) -> Checked {
    let (held, first) = probe.needs_refresh()?;
    attack::with_fresh_logins(probe, "R2", &corpus::refreshes())?;
    if !rotates(probe) {
        probe.limited("its refresh tokens are not replaced when they are used: there is no reuse to detect");
        return Ok(());
    }
    let exchange = probe.refresh(&first);
    let Some(second) = renewed(probe, "a refresh", &held.subject, &exchange) else { return Ok(()) };
    probe.set_clock(grace_s(probe) + 2)?;
    let reused = probe.refresh(&first);
    probe.status("the token just replaced, once the grace window is over", &reused, &[400, 401]);
    let after = probe.refresh(second.refresh.as_deref().unwrap_or_default());
    probe.status("the token that was in force", &after, &[400, 401]);
    if probe.lag() == Lag::None {
        probe.refused("the access token of that login", &second);
    } else {
        probe.limited("it declares that access tokens work until they expire");
    }
    Ok(())
}

pub(super) fn absolute_end(probe: &mut Probe<'_>) -> Checked {
    let (held, first) = probe.needs_refresh()?;
    let Some(life) = probe.described("/login_lifetime_s").map(|life| life as i64) else {
        return not_run("it does not say how long a login lives");
    };
    let started = exp_of(&held).unwrap_or(0) - probe.described("/access_lifetime_s").unwrap_or(0.0) as i64;
    probe.set_clock(life - 30)?;
    let exchange = probe.refresh(&first);
    let Some(second) =
        renewed(probe, &format!("a refresh {} s after the login", life - 30), &held.subject, &exchange)
    else {
        return Ok(());
    };
    let end = exp_of(&second).unwrap_or(i64::MAX);
    // Token times have steps of one second.
    let within = end <= started + life + 1;
    probe.fact(
        "the end of the new access token",
        format!("{} s after the login", end - started),
        "not past the end of the login",
        within,
    );
    probe.set_clock(life + 2)?;
    let late = probe.refresh(second.refresh.as_deref().unwrap_or(&first));
    probe.status("a refresh past the end of the login", &late, &[400, 401]);
    probe.refused("the last access token past the end of the login", &second);
    Ok(())
}

/// `exp` of the access token; none where it is no JWT.
fn exp_of(held: &Held) -> Option<i64> {
    claims_of(held.access.as_deref()?)?.get("exp")?.parse().ok()
}

pub(super) fn grace(probe: &mut Probe<'_>) -> Checked {
    let (held, first) = probe.needs_refresh()?;
    if !rotates(probe) {
        return does_not_apply("its refresh tokens are not replaced when they are used");
    }
    let stated = probe.described("/renewal/grace_s");
    let found = stated.map_or("not stated".to_owned(), |grace| format!("{grace} s"));
    probe.fact("the grace window it states", found, "stated", stated.is_some());
    let exchange = probe.refresh(&first);
    let Some(second) = renewed(probe, "a refresh", &held.subject, &exchange) else { return Ok(()) };
    if stated.unwrap_or(0.0) < 2.0 {
        probe.limited("its grace window is too short to look into");
        return Ok(());
    }
    let again = probe.refresh(&first);
    let answer = probe.status("the token just replaced, inside the grace window", &again, &[200, 400]);
    let newest = held_of(&held.subject, &again).unwrap_or(second);
    if answer {
        let next = probe.refresh(newest.refresh.as_deref().unwrap_or_default());
        renewed(probe, "the newest token: the family was not ended by that", &held.subject, &next);
    }
    Ok(())
}

pub(super) fn binding(probe: &mut Probe<'_>) -> Checked {
    let (held, first) = probe.needs_refresh()?;
    attack::with_fresh_logins(probe, "R5", &corpus::refreshes())?;
    let exchange = probe.refresh(&first);
    let Some(second) = renewed(probe, "a refresh", &held.subject, &exchange) else { return Ok(()) };
    let claims = |held: &Held| held.access.as_deref().and_then(claims_of);
    let (Some(before), Some(after)) = (claims(&held), claims(&second)) else {
        probe.accepted("the new credential", &second);
        probe.limited("its access tokens are no JWTs: only the subject could be compared");
        return Ok(());
    };
    for name in ["sub", "client_id", "aud", "iss", "roles", "scope"] {
        let of = |claims: &Object| claims.get(name).unwrap_or("not there").to_owned();
        let (old, new) = (of(&before), of(&after));
        probe.fact(
            &format!("{name} of the new access token"),
            new.clone(),
            &format!("as before: {old}"),
            old == new,
        );
    }
    probe.limited("the contract knows one client and no scope");
    Ok(())
}

pub(super) fn logout(probe: &mut Probe<'_>) -> Checked {
    let (held, refresh) = probe.needs_refresh()?;
    let out = probe.post("/logout", &held);
    probe.status("a logout with the access token", &out, &[200, 204]);
    let after = probe.refresh(&refresh);
    probe.status("the refresh token of that login", &after, &[400, 401]);
    Ok(())
}
