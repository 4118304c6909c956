//! The engine in virtual time: exact, whatever the machine does.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use scenario::{Arrival, Operation, Step, wire};

use super::Engine;
use super::fake::{FakeClock, FakeServer, Scripted};
use crate::client::Client;
use crate::fixed::Fixed;
use crate::jar::CredentialJar;
use crate::observation::{Answer, CredentialFact, Ending, Identity, Observation, Observer};
use crate::options::{Mode, Options};
use crate::report::DriveReport;
use crate::transport::Transport;
use crate::transport::target::Target;
use crate::validity::{Status, Surroundings, certify};

const MS: u64 = 1_000_000;
const S: u64 = 1_000_000_000;
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[derive(Default)]
struct Seen(Vec<Observation>);

impl Observer for Seen {
    fn observe(&mut self, observation: &Observation) {
        self.0.push(*observation);
    }
}

fn requests(offsets: impl Iterator<Item = u64>) -> impl Iterator<Item = Step> {
    offsets.map(|at| step(at, 0, 0, Operation::Request))
}

fn step(intended_ns: u64, subject: u32, device: u8, operation: Operation) -> Step {
    Step { intended_ns, subject, device, operation }
}

fn after(service_ns: u64) -> impl FnMut(&str) -> Scripted {
    move |_| Scripted { service_ns, bytes: OK.to_vec() }
}

fn options(connections: u32, measure_ns: u64) -> Options {
    Options { connections, measure_ns, spin_ns: 50_000, ..Options::default() }
}

/// Drives fixed requests.
fn fixed(
    clock: &FakeClock,
    transport: impl Transport,
    options: &Options,
    steps: impl Iterator<Item = Step>,
) -> (DriveReport, Vec<Observation>) {
    let mut work = Fixed::new(b"GET / HTTP/1.1\r\n\r\n".to_vec());
    let mut seen = Seen::default();
    let stop = AtomicBool::new(false);
    let engine = Engine::new((&mut work, clock.clone(), transport), options, steps, &stop, &mut seen);
    (engine.run().unwrap(), seen.0)
}

/// 2,000 requests a second for 10 s, a server that takes 20 µs and stands still for 2 s. Request k after the begin of the
/// pause, due at k/λ, is answered at P + k/μ: response P − k·(1/λ − 1/μ), a straight line down to 0. A share of
/// f = λ·(P + D)/(λ·T) of all requests is on it (D: the drain), so the quantile q is P·(1 − (1 − q)/f).
#[test]
fn a_stall_shows_in_response_time_as_it_must() {
    let clock = FakeClock::default();
    let mut server = FakeServer::new(&clock, 64, after(20_000));
    server.pause = Some((3 * S, 5 * S));
    let (report, _) =
        fixed(&clock, server, &options(64, 10 * S), requests(Arrival::Constant.offsets(2000.0, 1)));
    let (pause, total, rate, capacity) = (2.0, 10.0, 2000.0, 50_000.0);
    let drain = pause * rate / (capacity - rate);
    let share = (pause + drain) / total;
    for quantile in [0.9, 0.95, 0.99, 0.999] {
        let truth = pause * (1.0 - (1.0 - quantile) / share) * 1e9;
        let seen = report.response.value_at_quantile(quantile) as f64;
        assert!((seen / truth - 1.0).abs() < 0.005, "p{quantile}: {seen} for {truth}");
    }
    // The service time hides the stall: of 20,000 requests, 64 saw it.
    assert!(report.service.value_at_quantile(0.99) < 10 * MS);
    // The lateness was the server's, and the certificate says so.
    assert!(report.send_lag.value_at_quantile(0.99) > S);
    assert!(report.own_lag.value_at_quantile(0.999) < 10_000);
    assert_eq!(certify(&report, &Surroundings::default()).status, Status::Valid);
}

#[test]
fn closed_loop_sees_nothing_of_a_stall() {
    let clock = FakeClock::default();
    let mut server = FakeServer::new(&clock, 64, after(20_000));
    server.pause = Some((3 * S, 5 * S));
    let options = Options { mode: Mode::Closed, ..options(64, 10 * S) };
    let (report, seen) = fixed(&clock, server, &options, requests(std::iter::repeat(0)));
    assert!(report.response.value_at_quantile(0.999) < 10 * MS);
    assert!(seen.iter().all(|seen| seen.intended_ns == seen.sent_ns));
    assert_eq!(report.response.len(), report.service.len());
    assert_eq!(report.offered, seen.len() as u64);
}

#[test]
fn sends_keep_the_schedule() {
    for arrival in [Arrival::Constant, Arrival::Poisson] {
        let clock = FakeClock::default();
        let server = FakeServer::new(&clock, 256, after(10_000));
        let (report, seen) = fixed(&clock, server, &options(256, S), requests(arrival.offsets(10_000.0, 7)));
        assert_eq!(report.offered, arrival.offsets(10_000.0, 7).take_while(|at| *at < S).count() as u64);
        assert_eq!(seen.len() as u64, report.offered);
        // Virtual polls take 1 µs, so that is how late a send can be.
        assert!(report.send_lag.max() <= 1001, "{}", report.send_lag.max());
        let arrivals = report.arrivals.unwrap();
        assert!((arrivals.sent - arrivals.intended).abs() < 0.02, "{arrivals:?}");
        assert_eq!(certify(&report, &Surroundings::default()).status, Status::Valid);
    }
}

#[test]
fn an_overloaded_server_voids_the_drive() {
    let clock = FakeClock::default();
    let server = FakeServer::new(&clock, 64, after(110_000));
    let (report, _) =
        fixed(&clock, server, &options(64, 2 * S), requests(Arrival::Constant.offsets(10_000.0, 1)));
    let certificate = certify(&report, &Surroundings::default());
    assert_eq!(certificate.status, Status::Void);
    assert!(certificate.reasons[0].starts_with("achieved rate"), "{:?}", certificate.reasons);
}

#[test]
fn slow_answers_alone_void_nothing() {
    let clock = FakeClock::default();
    // 40 parallel servers of 0.4 s each are one server whose answers come 0.4 s later.
    let mut server = FakeServer::new(&clock, 400, after(0));
    server.parallel_ns = Some(400 * MS);
    let (report, _) =
        fixed(&clock, server, &options(400, 4 * S), requests(Arrival::Constant.offsets(100.0, 1)));
    assert!(report.achieved_rate() < 95.0);
    assert_eq!(certify(&report, &Surroundings::default()).status, Status::Valid);
}

#[test]
fn warm_up_is_driven_but_not_observed() {
    let clock = FakeClock::default();
    let server = FakeServer::new(&clock, 8, after(10_000));
    let options = Options { warm_ns: S, ..options(8, S) };
    let (report, seen) = fixed(&clock, server, &options, requests(Arrival::Constant.offsets(100.0, 1)));
    assert_eq!((report.offered, seen.len()), (100, 100));
    assert!(seen.iter().all(|seen| (S..2 * S).contains(&seen.intended_ns)));
    assert_eq!(report.measured_ns, S);
}

#[test]
fn what_is_never_answered_times_out() {
    let clock = FakeClock::default();
    let server = FakeServer::new(&clock, 2, |_: &str| Scripted { service_ns: 0, bytes: Vec::new() });
    let options = Options { deadline_ns: 100 * MS, ..options(2, S) };
    let (report, seen) = fixed(&clock, server, &options, requests(Arrival::Constant.offsets(1000.0, 1)));
    assert_eq!((report.offered, report.answered, report.abandoned), (1000, 0, 0));
    assert_eq!(seen.len(), 1000);
    assert!(seen.iter().all(|seen| seen.answer == Answer::TimedOut));
    // Two connections, 100 ms each: some 20 were sent, the others waited for a connection until their deadline.
    assert!(seen.iter().all(|seen| seen.done_ns - seen.intended_ns <= 201 * MS));
    assert!(report.reopened >= 18, "{}", report.reopened);
}

#[test]
fn an_unasked_answer_is_counted_and_its_connection_replaced() {
    let clock = FakeClock::default();
    let mut server = FakeServer::new(&clock, 2, after(10_000));
    server.send_unasked(1, 2500 * MS / 10, OK);
    let (report, seen) = fixed(&clock, server, &options(2, S), requests(Arrival::Constant.offsets(10.0, 1)));
    assert_eq!((report.unsolicited, report.reopened), (1, 1));
    assert!(seen.iter().all(|seen| matches!(seen.answer, Answer::Response { status: 200, .. })));
    assert_eq!(seen.len(), 10);
}

/// Drives the HTTP contract.
fn contract(
    clock: &FakeClock,
    transport: impl Transport,
    jar: &mut CredentialJar,
    steps: Vec<Step>,
) -> (DriveReport, Vec<Observation>) {
    let mut work = Client::new(&Target::plain(vec!["127.0.0.1:80".parse().unwrap()]), jar);
    let mut seen = Seen::default();
    let stop = AtomicBool::new(false);
    let parts = (&mut work, clock.clone(), transport);
    let engine = Engine::new(parts, &options(8, 0), steps.into_iter(), &stop, &mut seen);
    (engine.run().unwrap(), seen.0)
}

/// A server of the contract: `Login` takes 50 ms, the rest 1 ms; tokens name their subject and are never ended.
fn lenient() -> impl FnMut(&str) -> Scripted {
    let mut issued = 0;
    move |request| {
        let line = request.lines().next().unwrap();
        let (service_ns, body) = if line.contains(wire::LOGIN) || line.contains(wire::REFRESH) {
            issued += 1;
            let subject = request.split("\"username\":\"").nth(1).map_or("u00000000", |rest| &rest[..9]);
            let body = format!(
                r#"{{"access_token":"{subject}.{issued}","token_type":"Bearer","refresh_token":"r{issued}"}}"#
            );
            (50 * MS, body)
        } else if line.contains(wire::ME) {
            let name = request.split("Bearer ").nth(1).map_or("nobody", |rest| &rest[..9]);
            let principal = wire::principal(wire::subject_index(name).unwrap(), 256);
            let digest = wire::principal_digest(name, &principal.roles, &principal.tenant);
            (MS, wire::identity_body(name, digest))
        } else {
            (MS, String::new())
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        Scripted { service_ns, bytes: (head + &body).into_bytes() }
    }
}

const EXPECTED: Answer = Answer::Response { status: 200, identity: Identity::Expected };

#[test]
fn a_late_predecessor_delays_the_send_not_the_intended_start() {
    let clock = FakeClock::default();
    let server = FakeServer::new(&clock, 8, lenient());
    let mut jar = CredentialJar::new(2, 1, 256);
    let steps = vec![step(0, 1, 0, Operation::Login), step(10 * MS, 1, 0, Operation::Request)];
    let (report, seen) = contract(&clock, server, &mut jar, steps);
    let [login, request] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((login.operation, login.credential), (Operation::Login, CredentialFact::None));
    assert_eq!((request.answer, request.credential), (EXPECTED, CredentialFact::Held));
    assert_eq!(request.intended_ns, 10 * MS);
    assert!(request.sent_ns >= login.done_ns && login.done_ns >= 50 * MS);
    // The generator itself was not late.
    assert!(report.own_lag.max() < 10_000, "{}", report.own_lag.max());
    assert!(report.send_lag.max() >= 40 * MS - 100_000);
}

#[test]
fn endings_are_facts_of_what_is_sent_afterwards() {
    let clock = FakeClock::default();
    let server = FakeServer::new(&clock, 8, lenient());
    let mut jar = CredentialJar::new(1, 2, 256);
    let at = |at: u64, device, operation| step(at * 100 * MS, 0, device, operation);
    let steps = vec![
        at(0, 0, Operation::Login),
        at(0, 1, Operation::Login),
        at(2, 0, Operation::Request),
        at(3, 0, Operation::Refresh),
        at(5, 0, Operation::Request),
        at(6, 1, Operation::LogoutAll),
        at(7, 0, Operation::Replay),
        at(8, 0, Operation::Login),
        at(9, 0, Operation::Request),
        at(10, 0, Operation::Replay),
        at(11, 0, Operation::Logout),
        at(12, 0, Operation::Request),
        at(13, 1, Operation::Request),
    ];
    let (_, seen) = contract(&clock, server, &mut jar, steps);
    let acknowledged = seen.iter().find(|seen| seen.operation == Operation::LogoutAll).unwrap().done_ns;
    let ended = CredentialFact::Ended { by: Ending::LogoutAll, acknowledged_ns: acknowledged };
    let found: BTreeMap<u64, _> = seen
        .iter()
        .filter(|seen| matches!(seen.operation, Operation::Request | Operation::Replay))
        .map(|seen| (seen.intended_ns / (100 * MS), (seen.answer, seen.credential)))
        .collect();
    let expected = BTreeMap::from([
        (2, (EXPECTED, CredentialFact::Held)),
        (5, (EXPECTED, CredentialFact::Held)),
        (7, (EXPECTED, ended)),
        (9, (EXPECTED, CredentialFact::Held)),
        // The replay uses what the later login left behind.
        (10, (EXPECTED, ended)),
        (12, (Answer::NothingHeld, CredentialFact::None)),
        (13, (Answer::NothingHeld, CredentialFact::None)),
    ]);
    assert_eq!(found, expected);
}

#[test]
fn a_request_under_way_during_a_log_out_everywhere_may_be_answered_either_way() {
    let clock = FakeClock::default();
    let server = FakeServer::new(&clock, 8, lenient());
    let mut jar = CredentialJar::new(1, 2, 256);
    for device in 0..2 {
        jar.insert(0, device, &format!("Authorization: Bearer u00000000.{device}"), None).unwrap();
    }
    let steps = vec![
        // Both in flight at once: the request is answered after 1 ms, the other after 2 ms.
        step(0, 0, 0, Operation::Request),
        step(500_000, 0, 1, Operation::LogoutAll),
        // Sent before the acknowledgement at 2 ms.
        step(1_500_000, 0, 0, Operation::Request),
        step(10 * MS, 0, 0, Operation::Request),
        step(20 * MS, 0, 0, Operation::Refresh),
    ];
    let (report, seen) = contract(&clock, server, &mut jar, steps);
    let facts: Vec<_> = seen
        .iter()
        .filter(|seen| seen.operation == Operation::Request)
        .map(|seen| std::mem::discriminant(&seen.credential))
        .collect();
    let ended = CredentialFact::Ended { by: Ending::LogoutAll, acknowledged_ns: 0 };
    let kinds =
        [CredentialFact::Ending, CredentialFact::Ending, ended].map(|fact| std::mem::discriminant(&fact));
    assert_eq!(facts, kinds);
    // Nothing to refresh with: skipped, and not observed.
    assert_eq!((report.skipped, seen.len()), (1, 4));
}

#[test]
fn a_long_chain_of_waiting_steps_is_given_up_without_recursion() {
    let clock = FakeClock::default();
    let server = FakeServer::new(&clock, 8, |_: &str| Scripted { service_ns: 0, bytes: Vec::new() });
    let mut jar = CredentialJar::new(1, 1, 256);
    let steps = (0..200_000).map(|at| step(at, 0, 0, Operation::Login)).collect();
    let (report, seen) = contract(&clock, server, &mut jar, steps);
    assert_eq!((report.offered, seen.len()), (200_000, 200_000));
}

#[test]
fn a_changed_password_is_the_one_used_from_then_on() {
    let clock = FakeClock::default();
    let mut bodies = Vec::new();
    let mut answer = lenient();
    {
        let bodies = &mut bodies;
        let server = FakeServer::new(&clock, 8, move |request: &str| {
            bodies.push(request.split("\r\n\r\n").nth(1).unwrap().to_owned());
            answer(request)
        });
        let mut jar = CredentialJar::new(1, 1, 256);
        let at = |at: u64, operation| step(at * 100 * MS, 0, 0, operation);
        let steps = vec![
            at(0, Operation::Login),
            at(1, Operation::PasswordChange),
            at(2, Operation::PasswordChange),
            at(3, Operation::Login),
        ];
        contract(&clock, server, &mut jar, steps);
    }
    let text = wire::PASSWORD_TEXT;
    assert_eq!(bodies[0], format!(r#"{{"username":"u00000000","password":"{text}"}}"#));
    assert_eq!(bodies[1], format!(r#"{{"current":"{text}","new":"{text}-1"}}"#));
    assert_eq!(bodies[2], format!(r#"{{"current":"{text}-1","new":"{text}-2"}}"#));
    assert_eq!(bodies[3], format!(r#"{{"username":"u00000000","password":"{text}-2"}}"#));
    let login: wire::LoginBody = serde_json::from_str(&bodies[3]).unwrap();
    assert_eq!(login.username, "u00000000");
}

/// The replicas that were asked, in order of the intended starts.
fn asked(seen: &[Observation]) -> Vec<Option<u8>> {
    let mut seen: Vec<_> = seen.iter().map(|seen| (seen.intended_ns, seen.replica)).collect();
    seen.sort_unstable();
    seen.into_iter().map(|(_, replica)| replica).collect()
}

#[test]
fn steps_are_spread_over_replicas_and_know_who_issued_the_credential() {
    let clock = FakeClock::default();
    let server = FakeServer::new(&clock, 6, lenient());
    let mut jar = CredentialJar::new(2, 1, 256);
    let at = |at: u64, subject, operation| step(at * 100 * MS, subject, 0, operation);
    let steps = vec![
        at(0, 0, Operation::Login),
        at(1, 1, Operation::Login),
        at(2, 0, Operation::Request),
        at(3, 0, Operation::Request),
        at(4, 1, Operation::Request),
        at(5, 1, Operation::Replay),
    ];
    let mut work = Client::new(&Target::plain(vec!["127.0.0.1:80".parse().unwrap()]), &mut jar);
    let mut seen = Seen::default();
    let stop = AtomicBool::new(false);
    let options = options(6, 0);
    let engine =
        Engine::new((&mut work, clock.clone(), server), &options, steps.into_iter(), &stop, &mut seen);
    engine.balanced(3, &options).run().unwrap();
    let asked: Vec<_> = seen.0.iter().map(|seen| (seen.replica, seen.issuer)).collect();
    let expected = [(0, None), (1, None), (2, Some(0)), (0, Some(0)), (1, Some(1)), (2, Some(1))]
        .map(|(at, by)| (Some(at), by));
    assert_eq!(asked, expected);
}

#[test]
fn a_replica_that_takes_no_connection_is_passed_over() {
    let clock = FakeClock::default();
    let mut server = FakeServer::new(&clock, 6, after(10_000));
    server.refuses = |connection| connection % 3 == 1;
    let mut work = Fixed::new(b"GET / HTTP/1.1\r\n\r\n".to_vec());
    let mut seen = Seen::default();
    let stop = AtomicBool::new(false);
    let options = options(6, S);
    let steps = requests(Arrival::Constant.offsets(100.0, 1));
    let engine = Engine::new((&mut work, clock.clone(), server), &options, steps, &stop, &mut seen);
    engine.balanced(3, &options).run().unwrap();
    assert_eq!(seen.0.len(), 100);
    assert!(seen.0.iter().all(|seen| matches!(seen.answer, Answer::Response { .. })));
    let to = |replica| asked(&seen.0).iter().filter(|asked| **asked == Some(replica)).count();
    assert_eq!((to(0) + to(2), to(1)), (100, 0));
    assert!(to(0).abs_diff(to(2)) <= 2, "{} and {}", to(0), to(2));
}

#[test]
fn without_keep_alive_every_request_has_a_connection_of_its_own() {
    let clock = FakeClock::default();
    let server = FakeServer::new(&clock, 4, after(10_000));
    let options = Options { keep_alive: false, ..options(4, S) };
    let (report, seen) = fixed(&clock, server, &options, requests(Arrival::Poisson.offsets(100.0, 3)));
    assert!(seen.iter().all(|seen| matches!(seen.answer, Answer::Response { status: 200, .. })));
    assert_eq!(seen.len() as u64, report.offered);
    // Each of the four was opened for the first time at most once, and every other opening was another time.
    assert!((report.offered - 4..report.offered).contains(&report.reopened), "{}", report.reopened);
    assert!(report.peak_connections <= 4);
    assert_eq!(certify(&report, &Surroundings::default()).status, Status::Valid);
}
