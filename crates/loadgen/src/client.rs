//! The client of the HTTP contract: requests prebuilt per operation, credential bytes copied in place, answers turned
//! into credentials held and facts.

use scenario::wire::{self, PASSWORD_TEXT};
use scenario::{Operation, Step};

use crate::jar::CredentialJar;
use crate::jar::order::Order;
use crate::observation::{Answer, CredentialFact, Identity};
use crate::transport::target::Target;
use crate::work::{Admission, Facts, Outcome, Response, Times, Work};
use issued::Issued;

pub(crate) mod issued;

/// The fixed parts of the requests.
#[derive(Debug)]
struct Templates {
    me: Vec<u8>,
    note: Vec<u8>,
    logout: Vec<u8>,
    logout_all: Vec<u8>,
    login: Vec<u8>,
    refresh: Vec<u8>,
    mint: Vec<u8>,
    password: Vec<u8>,
}

/// How a cookie begins that takes the place of a refresh token.
const COOKIE_LINE: &[u8] = b"Cookie: ";

impl Templates {
    fn new(target: &Target) -> Self {
        let host = &target.host;
        let get = |path| format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n").into_bytes();
        // What a browser adds to an unsafe request from the site's own page: servers check it against CSRF.
        let origin = format!("Origin: {}://{host}\r\nSec-Fetch-Site: same-origin\r\n", target.scheme());
        let post =
            |path, rest: &str| format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{origin}{rest}").into_bytes();
        let json = "Content-Type: application/json\r\n";
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let empty = "Content-Length: 0\r\n";
        Self {
            me: get(wire::ME),
            note: post(wire::NOTE, empty),
            logout: post(wire::LOGOUT, empty),
            logout_all: post(wire::LOGOUT_ALL, empty),
            login: post(wire::LOGIN, json),
            refresh: post(wire::REFRESH, form),
            mint: post(wire::REFRESH, empty),
            password: post(wire::PASSWORD, json),
        }
    }
}

/// What is remembered from sending to the answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    fact: CredentialFact,
    events: u8,
    issuer: Option<u8>,
}

impl Default for Ticket {
    fn default() -> Self {
        Self { fact: CredentialFact::None, events: 0, issuer: None }
    }
}

/// A drive of the HTTP contract.
#[derive(Debug)]
pub(crate) struct Client<'j> {
    jar: &'j mut CredentialJar,
    order: Order,
    templates: Templates,
    body: Vec<u8>,
}

impl<'j> Client<'j> {
    pub(crate) fn new(target: &Target, jar: &'j mut CredentialJar) -> Self {
        jar.rebase();
        let slots = jar.subjects() as usize * usize::from(jar.devices());
        Self {
            jar,
            order: Order::new(slots),
            templates: Templates::new(target),
            body: Vec::with_capacity(256),
        }
    }

    /// What a step that has its turn needs; what it will end is marked from here on.
    fn admit_in_turn(&mut self, step: &Step) -> Admission {
        let Step { subject, device, operation, .. } = *step;
        let able = match operation {
            Operation::Login => true,
            Operation::Replay => self.jar.stolen(subject, device).is_some(),
            _ => self.jar.holds(subject, device),
        };
        let skipped = able && operation == Operation::Refresh && self.jar.refresh(subject, device).is_empty();
        if !able || skipped {
            self.leave(step);
            return if skipped { Admission::Skip } else { Admission::NothingHeld };
        }
        match operation {
            Operation::Logout => self.jar.set_ending(subject, device, true),
            Operation::LogoutAll | Operation::PasswordChange => self.jar.begin_event(subject),
            _ => {}
        }
        Admission::Send
    }

    fn leave(&mut self, step: &Step) {
        self.order.leave(self.jar.index(step.subject, step.device), step.operation);
    }

    /// The credential of a login or a renewal, kept. False when the answer brings none that can be used.
    fn keep(&mut self, step: &Step, ticket: Ticket, replica: u8, response: Response<'_>) -> bool {
        let Some(issued) = Issued::read(response) else { return false };
        let (header, refresh) = (issued.header.as_bytes(), issued.refresh.as_deref().map(str::as_bytes));
        let Step { subject, device, .. } = *step;
        let kept = if step.operation == Operation::Login {
            self.jar.log_in(subject, device, header, refresh, (ticket.events, replica))
        } else {
            self.jar.renew(subject, device, header, refresh)
        };
        kept.is_ok()
    }

    /// What an answer does to what is held. `None`: the answer breaks the contract.
    fn take_response(
        &mut self,
        step: &Step,
        ticket: Ticket,
        times: Times,
        response: Response<'_>,
    ) -> Option<Identity> {
        let Step { subject, device, operation, .. } = *step;
        let Times { done_ns, replica, .. } = times;
        let accepted = (200..300).contains(&response.status);
        match (operation, accepted) {
            (Operation::Request | Operation::Replay, true) => {
                let identity = self.jar.identify(subject, response.body);
                if operation == Operation::Request && response.sets_cookie {
                    self.keep(step, ticket, replica, response);
                }
                return Some(identity);
            }
            (Operation::Write, true) if response.sets_cookie => {
                self.keep(step, ticket, replica, response);
            }
            (Operation::Login | Operation::Refresh, true) if !self.keep(step, ticket, replica, response) => {
                self.jar.drop_held(subject, device);
                return None;
            }
            // A refusal of the login or of the refresh token is final; a failure of the server is not.
            (Operation::Login, false) => self.jar.drop_held(subject, device),
            (Operation::Refresh, false) if response.status < 500 => self.jar.drop_held(subject, device),
            (Operation::Logout, true) => self.jar.log_out(subject, device, done_ns),
            (Operation::Logout, false) => self.jar.set_ending(subject, device, false),
            (Operation::LogoutAll, true) => self.jar.log_out_all(subject, device, done_ns),
            // The user pressed the button and was told that it does nothing: what goes on working is on the record.
            (Operation::LogoutAll, false) if response.status == 501 => {
                self.jar.log_out_all(subject, device, done_ns);
            }
            (Operation::PasswordChange, true) => self.jar.change_password(subject, device, done_ns),
            (Operation::LogoutAll | Operation::PasswordChange, false) => self.jar.cancel_event(subject),
            _ => {}
        }
        Some(Identity::Absent)
    }

    /// A request was sent and its answer is unknown: so is what it did. Marks set when it was admitted stay.
    fn take_silence(&mut self, step: &Step) {
        let Step { subject, device, operation, .. } = *step;
        match operation {
            Operation::Login | Operation::Logout | Operation::LogoutAll => {
                self.jar.drop_held(subject, device);
            }
            Operation::Refresh => self.jar.mark_unclear(subject, device),
            Operation::Request | Operation::Write | Operation::Replay | Operation::PasswordChange => {}
        }
    }

    /// It was never sent: nothing happened.
    fn take_back(&mut self, step: &Step) {
        let Step { subject, device, operation, .. } = *step;
        match operation {
            Operation::Logout => self.jar.set_ending(subject, device, false),
            Operation::LogoutAll | Operation::PasswordChange => self.jar.cancel_event(subject),
            Operation::Login => self.jar.drop_held(subject, device),
            Operation::Refresh | Operation::Request | Operation::Write | Operation::Replay => {}
        }
    }
}

impl Work for Client<'_> {
    type Ticket = Ticket;
    const KEEPS_BODIES: bool = true;

    fn admit(&mut self, step: &Step) -> Admission {
        if !self.jar.contains(step.subject, step.device) {
            return Admission::NothingHeld;
        }
        if self.order.enter(self.jar.index(step.subject, step.device), step) {
            self.admit_in_turn(step)
        } else {
            Admission::Wait
        }
    }

    fn write(&mut self, step: &Step, out: &mut Vec<u8>) -> Ticket {
        let Step { subject, device, operation, .. } = *step;
        let jar = &*self.jar;
        let templates = &self.templates;
        let mut fact = CredentialFact::None;
        let plain = match operation {
            Operation::Request => &templates.me,
            Operation::Write => &templates.note,
            Operation::Logout => &templates.logout,
            Operation::LogoutAll => &templates.logout_all,
            Operation::Replay => {
                out.extend_from_slice(&templates.me);
                let (header, known) = jar.stolen(subject, device).unwrap_or((&[], CredentialFact::None));
                out.extend_from_slice(header);
                out.extend_from_slice(b"\r\n\r\n");
                return Ticket {
                    fact: known,
                    events: jar.events(subject),
                    issuer: jar.stolen_issuer(subject, device),
                };
            }
            Operation::Login | Operation::Refresh | Operation::PasswordChange => {
                let prefix = match operation {
                    Operation::Login => &templates.login,
                    Operation::Refresh => &templates.refresh,
                    _ => &templates.password,
                };
                let renewed_by = jar.refresh(subject, device);
                if operation == Operation::Refresh && renewed_by.starts_with(COOKIE_LINE) {
                    out.extend_from_slice(&templates.mint);
                    out.extend_from_slice(renewed_by);
                    out.extend_from_slice(b"\r\n\r\n");
                    return Ticket {
                        fact: self.known_before_own(step),
                        events: self.jar.events(subject),
                        issuer: Some(self.jar.issuer(subject, device)),
                    };
                }
                out.extend_from_slice(prefix);
                self.body.clear();
                write_body(&mut self.body, jar, step);
                out.extend_from_slice(b"Content-Length: ");
                write_number(out, self.body.len());
                out.extend_from_slice(b"\r\n");
                if operation == Operation::PasswordChange {
                    out.extend_from_slice(jar.header(subject, device));
                    out.extend_from_slice(b"\r\n");
                }
                if operation != Operation::Login {
                    fact = self.known_before_own(step);
                }
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(&self.body);
                let issuer = (operation != Operation::Login).then(|| self.jar.issuer(subject, device));
                return Ticket { fact, events: self.jar.events(subject), issuer };
            }
        };
        out.extend_from_slice(plain);
        out.extend_from_slice(jar.header(subject, device));
        out.extend_from_slice(b"\r\n\r\n");
        fact = self.known_before_own(step);
        let issuer = Some(self.jar.issuer(subject, device));
        Ticket { fact, events: self.jar.events(subject), issuer }
    }

    fn finish(&mut self, step: &Step, ticket: Option<Ticket>, times: Times, outcome: Outcome<'_>) -> Facts {
        let fact = match ticket {
            Some(ticket) => self.known_at_end(step, ticket),
            None => CredentialFact::None,
        };
        let answer = match (outcome, ticket) {
            (Outcome::Response(response), Some(ticket)) => {
                match self.take_response(step, ticket, times, response) {
                    Some(identity) => Answer::Response { status: response.status, identity },
                    None => Answer::Malformed,
                }
            }
            (Outcome::Response(response), None) => {
                Answer::Response { status: response.status, identity: Identity::Absent }
            }
            (Outcome::Failed(answer), Some(_)) => {
                self.take_silence(step);
                answer
            }
            (Outcome::Failed(answer), None) => {
                self.take_back(step);
                answer
            }
        };
        self.leave(step);
        Facts { answer, credential: fact, issuer: ticket.and_then(|ticket| ticket.issuer) }
    }

    fn released(&mut self) -> Option<(Step, Admission)> {
        let step = self.order.released()?;
        let admission = self.admit_in_turn(&step);
        Some((step, admission))
    }
}

impl Client<'_> {
    /// What is known of the credential that a step sends, apart from what the step itself is about to do.
    #[inline]
    fn known_before_own(&self, step: &Step) -> CredentialFact {
        let own_mark =
            matches!(step.operation, Operation::Logout | Operation::LogoutAll | Operation::PasswordChange);
        if own_mark {
            self.jar.fact_without_own(step.subject, step.device, step.operation == Operation::Logout)
        } else {
            self.jar.fact(step.subject, step.device)
        }
    }

    /// The fact of the send, unless something that ends the credential was sent while the answer was under way: then
    /// the server may have seen it first, and either answer is right.
    #[inline]
    fn known_at_end(&self, step: &Step, ticket: Ticket) -> CredentialFact {
        let passed = self.jar.events(step.subject) != ticket.events;
        match ticket.fact {
            CredentialFact::Held if passed => CredentialFact::Ending,
            CredentialFact::Held if step.operation != Operation::Replay => {
                match self.known_before_own(step) {
                    CredentialFact::Held => CredentialFact::Held,
                    _ => CredentialFact::Ending,
                }
            }
            CredentialFact::Held => match self.jar.stolen(step.subject, step.device) {
                Some((_, CredentialFact::Held)) => CredentialFact::Held,
                _ => CredentialFact::Ending,
            },
            fact => fact,
        }
    }
}

/// The body of a login, refresh or password change.
fn write_body(body: &mut Vec<u8>, jar: &CredentialJar, step: &Step) {
    match step.operation {
        Operation::Refresh => {
            body.extend_from_slice(b"grant_type=refresh_token&refresh_token=");
            write_form_value(body, jar.refresh(step.subject, step.device));
        }
        Operation::PasswordChange => {
            let changes = jar.password_changes(step.subject);
            body.extend_from_slice(br#"{"current":""#);
            write_password(body, changes);
            body.extend_from_slice(br#"","new":""#);
            write_password(body, changes.wrapping_add(1));
            body.extend_from_slice(br#""}"#);
        }
        _ => {
            body.extend_from_slice(br#"{"username":""#);
            body.extend_from_slice(&wire::subject_name(step.subject));
            body.extend_from_slice(br#"","password":""#);
            write_password(body, jar.password_changes(step.subject));
            body.extend_from_slice(br#""}"#);
        }
    }
}

/// The password after so many changes: [`PASSWORD_TEXT`], then with a number behind it.
fn write_password(out: &mut Vec<u8>, changes: u16) {
    out.extend_from_slice(PASSWORD_TEXT.as_bytes());
    if changes > 0 {
        out.push(b'-');
        write_number(out, usize::from(changes));
    }
}

fn write_number(out: &mut Vec<u8>, number: usize) {
    let start = out.len();
    let mut rest = number;
    loop {
        out.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out[start..].reverse();
}

/// Percent-encodes all but unreserved characters (RFC 3986 §2.3).
fn write_form_value(out: &mut Vec<u8>, value: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
}
