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
use super::trial::{MARGIN_NS, Script, Timing, trial};

/// Trials of a cell begin within this time, nanoseconds: NumericDate's steps must not hide in step with them.
const STAGGER_NS: u64 = 500_000_000;
/// A credential is ended so long after its trial began, nanoseconds: between the first and the sum of both.
const EVENT_AFTER_NS: (u64, u64) = (300_000_000, 500_000_000);
/// Before the first of them begins, nanoseconds.
const LEAD_NS: u64 = 20_000_000;
/// Logins at the beginning, last answers at the end, and what lies between two waves, nanoseconds. Measured: 200 ms.
const AROUND_NS: u64 = 250_000_000;

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

/// Those that must run alone, as a new key ends every login there is, and the others.
pub(super) fn apart(cells: &[CellId]) -> (Vec<CellId>, Vec<CellId>) {
    cells.iter().partition(|cell| cell.event == DrillEvent::KeyRotation)
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
    /// Trials at the same time; the others follow in waves.
    pub(super) at_once: u32,
    /// How long replays go on after the end at most; absent: as long as the credential may live.
    pub(super) replay_for_ns: Option<u64>,
    /// Before anything was shortened.
    pub(super) configured: Declared,
    /// Nothing was shortened.
    pub(super) unscaled: bool,
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
        replay_for_ns: setting.replay_for_ns,
    });
    let mut trials = Vec::new();
    let mut next = 0;
    while next < setting.trials {
        let wave = setting.at_once.min(setting.trials - next);
        trials.extend(run_wave(&service, &script, setting.seed, first + next, wave).await);
        next += wave;
    }
    record(&setting, cell, service.replicas(), &trials)
}

/// So many trials at the same time.
async fn run_wave<S: Service>(
    service: &Rc<S>,
    script: &Rc<Script>,
    seed: u64,
    first: u32,
    count: u32,
) -> Vec<Trial> {
    let start_ns = service.now_ns() + LEAD_NS;
    let mut running = JoinSet::new();
    let rotation = (script.event == DrillEvent::KeyRotation).then(|| {
        let (sender, receiver) = watch::channel(None);
        let at_ns = start_ns + STAGGER_NS + EVENT_AFTER_NS.0 + EVENT_AFTER_NS.1;
        tokio::task::spawn_local(rotate(Rc::clone(service), at_ns, sender));
        receiver
    });
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(u64::from(first));
    for number in 0..count {
        let own_ns = start_ns + STAGGER_NS * u64::from(number) / u64::from(count);
        let timing = Timing {
            start_ns: own_ns,
            event_ns: own_ns + EVENT_AFTER_NS.0 + random.next_u64() % EVENT_AFTER_NS.1,
            phase_ns: random.next_u64() % script.interval_ns.max(1),
        };
        let (service, script) = (Rc::clone(service), Rc::clone(script));
        running.spawn_local(trial(service, script, first + number, timing, rotation.clone()));
    }
    let mut trials = Vec::new();
    while let Some(one) = running.join_next().await {
        trials.extend(one.ok().flatten());
    }
    trials
}

/// How long a wave of a cell takes at most, nanoseconds, with so long a life of access credentials, leeway included.
pub(super) fn wave_ns(event: DrillEvent, life_ns: u64, replay_for_ns: Option<u64>) -> u64 {
    let replays = replay_for_ns.map_or(life_ns, |most| most.min(life_ns)) + MARGIN_NS;
    let until_event = match event {
        DrillEvent::Expiry => return LEAD_NS + STAGGER_NS + life_ns + MARGIN_NS + AROUND_NS,
        DrillEvent::Reuse => 2 * life_ns,
        _ => EVENT_AFTER_NS.0 + EVENT_AFTER_NS.1,
    };
    LEAD_NS + STAGGER_NS + until_event + replays + AROUND_NS
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

/// Of their CPU, what servers and store may use: beyond it replays would wait for each other.
const MOST_LOAD: f64 = 0.6;

impl SurvivalRecord {
    /// With the load of the servers while it was recorded; too much of it shows nothing.
    pub(super) fn under(self, load: Option<f64>) -> Self {
        let too_much = load.filter(|load| *load > MOST_LOAD).map(|load| {
            format!(
                "servers and store used {:.0} % of their CPU: more than {:.0} %",
                load * 100.0,
                MOST_LOAD * 100.0
            )
        });
        Self { void: self.void.or(too_much), server_load: load, ..self }
    }
}

fn record(setting: &Setting, cell: CellId, replicas: usize, trials: &[Trial]) -> SurvivalRecord {
    let declared = &setting.declared;
    let sum = summary(trials, replicas, setting.interval_ns);
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
        unscaled: setting.unscaled,
        still_working: sum.still_working,
        unscaled_bound_ns: setting.configured.bound_ns(cell.event),
        noticed_ns: sum.noticed_ns,
        timeline: sum.timeline,
        server_load: None,
        subscriptions_cut: 0,
    }
}

#[cfg(test)]
mod tests;
