//! P: passwords and logins.

use std::sync::Barrier;
use std::time::Duration;

use super::session::idle_seconds;
use crate::http::{End, Exchange, Request};
use crate::outcome::Evidence;
use crate::probe::{Checked, Held, PASSWORD, Probe, does_not_apply, held_of, login_request, not_run};
use crate::target::Lag;

/// Memory in KiB and passes, one lane each (OWASP Password Storage Cheat Sheet).
const ARGON2: &[(u64, u64)] = &[(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];
/// Logins at the same moment.
const FLOOD: usize = 64;
/// Floods at most.
const TRIES: usize = 3;
/// A login that is too much is refused within this: it waits for no hash.
const PROMPT: Duration = Duration::from_secs(5);
/// Failures in a row that may be tried (NIST SP 800-63B-4 §3.2.2).
const MAX_FAILURES: usize = 100;
/// Hours and minutes of NIST SP 800-63B-4 §2.2.3 (AAL2), seconds.
const MAX_LOGIN_S: f64 = 24.0 * 3600.0;
const MAX_IDLE_S: f64 = 3600.0;

pub(super) fn hashing(probe: &mut Probe<'_>) -> Checked {
    let hash = probe.describe("/password_hash");
    if hash.is_null() {
        return not_run("it does not say how it hashes passwords");
    }
    let number = |name: &str| hash[name].as_u64().unwrap_or(0);
    let known = ARGON2.contains(&(number("memory_kib"), number("passes"))) && number("lanes") == 1;
    let good = hash["scheme"] == "argon2id" && known;
    probe.fact("how it says it hashes", hash.to_string(), "argon2id at one of the OWASP parameters", good);
    Ok(())
}

pub(super) fn same_answer(probe: &mut Probe<'_>) -> Checked {
    let known = probe.subject();
    let unknown = ["nobody", "u99", "admin", ""];
    let wrong = probe.login(&known, "not the password at all", &[]);
    probe.status("a wrong password", &wrong, &[401]);
    for name in unknown {
        let exchange = probe.login(name, "not the password at all", &[]);
        let same = face(&exchange) == face(&wrong);
        probe.note(
            &format!("an unknown user ({name:?})"),
            &exchange,
            "the same answer as to a wrong password",
            same,
        );
    }
    let held = probe.login(&known, PASSWORD, &[]);
    probe.status("the right password", &held, &[200]);
    if probe.has_control() {
        let gone = probe.subject();
        probe.disable(&gone)?;
        let exchange = probe.login(&gone, PASSWORD, &[]);
        let same = face(&exchange) == face(&wrong);
        probe.note(
            "a disabled user with the right password",
            &exchange,
            "the same answer as to a wrong password",
            same,
        );
    }
    probe.limited("their times are compared by a program of its own, benches/login_timing.rs");
    Ok(())
}

/// Status, headers and body of an answer.
type Face = (u16, Vec<(String, String)>, Vec<u8>);

/// What a client sees of an answer, but for its date.
fn face(exchange: &Exchange) -> Option<Face> {
    let answer = exchange.answers.first()?;
    let headers = answer.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("date"));
    let mut headers: Vec<(String, String)> =
        headers.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    headers.sort();
    Some((answer.status, headers, answer.body.clone()))
}

pub(super) fn flood(probe: &mut Probe<'_>) -> Checked {
    if probe.describe("/password_hash/scheme") == "cheap" {
        return does_not_apply("it hashes passwords so cheaply that no queue forms");
    }
    let mut tries = 1;
    let mut flood = Flood::of(probe)?;
    while flood.is_only_late() && tries < TRIES {
        tries += 1;
        flood = Flood::of(probe)?;
    }
    if tries > 1 {
        probe.limited(&format!("flood number {tries} was judged: in those before it, refusals came late"));
    }
    let good = flood.late.is_empty() && flood.odd.is_empty() && flood.answered > 0;
    probe.fact(
        &format!("{FLOOD} logins at the same moment"),
        flood.to_string(),
        "each checked or refused at once, other requests go on",
        good,
    );
    for evidence in flood.odd.into_iter().chain(flood.late).take(5) {
        probe.push(evidence);
    }
    probe.limited("how much response times rise is measured by a run of `login-storm`");
    Ok(())
}

/// What came of logins at the same moment, and of requests meanwhile.
struct Flood {
    checked: usize,
    shed: usize,
    /// Refusals that were right, but not at once.
    late: Vec<Evidence>,
    odd: Vec<Evidence>,
    hung: usize,
    requests: usize,
    answered: usize,
}

impl std::fmt::Display for Flood {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { checked, shed, hung, requests, answered, .. } = self;
        let late = self.late.len();
        write!(
            f,
            "{checked} checked, {shed} refused at once, {late} refused late, {hung} without an answer; {answered} of {requests} requests went on"
        )
    }
}

impl Flood {
    fn of(probe: &mut Probe<'_>) -> Checked<Self> {
        let held = probe.fresh()?;
        let subjects: Vec<String> = (0..FLOOD).map(|_| probe.subject()).collect();
        let (logins, requests) = send_all(probe, &subjects, &held);
        // A copy of shared state that was not brought up to date in time is not believed any longer, as declared.
        let declared = matches!(probe.lag(), Lag::Millis(_));
        let hung = logins.iter().chain(&requests).filter(|exchange| exchange.end == End::TimedOut).count();
        let mut flood = Self {
            checked: 0,
            shed: 0,
            late: Vec::new(),
            odd: Vec::new(),
            hung,
            requests: requests.len(),
            answered: 0,
        };
        for login in &logins {
            let shown = |wanted: &str| Evidence::of("one of the logins", login, wanted, false);
            match login.status() {
                Some(401) => flood.checked += 1,
                Some(503 | 429) if says_when(login) && login.took < PROMPT => flood.shed += 1,
                Some(503 | 429) if says_when(login) => {
                    let seconds = login.took.as_secs_f64();
                    flood.late.push(shown(&format!("a refusal at once, not after {seconds:.1} s")));
                }
                _ => flood.odd.push(shown("401, or at once 503 with Retry-After")),
            }
        }
        for request in &requests {
            match request.status() {
                Some(200) => flood.answered += 1,
                Some(503) if declared && says_when(request) => {}
                _ => flood.odd.push(Evidence::of("a request during the flood", request, "200", false)),
            }
        }
        Ok(flood)
    }

    /// On a machine that is busy with something else a client learns late what was answered at once.
    fn is_only_late(&self) -> bool {
        !self.late.is_empty() && self.odd.is_empty()
    }
}

fn says_when(exchange: &Exchange) -> bool {
    exchange.answers.first().is_some_and(|answer| answer.header("retry-after").is_some())
}

/// A login of each subject at the same moment, and requests one after the other until all are answered.
fn send_all(probe: &Probe<'_>, subjects: &[String], held: &Held) -> (Vec<Exchange>, Vec<Exchange>) {
    let barrier = Barrier::new(subjects.len() + 1);
    let (client, me) = (&probe.client, Request::new("GET", "/me").header(held.line.clone()));
    std::thread::scope(|scope| {
        let barrier = &barrier;
        let flood: Vec<_> = subjects
            .iter()
            .map(|subject| {
                let request = login_request(subject, "not the password at all");
                scope.spawn(move || {
                    barrier.wait();
                    client.request(&request)
                })
            })
            .collect();
        barrier.wait();
        let mut requests = Vec::new();
        while requests.len() < 200 && !flood.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            requests.push(client.request(&me));
        }
        (flood.into_iter().filter_map(|login| login.join().ok()).collect(), requests)
    })
}

pub(super) fn lockout(probe: &mut Probe<'_>) -> Checked {
    let (subject, other) = (probe.subject(), probe.subject());
    let mut failures = 0;
    let mut last = probe.login(&subject, "wrong password number 0", &[]);
    while last.status() == Some(401) && failures < MAX_FAILURES {
        failures += 1;
        last = probe.login(&subject, &format!("wrong password number {failures}"), &[]);
    }
    let locked = probe.status(&format!("a wrong password after {failures} others"), &last, &[429]);
    let retry = last.answers.first().and_then(|answer| answer.header("retry-after")).is_some();
    probe.note("when to come again", &last, "Retry-After", retry || !locked);
    let right = probe.login(&subject, PASSWORD, &[]);
    probe.status("the right password on that account", &right, &[429]);
    let unharmed = probe.login(&other, PASSWORD, &[]);
    probe.status("the right password on another account", &unharmed, &[200]);
    Ok(())
}

pub(super) fn long_passwords(probe: &mut Probe<'_>) -> Checked {
    let sixty_four: String = "Zürich→東京 🐎 ' \" \\ < & % ; \u{7f} ".chars().cycle().take(64).collect();
    let long = "a long passphrase of ordinary words ".repeat(7);
    for (what, password) in [
        ("64 characters of every kind", sixty_four.as_str()),
        ("252 characters", &long),
        ("only digits", "314159265358979323846264338327950288419716939937510582097494459230"),
        ("only spaces", &" ".repeat(64)),
    ] {
        let subject = probe.subject();
        let Some(held) = held_of(&subject, &probe.login(&subject, PASSWORD, &[])) else {
            return not_run("no login");
        };
        let changed = probe.change_password(&held, PASSWORD, password);
        if changed.status() == Some(501) {
            return does_not_apply("it changes no passwords");
        }
        probe.status(&format!("a new password: {what}"), &changed, &[200, 204]);
        let login = probe.login(&subject, password, &[]);
        probe.status(&format!("a login with it: {what}"), &login, &[200]);
        let mut cut: String = password.to_owned();
        cut.pop();
        let login = probe.login(&subject, &cut, &[]);
        probe.status(&format!("a login with all but its last character: {what}"), &login, &[401]);
    }
    let subject = probe.subject();
    let Some(held) = held_of(&subject, &probe.login(&subject, PASSWORD, &[])) else {
        return not_run("no login");
    };
    for short in ["", "a", "password", "fourteen chars"] {
        let refused = probe.change_password(&held, PASSWORD, short);
        probe.status(
            &format!("a new password of {} characters", short.chars().count()),
            &refused,
            &[400, 422],
        );
    }
    let login = probe.login(&subject, PASSWORD, &[]);
    probe.status("a login with the password that was to be replaced", &login, &[200]);
    let huge = "x".repeat(3000);
    let changed = probe.change_password(&held, PASSWORD, &huge);
    if probe.status(
        "a new password of 3000 characters: accepted or refused, but not cut",
        &changed,
        &[200, 204, 400, 413, 422],
    ) {
        let in_force = if matches!(changed.status(), Some(200 | 204)) { huge.as_str() } else { PASSWORD };
        let login = probe.login(&subject, in_force, &[]);
        probe.status("a login with the password in force after that", &login, &[200]);
    }
    Ok(())
}

pub(super) fn lifetimes(probe: &mut Probe<'_>) -> Checked {
    probe.needs_credential()?;
    let Some(login) = probe.described("/login_lifetime_s") else {
        return not_run("it does not say how long a login lives");
    };
    probe.fact(
        "the life of a login it states",
        format!("{login} s"),
        "at most 86400 s",
        login <= MAX_LOGIN_S,
    );
    match idle_seconds(probe) {
        Some(idle) => {
            probe.fact("the inactivity it states", format!("{idle} s"), "at most 3600 s", idle <= MAX_IDLE_S);
        }
        None => probe.limited("it declares no end after inactivity"),
    }
    Ok(())
}
