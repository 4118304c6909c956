//! Carries out a plan: starts, pilots, rounds, episodes; every finished block is on disk before the next begins.

mod loss;
mod paired;
mod record;
mod repeats;
mod setup;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::RunSummary;
use super::block::{Around, Driven, Slot, drive};
use super::exposure::exposure_ms;
use super::fleet::{LiveRow, Parts};
use super::rows::{PlannedScenario, Resolved, Row};
use crate::affinity::{Bound, Placement};
use crate::block::{BlockKind, BlockRecord};
use crate::clock::{nanos, now};
use crate::designs::nothing_left;
use crate::error::Error;
use crate::event::{Budget, Event, Progress, Warning};
use crate::generator::Generator;
use crate::plan::{BETWEEN_BLOCKS_MS, CEILING_MS, Plan};
use crate::recording::{Ended, Entered, RunRecord, Writer};
use crate::redact::redact;

/// What a run is given.
pub(super) struct Setting<'a> {
    pub(super) plan: &'a Plan,
    /// The baseline that the plan names, where another row had to stand in for it.
    pub(super) skipped_baseline: Option<&'a str>,
    pub(super) resolved: &'a Resolved,
    pub(super) placement: &'a Placement,
    pub(super) out_dir: &'a Path,
    /// Hashed into the recording; absent in tests.
    pub(super) executable: Option<&'a Path>,
    pub(super) stop: &'a AtomicBool,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    GoOn,
    Stopped,
}

/// A run under way.
struct Conductor<'a, P, G> {
    setting: &'a Setting<'a>,
    parts: P,
    generator: G,
    events: &'a mut dyn FnMut(Event),
    writer: Writer,
    record: RunRecord,
    ceiling: Option<f64>,
    started: Instant,
    done: u64,
    /// Blocks and time still planned.
    left: Left,
    /// Load discarded on a fresh row by scenario, milliseconds, once pilots have found it.
    warm_ms: std::collections::BTreeMap<String, u64>,
    summary: RunSummary,
}

/// What is still planned.
#[derive(Debug, Clone, Copy)]
struct Left {
    /// Blocks and episodes.
    blocks: u64,
    /// Their time and what lies between them, milliseconds.
    ms: u64,
    /// Starts, provisions, warm-ups, milliseconds.
    set_up_ms: u64,
}

impl Left {
    /// So many blocks of this length are done, or will not be.
    fn less(&mut self, blocks: u64, block_ms: u64) {
        self.blocks = self.blocks.saturating_sub(blocks);
        self.ms = self.ms.saturating_sub(blocks * (block_ms + BETWEEN_BLOCKS_MS));
    }

    /// So many are to be made besides.
    fn more(&mut self, blocks: u64, block_ms: u64) {
        self.blocks += blocks;
        self.ms += blocks * (block_ms + BETWEEN_BLOCKS_MS);
    }

    /// A set-up planned with so long is done.
    fn set_up(&mut self, planned_ms: u64) {
        self.set_up_ms = self.set_up_ms.saturating_sub(planned_ms);
    }
}

/// Carries out the plan of `setting`.
pub(super) fn conduct<P: Parts, G: Generator>(
    setting: &Setting<'_>,
    parts: P,
    generator: G,
    events: &mut dyn FnMut(Event),
) -> Result<RunSummary, Error> {
    let resolved = setting.resolved;
    for skipped in &resolved.skipped {
        events(Event::Skipped(skipped.clone()));
    }
    if resolved.rows.is_empty() {
        return Err(nothing_left(&resolved.skipped));
    }
    let budget = budget(setting);
    events(Event::Budget(budget.clone()));
    let canonical = setting.plan.canonical();
    let writer = Writer::create(setting.out_dir, &canonical)?;
    let record = record::run_record(setting, &budget);
    let summary = RunSummary {
        recording: setting.out_dir.to_owned(),
        plan_sha256: record.plan_sha256.clone(),
        blocks: 0,
        void_blocks: 0,
        response_withheld: 0,
        wrong_answers: std::collections::BTreeMap::new(),
        skipped: resolved.skipped.clone(),
        failed: std::collections::BTreeMap::new(),
        stopped: false,
    };
    let mut conductor = Conductor {
        setting,
        parts,
        generator,
        events,
        writer,
        record,
        ceiling: None,
        started: now(),
        done: 0,
        left: Left {
            blocks: budget.blocks,
            ms: budget.paired_ms + budget.episodes_ms,
            set_up_ms: budget.set_up_ms,
        },
        warm_ms: std::collections::BTreeMap::new(),
        summary,
    };
    let result = conductor.everything();
    conductor.close(result)
}

fn budget(setting: &Setting<'_>) -> Budget {
    let controls = setting.resolved.rows.iter().filter(|row| row.control.is_some()).count();
    let backends = setting.resolved.rows.len() - controls;
    let scenarios = &setting.resolved.scenarios;
    let budget = setting.plan.budget(
        u32::try_from(backends).unwrap_or(u32::MAX),
        u32::try_from(controls).unwrap_or(u32::MAX),
        |name| scenarios.get(name).map(|planned| &planned.scenario),
    );
    Budget { exposure_ms: exposure_ms(setting.plan, setting.resolved), ..budget }
}

impl<P: Parts, G: Generator> Conductor<'_, P, G> {
    /// The whole plan, on the generator's core.
    fn everything(&mut self) -> Result<Flow, Error> {
        let setting = self.setting;
        self.prepare()?;
        let _bound = Bound::to(&setting.placement.generator)?;
        self.measure_ceiling()?;
        self.left.set_up(CEILING_MS);
        for restart in 0..setting.plan.statistics.restarts {
            for store_rtt_us in setting.plan.distances() {
                for paired in &setting.plan.paired {
                    if self.paired(paired, restart, store_rtt_us)? == Flow::Stopped {
                        return Ok(Flow::Stopped);
                    }
                }
            }
        }
        for name in &setting.plan.episodes {
            if self.episode(name)? == Flow::Stopped {
                return Ok(Flow::Stopped);
            }
        }
        Ok(Flow::GoOn)
    }

    /// Ends the recording, whatever happened.
    fn close(mut self, result: Result<Flow, Error>) -> Result<RunSummary, Error> {
        let ended = match &result {
            Ok(Flow::GoOn) => Ended::Completed,
            Ok(Flow::Stopped) if self.writer.blocks_written() == 0 => {
                self.summary.stopped = true;
                self.writer.discard()?;
                return Ok(self.summary);
            }
            Ok(Flow::Stopped) => {
                self.summary.stopped = true;
                self.writer.event(Entered::Stopped)?;
                Ended::Stopped
            }
            Err(_) if self.writer.blocks_written() == 0 => {
                // The first error counts, not that of tidying up.
                let _ = self.writer.discard();
                return result.map(|_| self.summary);
            }
            Err(error) => {
                let message = redact(&error.to_string());
                // A full disk may be why we are here: what is on disk is readable without this.
                let _ = self.writer.event(Entered::Failed { message: message.clone() });
                Ended::Failed(message)
            }
        };
        let finished = self.writer.finish(ended);
        result?;
        finished?;
        Ok(self.summary)
    }

    fn row(&self, name: &str) -> Option<&Row> {
        self.setting.resolved.rows.iter().find(|row| row.name == name)
    }

    fn planned(&self, name: &str) -> Result<&'_ PlannedScenario, Error> {
        self.setting.resolved.scenarios.get(name).ok_or_else(|| Error::Probe {
            what: "the plan",
            message: format!("scenario `{name}` was not read"),
        })
    }

    fn stopped(&self) -> bool {
        self.setting.stop.load(Ordering::Relaxed)
    }

    fn warn(&mut self, kind: &str, row: &str, message: String) -> Result<(), Error> {
        let warning = Warning { kind: kind.to_owned(), row: row.to_owned(), message };
        self.writer.event(Entered::Warning(warning.clone()))?;
        (self.events)(Event::Warning(warning));
        Ok(())
    }

    /// Drives a block, unrecorded. None when stopped.
    fn drive(&mut self, row: &mut LiveRow, slot: &Slot<'_>) -> Result<Option<Driven>, Error> {
        let around =
            Around { placement: self.setting.placement, ceiling: self.ceiling, stop: self.setting.stop };
        drive(&mut self.generator, row, slot, around)
    }

    /// Drives a block and puts it on disk. `planned_ms` is what it was to take. None when stopped. Where the row ended
    /// meanwhile, its block is on disk as a void one, and the error says why.
    fn block(
        &mut self,
        row: &mut LiveRow,
        slot: &Slot<'_>,
        planned_ms: u64,
    ) -> Result<Option<BlockRecord>, Error> {
        let Some(driven) = self.drive(row, slot)? else { return Ok(None) };
        let written = self.writer.block(driven.record.clone(), &driven.histograms())?;
        if slot.kind != BlockKind::Pilot {
            self.count(&written, planned_ms);
        }
        match driven.fault {
            Some(fault) => Err(fault),
            None => Ok(Some(written)),
        }
    }

    fn count(&mut self, block: &BlockRecord, planned_ms: u64) {
        let summary = &mut self.summary;
        summary.blocks += 1;
        summary.void_blocks += u64::from(!block.validity.valid);
        summary.response_withheld += u64::from(block.validity.valid && !block.validity.response_times);
        let wrong = block.wrong_answers();
        if wrong > 0 {
            *summary.wrong_answers.entry(block.backend.clone()).or_default() += wrong;
        }
        self.done += 1;
        self.left.less(1, planned_ms);
        let progress = Progress {
            done: self.done,
            total: self.done + self.left.blocks,
            elapsed_ns: nanos(now().saturating_duration_since(self.started)),
            remaining_ns: nanos(Duration::from_millis(self.left.ms + self.left.set_up_ms)),
        };
        (self.events)(Event::BlockFinished { block: Box::new(block.clone()), progress });
    }
}
