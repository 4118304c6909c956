//! What a plan must satisfy beyond its types.

use std::collections::BTreeSet;
use std::path::Path;

use scenario::FileError;

use super::Plan;
use crate::plan_file::PlanFile;

/// Rounds below this cannot reject anything at 5 % by a signed-rank test.
const FEWEST_ROUNDS: u32 = 6;
/// Shorter blocks hold too few requests for a median.
const SHORTEST_BLOCK_MS: u64 = 50;
/// A shorter episode ends before its first users have done what is looked at.
const SHORTEST_EPISODE_MS: u64 = 100;
/// MSER-5 over windows of 50 ms needs two batches of five at least, and half of a pilot is never called warm-up.
const SHORTEST_PILOT_MS: u64 = 1_000;
/// Less extra work than this is lost in the rounding to nanoseconds, and in any scatter.
const LEAST_EXTRA_WORK: f64 = 0.001;
/// Rounds of one scenario at most.
const MOST_ROUNDS: u32 = 10_000;
/// Blocks of a row in a round at most.
const MOST_VISITS: u32 = 16;
/// A run that is over before anything has started.
const SHORTEST_LIMIT_MS: u64 = 1_000;
/// A day: longer blocks are a slip of the keyboard.
const LONGEST_MS: u64 = 86_400_000;

pub(super) fn check(plan: &Plan, path: &Path, text: &str) -> Result<(), FileError> {
    let file = PlanFile { path, text, help: "see scenarios/README.md" };
    file.begins(&plan.name, plan.seed, &plan.backends)?;
    if let Some(twice) = first_duplicate(&plan.backends) {
        return file.refuse("backends", format!("`{twice}` is named twice"), "name each backend once");
    }
    let named: Vec<String> =
        plan.backends.iter().cloned().chain(plan.vary.iter().map(|vary| vary.name.clone())).collect();
    if let Some(twice) = first_duplicate(&named) {
        return file.refuse("vary", format!("row `{twice}` is there twice"), "name each row once");
    }
    if let Some(vary) = plan.vary.iter().find(|vary| !scenario::file::is_name(&vary.name)) {
        return file.refuse(
            "vary",
            format!("`{}` is not a name", vary.name),
            "use 1 to 64 of a-z, 0-9 and -",
        );
    }
    if let Some(exposure) = &plan.exposure {
        exposure.drill(&plan.name, plan.seed, plan.backends.clone()).check(path, text)?;
    }
    if plan.paired.is_empty() && plan.episodes.is_empty() {
        return file.refuse("paired", "there is no scenario to run", "add [[paired]] or `episodes = […]`");
    }
    let scenarios: Vec<String> = plan.paired.iter().map(|paired| paired.scenario.clone()).collect();
    for (name, key) in [(&scenarios, "paired"), (&plan.episodes, "episodes")] {
        if let Some(twice) = first_duplicate(name) {
            return file.refuse(key, format!("scenario `{twice}` is there twice"), "name each scenario once");
        }
    }
    if let Some(both) = plan.episodes.iter().find(|name| scenarios.contains(name)) {
        return file.refuse(
            "episodes",
            format!("scenario `{both}` is paired as well"),
            "run it one way or the other",
        );
    }
    for (at, paired) in plan.paired.iter().enumerate() {
        let key = |name: &str| format!("paired[{at}].{name}");
        let wrong = match paired.rounds {
            rounds if rounds < FEWEST_ROUNDS => Some(format!("{rounds} rounds can show nothing")),
            rounds if rounds > MOST_ROUNDS => Some(format!("{rounds} rounds are too many")),
            _ => None,
        };
        if let Some(message) = wrong {
            let hint = "use 6 to 10000: fewer than 6 cannot reject anything at 5 %";
            return file.refuse(&key("rounds"), message, hint);
        }
        if !(1..=MOST_VISITS).contains(&paired.visits) {
            return file.refuse(
                &key("visits"),
                format!("{} blocks of each row in a round", paired.visits),
                "use 1 to 16",
            );
        }
        if paired.rounds_max.is_some_and(|max| max < paired.rounds) {
            return file.refuse(
                &key("rounds_max"),
                format!("is below `rounds` ({})", paired.rounds),
                "use a larger one, or leave it out: then rounds are fixed",
            );
        }
        if paired.rounds_max.is_some_and(|max| max > MOST_ROUNDS) {
            return file.refuse(&key("rounds_max"), "is more than 10000", "use fewer");
        }
        if paired.rounds_max.is_some() && plan.statistics.precision.is_none() {
            return file.refuse(
                &key("rounds_max"),
                "rounds can only grow on a registered precision",
                "add `precision = 0.02` to [statistics], or leave `rounds_max` out",
            );
        }
        if !(SHORTEST_BLOCK_MS..=LONGEST_MS).contains(&paired.block_ms) {
            return file.refuse(
                &key("block_ms"),
                format!("{} ms is too short or too long", paired.block_ms),
                "500 to 1000 is usual",
            );
        }
        if paired.warm_ms > LONGEST_MS {
            return file.refuse(&key("warm_ms"), "is too long", "100 to 200 is usual");
        }
    }
    if let Some(name) = plan.episode_ms.keys().find(|name| !plan.episodes.contains(name)) {
        return file.refuse(
            "episode_ms",
            format!("`{name}` is no episode of this plan"),
            "add it to `episodes`",
        );
    }
    if let Some((name, ms)) = plan.episode_ms.iter().find(|(_, ms)| **ms < SHORTEST_EPISODE_MS) {
        let message = format!("{ms} ms are too short: nothing would have happened");
        let hint = "use 100 or more; leave it out for the scenario's own length";
        return file.refuse(&format!("episode_ms.{name}"), message, hint);
    }
    if let Some((name, _)) = plan.episode_ms.iter().find(|(_, ms)| **ms > LONGEST_MS) {
        return file.refuse(&format!("episode_ms.{name}"), "is longer than a day", "use milliseconds");
    }
    if plan.pilot_ms != 0 && !(SHORTEST_PILOT_MS..=LONGEST_MS).contains(&plan.pilot_ms) {
        return file.refuse(
            "pilot_ms",
            format!("{} ms are too short or too long to find a steady state in", plan.pilot_ms),
            "10000 is usual; 0 or nothing = no pilots",
        );
    }
    if plan.limit_ms.is_some_and(|ms| !(SHORTEST_LIMIT_MS..=LONGEST_MS).contains(&ms)) {
        return file.refuse("limit_ms", "is under a second or over a day", "use milliseconds, e.g. 60000");
    }
    if plan.paired.is_empty() {
        check_unpaired(plan, file)?;
    }
    check_statistics(plan, file)
}

/// What only paired rounds use would be passed over in silence.
fn check_unpaired(plan: &Plan, file: PlanFile<'_>) -> Result<(), FileError> {
    let hint = "add [[paired]], or leave it out";
    if plan.statistics.restarts > 1 {
        return file.refuse("statistics.restarts", "episodes are run once", hint);
    }
    if plan.store_rtt_us.iter().any(|&rtt| rtt > 0) {
        return file.refuse("store_rtt_us", "episodes are run with the store as it is", hint);
    }
    if plan.pilot_ms > 0 {
        return file.refuse("pilot_ms", "episodes have no warm-up", hint);
    }
    Ok(())
}

fn check_statistics(plan: &Plan, file: PlanFile<'_>) -> Result<(), FileError> {
    let statistics = &plan.statistics;
    if !(statistics.alpha > 0.0 && statistics.alpha <= 0.2) {
        return file.refuse(
            "statistics.alpha",
            format!("{} is no error rate", statistics.alpha),
            "0.05 is usual",
        );
    }
    if !(statistics.margin > 0.0 && statistics.margin < 1.0) {
        return file.refuse(
            "statistics.margin",
            format!("{} is no margin", statistics.margin),
            "0.05 means ±5 %",
        );
    }
    if statistics.precision.is_some_and(|precision| !(precision > 0.0 && precision < 1.0)) {
        return file.refuse("statistics.precision", "is no half-width", "0.02 means ±2 %");
    }
    if !(1..=100).contains(&statistics.restarts) {
        return file.refuse("statistics.restarts", "is not between 1 and 100", "1 = started once");
    }
    if plan.controls.twins > 16 {
        return file.refuse("controls.twins", "is more than 16", "1 is enough for a null row");
    }
    if plan.controls.extra_work.iter().any(|share| !(LEAST_EXTRA_WORK..=10.0).contains(share)) {
        return file.refuse(
            "controls.extra_work",
            "is no share of work from 0.001 to 10",
            "0.10 means +10 %",
        );
    }
    if let Some(twice) = first_duplicate(&plan.control_names()) {
        return file.refuse(
            "controls.extra_work",
            format!("row `{twice}` is there twice"),
            "name each share once",
        );
    }
    if !plan.control_names().is_empty() && plan.paired.is_empty() {
        return file.refuse("controls", "episodes have no controls", "add [[paired]], or leave it out");
    }
    if !(1..=256).contains(&plan.cores.server_threads) {
        return file.refuse("cores.server_threads", "is not between 1 and 256", "1 is the default");
    }
    if plan.cores.generator.is_empty() != plan.cores.servers.is_empty() {
        return file.refuse("cores", "only one side has CPUs", "name `generator` and `servers`, or neither");
    }
    if plan.store_rtt_us.iter().any(|&rtt| rtt > 1_000_000) {
        return file.refuse(
            "store_rtt_us",
            "holds more than a second",
            "use microseconds: [0, 250, 500, 1000]",
        );
    }
    if first_duplicate(&plan.store_rtt_us).is_some() {
        return file.refuse("store_rtt_us", "holds a distance twice", "name each distance once");
    }
    Ok(())
}

fn first_duplicate<T: Ord + Clone>(items: &[T]) -> Option<T> {
    let mut seen = BTreeSet::new();
    items.iter().find(|item| !seen.insert(*item)).cloned()
}
