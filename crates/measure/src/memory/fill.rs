//! Carries a memory plan out: fills, reads, waits for the expiry, reads again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use scenario::BackendFile;
use scenario::backend::Lag;
use scenario::wire::Provision;

use super::{
    AfterPoint, ENDED_PER_LIVE, Fill, FillPoint, MemoryBudget, MemoryPlan, MemoryRow, MemoryRun, Reading,
    SCHEMA, scale,
};
use crate::affinity::{Placement, allowed};
use crate::designs::nothing_left;
use crate::drill::{Design, Scaled, Set, Yard, files, scaled};
use crate::environment::environment;
use crate::error::Error;
use crate::event::Skipped;
use crate::recording::{Ended, sha256_hex};
use crate::redact::redact;
use crate::resources::ProcessProbe;
use crate::run::{RunOptions, tool};

/// Ended logins made by one order: a server is silent until they are there.
const ENDED_AT_ONCE: u32 = 20_000;
/// Between two looks after the expiry.
const LOOK: Duration = Duration::from_secs(5);
/// Between two looks at what was asked from outside.
const NAP: Duration = Duration::from_millis(100);
/// Pause before a reading, beside what a backend declares to need until it knows of an end.
const PAUSE: Duration = Duration::from_millis(500);
/// Share of what was taken that may be left once it counts as given back.
const LEFT: f64 = 0.05;
/// The same in bytes: less than that comes and goes by itself.
const LEFT_BYTES: u64 = 256 * 1024;

/// Something worth telling while memory is filled.
#[derive(Debug, Clone, PartialEq)]
pub enum MemoryEvent {
    /// What it will take.
    Budget(MemoryBudget),
    /// A backend that cannot be measured here; the others go on without it.
    Skipped(Skipped),
    /// A size was reached and read.
    Filled {
        /// Row name.
        row: String,
        /// Live logins, or ended ones.
        live: bool,
        /// What was read.
        point: FillPoint,
    },
    /// These fills wait for the expiry of their last login, so long at most.
    Waiting {
        /// How many.
        fills: usize,
        /// Longest wait, nanoseconds.
        most_ns: u64,
    },
    /// A fill came to its end.
    Finished {
        /// Row name.
        row: String,
        /// Live logins, or ended ones.
        live: bool,
        /// What it showed.
        fill: Box<Fill>,
    },
}

/// Carries out a memory plan and leaves `memory.json` in `options.out_dir`.
///
/// `stop` ends it within a step; what was read until then stands, marked as not complete. A backend that dies is marked,
/// and the others go on. Every child process has ended when this returns.
///
/// # Errors
///
/// [`Error`], where nothing could be started or written, the memory does not suffice, or a recording lies in the folder.
pub fn memory(
    options: &RunOptions,
    plan: &MemoryPlan,
    events: &mut dyn FnMut(MemoryEvent),
    stop: &AtomicBool,
) -> Result<MemoryRun, Error> {
    let (backends, skipped) = files(options.redis.is_some(), &plan.backends)?;
    skipped.iter().cloned().for_each(|one| events(MemoryEvent::Skipped(one)));
    if backends.is_empty() {
        return Err(nothing_left(&skipped));
    }
    let environment = environment()?;
    let budget = budget(plan, environment.memory.available_bytes)?;
    events(MemoryEvent::Budget(budget));
    MemoryRun::prepare(&options.out_dir)?;
    let placement = Placement::of(&allowed()?);
    let rows = backends.iter().map(|file| row(file, plan)).collect::<Result<_, Error>>()?;
    let mut filler = Filler {
        plan,
        stop,
        events,
        folder: &options.out_dir,
        yard: Yard::new(options, &placement)?,
        run: MemoryRun {
            schema: SCHEMA,
            tool: tool(Some(&options.executable)),
            started_unix_ns: crate::clock::unix_ns(),
            logins: plan.logins.clone(),
            lifetime_ns: plan.lifetime.as_nanos(),
            settle_ns: plan.settle.as_nanos(),
            budget,
            placement,
            environment,
            rows,
            skipped,
            complete: false,
        },
    };
    let done = filler.all(&backends);
    filler.run.complete = matches!(done, Ok(true));
    let written =
        filler.run.write(filler.folder).and_then(|()| filler.run.seal(filler.folder, Ended::of(&done)));
    done.and(written)?;
    Ok(filler.run)
}

fn budget(plan: &MemoryPlan, available: Option<u64>) -> Result<MemoryBudget, Error> {
    let available = available.ok_or_else(|| Error::Probe {
        what: "MemAvailable of /proc/meminfo",
        message: "without it nobody knows what may be filled".to_owned(),
    })?;
    plan.budget(available).map_err(|fits| Error::Probe {
        what: "filling that many logins",
        message: format!(
            "{} MiB are available, in which {fits} logins fit; name fewer with --logins",
            available >> 20
        ),
    })
}

fn row(file: &BackendFile, plan: &MemoryPlan) -> Result<MemoryRow, Error> {
    Ok(MemoryRow {
        name: file.header.name.clone(),
        backend_sha256: sha256_hex(file.text.as_bytes()),
        changes: scaled(file, &scale(plan.lifetime), Set::default())?.changes,
        describe: serde_json::Value::Null,
        store: None,
        live: Fill::default(),
        ended: Fill::default(),
    })
}

/// A plan under way.
struct Filler<'a> {
    plan: &'a MemoryPlan,
    stop: &'a AtomicBool,
    events: &'a mut dyn FnMut(MemoryEvent),
    folder: &'a Path,
    yard: Yard,
    run: MemoryRun,
}

/// A backend that is full and waits for its logins to expire.
struct Full {
    at: usize,
    live: bool,
    design: Design,
    /// When the last login expires.
    expires: Instant,
}

impl Filler<'_> {
    /// Everything; false when stopped before the end.
    fn all(&mut self, backends: &[BackendFile]) -> Result<bool, Error> {
        let fills: Vec<(usize, bool)> =
            (0..backends.len()).flat_map(|at| [(at, true), (at, false)]).collect();
        for group in fills.chunks(self.run.budget.together.max(1) as usize) {
            let mut full = Vec::new();
            for &(at, live) in group {
                if self.stopped() {
                    return Ok(false);
                }
                full.extend(self.one(&backends[at], at, live)?);
                self.run.write(self.folder)?;
            }
            if !self.watch(full)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn fill(&mut self, at: usize, live: bool) -> &mut Fill {
        let row = &mut self.run.rows[at];
        if live { &mut row.live } else { &mut row.ended }
    }

    /// Starts a backend and fills it; none where it failed, or was stopped on the way.
    fn one(&mut self, file: &BackendFile, at: usize, live: bool) -> Result<Option<Full>, Error> {
        let scaled = scaled(file, &scale(self.plan.lifetime), Set::default())?;
        let nothing_yet = self.run.rows.iter().all(|row| row.live.points.is_empty());
        let mut design = match self.yard.start(&scaled, 1, 0, &[]) {
            Ok(design) => design,
            // What cannot be started at all is no property of one backend.
            Err(error) if nothing_yet => return Err(error),
            Err(error) => {
                self.fail(at, live, &error.to_string());
                return Ok(None);
            }
        };
        let row = &mut self.run.rows[at];
        row.describe = design.ready.describe.clone();
        row.store = design.store_record();
        match self.sizes(&scaled, &mut design, at, live) {
            Ok(Some(expires)) => Ok(Some(Full { at, live, design, expires })),
            Ok(None) => Ok(None),
            Err(error) => {
                self.fail(at, live, &error.to_string());
                Ok(None)
            }
        }
    }

    fn fail(&mut self, at: usize, live: bool, message: &str) {
        self.fill(at, live).failed = Some(redact(message));
        self.finished(at, live);
    }

    fn finished(&mut self, at: usize, live: bool) {
        let fill = Box::new(self.fill(at, live).clone());
        (self.events)(MemoryEvent::Finished { row: self.run.rows[at].name.clone(), live, fill });
    }

    /// Fills size by size; when the last login expires. None when stopped.
    fn sizes(
        &mut self,
        scaled: &Scaled,
        design: &mut Design,
        at: usize,
        live: bool,
    ) -> Result<Option<Instant>, Error> {
        let lifetime = Duration::from_nanos(self.plan.lifetime.as_nanos());
        let knows = knows_after(scaled);
        if !self.pause(knows) {
            return Ok(None);
        }
        self.fill(at, live).fresh = read(design)?;
        let start = crate::clock::now();
        let mut made = 0;
        let mut last = start;
        for &size in &self.plan.logins {
            let done = if live { self.live(design, made, size)? } else { self.ended(design, made, size)? };
            if !done {
                return Ok(None);
            }
            made = size;
            last = crate::clock::now();
            if !self.pause(knows) {
                return Ok(None);
            }
            let reading = read(design)?;
            let elapsed = start.elapsed();
            if elapsed >= lifetime {
                let message = format!(
                    "filling {size} logins took {:.0} s, and the first had expired by then: name a longer --lifetime",
                    elapsed.as_secs_f64()
                );
                self.fail(at, live, &message);
                return Ok(None);
            }
            let point =
                FillPoint { logins: u64::from(size), elapsed_ns: crate::clock::nanos(elapsed), reading };
            self.fill(at, live).points.push(point.clone());
            (self.events)(MemoryEvent::Filled { row: self.run.rows[at].name.clone(), live, point });
        }
        Ok(Some(last + lifetime))
    }

    /// Live logins up to this size; false when stopped.
    fn live(&self, design: &mut Design, made: u32, size: u32) -> Result<bool, Error> {
        let wanted = Provision { first: made, subjects: size - made, devices: 1, revoked_per_million: 0 };
        design.provision(&wanted)?;
        Ok(!self.stopped())
    }

    /// Ended logins up to this size; false when stopped.
    fn ended(&self, design: &mut Design, made: u32, size: u32) -> Result<bool, Error> {
        let mut made = made;
        while made < size {
            if self.stopped() {
                return Ok(false);
            }
            let now = (size - made).min(ENDED_AT_ONCE);
            let wanted = Provision {
                first: made / ENDED_PER_LIVE,
                subjects: now / ENDED_PER_LIVE,
                devices: 1,
                revoked_per_million: ENDED_PER_LIVE * 1_000_000,
            };
            design.provision(&wanted)?;
            made += now;
        }
        Ok(true)
    }

    /// Waits until everything has expired and memory was given back, or long enough; false when stopped.
    fn watch(&mut self, mut full: Vec<Full>) -> Result<bool, Error> {
        let Some(last) = full.iter().map(|full| full.expires).max() else { return Ok(true) };
        let settle = Duration::from_nanos(self.plan.settle.as_nanos());
        let most = last.saturating_duration_since(crate::clock::now()) + settle;
        (self.events)(MemoryEvent::Waiting { fills: full.len(), most_ns: crate::clock::nanos(most) });
        while !full.is_empty() {
            let mut waiting = Vec::new();
            for mut one in full {
                if !self.look(&mut one, settle) {
                    waiting.push(one);
                }
            }
            self.run.write(self.folder)?;
            full = waiting;
            if !full.is_empty() && !self.pause(LOOK) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One look at a full backend; true when it need not be watched any longer.
    fn look(&mut self, full: &mut Full, settle: Duration) -> bool {
        let (at, live) = (full.at, full.live);
        let Some(after) = crate::clock::now().checked_duration_since(full.expires) else { return false };
        let reading = match read(&mut full.design) {
            Ok(reading) => reading,
            Err(error) => {
                self.fail(at, live, &error.to_string());
                return true;
            }
        };
        let fill = self.fill(at, live);
        let most = fill.points.last().map(|point| point.reading.clone()).unwrap_or_default();
        let back = is_back(&fill.fresh, &most, &reading);
        fill.after.push(AfterPoint { after_ns: crate::clock::nanos(after), reading });
        if back || after >= settle {
            self.finished(at, live);
            return true;
        }
        false
    }

    /// Waits; false when stopped meanwhile.
    fn pause(&self, length: Duration) -> bool {
        let until = crate::clock::now() + length;
        while !self.stopped() {
            let left = until.saturating_duration_since(crate::clock::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(NAP));
        }
        false
    }
}

/// How long a server may take to know of everything that was ended, and a little more.
fn knows_after(scaled: &Scaled) -> Duration {
    match scaled.backend.header.promises.revocation_lag {
        Lag::Millis(millis) => Duration::from_millis(millis) + PAUSE,
        _ => PAUSE,
    }
}

/// Both sides at this moment.
fn read(design: &mut Design) -> Result<Reading, Error> {
    let mut reading = Reading::default();
    let mut files = BTreeSet::new();
    for pid in design.pids() {
        let probe = ProcessProbe::new(pid)?;
        reading.server_bytes += probe.memory()?.pss_bytes;
        files.extend(probe.written_files()?);
    }
    reading.file_bytes =
        files.iter().filter_map(|path| Some(std::fs::metadata(path).ok()?.len())).reduce(|a, b| a + b);
    if let Some(sample) = design.sample()? {
        reading.store_bytes = Some(sample.memory_bytes);
        reading.dataset_bytes = Some(sample.dataset_bytes);
        reading.keys = Some(sample.keys);
    }
    let counters = design.counters()?;
    reading.live_entries = counters.live_entries;
    reading.ended_entries = counters.revoked_entries;
    Ok(reading)
}

/// Is as good as nothing left of what was taken, on either side?
fn is_back(fresh: &Reading, most: &Reading, now: &Reading) -> bool {
    let back = |of: fn(&Reading) -> Option<u64>| {
        let [fresh, most, now] = [fresh, most, now].map(|reading| of(reading).unwrap_or(0));
        let (taken, left) = (most.saturating_sub(fresh), now.saturating_sub(fresh));
        left <= LEFT_BYTES.max((taken as f64 * LEFT) as u64)
    };
    back(|reading| Some(reading.server_bytes)) && back(Reading::kept_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(server_bytes: u64, store_bytes: u64) -> Reading {
        Reading { server_bytes, store_bytes: Some(store_bytes), ..Reading::default() }
    }

    #[test]
    fn given_back_means_on_both_sides() {
        let mib = 1 << 20;
        let (fresh, most) = (reading(8 * mib, mib), reading(100 * mib, 80 * mib));
        assert!(is_back(&fresh, &most, &reading(9 * mib, 2 * mib)));
        assert!(!is_back(&fresh, &most, &reading(9 * mib, 40 * mib)));
        assert!(!is_back(&fresh, &most, &reading(99 * mib, mib)));
        // What was never taken is not left either.
        assert!(is_back(&fresh, &fresh, &reading(8 * mib + 1000, mib)));
    }
}
