//! Replicas that are restarted one after the other while their users go on.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::task::JoinSet;

use super::record::Seen;
use super::service::{Ask, Service};

/// Before the first restart, while they go on, after the last; then the end.
pub(super) const PHASES: usize = 3;

/// What users do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Users {
    pub(super) count: u32,
    /// Between two requests of all of them, nanoseconds.
    pub(super) interval_ns: u64,
}

/// What users saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Went {
    /// By phase.
    pub(super) seen: [Seen; PHASES],
    /// Users who had logged in.
    pub(super) users: u64,
    /// Users who were refused by some replica once all was over.
    pub(super) logged_out: u64,
}

/// Users log in, then send requests on schedule until `phase` has passed the last, each to the replica whose turn it is.
/// One that takes no connection, or breaks it off, is passed over once.
pub(super) async fn go_on<S: Service>(
    service: Rc<S>,
    users: Users,
    phase: &AtomicU8,
    ready: &AtomicU8,
) -> Went {
    let replicas = service.replicas();
    let mut held = Vec::new();
    for user in 0..users.count {
        if let Some(own) = service.ask(user as usize % replicas, Ask::Login(user)).await.held() {
            held.push((user, own.header));
        }
    }
    ready.store(1, Ordering::Release);
    let held = Rc::new(held);
    let seen: Rc<RefCell<[Seen; PHASES]>> = Rc::default();
    let mut under_way = JoinSet::new();
    let mut next_ns = service.now_ns();
    for turn in 0_usize.. {
        service.sleep_until(next_ns).await;
        next_ns += users.interval_ns;
        let now = usize::from(phase.load(Ordering::Acquire));
        if now >= PHASES || held.is_empty() {
            break;
        }
        let (service, held, seen) = (Rc::clone(&service), Rc::clone(&held), Rc::clone(&seen));
        under_way.spawn_local(async move {
            let (user, header) = &held[turn % held.len()];
            let passed_over = Cell::new(false);
            let mut reply = service.ask(turn % replicas, Ask::Me(header)).await;
            if reply.status == 0 {
                passed_over.set(true);
                reply = service.ask((turn + 1) % replicas, Ask::Me(header)).await;
            }
            let seen = &mut seen.borrow_mut()[now];
            seen.requests += 1;
            seen.passed_over += u64::from(passed_over.get());
            if reply.names(*user) {
                seen.accepted += 1;
            } else if reply.refused() {
                seen.refused += 1;
            } else if reply.status == 0 {
                seen.failed += 1;
            } else {
                seen.unavailable += 1;
            }
        });
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
    let mut logged_out = 0;
    for (user, header) in held.iter() {
        let mut out = false;
        for replica in 0..replicas {
            // A kept connection of before the restart fails once.
            let mut reply = service.ask(replica, Ask::Me(header)).await;
            if reply.status == 0 {
                reply = service.ask(replica, Ask::Me(header)).await;
            }
            out |= !reply.names(*user);
        }
        logged_out += u64::from(out);
    }
    let seen = *seen.borrow();
    Went { seen, users: held.len() as u64, logged_out }
}
