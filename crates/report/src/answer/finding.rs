//! One sentence per figure of the page: what it shows, from the data.

use crate::metric::Metric;
use crate::model::{Comparison, Episode, Figure, Report, Scenario, Sentence};
use crate::number;
use crate::verdict::Verdict;

use super::{choices, ratio_with_interval, time_with_interval};

/// Response time by percentile: who is lowest at the median, and how far the rows lie apart in the tail.
#[must_use]
pub fn curves(report: &Report, scenario: &Scenario) -> Sentence {
    let at = |measure| {
        let mut rows: Vec<(&str, f64)> = choices(report, scenario)
            .into_iter()
            .filter_map(|row| Some((row, scenario.figure(row, measure)?.value)))
            .collect();
        rows.sort_by(|a, b| a.1.total_cmp(&b.1));
        rows
    };
    let (median, tail) = (at(Metric::ResponseP50), at(Metric::ResponseP99));
    let (Some(low), Some(high)) = (median.first(), median.last()) else { return Sentence::new() };
    let mut sentence = Sentence::new()
        .text("At the median a request takes from ")
        .figure(number::time(low.1), low.1)
        .text(" (")
        .name(low.0)
        .text(") to ")
        .figure(number::time(high.1), high.1)
        .text(" (")
        .name(high.0)
        .text(")");
    if let (Some(low), Some(high)) = (tail.first(), tail.last()) {
        sentence = sentence
            .text("; at p99 from ")
            .figure(number::time(low.1), low.1)
            .text(" (")
            .name(low.0)
            .text(") to ")
            .figure(number::time(high.1), high.1)
            .text(" (")
            .name(high.0)
            .text("), which is described, not ranked");
    }
    sentence.text(".")
}

/// CPU per request: the ends, and how much of the dearest is the store's.
#[must_use]
pub fn cpu(report: &Report, scenario: &Scenario) -> Sentence {
    let rows = choices(report, scenario);
    let (Some(&low), Some(&high)) = (rows.first(), rows.last()) else { return Sentence::new() };
    let (Some(least), Some(most)) = (scenario.figure(low, Metric::Cpu), scenario.figure(high, Metric::Cpu))
    else {
        return Sentence::new();
    };
    let sentence = Sentence::new()
        .text("A request costs from ")
        .figure(time_with_interval(least), least.value)
        .text(" of CPU in ")
        .name(low)
        .text(" to ")
        .figure(time_with_interval(most), most.value)
        .text(" in ")
        .name(high);
    match scenario.figure(high, Metric::CpuStore) {
        Some(store) if store.value > 0.0 => {
            sentence.text(", of which ").figure(number::time(store.value), store.value).text(" in the store.")
        }
        _ => sentence.text("."),
    }
}

/// Cost added over none on one metric: least, most, and the baseline.
#[must_use]
pub fn added(report: &Report, scenario: &Scenario, metric: Metric) -> Sentence {
    let mut rows: Vec<(&str, Figure)> = choices(report, scenario)
        .into_iter()
        .filter_map(|row| Some((row, scenario.added(row, metric)?)))
        .collect();
    rows.sort_by(|a, b| a.1.value.total_cmp(&b.1.value));
    let (Some(low), Some(high)) = (rows.first(), rows.last()) else { return Sentence::new() };
    let say = |sentence: Sentence, (row, figure): &(&str, Figure)| {
        sentence.name(*row).text(" adds ").figure(time_with_interval(*figure), figure.value)
    };
    let mut sentence = say(Sentence::new().text("Without the HTTP that all share, "), low);
    let baseline =
        rows.iter().find(|(row, _)| *row == report.run.baseline && *row != low.0 && *row != high.0);
    if let Some(baseline) = baseline {
        sentence = say(sentence.text(", the baseline "), baseline);
    }
    if low.0 != high.0 {
        sentence = say(sentence.text(" and "), high);
    }
    sentence.text(".")
}

/// Ratio to a baseline: how many verdicts of each kind, and the smallest difference that could be seen.
#[must_use]
pub fn ratio(report: &Report, scenario: &Scenario, baseline: &str, metric: Metric) -> Sentence {
    let compared: Vec<_> = choices(report, scenario)
        .into_iter()
        .filter_map(|row| scenario.comparison(baseline, row, metric))
        .filter(|c| c.row != baseline)
        .collect();
    if compared.is_empty() {
        return Sentence::new();
    }
    let mut sentence = Sentence::new().text(format!("Of {} backends, ", compared.len()));
    let mut said = false;
    for verdict in
        [Verdict::Faster, Verdict::Equivalent, Verdict::Slower, Verdict::Inconclusive, Verdict::Unranked]
    {
        let count = compared.iter().filter(|c| c.verdict == verdict).count();
        if count > 0 {
            let comma = if said { ", " } else { "" };
            sentence = sentence.text(format!("{comma}{count} {}", verdict.label_on(metric)));
            said = true;
        }
    }
    sentence = sentence.text(" against ").name(baseline);
    let ratio = |c: &&Comparison| Some((c.row.clone(), c.ratio?));
    let lowest =
        compared.iter().filter_map(ratio).min_by(|a: &(String, Figure), b| a.1.value.total_cmp(&b.1.value));
    if let Some((row, figure)) = lowest {
        sentence = sentence
            .text("; lowest ")
            .name(row)
            .text(" at ")
            .figure(ratio_with_interval(figure), figure.value);
    }
    if let Some(resolvable) = compared.iter().filter_map(|c| c.resolvable).reduce(f64::max) {
        sentence = sentence
            .text("; the least precise of these pairs could have shown a difference of ")
            .figure(number::percent(resolvable - 1.0), resolvable);
    }
    sentence.text(".")
}

/// Blocks in time: how many, and how much the host took away.
#[must_use]
pub fn strip(scenario: &Scenario) -> Sentence {
    let Some(worst) = scenario.blocks.iter().map(|block| block.steal).reduce(f64::max) else {
        return Sentence::new();
    };
    let count = |n: u64| number::count(n);
    let sentence = Sentence::new()
        .figure(count(u64::from(scenario.rounds)), f64::from(scenario.rounds))
        .text(" rounds, each row once in every round and in a new random order");
    let void = scenario.blocks_void;
    let sentence = match void {
        0 => sentence.text("; every block was usable"),
        1 => sentence.text("; one block was void"),
        n => sentence.text("; ").figure(count(n), n as f64).text(" blocks were void"),
    };
    if worst == 0.0 {
        sentence.text("; the hypervisor took no CPU time away.")
    } else {
        sentence
            .text("; in the worst block the hypervisor took ")
            .figure(number::percent(worst), worst)
            .text(" of the CPU time.")
    }
}

/// Where a difference lies: the row whose ratio moves farthest from the median to the last quantile, and how wide the
/// interval is there.
#[must_use]
pub fn quantiles(report: &Report, scenario: &Scenario) -> Sentence {
    let named = choices(report, scenario);
    let ends = |ratio: &crate::model::QuantileRatio| {
        Some((*ratio.ratios.first()?, *ratio.ratios.last()?, *ratio.shares.last()?))
    };
    let rows = scenario.quantile_ratios.iter().filter(|ratio| named.contains(&ratio.row.as_str()));
    let moved = |(first, last, _): &(Figure, Figure, f64)| libm::fabs(libm::log(last.value / first.value));
    let found = rows.filter_map(|ratio| Some((ratio.row.as_str(), ends(ratio)?)));
    let Some((row, (first, last, share))) = found.max_by(|a, b| moved(&a.1).total_cmp(&moved(&b.1))) else {
        return Sentence::new();
    };
    let percentile = format!("p{}", number::short(share * 100.0).trim_end_matches('0').trim_end_matches('.'));
    Sentence::new()
        .text("From the median to ")
        .figure(percentile, share)
        .text(", the ratio to ")
        .name(&report.run.baseline)
        .text(" moves farthest in ")
        .name(row)
        .text(": ")
        .figure(ratio_with_interval(first), first.value)
        .text(" to ")
        .figure(ratio_with_interval(last), last.value)
        .text(". The farther out, the less a ratio is known.")
}

/// What the store's distance adds: the row that gains most from the nearest to the farthest, and one that does not.
#[must_use]
pub fn distance(report: &Report, passes: &[&Scenario], metric: Metric) -> Sentence {
    let (Some(near), Some(far)) = (passes.first(), passes.last()) else { return Sentence::new() };
    let mut rows: Vec<(&str, f64, f64)> = choices(report, near)
        .into_iter()
        .filter_map(|row| Some((row, near.figure(row, metric)?.value, far.figure(row, metric)?.value)))
        .collect();
    rows.sort_by(|a, b| (a.2 - a.1).total_cmp(&(b.2 - b.1)));
    let (Some(least), Some(most)) = (rows.first(), rows.last()) else { return Sentence::new() };
    let say = |sentence: Sentence, (row, from, to): &(&str, f64, f64)| {
        let sentence = sentence.name(*row).text(" goes from ").figure(number::time(*from), *from);
        sentence.text(" to ").figure(number::time(*to), *to)
    };
    let sentence = Sentence::new()
        .text("With a round trip of ")
        .figure(number::time_tick(far.store_distance_ns), far.store_distance_ns);
    let sentence = say(sentence.text(" to the store, "), most);
    if least.0 == most.0 { sentence.text(".") } else { say(sentence.text("; "), least).text(".") }
}

/// Exposure bars: the longest, and who refused at once.
#[must_use]
pub fn exposure_bars(report: &Report, episode: &Episode) -> Sentence {
    let rows: Vec<_> = episode
        .rows
        .iter()
        .filter(|figures| report.row(&figures.row).is_some_and(|row| row.role.is_choice()))
        .filter(|figures| !figures.exposure.is_empty())
        .collect();
    let longest = |figures: &crate::model::EpisodeRow| {
        figures.exposure.iter().map(|e| e.longest_ns).fold(0.0, f64::max)
    };
    let accepted =
        |figures: &crate::model::EpisodeRow| figures.exposure.iter().map(|e| e.accepted).sum::<u64>();
    let late = rows.iter().filter(|figures| accepted(figures) > 0).count();
    let Some(worst) = rows.iter().max_by(|a, b| longest(a).total_cmp(&longest(b))) else {
        return Sentence::new();
    };
    let sentence = Sentence::new().text(format!(
        "{} of {} backends refused the left-behind credential from the first request on",
        rows.len() - late,
        rows.len()
    ));
    if late == 0 {
        return sentence.text(".");
    }
    sentence
        .text("; it worked longest in ")
        .name(&worst.row)
        .text(": still accepted ")
        .figure(number::time(longest(worst)), longest(worst))
        .text(" after the acknowledged end.")
}

/// Login storm: what a login takes.
#[must_use]
pub fn storm(report: &Report, episode: &Episode) -> Sentence {
    let mut rows: Vec<(&str, f64)> = episode
        .rows
        .iter()
        .filter(|figures| report.row(&figures.row).is_some_and(|row| row.role.is_choice()))
        .filter_map(|figures| Some((figures.row.as_str(), figures.operations.get("login")?.response_p50_ns?)))
        .collect();
    rows.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (Some(low), Some(high)) = (rows.first(), rows.last()) else { return Sentence::new() };
    Sentence::new()
        .text("Half of the logins were answered within ")
        .figure(number::time(low.1), low.1)
        .text(" (")
        .name(low.0)
        .text(") to ")
        .figure(number::time(high.1), high.1)
        .text(" (")
        .name(high.0)
        .text(match episode.rows.iter().filter(|figures| !figures.valid).count() {
            0 => "), password hashing included; one episode each, not ranked.".to_owned(),
            void if void == episode.rows.len() => {
                "), password hashing included. But the generator's self-checks failed in every episode: these times are void."
                    .to_owned()
            }
            _ => "), password hashing included; one episode each, not ranked. Where a self-check failed, it says void."
                .to_owned(),
        })
}
