//! Before the first block: the machine, the generator's ceiling, servers and stores, live logins, warm-up.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use scenario::backend::Lag;

use super::{Conductor, Flow};
use crate::block::BlockKind;
use crate::clock::nanos;
use crate::environment::environment;
use crate::error::Error;
use crate::event::Event;
use crate::generator::Generator;
use crate::plan::fewest_rounds;
use crate::recording::Entered;
use crate::relay::Relay;
use crate::run::block::Slot;
use crate::run::fleet::{self, LiveRow, Parts, Start};
use crate::run::rows::{PlannedScenario, Row};

/// Connections of the ceiling check: as many as a scenario uses by default.
const CEILING_CONNECTIONS: u32 = 32;
/// The shortest timer slack the kernel takes, nanoseconds: the default of 50 µs would show in every response time.
const TIMER_SLACK: NonZeroU64 = NonZeroU64::MIN;
/// Length of what is captured.
const CAPTURED: Duration = Duration::from_millis(300);
/// Trace of warm-ups: no round uses its draws.
const WARM_ROUND: u32 = u32::MAX;

impl<P: Parts, G: Generator> Conductor<'_, P, G> {
    /// Puts down what is known before anything is started, and says what this machine cannot do.
    pub(super) fn prepare(&mut self) -> Result<(), Error> {
        let environment = environment()?;
        self.writer.environment(&environment)?;
        if rustix::thread::set_current_timer_slack(Some(TIMER_SLACK)).is_ok() {
            self.record.timer_slack_ns = rustix::thread::current_timer_slack().ok();
        }
        self.writer.run(&self.record)?;
        let placement = self.setting.placement;
        if placement.shared {
            self.warn(
                "shared-core",
                "",
                "generator and servers share their CPUs, so response times contain the generator's own work"
                    .to_owned(),
            )?;
        }
        if let Some(quota) = environment.limits.cpu_quota_milli {
            let cpus = environment.limits.cpus.len() as u64 * 1000;
            if quota < cpus {
                let message = format!(
                    "a control group allows {:.2} CPUs' time on {} CPUs: both sides may be held up for milliseconds",
                    quota as f64 / 1000.0,
                    environment.limits.cpus.len()
                );
                self.warn("cpu-quota", "", message)?;
            }
        }
        self.warn_of_few_rounds()?;
        if let Some(planned) = self.setting.skipped_baseline {
            let baseline = &self.setting.plan.baseline;
            let message = format!("the plan's baseline {planned} was skipped: {baseline} stands in for it");
            self.warn("baseline-skipped", "", message)?;
        }
        Ok(())
    }

    /// Says so where the rounds cannot show any difference, however large.
    fn warn_of_few_rounds(&mut self) -> Result<(), Error> {
        let plan = self.setting.plan;
        let compared = |row: &&Row| {
            row.control.is_none()
                && row.name != plan.baseline
                && row.backend.header.promises.revocation_lag != Lag::Never
        };
        let comparisons = self.setting.resolved.rows.iter().filter(compared).count();
        let comparisons = u32::try_from(comparisons).unwrap_or(u32::MAX);
        let needed = fewest_rounds(comparisons, plan.statistics.alpha);
        for paired in &plan.paired {
            let most = paired.rounds_max.unwrap_or(paired.rounds);
            if comparisons > 0 && most * plan.statistics.restarts < needed {
                let message = format!(
                    "{}: {most} rounds cannot show a difference between {comparisons} backends and the baseline at alpha = {}, however large: {needed} are needed",
                    paired.scenario, plan.statistics.alpha
                );
                self.warn("few-rounds", "", message)?;
            }
        }
        Ok(())
    }

    /// What the generator can do at most here.
    pub(super) fn measure_ceiling(&mut self) -> Result<(), Error> {
        match self.generator.ceiling(CEILING_CONNECTIONS, &self.setting.placement.servers) {
            Ok(per_second) => {
                self.ceiling = Some(per_second);
                self.record.generator_ceiling = Some(per_second);
                (self.events)(Event::Ceiling { per_second });
                Ok(())
            }
            Err(error) => {
                self.warn("no-ceiling", "", format!("the generator's ceiling could not be measured: {error}"))
            }
        }
    }

    /// Starts rows and notes what they say of themselves.
    pub(super) fn start(
        &mut self,
        rows: &[&Row],
        planned: &PlannedScenario,
        store_rtt_us: u64,
        extra_work_ns: &BTreeMap<String, u64>,
    ) -> Result<Vec<LiveRow>, Error> {
        let setting = self.setting;
        let start = Start {
            scenario: &planned.scenario,
            cores: &setting.plan.cores,
            server_cpus: &setting.placement.servers,
            store_rtt_us,
            extra_work_ns,
        };
        let rows: Vec<&Row> = rows.iter().copied().filter(|row| self.goes_on(row)).collect();
        let mut live = Vec::new();
        for (row, started) in rows.iter().zip(fleet::start(&mut self.parts, &rows, &start)) {
            match started {
                Ok(row) => live.push(row),
                Err(error) if self.writer.blocks_written() == 0 => return Err(error),
                Err(error) => self.lost(&row.name, &planned.scenario.name, "", &error)?,
            }
        }
        for row in &live {
            if let Some(known) = self.record.rows.iter_mut().find(|known| known.name == row.name) {
                // A later start may differ in what the scenario asks for, such as the cheaper password hash of some.
                if known.describe.is_null() {
                    known.describe = row.describe.clone();
                }
                known.store = row.store.as_ref().map(|store| store.record.clone());
            }
            (self.events)(Event::SetUp { row: row.name.clone(), message: "ready".to_owned() });
        }
        self.writer.run(&self.record)?;
        Ok(live)
    }

    /// Creates or renews the live logins of a row.
    pub(super) fn provision(
        &mut self,
        row: &mut LiveRow,
        planned: &PlannedScenario,
        ahead: Duration,
    ) -> Result<(), Error> {
        let Some(made) = row.provision(&planned.scenario, ahead)? else { return Ok(()) };
        let counted = row.target.counters()?;
        let message = format!("{} logins provisioned in {:.2} s", made.logins, made.took.as_secs_f64());
        (self.events)(Event::SetUp { row: row.name.clone(), message });
        self.writer.event(Entered::Provisioned {
            row: row.name.clone(),
            scenario: planned.scenario.name.clone(),
            logins: made.logins,
            took_ns: nanos(made.took),
            renewed: made.renewed,
            live_entries: counted.live_entries,
            revoked_entries: counted.revoked_entries,
        })
    }

    /// Drives some load through a relay and looks for credentials in what passed. Nothing of it is measured.
    pub(super) fn capture(&mut self, row: &mut LiveRow, planned: &PlannedScenario) -> Result<Flow, Error> {
        let Some(&server) = row.address.addresses.first() else { return Ok(Flow::GoOn) };
        let relay = Relay::start(server)?;
        let direct = std::mem::replace(&mut row.address.addresses, vec![relay.address()]);
        let driven = self.warm(row, planned, CAPTURED);
        row.address.addresses = direct;
        let capture = relay.finish();
        let flow = driven?;
        let (credentials, credential_bytes) = capture.find(row.jar.header_lines());
        self.writer.event(Entered::Captured {
            row: row.name.clone(),
            scenario: planned.scenario.name.clone(),
            connections: capture.connections,
            passed_bytes: capture.passed,
            kept_bytes: capture.kept(),
            credentials,
            credential_bytes,
        })?;
        Ok(flow)
    }

    /// Drives and discards load on a fresh row.
    pub(super) fn warm(
        &mut self,
        row: &mut LiveRow,
        planned: &PlannedScenario,
        length: Duration,
    ) -> Result<Flow, Error> {
        let slot = Slot {
            scenario_name: &planned.scenario.name,
            scenario: &planned.scenario,
            kind: BlockKind::Pilot,
            round: WARM_ROUND,
            visit: 0,
            position: 0,
            restart: 0,
            store_rtt_us: 0,
            warm: Duration::ZERO,
            measure: Some(length),
            trace: Some(length),
        };
        match self.drive(row, &slot)? {
            Some(driven) => driven.fault.map_or(Ok(Flow::GoOn), Err),
            None => Ok(Flow::Stopped),
        }
    }
}
