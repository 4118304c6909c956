//! Carries out the failovers of a plan: every topology × every loss × every wait, each on servers of its own.

use scenario::BackendFile;
use scenario::backend::Need;

use super::super::DrillNews;
use super::super::failover::{Load, Moment, Outcome, drive};
use super::super::launch::FAILOVER_DEADLINE_MS;
use super::super::plan::{FailoverPlan, Loss};
use super::super::record::{DesignRecord, DrillResult, FailoverRecord};
use super::super::scaled::Scaled;
use super::{Driller, millis};
use crate::error::Error;
use crate::event::Skipped;
use crate::recording::sha256_hex;
use crate::store::{StoreTopology, install_line, redis_server};

/// One failover of a design.
#[derive(Debug, Clone, Copy)]
struct Case {
    topology: StoreTopology,
    loss: Loss,
    wait: u32,
}

impl Driller<'_> {
    /// Failovers, for designs that keep their state in Redis; false when stopped before the end.
    pub(super) fn failover(&mut self, file: &BackendFile) -> Result<bool, Error> {
        let Some(wanted) = self.plan.failover.clone() else { return Ok(true) };
        if !file.header.needs.contains(&Need::Redis) {
            return Ok(true);
        }
        // What is lost are servers of this drill's own.
        if redis_server().is_none() {
            (self.news)(DrillNews::Skipped(Skipped {
                row: file.header.name.clone(),
                reason: "a failover needs Redis servers to lose, and there is no redis-server on PATH"
                    .to_owned(),
                hint: install_line(),
            }));
            return Ok(true);
        }
        let mut told = self.plan.survival.is_some();
        for &topology in &wanted.topologies {
            for &loss in &wanted.losses {
                for &wait in &wanted.wait {
                    if self.stopped() {
                        return Ok(false);
                    }
                    let case = Case { topology, loss, wait };
                    self.fail_over(file, &wanted, case, &mut told)?;
                }
            }
        }
        Ok(true)
    }

    fn fail_over(
        &mut self,
        file: &BackendFile,
        wanted: &FailoverPlan,
        case: Case,
        told: &mut bool,
    ) -> Result<(), Error> {
        // Lifetimes as they are: nothing may expire meanwhile.
        let as_is = Scaled::as_is(file)?;
        let began = crate::clock::now();
        let timeout = wanted.node_timeout.get();
        let (design, mut group) = self.yard.start_on(&as_is, case.topology, timeout, case.wait)?;
        self.took.start_ms += millis(began);
        let began = crate::clock::now();
        if !*told {
            *told = true;
            let life_ns = as_is.configured.map(|(life_ns, leeway_ns)| life_ns + leeway_ns);
            self.put(DrillResult::Design(DesignRecord {
                backend: file.header.name.clone(),
                summary: file.header.summary.clone(),
                backend_sha256: sha256_hex(file.text.as_bytes()),
                changes: Vec::new(),
                describe: design.ready.describe.clone(),
                configured_life_ns: life_ns,
                drilled_life_ns: life_ns,
            }))?;
        }
        let load = Load {
            rate_per_s: wanted.rate_per_s,
            before_ns: wanted.before.as_nanos(),
            cut_ns: if case.loss == Loss::CutOff { wanted.cut.as_nanos() } else { 0 },
            after_ns: wanted.after.as_nanos(),
            first: 0,
        };
        let driven = self.runtime.block_on(async {
            let service = std::rc::Rc::new(design.service());
            let mut happen = |moment| match moment {
                Moment::Cut => group.cut(),
                Moment::Lose => {
                    group.lose();
                    Ok(())
                }
            };
            drive(&service, load, &mut happen).await
        });
        let outcome = driven?;
        if let Some(ended) = group.has_ended() {
            return Err(ended);
        }
        self.put(DrillResult::Failover(record(file, wanted, case, load, outcome)))?;
        self.spent(|took| &mut took.failover_ms, began);
        self.end(design)
    }
}

fn record(
    file: &BackendFile,
    wanted: &FailoverPlan,
    case: Case,
    load: Load,
    outcome: Outcome,
) -> FailoverRecord {
    let void = match &outcome {
        Outcome { unprepared: 1.., .. } => {
            Some(format!("{} of the first logins were not granted", outcome.unprepared))
        }
        Outcome { failed_before: 1.., .. } => {
            Some(format!("{} operations failed before anything was done", outcome.failed_before))
        }
        Outcome { logins: 0, .. } | Outcome { logouts: 0, .. } => {
            Some("no login or no logout was acknowledged".to_owned())
        }
        _ => None,
    };
    FailoverRecord {
        backend: file.header.name.clone(),
        topology: case.topology,
        loss: case.loss,
        wait: case.wait,
        node_timeout_ns: wanted.node_timeout.as_nanos(),
        cut_ns: load.cut_ns,
        rate_per_s: load.rate_per_s,
        after_ns: load.after_ns,
        deadline_ns: FAILOVER_DEADLINE_MS * 1_000_000,
        tallies: outcome.tallies,
        failed_before: outcome.failed_before,
        recovered_ns: outcome.recovered_ns,
        longest_ns: outcome.longest_ns,
        logins: outcome.logins,
        logins_lost: outcome.logins_lost,
        logouts: outcome.logouts,
        logouts_lost: outcome.logouts_lost,
        unsure: outcome.unsure,
        refused_in_force: outcome.refused_in_force,
        void,
    }
}
