//! A drill under way: designs one after the other, and what is stolen from them.

mod failover;
mod parts;

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use scenario::BackendFile;
use tokio::runtime::LocalRuntime;

use super::cell::{CellId, Declared, Setting};
use super::folder::DrillWriter;
use super::http::HttpService;
use super::launch::{Design, Yard};
use super::plan::{DrillEvent, DrillPlan, SurvivalPlan};
use super::record::{DesignRecord, DrillBudget, DrillResult, SurvivalRecord, TookRecord};
use super::scaled::{Scaled, Set, scaled};
use super::{DrillNews, cell, cut};
use crate::error::Error;
use crate::recording::{Ended, sha256_hex};

/// A drill under way.
pub(super) struct Driller<'a> {
    plan: &'a DrillPlan,
    stop: &'a AtomicBool,
    runtime: LocalRuntime,
    yard: Yard,
    writer: DrillWriter,
    news: &'a mut dyn FnMut(DrillNews),
    results: Vec<DrillResult>,
    next_subject: u32,
    took: DrillBudget,
}

/// What a drill is made for: its time is added to this part of the budget.
type Part = fn(&mut DrillBudget) -> &mut u64;

impl<'a> Driller<'a> {
    pub(super) fn new(
        plan: &'a DrillPlan,
        stop: &'a AtomicBool,
        runtime: LocalRuntime,
        yard: Yard,
        writer: DrillWriter,
        news: &'a mut dyn FnMut(DrillNews),
    ) -> Self {
        let (results, took) = (Vec::new(), DrillBudget::default());
        Self { plan, stop, runtime, yard, writer, news, results, next_subject: 0, took }
    }

    /// Everything; false when stopped before the end.
    pub(super) fn carry_out(&mut self, files: &[BackendFile], budget: DrillBudget) -> Result<bool, Error> {
        let began = crate::clock::now();
        self.put(DrillResult::Budget(budget))?;
        for (done, file) in files.iter().enumerate() {
            let backend = file.header.name.clone();
            (self.news)(DrillNews::Design { backend, done, total: files.len() });
            let whole = self.survival(file)?
                && self.restart(file)?
                && self.price(file)?
                && self.resurrection(file)?
                && self.failover(file)?;
            if !whole {
                return Ok(false);
            }
        }
        if !self.expiry(files)? {
            return Ok(false);
        }
        let total_ms = millis(began);
        self.put(DrillResult::Took(TookRecord {
            parts: DrillBudget { designs: budget.designs, cells: budget.cells, ..self.took },
            total_ms,
            budget_ms: budget.total_ms(),
        }))?;
        Ok(true)
    }

    /// The results, and whether the folder could be closed.
    pub(super) fn finish(self, ended: Ended) -> (Vec<DrillResult>, Result<(), Error>) {
        (self.results, self.writer.finish(ended))
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn put(&mut self, result: DrillResult) -> Result<(), Error> {
        self.writer.write(&result)?;
        (self.news)(DrillNews::Result(Box::new(result.clone())));
        self.results.push(result);
        Ok(())
    }

    /// A whole run of subjects that nobody else uses.
    fn subjects(&mut self, count: u32) -> u32 {
        let first = self.next_subject;
        self.next_subject += count;
        first
    }

    /// Starts a design.
    fn start(
        &mut self,
        scaled: &Scaled,
        store_rtt_ns: u64,
        clock_offsets_s: &[i32],
    ) -> Result<(Design, Rc<HttpService>), Error> {
        let began = crate::clock::now();
        let replicas = match clock_offsets_s.len() {
            0 => self.plan.replicas,
            many => u32::try_from(many).unwrap_or(u32::MAX),
        };
        let design = self.yard.start(scaled, replicas, store_rtt_ns, clock_offsets_s)?;
        let service = Rc::new(self.runtime.block_on(async { design.service() }));
        self.took.start_ms += millis(began);
        Ok((design, service))
    }

    /// Ends a design, unless it has ended by itself.
    fn end(&mut self, mut design: Design) -> Result<(), Error> {
        let began = crate::clock::now();
        match design.has_ended() {
            Some(error) => return Err(error),
            None => design.end()?,
        }
        self.took.start_ms += millis(began);
        Ok(())
    }

    /// Adds what this took to a part of the budget.
    fn spent(&mut self, part: Part, began: Instant) {
        *part(&mut self.took) += millis(began);
    }

    fn survival(&mut self, file: &BackendFile) -> Result<bool, Error> {
        let Some(wanted) = self.plan.survival.clone() else { return Ok(true) };
        let short = scaled(file, &self.plan.scale, Set::default())?;
        let configured = Scaled::as_is(file)?;
        let cells = cell::cells(&wanted, short.refreshes);
        if !self.cells_of(file, &short, &configured, &wanted, &cells, None)? {
            return Ok(false);
        }
        let Some(unscaled) = &self.plan.unscaled else { return Ok(true) };
        if !unscaled.backends.contains(&file.header.name) {
            return Ok(true);
        }
        let again: Vec<CellId> =
            cells.into_iter().filter(|cell| unscaled.events.contains(&cell.event)).collect();
        let most_ns = unscaled.replay_for.as_nanos();
        self.cells_of(file, &configured, &configured, &wanted, &again, Some(most_ns))
    }

    /// Cells of one design: as shortened, or as its file has it and with replays for so long at most.
    fn cells_of(
        &mut self,
        file: &BackendFile,
        drilled: &Scaled,
        configured: &Scaled,
        wanted: &SurvivalPlan,
        cells: &[CellId],
        most_ns: Option<u64>,
    ) -> Result<bool, Error> {
        let (design, service) = self.start(drilled, 0, &[])?;
        let began = crate::clock::now();
        let declared = declared(drilled, &design, self.plan);
        let life_ns = |life: Option<(u64, u64)>| life.map(|(life_ns, leeway_ns)| life_ns + leeway_ns);
        if most_ns.is_none() {
            self.put(DrillResult::Design(DesignRecord {
                backend: file.header.name.clone(),
                summary: file.header.summary.clone(),
                backend_sha256: sha256_hex(file.text.as_bytes()),
                changes: drilled.changes.clone(),
                describe: design.ready.describe.clone(),
                configured_life_ns: life_ns(drilled.configured),
                drilled_life_ns: life_ns(drilled.drilled),
            }))?;
        }
        let (lifetime_ns, leeway_ns) =
            drilled.configured.unwrap_or((declared.lifetime_ns, declared.leeway_ns));
        let setting = Rc::new(Setting {
            backend: file.header.name.clone(),
            declared,
            trials: wanted.trials,
            interval_ns: 1_000_000_000 / u64::from(wanted.replays_per_s),
            seed: self.plan.seed,
            at_once: wanted.at_once,
            replay_for_ns: most_ns,
            configured: Declared {
                promises: configured.backend.header.promises.clone(),
                lifetime_ns,
                leeway_ns,
            },
            unscaled: most_ns.is_some(),
        });
        // A new key ends every login there is: that cell runs alone, and last.
        let (rotations, others) = cell::apart(cells);
        for group in others.chunks(wanted.together as usize).chain(rotations.chunks(1)) {
            if self.stopped() {
                return Ok(false);
            }
            for record in self.group(group, &design, &service, &setting) {
                // A design without a key has nothing to rotate.
                if record.event != DrillEvent::KeyRotation || record.cannot < record.trials {
                    self.put(DrillResult::Survival(record))?;
                }
            }
        }
        self.spent(|took| &mut took.survival_ms, began);
        self.end(design)?;
        Ok(true)
    }

    /// Cells that run at the same time, in their order.
    fn group(
        &mut self,
        group: &[CellId],
        design: &Design,
        service: &Rc<HttpService>,
        setting: &Rc<Setting>,
    ) -> Vec<SurvivalRecord> {
        let starts: Vec<u32> = group.iter().map(|_| self.subjects(setting.trials)).collect();
        let runs = group
            .iter()
            .zip(starts)
            .map(|(&cell, first)| (Rc::clone(service), Rc::clone(setting), cell, first));
        let (began, busy_ns) = (crate::clock::now(), design.busy_ns());
        let every = self.plan.survival.as_ref().and_then(|survival| survival.cut_every);
        let over = AtomicBool::new(false);
        let (mut records, cut) = std::thread::scope(|scope| {
            let cutting = every.zip(design.private_store()).map(|(every, url)| {
                let pause = std::time::Duration::from_nanos(every.as_nanos());
                let over = &over;
                scope.spawn(move || cut::subscriptions(url, pause, over))
            });
            let records = self.together(runs);
            over.store(true, Ordering::Release);
            (records, cutting.and_then(|cutting| cutting.join().ok()).unwrap_or(0))
        });
        records.sort_by_key(|(at, _)| *at);
        let wall_ns = crate::clock::nanos(began.elapsed()).max(1);
        let load = design.busy_ns().zip(busy_ns);
        let load = load.map(|(after, before)| after.saturating_sub(before) as f64 / wall_ns as f64);
        let under = |record: SurvivalRecord| SurvivalRecord { subscriptions_cut: cut, ..record.under(load) };
        records.into_iter().map(|(_, record)| under(record)).collect()
    }

    /// Runs cells at the same time; with the place of each.
    fn together(
        &self,
        runs: impl Iterator<Item = (Rc<HttpService>, Rc<Setting>, CellId, u32)>,
    ) -> Vec<(usize, SurvivalRecord)> {
        self.runtime.block_on(async {
            let mut running = tokio::task::JoinSet::new();
            for (at, (service, setting, cell, first)) in runs.enumerate() {
                running.spawn_local(async move { (at, cell::run(service, setting, cell, first).await) });
            }
            running.join_all().await
        })
    }
}

fn millis(began: Instant) -> u64 {
    crate::clock::nanos(began.elapsed()) / 1_000_000
}

/// What a design says of itself, as it is drilled.
fn declared(scaled: &Scaled, design: &Design, plan: &DrillPlan) -> Declared {
    let seconds = |key: &str| design.ready.describe.get(key).and_then(serde_json::Value::as_f64);
    let nanos = |seconds: f64| (seconds.max(0.0) * 1e9) as u64;
    Declared {
        promises: scaled.backend.header.promises.clone(),
        lifetime_ns: seconds("access_lifetime_s").map_or(plan.scale.lifetime.as_nanos(), nanos),
        leeway_ns: seconds("leeway_s").map_or(0, nanos),
    }
}
