//! A master of the store is lost while people log in, work and log out: what was not answered, for how long, and what that
//! had been acknowledged is gone.
//!
//! The load is open: an operation is sent when it is due, whatever became of those before. Afterwards every login that was
//! acknowledged is tried, and every one whose logout was.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::record::FailoverTally;
use super::service::{Ask, Held, Service};

/// Requests under way at the same time before the load begins, and after it has ended.
const TOGETHER: u32 = 32;
/// Attempts to learn what became of a credential, and the pause between them.
const ATTEMPTS: u32 = 20;
const PAUSE_NS: u64 = 100_000_000;
/// What is not answered in the last part of the load did not recover.
const LAST_NS: u64 = 1_000_000_000;

/// What is done, in turn: as many logouts as logins, and twice as many requests.
const TURN: [Deed; 4] = [Deed::Login, Deed::Request, Deed::Logout, Deed::Request];

/// One operation of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// `POST /login`.
    Login,
    /// `GET /me` of a login that is not being ended.
    Request,
    /// `POST /logout` of the oldest login.
    Logout,
}

impl Deed {
    /// As it is written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Request => "request",
            Self::Logout => "logout",
        }
    }
}

/// What is about to happen to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// A master is cut off from its replicas.
    Cut,
    /// It is lost.
    Lose,
}

/// The load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Operations per second.
    pub(super) rate_per_s: u32,
    /// From the beginning to the loss, nanoseconds.
    pub(super) before_ns: u64,
    /// The master is cut off so long before it is lost; 0 = it is not.
    pub(super) cut_ns: u64,
    /// From the loss to the end.
    pub(super) after_ns: u64,
    /// First subject.
    pub(super) first: u32,
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Logins before the load that were not granted: then nothing can be concluded.
    pub(super) unprepared: u64,
    /// Operations that were not answered, or with an error, before anything was done.
    pub(super) failed_before: u64,
    /// By operation, from the loss on.
    pub(super) tallies: Vec<FailoverTally>,
    /// From the loss to the due time of the last operation that was not answered or with an error; 0 = there was none.
    pub(super) recovered_ns: Option<u64>,
    /// Longest wait for an answer, from the due time.
    pub(super) longest_ns: u64,
    pub(super) logins: u64,
    pub(super) logins_lost: u64,
    pub(super) logouts: u64,
    pub(super) logouts_lost: u64,
    /// Credentials of which nothing certain was learnt.
    pub(super) unsure: u64,
    /// Requests of a login in force that were refused while the load went on.
    pub(super) refused_in_force: u64,
}

/// One operation, done.
#[derive(Debug, Clone, Copy)]
struct Done {
    deed: Deed,
    due_ns: u64,
    done_ns: u64,
    status: u16,
}

/// A login that was acknowledged.
#[derive(Debug)]
struct Login {
    subject: u32,
    held: Held,
    /// Its logout was sent.
    leaving: bool,
    /// Its logout was acknowledged.
    left: bool,
}

#[derive(Debug, Default)]
struct State {
    logins: Vec<Login>,
    /// Logins that nobody ends yet, oldest first.
    in_force: VecDeque<usize>,
    done: Vec<Done>,
    refused_in_force: u64,
    next: u32,
    unprepared: u64,
}

/// Drives the load, tells of each moment when it comes, and looks at what is left. An error of `happen` ends it.
pub(super) async fn drive<S: Service, E>(
    service: &Rc<S>,
    load: Load,
    happen: &mut dyn FnMut(Moment) -> Result<(), E>,
) -> Result<Outcome, E> {
    let state = Rc::new(RefCell::new(State { next: load.first, ..State::default() }));
    let step_ns = 1_000_000_000 / u64::from(load.rate_per_s.max(1));
    // One logout in four operations, so many that there is always one to end.
    let needed = (load.before_ns + load.after_ns) / step_ns / 4 + u64::from(TOGETHER);
    prepare(service, &state, needed).await;
    let origin_ns = service.now_ns();
    let lost_ns = origin_ns + load.before_ns;
    let mut moments = VecDeque::from([(lost_ns, Moment::Lose)]);
    if load.cut_ns > 0 {
        moments.push_front((lost_ns.saturating_sub(load.cut_ns), Moment::Cut));
    }
    let undisturbed_ns = moments.front().map_or(lost_ns, |(at, _)| *at);
    let mut running = JoinSet::new();
    for (number, deed) in TURN.into_iter().cycle().enumerate() {
        let due_ns = origin_ns + number as u64 * step_ns;
        if due_ns >= lost_ns + load.after_ns {
            break;
        }
        while let Some((at_ns, moment)) = moments.front().copied().filter(|(at, _)| *at <= due_ns) {
            moments.pop_front();
            service.sleep_until(at_ns).await;
            happen(moment)?;
        }
        service.sleep_until(due_ns).await;
        running.spawn_local(operate(Rc::clone(service), Rc::clone(&state), deed, due_ns, number));
    }
    while running.join_next().await.is_some() {}
    let mut outcome = summary(&state.borrow(), undisturbed_ns, lost_ns, load.after_ns);
    look_after(service, &state, &mut outcome).await;
    Ok(outcome)
}

/// Logs in as many as the load will end.
async fn prepare<S: Service>(service: &Rc<S>, state: &Rc<RefCell<State>>, needed: u64) {
    let mut left = needed;
    while left > 0 {
        let mut running = JoinSet::new();
        for _ in 0..left.min(u64::from(TOGETHER)) {
            left -= 1;
            let (service, state) = (Rc::clone(service), Rc::clone(state));
            running.spawn_local(async move {
                if log_in(&service, &state).await == 200 {
                    return;
                }
                state.borrow_mut().unprepared += 1;
            });
        }
        while running.join_next().await.is_some() {}
    }
}

/// One login of a subject of its own; its status.
async fn log_in<S: Service>(service: &Rc<S>, state: &Rc<RefCell<State>>) -> u16 {
    let subject = {
        let mut state = state.borrow_mut();
        state.next += 1;
        state.next - 1
    };
    let reply = service.ask(0, Ask::Login(subject)).await;
    if let Some(held) = reply.held() {
        let mut state = state.borrow_mut();
        let at = state.logins.len();
        state.logins.push(Login { subject, held, leaving: false, left: false });
        state.in_force.push_back(at);
    }
    reply.status
}

async fn operate<S: Service>(
    service: Rc<S>,
    state: Rc<RefCell<State>>,
    deed: Deed,
    due_ns: u64,
    number: usize,
) {
    let status = match deed {
        Deed::Login => log_in(&service, &state).await,
        Deed::Request => request(&service, &state, number).await,
        Deed::Logout => log_out(&service, &state).await,
    };
    let done_ns = service.now_ns();
    state.borrow_mut().done.push(Done { deed, due_ns, done_ns, status });
}

/// A request of a login in force.
async fn request<S: Service>(service: &Rc<S>, state: &Rc<RefCell<State>>, number: usize) -> u16 {
    let found = {
        let state = state.borrow();
        // A stride without a common factor with most numbers of logins visits them all.
        let at = number.wrapping_mul(7919) % state.in_force.len().max(1);
        state.in_force.get(at).map(|&at| (at, state.logins[at].held.header.clone()))
    };
    let Some((at, header)) = found else { return 0 };
    let reply = service.ask(0, Ask::Me(&header)).await;
    let mut state = state.borrow_mut();
    if reply.refused() && !state.logins[at].leaving {
        state.refused_in_force += 1;
    }
    reply.status
}

/// The logout of the oldest login in force.
async fn log_out<S: Service>(service: &Rc<S>, state: &Rc<RefCell<State>>) -> u16 {
    let found = {
        let mut state = state.borrow_mut();
        let at = state.in_force.pop_front();
        at.map(|at| {
            let login = &mut state.logins[at];
            login.leaving = true;
            (at, login.held.clone())
        })
    };
    let Some((at, held)) = found else { return 0 };
    let reply = service.ask(0, Ask::Logout(&held.header, held.refresh.as_deref())).await;
    state.borrow_mut().logins[at].left = reply.granted();
    reply.status
}

fn summary(state: &State, undisturbed_ns: u64, lost_ns: u64, after_ns: u64) -> Outcome {
    let bad = |done: &&Done| done.status == 0 || done.status >= 500;
    let after = || state.done.iter().filter(|done| done.due_ns >= lost_ns);
    let tallies = [Deed::Login, Deed::Request, Deed::Logout].into_iter().map(|deed| {
        let of = |wanted: fn(u16) -> bool| {
            after().filter(|done| done.deed == deed && wanted(done.status)).count() as u64
        };
        FailoverTally {
            operation: deed,
            sent: of(|_| true),
            granted: of(|status| (200..300).contains(&status)),
            refused: of(|status| (300..500).contains(&status)),
            unavailable: of(|status| status >= 500),
            unanswered: of(|status| status == 0),
        }
    });
    let last_bad = state.done.iter().filter(bad).map(|done| done.due_ns).filter(|&due| due >= lost_ns).max();
    Outcome {
        unprepared: state.unprepared,
        failed_before: state.done.iter().filter(bad).filter(|done| done.done_ns < undisturbed_ns).count()
            as u64,
        tallies: tallies.collect(),
        recovered_ns: match last_bad.map_or(0, |last| last - lost_ns) {
            late if late + LAST_NS > after_ns => None,
            recovered => Some(recovered),
        },
        longest_ns: state.done.iter().map(|done| done.done_ns.saturating_sub(done.due_ns)).max().unwrap_or(0),
        refused_in_force: state.refused_in_force,
        ..Outcome::default()
    }
}

/// Tries every login whose state was acknowledged.
async fn look_after<S: Service>(service: &Rc<S>, state: &Rc<RefCell<State>>, outcome: &mut Outcome) {
    let known: Vec<(u32, String, bool)> = state
        .borrow()
        .logins
        .iter()
        .filter(|login| login.left || !login.leaving)
        .map(|login| (login.subject, login.held.header.clone(), login.left))
        .collect();
    for part in known.chunks(TOGETHER as usize) {
        let mut running = JoinSet::new();
        for (subject, header, left) in part.iter().cloned() {
            let service = Rc::clone(service);
            running.spawn_local(async move { (left, is_in(&service, subject, &header).await) });
        }
        while let Some(found) = running.join_next().await {
            let Ok((left, is_in)) = found else { continue };
            match (left, is_in) {
                (_, None) => outcome.unsure += 1,
                (true, Some(is_in)) => {
                    outcome.logouts += 1;
                    outcome.logouts_lost += u64::from(is_in);
                }
                (false, Some(is_in)) => {
                    outcome.logins += 1;
                    outcome.logins_lost += u64::from(!is_in);
                }
            }
        }
    }
}

/// Whether a credential lets this subject in; nothing where no answer said so.
async fn is_in<S: Service>(service: &Rc<S>, subject: u32, header: &str) -> Option<bool> {
    for _ in 0..ATTEMPTS {
        let reply = service.ask(0, Ask::Me(header)).await;
        if reply.names(subject) || reply.refused() {
            return Some(reply.names(subject));
        }
        service.sleep_until(service.now_ns() + PAUSE_NS).await;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tokio::time::Instant;

    use super::super::service::Reply;
    use super::*;

    /// A store that is down for a second after its loss, and forgets what was written while it was cut off.
    #[derive(Debug, Default)]
    struct Fake {
        origin: Option<Instant>,
        store: RefCell<Store>,
    }

    #[derive(Debug, Default, Clone)]
    struct Store {
        live: BTreeSet<u32>,
        replica: Option<BTreeSet<u32>>,
        down_until_ns: u64,
    }

    impl Service for Fake {
        fn replicas(&self) -> usize {
            1
        }
        async fn ask(&self, _replica: usize, ask: Ask<'_>) -> Reply {
            self.sleep_until(self.now_ns() + 1_000_000).await;
            let mut store = self.store.borrow_mut();
            let status = |status| Reply { status, ..Reply::default() };
            if self.now_ns() < store.down_until_ns {
                return status(503);
            }
            let subject = |header: &str| header.rsplit('=').next().unwrap().parse().unwrap();
            match ask {
                Ask::Login(subject) => {
                    store.live.insert(subject);
                    Reply { cookie: Some(format!("s={subject}")), ..status(200) }
                }
                Ask::Me(header) if store.live.contains(&subject(header)) => {
                    let name = scenario::wire::subject_name(subject(header));
                    let name = String::from_utf8_lossy(&name).into_owned();
                    Reply { body: format!(r#"{{"subject":"{name}"}}"#), ..status(200) }
                }
                Ask::Logout(header, _) if store.live.remove(&subject(header)) => status(204),
                _ => status(401),
            }
        }
        fn now_ns(&self) -> u64 {
            crate::clock::nanos(self.origin.unwrap().elapsed())
        }
        async fn sleep_until(&self, at_ns: u64) {
            tokio::time::sleep_until(self.origin.unwrap() + std::time::Duration::from_nanos(at_ns)).await;
        }
    }

    fn driven(cut_ns: u64) -> Outcome {
        let load =
            Load { rate_per_s: 100, before_ns: 2_000_000_000, cut_ns, after_ns: 4_000_000_000, first: 0 };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build_local(tokio::runtime::LocalOptions::default())
            .unwrap();
        runtime.block_on(async {
            let service = Rc::new(Fake { origin: Some(Instant::now()), ..Fake::default() });
            let other = Rc::clone(&service);
            let mut happen = |moment| -> Result<(), ()> {
                let mut store = other.store.borrow_mut();
                match moment {
                    Moment::Cut => store.replica = Some(store.live.clone()),
                    Moment::Lose => {
                        store.down_until_ns = other.now_ns() + 1_000_000_000;
                        if let Some(replica) = store.replica.take() {
                            store.live = replica;
                        }
                    }
                }
                Ok(())
            };
            drive(&service, load, &mut happen).await.unwrap()
        })
    }

    #[test]
    fn what_a_crash_costs_is_what_was_not_answered() {
        let outcome = driven(0);
        assert_eq!((outcome.unprepared, outcome.failed_before, outcome.unsure), (0, 0, 0));
        assert_eq!((outcome.logins_lost, outcome.logouts_lost, outcome.refused_in_force), (0, 0, 0));
        assert!(outcome.logins > 100 && outcome.logouts > 100, "{outcome:?}");
        let lost: u64 = outcome.tallies.iter().map(|tally| tally.unavailable).sum();
        let sent: u64 = outcome.tallies.iter().map(|tally| tally.sent).sum();
        assert_eq!((lost, sent), (100, 400), "a second of four at 100 operations a second");
        assert_eq!(outcome.recovered_ns, Some(990_000_000));
        assert_eq!(outcome.longest_ns, 1_000_000);
    }

    #[test]
    fn what_was_acknowledged_while_cut_off_is_found_lost() {
        let outcome = driven(1_000_000_000);
        // A quarter of a hundred operations each; those at the edges may fall to either side.
        assert!((24..=26).contains(&outcome.logouts_lost), "{outcome:?}");
        assert!((24..=26).contains(&outcome.logins_lost), "{outcome:?}");
    }
}
