//! What a drill does besides thefts: replicas restarted, what rotation costs, logouts raced, ages at the last acceptance.

use std::rc::Rc;
use std::sync::atomic::{AtomicU8, Ordering};

use scenario::BackendFile;
use scenario::backend::Replicas;
use tokio::runtime::{Builder, LocalOptions};

use super::super::http::HttpService;
use super::super::launch::PATIENCE;
use super::super::price::{self, GENERATIONS, Habit};
use super::super::record::{
    DrillResult, ExpiryRecord, PriceRecord, RestartRecord, ResurrectionRecord, TheftRecord,
};
use super::super::resurrection::{self, Race};
use super::super::scaled::{Scaled, Set, scaled};
use super::super::{budget, expiry, restart};
use super::Driller;
use crate::error::Error;

/// First subject of price drills: behind those of any survival cell.
const PRICE_SUBJECTS: u32 = 10_000_000;
/// Subjects that one habit or one age of a stolen token may use.
const SUBJECTS_APART: u32 = 200_000;

impl Driller<'_> {
    /// Every replica restarted, one after the other, while users go on.
    pub(super) fn restart(&mut self, file: &BackendFile) -> Result<bool, Error> {
        let Some(wanted) = self.plan.restart.clone() else { return Ok(true) };
        if self.stopped() {
            return Ok(false);
        }
        let (mut design, _) = self.start(&Scaled::as_is(file)?, 0, &[])?;
        let began = crate::clock::now();
        let users =
            restart::Users { count: wanted.users, interval_ns: 1_000_000_000 / u64::from(wanted.rate) };
        let (addresses, controls) = (design.ready.addresses.clone(), design.ready.controls.clone());
        let (phase, ready) = (AtomicU8::new(0), AtomicU8::new(0));
        let pause = std::time::Duration::from_nanos(wanted.pause.as_nanos());
        // Waiting for a process blocks: users have a thread of their own.
        let (went, away_ns) = std::thread::scope(|scope| {
            let going_on = scope.spawn(|| {
                let runtime =
                    Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
                Ok(runtime.block_on(async {
                    let service = HttpService::new(&addresses, &controls, crate::clock::now(), PATIENCE);
                    let went = restart::go_on(Rc::new(service), users, &phase, &ready).await;
                    // Whatever ended it: nobody waits for it any longer.
                    ready.store(1, Ordering::Release);
                    went
                }))
            });
            while ready.load(Ordering::Acquire) == 0 && !going_on.is_finished() {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            std::thread::sleep(pause);
            phase.store(1, Ordering::Release);
            let mut away_ns = Vec::new();
            for replica in 0..addresses.len() {
                if replica > 0 {
                    std::thread::sleep(pause);
                }
                let left = crate::clock::now();
                let back = design.restart(replica);
                away_ns.push(back.map(|()| crate::clock::nanos(left.elapsed())));
            }
            phase.store(2, Ordering::Release);
            std::thread::sleep(pause);
            phase.store(u8::MAX, Ordering::Release);
            (going_on.join(), away_ns)
        });
        let away_ns = away_ns.into_iter().collect::<Result<Vec<u64>, Error>>()?;
        let broken = |message: String| Error::Probe { what: "the thread of users", message };
        let went = went.map_err(|_| broken("it panicked".to_owned()))?;
        let went = went.map_err(|error: std::io::Error| broken(error.to_string()))?;
        let [before, during, after] = went.seen;
        self.put(DrillResult::Restart(RestartRecord {
            backend: file.header.name.clone(),
            users: went.users,
            rate: wanted.rate,
            away_ns,
            before,
            during,
            after,
            logged_out: went.logged_out,
        }))?;
        self.spent(|took| &mut took.restart_ms, began);
        self.end(design)?;
        Ok(true)
    }

    /// What rotation costs, for designs whose refresh tokens are replaced.
    pub(super) fn price(&mut self, file: &BackendFile) -> Result<bool, Error> {
        let Some(wanted) = self.plan.price.clone() else { return Ok(true) };
        for grace in &wanted.grace {
            if self.stopped() {
                return Ok(false);
            }
            let scaled = scaled(file, &self.plan.scale, Set { grace: Some(*grace), ..Set::default() })?;
            if !scaled.rotates {
                return Ok(true);
            }
            let (design, service) = self.start(&scaled, 0, &[])?;
            let began = crate::clock::now();
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
            let whens = if grace_ns == 0 { &[false][..] } else { &[true, false][..] };
            for (generations, &within_grace) in GENERATIONS
                .into_iter()
                .flat_map(|generations| whens.iter().map(move |when| (generations, when)))
            {
                let how = price::Theft { generations, grace_ns, within_grace };
                let found = self.runtime.block_on(price::thefts(&service, how, wanted.thefts, first));
                first += SUBJECTS_APART;
                self.put(DrillResult::Theft(TheftRecord {
                    backend: file.header.name.clone(),
                    grace_ns,
                    generations,
                    within_grace,
                    thefts: found.thefts,
                    granted: found.granted,
                    alarms: found.alarms,
                }))?;
            }
            self.spent(|took| &mut took.price_ms, began);
            self.end(design)?;
        }
        Ok(true)
    }

    /// Logouts against slow writers, for designs that promise that a logout is final at once.
    pub(super) fn resurrection(&mut self, file: &BackendFile) -> Result<bool, Error> {
        let Some(wanted) = self.plan.resurrection.clone() else { return Ok(true) };
        if !budget::races(file) {
            return Ok(true);
        }
        if self.stopped() {
            return Ok(false);
        }
        // Lifetimes as they are: nothing may expire while it is raced.
        let store_rtt_ns = wanted.store_rtt.as_nanos();
        let (design, service) = self.start(&Scaled::as_is(file)?, store_rtt_ns, &[])?;
        let began = crate::clock::now();
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
        self.spent(|took| &mut took.resurrection_ms, began);
        self.end(design)?;
        Ok(true)
    }

    /// Ages at the last acceptance: all designs at the same time, as there is little to do and long to wait.
    pub(super) fn expiry(&mut self, files: &[BackendFile]) -> Result<bool, Error> {
        let Some(wanted) = self.plan.expiry.clone() else { return Ok(true) };
        let chosen =
            |file: &&BackendFile| wanted.backends.is_empty() || wanted.backends.contains(&file.header.name);
        let chosen: Vec<&BackendFile> = files.iter().filter(chosen).collect();
        for (at, leeway) in wanted.leeways.iter().enumerate() {
            if self.stopped() {
                return Ok(false);
            }
            let set = Set { leeway: Some(*leeway), ..Set::default() };
            let mut up = Vec::new();
            for file in &chosen {
                let scaled = scaled(file, &self.plan.scale, set)?;
                // Without a leeway to set it would be the same once more.
                if at == 0 || budget::has_leeway(&scaled) {
                    let (design, service) = self.start(&scaled, 0, &wanted.clock_offsets_s)?;
                    let first = self.subjects(wanted.trials * wanted.clock_offsets_s.len() as u32);
                    let aging = budget::aging(self.plan, &scaled, first);
                    up.push((file.header.name.clone(), design, service, aging));
                }
            }
            let began = crate::clock::now();
            let runs: Vec<_> = up.iter().map(|(_, _, service, aging)| (Rc::clone(service), *aging)).collect();
            let found = self.runtime.block_on(async {
                let mut running = tokio::task::JoinSet::new();
                for (at, (service, aging)) in runs.into_iter().enumerate() {
                    running.spawn_local(async move { (at, expiry::age(service, aging).await) });
                }
                let mut found = running.join_all().await;
                found.sort_by_key(|(at, _)| *at);
                found
            });
            for ((backend, design, _, aging), (_, ages)) in up.into_iter().zip(found) {
                for record in ages_of(&backend, aging, &ages, &wanted.clock_offsets_s) {
                    self.put(DrillResult::Expiry(record))?;
                }
                self.end(design)?;
            }
            self.spent(|took| &mut took.expiry_ms, began);
        }
        Ok(true)
    }
}

fn ages_of(
    backend: &str,
    aging: expiry::Aging,
    ages: &[Vec<expiry::Aged>],
    offsets_s: &[i32],
) -> Vec<ExpiryRecord> {
    let nanos = |seconds: i32| i64::from(seconds) * 1_000_000_000;
    let pairs = offsets_s.iter().zip(ages).flat_map(|(issuer, row)| {
        offsets_s.iter().zip(row).map(move |(verifier, aged)| (nanos(*issuer), nanos(*verifier), aged))
    });
    let leeway_ns = i64::try_from(aging.leeway_ns).unwrap_or(i64::MAX);
    pairs
        .map(|(issuer_offset_ns, verifier_offset_ns, aged)| ExpiryRecord {
            backend: backend.to_owned(),
            lifetime_ns: aging.lifetime_ns,
            leeway_ns: aging.leeway_ns,
            issuer_offset_ns,
            verifier_offset_ns,
            trials: aged.trials,
            ever_accepted: aged.ever_accepted,
            beyond_ns: aged.beyond_ns,
            expected_ns: leeway_ns + issuer_offset_ns - verifier_offset_ns,
            resolution_ns: aging.interval_ns,
            unending: aged.unending,
        })
        .collect()
}
