//! What logins by force did to those who are logged in already.

use super::judge::percentiles;
use super::load::{Answer, Seen};
use super::record::{FaultRecord, FloodRecord};
use super::schedule::FaultOperation;

/// The figures of a flood, from what was seen and the CPU readings of [`super::meeting::Ready::watch_cpu`].
pub(super) fn flood_record(fault: FaultRecord, seen: &[Seen], cpu: &[(u64, u64)]) -> FloodRecord {
    let start_ns = cpu.first().map_or(0, |(at_ns, _)| *at_ns);
    let within = |one: &Seen, from_ns: u64, to_ns: u64| {
        (start_ns + from_ns..start_ns + to_ns).contains(&one.intended_ns)
    };
    let response = |one: &Seen| one.done_ns.saturating_sub(one.intended_ns);
    let of = |operation: FaultOperation, answer: Answer, (from_ns, to_ns): (u64, u64)| {
        let times = seen.iter().filter(|one| {
            one.operation == operation && one.answer() == answer && within(one, from_ns, to_ns)
        });
        percentiles(times.map(response).collect())
    };
    let (before, during) = ((0, fault.began_at_ns), (fault.began_at_ns, fault.lifted_at_ns));
    let share = |at: usize| match (cpu.get(at), cpu.get(at + 1)) {
        (Some((from, used)), Some((to, more))) if to > from => {
            more.saturating_sub(*used) as f64 / (to - from) as f64
        }
        _ => 0.0,
    };
    FloodRecord {
        before: of(FaultOperation::Request, Answer::Ok, before),
        during: of(FaultOperation::Request, Answer::Ok, during),
        granted: of(FaultOperation::Login, Answer::Ok, during),
        shed_logins: of(FaultOperation::Login, Answer::Unavailable, during),
        cpu_before: share(0),
        cpu_during: share(1),
        fault,
    }
}
