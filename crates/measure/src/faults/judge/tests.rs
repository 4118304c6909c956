//! What is made of answers that a fake gives.

use scenario::backend::{LogoutAll, Replicas};

use super::*;

const MS: u64 = 1_000_000;

fn facts(fault: FaultKind, lag: Lag, store_down: StoreDown) -> Facts {
    Facts {
        backend: "fake".to_owned(),
        fault,
        promises: Promises {
            revocation_lag: lag,
            logout_all: LogoutAll::Index,
            store_down,
            replicas: Replicas::Any,
        },
        replicas: 2,
        deadline_ns: 250 * MS,
        bucket_ns: 100 * MS,
        start_ns: 5000 * MS,
        began_ns: 6000 * MS,
        lifted_ns: 9000 * MS,
        ending_ns: 8990 * MS,
        end_ns: 11_000 * MS,
        subjects: 4,
        loss_reported: false,
        evicted_keys: None,
        died: Vec::new(),
        panics: Vec::new(),
        void: None,
    }
}

fn one(operation: FaultOperation, at_ms: u64, status: u16) -> Seen {
    let intended_ns = (5000 + at_ms) * MS;
    Seen {
        operation,
        replica: (at_ms / 10 % 2) as usize,
        subject: (at_ms / 10 % 4) as u32,
        intended_ns,
        sent_ns: intended_ns,
        done_ns: intended_ns + 2 * MS,
        status,
        retry_after: status == 503,
        stranger: false,
        ended_ns: (operation == FaultOperation::Replay).then_some(4000 * MS),
    }
}

/// One of these every 10 ms, answered by time.
fn all(operation: FaultOperation, status: impl Fn(u64) -> u16) -> Vec<Seen> {
    (0..600).map(|number| one(operation, number * 10, status(number * 10))).collect()
}

fn closed(at_ms: u64) -> u16 {
    if (1000..4100).contains(&at_ms) { 503 } else { 200 }
}

#[test]
fn a_closed_design_that_answers_503_keeps_all_it_declares() {
    let mut seen = all(FaultOperation::Request, closed);
    seen.extend(all(FaultOperation::Write, closed));
    seen.extend(all(FaultOperation::Replay, |at| if closed(at) == 503 { 503 } else { 401 }));
    seen.sort_by_key(|one| one.intended_ns);
    let record = judge(facts(FaultKind::StoreKilled, Lag::None, StoreDown::Closed), &seen);
    assert_eq!(record.violations(), Vec::<String>::new());
    assert_eq!(record.void, None);
    assert_eq!(
        (record.began_at_ns, record.lifted_at_ns, record.length_ns),
        (1000 * MS, 4000 * MS, 6000 * MS)
    );
    // The last 503 began 90 ms after the end and took two.
    assert_eq!(record.recovery_ns, Some(92 * MS));
    assert_eq!((record.shed, record.wrong_rejects, record.lost_logins, record.wrong_accepts), (930, 0, 0, 0));
    let requests = &record.timelines[&FaultOperation::Request];
    assert_eq!((requests.ok.len(), requests.unavailable[20], requests.refused.len()), (60, 10, 0));
    assert_eq!((requests.ok[9], requests.ok[10], requests.unavailable[40]), (10, 0, 10));
    let check = record.store_down.unwrap();
    assert_eq!((check.requests[2], check.contradiction), (264, None));
}

#[test]
fn what_is_against_the_declaration_is_said_in_both_directions() {
    let request = |status: fn(u64) -> u16| all(FaultOperation::Request, status);
    let killed =
        |lag, declared, seen: &[Seen]| judge(facts(FaultKind::StoreKilled, lag, declared), seen).violations();
    let open = request(|_| 200);
    assert_eq!(killed(Lag::Lifetime, StoreDown::Unaffected, &open), Vec::<String>::new());
    assert_eq!(killed(Lag::None, StoreDown::Open, &open), Vec::<String>::new());
    let said = killed(Lag::None, StoreDown::Closed, &open);
    assert!(said[0].contains("\"closed\"") && said[0].ends_with("requests were let in"), "{said:?}");
    let said = killed(Lag::None, StoreDown::Unaffected, &request(closed));
    assert!(said[0].contains("\"unaffected\"") && said[0].ends_with("answered 503"), "{said:?}");
    let said = killed(Lag::None, StoreDown::Closed, &request(|at| if closed(at) == 503 { 401 } else { 200 }));
    assert!(said[0].ends_with("refused as if ended"), "{said:?}");
    // Reads go on and writes do not.
    let mut half = request(|_| 200);
    half.extend(all(FaultOperation::Write, closed));
    assert_eq!(killed(Lag::Lifetime, StoreDown::WritesClosed, &half), Vec::<String>::new());
}

#[test]
fn what_may_be_believed_without_the_store_is_not_held_against_a_design() {
    // It answers for two seconds more, and then no longer.
    let late = |at: u64| if (3000..4000).contains(&at) { 503 } else { 200 };
    let seen = all(FaultOperation::Request, late);
    let within = judge(facts(FaultKind::StoreKilled, Lag::Millis(2000), StoreDown::Closed), &seen);
    assert_eq!(within.violations(), Vec::<String>::new());
    assert!(within.store_down.unwrap().judged > 50);
    let beyond = judge(facts(FaultKind::StoreKilled, Lag::None, StoreDown::Closed), &seen);
    assert_eq!(beyond.violations().len(), 1);
}

#[test]
fn only_the_server_that_is_cut_off_is_judged_as_without_a_store() {
    let mut seen = all(FaultOperation::Request, |_| 200);
    for one in &mut seen {
        if one.replica == 0 && (6000 * MS..9000 * MS).contains(&one.intended_ns) {
            one.status = 503;
            one.retry_after = true;
        }
    }
    let record = judge(facts(FaultKind::StoreCutOff, Lag::None, StoreDown::Closed), &seen);
    assert_eq!(record.violations(), Vec::<String>::new());
    assert!(record.store_down.unwrap().judged > 50);
}

#[test]
fn long_waits_missing_answers_and_bare_503_are_violations() {
    let mut seen = all(FaultOperation::Request, |_| 200);
    seen[300].done_ns = seen[300].sent_ns + 301 * MS;
    seen[301].status = 0;
    seen[302].status = 503;
    seen[303].status = 500;
    seen[304].stranger = true;
    let said = judge(facts(FaultKind::StoreFlapping, Lag::None, StoreDown::Closed), &seen).violations();
    assert_eq!(said.len(), 5, "{said:?}");
    assert!(said[0].contains("longer than 300 ms, up to 301 ms"), "{said:?}");
    // A server that was killed gives no answers: that is what was done to it.
    let killed = |seen: &[Seen]| judge(facts(FaultKind::ServerKilled, Lag::None, StoreDown::Closed), seen);
    let mut seen = all(FaultOperation::Request, |_| 200);
    for one in &mut seen {
        if one.replica == 0 && (6000 * MS..9000 * MS).contains(&one.intended_ns) {
            one.status = 0;
        }
    }
    assert_eq!(killed(&seen).violations(), Vec::<String>::new());
    seen[301].status = 0;
    assert_eq!(seen[301].replica, 1);
    assert_eq!(killed(&seen).violations().len(), 1);
}

#[test]
fn a_login_that_comes_back_is_wrong_unless_its_loss_is_said() {
    let mut seen = all(FaultOperation::Request, |_| 200);
    seen.extend(all(FaultOperation::Replay, |at| if at >= 1000 { 200 } else { 401 }));
    seen.sort_by_key(|one| one.intended_ns);
    let empty = facts(FaultKind::StoreRestartedEmpty, Lag::None, StoreDown::Closed);
    let record = judge(empty.clone(), &seen);
    assert_eq!((record.wrong_accepts, record.replays, record.wrong_after), (500, 600, true));
    // Ended at 4 s of its clock, last let in at 5 + 5.99 s.
    assert_eq!(record.wrong_for_ns, 6990 * MS);
    assert!(record.violations()[0].contains("unreported"), "{:?}", record.violations());
    let said = judge(Facts { loss_reported: true, ..empty.clone() }, &seen);
    assert_eq!(said.violations(), Vec::<String>::new());
    // Where no data was lost there is nothing to say.
    let stopped = Facts { loss_reported: true, fault: FaultKind::StoreFlapping, ..empty.clone() };
    assert_eq!(judge(stopped, &seen).violations().len(), 1);
    // What never ends is let in as declared.
    let promises = Promises { revocation_lag: Lag::Lifetime, ..empty.promises.clone() };
    let declared = judge(Facts { promises, ..empty }, &seen);
    assert_eq!((declared.wrong_accepts, declared.declared_accepts), (0, 500));
}

#[test]
fn logins_that_are_gone_are_lost_and_not_an_outage() {
    let seen = all(FaultOperation::Request, |at| if at >= 1000 { 401 } else { 200 });
    let record = judge(facts(FaultKind::StoreRestartedEmpty, Lag::None, StoreDown::Closed), &seen);
    assert_eq!((record.lost_logins, record.wrong_rejects, record.recovery_ns), (4, 500, Some(0)));
    assert_eq!(record.violations(), Vec::<String>::new());
    let never = all(FaultOperation::Request, |at| if at >= 1000 { 503 } else { 200 });
    let record = judge(facts(FaultKind::StoreKilled, Lag::None, StoreDown::Closed), &never);
    assert_eq!(record.recovery_ns, None);
}

#[test]
fn what_shows_nothing_says_why_and_accuses_nobody() {
    let refused = all(FaultOperation::Request, |_| 401);
    let killed = facts(FaultKind::StoreKilled, Lag::None, StoreDown::Closed);
    let record = judge(killed.clone(), &refused);
    assert!(record.void.as_ref().unwrap().contains("0 of 100"), "{:?}", record.void);
    assert_eq!(record.violations(), Vec::<String>::new());
    let mut late = all(FaultOperation::Request, closed);
    for one in &mut late {
        one.sent_ns += 60 * MS;
        one.done_ns += 60 * MS;
    }
    assert!(judge(killed.clone(), &late).void.unwrap().contains("60 ms late"));
    assert!(judge(killed, &[]).void.is_some());
    let full =
        Facts { evicted_keys: Some(0), ..facts(FaultKind::StoreOutOfMemory, Lag::None, StoreDown::Closed) };
    assert!(judge(full, &all(FaultOperation::Request, |_| 200)).void.unwrap().contains("no key"));
}

#[test]
fn percentiles_are_values_that_were_there() {
    assert_eq!(percentiles(Vec::new()), Percentiles::default());
    let found = percentiles((1..=200).rev().collect());
    assert_eq!((found.count, found.p50_ns, found.p99_ns, found.max_ns), (200, 100, 198, 200));
}
