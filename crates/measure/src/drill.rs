//! Drills: how long a stolen or left-behind credential keeps working, what noticing a theft costs its owner, and whether
//! an ended login can come back, and what is lost with a master of the store.
//!
//! A drill measures survival, not cost: many subjects act at the same time, by their own scripts, against every replica.
//! Times in the designs' files are shortened by a stated rule; every clock stays real.

mod budget;
mod cell;
mod cut;
mod driller;
mod expiry;
mod failover;
mod folder;
pub(crate) mod http;
mod launch;
mod plan;
mod price;
mod record;
mod restart;
mod resurrection;
mod scaled;
pub(crate) mod service;
mod survival;
mod trial;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use scenario::BackendFile;
use scenario::backend::Need;
use tokio::runtime::{Builder, LocalOptions};

pub use crate::store::StoreTopology;
pub use failover::Deed;
pub use folder::{DrillLine, DrillRecording};
pub use plan::{
    DrillEvent, DrillPlan, ExpiryPlan, FailoverPlan, Loss, PricePlan, RestartPlan, ResurrectionPlan,
    ScalePlan, SurvivalPlan, Thief, UnscaledPlan,
};
pub use record::{
    DesignRecord, DrillBudget, DrillResult, ExpiryRecord, FailoverRecord, FailoverTally, PriceRecord,
    RestartRecord, ResurrectionRecord, Seen, SignedSpread, SurvivalRecord, TheftRecord, TookRecord,
};
pub use scaled::Change;
pub use survival::{Replica, Spread, Steps, Timeline};

use crate::affinity::{Bound, Placement, allowed};
use crate::designs::{designs, nothing_left};
use crate::environment::environment;
use crate::error::Error;
use crate::event::Skipped;
use crate::recording::Ended;
use crate::run::RunOptions;
use crate::store::{install_line, redis_server};
use driller::Driller;
use folder::{DrillWriter, NAMES};
pub(crate) use launch::{Design, Yard};
pub(crate) use scaled::{Scaled, Set, scaled};

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
            Self::Expiry(cell) if cell.too_long() => Some(format!(
                "{}: accepted {:.3} s beyond its lifetime; {:.3} s follow from its leeway and the clocks",
                cell.backend,
                cell.beyond_ns.max as f64 / 1e9,
                cell.expected_ns as f64 / 1e9,
            )),
            Self::Resurrection(race) if race.revived > 0 => Some(format!(
                "{}: {} of {} logouts were undone by a write that was under way",
                race.backend, race.revived, race.logouts
            )),
            Self::Failover(failover) => failover.violation(),
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
            Self::Expiry(cell) if cell.unending > 0 => Some(format!(
                "{}: {} of {} credentials were still accepted when the drill gave up on their expiry",
                cell.backend, cell.unending, cell.trials
            )),
            Self::Price(price) if price.refreshes == 0 => {
                Some(format!("{}, {}: nothing was refreshed", price.backend, price.habit))
            }
            Self::Failover(failover) => {
                failover.void.as_ref().map(|why| format!("{}: {why}", failover.title()))
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
    let (files, skipped) = files(options.redis.is_some(), &plan.backends)?;
    for one in &skipped {
        news(DrillNews::Skipped(one.clone()));
    }
    if files.is_empty() {
        return Err(nothing_left(&skipped));
    }
    let placement = Placement::of(&allowed()?);
    let budget = budget::of(plan, &files)?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .map_err(|error| Error::Probe { what: "the drill's runtime", message: error.to_string() })?;
    let writer = DrillWriter::create(NAMES, &options.out_dir, &plan.canonical(), &environment()?)?;
    let mut driller = Driller::new(plan, stop, runtime, Yard::new(options, &placement)?, writer, news);
    let _bound = Bound::to(&placement.generator)?;
    let done = driller.carry_out(&files, budget);
    let (results, finished) = driller.finish(Ended::of(&done));
    let stopped = !done?;
    finished?;
    Ok(DrillSummary { recording: options.out_dir.clone(), results, skipped, stopped })
}

/// What a plan will take here, by arithmetic: nothing is started.
///
/// # Errors
///
/// When a file of the plan cannot be used.
pub fn budget(plan: &DrillPlan, redis: bool) -> Result<DrillBudget, Error> {
    let (files, _) = files(redis, &plan.backends)?;
    Ok(budget::of(plan, &files)?)
}

/// The same for designs that were read already.
pub(crate) fn budget_of(plan: &DrillPlan, files: &[BackendFile]) -> Result<DrillBudget, Error> {
    Ok(budget::of(plan, files)?)
}

/// The designs of a plan, and those that cannot be started here.
pub(crate) fn files(redis: bool, names: &[String]) -> Result<(Vec<BackendFile>, Vec<Skipped>), Error> {
    let redis = redis || redis_server().is_some();
    designs(names, |needs| {
        if needs.contains(&Need::Postgres) {
            let hint = "name a design that keeps its state elsewhere".to_owned();
            Some(("it needs PostgreSQL, and none is started here", hint))
        } else if needs.contains(&Need::Redis) && !redis {
            Some(("it needs Redis, and there is no redis-server on PATH", install_line()))
        } else {
            None
        }
    })
}
