//! Logout against slow writers: does a write that was under way bring an ended login back?

use std::cell::Cell;
use std::rc::Rc;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tokio::task::JoinSet;

use super::service::{Ask, Service};

/// Subjects that log out at the same time.
pub(super) const AT_ONCE: u32 = 64;

/// How logouts are raced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Race {
    pub(super) logouts: u32,
    pub(super) writers: u32,
    /// A logout is sent at a random moment of this length after its writers, nanoseconds.
    pub(super) spread_ns: u64,
    /// Only the replica that took a login knows it.
    pub(super) node_local: bool,
    pub(super) seed: u64,
    /// First subject.
    pub(super) first: u32,
}

/// What racing came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Raced {
    pub(super) logouts: u64,
    pub(super) refused: u64,
    pub(super) writes: u64,
    pub(super) revived: u64,
}

/// Races.
pub(super) async fn race<S: Service>(service: &Rc<S>, race: Race) -> Raced {
    let left = Rc::new(Cell::new(race.logouts));
    let mut owners = JoinSet::new();
    for subject in race.first..race.first + AT_ONCE.min(race.logouts) {
        owners.spawn_local(owner(Rc::clone(service), race, subject, Rc::clone(&left)));
    }
    let mut sum = Raced::default();
    while let Some(one) = owners.join_next().await {
        let one = one.unwrap_or_default();
        sum.logouts += one.logouts;
        sum.refused += one.refused;
        sum.writes += one.writes;
        sum.revived += one.revived;
    }
    sum
}

async fn owner<S: Service>(service: Rc<S>, race: Race, subject: u32, left: Rc<Cell<u32>>) -> Raced {
    let mut raced = Raced::default();
    let mut random = ChaCha8Rng::seed_from_u64(race.seed);
    random.set_stream(u64::from(subject));
    let replicas = service.replicas();
    let home = subject as usize % replicas;
    while left.get() > 0 {
        left.set(left.get() - 1);
        let Some(held) = service.ask(home, Ask::Login(subject)).await.held() else {
            raced.refused += 1;
            continue;
        };
        let mut writers = JoinSet::new();
        for writer in 0..race.writers {
            let replica = if race.node_local { home } else { (home + writer as usize) % replicas };
            let (service, header) = (Rc::clone(&service), held.header.clone());
            writers.spawn_local(async move { service.ask(replica, Ask::Note(&header)).await.granted() });
        }
        let wait_ns = random.next_u64() % race.spread_ns.max(1);
        service.sleep_until(service.now_ns() + wait_ns).await;
        let replica = if race.node_local { home } else { (home + 1) % replicas };
        let logout = service.ask(replica, Ask::Logout(&held.header, held.refresh.as_deref())).await;
        while let Some(written) = writers.join_next().await {
            raced.writes += u64::from(written.unwrap_or(false));
        }
        if !logout.granted() {
            raced.refused += 1;
            continue;
        }
        raced.logouts += 1;
        let mut lives = false;
        for replica in 0..replicas {
            lives |= service.ask(replica, Ask::Me(&held.header)).await.names(subject);
        }
        raced.revived += u64::from(lives);
    }
    raced
}
