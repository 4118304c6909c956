//! Paired rounds of a stationary scenario, and whole episodes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::repeats::{Repeats, Void};
use super::{Conductor, Flow};
use crate::block::{BlockKind, BlockRecord};
use crate::error::Error;
use crate::event::Event;
use crate::generator::Generator;
use crate::plan::{CALIBRATION_BLOCKS, PairedScenario, WARM_AFTER_START_MS, start_ms};
use crate::recording::{Calibration, Control, Entered};
use crate::redact::redact;
use crate::run::block::Slot;
use crate::run::fleet::{LiveRow, Parts};
use crate::run::growth::{STEP, half_width};
use crate::run::order::order;
use crate::run::pilot::transient_ms;
use crate::run::rows::{PlannedScenario, Row};
use crate::store::Store;

/// Trace of pilots: no round uses its draws.
const PILOT_ROUND: u32 = u32::MAX - 1;

/// What one pass of a paired scenario has in common.
struct Pass<'a> {
    paired: &'a PairedScenario,
    planned: &'a PlannedScenario,
    restart: u32,
    store_rtt_us: u64,
}

impl Pass<'_> {
    fn slot(&self, kind: BlockKind, at: Place) -> Slot<'_> {
        let (warm, measure) =
            (Duration::from_millis(self.paired.warm_ms), Duration::from_millis(self.paired.block_ms));
        Slot {
            scenario_name: &self.planned.scenario.name,
            scenario: &self.planned.scenario,
            kind,
            round: at.round,
            visit: at.visit,
            position: at.position,
            restart: self.restart,
            store_rtt_us: self.store_rtt_us,
            warm,
            measure: Some(measure),
            trace: Some(warm + measure),
        }
    }

    fn block_ms(&self) -> u64 {
        self.paired.warm_ms + self.paired.block_ms
    }

    /// Blocks in so many rounds of so many rows.
    fn blocks(&self, rounds: u32, rows: u64) -> u64 {
        u64::from(rounds) * u64::from(self.paired.visits) * rows
    }
}

/// Where a block stands in a pass.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    round: u32,
    visit: u32,
    position: u32,
}

impl Place {
    fn of_round(round: u32) -> Self {
        Self { round, ..Self::default() }
    }
}

impl<P: Parts, G: Generator> Conductor<'_, P, G> {
    /// One paired scenario at one distance after one start.
    pub(super) fn paired(
        &mut self,
        paired: &PairedScenario,
        restart: u32,
        store_rtt_us: u64,
    ) -> Result<Flow, Error> {
        let resolved = self.setting.resolved;
        let planned = &self.planned(&paired.scenario)?.clone();
        let pass = Pass { paired, planned, restart, store_rtt_us };
        (self.events)(Event::ScenarioStarted {
            scenario: planned.scenario.name.clone(),
            paired: true,
            rounds: paired.rounds,
        });
        self.writer.event(Entered::Started { restart, store_rtt_us })?;
        let extra = |row: &&Row| matches!(row.control, Some(Control::ExtraWork(_)));
        let (with_extra, plain): (Vec<&Row>, Vec<&Row>) = resolved.rows.iter().partition(extra);
        let mut live = self.start(&plain, planned, store_rtt_us, &BTreeMap::new())?;
        if self.make_ready(&mut live, &pass)? == Flow::Stopped {
            return Ok(Flow::Stopped);
        }
        if !with_extra.is_empty() {
            let Some(work) = self.calibrate(&mut live, &with_extra, &pass)? else { return Ok(Flow::Stopped) };
            let mut more = self.start(&with_extra, planned, store_rtt_us, &work)?;
            if self.make_ready(&mut more, &pass)? == Flow::Stopped {
                return Ok(Flow::Stopped);
            }
            live.append(&mut more);
        }
        let rows = resolved.rows.len() as u64;
        let set_up_ms = self.setting.plan.pass_set_up_ms(rows, paired, Some(&planned.scenario));
        self.left.set_up(set_up_ms + if restart == 0 { rows * self.setting.plan.pilot_ms } else { 0 });
        let flow = self.rounds(&mut live, &pass)?;
        self.clean(&mut live)?;
        Ok(flow)
    }

    /// Live logins and warm-up of fresh rows; a pilot where the plan has one and this is the first start.
    fn make_ready(&mut self, live: &mut [LiveRow], pass: &Pass<'_>) -> Result<Flow, Error> {
        let pilot_ms = self.setting.plan.pilot_ms;
        let mut warm_ms = self.warm_after_start_ms(pass);
        for row in &mut *live {
            let result = self.make_row_ready(row, pass, pilot_ms, warm_ms);
            match self.survive(row, &pass.planned.scenario.name, result)? {
                Some(Some(needed_ms)) => warm_ms = warm_ms.max(needed_ms),
                Some(None) => return Ok(Flow::Stopped),
                None => {}
            }
        }
        let scenario = pass.planned.scenario.name.clone();
        self.warm_ms.insert(scenario.clone(), warm_ms);
        self.writer.event(Entered::WarmUp { scenario, after_start_ms: warm_ms })?;
        Ok(Flow::GoOn)
    }

    /// The warm-up this row needs, milliseconds. None when stopped.
    fn make_row_ready(
        &mut self,
        row: &mut LiveRow,
        pass: &Pass<'_>,
        pilot_ms: u64,
        warm_ms: u64,
    ) -> Result<Option<u64>, Error> {
        self.provision(row, pass.planned, Duration::from_millis(pass.block_ms() + pilot_ms))?;
        if pass.planned.scenario.client.capture && self.capture(row, pass.planned)? == Flow::Stopped {
            return Ok(None);
        }
        if pilot_ms > 0 && pass.restart == 0 {
            // The pilot itself is the warm-up of this start.
            return self.pilot(row, pass, pilot_ms);
        }
        let flow = self.warm(row, pass.planned, Duration::from_millis(warm_ms))?;
        Ok((flow == Flow::GoOn).then_some(0))
    }

    fn warm_after_start_ms(&self, pass: &Pass<'_>) -> u64 {
        self.warm_ms.get(&pass.planned.scenario.name).copied().unwrap_or(WARM_AFTER_START_MS)
    }

    /// Finds where a fresh row's transient ends; its length, at most half of the pilot. None when stopped.
    fn pilot(&mut self, row: &mut LiveRow, pass: &Pass<'_>, pilot_ms: u64) -> Result<Option<u64>, Error> {
        let length = Duration::from_millis(pilot_ms);
        let slot = Slot {
            warm: Duration::ZERO,
            measure: Some(length),
            trace: Some(length),
            ..pass.slot(BlockKind::Pilot, Place::of_round(PILOT_ROUND))
        };
        let Some(driven) = self.drive(row, &slot)? else { return Ok(None) };
        self.writer.block(driven.record.clone(), &driven.histograms())?;
        if let Some(fault) = driven.fault {
            return Err(fault);
        }
        let found = transient_ms(&driven.windows);
        self.writer.event(Entered::Pilot {
            row: row.name.clone(),
            scenario: pass.planned.scenario.name.clone(),
            pilot_ms,
            transient_ms: found,
        })?;
        if found.is_none() {
            let message = format!(
                "no steady state within a pilot of {:.1} s ({}): half of it is discarded after every start",
                length.as_secs_f64(),
                pass.planned.scenario.name
            );
            self.warn("no-steady-state", &row.name, message)?;
        }
        Ok(Some(found.unwrap_or(pilot_ms / 2)))
    }

    /// Measures the baseline's own CPU per operation; the work to add, by row. None when stopped.
    fn calibrate(
        &mut self,
        live: &mut [LiveRow],
        rows: &[&Row],
        pass: &Pass<'_>,
    ) -> Result<Option<BTreeMap<String, u64>>, Error> {
        let baseline = &self.setting.plan.baseline;
        let Some(row) = live.iter_mut().find(|row| row.name == *baseline && !row.lost) else {
            return Ok(Some(BTreeMap::new()));
        };
        let mut costs = Vec::new();
        for number in 0..CALIBRATION_BLOCKS {
            let round = PILOT_ROUND - 1 - u32::try_from(number).unwrap_or(0);
            let slot = pass.slot(BlockKind::Pilot, Place::of_round(round));
            let result = self.block(row, &slot, 0);
            match self.survive(row, &pass.planned.scenario.name, result)? {
                Some(Some(block)) => costs.extend(block.cpu_ns_per_operation()),
                Some(None) => return Ok(None),
                // Its controls are not started either.
                None => return Ok(Some(BTreeMap::new())),
            }
        }
        let baseline_cpu_ns = stats::quantile::median(&costs).map_err(|_| Error::Generator {
            row: baseline.clone(),
            message: "no answer in the pilot that calibrates the positive control".to_owned(),
        })?;
        let mut work = BTreeMap::new();
        for row in rows {
            let Some(Control::ExtraWork(share)) = row.control else { continue };
            let extra_work_ns = (share * baseline_cpu_ns).round() as u64;
            work.insert(row.name.clone(), extra_work_ns);
            let pilots = u32::try_from(costs.len()).unwrap_or(u32::MAX);
            let calibration = Calibration { baseline_cpu_ns, extra_work_ns, pilots };
            let name = &pass.planned.scenario.name;
            if let Some(known) = self.record.rows.iter_mut().find(|known| known.name == row.name) {
                known.calibration.insert(name.clone(), calibration);
            }
        }
        Ok(Some(work))
    }

    /// All rounds of a pass; more on precision.
    fn rounds(&mut self, live: &mut [LiveRow], pass: &Pass<'_>) -> Result<Flow, Error> {
        let paired = pass.paired;
        let most = paired.rounds_max.unwrap_or(paired.rounds);
        let first = pass.restart * most;
        let mut rounds = paired.rounds;
        let mut blocks: Vec<BlockRecord> = Vec::new();
        let mut number = 0;
        let missing = self.setting.resolved.rows.len() as u64 - (live.len() as u64 - lost(live));
        self.left.less(pass.blocks(rounds, missing), pass.block_ms());
        let mut repeats = Repeats::of(pass.blocks(rounds, live.len() as u64), live.len());
        while number < rounds && live.iter().any(|row| !row.lost) {
            let before = lost(live);
            if self.round(live, pass, first + number, &mut blocks, &mut repeats)? == Flow::Stopped {
                return Ok(Flow::Stopped);
            }
            number += 1;
            self.left.less(pass.blocks(rounds - number, lost(live) - before), pass.block_ms());
            if number == rounds && rounds < most {
                rounds = self.grow(live, pass, rounds, most, &blocks)?;
                repeats.grow(pass.blocks(rounds - number, live.len() as u64));
            }
        }
        Ok(Flow::GoOn)
    }

    fn round(
        &mut self,
        live: &mut [LiveRow],
        pass: &Pass<'_>,
        round: u32,
        blocks: &mut Vec<BlockRecord>,
        repeats: &mut Repeats,
    ) -> Result<Flow, Error> {
        let name = &pass.planned.scenario.name;
        let order = order(self.setting.plan.seed, name, pass.store_rtt_us, round, live.len());
        let mut void = Vec::new();
        let visits = (0..pass.paired.visits).flat_map(|visit| {
            let there: Vec<usize> =
                if visit % 2 == 0 { order.clone() } else { order.iter().rev().copied().collect() };
            there.into_iter().map(move |at| (visit, at))
        });
        let mut position = 0_u32..;
        for (visit, at) in visits {
            let place = Place { round, visit, position: position.next().unwrap_or(u32::MAX) };
            if live[at].lost {
                continue;
            }
            match self.paired_block(&mut live[at], pass, place)? {
                Some(Some(block)) if block.validity.response_times => {
                    repeats.count(at, &block);
                    blocks.push(block);
                }
                Some(Some(block)) => void.push(Void { row: at, visit, block }),
                Some(None) => return Ok(Flow::Stopped),
                None => {}
            }
        }
        let baseline = live.iter().position(|row| row.name == self.setting.plan.baseline);
        repeats.order(&mut void, baseline);
        for Void { row: at, visit, block: void } in void {
            if live[at].lost || !self.has_time_for(pass.block_ms()) || !repeats.take() {
                blocks.push(void);
                continue;
            }
            self.left.more(1, pass.block_ms());
            let place = Place { round, visit, position: position.next().unwrap_or(u32::MAX) };
            match self.paired_block(&mut live[at], pass, place)? {
                Some(Some(block)) => {
                    let better = block.validity.response_times || !void.validity.valid;
                    repeats.count(at, &block);
                    blocks.push(if better { block } else { void });
                }
                Some(None) => return Ok(Flow::Stopped),
                None => blocks.push(void),
            }
        }
        Ok(Flow::GoOn)
    }

    /// One block of a round. `None` when the row is lost, `Some(None)` when the run is stopped.
    fn paired_block(
        &mut self,
        row: &mut LiveRow,
        pass: &Pass<'_>,
        place: Place,
    ) -> Result<Option<Option<BlockRecord>>, Error> {
        if self.stopped() {
            return Ok(Some(None));
        }
        let slot = pass.slot(BlockKind::Paired, place);
        let result = self
            .provision(row, pass.planned, Duration::from_millis(pass.block_ms()))
            .and_then(|()| self.block(row, &slot, pass.block_ms()));
        self.survive(row, &pass.planned.scenario.name, result)
    }

    /// The rounds to be: more of them while an interval is wider than registered.
    fn grow(
        &mut self,
        live: &[LiveRow],
        pass: &Pass<'_>,
        from: u32,
        most: u32,
        blocks: &[BlockRecord],
    ) -> Result<u32, Error> {
        let Some(precision) = self.setting.plan.statistics.precision else { return Ok(from) };
        let baseline = &self.setting.plan.baseline;
        let going_on = || live.iter().filter(|row| !row.lost);
        if !going_on().any(|row| row.name == *baseline) {
            return Ok(from);
        }
        let rows: Vec<&str> = going_on().map(|row| row.name.as_str()).collect();
        let half_width = half_width(&blocks.iter().collect::<Vec<_>>(), &rows, baseline);
        // Without enough valid pairs nothing is known of the precision: then it is not reached either.
        if half_width.is_some_and(|half_width| half_width <= precision) || self.row(baseline).is_none() {
            return Ok(from);
        }
        let half_width = half_width.unwrap_or(f64::MAX);
        let to = (from + STEP).min(most);
        self.left.more(pass.blocks(to - from, rows.len() as u64), pass.block_ms());
        let scenario = pass.planned.scenario.name.clone();
        self.writer.event(Entered::RoundsAdded { scenario: scenario.clone(), from, to, half_width })?;
        (self.events)(Event::RoundsAdded { scenario, from, to, half_width });
        Ok(to)
    }

    /// One whole episode of every backend.
    pub(super) fn episode(&mut self, name: &str) -> Result<Flow, Error> {
        let plan = self.setting.plan;
        let planned = &self.planned(name)?.clone();
        let scenario = &planned.scenario;
        (self.events)(Event::ScenarioStarted { scenario: scenario.name.clone(), paired: false, rounds: 1 });
        self.writer.event(Entered::Started { restart: 0, store_rtt_us: 0 })?;
        let rows: Vec<&Row> = self.setting.resolved.rows.iter().filter(|row| row.control.is_none()).collect();
        let length_ms = plan.episode_length_ms(name, Some(scenario));
        let length = Duration::from_millis(length_ms);
        let mut live = self.start(&rows, planned, 0, &BTreeMap::new())?;
        self.left.less((rows.len() - live.len()) as u64, length_ms);
        for (position, at) in (0..).zip(order(plan.seed, &scenario.name, 0, 0, live.len())) {
            if self.stopped() {
                return Ok(Flow::Stopped);
            }
            let slot = Slot {
                scenario_name: &scenario.name,
                scenario,
                kind: BlockKind::Episode,
                round: 0,
                visit: 0,
                position,
                restart: 0,
                store_rtt_us: 0,
                warm: Duration::ZERO,
                measure: None,
                trace: plan.episode_ms.contains_key(name).then_some(length),
            };
            let row = &mut live[at];
            let result =
                self.provision(row, planned, length).and_then(|()| self.block(row, &slot, length_ms));
            if let Some(None) = self.survive(row, &scenario.name, result)? {
                return Ok(Flow::Stopped);
            }
        }
        self.left.set_up(start_ms(rows.len() as u64, Some(scenario)));
        self.clean(&mut live)?;
        Ok(Flow::GoOn)
    }

    /// Ends the servers, then removes what they left in a shared store. Every key has a TTL besides, so that a store
    /// that is gone by now is only remarked on.
    fn clean(&mut self, live: &mut [LiveRow]) -> Result<(), Error> {
        for row in live {
            row.target.stop();
            let cleaned = row.store.as_mut().map_or(Ok(0), Store::clean);
            if let Err(error) = cleaned {
                self.warn("not-cleaned", &row.name.clone(), redact(&error.to_string()))?;
            }
        }
        Ok(())
    }
}

/// How many rows are lost.
fn lost(live: &[LiveRow]) -> u64 {
    live.iter().filter(|row| row.lost).count() as u64
}
