//! What every check does with a backend: log in, send, move its clock, note what came back.

use std::time::Duration;

use serde_json::{Value, json};

use crate::case::Case;
use crate::clock;
use crate::http::{Client, Exchange, Request};
use crate::object::quoted;
use crate::outcome::Evidence;
use crate::target::{Lag, Surroundings, Target};
use crate::token;

/// How long a request may take, hashing in a queue included.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a moved clock may keep a backend from reading its state, and the pause between two looks.
const SETTLE: Duration = Duration::from_secs(8);
const LOOK: Duration = Duration::from_millis(50);
/// The password of every subject until it is changed.
pub(crate) const PASSWORD: &str = "correct-horse-battery-staple";
/// Name of the session cookie.
pub(crate) const COOKIE: &str = "__Host-session";
/// How the header line of a session begins.
const COOKIE_LINE: &str = "Cookie: ";
/// Subjects of this suite begin here, far from those of a run.
const FIRST_SUBJECT: u32 = 90_000_000;

/// Why a check ends without a verdict of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The statement says nothing about such a backend.
    DoesNotApply(String),
    /// It cannot be checked here.
    NotRun(String),
}

pub(crate) type Checked<T = ()> = Result<T, Stop>;

pub(crate) fn does_not_apply<T>(why: impl Into<String>) -> Checked<T> {
    Err(Stop::DoesNotApply(why.into()))
}

pub(crate) fn not_run<T>(why: impl Into<String>) -> Checked<T> {
    Err(Stop::NotRun(why.into()))
}

/// What the client holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The subject's name, unchecked.
    Bare,
    /// A session id in a cookie.
    Cookie,
    /// A signed token.
    Token,
}

/// The credentials of one login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) subject: String,
    /// The header line that carries it.
    pub(crate) line: String,
    pub(crate) id: Option<String>,
    pub(crate) access: Option<String>,
    /// What renews it: a refresh token, or the header line of the session that tokens are minted from.
    pub(crate) refresh: Option<String>,
}

impl Held {
    /// Its refresh token, where that is one and not a session.
    pub(crate) fn refresh_token(&self) -> Option<&str> {
        self.refresh.as_deref().filter(|refresh| !refresh.starts_with(COOKIE_LINE))
    }
}

/// A backend under examination.
pub(crate) struct Probe<'a> {
    pub(crate) target: &'a Target,
    pub(crate) client: Client,
    control: Option<Client>,
    pub(crate) around: &'a mut dyn Surroundings,
    pub(crate) kind: Kind,
    /// Cases around a token of a live login, made once.
    pub(crate) token_cases: Option<(Held, Vec<Case>)>,
    next: u32,
    moved: bool,
    evidence: Vec<Evidence>,
    cases: u64,
    reason: String,
}

impl<'a> Probe<'a> {
    /// Logs in once to see what kind of credential there is.
    pub(crate) fn start(target: &'a Target, around: &'a mut dyn Surroundings) -> Result<Self, String> {
        let client = Client::new(target.address, PATIENCE);
        let control = target.control.map(|address| Client::new(address, PATIENCE));
        let mut probe = Self {
            target,
            client,
            control,
            around,
            kind: Kind::Bare,
            token_cases: None,
            next: FIRST_SUBJECT,
            moved: false,
            evidence: Vec::new(),
            cases: 0,
            reason: String::new(),
        };
        let subject = probe.subject();
        let exchange = probe.login(&subject, PASSWORD, &[]);
        let held = held_of(&subject, &exchange).ok_or_else(|| {
            let seen = Evidence::of("", &exchange, "", false).came_back;
            format!("a login of {subject} gave no credential: {}", seen.replace('\n', " "))
        })?;
        let me = probe.me(&held);
        if me.status() != Some(200) {
            let seen = Evidence::of("", &me, "", false).came_back;
            return Err(format!(
                "GET /me refuses the credential of a fresh login: {}",
                seen.replace('\n', " ")
            ));
        }
        probe.kind = match &held {
            Held { id: Some(_), .. } => Kind::Cookie,
            Held { access: Some(access), .. } if token::Base::of(access, None).is_some() => Kind::Token,
            _ => Kind::Bare,
        };
        Ok(probe)
    }

    /// A subject that no other check has used.
    pub(crate) fn subject(&mut self) -> String {
        self.next += 1;
        format!("u{:08}", self.next)
    }

    /// A subject's login through the front door.
    pub(crate) fn login(&self, subject: &str, password: &str, lines: &[String]) -> Exchange {
        self.client.request(&lines.iter().cloned().fold(login_request(subject, password), Request::header))
    }

    /// The credentials of a fresh login of a new subject: through the control address where there is one, which hashes
    /// no password.
    pub(crate) fn fresh(&mut self) -> Checked<Held> {
        let mut many = self.fresh_many(1, 1)?;
        many.pop().ok_or_else(|| Stop::NotRun("a login gave no credential".to_owned()))
    }

    /// Fresh logins: `devices` of each of so many new subjects, in this order.
    pub(crate) fn fresh_many(&mut self, subjects: u32, devices: u8) -> Checked<Vec<Held>> {
        let first = self.next + 1;
        self.next += subjects;
        let failed = |what: &str| Stop::NotRun(format!("logins could not be made: {what}"));
        let Some(control) = &self.control else {
            let mut all = Vec::new();
            for index in first..first + subjects {
                let subject = format!("u{index:08}");
                for _ in 0..devices {
                    let exchange = self.login(&subject, PASSWORD, &[]);
                    all.push(
                        held_of(&subject, &exchange)
                            .ok_or_else(|| failed("POST /login gives no credential"))?,
                    );
                }
            }
            return Ok(all);
        };
        let body =
            json!({ "first": first, "subjects": subjects, "devices": devices, "revoked_per_million": 0 });
        let exchange = control
            .request(&Request::new("POST", "/provision").content("application/json", body.to_string()));
        let answer = exchange.answers.first().filter(|answer| answer.status == 200);
        let text = answer.map(|answer| String::from_utf8_lossy(&answer.body).into_owned());
        let text = text.ok_or_else(|| failed("the control address refuses to provision"))?;
        let all: Vec<Held> = text.lines().filter_map(provisioned).collect();
        let wanted = subjects as usize * usize::from(devices);
        if all.len() == wanted {
            Ok(all)
        } else {
            Err(failed("the control address gave fewer than asked for"))
        }
    }

    pub(crate) fn has_control(&self) -> bool {
        self.control.is_some()
    }

    /// `GET /me` with a credential.
    pub(crate) fn me(&self, held: &Held) -> Exchange {
        self.client.request(&Request::new("GET", "/me").header(held.line.clone()))
    }

    /// `POST` with a credential and no body.
    pub(crate) fn post(&self, path: &str, held: &Held) -> Exchange {
        self.client.request(&Request::new("POST", path).header(held.line.clone()))
    }

    /// A password change.
    pub(crate) fn change_password(&self, held: &Held, current: &str, new: &str) -> Exchange {
        let body = format!(r#"{{"current":{},"new":{}}}"#, quoted(current), quoted(new));
        self.client.request(
            &Request::new("POST", "/password").header(held.line.clone()).content("application/json", body),
        )
    }

    /// A refresh with what a login gave for it.
    pub(crate) fn refresh(&self, token: &str) -> Exchange {
        self.client.request(&refresh_request(token))
    }

    /// Waits until what its clock has made stale is fresh again: a copy of shared state, for instance.
    pub(crate) fn settle(&self, held: &Held) {
        let started = clock::now();
        while self.me(held).status() == Some(503) && clock::now().duration_since(started) < SETTLE {
            clock::pause(LOOK);
        }
    }

    /// Moves the clock of the backend to this offset from the system's. It is moved back after the check.
    pub(crate) fn set_clock(&mut self, offset_s: i64) -> Checked {
        let Some(control) = &self.control else {
            return not_run("there is no control address to move its clock with");
        };
        self.moved = true;
        let body = format!(r#"{{"offset_ms":{}}}"#, offset_s * 1000);
        let exchange =
            control.request(&Request::new("POST", "/clock-offset").content("application/json", body));
        match exchange.status() {
            Some(200) => Ok(()),
            _ => not_run("the control address cannot move its clock"),
        }
    }

    /// Disables a user.
    pub(crate) fn disable(&self, subject: &str) -> Checked<Exchange> {
        let Some(control) = &self.control else {
            return not_run("there is no control address to disable a user with");
        };
        let body = format!(r#"{{"subject":{}}}"#, quoted(subject));
        Ok(control.request(&Request::new("POST", "/disable").content("application/json", body)))
    }

    /// What the control address says about the health of the process.
    pub(crate) fn health(&self) -> Option<Exchange> {
        self.control.as_ref().map(|control| control.request(&Request::new("GET", "/health")))
    }

    /// Notes an exchange and whether it was as it must be.
    pub(crate) fn note(&mut self, step: &str, exchange: &Exchange, wanted: &str, good: bool) {
        self.evidence.push(Evidence::of(step, exchange, wanted, good));
    }

    pub(crate) fn push(&mut self, evidence: Evidence) {
        self.evidence.push(evidence);
    }

    /// Notes a fact that is no exchange.
    pub(crate) fn fact(&mut self, step: &str, found: impl Into<String>, wanted: &str, good: bool) {
        self.evidence.push(Evidence::fact(step, found, wanted, good));
    }

    /// Notes an exchange whose status must be one of these; whether it was.
    pub(crate) fn status(&mut self, step: &str, exchange: &Exchange, wanted: &[u16]) -> bool {
        let good = exchange.status().is_some_and(|status| wanted.contains(&status));
        let words: Vec<String> = wanted.iter().map(u16::to_string).collect();
        self.note(step, exchange, &words.join(" or "), good);
        good
    }

    /// Notes that a credential is accepted, as its own subject.
    pub(crate) fn accepted(&mut self, step: &str, held: &Held) -> bool {
        let exchange = self.me(held);
        let good = exchange.status() == Some(200) && exchange.json()["subject"] == held.subject.as_str();
        self.note(step, &exchange, "200 with its own subject", good);
        good
    }

    /// Notes that a credential is refused.
    pub(crate) fn refused(&mut self, step: &str, held: &Held) -> bool {
        let exchange = self.me(held);
        self.status(step, &exchange, &[401])
    }

    pub(crate) fn case_sent(&mut self) {
        self.cases += 1;
    }

    /// What limits the verdict.
    pub(crate) fn limited(&mut self, why: &str) {
        if !self.reason.contains(why) {
            if !self.reason.is_empty() {
                self.reason.push_str("; ");
            }
            self.reason.push_str(why);
        }
    }

    /// Hands over what a check has noted, and moves the clock back.
    pub(crate) fn conclude(&mut self) -> (Vec<Evidence>, u64, String) {
        if std::mem::take(&mut self.moved) {
            // Were it refused, the next check that depends on it would say so.
            let _ = self.set_clock(0);
            self.moved = false;
            if let Ok(held) = self.fresh() {
                self.settle(&held);
            }
        }
        (
            std::mem::take(&mut self.evidence),
            std::mem::take(&mut self.cases),
            std::mem::take(&mut self.reason),
        )
    }

    /// How long after the end of a login its credential may work; at once where nothing is promised.
    pub(crate) fn lag(&self) -> Lag {
        self.target.promises.map_or(Lag::None, |promises| promises.revocation)
    }

    /// Whether it can end all logins of a user; assumed where nothing is promised.
    pub(crate) fn ends_all(&self) -> bool {
        self.target.promises.is_none_or(|promises| promises.ends_all)
    }

    /// A number that the server says about itself.
    pub(crate) fn described(&self, path: &str) -> Option<f64> {
        self.describe(path).as_f64()
    }

    /// What the server says about itself under a JSON pointer; `null` where it says nothing.
    pub(crate) fn describe(&self, path: &str) -> Value {
        self.target.describe.pointer(path).cloned().unwrap_or_default()
    }

    /// The control lets everyone in: there is nothing to check.
    pub(crate) fn needs_credential(&self) -> Checked {
        match self.kind {
            Kind::Bare => {
                does_not_apply("it checks no credential: it is the control that others are compared with")
            }
            Kind::Cookie | Kind::Token => Ok(()),
        }
    }

    /// Statements about cookies.
    pub(crate) fn needs_cookie(&self) -> Checked {
        self.needs_credential()?;
        match self.kind {
            Kind::Cookie => Ok(()),
            Kind::Bare | Kind::Token => {
                does_not_apply("its credential is a token in a header that no browser adds by itself")
            }
        }
    }

    /// Statements about tokens.
    pub(crate) fn needs_token(&self) -> Checked {
        self.needs_credential()?;
        match self.kind {
            Kind::Token => Ok(()),
            Kind::Bare | Kind::Cookie => {
                does_not_apply("its credential is an id that is looked up: nothing in it is read")
            }
        }
    }

    /// Statements about refresh tokens: a fresh login that has one.
    pub(crate) fn needs_refresh(&mut self) -> Checked<(Held, String)> {
        self.needs_credential()?;
        let held = self.fresh()?;
        match held.refresh.clone() {
            Some(refresh) => Ok((held, refresh)),
            None => does_not_apply("it hands out nothing that a credential could be renewed with"),
        }
    }
}

/// `POST /login`.
pub(crate) fn login_request(subject: &str, password: &str) -> Request {
    let body = format!(r#"{{"username":{},"password":{}}}"#, quoted(subject), quoted(password));
    Request::new("POST", "/login").content("application/json", body)
}

/// `POST /refresh` (RFC 6749 §6), or with the session that tokens are minted from.
pub(crate) fn refresh_request(token: &str) -> Request {
    if token.starts_with(COOKIE_LINE) {
        return Request::new("POST", "/refresh").header(token);
    }
    let body = format!("grant_type=refresh_token&refresh_token={token}");
    Request::new("POST", "/refresh").content("application/x-www-form-urlencoded", body)
}

/// The credentials in the answer to a login or a refresh.
pub(crate) fn held_of(subject: &str, exchange: &Exchange) -> Option<Held> {
    let answer = exchange.answers.first().filter(|answer| answer.status == 200)?;
    let body = exchange.json();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let id = answer.headers_of("set-cookie").find_map(|value| {
        let (name, rest) = value.split_once('=')?;
        (name == COOKIE).then(|| rest.split(';').next().unwrap_or_default().to_owned())
    });
    let access = text("access_token");
    let cookie = id.as_ref().map(|id| format!("{COOKIE_LINE}{COOKIE}={id}"));
    let subject = subject.to_owned();
    match access {
        // A session beside a token is what further tokens are minted from.
        Some(access) => {
            let line = format!("Authorization: Bearer {access}");
            Some(Held {
                subject,
                line,
                id: None,
                access: Some(access),
                refresh: text("refresh_token").or(cookie),
            })
        }
        None => Some(Held { subject, line: cookie?, id, access: None, refresh: text("refresh_token") }),
    }
}

/// One line of a provision: subject, device, header line, refresh token or `-`.
fn provisioned(line: &str) -> Option<Held> {
    let mut fields = line.split('\t');
    let (index, _device) = (fields.next()?.parse::<u32>().ok()?, fields.next()?);
    let (line, refresh) = (fields.next()?.to_owned(), fields.next()?);
    let id = line
        .strip_prefix("Cookie: ")
        .and_then(|pair| pair.strip_prefix(COOKIE)?.strip_prefix('='))
        .map(str::to_owned);
    let access = line.strip_prefix("Authorization: Bearer ").map(str::to_owned);
    let refresh = (refresh != "-").then(|| refresh.to_owned());
    Some(Held { subject: format!("u{index:08}"), line, id, access, refresh })
}
