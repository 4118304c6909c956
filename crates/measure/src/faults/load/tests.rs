//! The people against a fake service under a paused clock.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Duration;

use scenario::wire;
use tokio::runtime::{Builder, LocalOptions};
use tokio::time::{Instant, sleep, sleep_until};

use super::*;
use crate::faults::schedule::{Stream, schedule};

const MS: u64 = 1_000_000;

/// Two servers that share one list of logins. While it is down, the second one answers 503.
struct Fake {
    origin: Instant,
    live: RefCell<HashSet<String>>,
    down: RefCell<std::ops::Range<u64>>,
    refreshed: Cell<u32>,
}

impl Service for Fake {
    fn replicas(&self) -> usize {
        2
    }

    async fn ask(&self, replica: usize, ask: Ask<'_>) -> Reply {
        sleep(Duration::from_millis(1)).await;
        let down = self.down.borrow().contains(&self.now_ns());
        if down && replica == 1 {
            return Reply { status: 503, retry_after: true, ..Reply::default() };
        }
        let status = |status| Reply { status, ..Reply::default() };
        let me = |subject: u32| {
            let name = String::from_utf8(wire::subject_name(subject).to_vec()).unwrap();
            Reply { status: 200, body: wire::identity_body(&name, 0), ..Reply::default() }
        };
        let known = |header: &str| self.live.borrow().contains(header);
        match ask {
            Ask::Login(subject) => {
                let token = format!("{subject}.0123456789abcdefghijklmnop");
                self.live.borrow_mut().insert(format!("Authorization: Bearer {token}"));
                let body = serde_json::json!({ "access_token": token, "refresh_token": "r0" }).to_string();
                Reply { status: 200, body, ..Reply::default() }
            }
            Ask::Me(header) if known(header) => {
                me(header.split([' ', '.']).nth(2).and_then(|number| number.parse().ok()).unwrap())
            }
            Ask::Note(header) if known(header) => status(204),
            Ask::Logout(header, _) => status(if self.live.borrow_mut().remove(header) { 204 } else { 401 }),
            Ask::Refresh(token) if token == format!("r{}", self.refreshed.get()) => {
                self.refreshed.set(self.refreshed.get() + 1);
                let body = format!(r#"{{"access_token":"x","refresh_token":"r{}"}}"#, self.refreshed.get());
                Reply { status: 200, body, ..Reply::default() }
            }
            _ => status(401),
        }
    }

    fn now_ns(&self) -> u64 {
        crate::clock::nanos(self.origin.elapsed())
    }

    async fn sleep_until(&self, at_ns: u64) {
        sleep_until(self.origin + Duration::from_nanos(at_ns)).await;
    }
}

fn run(down: std::ops::Range<u64>) -> Vec<Seen> {
    let runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build_local(LocalOptions::default());
    runtime.unwrap().block_on(async {
        let service = Rc::new(Fake {
            origin: Instant::now(),
            live: RefCell::default(),
            down: RefCell::new(0..0),
            refreshed: Cell::new(0),
        });
        let crowd = Crowd { live: 4, renewing: 1, ended: 3 };
        let people = Rc::new(People::gather(Rc::clone(&service), false, crowd).await.unwrap());
        assert_eq!((people.live(), people.renewing.len(), people.ended.borrow().len()), (4, 1, 3));
        let start_ns = 1000 * MS;
        service.down.replace(start_ns + down.start..start_ns + down.end);
        let streams = FaultOperation::ALL.map(|operation| Stream {
            operation,
            per_s: 20,
            from_ns: 0,
            to_ns: 2000 * MS,
        });
        people.carry_out(&schedule(&streams, 2, 1, 1), start_ns).await
    })
}

fn count(seen: &[Seen], operation: FaultOperation, answer: Answer) -> usize {
    seen.iter().filter(|one| one.operation == operation && one.answer() == answer).count()
}

#[test]
fn everybody_gets_what_is_theirs_and_the_times_are_kept() {
    let seen = run(0..0);
    for operation in [FaultOperation::Request, FaultOperation::Write, FaultOperation::Login] {
        assert_eq!(count(&seen, operation, Answer::Ok), 40, "{operation:?}");
    }
    // One at a time, and nothing to log out before the first login.
    assert_eq!(count(&seen, FaultOperation::Refresh, Answer::Ok), 40);
    let logouts = count(&seen, FaultOperation::Logout, Answer::Ok);
    assert!((39..=40).contains(&logouts), "{logouts}");
    for operation in [FaultOperation::Replay, FaultOperation::Forgery] {
        assert_eq!(count(&seen, operation, Answer::Refused), 40, "{operation:?}");
    }
    // The timer of the runtime has steps of a millisecond.
    assert!(seen.iter().all(|one| (one.intended_ns..=one.intended_ns + MS).contains(&one.sent_ns)));
    assert!(seen.iter().all(|one| (MS..=2 * MS).contains(&one.service_ns()) && !one.stranger));
    assert!(seen.iter().all(|one| (one.operation == FaultOperation::Replay) == one.ended_ns.is_some()));
}

#[test]
fn an_outage_is_seen_where_it_is_and_a_login_that_may_have_ended_is_not_used() {
    let seen = run(500 * MS..1500 * MS);
    let away = |one: &&Seen| one.answer() == Answer::Unavailable;
    let unavailable: Vec<&Seen> = seen.iter().filter(away).collect();
    assert!(unavailable.len() > 20);
    assert!(unavailable.iter().all(|one| one.replica == 1 && one.retry_after));
    assert_eq!(count(&seen, FaultOperation::Replay, Answer::Ok), 0);
    // Renewals that were not answered are tried again with the same token.
    assert_eq!(count(&seen, FaultOperation::Refresh, Answer::Refused), 0);
}

#[test]
fn a_forgery_is_never_the_original() {
    let header = "Authorization: Bearer aaaa.bbbb.AAAABBBBCCCCDDDDEEEE";
    for choice in 0..64 {
        let forged = forged(header, choice);
        assert_ne!(forged, header);
        assert_eq!((forged.len(), forged.chars().last()), (header.len(), header.chars().last()));
    }
    assert_eq!(forged("", 3), "");
}
