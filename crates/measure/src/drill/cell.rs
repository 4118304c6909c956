//! Cells: one event × one thief × one design, all trials at the same time; and what the design declares of them.

use std::rc::Rc;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use scenario::backend::{Lag, LogoutAll, Promises, Replicas};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::plan::{DrillEvent, SurvivalPlan, Thief};
use super::record::SurvivalRecord;
use super::service::{Ask, Service};
use super::survival::{Trial, summary};
use super::trial::{Script, Timing, trial};

/// Trials of a cell begin within this time, nanoseconds: NumericDate's steps must not hide in step with them.
const STAGGER_NS: u64 = 500_000_000;
/// A credential is ended so long after its trial began, nanoseconds: between the first and the sum of both.
const EVENT_AFTER_NS: (u64, u64) = (300_000_000, 500_000_000);

/// A cell that has a meaning for a design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CellId {
    pub(super) event: DrillEvent,
    pub(super) thief: Thief,
}

/// The cells of a plan for a design that has, or has not, refresh tokens.
pub(super) fn cells(plan: &SurvivalPlan, refreshes: bool) -> Vec<CellId> {
    let all =
        plan.events.iter().flat_map(|&event| plan.thieves.iter().map(move |&thief| CellId { event, thief }));
    all.filter(|cell| match cell.event {
        // Only somebody who has a refresh token can present an old one.
        DrillEvent::Reuse => cell.thief.refreshes() && refreshes,
        // Nothing is renewed while these are waited for.
        DrillEvent::Expiry | DrillEvent::KeyRotation => cell.thief == Thief::Access,
        _ => refreshes || cell.thief == Thief::Access,
    })
    .collect()
}

/// What a design says about how long its credentials live and go on working.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    pub(super) promises: Promises,
    /// Of an access credential, leeway apart, nanoseconds.
    pub(super) lifetime_ns: u64,
    pub(super) leeway_ns: u64,
}

impl Declared {
    /// The longest that a credential may go on working after this event; absent: no end is promised.
    pub(super) fn bound_ns(&self, event: DrillEvent) -> Option<u64> {
        let life_ns = self.lifetime_ns + self.leeway_ns;
        let elsewhere =
            matches!(event, DrillEvent::LogoutAll | DrillEvent::PasswordChange | DrillEvent::Disable);
        match self.promises.revocation_lag {
            // It is counted from the configured end: nothing is left of it.
            _ if event == DrillEvent::Expiry => Some(0),
            Lag::Never => None,
            Lag::Lifetime => Some(life_ns),
            // The other logins of the user lie on replicas that hear nothing of it, or are known to nobody.
            _ if elsewhere
                && (self.promises.replicas == Replicas::NodeLocal
                    || self.promises.logout_all == LogoutAll::Cannot) =>
            {
                Some(life_ns)
            }
            Lag::Millis(millis) => Some(millis.saturating_mul(1_000_000)),
            Lag::None => Some(0),
        }
    }
}

/// What running a cell needs besides the service.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) backend: String,
    pub(super) declared: Declared,
    pub(super) trials: u32,
    pub(super) interval_ns: u64,
    pub(super) seed: u64,
}

/// Runs one cell with subjects from `first` on.
pub(super) async fn run<S: Service>(
    service: Rc<S>,
    setting: Rc<Setting>,
    cell: CellId,
    first: u32,
) -> SurvivalRecord {
    let declared = &setting.declared;
    let script = Rc::new(Script {
        event: cell.event,
        thief: cell.thief,
        lifetime_ns: declared.lifetime_ns,
        leeway_ns: declared.leeway_ns,
        interval_ns: setting.interval_ns,
        node_local: declared.promises.replicas == Replicas::NodeLocal,
    });
    let start_ns = service.now_ns() + 20_000_000;
    let mut running = JoinSet::new();
    let rotation = (cell.event == DrillEvent::KeyRotation).then(|| {
        let (sender, receiver) = watch::channel(None);
        let at_ns = start_ns + STAGGER_NS + EVENT_AFTER_NS.0 + EVENT_AFTER_NS.1;
        tokio::task::spawn_local(rotate(Rc::clone(&service), at_ns, sender));
        receiver
    });
    let mut random = ChaCha8Rng::seed_from_u64(setting.seed);
    random.set_stream(u64::from(first));
    for number in 0..setting.trials {
        let own_ns = start_ns + STAGGER_NS * u64::from(number) / u64::from(setting.trials);
        let timing = Timing {
            start_ns: own_ns,
            event_ns: own_ns + EVENT_AFTER_NS.0 + random.next_u64() % EVENT_AFTER_NS.1,
            phase_ns: random.next_u64() % setting.interval_ns.max(1),
        };
        let (service, script) = (Rc::clone(&service), Rc::clone(&script));
        running.spawn_local(trial(service, script, first + number, timing, rotation.clone()));
    }
    let mut trials = Vec::new();
    while let Some(one) = running.join_next().await {
        trials.extend(one.ok().flatten());
    }
    record(&setting, cell, service.replicas(), &trials)
}

/// Rotates the signing key on every replica, one after the other, and tells when the last had answered.
async fn rotate<S: Service>(service: Rc<S>, at_ns: u64, tell: watch::Sender<Option<(u64, bool)>>) {
    service.sleep_until(at_ns).await;
    let mut done = true;
    for replica in 0..service.replicas() {
        done &= service.ask(replica, Ask::RotateKey).await.granted();
    }
    // Nobody listens any more only when the cell is over.
    let _ = tell.send(Some((service.now_ns(), done)));
}

fn record(setting: &Setting, cell: CellId, replicas: usize, trials: &[Trial]) -> SurvivalRecord {
    let declared = &setting.declared;
    let sum = summary(trials, replicas);
    let bound_ns = declared.bound_ns(cell.event);
    let missing = u64::from(setting.trials) - trials.len() as u64;
    let void = if missing > 0 {
        Some(format!("{missing} of {} subjects could not log in", setting.trials))
    } else if sum.accepted_before == 0 {
        Some("what was stolen was never accepted before the event, so its end shows nothing".to_owned())
    } else if sum.ended == 0 && cell.event != DrillEvent::Reuse {
        Some("the event was acknowledged in no trial".to_owned())
    } else if sum.lateness_ns.p99 > setting.interval_ns {
        Some("replays were later than the interval between them: the machine is too busy".to_owned())
    } else {
        None
    };
    SurvivalRecord {
        backend: setting.backend.clone(),
        event: cell.event,
        thief: cell.thief,
        trials: trials.len() as u64,
        ended: sum.ended,
        cannot: sum.cannot,
        sent_before: sum.sent_before,
        accepted_before: sum.accepted_before,
        sent_after: sum.sent_after,
        accepted_after: sum.accepted_after,
        survival_ns: sum.survival_ns,
        within: match bound_ns {
            Some(0) => sum.accepted_after == 0,
            Some(bound_ns) => sum.survival_ns.max <= bound_ns,
            None => true,
        },
        by_replica: sum.by_replica,
        alarms: sum.alarms,
        forced_logouts: sum.forced,
        resolution_ns: setting.interval_ns,
        lateness_ns: sum.lateness_ns,
        lifetime_ns: declared.lifetime_ns + declared.leeway_ns,
        bound_ns,
        void,
    }
}

#[cfg(test)]
mod tests;
