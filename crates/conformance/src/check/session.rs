//! S: ids, cookies, and when a login ends.

use std::sync::Barrier;
use std::time::Duration;

use super::attack;
use super::token::{id_bytes, unique_and_random};
use crate::clock;
use crate::corpus;
use crate::http::{Exchange, Request};
use crate::probe::{COOKIE, Checked, Held, Kind, PASSWORD, Probe, does_not_apply, held_of, not_run};
use crate::resp::Store;
use crate::target::Lag;
use crate::token;

/// Logins whose ids are looked at.
const LOGINS: u32 = 2048;
/// Logouts that race with writes.
const RACES: usize = 40;
/// Pause between two looks at a credential that may work a little longer.
const LOOK: Duration = Duration::from_millis(50);
/// Largest cookie, name and value, bytes (RFC 6265bis §5.6).
const MAX_COOKIE: usize = 4096;
/// An id that a client made up, of the right form.
const INVENTED: &str = "aW52ZW50ZWQtYnktdGhlLWNsaWVudC1ub3QtYnktdXM";

pub(super) fn ids(probe: &mut Probe<'_>) -> Checked {
    probe.needs_credential()?;
    let held = probe.fresh()?;
    if held.id.is_none() && held.refresh.is_none() {
        return does_not_apply("it hands out signed tokens alone; their ids belong to J11");
    }
    let logins = if probe.has_control() { LOGINS } else { 8 };
    let all = probe.fresh_many(logins, 1)?;
    let of = |value: fn(&Held) -> Option<&str>| -> Vec<Vec<u8>> {
        all.iter()
            .filter_map(value)
            .map(|text| id_bytes(text.rsplit('=').next().unwrap_or_default()))
            .collect()
    };
    let (mut ids, refreshes) = (of(|held| held.id.as_deref()), of(|held| held.refresh.as_deref()));
    if probe.describe("/credential") == "signed-cookie" {
        probe.limited("its cookie carries the user's data under a signature: no id in it has to be random");
        ids.clear();
    }
    for (what, of) in
        [("session ids", ids), ("refresh tokens, or sessions that tokens are minted from", refreshes)]
    {
        if !of.is_empty() {
            unique_and_random(probe, what, &of);
        }
    }
    if probe.kind == Kind::Cookie {
        attack::with_fresh_logins(probe, "S1", &corpus::cookies())?;
        probe.accepted("a fresh login, after the guesses", &held);
    }
    Ok(())
}

pub(super) fn fixation(probe: &mut Probe<'_>) -> Checked {
    probe.needs_cookie()?;
    let invented = Held {
        subject: String::new(),
        line: format!("Cookie: {COOKIE}={INVENTED}"),
        id: None,
        access: None,
        refresh: None,
    };
    probe.refused("an id that the client made up", &invented);
    let subject = probe.subject();
    let exchange = probe.login(&subject, PASSWORD, std::slice::from_ref(&invented.line));
    let Some(first) = held_of(&subject, &exchange) else {
        probe.note("a login that presents a made-up id", &exchange, "200 with a new id", false);
        return Ok(());
    };
    let adopted = first.id.as_deref() == Some(INVENTED);
    probe.note("a login that presents a made-up id", &exchange, "200 with a new id", !adopted);
    probe.refused("the made-up id, after that login", &invented);
    probe.accepted("the new id", &first);
    let again = probe.login(&subject, PASSWORD, std::slice::from_ref(&first.line));
    let second = held_of(&subject, &again);
    let new = second.as_ref().is_some_and(|second| second.id != first.id);
    probe.note("a login that presents a live id", &again, "200 with a new id", new);
    if probe.describe("/logout") == "all" {
        probe.limited(
            "it can only end all logins of a user at once, and a login ends none: the one presented works on",
        );
    } else if probe.lag() == Lag::None {
        probe.refused("the id that was presented with it", &first);
    } else {
        probe.limited("it declares that a credential works on after its login was ended");
    }
    if let Some(second) = second {
        probe.accepted("the id that replaced it", &second);
    }
    attack::with_fresh_logins(probe, "S2", &corpus::cookies())
}

pub(super) fn absolute_end(probe: &mut Probe<'_>) -> Checked {
    probe.needs_credential()?;
    let Some(life) = probe.described("/access_lifetime_s") else {
        return not_run("it does not say how long a credential lives");
    };
    let (life, leeway) = (life as i64, probe.described("/leeway_s").unwrap_or(0.0) as i64);
    let held = probe.fresh()?;
    probe.accepted("a fresh login", &held);
    probe.set_clock(life - 5)?;
    let idle = idle_seconds(probe);
    if idle.is_none() {
        probe.settle(&held);
        probe.accepted(&format!("the same, {} s later by the server's clock", life - 5), &held);
    }
    probe.set_clock(life + leeway + 1)?;
    probe.settle(&held);
    probe.refused(&format!("the same, {} s later", life + leeway + 1), &held);
    match idle {
        Some(idle) => {
            probe.set_clock(0)?;
            let held = probe.fresh()?;
            probe.set_clock(idle as i64 + leeway + 2)?;
            if probe.me(&held).status() == Some(200) && probe.describe("/store") != "memory" {
                probe.limited("the store's own clock ends a login after inactivity, and it cannot be moved: not checked");
            } else {
                probe.refused(&format!("a login without a request for {} s", idle as i64 + 2), &held);
            }
        }
        None => probe.limited("it declares no end after inactivity: the absolute one was checked"),
    }
    Ok(())
}

/// The inactivity after which a login ends, seconds, where one is declared.
pub(super) fn idle_seconds(probe: &Probe<'_>) -> Option<f64> {
    ["/renewal/idle_s", "/renewal/inactivity_s", "/idle_s"].into_iter().find_map(|path| probe.described(path))
}

/// What the promise of the backend demands of a credential whose login was ended a moment ago.
pub(super) fn ended(probe: &mut Probe<'_>, what: &str, held: &Held) -> Checked {
    match probe.lag() {
        Lag::None => {
            probe.refused(&format!("{what}, at once"), held);
        }
        Lag::Millis(bound) => {
            let started = clock::now();
            let bound = Duration::from_millis(bound);
            let mut last = probe.me(held);
            while last.status() == Some(200) && clock::now().duration_since(started) < bound {
                clock::pause(LOOK);
                last = probe.me(held);
            }
            probe.status(&format!("{what}, {} ms later at most", bound.as_millis()), &last, &[401]);
        }
        Lag::Lifetime => {
            let life = probe.described("/access_lifetime_s").unwrap_or(0.0)
                + probe.described("/leeway_s").unwrap_or(0.0);
            let now = probe.me(held);
            probe.status(
                &format!("{what}, at once: it declares that it works until it expires"),
                &now,
                &[200, 401],
            );
            probe.set_clock(life as i64 + 1)?;
            probe.settle(held);
            probe.refused(&format!("{what}, once it has expired"), held);
            probe.set_clock(0)?;
            probe.settle(held);
            probe.limited("it declares that a credential works until it expires");
        }
        Lag::Never => return does_not_apply("it declares that it ends no login"),
    }
    Ok(())
}

pub(super) fn logout(probe: &mut Probe<'_>) -> Checked {
    probe.needs_credential()?;
    let mut pair = probe.fresh_many(1, 2)?;
    let (Some(other), Some(held)) = (pair.pop(), pair.pop()) else { return not_run("no logins") };
    probe.accepted("a fresh login", &held);
    let out = probe.post("/logout", &held);
    probe.status("its logout", &out, &[200, 204]);
    ended(probe, "its credential", &held)?;
    if probe.lag() == Lag::None {
        let write = probe.client.request(
            &Request::new("POST", "/note").header(held.line.clone()).content("application/json", "{}"),
        );
        probe.status("a write with it", &write, &[401]);
        let again = probe.post("/logout", &held);
        probe.status("a second logout with it", &again, &[401, 204]);
    }
    if probe.describe("/logout") == "one" {
        probe.accepted("the other device of the same user, which was not logged out", &other);
    }
    Ok(())
}

pub(super) fn ending_all(probe: &mut Probe<'_>) -> Checked {
    probe.needs_credential()?;
    for (method, path) in [("POST", "/logout-all"), ("DELETE", "/sessions")] {
        everywhere(probe, method, path)?;
    }
    password_change(probe)?;
    disabled(probe)
}

/// One of two devices ends both: by the button for that, or by ending all that its list shows (ASVS 7.5.2).
fn everywhere(probe: &mut Probe<'_>, method: &str, path: &str) -> Checked {
    let mut pair = probe.fresh_many(1, 2)?;
    let (Some(second), Some(first)) = (pair.pop(), pair.pop()) else { return not_run("no logins") };
    let count = probe.client.request(&Request::new("GET", "/sessions").header(first.line.clone()));
    let listed = count.status() == Some(501) || count.json()["sessions"] == 2;
    probe.note("the list of logins of a user with two", &count, "2, or 501 where no list is kept", listed);
    let out = probe.client.request(&Request::new(method, path).header(first.line.clone()));
    if !probe.ends_all() {
        let step = format!("{method} {path}, a logout everywhere: it declares that it cannot");
        probe.status(&step, &out, &[501]);
        probe.limited("it declares that it cannot end the other logins of a user");
        return Ok(());
    }
    probe.status(&format!("{method} {path}, a logout everywhere"), &out, &[200, 204]);
    ended(probe, &format!("after {method} {path}, the device that asked for it"), &first)?;
    ended(probe, &format!("after {method} {path}, the other device"), &second)?;
    if let Some(refresh) = &second.refresh {
        let exchange = probe.refresh(refresh);
        probe.status("the refresh token of the other device", &exchange, &[400, 401]);
    }
    Ok(())
}

/// A password change ends the other logins, and the old password.
fn password_change(probe: &mut Probe<'_>) -> Checked {
    const NEW: &str = "another correct horse, another staple";
    let subject = probe.subject();
    let logins: Vec<Held> =
        (0..2).filter_map(|_| held_of(&subject, &probe.login(&subject, PASSWORD, &[]))).collect();
    let [own, other] = &logins[..] else { return not_run("no logins") };
    let wrong = probe.change_password(own, "not the password at all", NEW);
    probe.status("a password change with a wrong current password", &wrong, &[403]);
    let changed = probe.change_password(own, PASSWORD, NEW);
    probe.status("a password change", &changed, &[200, 204]);
    probe.accepted("the login that changed it", own);
    if probe.ends_all() {
        ended(probe, "the other login of the user", other)?;
        if let Some(refresh) = &other.refresh {
            let exchange = probe.refresh(refresh);
            probe.status("the refresh token of the other login", &exchange, &[400, 401]);
        }
    }
    let old = probe.login(&subject, PASSWORD, &[]);
    probe.status("a login with the old password", &old, &[401]);
    let new = probe.login(&subject, NEW, &[]);
    probe.status("a login with the new one", &new, &[200]);
    Ok(())
}

/// A disabled user cannot log in, and is logged out as far as the backend can.
fn disabled(probe: &mut Probe<'_>) -> Checked {
    if !probe.has_control() {
        probe.limited("there is no control address to disable a user with");
        return Ok(());
    }
    let subject = probe.subject();
    let Some(held) = held_of(&subject, &probe.login(&subject, PASSWORD, &[])) else {
        return not_run("no login");
    };
    let disabled = probe.disable(&subject)?;
    probe.status("disabling the user", &disabled, &[200]);
    let login = probe.login(&subject, PASSWORD, &[]);
    probe.status("a login of the disabled user", &login, &[401]);
    if let Some(refresh) = &held.refresh {
        let exchange = probe.refresh(refresh);
        probe.status("a refresh of the disabled user", &exchange, &[400, 401]);
    }
    if probe.ends_all() {
        ended(probe, "the login of the disabled user", &held)?;
    }
    Ok(())
}

pub(super) fn cookie(probe: &mut Probe<'_>) -> Checked {
    probe.needs_cookie()?;
    let subject = probe.subject();
    let exchange = probe.login(&subject, PASSWORD, &[]);
    let answer = exchange.answers.first();
    let set: Vec<String> =
        answer.into_iter().flat_map(|answer| answer.headers_of("set-cookie")).map(str::to_owned).collect();
    probe.note("the cookies that a login sets", &exchange, "one", set.len() == 1);
    let set = set.into_iter().next().unwrap_or_default();
    let mut parts = set.split(';').map(str::trim);
    let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).unwrap_or_default();
    let attributes: Vec<(String, String)> = parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_ascii_lowercase()))
        .collect();
    let get =
        |wanted: &str| attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let same_site = get("samesite");
    for (step, found, wanted, good) in [
        ("its name", name.to_owned(), "begins with __Host-", name.starts_with("__Host-")),
        ("Secure", format!("{:?}", get("secure")), "there", get("secure").is_some()),
        ("HttpOnly", format!("{:?}", get("httponly")), "there", get("httponly").is_some()),
        ("Path", format!("{:?}", get("path")), "/", get("path") == Some("/")),
        ("Domain", format!("{:?}", get("domain")), "not there", get("domain").is_none()),
        ("SameSite", format!("{same_site:?}"), "Lax or Strict", matches!(same_site, Some("lax" | "strict"))),
        (
            "its size",
            format!("{} bytes", name.len() + value.len()),
            "at most 4096 bytes",
            name.len() + value.len() <= MAX_COOKIE,
        ),
    ] {
        probe.fact(step, found, wanted, good);
    }
    let body = answer.map(|answer| String::from_utf8_lossy(&answer.body).into_owned()).unwrap_or_default();
    probe.fact(
        "the id in the body as well",
        format!("{} bytes of body", body.len()),
        "no",
        !body.contains(value) || value.is_empty(),
    );
    attack::with_fresh_logins(probe, "S6", &corpus::cookies())
}

/// Writes and a logout of the same login at the same time, over and over.
pub(super) fn resurrection(probe: &mut Probe<'_>) -> Checked {
    probe.needs_credential()?;
    if probe.lag() != Lag::None {
        return does_not_apply(
            "it declares that a credential works for a while after its logout: there is nothing to bring back",
        );
    }
    let mut back = Vec::new();
    let mut refused = 0;
    let logins = probe.fresh_many(u32::try_from(RACES).unwrap_or(u32::MAX), 1)?;
    for held in &logins {
        let (barrier, client) = (Barrier::new(4), &probe.client);
        let race = |path: &str| {
            let request = Request::new("POST", path).header(held.line.clone());
            barrier.wait();
            client.request(&request)
        };
        let race = &race;
        let (out, writes) = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..3).map(|_| scope.spawn(move || race("/note"))).collect();
            let out = race("/logout");
            (out, writers.into_iter().filter_map(|writer| writer.join().ok()).collect::<Vec<Exchange>>())
        });
        refused += writes.iter().filter(|write| write.status() == Some(401)).count();
        let after = probe.me(held);
        if !matches!(out.status(), Some(200 | 204)) {
            back.push(("a logout that raced with writes", out, "204"));
        } else if after.status() != Some(401) {
            back.push(("a credential after its logout raced with writes", after, "401"));
        }
    }
    for (step, exchange, wanted) in &back {
        probe.note(step, exchange, wanted, false);
    }
    let found =
        format!("{} still worked afterwards; {refused} of {} writes came too late", back.len(), RACES * 3);
    probe.fact(
        &format!("{RACES} logouts, each with three writes at the same moment"),
        found,
        "none works afterwards",
        back.is_empty(),
    );
    Ok(())
}

pub(super) fn store_dump(probe: &mut Probe<'_>) -> Checked {
    probe.needs_credential()?;
    let held = probe.fresh()?;
    let cannot = |why: String| crate::probe::Stop::NotRun(format!("the store cannot be read: {why}"));
    if let Some(files) = probe.around.stored().map_err(cannot)? {
        probe.fact("bytes in the files of the store", files.len().to_string(), "some", !files.is_empty());
        look_for(probe, &held, &files);
        return Ok(());
    }
    let Some(address) = probe.target.store else {
        return match probe.describe("/store").as_str() {
            Some("memory") | None if !probe.describe("/store").is_null() => {
                does_not_apply("its state lies in the memory of its own process: there is no store to read")
            }
            _ => not_run("its store is not ours to read"),
        };
    };
    let (keys, dump) = dump(address).map_err(|error| cannot(error.to_string()))?;
    probe.fact("keys in the store", keys.to_string(), "some, or none where nothing is kept", true);
    look_for(probe, &held, &dump);
    Ok(())
}

/// Looks for everything secret of a login in what a store holds.
fn look_for(probe: &mut Probe<'_>, held: &Held, dump: &[u8]) {
    let mut secrets: Vec<(&str, Vec<u8>)> = Vec::new();
    if let Some(id) = &held.id {
        secrets.push(("the session id", id.clone().into_bytes()));
        secrets.push(("the bytes of the session id", id_bytes(id)));
    }
    if let Some(refresh) = &held.refresh {
        let refresh = refresh.rsplit('=').next().unwrap_or_default();
        let bytes = id_bytes(refresh);
        secrets.push(("the refresh token", refresh.as_bytes().to_vec()));
        secrets.push((
            "the second half of its bytes",
            bytes.get(bytes.len() / 2..).unwrap_or_default().to_vec(),
        ));
    }
    if let Some(access) = held.access.as_deref() {
        secrets.push(("the access token", access.as_bytes().to_vec()));
        let signature = access.rsplit('.').next().unwrap_or_default();
        secrets.push(("its signature", signature.as_bytes().to_vec()));
        secrets.push(("the bytes of its signature", token::decode(signature).unwrap_or_default()));
    }
    secrets.push(("the password", PASSWORD.as_bytes().to_vec()));
    for (what, secret) in secrets {
        let there = !secret.is_empty() && dump.windows(secret.len()).any(|window| window == secret);
        let found = if there { "in the store" } else { "not in the store" };
        probe.fact(&format!("{what}, looked for in all keys and values"), found, "not in the store", !there);
    }
}

/// Every key of a private store and its value as the store would save it, uncompressed.
fn dump(address: std::net::SocketAddr) -> std::io::Result<(usize, Vec<u8>)> {
    let mut store = Store::connect(address)?;
    store.ask(&[b"CONFIG", b"SET", b"rdbcompression", b"no"])?;
    let crate::resp::Reply::List(keys) = store.ask(&[b"KEYS", b"*"])? else {
        return Err(std::io::Error::other("no list of keys"));
    };
    let mut all = Vec::new();
    for key in &keys {
        all.extend_from_slice(key.bytes());
        all.push(b'\n');
        all.extend_from_slice(store.ask(&[b"DUMP", key.bytes()])?.bytes());
        all.push(b'\n');
    }
    Ok((keys.len(), all))
}
