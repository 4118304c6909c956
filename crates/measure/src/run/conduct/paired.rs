//! Paired rounds of a stationary scenario, and whole episodes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Conductor, Flow};
use crate::block::{BlockKind, BlockRecord};
use crate::error::Error;
use crate::event::Event;
use crate::generator::Generator;
use crate::plan::{CALIBRATION_BLOCKS, PairedScenario};
use crate::recording::{Calibration, Control, Entered};
use crate::run::block::Slot;
use crate::run::fleet::{LiveRow, Parts};
use crate::run::growth::{STEP, half_width};
use crate::run::order::order;
use crate::run::pilot::transient_ms;
use crate::run::rows::{PlannedScenario, Row};
use crate::store::Store;

/// Load discarded on a fresh row where the plan has no pilots, milliseconds.
const WARM_AFTER_START_MS: u64 = 150;
/// One void block in this many planned ones is measured a second time, at the end of its round. Whether it is, is
/// decided by the generator's self-checks alone, never by what was measured.
const BLOCKS_PER_REPEAT: u64 = 6;
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
    fn slot(&self, kind: BlockKind, round: u32, position: u32) -> Slot<'_> {
        let (warm, measure) =
            (Duration::from_millis(self.paired.warm_ms), Duration::from_millis(self.paired.block_ms));
        Slot {
            scenario_name: &self.planned.scenario.name,
            scenario: &self.planned.scenario,
            kind,
            round,
            position,
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
        let flow = self.rounds(&mut live, &pass)?;
        clean(&mut live)?;
        Ok(flow)
    }

    /// Live logins and warm-up of fresh rows; a pilot where the plan has one and this is the first start.
    fn make_ready(&mut self, live: &mut [LiveRow], pass: &Pass<'_>) -> Result<Flow, Error> {
        let pilot_ms = self.setting.plan.pilot_ms;
        let mut warm_ms = self.warm_after_start_ms(pass);
        for row in &mut *live {
            let ahead = Duration::from_millis(pass.block_ms() + pilot_ms);
            self.provision(row, pass.planned, ahead)?;
            if pilot_ms > 0 && pass.restart == 0 {
                // The pilot itself is the warm-up of this start.
                match self.pilot(row, pass, pilot_ms)? {
                    Some(transient_ms) => warm_ms = warm_ms.max(transient_ms),
                    None => return Ok(Flow::Stopped),
                }
            } else if self.warm(row, pass.planned, Duration::from_millis(warm_ms))? == Flow::Stopped {
                return Ok(Flow::Stopped);
            }
        }
        let scenario = pass.planned.scenario.name.clone();
        self.warm_ms.insert(scenario.clone(), warm_ms);
        self.writer.event(Entered::WarmUp { scenario, after_start_ms: warm_ms })?;
        Ok(Flow::GoOn)
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
            ..pass.slot(BlockKind::Pilot, PILOT_ROUND, 0)
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
        let Some(row) = live.iter_mut().find(|row| row.name == *baseline) else {
            return Ok(Some(BTreeMap::new()));
        };
        let mut costs = Vec::new();
        for number in 0..CALIBRATION_BLOCKS {
            let round = PILOT_ROUND - 1 - u32::try_from(number).unwrap_or(0);
            let slot = pass.slot(BlockKind::Pilot, round, 0);
            let Some(block) = self.block(row, &slot, 0)? else { return Ok(None) };
            costs.extend(block.cpu_ns_per_operation());
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
        let mut repeats = u64::from(rounds) * live.len() as u64 / BLOCKS_PER_REPEAT;
        while number < rounds {
            if self.round(live, pass, first + number, &mut blocks, &mut repeats)? == Flow::Stopped {
                return Ok(Flow::Stopped);
            }
            number += 1;
            if number == rounds && rounds < most {
                rounds = self.grow(live, pass, rounds, most, &blocks)?;
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
        repeats: &mut u64,
    ) -> Result<Flow, Error> {
        let name = &pass.planned.scenario.name;
        let order = order(self.setting.plan.seed, name, pass.store_rtt_us, round, live.len());
        let mut again = Vec::new();
        for (position, at) in (0..).zip(order) {
            if self.stopped() {
                return Ok(Flow::Stopped);
            }
            let row = &mut live[at];
            self.provision(row, pass.planned, Duration::from_millis(pass.block_ms()))?;
            let slot = pass.slot(BlockKind::Paired, round, position);
            match self.block(row, &slot, pass.block_ms())? {
                Some(block) if block.validity.response_times || *repeats == 0 => blocks.push(block),
                Some(block) => {
                    *repeats -= 1;
                    again.push((at, block));
                }
                None => return Ok(Flow::Stopped),
            }
        }
        for (position, (at, void)) in (position_after(live.len())..).zip(again) {
            if self.stopped() {
                return Ok(Flow::Stopped);
            }
            self.left.blocks += 1;
            self.left.ms += pass.block_ms();
            let row = &mut live[at];
            self.provision(row, pass.planned, Duration::from_millis(pass.block_ms()))?;
            let slot = pass.slot(BlockKind::Paired, round, position);
            let Some(block) = self.block(row, &slot, pass.block_ms())? else { return Ok(Flow::Stopped) };
            let better = block.validity.response_times || !void.validity.valid;
            blocks.push(if better { block } else { void });
        }
        Ok(Flow::GoOn)
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
        let rows: Vec<&str> = live.iter().map(|row| row.name.as_str()).collect();
        let half_width = half_width(&blocks.iter().collect::<Vec<_>>(), &rows, baseline);
        // Without enough valid pairs nothing is known of the precision: then it is not reached either.
        if half_width.is_some_and(|half_width| half_width <= precision) || self.row(baseline).is_none() {
            return Ok(from);
        }
        let half_width = half_width.unwrap_or(f64::MAX);
        let to = (from + STEP).min(most);
        let added = u64::from(to - from) * live.len() as u64;
        self.left.blocks += added;
        self.left.ms += added * pass.block_ms();
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
        for (position, at) in (0..).zip(order(plan.seed, &scenario.name, 0, 0, live.len())) {
            if self.stopped() {
                return Ok(Flow::Stopped);
            }
            let row = &mut live[at];
            self.provision(row, planned, length)?;
            let slot = Slot {
                scenario_name: &scenario.name,
                scenario,
                kind: BlockKind::Episode,
                round: 0,
                position,
                restart: 0,
                store_rtt_us: 0,
                warm: Duration::ZERO,
                measure: None,
                trace: plan.episode_ms.contains_key(name).then_some(length),
            };
            if self.block(row, &slot, length_ms)?.is_none() {
                return Ok(Flow::Stopped);
            }
        }
        clean(&mut live)?;
        Ok(Flow::GoOn)
    }
}

fn position_after(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

/// Ends the servers, then removes what they left in a shared store.
fn clean(live: &mut [LiveRow]) -> Result<(), Error> {
    for row in live {
        row.target.stop();
        if let Some(store) = row.store.as_mut() {
            Store::clean(store)?;
        }
    }
    Ok(())
}
