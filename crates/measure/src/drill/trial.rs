//! One trial: a subject logs in, a thief copies the credential and uses it at every replica, something ends it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::plan::{DrillEvent, Thief};
use super::service::{Ask, Held, Service};
use super::survival::{Replay, Trial};

/// Between two requests of the owner, nanoseconds.
const OWNER_EVERY_NS: u64 = 250_000_000;
/// Of an access credential's lifetime, when its holder renews it, if it can be renewed.
const RENEW_AT: f64 = 0.6;
/// How long replays go on once nothing can be valid any more, nanoseconds.
pub(super) const MARGIN_NS: u64 = 300_000_000;

/// What all trials of a cell have in common. Times are nanoseconds.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) event: DrillEvent,
    pub(super) thief: Thief,
    /// Configured life of an access credential.
    pub(super) lifetime_ns: u64,
    /// Added to it by the server.
    pub(super) leeway_ns: u64,
    /// Between two replays of one token at one replica.
    pub(super) interval_ns: u64,
    /// Only the replica that took a login knows it: the owner stays there, as behind a sticky balancer.
    pub(super) node_local: bool,
    /// How long replays go on after the end at most; absent: as long as the credential may live.
    pub(super) replay_for_ns: Option<u64>,
}

/// When one trial does what. Times are nanoseconds since the drill began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub(super) start_ns: u64,
    pub(super) event_ns: u64,
    /// First replay after the theft, less than the interval.
    pub(super) phase_ns: u64,
}

/// When the signing keys were rotated on all replicas, for the trials that wait for it: time and whether it was done.
pub(super) type Rotation = watch::Receiver<Option<(u64, bool)>>;

/// What the parties of one trial share.
struct Shared<S> {
    service: Rc<S>,
    script: Rc<Script>,
    subject: u32,
    stolen: RefCell<Held>,
    owned: RefCell<Held>,
    /// Replays end here.
    end_ns: Cell<u64>,
    /// The owner has ended the login, or lost it.
    over: Cell<bool>,
    alarm_ns: Cell<Option<u64>>,
    forced: Cell<bool>,
    replays: RefCell<Vec<Vec<Replay>>>,
}

/// Carries out one trial. `None`: the subject could not log in.
pub(super) async fn trial<S: Service>(
    service: Rc<S>,
    script: Rc<Script>,
    subject: u32,
    timing: Timing,
    rotation: Option<Rotation>,
) -> Option<Trial> {
    let replicas = service.replicas();
    service.sleep_until(timing.start_ns).await;
    let home = subject as usize % replicas;
    let held = service.ask(home, Ask::Login(subject)).await.held()?;
    let issued_ns = service.now_ns();
    // The owner's other device, behind a balancer that sends it elsewhere.
    let away = (home + 1) % replicas;
    let other = service.ask(away, Ask::Login(subject)).await.held()?;
    let stolen = match script.thief {
        Thief::Access => Held { refresh: None, ..held.clone() },
        Thief::Refresh => Held { header: String::new(), ..held.clone() },
        Thief::Both => held.clone(),
    };
    let shared = Rc::new(Shared {
        service: Rc::clone(&service),
        script: Rc::clone(&script),
        subject,
        stolen: RefCell::new(stolen),
        owned: RefCell::new(held),
        end_ns: Cell::new(u64::MAX),
        over: Cell::new(false),
        alarm_ns: Cell::new(None),
        forced: Cell::new(false),
        replays: RefCell::new(vec![Vec::new(); replicas]),
    });
    let mut parties = JoinSet::new();
    parties.spawn_local(Rc::clone(&shared).thief_renews());
    for replica in 0..replicas {
        let spread = script.interval_ns * replica as u64 / replicas as u64;
        let first_ns = service.now_ns() + (timing.phase_ns + spread) % script.interval_ns.max(1);
        parties.spawn_local(Rc::clone(&shared).replays(replica, first_ns));
    }
    parties.spawn_local(Rc::clone(&shared).owner(home, issued_ns));
    let (acknowledged_ns, cannot) =
        shared.event(timing, &other.header, (home, away), issued_ns, rotation).await;
    if script.event != DrillEvent::Reuse {
        shared.over.set(true);
    }
    let life_ns = script.lifetime_ns + script.leeway_ns;
    let ended_ns = acknowledged_ns.unwrap_or_else(|| service.now_ns());
    let more_ns = match script.event {
        DrillEvent::Expiry => 0,
        _ => script.replay_for_ns.map_or(life_ns, |most| most.min(life_ns)),
    };
    shared.end_ns.set(ended_ns + more_ns + MARGIN_NS);
    while parties.join_next().await.is_some() {}
    // A refusal after which the other party was still served was taken for a retry: nothing had been noticed.
    let acknowledged_ns = match script.event {
        DrillEvent::Reuse => acknowledged_ns.filter(|_| shared.alarm_ns.get().is_some()),
        _ => acknowledged_ns,
    };
    let early =
        |alarm_ns: u64| script.event == DrillEvent::Reuse || acknowledged_ns.is_none_or(|at| alarm_ns < at);
    Some(Trial {
        acknowledged_ns,
        cannot,
        replays: shared.replays.take(),
        stolen_ns: issued_ns,
        alarm_ns: shared.alarm_ns.get().filter(|&at| early(at)),
        forced: shared.forced.get(),
    })
}

impl<S: Service> Shared<S> {
    /// Ends the credential, or waits until it has ended. When that was acknowledged, and whether the design cannot.
    async fn event(
        self: &Rc<Self>,
        timing: Timing,
        other: &str,
        (home, away): (usize, usize),
        issued_ns: u64,
        rotation: Option<Rotation>,
    ) -> (Option<u64>, bool) {
        let (service, script) = (&self.service, &self.script);
        let life_ns = script.lifetime_ns + script.leeway_ns;
        match script.event {
            DrillEvent::Expiry => {
                let expires_ns = issued_ns + life_ns;
                service.sleep_until(expires_ns).await;
                return (Some(expires_ns), false);
            }
            DrillEvent::Reuse => {
                let until_ns = issued_ns + 2 * script.lifetime_ns;
                while self.alarm_ns.get().is_none() && service.now_ns() < until_ns {
                    service.sleep_until(service.now_ns() + 5_000_000).await;
                }
                self.over.set(true);
                return (self.alarm_ns.get(), false);
            }
            DrillEvent::KeyRotation => {
                let Some(mut rotation) = rotation else { return (None, false) };
                let rotated = rotation.wait_for(Option::is_some).await.ok().and_then(|seen| *seen);
                return rotated.map_or((None, false), |(at_ns, done)| (Some(at_ns), !done));
            }
            _ => service.sleep_until(timing.event_ns).await,
        }
        let owned = self.owned.borrow().clone();
        let reply = match script.event {
            DrillEvent::Logout => {
                let replica = if script.node_local { home } else { away };
                service.ask(replica, Ask::Logout(&owned.header, owned.refresh.as_deref())).await
            }
            DrillEvent::LogoutAll => service.ask(away, Ask::LogoutAll(other)).await,
            DrillEvent::PasswordChange => service.ask(away, Ask::Password(other)).await,
            _ => service.ask(0, Ask::Disable(self.subject)).await,
        };
        let cannot = reply.status == 501;
        ((reply.granted() || cannot).then(|| service.now_ns()), cannot)
    }

    /// Uses what was stolen at one replica, on schedule, whether or not answers come.
    async fn replays(self: Rc<Self>, replica: usize, first_ns: u64) {
        let mut under_way = JoinSet::new();
        let mut next_ns = first_ns;
        loop {
            self.service.sleep_until(next_ns).await;
            if next_ns >= self.end_ns.get() {
                break;
            }
            let header = self.stolen.borrow().header.clone();
            if !header.is_empty() {
                under_way.spawn_local(Rc::clone(&self).replay(replica, header, next_ns));
            }
            next_ns += self.script.interval_ns;
        }
        while under_way.join_next().await.is_some() {}
    }

    async fn replay(self: Rc<Self>, replica: usize, header: String, intended_ns: u64) {
        let sent_ns = self.service.now_ns();
        let reply = self.service.ask(replica, Ask::Me(&header)).await;
        let accepted = reply.names(self.subject);
        self.replays.borrow_mut()[replica].push(Replay { intended_ns, sent_ns, accepted });
    }

    /// A thief with a refresh token keeps a credential of their own alive for as long as that is possible.
    async fn thief_renews(self: Rc<Self>) {
        let every_ns = (self.script.lifetime_ns as f64 * RENEW_AT) as u64;
        let first_ns = match self.script.thief {
            Thief::Access => return,
            Thief::Refresh => OWNER_EVERY_NS / 2,
            Thief::Both => every_ns * 2 / 3,
        };
        let mut next_ns = self.service.now_ns() + first_ns;
        loop {
            self.service.sleep_until(next_ns.min(self.end_ns.get())).await;
            let token = self.stolen.borrow().refresh.clone();
            let Some(token) = token.filter(|_| next_ns < self.end_ns.get()) else { return };
            let replica = self.subject as usize % self.service.replicas();
            let sent_ns = self.service.now_ns();
            let reply = self.service.ask(replica, Ask::Refresh(&token)).await;
            if let Some(held) = reply.held() {
                *self.stolen.borrow_mut() = held.or_keep(&token);
                self.served(sent_ns);
            } else if reply.refused() {
                self.stolen.borrow_mut().refresh = None;
                self.raise();
            }
            next_ns += every_ns;
        }
    }

    /// The owner goes on until the login is over: requests, and renewals where there is something to renew.
    async fn owner(self: Rc<Self>, home: usize, issued_ns: u64) {
        let every_ns = (self.script.lifetime_ns as f64 * RENEW_AT) as u64;
        let (mut next_ns, mut renew_ns) = (issued_ns + OWNER_EVERY_NS, issued_ns + every_ns);
        for turn in 0_usize.. {
            self.service.sleep_until(next_ns.min(self.end_ns.get())).await;
            if self.over.get() {
                return;
            }
            let replica = if self.script.node_local { home } else { turn % self.service.replicas() };
            let owned = self.owned.borrow().clone();
            match owned.refresh.as_deref().filter(|_| self.service.now_ns() >= renew_ns) {
                Some(token) => {
                    let sent_ns = self.service.now_ns();
                    let reply = self.service.ask(replica, Ask::Refresh(token)).await;
                    if let Some(held) = reply.held() {
                        *self.owned.borrow_mut() = held.or_keep(token);
                        self.served(sent_ns);
                    } else if reply.refused() && !self.over.get() {
                        self.forced.set(true);
                        self.raise();
                        return;
                    }
                    renew_ns += every_ns;
                }
                None => drop(self.service.ask(replica, Ask::Me(&owned.header)).await),
            }
            next_ns += OWNER_EVERY_NS;
        }
    }

    /// A refresh that was sent then was granted: whoever was refused before it was not taken for a thief.
    fn served(&self, sent_ns: u64) {
        if self.alarm_ns.get().is_some_and(|alarm_ns| alarm_ns < sent_ns) {
            self.alarm_ns.set(None);
        }
    }

    /// A refresh was refused: if nothing had been ended by then, the design has noticed two holders.
    fn raise(&self) {
        if self.alarm_ns.get().is_none() {
            self.alarm_ns.set(Some(self.service.now_ns()));
        }
    }
}
