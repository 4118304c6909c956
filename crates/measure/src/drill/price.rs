//! What rotation of refresh tokens costs: honest owners with two tabs and lost answers, and thieves some generations behind.

use std::cell::Cell;
use std::rc::Rc;

use tokio::task::JoinSet;

use super::service::{Ask, Held, Reply, Service};

/// Subjects that refresh at the same time.
pub(super) const AT_ONCE: u32 = 100;
/// How many generations a stolen refresh token is behind.
pub(super) const GENERATIONS: [u32; 3] = [0, 1, 2];
/// Waited beyond a grace window, so that it is surely over, nanoseconds.
const BEYOND_NS: u64 = 50_000_000;

/// How long one age of a stolen token takes, requests apart, milliseconds.
pub(super) const fn theft_ms(grace_ns: u64) -> u64 {
    2 * (grace_ns + BEYOND_NS) / 1_000_000
}

/// How a client refreshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    /// One after the other.
    Plain,
    /// Two tabs with the same token at the same time, at different replicas.
    TwoTabs,
    /// The answer is lost; the client tries again with the token it still has.
    LostResponse {
        /// After so long, nanoseconds.
        retry_after_ns: u64,
    },
}

impl Habit {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::TwoTabs => "two-tabs",
            Self::LostResponse { .. } => "lost-response",
        }
    }

    pub(super) fn retry_after_ns(self) -> u64 {
        match self {
            Self::LostResponse { retry_after_ns } => retry_after_ns,
            Self::Plain | Self::TwoTabs => 0,
        }
    }
}

/// What refreshing came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Price {
    pub(super) refreshes: u64,
    pub(super) refused: u64,
    pub(super) forced: u64,
}

/// `count` refreshes by a habit, spread over subjects from `first` on.
pub(super) async fn price<S: Service>(service: &Rc<S>, habit: Habit, count: u32, first: u32) -> Price {
    let left = Rc::new(Cell::new(count));
    let mut owners = JoinSet::new();
    for subject in first..first + AT_ONCE.min(count) {
        owners.spawn_local(owner(Rc::clone(service), habit, subject, Rc::clone(&left)));
    }
    let mut sum = Price::default();
    while let Some(one) = owners.join_next().await {
        let one = one.unwrap_or_default();
        sum.refreshes += one.refreshes;
        sum.refused += one.refused;
        sum.forced += one.forced;
    }
    sum
}

async fn owner<S: Service>(service: Rc<S>, habit: Habit, subject: u32, left: Rc<Cell<u32>>) -> Price {
    let mut price = Price::default();
    let mut held: Option<Held> = None;
    for turn in 0_usize.. {
        if left.get() == 0 {
            return price;
        }
        left.set(left.get() - 1);
        let replica = (subject as usize + turn) % service.replicas();
        let token = match held.take().and_then(|held| held.refresh) {
            Some(token) => token,
            None => {
                match service.ask(replica, Ask::Login(subject)).await.held().and_then(|held| held.refresh) {
                    Some(token) => token,
                    None => return price,
                }
            }
        };
        price.refreshes += 1;
        let next = replica + 1;
        let answers: Vec<Reply> = match habit {
            Habit::Plain => vec![service.ask(replica, Ask::Refresh(&token)).await],
            Habit::TwoTabs => {
                let (one, other) = tokio::join!(
                    service.ask(replica, Ask::Refresh(&token)),
                    service.ask(next % service.replicas(), Ask::Refresh(&token))
                );
                vec![one, other]
            }
            Habit::LostResponse { retry_after_ns } => {
                drop(service.ask(replica, Ask::Refresh(&token)).await);
                service.sleep_until(service.now_ns() + retry_after_ns).await;
                vec![service.ask(next % service.replicas(), Ask::Refresh(&token)).await]
            }
        };
        price.refused += answers.iter().filter(|answer| answer.refused()).count() as u64;
        held = answers.iter().find_map(Reply::held).map(|held| held.or_keep(&token));
        price.forced += u64::from(held.is_none());
    }
    price
}

/// What thefts came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Thefts {
    pub(super) thefts: u64,
    pub(super) granted: u64,
    pub(super) alarms: u64,
}

/// How a stolen refresh token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Theft {
    /// How often its owner has exchanged it since.
    pub(super) generations: u32,
    /// Grace window in force, nanoseconds.
    pub(super) grace_ns: u64,
    /// At once, while the window is open; otherwise when it is over.
    pub(super) within_grace: bool,
}

/// `count` thieves who present a token that way.
pub(super) async fn thefts<S: Service>(service: &Rc<S>, how: Theft, count: u32, first: u32) -> Thefts {
    let mut running = JoinSet::new();
    for subject in first..first + count {
        running.spawn_local(theft(Rc::clone(service), how, subject));
    }
    let mut sum = Thefts::default();
    while let Some(one) = running.join_next().await {
        let Some((granted, alarm)) = one.ok().flatten() else { continue };
        sum.thefts += 1;
        sum.granted += u64::from(granted);
        sum.alarms += u64::from(alarm);
    }
    sum
}

/// Whether the thief got a working token, and whether the owner was refused afterwards.
async fn theft<S: Service>(service: Rc<S>, how: Theft, subject: u32) -> Option<(bool, bool)> {
    let replica = |turn: u32| (subject + turn) as usize % service.replicas();
    let over = || service.now_ns() + how.grace_ns + BEYOND_NS;
    let stolen = service.ask(replica(0), Ask::Login(subject)).await.held()?.refresh?;
    let mut owned = stolen.clone();
    for turn in 0..how.generations {
        owned = service.ask(replica(turn), Ask::Refresh(&owned)).await.held()?.or_keep(&owned).refresh?;
    }
    if !how.within_grace {
        service.sleep_until(over()).await;
    }
    let granted = service.ask(replica(1), Ask::Refresh(&stolen)).await.held().is_some();
    service.sleep_until(over()).await;
    let alarm = service.ask(replica(2), Ask::Refresh(&owned)).await.refused();
    Some((granted, alarm))
}
