//! Cells against a fake service under paused time: exact, whatever the machine does.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use scenario::backend::StoreDown;
use scenario::wire;
use tokio::runtime::{Builder, LocalOptions};
use tokio::time::{Instant, sleep, sleep_until};

use super::super::service::Reply;
use super::*;

const MS: u64 = 1_000_000;
const S: u64 = 1_000_000_000;
/// One way over the fake network.
const WAY: Duration = Duration::from_micros(200);

/// Sessions that go on working for `lag_ns` after their end, on every replica but the first, where it is at once.
struct Fake {
    origin: Instant,
    lag_ns: u64,
    life_ns: u64,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    issued: u32,
    /// Subject and expiry by cookie.
    live: BTreeMap<String, (u32, u64)>,
    /// When ended, by cookie.
    ended: BTreeMap<String, u64>,
    disabled: BTreeSet<u32>,
}

impl State {
    fn end(&mut self, now_ns: u64, fits: impl Fn(&str, u32) -> bool) {
        for (cookie, (subject, _)) in &self.live {
            if fits(cookie, *subject) {
                self.ended.entry(cookie.clone()).or_insert(now_ns);
            }
        }
    }
}

impl Fake {
    fn new(lag_ns: u64, life_ns: u64) -> Rc<Self> {
        Rc::new(Self { origin: Instant::now(), lag_ns, life_ns, state: RefCell::default() })
    }

    fn answer(&self, replica: usize, ask: Ask<'_>) -> Reply {
        let now_ns = self.now_ns();
        let state = &mut *self.state.borrow_mut();
        let status = |status| Reply { status, ..Reply::default() };
        let known = |state: &State, header: &str| {
            let cookie = header.strip_prefix("Cookie: ")?.to_owned();
            let (subject, expires_ns) = *state.live.get(&cookie)?;
            let lag_ns = if replica == 0 { 0 } else { self.lag_ns };
            let over = state.ended.get(&cookie).is_some_and(|ended_ns| now_ns > ended_ns + lag_ns);
            (!over && now_ns < expires_ns).then_some((cookie, subject))
        };
        match ask {
            Ask::Login(subject) => {
                state.issued += 1;
                let cookie = format!("s={subject}.{}", state.issued);
                state.live.insert(cookie.clone(), (subject, now_ns + self.life_ns));
                Reply { status: 200, cookie: Some(cookie), ..Reply::default() }
            }
            Ask::Me(header) => match known(state, header) {
                Some((_, subject)) => {
                    let name = String::from_utf8(wire::subject_name(subject).to_vec()).unwrap();
                    Reply { status: 200, body: wire::identity_body(&name, 0), ..Reply::default() }
                }
                None => status(401),
            },
            Ask::Logout(header, _) => match known(state, header) {
                Some((cookie, _)) => {
                    state.end(now_ns, |other, _| other == cookie);
                    status(204)
                }
                None => status(401),
            },
            Ask::LogoutAll(header) => match known(state, header) {
                Some((_, subject)) => {
                    state.end(now_ns, |_, other| other == subject);
                    status(204)
                }
                None => status(401),
            },
            Ask::Disable(subject) => {
                state.disabled.insert(subject);
                state.end(now_ns, |_, other| other == subject);
                status(200)
            }
            Ask::Note(_) | Ask::Refresh(_) | Ask::Password(_) | Ask::RotateKey => status(501),
            Ask::ClockOffset(_) | Ask::Health => status(200),
        }
    }
}

impl Service for Fake {
    fn replicas(&self) -> usize {
        3
    }

    async fn ask(&self, replica: usize, ask: Ask<'_>) -> Reply {
        sleep(WAY).await;
        let reply = self.answer(replica, ask);
        sleep(WAY).await;
        reply
    }

    fn now_ns(&self) -> u64 {
        crate::clock::nanos(self.origin.elapsed())
    }

    async fn sleep_until(&self, at_ns: u64) {
        sleep_until(self.origin + Duration::from_nanos(at_ns)).await;
    }
}

fn setting(lag: Lag) -> Rc<Setting> {
    let promises = Promises {
        revocation_lag: lag,
        logout_all: LogoutAll::Index,
        store_down: StoreDown::Closed,
        replicas: Replicas::Any,
    };
    let declared = Declared { promises, lifetime_ns: 3 * S, leeway_ns: 0 };
    Rc::new(Setting {
        backend: "fake".into(),
        configured: Declared { lifetime_ns: 300 * S, ..declared.clone() },
        declared,
        trials: 20,
        interval_ns: 50 * MS,
        seed: 1,
        at_once: 12,
        replay_for_ns: None,
        unscaled: false,
    })
}

fn drilled(lag_ns: u64, promised: Lag, event: DrillEvent) -> SurvivalRecord {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build_local(LocalOptions::default())
        .unwrap();
    runtime.block_on(async {
        let cell = CellId { event, thief: Thief::Access };
        run(Fake::new(lag_ns, 3 * S), setting(promised), cell, 100).await
    })
}

#[test]
fn a_design_without_lag_lets_nobody_in_afterwards() {
    for event in [DrillEvent::Logout, DrillEvent::LogoutAll, DrillEvent::Disable] {
        let cell = drilled(0, Lag::None, event);
        assert_eq!((cell.void.as_deref(), cell.within), (None, true), "{event:?}");
        assert_eq!((cell.trials, cell.ended, cell.accepted_after), (20, 20, 0));
        assert!(cell.accepted_before > 100 && cell.sent_after > 20 * 3 * 50, "{cell:?}");
        // Replays leave on schedule: virtual timers have steps of a millisecond.
        assert!(cell.lateness_ns.max <= MS);
    }
}

#[test]
fn a_lag_is_found_to_the_resolution_of_the_replays() {
    let lag_ns = 700 * MS;
    let cell = drilled(lag_ns, Lag::Millis(700), DrillEvent::Logout);
    assert_eq!((cell.void.as_deref(), cell.within), (None, true), "{cell:?}");
    // The last replay within the lag is at most an interval before its end.
    let bounds = lag_ns - cell.resolution_ns - 2 * MS..=lag_ns;
    for survived in [cell.survival_ns.p50, cell.survival_ns.p99, cell.survival_ns.max] {
        assert!(bounds.contains(&survived), "{survived}");
    }
    assert_eq!(cell.by_replica[0].accepted_after, 0);
    assert!(cell.by_replica[1..].iter().all(|replica| replica.accepted_after >= 20 * 13));
}

#[test]
fn what_is_not_declared_is_not_within() {
    let cell = drilled(700 * MS, Lag::None, DrillEvent::LogoutAll);
    assert_eq!((cell.void.as_deref(), cell.within, cell.bound_ns), (None, false, Some(0)));
    let cell = drilled(700 * MS, Lag::Millis(600), DrillEvent::LogoutAll);
    assert_eq!((cell.within, cell.bound_ns), (false, Some(600 * MS)));
    assert!(drilled(700 * MS, Lag::Lifetime, DrillEvent::LogoutAll).within);
}

#[test]
fn an_expiry_is_an_end_that_nobody_sends() {
    let cell = drilled(0, Lag::Lifetime, DrillEvent::Expiry);
    assert_eq!((cell.void.as_deref(), cell.within, cell.bound_ns), (None, true, Some(0)));
    assert_eq!((cell.ended, cell.accepted_after), (20, 0));
}

#[test]
fn a_theft_that_never_worked_shows_nothing() {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build_local(LocalOptions::default())
        .unwrap();
    let cell = runtime.block_on(async {
        let cell = CellId { event: DrillEvent::Logout, thief: Thief::Access };
        run(Fake::new(0, 1), setting(Lag::None), cell, 0).await
    });
    assert!(cell.void.is_some_and(|why| why.contains("never accepted")));
}

#[test]
fn cells_are_those_that_have_a_meaning() {
    let plan = SurvivalPlan {
        events: DrillEvent::ALL.to_vec(),
        thieves: vec![Thief::Access, Thief::Refresh, Thief::Both],
        trials: 1,
        replays_per_s: 20,
        together: 1,
        at_once: 1,
        cut_every: None,
    };
    assert_eq!(cells(&plan, false).len(), 6);
    let with = cells(&plan, true);
    assert_eq!(with.len(), 4 * 3 + 2 + 2);
    assert!(!with.contains(&CellId { event: DrillEvent::Reuse, thief: Thief::Access }));
}

#[test]
fn bounds_follow_from_promises() {
    let declared = |lag, logout_all, replicas| Declared {
        promises: Promises { revocation_lag: lag, logout_all, store_down: StoreDown::Closed, replicas },
        lifetime_ns: 3 * S,
        leeway_ns: S,
    };
    let of = |lag, logout_all, replicas, event| declared(lag, logout_all, replicas).bound_ns(event);
    let (index, cannot) = (LogoutAll::Index, LogoutAll::Cannot);
    assert_eq!(of(Lag::None, index, Replicas::Any, DrillEvent::LogoutAll), Some(0));
    assert_eq!(of(Lag::Lifetime, index, Replicas::Any, DrillEvent::Logout), Some(4 * S));
    assert_eq!(of(Lag::Millis(5), index, Replicas::Any, DrillEvent::Disable), Some(5 * MS));
    assert_eq!(of(Lag::Millis(5), cannot, Replicas::Any, DrillEvent::LogoutAll), Some(4 * S));
    assert_eq!(of(Lag::None, index, Replicas::NodeLocal, DrillEvent::LogoutAll), Some(4 * S));
    assert_eq!(of(Lag::None, index, Replicas::NodeLocal, DrillEvent::Logout), Some(0));
    assert_eq!(of(Lag::Never, cannot, Replicas::Any, DrillEvent::Logout), None);
    assert_eq!(of(Lag::Never, cannot, Replicas::Any, DrillEvent::Expiry), Some(0));
}

fn paused<F: Future>(run: F) -> F::Output {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build_local(LocalOptions::default())
        .unwrap();
    runtime.block_on(run)
}

#[test]
fn an_age_at_the_last_acceptance_is_known_to_the_interval() {
    use super::super::expiry::{Aging, age};
    let aging = Aging {
        trials: 5,
        interval_ns: 100 * MS,
        lifetime_ns: 3 * S,
        leeway_ns: 0,
        apart_ns: 2 * S,
        first: 0,
    };
    for (life_ns, beyond_ns) in [(3 * S, 0), (4 * S, S as i64)] {
        let found = paused(async { age(Fake::new(0, life_ns), aging).await });
        for aged in found.iter().flatten() {
            assert_eq!((aged.trials, aged.ever_accepted, aged.unending), (5, 5, 0));
            let low = beyond_ns - 102 * MS as i64;
            assert!(
                (low..=beyond_ns).contains(&aged.beyond_ns.min) && aged.beyond_ns.max <= beyond_ns,
                "{aged:?}"
            );
        }
    }
    // What lives longer than anybody looks is not called ended.
    let found = paused(async { age(Fake::new(0, 100 * S), aging).await });
    assert!(found.iter().flatten().all(|aged| aged.unending == 5));
}

#[test]
fn users_go_on_through_every_phase() {
    use super::super::restart::{Users, go_on};
    use std::sync::atomic::{AtomicU8, Ordering};
    let (phase, ready) = (Rc::new(AtomicU8::new(0)), AtomicU8::new(0));
    let later = Rc::clone(&phase);
    let went = paused(async {
        tokio::task::spawn_local(async move {
            for next in [1, 2, u8::MAX] {
                sleep(Duration::from_secs(1)).await;
                later.store(next, Ordering::Release);
            }
        });
        go_on(Fake::new(0, 60 * S), Users { count: 6, interval_ns: 10 * MS }, &phase, &ready).await
    });
    assert_eq!((went.users, went.logged_out, ready.load(Ordering::Acquire)), (6, 0, 1));
    for seen in went.seen {
        assert!((95..=105).contains(&seen.requests) && seen.accepted == seen.requests, "{seen:?}");
        assert_eq!((seen.refused, seen.passed_over, seen.failed), (0, 0, 0));
    }
}
