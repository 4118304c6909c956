//! Carries out a schedule against a service: who is logged in, whose login was ended, and what each attempt got.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::task::JoinSet;

use super::schedule::{Due, FaultOperation};
use crate::drill::service::{Ask, Held, Reply, Service};

/// What an attempt got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Ok,
    Refused,
    Unavailable,
    Other,
    None,
}

/// One attempt. Times are nanoseconds of the service's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) operation: FaultOperation,
    pub(super) replica: usize,
    pub(super) subject: u32,
    pub(super) intended_ns: u64,
    pub(super) sent_ns: u64,
    pub(super) done_ns: u64,
    pub(super) status: u16,
    pub(super) retry_after: bool,
    /// `GET /me` named somebody else.
    pub(super) stranger: bool,
    /// When the end of this login was acknowledged.
    pub(super) ended_ns: Option<u64>,
}

impl Seen {
    pub(super) fn answer(&self) -> Answer {
        match self.status {
            0 => Answer::None,
            200..300 => Answer::Ok,
            400 | 401 | 403 => Answer::Refused,
            503 => Answer::Unavailable,
            _ => Answer::Other,
        }
    }

    pub(super) fn service_ns(&self) -> u64 {
        self.done_ns.saturating_sub(self.sent_ns)
    }
}

/// Somebody with a credential.
#[derive(Debug, Clone)]
struct Login {
    subject: u32,
    held: Held,
    /// The server that took it.
    home: usize,
    /// When its end was acknowledged.
    ended_ns: Option<u64>,
}

/// Somebody who renews: one renewal at a time, with what the last one gave.
#[derive(Debug)]
struct Renewing {
    subject: u32,
    home: usize,
    /// None once the service has refused it for good.
    token: RefCell<Option<String>>,
    busy: Cell<bool>,
}

/// Everybody, and the service.
#[derive(Debug)]
pub(super) struct People<S> {
    service: Rc<S>,
    /// A login is known only to the server that took it.
    node_local: bool,
    live: Vec<Login>,
    renewing: Vec<Renewing>,
    ended: RefCell<Vec<Rc<Login>>>,
    /// Logged in under the load, in the order they will log out.
    leaving: RefCell<VecDeque<Login>>,
    next: Cell<u32>,
    seen: RefCell<Vec<Seen>>,
}

/// How many there are of each at the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowd {
    pub(super) live: u32,
    pub(super) renewing: u32,
    pub(super) ended: u32,
}

impl<S: Service> People<S> {
    /// Logs everybody in, and those out whose logins are tried again later. The error says what did not work.
    pub(super) async fn gather(service: Rc<S>, node_local: bool, crowd: Crowd) -> Result<Self, String> {
        let mut people = Self {
            service,
            node_local,
            live: Vec::new(),
            renewing: Vec::new(),
            ended: RefCell::default(),
            leaving: RefCell::default(),
            next: Cell::new(0),
            seen: RefCell::default(),
        };
        for _ in 0..crowd.live {
            let login = people.enter().await?;
            people.live.push(login);
        }
        for _ in 0..crowd.renewing {
            let Login { subject, home, held, .. } = people.enter().await?;
            let Some(token) = held.refresh else { break };
            let (token, busy) = (RefCell::new(Some(token)), Cell::new(false));
            people.renewing.push(Renewing { subject, home, token, busy });
        }
        for _ in 0..crowd.ended {
            let login = people.enter().await?;
            let logout = Ask::Logout(&login.held.header, login.held.refresh.as_deref());
            let reply = people.service.ask(login.home, logout).await;
            // A design that cannot (501) has told its user so, and the login counts as ended from then on.
            if !reply.granted() && reply.status != 501 {
                return Err(format!("a logout before the load was answered {}", reply.status));
            }
            let ended_ns = Some(people.service.now_ns());
            people.ended.borrow_mut().push(Rc::new(Login { ended_ns, ..login }));
        }
        Ok(people)
    }

    async fn enter(&self) -> Result<Login, String> {
        let subject = self.next_subject();
        let home = subject as usize % self.service.replicas().max(1);
        let reply = self.service.ask(home, Ask::Login(subject)).await;
        let held =
            reply.held().ok_or_else(|| format!("a login before the load was answered {}", reply.status))?;
        Ok(Login { subject, held, home, ended_ns: None })
    }

    fn next_subject(&self) -> u32 {
        self.next.replace(self.next.get() + 1)
    }

    /// How many users are logged in throughout.
    pub(super) fn live(&self) -> u64 {
        self.live.len() as u64
    }

    /// Does everything when it falls due after `start_ns`, whatever was answered before, and returns what came of it.
    pub(super) async fn carry_out(self: &Rc<Self>, due: &[Due], start_ns: u64) -> Vec<Seen> {
        let mut running = JoinSet::new();
        for &one in due {
            let at_ns = start_ns + one.at_ns;
            self.service.sleep_until(at_ns).await;
            running.spawn_local(Rc::clone(self).one(one, at_ns));
            // What has ended is dropped as it goes.
            while running.try_join_next().is_some() {}
        }
        while running.join_next().await.is_some() {}
        let mut seen = self.seen.take();
        seen.sort_by_key(|one| (one.intended_ns, one.sent_ns));
        seen
    }

    async fn one(self: Rc<Self>, due: Due, intended_ns: u64) {
        match due.operation {
            FaultOperation::Request | FaultOperation::Write => self.request(due, intended_ns).await,
            FaultOperation::Login => self.login(due, intended_ns).await,
            FaultOperation::Logout => self.logout(due, intended_ns).await,
            FaultOperation::Refresh => self.renew(due, intended_ns).await,
            FaultOperation::Replay => self.replay(due, intended_ns).await,
            FaultOperation::Forgery => self.forge(due, intended_ns).await,
        }
    }

    fn at(&self, home: usize, due: Due) -> usize {
        if self.node_local { home } else { due.replica }
    }

    async fn asked(
        &self,
        (operation, replica, subject): (FaultOperation, usize, u32),
        intended_ns: u64,
        ended_ns: Option<u64>,
        ask: Ask<'_>,
    ) -> (Reply, u64) {
        let sent_ns = self.service.now_ns();
        let reply = self.service.ask(replica, ask).await;
        let done_ns = self.service.now_ns();
        let stranger = matches!(ask, Ask::Me(_)) && reply.granted() && !reply.names(subject);
        self.seen.borrow_mut().push(Seen {
            operation,
            replica,
            subject,
            intended_ns,
            sent_ns,
            done_ns,
            status: reply.status,
            retry_after: reply.retry_after,
            stranger,
            ended_ns,
        });
        (reply, done_ns)
    }

    async fn request(&self, due: Due, intended_ns: u64) {
        let Some(login) = chosen(&self.live, due.choice) else { return };
        let header = &login.held.header;
        let ask = if due.operation == FaultOperation::Write { Ask::Note(header) } else { Ask::Me(header) };
        let place = (due.operation, self.at(login.home, due), login.subject);
        self.asked(place, intended_ns, None, ask).await;
    }

    async fn login(&self, due: Due, intended_ns: u64) {
        let subject = self.next_subject();
        let place = (FaultOperation::Login, due.replica, subject);
        let (reply, _) = self.asked(place, intended_ns, None, Ask::Login(subject)).await;
        if let Some(held) = reply.held() {
            self.leaving.borrow_mut().push_back(Login { subject, held, home: due.replica, ended_ns: None });
        }
    }

    async fn logout(&self, due: Due, intended_ns: u64) {
        let Some(login) = self.leaving.borrow_mut().pop_front() else { return };
        let place = (FaultOperation::Logout, self.at(login.home, due), login.subject);
        let ask = Ask::Logout(&login.held.header, login.held.refresh.as_deref());
        let (reply, done_ns) = self.asked(place, intended_ns, None, ask).await;
        // Without an acknowledgement nobody knows whether it has ended: it is used no more.
        if reply.granted() || reply.status == 501 {
            self.ended.borrow_mut().push(Rc::new(Login { ended_ns: Some(done_ns), ..login }));
        }
    }

    async fn renew(&self, due: Due, intended_ns: u64) {
        let Some(one) = chosen(&self.renewing, due.choice) else { return };
        let Some(token) = one.token.borrow().clone().filter(|_| !one.busy.replace(true)) else { return };
        let place = (FaultOperation::Refresh, self.at(one.home, due), one.subject);
        let (reply, _) = self.asked(place, intended_ns, None, Ask::Refresh(&token)).await;
        if let Some(held) = reply.held() {
            *one.token.borrow_mut() = held.or_keep(&token).refresh;
        } else if reply.refused() {
            // Whoever is refused has to log in again.
            *one.token.borrow_mut() = None;
        }
        one.busy.set(false);
    }

    async fn replay(&self, due: Due, intended_ns: u64) {
        let login = {
            let ended = self.ended.borrow();
            let Some(login) = chosen(&ended, due.choice) else { return };
            Rc::clone(login)
        };
        let place = (FaultOperation::Replay, self.at(login.home, due), login.subject);
        self.asked(place, intended_ns, login.ended_ns, Ask::Me(&login.held.header)).await;
    }

    async fn forge(&self, due: Due, intended_ns: u64) {
        let Some(login) = chosen(&self.live, due.choice) else { return };
        let forged = forged(&login.held.header, due.choice);
        let place = (FaultOperation::Forgery, self.at(login.home, due), login.subject);
        self.asked(place, intended_ns, None, Ask::Me(&forged)).await;
    }
}

fn chosen<T>(all: &[T], choice: u32) -> Option<&T> {
    all.get((choice as usize).checked_rem(all.len())?)
}

/// The same header line but for one character of its last ones: of a random id, or of a signature. The very last one is
/// left alone: some of its bits mean nothing.
fn forged(header: &str, choice: u32) -> String {
    let mut bytes = header.as_bytes().to_vec();
    let back = 2 + choice as usize % 16;
    if let Some(byte) = bytes.len().checked_sub(back).and_then(|at| bytes.get_mut(at)) {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests;
