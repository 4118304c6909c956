//! Faults: what each design answers while its store, a server or a clock fails, and how it comes back.
//!
//! A design meets each fault anew, with its own servers and a store of its own, under a load that goes on by schedule:
//! logins, requests, writes, renewals and logouts, and uses of logins that were ended and of credentials that were never
//! handed out. What came back is judged against what the design declares, and against what holds for every server.

mod flood;
mod inflict;
mod judge;
mod load;
mod meeting;
mod plan;
mod record;
mod relay;
mod rig;
mod schedule;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use scenario::BackendFile;
use scenario::backend::Need;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

pub use plan::{FaultKind, FaultLoad, FaultPlan, FaultTime, FloodPlan};
pub use record::{
    FLOOD_FACTOR, FaultDesign, FaultRecord, FaultRecording, FaultResult, FloodRecord, LongestWait,
    PATIENCE_NS, Percentiles, StoreDownCheck, TOLERANCE_NS, Timeline,
};
pub use schedule::FaultOperation;

use crate::affinity::{Bound, Placement, allowed};
use crate::designs::{Unfit, designs, nothing_left};
use crate::environment::environment;
use crate::error::Error;
use crate::event::Skipped;
use crate::recording::{Ended, sha256_hex};
use crate::store::{install_line, redis_server};
use flood::flood_record;
use load::Crowd;
use meeting::{Times, nothing, prepare};
use record::{FaultWriter, NAMES};
use rig::{Wanted, Yard};
use schedule::{Stream, streams};

/// What is needed beside the plan.
#[derive(Debug, Clone)]
pub struct FaultOptions {
    /// The program that servers and guarded children are started from: this binary.
    pub executable: PathBuf,
    /// The recording's folder: made if it is missing, refused if it already holds a recording.
    pub out_dir: PathBuf,
}

/// Something worth telling while faults happen.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultNews {
    /// A design that cannot be run here.
    Skipped(Skipped),
    /// What it will take, before anything is started.
    Expected {
        /// Designs that meet faults.
        designs: usize,
        /// Results that will be there.
        results: usize,
        /// Nanoseconds.
        ns: u64,
    },
    /// A group of designs meets a fault.
    Group {
        /// The fault.
        fault: FaultKind,
        /// Row names.
        backends: Vec<String>,
        /// Results before it.
        done: usize,
        /// Results in all.
        total: usize,
    },
    /// A result is on disk.
    Result(Box<FaultResult>),
}

/// What came of it, as far as an exit code depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultSummary {
    /// The folder.
    pub recording: PathBuf,
    /// Every result, in order.
    pub results: Vec<FaultResult>,
    /// Stopped before its end: what is there is on disk.
    pub stopped: bool,
}

/// Carries out a fault plan and leaves its results in `options.out_dir`.
///
/// `stop` ends it after the faults that are happening. Every child process has ended when this returns.
///
/// # Errors
///
/// [`Error`]; results found before it stay readable.
pub fn faults(
    options: &FaultOptions,
    plan: &FaultPlan,
    news: &mut dyn FnMut(FaultNews),
    stop: &AtomicBool,
) -> Result<FaultSummary, Error> {
    let (files, mut skipped) = designs(&plan.backends, unfit)?;
    let (flooded, not_flooded) =
        designs(plan.flood.as_ref().map_or(&[][..], |flood| &flood.backends), unfit)?;
    for one in not_flooded {
        if !skipped.contains(&one) {
            skipped.push(one);
        }
    }
    for one in &skipped {
        news(FaultNews::Skipped(one.clone()));
    }
    if files.is_empty() && flooded.is_empty() {
        return Err(nothing_left(&skipped));
    }
    let groups = groups(plan, &files);
    let total = groups.iter().map(|(_, group)| group.len()).sum::<usize>() + flooded.len();
    let with_store = files.iter().filter(|file| has_store(file)).count();
    let ns = plan.expected_ns(with_store, files.len(), flooded.len());
    news(FaultNews::Expected { designs: files.len(), results: total, ns });
    let placement = Placement::of(&allowed()?);
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .map_err(|error| Error::Probe { what: "the runtime of a fault plan", message: error.to_string() })?;
    let mut breaker = Breaker {
        plan,
        stop,
        runtime,
        yard: Yard::new(&options.executable, &placement)?,
        writer: FaultWriter::create(NAMES, &options.out_dir, &plan.canonical(), &environment()?)?,
        news,
        results: Vec::new(),
        total,
        done: 0,
    };
    let _bound = Bound::to(&placement.generator)?;
    let done = breaker.all(&skipped, &files, &groups, &flooded);
    let finished = breaker.writer.finish(Ended::of(&done));
    let stopped = !done?;
    finished?;
    Ok(FaultSummary { recording: options.out_dir.clone(), results: breaker.results, stopped })
}

/// Why a design with these needs cannot meet faults here.
fn unfit(needs: &[Need]) -> Option<Unfit> {
    let hint = || "leave it out, or try a design that keeps its state in Redis".to_owned();
    if needs.contains(&Need::Postgres) {
        Some(("it needs PostgreSQL, and faults happen to a Redis", hint()))
    } else if needs.contains(&Need::Authority) {
        Some(("it asks an authority, and faults happen to a store that servers share", hint()))
    } else if needs.contains(&Need::Redis) && redis_server().is_none() {
        Some(("it needs a Redis of its own, and there is no redis-server on PATH", install_line()))
    } else {
        None
    }
}

fn has_store(file: &BackendFile) -> bool {
    file.header.needs.contains(&Need::Redis)
}

/// Which designs meet which fault at the same time, in the plan's order.
fn groups<'a>(plan: &FaultPlan, designs: &'a [BackendFile]) -> Vec<(FaultKind, Vec<&'a BackendFile>)> {
    let mut groups = Vec::new();
    for &fault in &plan.faults {
        let concerned: Vec<&BackendFile> =
            designs.iter().filter(|file| !fault.of_store() || has_store(file)).collect();
        groups.extend(concerned.chunks(plan.together as usize).map(|group| (fault, group.to_vec())));
    }
    groups
}

/// A fault plan under way.
struct Breaker<'a> {
    plan: &'a FaultPlan,
    stop: &'a AtomicBool,
    runtime: LocalRuntime,
    yard: Yard,
    writer: FaultWriter,
    news: &'a mut dyn FnMut(FaultNews),
    results: Vec<FaultResult>,
    total: usize,
    done: usize,
}

impl Breaker<'_> {
    /// Everything; false when stopped before the end.
    fn all(
        &mut self,
        skipped: &[Skipped],
        designs: &[BackendFile],
        groups: &[(FaultKind, Vec<&BackendFile>)],
        flooded: &[BackendFile],
    ) -> Result<bool, Error> {
        for one in skipped {
            self.put(FaultResult::Skipped(one.clone()))?;
        }
        let mut named = BTreeSet::new();
        for file in designs.iter().chain(flooded) {
            if named.insert(file.header.name.clone()) {
                self.put(FaultResult::Design(design(file)))?;
            }
        }
        for (fault, group) in groups {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            self.announce(*fault, group);
            for record in self.group(*fault, group)? {
                self.put(FaultResult::Fault(Box::new(record)))?;
            }
            self.done += group.len();
        }
        for file in flooded {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            self.announce(FaultKind::LoginFlood, &[file]);
            let record = self.flood(file)?;
            self.put(FaultResult::Flood(Box::new(record)))?;
            self.done += 1;
        }
        Ok(true)
    }

    fn announce(&mut self, fault: FaultKind, group: &[&BackendFile]) {
        let backends = group.iter().map(|file| file.header.name.clone()).collect();
        (self.news)(FaultNews::Group { fault, backends, done: self.done, total: self.total });
    }

    fn put(&mut self, result: FaultResult) -> Result<(), Error> {
        self.writer.write(&result)?;
        (self.news)(FaultNews::Result(Box::new(result.clone())));
        self.results.push(result);
        Ok(())
    }

    /// One fault in some designs, each on its own.
    fn group(&mut self, fault: FaultKind, group: &[&BackendFile]) -> Result<Vec<FaultRecord>, Error> {
        let plan = self.plan;
        let time = &plan.time;
        let times = Times {
            began_ns: time.before.as_nanos(),
            lifted_ns: time.before.as_nanos() + time.during.as_nanos(),
            end_ns: time.length_ns(),
        };
        let wanted = wanted(plan, fault, plan.replicas);
        let crowd = Crowd {
            live: plan.load.subjects,
            renewing: plan.load.refreshes.min(plan.load.subjects),
            ended: plan.load.ended,
        };
        let load = streams(&plan.load, times.end_ns);
        let (runtime, yard) = (&self.runtime, &mut self.yard);
        let met = runtime.block_on(async {
            // All are up before any load begins: starting one takes the CPU of the others.
            let mut running = tokio::task::JoinSet::new();
            let (mut ready, mut met) = (Vec::new(), Vec::new());
            for (at, &file) in group.iter().enumerate() {
                match prepare(yard, plan, file, wanted, crowd).await {
                    Ok(one) => ready.push((at, one)),
                    // One design's end is not that of the plan.
                    Err(error) => met.push((at, nothing(plan, file, wanted, &error))),
                }
            }
            for (at, one) in ready {
                let (load, seed) = (load.clone(), plan.seed);
                running.spawn_local(async move { (at, one.meet(&load, seed, times).await) });
            }
            while let Some(joined) = running.join_next().await {
                let (at, outcome) = joined.map_err(|error| Error::Probe {
                    what: "a task of a fault plan",
                    message: error.to_string(),
                })?;
                met.push((
                    at,
                    outcome.map_or_else(|e| nothing(plan, group[at], wanted, &e), |found| found.0),
                ));
            }
            Ok::<_, Error>(met)
        });
        let mut met = met?;
        met.sort_by_key(|(at, _)| *at);
        Ok(met.into_iter().map(|(_, record)| record).collect())
    }

    /// Logins by force, in one design with one server.
    fn flood(&mut self, file: &BackendFile) -> Result<FloodRecord, Error> {
        let plan = self.plan;
        let Some(flood) = &plan.flood else {
            return Err(Error::NothingToMeasure { hint: "add [flood]".to_owned() });
        };
        let began_ns = flood.before.as_nanos();
        let lifted_ns = began_ns + flood.during.as_nanos();
        let times = Times { began_ns, lifted_ns, end_ns: lifted_ns + plan.time.after.as_nanos() };
        let crowd = Crowd { live: plan.load.subjects, renewing: 0, ended: 0 };
        let stream = |operation, per_s, from_ns, to_ns| Stream { operation, per_s, from_ns, to_ns };
        let load = [
            stream(FaultOperation::Request, flood.requests, 0, times.end_ns),
            stream(FaultOperation::Login, flood.logins, began_ns, lifted_ns),
        ];
        let wanted = wanted(plan, FaultKind::LoginFlood, 1);
        let (runtime, yard) = (&self.runtime, &mut self.yard);
        let (fault, seen, cpu) = runtime
            .block_on(async {
                let ready = prepare(yard, plan, file, wanted, crowd).await?;
                let cpu = tokio::task::spawn_local(ready.watch_cpu(times)?);
                let (fault, seen) = ready.meet(&load, plan.seed, times).await?;
                Ok::<_, Error>((fault, seen, cpu.await.unwrap_or_default()))
            })
            .unwrap_or_else(|error| (nothing(plan, file, wanted, &error), Vec::new(), Vec::new()));
        Ok(flood_record(fault, &seen, &cpu))
    }
}

fn wanted(plan: &FaultPlan, fault: FaultKind, replicas: u32) -> Wanted {
    Wanted { fault, replicas, deadline_ms: plan.deadline.as_nanos() / 1_000_000 }
}

fn design(file: &BackendFile) -> FaultDesign {
    FaultDesign {
        backend: file.header.name.clone(),
        summary: file.header.summary.clone(),
        backend_sha256: sha256_hex(file.text.as_bytes()),
        promises: file.header.promises.clone(),
        shared_store: has_store(file),
    }
}
