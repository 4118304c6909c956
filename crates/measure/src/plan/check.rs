//! What a plan must satisfy beyond its types.

use std::collections::BTreeSet;
use std::path::Path;

use scenario::FileError;
use scenario::file::locate;

use super::Plan;

/// Rounds below this cannot reject anything at 5 % by a signed-rank test.
const FEWEST_ROUNDS: u32 = 6;
/// Shorter blocks hold too few requests for a median.
const SHORTEST_BLOCK_MS: u64 = 50;
/// A day: longer blocks are a slip of the keyboard.
const LONGEST_MS: u64 = 86_400_000;

pub(super) fn check(plan: &Plan, path: &Path, text: &str) -> Result<(), FileError> {
    let refuse = |key: &str, message: String, hint: &str| {
        Err(locate(path, text, key, None, format!("`{key}`: {message}"), Some(hint.to_owned())))
    };
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if plan.name.is_empty() || plan.name.len() > 64 || !plan.name.chars().all(kebab) {
        return refuse("name", format!("`{}` is not a name", plan.name), "use 1 to 64 of a-z, 0-9 and -");
    }
    // TOML's integers are signed: a larger seed could not be written into the recording's plan.
    if i64::try_from(plan.seed).is_err() {
        return refuse("seed", "is too large".into(), "use a whole number below 2^63");
    }
    if plan.backends.is_empty() {
        return refuse("backends", "names no backend".into(), "`authbench list` shows the built-in ones");
    }
    if let Some(twice) = first_duplicate(&plan.backends) {
        return refuse("backends", format!("`{twice}` is named twice"), "name each backend once");
    }
    if plan.paired.is_empty() && plan.episodes.is_empty() {
        return refuse("paired", "there is no scenario to run".into(), "add [[paired]] or `episodes = […]`");
    }
    let scenarios: Vec<String> = plan.paired.iter().map(|paired| paired.scenario.clone()).collect();
    for (name, key) in [(&scenarios, "paired"), (&plan.episodes, "episodes")] {
        if let Some(twice) = first_duplicate(name) {
            return refuse(key, format!("scenario `{twice}` is there twice"), "name each scenario once");
        }
    }
    if let Some(both) = plan.episodes.iter().find(|name| scenarios.contains(name)) {
        return refuse(
            "episodes",
            format!("scenario `{both}` is paired as well"),
            "run it one way or the other",
        );
    }
    for (at, paired) in plan.paired.iter().enumerate() {
        let key = |name: &str| format!("paired[{at}].{name}");
        if paired.rounds < FEWEST_ROUNDS || paired.rounds > 10_000 {
            return refuse(
                &key("rounds"),
                format!("{} rounds can show nothing", paired.rounds),
                "use 6 to 10000: fewer than 6 cannot reject anything at 5 %",
            );
        }
        if paired.rounds_max.is_some_and(|max| max < paired.rounds) {
            return refuse(
                &key("rounds_max"),
                format!("is below `rounds` ({})", paired.rounds),
                "use a larger one, or leave it out: then rounds are fixed",
            );
        }
        if paired.rounds_max.is_some() && plan.statistics.precision.is_none() {
            return refuse(
                &key("rounds_max"),
                "rounds can only grow on a registered precision".into(),
                "add `precision = 0.02` to [statistics], or leave `rounds_max` out",
            );
        }
        if !(SHORTEST_BLOCK_MS..=LONGEST_MS).contains(&paired.block_ms) {
            return refuse(
                &key("block_ms"),
                format!("{} ms is too short or too long", paired.block_ms),
                "500 to 1000 is usual",
            );
        }
        if paired.warm_ms > LONGEST_MS {
            return refuse(&key("warm_ms"), "is too long".into(), "100 to 200 is usual");
        }
    }
    if let Some(name) = plan.episode_ms.keys().find(|name| !plan.episodes.contains(name)) {
        return refuse("episode_ms", format!("`{name}` is no episode of this plan"), "add it to `episodes`");
    }
    if plan.episode_ms.values().chain([&plan.pilot_ms]).any(|&ms| ms > LONGEST_MS) {
        return refuse("episode_ms", "an episode or pilot is longer than a day".into(), "use milliseconds");
    }
    check_statistics(plan, &refuse)
}

fn check_statistics(
    plan: &Plan,
    refuse: &dyn Fn(&str, String, &str) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let statistics = &plan.statistics;
    if !(statistics.alpha > 0.0 && statistics.alpha <= 0.2) {
        return refuse("statistics.alpha", format!("{} is no error rate", statistics.alpha), "0.05 is usual");
    }
    if !(statistics.margin > 0.0 && statistics.margin < 1.0) {
        return refuse("statistics.margin", format!("{} is no margin", statistics.margin), "0.05 means ±5 %");
    }
    if statistics.precision.is_some_and(|precision| !(precision > 0.0 && precision < 1.0)) {
        return refuse("statistics.precision", "is no half-width".into(), "0.02 means ±2 %");
    }
    if !(1..=100).contains(&statistics.restarts) {
        return refuse("statistics.restarts", "is not between 1 and 100".into(), "1 = started once");
    }
    if plan.controls.twins > 16 {
        return refuse("controls.twins", "is more than 16".into(), "1 is enough for a null row");
    }
    if plan.controls.extra_work.iter().any(|share| !(*share > 0.0 && *share <= 10.0)) {
        return refuse("controls.extra_work", "holds no share of work".into(), "0.10 means +10 %");
    }
    if let Some(twice) = first_duplicate(&plan.control_names()) {
        return refuse(
            "controls.extra_work",
            format!("row `{twice}` is there twice"),
            "name each share once",
        );
    }
    if !plan.control_names().is_empty() && plan.paired.is_empty() {
        return refuse("controls", "episodes have no controls".into(), "add [[paired]], or leave it out");
    }
    if !(1..=256).contains(&plan.cores.server_threads) {
        return refuse("cores.server_threads", "is not between 1 and 256".into(), "1 is the default");
    }
    if plan.cores.generator.is_empty() != plan.cores.servers.is_empty() {
        return refuse(
            "cores",
            "only one side has CPUs".into(),
            "name `generator` and `servers`, or neither",
        );
    }
    if plan.store_rtt_us.iter().any(|&rtt| rtt > 1_000_000) {
        return refuse(
            "store_rtt_us",
            "holds more than a second".into(),
            "use microseconds: [0, 250, 500, 1000]",
        );
    }
    if first_duplicate(&plan.store_rtt_us).is_some() {
        return refuse("store_rtt_us", "holds a distance twice".into(), "name each distance once");
    }
    Ok(())
}

fn first_duplicate<T: Ord + Clone>(items: &[T]) -> Option<T> {
    let mut seen = BTreeSet::new();
    items.iter().find(|item| !seen.insert(*item)).cloned()
}
