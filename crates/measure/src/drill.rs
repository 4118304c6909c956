//! Drills: how long a stolen or left-behind credential keeps working, what noticing a theft costs its owner, and whether
//! an ended login can come back.
//!
//! A drill measures survival, not cost: many subjects act at the same time, by their own scripts, against every replica.
//! Times in the designs' files are shortened by a stated rule; every clock stays real.

mod cell;
pub(crate) mod http;
mod launch;
mod plan;
mod price;
mod record;
mod resurrection;
mod scaled;
pub(crate) mod service;
mod survival;
mod trial;

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use scenario::BackendFile;
use scenario::backend::{Lag, Need, Replicas};
use scenario::builtin::Shelf;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

pub use plan::{DrillEvent, DrillPlan, PricePlan, ResurrectionPlan, ScalePlan, SurvivalPlan, Thief};
pub use record::{
    DesignRecord, DrillLine, DrillRecording, DrillResult, PriceRecord, ResurrectionRecord, SurvivalRecord,
    TheftRecord,
};
pub use scaled::Change;
pub use survival::{Replica, Spread};

use crate::affinity::{Bound, Placement, allowed};
use crate::environment::environment;
use crate::error::Error;
use crate::event::Skipped;
use crate::recording::{Ended, sha256_hex};
use crate::redact::redact;
use crate::run::RunOptions;
use crate::store::{install_line, redis_server};
use cell::{Declared, Setting};
use http::HttpService;
pub(crate) use launch::{Design, Yard};
use price::Habit;
use record::{DrillWriter, NAMES};
use resurrection::Race;
pub(crate) use scaled::{Scaled, scaled};
use service::{Ask, Service};

/// How many generations a stolen refresh token is behind.
const GENERATIONS: [u32; 3] = [0, 1, 2];
/// First subject of price drills: behind those of any survival cell.
const PRICE_SUBJECTS: u32 = 10_000_000;
/// Subjects that one habit or one age of a stolen token may use.
const SUBJECTS_APART: u32 = 200_000;

/// Something worth telling while a drill goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum DrillNews {
    /// A design that cannot be drilled here.
    Skipped(Skipped),
    /// A design is up: its name, how many there are, how many were before it.
    Design {
        /// Row name.
        backend: String,
        /// Designs before it.
        done: usize,
        /// Designs in all.
        total: usize,
    },
    /// A result is on disk.
    Result(Box<DrillResult>),
}

/// What came of a drill, as far as an exit code depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct DrillSummary {
    /// The folder.
    pub recording: PathBuf,
    /// Every result, in order.
    pub results: Vec<DrillResult>,
    /// Designs that were not drilled.
    pub skipped: Vec<Skipped>,
    /// Stopped before its end: what is there is on disk.
    pub stopped: bool,
}

impl DrillSummary {
    /// What breaks a promise, one sentence each.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.results.iter().filter_map(DrillResult::violation).collect()
    }

    /// What shows nothing, one sentence each.
    #[must_use]
    pub fn void(&self) -> Vec<String> {
        self.results.iter().filter_map(DrillResult::void).collect()
    }
}

impl DrillResult {
    /// How it breaks a promise of the design, if it does.
    #[must_use]
    pub fn violation(&self) -> Option<String> {
        match self {
            Self::Survival(cell) if !cell.within && cell.void.is_none() => Some(format!(
                "{}: {} accepted after {} ({} stolen), up to {:.3} s; declared {:.3} s",
                cell.backend,
                cell.accepted_after,
                cell.event.name(),
                cell.thief.name(),
                cell.survival_ns.max as f64 / 1e9,
                cell.bound_ns.unwrap_or(0) as f64 / 1e9,
            )),
            Self::Resurrection(race) if race.revived > 0 => Some(format!(
                "{}: {} of {} logouts were undone by a write that was under way",
                race.backend, race.revived, race.logouts
            )),
            _ => None,
        }
    }

    /// Why it shows nothing, if it does not.
    #[must_use]
    pub fn void(&self) -> Option<String> {
        match self {
            Self::Survival(cell) => cell.void.as_ref().map(|why| {
                format!("{}, {}, {} stolen: {why}", cell.backend, cell.event.name(), cell.thief.name())
            }),
            Self::Resurrection(race) if race.logouts == 0 => {
                Some(format!("{}: no logout was acknowledged", race.backend))
            }
            Self::Price(price) if price.refreshes == 0 => {
                Some(format!("{}, {}: nothing was refreshed", price.backend, price.habit))
            }
            _ => None,
        }
    }
}

/// Carries out a drill plan and leaves its results in `options.out_dir`.
///
/// `stop` ends it after the cells that are running. Every child process has ended when this returns.
///
/// # Errors
///
/// [`Error`]; results found before it stay readable.
pub fn drill(
    options: &RunOptions,
    plan: &DrillPlan,
    news: &mut dyn FnMut(DrillNews),
    stop: &AtomicBool,
) -> Result<DrillSummary, Error> {
    let (files, skipped) = files(options, &plan.backends)?;
    for one in &skipped {
        news(DrillNews::Skipped(one.clone()));
    }
    if files.is_empty() {
        let hint = skipped.first().map_or_else(String::new, |skipped| skipped.hint.clone());
        return Err(Error::NothingToMeasure { hint });
    }
    let placement = Placement::of(&allowed()?);
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .map_err(|error| Error::Probe { what: "the drill's runtime", message: error.to_string() })?;
    let mut driller = Driller {
        plan,
        stop,
        runtime,
        yard: Yard::new(options, &placement)?,
        writer: DrillWriter::create(NAMES, &options.out_dir, &plan.canonical(), &environment()?)?,
        news,
        results: Vec::new(),
        next_subject: 0,
    };
    let _bound = Bound::to(&placement.generator)?;
    let done = driller.designs(&files);
    let ended = match &done {
        Ok(true) => Ended::Completed,
        Ok(false) => Ended::Stopped,
        Err(error) => Ended::Failed(redact(&error.to_string())),
    };
    let finished = driller.writer.finish(ended);
    let stopped = !done?;
    finished?;
    Ok(DrillSummary { recording: options.out_dir.clone(), results: driller.results, skipped, stopped })
}

/// The designs of a plan, and those that cannot be started here.
pub(crate) fn files(
    options: &RunOptions,
    names: &[String],
) -> Result<(Vec<BackendFile>, Vec<Skipped>), Error> {
    let redis = options.redis.is_some() || redis_server().is_some();
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    for name in names {
        let found = Shelf::Backends.resolve(name)?;
        let file = BackendFile::parse(&found.path, &found.text)?;
        if file.header.needs.contains(&Need::Postgres) {
            skipped.push(Skipped {
                row: file.header.name,
                reason: "it needs PostgreSQL, and none is started here".to_owned(),
                hint: "name a design that keeps its state elsewhere".to_owned(),
            });
        } else if file.header.needs.contains(&Need::Redis) && !redis {
            skipped.push(Skipped {
                row: file.header.name,
                reason: "it needs Redis, and there is no redis-server on PATH".to_owned(),
                hint: install_line(),
            });
        } else {
            files.push(file);
        }
    }
    Ok((files, skipped))
}

/// A drill under way.
struct Driller<'a> {
    plan: &'a DrillPlan,
    stop: &'a AtomicBool,
    runtime: LocalRuntime,
    yard: Yard,
    writer: DrillWriter,
    news: &'a mut dyn FnMut(DrillNews),
    results: Vec<DrillResult>,
    next_subject: u32,
}

impl Driller<'_> {
    /// All designs; false when stopped before the end.
    fn designs(&mut self, files: &[BackendFile]) -> Result<bool, Error> {
        for (done, file) in files.iter().enumerate() {
            let backend = file.header.name.clone();
            (self.news)(DrillNews::Design { backend, done, total: files.len() });
            if !self.survival(file)? || !self.price(file)? || !self.resurrection(file)? {
                return Ok(false);
            }
        }
        Ok(true)
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

    /// Starts a design and writes down how it is drilled.
    fn start(&mut self, scaled: &Scaled, store_rtt_ns: u64) -> Result<(Design, Rc<HttpService>), Error> {
        let design = self.yard.start(scaled, self.plan.replicas, store_rtt_ns)?;
        let service = Rc::new(self.runtime.block_on(async { design.service() }));
        Ok((design, service))
    }

    /// Ends a design, unless it has ended by itself.
    fn end(mut design: Design) -> Result<(), Error> {
        match design.has_ended() {
            Some(error) => Err(error),
            None => design.end(),
        }
    }

    fn survival(&mut self, file: &BackendFile) -> Result<bool, Error> {
        let Some(wanted) = self.plan.survival.clone() else { return Ok(true) };
        let scaled = scaled(file, &self.plan.scale, None)?;
        let (design, service) = self.start(&scaled, 0)?;
        let declared = declared(&scaled, &design, self.plan);
        self.put(DrillResult::Design(DesignRecord {
            backend: file.header.name.clone(),
            summary: file.header.summary.clone(),
            backend_sha256: sha256_hex(file.text.as_bytes()),
            changes: scaled.changes.clone(),
            describe: design.ready.describe.clone(),
        }))?;
        let probe = self.subjects(1);
        let held = self.runtime.block_on(service.ask(0, Ask::Login(probe))).held();
        let refreshes = held.is_some_and(|held| held.refresh.is_some());
        let setting = Rc::new(Setting {
            backend: file.header.name.clone(),
            declared,
            trials: wanted.trials,
            interval_ns: 1_000_000_000 / u64::from(wanted.replays_per_s),
            seed: self.plan.seed,
        });
        // A new key ends every login there is: that cell runs alone, and last.
        let all = cell::cells(&wanted, refreshes);
        let (rotations, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|cell| cell.event == DrillEvent::KeyRotation);
        let groups = others.chunks(wanted.together as usize).chain(rotations.chunks(1));
        for group in groups {
            if self.stopped() {
                return Ok(false);
            }
            let starts: Vec<u32> = group.iter().map(|_| self.subjects(wanted.trials)).collect();
            let runs = group
                .iter()
                .zip(starts)
                .map(|(&cell, first)| (Rc::clone(&service), Rc::clone(&setting), cell, first));
            let records = self.runtime.block_on(async {
                let mut running = tokio::task::JoinSet::new();
                for (at, (service, setting, cell, first)) in runs.enumerate() {
                    running.spawn_local(async move { (at, cell::run(service, setting, cell, first).await) });
                }
                let mut records = running.join_all().await;
                records.sort_by_key(|(at, _)| *at);
                records
            });
            for (_, record) in records {
                // A design without a key has nothing to rotate.
                if record.event != DrillEvent::KeyRotation || record.cannot < record.trials {
                    self.put(DrillResult::Survival(record))?;
                }
            }
        }
        Self::end(design)?;
        Ok(true)
    }

    /// What rotation costs, for designs that have refresh tokens.
    fn price(&mut self, file: &BackendFile) -> Result<bool, Error> {
        let Some(wanted) = self.plan.price.clone() else { return Ok(true) };
        for grace in &wanted.grace {
            if self.stopped() {
                return Ok(false);
            }
            let scaled = scaled(file, &self.plan.scale, Some(*grace))?;
            if !scaled.changes.iter().any(|change| change.key.ends_with(".grace"))
                && !file.text.contains("grace")
            {
                // Nothing here has a grace window: there is no rotation to be priced.
                return Ok(true);
            }
            let (design, service) = self.start(&scaled, 0)?;
            let grace_ns = grace.as_nanos();
            let habits = [
                Habit::Plain,
                Habit::TwoTabs,
                Habit::LostResponse { retry_after_ns: wanted.retry_after.as_nanos() },
            ];
            let mut first = PRICE_SUBJECTS;
            for habit in habits {
                let found = self.runtime.block_on(price::price(&service, habit, wanted.refreshes, first));
                first += SUBJECTS_APART;
                self.put(DrillResult::Price(PriceRecord {
                    backend: file.header.name.clone(),
                    grace_ns,
                    habit: habit.name().to_owned(),
                    retry_after_ns: habit.retry_after_ns(),
                    refreshes: found.refreshes,
                    refused: found.refused,
                    forced_logouts: found.forced,
                }))?;
            }
            for generations in GENERATIONS {
                let thefts = price::thefts(&service, generations, grace_ns, wanted.thefts, first);
                let found = self.runtime.block_on(thefts);
                first += SUBJECTS_APART;
                self.put(DrillResult::Theft(TheftRecord {
                    backend: file.header.name.clone(),
                    grace_ns,
                    generations,
                    thefts: found.thefts,
                    granted: found.granted,
                    alarms: found.alarms,
                }))?;
            }
            Self::end(design)?;
        }
        Ok(true)
    }

    /// Logouts against slow writers, for designs that promise that a logout is final at once.
    fn resurrection(&mut self, file: &BackendFile) -> Result<bool, Error> {
        let Some(wanted) = self.plan.resurrection.clone() else { return Ok(true) };
        if file.header.promises.revocation_lag != Lag::None {
            return Ok(true);
        }
        if self.stopped() {
            return Ok(false);
        }
        // Lifetimes as they are: nothing may expire while it is raced.
        let as_is = Scaled { backend: file.clone(), changes: Vec::new() };
        let store_rtt_ns = wanted.store_rtt.as_nanos();
        let (design, service) = self.start(&as_is, store_rtt_ns)?;
        let race = Race {
            logouts: wanted.logouts,
            writers: wanted.writers,
            // A write reads and then writes: two round trips, and one more for the login before.
            spread_ns: 3 * store_rtt_ns.max(300_000),
            node_local: file.header.promises.replicas == Replicas::NodeLocal,
            seed: self.plan.seed,
            first: 0,
        };
        let raced = self.runtime.block_on(resurrection::race(&service, race));
        self.put(DrillResult::Resurrection(ResurrectionRecord {
            backend: file.header.name.clone(),
            logouts: raced.logouts,
            refused: raced.refused,
            writers: wanted.writers,
            writes: raced.writes,
            store_rtt_ns,
            revived: raced.revived,
        }))?;
        Self::end(design)?;
        Ok(true)
    }
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
