//! From what was seen to what it means: answers over time, waits, wrong answers, recovery, and what was declared.
//!
//! It is the same for every design: what differs is what the design declares.

use std::collections::BTreeMap;

use scenario::backend::{Lag, Promises, StoreDown};

use super::load::{Answer, Seen};
use super::plan::FaultKind;
use super::record::{FaultRecord, LongestWait, Percentiles, StoreDownCheck, TOLERANCE_NS, Timeline};
use super::schedule::FaultOperation;

/// Operations sent later than this, 99th percentile, show how busy the machine was and not what a server does.
const LATEST_NS: u64 = 50_000_000;
/// Added to the time for which something may be believed without the store: requests that were under way.
const SETTLE_NS: u64 = 100_000_000;

/// What there is beside what was seen. Times are nanoseconds of the service's clock.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) backend: String,
    pub(super) fault: FaultKind,
    pub(super) promises: Promises,
    pub(super) replicas: u32,
    pub(super) deadline_ns: u64,
    pub(super) bucket_ns: u64,
    /// The load began, the fault began and was over, and the last operation fell due.
    pub(super) start_ns: u64,
    pub(super) began_ns: u64,
    pub(super) lifted_ns: u64,
    pub(super) end_ns: u64,
    /// Ending the fault began: a store that is started again answers before we know.
    pub(super) ending_ns: u64,
    pub(super) subjects: u64,
    pub(super) loss_reported: bool,
    pub(super) evicted_keys: Option<u64>,
    pub(super) died: Vec<String>,
    pub(super) panics: Vec<String>,
    /// What else makes it show nothing.
    pub(super) void: Option<String>,
}

/// All of it.
pub(super) fn judge(facts: Facts, seen: &[Seen]) -> FaultRecord {
    let since = |ns: u64| ns.saturating_sub(facts.start_ns);
    let limit_ns = facts.deadline_ns + TOLERANCE_NS;
    // A server that was killed answers nobody: that is the fault, and not how it was met.
    let gone = |one: &Seen| {
        facts.fault == FaultKind::ServerKilled
            && one.replica == 0
            && one.done_ns >= facts.began_ns
            && one.sent_ns <= facts.lifted_ns
    };
    let count = |which: &dyn Fn(&Seen) -> bool| seen.iter().filter(|one| which(one)).count() as u64;
    let accepts = Accepts::of(seen, &facts);
    let valid = |one: &Seen| !matches!(one.operation, FaultOperation::Replay | FaultOperation::Forgery);
    let longest = seen.iter().filter(|one| !gone(one)).max_by_key(|one| one.service_ns());
    let lateness = percentiles(seen.iter().map(|one| one.sent_ns.saturating_sub(one.intended_ns)).collect());
    let void = facts.void.clone().or_else(|| shows_nothing(seen, &facts, lateness.p99_ns));
    FaultRecord {
        replicas: facts.replicas,
        began_at_ns: since(facts.began_ns),
        lifted_at_ns: since(facts.lifted_ns),
        length_ns: since(facts.end_ns),
        bucket_ns: facts.bucket_ns,
        timelines: timelines(seen, &facts),
        deadline_ns: facts.deadline_ns,
        late: count(&|one| one.service_ns() > limit_ns && !gone(one)),
        unanswered: count(&|one| one.answer() == Answer::None && !gone(one)),
        longest: longest.map(|one| LongestWait {
            operation: one.operation,
            service_ns: one.service_ns(),
            answered: one.answer() != Answer::None,
        }),
        shed: count(&|one| one.status == 503),
        shed_without_retry_after: count(&|one| one.status == 503 && !one.retry_after),
        server_errors: count(&|one| one.status >= 500 && !matches!(one.status, 501 | 503)),
        strangers: count(&|one| one.stranger),
        wrong_accepts: accepts.wrong,
        declared_accepts: accepts.declared,
        replays: count(&|one| one.operation == FaultOperation::Replay),
        wrong_for_ns: accepts.wrong_for_ns,
        wrong_after: accepts.wrong_after,
        forged_accepts: count(&|one| one.operation == FaultOperation::Forgery && one.answer() == Answer::Ok),
        forgeries: (facts.promises.revocation_lag != Lag::Never)
            .then(|| count(&|one| one.operation == FaultOperation::Forgery)),
        wrong_rejects: count(&|one| valid(one) && one.answer() == Answer::Refused),
        presented: count(&valid),
        lost_logins: lost(seen),
        subjects: facts.subjects,
        recovery_ns: recovery(seen, facts.lifted_ns),
        store_down: facts.fault.store_is_down().then(|| store_down(seen, &facts)),
        loss_reported: facts.loss_reported,
        evicted_keys: facts.evicted_keys,
        lateness_p99_ns: lateness.p99_ns,
        void,
        backend: facts.backend,
        fault: facts.fault,
        died: facts.died,
        panics: facts.panics,
    }
}

fn shows_nothing(seen: &[Seen], facts: &Facts, late_ns: u64) -> Option<String> {
    // What was under way when it began belongs to it.
    let before = |one: &&Seen| one.operation == FaultOperation::Request && one.done_ns < facts.began_ns;
    let (all, ok) = (
        seen.iter().filter(before).count(),
        seen.iter().filter(before).filter(|one| one.answer() == Answer::Ok).count(),
    );
    if all == 0 {
        return Some("nothing was asked before the fault".to_owned());
    }
    if ok < all {
        return Some(format!("before the fault {ok} of {all} requests were let in, so it shows nothing"));
    }
    if late_ns > LATEST_NS {
        return Some(format!(
            "operations were sent {} ms late: the machine is too busy",
            late_ns / 1_000_000
        ));
    }
    (facts.fault == FaultKind::StoreOutOfMemory && facts.evicted_keys == Some(0))
        .then(|| "the store dropped no key".to_owned())
}

fn timelines(seen: &[Seen], facts: &Facts) -> BTreeMap<FaultOperation, Timeline> {
    let mut all: BTreeMap<FaultOperation, Timeline> = BTreeMap::new();
    let length_ns = facts.end_ns.saturating_sub(facts.start_ns);
    let pieces = usize::try_from(length_ns.div_ceil(facts.bucket_ns.max(1))).unwrap_or(usize::MAX).max(1);
    for one in seen {
        let line = all.entry(one.operation).or_default();
        let answers = match one.answer() {
            Answer::Ok => &mut line.ok,
            Answer::Refused => &mut line.refused,
            Answer::Unavailable => &mut line.unavailable,
            Answer::Other => &mut line.other,
            Answer::None => &mut line.none,
        };
        answers.resize(pieces, 0);
        let at = one.intended_ns.saturating_sub(facts.start_ns) / facts.bucket_ns.max(1);
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(pieces - 1);
        answers[at] += 1;
    }
    all
}

/// Ended logins that were let in.
#[derive(Debug, Default)]
struct Accepts {
    wrong: u64,
    declared: u64,
    wrong_for_ns: u64,
    wrong_after: bool,
}

impl Accepts {
    fn of(seen: &[Seen], facts: &Facts) -> Self {
        let bound_ns = match facts.promises.revocation_lag {
            Lag::None => Some(0),
            Lag::Millis(millis) => Some(millis * 1_000_000),
            Lag::Lifetime | Lag::Never => None,
        };
        let mut found = Self::default();
        for one in seen.iter().filter(|one| one.answer() == Answer::Ok) {
            let Some(ended_ns) = one.ended_ns else { continue };
            let since_ns = one.sent_ns.saturating_sub(ended_ns);
            if bound_ns.is_some_and(|bound_ns| since_ns > bound_ns) {
                found.wrong += 1;
                found.wrong_for_ns = found.wrong_for_ns.max(since_ns);
                found.wrong_after |= one.sent_ns > facts.lifted_ns;
            } else {
                found.declared += 1;
            }
        }
        found
    }
}

/// Users whose last attempt was refused.
fn lost(seen: &[Seen]) -> u64 {
    let mut last: BTreeMap<u32, (u64, Answer)> = BTreeMap::new();
    let by_login = |one: &&Seen| matches!(one.operation, FaultOperation::Request | FaultOperation::Write);
    for one in seen.iter().filter(by_login) {
        let entry = last.entry(one.subject).or_insert((0, Answer::Ok));
        if one.sent_ns >= entry.0 {
            *entry = (one.sent_ns, one.answer());
        }
    }
    last.values().filter(|(_, answer)| *answer == Answer::Refused).count() as u64
}

/// From the end of the fault to the end of the last request that was not served; none while the last one was not.
fn recovery(seen: &[Seen], lifted_ns: u64) -> Option<u64> {
    let unserved = |one: &Seen| matches!(one.answer(), Answer::Unavailable | Answer::None | Answer::Other);
    let mut asked = seen.iter().filter(|one| {
        matches!(one.operation, FaultOperation::Request | FaultOperation::Write)
            && one.intended_ns >= lifted_ns
    });
    // Nothing was asked any more, or the last one was not served.
    if asked.clone().next_back().is_none_or(unserved) {
        return None;
    }
    let last = asked.rfind(|one| unserved(one));
    Some(last.map_or(0, |one| one.done_ns.saturating_sub(lifted_ns)))
}

/// How requests and writes were answered once everything that may be believed without the store had run out.
fn store_down(seen: &[Seen], facts: &Facts) -> StoreDownCheck {
    let believed_ns = match facts.promises.revocation_lag {
        Lag::Millis(millis) => millis * 1_000_000,
        Lag::None | Lag::Lifetime | Lag::Never => 0,
    };
    let from_ns = facts.began_ns + believed_ns + facts.deadline_ns + SETTLE_NS;
    let judged = |one: &&Seen| {
        one.intended_ns >= from_ns
            // Answered before the end, too: one that was still under way then may have been served after it.
            && one.done_ns < facts.ending_ns
            && (one.replica == 0 || !facts.fault.of_first_server())
    };
    let (mut requests, mut writes) = ([0; 4], [0; 4]);
    for one in seen.iter().filter(judged) {
        let answers = match one.operation {
            FaultOperation::Request => &mut requests,
            FaultOperation::Write => &mut writes,
            _ => continue,
        };
        let place = match one.answer() {
            Answer::Ok => 0,
            Answer::Refused => 1,
            Answer::Unavailable => 2,
            Answer::Other | Answer::None => 3,
        };
        answers[place] += 1;
    }
    StoreDownCheck {
        judged: requests.iter().chain(&writes).sum(),
        requests,
        writes,
        contradiction: contradiction(facts.promises.store_down, requests, writes),
    }
}

fn contradiction(declared: StoreDown, requests: [u64; 4], writes: [u64; 4]) -> Option<String> {
    let name = match declared {
        StoreDown::Open => "open",
        StoreDown::Closed => "closed",
        StoreDown::WritesClosed => "writes-closed",
        StoreDown::Unaffected => "unaffected",
    };
    let (reads_served, writes_served) = match declared {
        StoreDown::Open | StoreDown::Unaffected => (true, true),
        StoreDown::WritesClosed => (true, false),
        StoreDown::Closed => (false, false),
    };
    let against = [("requests", requests, reads_served), ("writes", writes, writes_served)].map(
        |(what, answers, served)| {
            let all: u64 = answers.iter().sum();
            // As the declaration has it: let in, or 503.
            let as_declared = if served { answers[0] } else { answers[2] };
            let worst =
                [(0, "let in"), (1, "refused as if ended"), (2, "answered 503"), (3, "not answered so")]
                    .into_iter()
                    .filter(|(at, _)| *at != if served { 0 } else { 2 })
                    .max_by_key(|(at, _)| answers[*at])
                    .map_or("", |(_, words)| words);
            (as_declared < all).then(|| format!("{} of {all} {what} were {worst}", all - as_declared))
        },
    );
    let against: Vec<String> = against.into_iter().flatten().collect();
    (!against.is_empty())
        .then(|| format!("store_down = \"{name}\", but while the store was down {}", against.join(" and ")))
}

/// Percentiles by rank: the smallest value that so many are not above.
pub(super) fn percentiles(mut times: Vec<u64>) -> Percentiles {
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share).div_ceil(100).saturating_sub(1)).copied();
    Percentiles {
        count: times.len() as u64,
        p50_ns: at(50).unwrap_or(0),
        p99_ns: at(99).unwrap_or(0),
        max_ns: times.last().copied().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests;
