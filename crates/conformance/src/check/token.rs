//! J: signed tokens, and where a credential may stand in a message.

use serde_json::Value;

use super::attack;
use crate::corpus;
use crate::key::Algorithm;
use crate::object::Object;
use crate::probe::{Checked, Held, Kind, Probe, does_not_apply, not_run};
use crate::randomness::Bits;
use crate::token::{self, Base};
use crate::{case, clock};

/// Longest leeway, seconds.
const MAX_LEEWAY_S: f64 = 60.0;
/// Logins whose token ids are looked at.
const LOGINS: u32 = 1024;
/// What random bits fail by chance: once in 10^9.
const CHANCE: f64 = 1e-9;

/// The cases of the corpus that belong to a statement, around the token of a live login.
pub(super) fn corpus(probe: &mut Probe<'_>, id: &str) -> Checked {
    probe.needs_token()?;
    let (held, cases) = cases(probe)?;
    if probe.target.key.is_none() {
        probe.limited("the signing key is not known, so only cases that need no valid signature were sent");
    }
    let sent = cases.iter().filter(|case| case.statement == id).count();
    if !cases.iter().any(|case| case.statement == id && case.expect == case::Expect::Refuse) {
        return not_run("every case of it needs a valid signature, and the signing key is not known");
    }
    attack::tokens(probe, id, &held, &cases);
    // A backend that refuses everything would pass without this.
    probe.accepted(&format!("the token of the login itself, after {sent} cases"), &held);
    Ok(())
}

/// Cases around the token of a login that lives as long as the suite.
fn cases(probe: &mut Probe<'_>) -> Checked<(Held, Vec<case::Case>)> {
    if let Some((held, cases)) = probe.token_cases.clone() {
        return Ok((held, cases));
    }
    let held = probe.fresh()?;
    let access = held.access.clone().unwrap_or_default();
    let Some(base) = Base::of(&access, probe.target.key.as_ref()) else {
        return not_run("its access token is no compact JWS");
    };
    let cases = corpus::tokens(&base, algorithm(&base).unwrap_or(Algorithm::Hs256));
    probe.token_cases = Some((held.clone(), cases.clone()));
    Ok((held, cases))
}

fn algorithm(base: &Base<'_>) -> Option<Algorithm> {
    Algorithm::from_name(base.header.get("alg")?.trim_matches('"'))
}

pub(super) fn public_key(probe: &mut Probe<'_>) -> Checked {
    probe.needs_token()?;
    let (_, cases) = cases(probe)?;
    if !cases.iter().any(|case| case.statement == "J2") {
        return does_not_apply("it signs with a shared secret: there is no public key to take for one");
    }
    if probe.target.key.is_none() {
        return not_run("its public key is not known");
    }
    corpus(probe, "J2")
}

/// Form, and the places and framing of messages, which concern cookies as well.
pub(super) fn form(probe: &mut Probe<'_>) -> Checked {
    probe.needs_credential()?;
    attack::with_fresh_logins(probe, "J4", &corpus::messages())?;
    if probe.kind == Kind::Token {
        return corpus(probe, "J4");
    }
    let held = probe.fresh()?;
    probe.accepted("a fresh login, after the attacks on messages", &held);
    Ok(())
}

pub(super) fn weak_keys(probe: &mut Probe<'_>) -> Checked {
    corpus(probe, "J6")?;
    let (_, cases) = cases(probe)?;
    let shared = !cases.iter().any(|case| case.statement == "J2");
    if !shared {
        probe.limited("it signs with a key pair: only the known secrets were tried");
        return Ok(());
    }
    for (bytes, wanted) in [(0, false), (1, false), (16, false), (31, false), (32, true)] {
        let key: Vec<u8> = (1..=bytes).collect();
        match probe.around.starts_with_key(&token::encode(&key)) {
            Ok(starts) => {
                let found = if starts { "it started" } else { "it refused to start" };
                let must = if wanted { "it starts" } else { "it refuses to start" };
                probe.fact(&format!("a start with a key of {bytes} bytes"), found, must, starts == wanted);
            }
            Err(why) => probe.limited(&format!("starts with short keys were not tried: {why}")),
        }
    }
    Ok(())
}

pub(super) fn expiry(probe: &mut Probe<'_>) -> Checked {
    corpus(probe, "J8")?;
    let leeway = probe.described("/leeway_s");
    if let Some(leeway) = leeway {
        probe.fact("the leeway it states", format!("{leeway} s"), "at most 60 s", leeway <= MAX_LEEWAY_S);
    }
    let (held, _) = cases(probe)?;
    let access = held.access.clone().unwrap_or_default();
    let Some(key) = probe.target.key.as_ref() else { return Ok(()) };
    let Some(base) = Base::of(&access, Some(key)) else { return Ok(()) };
    let leeway = leeway.unwrap_or(0.0) as u64;
    let now = clock::unix_seconds();
    let with = |exp: u64, nbf: Option<u64>| {
        let claims = base.claims.clone().with("iat", (now - 1000).to_string()).with("exp", exp.to_string());
        let claims = nbf.map_or(claims.clone(), |nbf| claims.with("nbf", nbf.to_string()));
        let token = base.signed(&base.header.render(), &claims.render()).unwrap_or_default();
        Held { line: format!("Authorization: Bearer {token}"), access: Some(token), ..held.clone() }
    };
    let cases = [
        ("exp in a minute", with(now + 60, None), true),
        ("exp this very second, leeway counted", with(now - leeway, None), false),
        ("exp a second ago, leeway counted", with(now - leeway - 1, None), false),
        ("nbf a second ago", with(now + 60, Some(now - 1)), true),
        ("nbf in half a minute, leeway counted", with(now + 3600, Some(now + leeway + 30)), false),
    ];
    for (step, token, good) in cases {
        if good {
            probe.accepted(step, &token);
        } else {
            probe.refused(step, &token);
        }
    }
    Ok(())
}

pub(super) fn kinds(probe: &mut Probe<'_>) -> Checked {
    corpus(probe, "J10")?;
    attack::with_fresh_logins(probe, "J10", &corpus::refreshes())?;
    let held = probe.fresh()?;
    if let (Some(access), Some(_)) = (&held.access, held.refresh_token()) {
        let exchange = probe.refresh(access);
        probe.status("the access token as a refresh token", &exchange, &[400, 401]);
    }
    Ok(())
}

pub(super) fn members(probe: &mut Probe<'_>) -> Checked {
    corpus(probe, "J11")?;
    let logins = if probe.has_control() { LOGINS } else { 8 };
    let all = probe.fresh_many(logins, 1)?;
    let claims: Vec<Object> = all.iter().filter_map(|held| claims_of(held.access.as_deref()?)).collect();
    let missing: Vec<&str> = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]
        .into_iter()
        .filter(|name| claims.iter().any(|claims| claims.get(name).is_none()))
        .collect();
    let found =
        if missing.is_empty() { "all of them".to_owned() } else { format!("without {}", missing.join(", ")) };
    let whole = missing.is_empty() && claims.len() == all.len();
    probe.fact(
        &format!("the members of {logins} issued tokens"),
        found,
        "iss, exp, aud, sub, client_id, iat, jti",
        whole,
    );
    let ids: Vec<Vec<u8>> = claims
        .iter()
        .filter_map(|claims| serde_json::from_str::<Value>(claims.get("jti")?).ok())
        .filter_map(|id| id.as_str().map(id_bytes))
        .collect();
    unique_and_random(probe, "token ids", &ids);
    Ok(())
}

/// The bytes of an id: decoded where it is base64url, as text otherwise.
pub(super) fn id_bytes(text: &str) -> Vec<u8> {
    token::decode(text).unwrap_or_else(|| text.as_bytes().to_vec())
}

/// Notes that ids are long enough, all different, and that their bits look random.
pub(super) fn unique_and_random(probe: &mut Probe<'_>, what: &str, ids: &[Vec<u8>]) {
    let shortest = ids.iter().map(Vec::len).min().unwrap_or(0);
    probe.fact(
        &format!("the shortest of {} {what}", ids.len()),
        format!("{} bits", shortest * 8),
        "at least 128 bits",
        shortest >= 16,
    );
    let distinct: std::collections::HashSet<&Vec<u8>> = ids.iter().collect();
    let repeated = ids.len() - distinct.len();
    probe.fact(&format!("{what} given twice"), repeated.to_string(), "none", repeated == 0);
    let mut bits = Bits::default();
    for id in ids {
        bits.add(id);
    }
    let (monobit, runs) = (bits.monobit(), bits.runs());
    let found = format!("{} bits: p = {monobit:.3e} and {runs:.3e}", bits.count());
    let wanted = "p above 1e-9 in both";
    let step = format!("monobit and runs tests on the {what} (NIST SP 800-22 §2.1, §2.3)");
    // Too few bits say nothing.
    if bits.count() >= 100 {
        probe.fact(&step, found, wanted, monobit > CHANCE && runs > CHANCE);
    }
}

/// The claims of a token, unverified.
pub(super) fn claims_of(access: &str) -> Option<Object> {
    let payload = token::decode(access.split('.').nth(1)?)?;
    let value: Value = serde_json::from_slice(&payload).ok()?;
    value.is_object().then(|| Object::of(&value))
}
