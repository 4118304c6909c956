//! F: what happens when the store does not answer, dies, loses its data, or throws some of it away.

use std::time::Duration;

use crate::clock;
use crate::http::{Exchange, Request};
use crate::probe::{Checked, Held, PASSWORD, Probe, Stop, does_not_apply, held_of, not_run, refresh_request};
use crate::resp::{Reply, Store};
use crate::target::{Fault, Lag, StoreDown};

/// On top of the deadline, for everything that is not the wait itself.
const MARGIN: Duration = Duration::from_millis(50);
/// No request at all may take longer: it hangs.
const HANG: Duration = Duration::from_secs(2);
/// Tries of each operation: on a machine that is busy with something else one of them may be late.
const TRIES: usize = 3;
/// How long a backend may take to find its store again.
const RECOVERY: Duration = Duration::from_secs(15);
/// How long a backend may take to say that its store has lost data.
const REPORT: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(100);

/// The store of this backend alone.
fn private_store(probe: &Probe<'_>) -> Checked<std::net::SocketAddr> {
    match probe.target.store {
        Some(store) => Ok(store),
        None if probe.describe("/store") == "memory" => does_not_apply(
            "its state lies in the memory of its own process: there is no store that could fail",
        ),
        None if probe.describe("/store") == "sqlite" => does_not_apply(
            "its state lies in a file that its own process reads: there is no store that could fail by itself",
        ),
        None => not_run("its store is not ours to break"),
    }
}

fn cannot(why: String) -> Stop {
    Stop::NotRun(why)
}

pub(super) fn store_down(probe: &mut Probe<'_>) -> Checked {
    private_store(probe)?;
    let Some(promises) = probe.target.promises else { return not_run("nothing says what it promises") };
    let held = probe.fresh()?;
    probe.accepted("a fresh login, while the store answers", &held);
    for (fault, what) in [(Fault::Hang, "the store hangs"), (Fault::Die, "the store is dead")] {
        probe.around.fault(fault).map_err(cannot)?;
        if let Lag::Millis(bound) = probe.lag() {
            // What was read before may be believed for as long as it declares.
            probe.limited(
                "what it has read before it may believe for as long as it declares: that time was waited for",
            );
            clock::pause(Duration::from_millis(bound) + MARGIN);
        }
        during(probe, what, &held, promises.store_down);
        if fault == Fault::Hang {
            probe.around.fault(Fault::GoOn).map_err(cannot)?;
            recovered(probe, "once the store goes on")?;
        }
    }
    probe.around.fault(Fault::ReturnEmpty).map_err(cannot)?;
    recovered(probe, "once a store is there again")
}

/// Every operation while the store is away.
fn during(probe: &mut Probe<'_>, what: &str, held: &Held, promised: StoreDown) {
    let (reads, writes): (&[u16], &[u16]) = match promised {
        StoreDown::Closed => (&[503], &[503]),
        StoreDown::WritesClosed => (&[200], &[503]),
        StoreDown::Open | StoreDown::Unaffected => (&[200], &[200, 204]),
    };
    let subject = probe.subject();
    let login = format!(r#"{{"username":"{subject}","password":"{PASSWORD}"}}"#);
    let mut operations = vec![
        ("GET /me", Request::new("GET", "/me").header(held.line.clone()), reads),
        ("POST /note", Request::new("POST", "/note").header(held.line.clone()), writes),
        ("POST /login", Request::new("POST", "/login").content("application/json", login), &[503][..]),
    ];
    if let Some(refresh) = &held.refresh {
        operations.push(("POST /refresh", refresh_request(refresh), &[503]));
    }
    for (name, request, wanted) in operations {
        let tries: Vec<Exchange> = (0..TRIES).map(|_| probe.client.request(&request)).collect();
        for exchange in &tries {
            let status_fits = exchange.status().is_some_and(|status| wanted.contains(&status));
            let retry = exchange.answers.first().and_then(|answer| answer.header("retry-after")).is_some();
            let words: Vec<String> = wanted.iter().map(u16::to_string).collect();
            let good = status_fits && (exchange.status() != Some(503) || retry) && exchange.took < HANG;
            let demanded =
                format!("{}, a 503 with Retry-After, within {} s", words.join(" or "), HANG.as_secs());
            probe.note(&format!("{name} while {what}"), exchange, &demanded, good);
        }
        let deadline = Duration::from_millis(probe.target.deadline_ms) + MARGIN;
        let best = tries.iter().map(|exchange| exchange.took).min().unwrap_or(Duration::MAX);
        let found = format!("{} ms, the best of {TRIES}", best.as_millis());
        let step = format!("how long {name} took while {what}");
        probe.fact(&step, found, &format!("at most {} ms", deadline.as_millis()), best <= deadline);
    }
}

/// Waits until logins work again.
fn recovered(probe: &mut Probe<'_>, when: &str) -> Checked {
    let started = clock::now();
    let subject = probe.subject();
    let mut login = probe.login(&subject, PASSWORD, &[]);
    while login.status() != Some(200) && clock::now().duration_since(started) < RECOVERY {
        clock::pause(LOOK);
        login = probe.login(&subject, PASSWORD, &[]);
    }
    let step = format!("a login {when}");
    probe.status(&step, &login, &[200]);
    Ok(())
}

/// A login that was ended, and a store that forgets it.
pub(super) fn store_empty(probe: &mut Probe<'_>) -> Checked {
    private_store(probe)?;
    probe.needs_credential()?;
    let subject = probe.subject();
    let Some(held) = held_of(&subject, &probe.login(&subject, PASSWORD, &[])) else {
        return not_run("no login");
    };
    let out = probe.post("/logout", &held);
    probe.status("a logout", &out, &[200, 204]);
    let before = probe.me(&held);
    let refused_before = before.status() == Some(401);
    probe.note(
        "its credential, before the store loses its data",
        &before,
        "refused, unless it works until it expires",
        true,
    );
    probe.around.fault(Fault::Die).map_err(cannot)?;
    probe.around.fault(Fault::ReturnEmpty).map_err(cannot)?;
    recovered(probe, "once the store is there again, empty")?;
    if refused_before {
        probe.settle(&held);
        let after = probe.me(&held);
        let flagged = loss_is_reported(probe);
        let good = after.status().is_some_and(|status| status == 401 || status == 503) || flagged;
        let wanted = "still refused, or the loss reported at the control address";
        probe.note("the credential of the ended login", &after, wanted, good);
    }
    if let Some(refresh) = &held.refresh {
        let exchange = probe.refresh(refresh);
        probe.status("the refresh token of the ended login", &exchange, &[400, 401]);
    }
    Ok(())
}

/// Whether the control address says that the store has lost its data, or does so a little later.
fn loss_is_reported(probe: &Probe<'_>) -> bool {
    let started = clock::now();
    loop {
        let Some(health) = probe.health() else { return false };
        if health.json()["store_lost_data"] == true {
            return true;
        }
        if clock::now().duration_since(started) > REPORT {
            return false;
        }
        clock::pause(LOOK);
    }
}

pub(super) fn eviction(probe: &mut Probe<'_>) -> Checked {
    let address = private_store(probe)?;
    let failed = |error: std::io::Error| cannot(format!("the store cannot be read: {error}"));
    let mut store = Store::connect(address).map_err(failed)?;
    let info = store.ask(&[b"INFO", b"stats"]).map_err(failed)?;
    let info = String::from_utf8_lossy(info.bytes()).into_owned();
    let evicted = info
        .lines()
        .find_map(|line| line.strip_prefix("evicted_keys:"))
        .unwrap_or("not stated")
        .trim()
        .to_owned();
    probe.fact("evicted_keys of the store", evicted.clone(), "0", evicted == "0");
    let policy = store.ask(&[b"CONFIG", b"GET", b"maxmemory-policy"]).map_err(failed)?;
    let policy = match policy {
        Reply::List(pair) => {
            pair.get(1).map(|value| String::from_utf8_lossy(value.bytes()).into_owned()).unwrap_or_default()
        }
        other => String::from_utf8_lossy(other.bytes()).into_owned(),
    };
    probe.fact("its policy when memory is full", policy.clone(), "noeviction", policy == "noeviction");
    Ok(())
}
