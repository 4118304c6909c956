//! What a drill takes, by arithmetic: nothing has been started yet.

use scenario::backend::{Lag, Need};
use scenario::{BackendFile, FileError};

use super::cell::{self, CellId};
use super::expiry::Aging;
use super::plan::{DrillPlan, SurvivalPlan};
use super::price;
use super::record::DrillBudget;
use super::scaled::{Scaled, Set, scaled};

/// Starting a design with all its replicas and its store, and ending it, milliseconds.
const START_MS: u64 = 400;
/// One request at a time when nothing else is waited for, both sides on two CPUs, microseconds. Measured: 50 to 80.
const REQUEST_US: u64 = 100;
/// One replica until it answers again, milliseconds.
const RESTART_MS: u64 = 250;
/// Starting the servers of a store of which one can be lost until they know each other, milliseconds.
const GROUP_START_MS: u64 = 5000;
/// Learning what became of every login once the load is over, milliseconds.
const AFTERMATH_MS: u64 = 2000;
/// One request of a user who waits for its answer, microseconds.
const LOGIN_US: u64 = 400;
/// Logouts that are raced at one time wait for their store so often, one after the other: login, write, logout, uses.
const STORE_WAITS: u64 = 12;

/// Of a plan for these designs.
pub(super) fn of(plan: &DrillPlan, files: &[BackendFile]) -> Result<DrillBudget, FileError> {
    let mut sum =
        DrillBudget { designs: files.len().try_into().unwrap_or(u32::MAX), ..DrillBudget::default() };
    for file in files {
        let short = scaled(file, &plan.scale, Set::default())?;
        if let Some(survival) = &plan.survival {
            let cells = cell::cells(survival, short.refreshes);
            sum.cells += cells.len() as u32;
            sum.start_ms += START_MS;
            sum.survival_ms += groups_ms(survival, &cells, life_ns(plan, &short), None);
            if let Some(unscaled) =
                plan.unscaled.as_ref().filter(|it| it.backends.contains(&file.header.name))
            {
                let cells: Vec<CellId> =
                    cells.into_iter().filter(|cell| unscaled.events.contains(&cell.event)).collect();
                sum.cells += cells.len() as u32;
                sum.start_ms += START_MS;
                let life_ns =
                    Scaled::as_is(file)?.drilled.map_or(0, |(life_ns, leeway_ns)| life_ns + leeway_ns);
                let most_ns = Some(unscaled.replay_for.as_nanos());
                sum.survival_ms += groups_ms(survival, &cells, life_ns, most_ns);
            }
        }
        if let Some(restart) = &plan.restart {
            let replicas = u64::from(plan.replicas);
            sum.start_ms += START_MS;
            sum.restart_ms += (replicas + 1) * restart.pause.as_nanos() / 1_000_000;
            sum.restart_ms +=
                replicas * RESTART_MS + u64::from(restart.users) * (1 + replicas) * LOGIN_US / 1000;
        }
        price_ms(plan, &short, &mut sum);
        if let Some(race) = plan.resurrection.as_ref().filter(|_| races(file)) {
            let requests = u64::from(race.logouts) * (2 + u64::from(race.writers) + u64::from(plan.replicas));
            let waits_ms = u64::from(race.logouts) * STORE_WAITS * race.store_rtt.as_nanos()
                / u64::from(super::resurrection::AT_ONCE)
                / 1_000_000;
            sum.start_ms += START_MS;
            sum.resurrection_ms += requests * REQUEST_US / 1000 + waits_ms;
        }
    }
    failover_ms(plan, files, &mut sum);
    if let Some(expiry) = &plan.expiry {
        let chosen: Vec<&BackendFile> = files
            .iter()
            .filter(|file| expiry.backends.is_empty() || expiry.backends.contains(&file.header.name))
            .collect();
        for (at, leeway) in expiry.leeways.iter().enumerate() {
            let set = Set { leeway: Some(*leeway), ..Set::default() };
            let mut longest_ms = 0;
            for file in &chosen {
                let short = scaled(file, &plan.scale, set)?;
                if at == 0 || has_leeway(&short) {
                    sum.start_ms += START_MS;
                    longest_ms = longest_ms.max(aging(plan, &short, 0).whole_ns() / 1_000_000);
                }
            }
            sum.expiry_ms += longest_ms;
        }
    }
    Ok(sum)
}

/// Whether logouts of this design are raced: those that promise that one is final at once.
pub(super) fn races(file: &BackendFile) -> bool {
    file.header.promises.revocation_lag == Lag::None
}

/// Whether a leeway was set in its file.
pub(super) fn has_leeway(scaled: &Scaled) -> bool {
    scaled.drilled.is_some() && scaled.leeway
}

/// How the ages of a design's credentials are looked at.
pub(super) fn aging(plan: &DrillPlan, scaled: &Scaled, first: u32) -> Aging {
    let (lifetime_ns, leeway_ns) = scaled.drilled.unwrap_or((plan.scale.lifetime.as_nanos(), 0));
    let (trials, per_s, offsets) = plan
        .expiry
        .as_ref()
        .map_or((0, 1, &[][..]), |expiry| (expiry.trials, expiry.replays_per_s, &expiry.clock_offsets_s[..]));
    let (least, most) =
        (offsets.iter().min().copied().unwrap_or(0), offsets.iter().max().copied().unwrap_or(0));
    Aging {
        trials,
        interval_ns: 1_000_000_000 / u64::from(per_s),
        lifetime_ns,
        leeway_ns,
        apart_ns: u64::from(most.abs_diff(least)) * 1_000_000_000,
        first,
    }
}

/// Life of an access credential as it is drilled, leeway included.
fn life_ns(plan: &DrillPlan, scaled: &Scaled) -> u64 {
    scaled.drilled.map_or(plan.scale.lifetime.as_nanos(), |(life_ns, leeway_ns)| life_ns + leeway_ns)
}

/// Groups of cells one after the other, each as long as its longest.
fn groups_ms(plan: &SurvivalPlan, cells: &[CellId], life_ns: u64, most_ns: Option<u64>) -> u64 {
    let waves = u64::from(plan.trials.div_ceil(plan.at_once));
    let (rotations, others) = cell::apart(cells);
    let groups = others.chunks(plan.together as usize).chain(rotations.chunks(1));
    let longest = groups.map(|group| {
        group.iter().map(|cell| waves * cell::wave_ns(cell.event, life_ns, most_ns)).max().unwrap_or(0)
    });
    longest.sum::<u64>() / 1_000_000
}

fn failover_ms(plan: &DrillPlan, files: &[BackendFile], sum: &mut DrillBudget) {
    let Some(failover) = &plan.failover else { return };
    let designs = files.iter().filter(|file| file.header.needs.contains(&Need::Redis)).count();
    let cases = designs * failover.topologies.len() * failover.losses.len() * failover.wait.len();
    let load_ms = (failover.before.as_nanos() + failover.after.as_nanos()) / 1_000_000;
    sum.start_ms += cases as u64 * (START_MS + GROUP_START_MS);
    sum.failover_ms += cases as u64 * (load_ms + AFTERMATH_MS);
}

fn price_ms(plan: &DrillPlan, scaled: &Scaled, sum: &mut DrillBudget) {
    let Some(price) = plan.price.as_ref().filter(|_| scaled.rotates) else { return };
    for grace in &price.grace {
        sum.start_ms += START_MS;
        // Plain, two tabs, lost answers: one, two and two requests each.
        sum.price_ms += u64::from(price.refreshes) * 5 * REQUEST_US / 1000;
        let turns = u64::from(price.refreshes.div_ceil(price::AT_ONCE));
        sum.price_ms += turns * price.retry_after.as_nanos() / 1_000_000;
        // Within the window as well, where there is one: then only its end is waited for.
        let (times, halves) = if grace.as_nanos() == 0 { (1, 2) } else { (2, 3) };
        for generations in price::GENERATIONS {
            let requests = u64::from(price.thefts) * (3 + u64::from(generations));
            sum.price_ms += times * requests * REQUEST_US / 1000;
            sum.price_ms += halves * price::theft_ms(grace.as_nanos()) / 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::{DrillEvent, Thief};
    use super::*;
    use scenario::builtin::Shelf;

    fn shipped(name: &str) -> DrillPlan {
        let found = Shelf::Drills.resolve(name).unwrap();
        DrillPlan::parse(&found.path, &found.text).unwrap()
    }

    fn budget(plan: &DrillPlan) -> DrillBudget {
        let files: Vec<BackendFile> = plan
            .backends
            .iter()
            .map(|name| {
                let found = Shelf::Backends.resolve(name).unwrap();
                BackendFile::parse(&found.path, &found.text).unwrap()
            })
            .collect();
        of(plan, &files).unwrap()
    }

    #[test]
    fn the_whole_matrix_fits_ten_minutes() {
        let budget = budget(&shipped("matrix"));
        assert!(budget.total_ms() <= 600_000, "{budget:?}: {} s", budget.total_ms() / 1000);
        assert!(budget.cells >= 100 && budget.survival_ms > 100_000, "{budget:?}");
    }

    #[test]
    fn cells_are_counted_as_they_run() {
        let mut plan = shipped("matrix");
        plan.backends = vec!["session-redis".to_owned()];
        (plan.price, plan.resurrection, plan.expiry) = (None, None, None);
        if let Some(survival) = &mut plan.survival {
            survival.events = vec![DrillEvent::Logout, DrillEvent::Expiry];
            survival.thieves = vec![Thief::Access];
            (survival.trials, survival.at_once, survival.together) = (100, 100, 2);
        }
        // 20 ms, then half a second in which trials begin, 0.8 s until the end, 3 s of life, 0.3 s more, 0.25 s around it.
        assert_eq!(budget(&plan).survival_ms, 4870);
        if let Some(survival) = &mut plan.survival {
            survival.trials = 250;
        }
        assert_eq!(budget(&plan).survival_ms, 3 * 4870);
        assert_eq!(budget(&plan).cells, 2);
    }
}
