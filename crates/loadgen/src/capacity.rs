//! Capacity under an objective: the highest rate at which response times and errors stay within bounds.
//!
//! A pure search over a probe, so that it is tested without a server: bracket by doubling, bisect to a ratio of 1.05,
//! confirm the rate that is reported. The probe drives one rate for a while; it should use a deadline not far above the
//! objective, so that a server beyond its capacity is not measured by the length of its backlog. Searches of several
//! servers are interleaved by [`step`], which says what one of them asks for next.

use serde::{Deserialize, Serialize};

/// What must hold at a rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Response time at p99, nanoseconds at most.
    pub p99_ns: u64,
    /// Share of operations that fail, at most, 0 to 1.
    pub error_share: f64,
}

/// Where and how finely to search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// First rate tried, per second.
    pub start: f64,
    /// Rates below this are not tried: the capacity is then reported as none.
    pub lowest: f64,
    /// Rates above this are not tried.
    pub highest: f64,
    /// Ratio of the lowest rate that failed to the highest that held, at which bisecting ends.
    pub tolerance: f64,
    /// How often the rate found must hold in a row.
    pub confirmations: u32,
}

impl Default for Search {
    fn default() -> Self {
        Self { start: 1000.0, lowest: 1.0, highest: 1e6, tolerance: 1.05, confirmations: 2 }
    }
}

/// What one probe of a rate showed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Rate that was asked for, per second.
    pub rate: f64,
    /// Operations that fell due, per second: random arrivals differ from what was asked for.
    pub offered_rate: f64,
    /// Answers per second.
    pub achieved_rate: f64,
    /// Response time, nanoseconds.
    pub p50_ns: u64,
    /// Response time, nanoseconds.
    pub p99_ns: u64,
    /// Share of operations that failed, timed out included, 0 to 1.
    pub error_share: f64,
    /// CPU of the server per answered operation, nanoseconds, where it was measured.
    pub server_cpu_ns: Option<f64>,
    /// Whether the generator kept up: without that, the rate says nothing about the server.
    pub generator_kept_up: bool,
}

impl Probe {
    /// Whether the objective holds: bounds kept, and the load was really carried.
    #[must_use]
    pub fn holds(&self, objective: &Objective) -> bool {
        self.generator_kept_up
            && self.p99_ns <= objective.p99_ns
            && self.error_share <= objective.error_share
            && self.achieved_rate >= 0.98 * self.offered_rate * (1.0 - objective.error_share)
    }
}

/// What ended the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Above the capacity, the objective fails.
    Objective,
    /// The generator could not ask for more: the capacity is at least this. Without a rate, it could not even ask for the
    /// lowest, and nothing is known of the server.
    Generator,
    /// The highest rate to be tried held: the capacity is at least this.
    Highest,
    /// Not even the lowest rate held.
    Lowest,
}

/// The result of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// Highest confirmed rate, per second; `None` when no rate held.
    pub rate: Option<f64>,
    /// What lies above it.
    pub limit: Limit,
    /// Every probe, in the order made: the curve.
    pub probes: Vec<Probe>,
}

/// Searches. Errors of the probe end the search and are handed on.
///
/// # Errors
/// Only the probe's.
pub fn search<E>(
    objective: &Objective,
    search: &Search,
    probe: impl FnMut(f64) -> Result<Probe, E>,
) -> Result<Capacity, E> {
    let mut searching = Searching { objective, search, probe, probes: Vec::new() };
    let (rate, limit) = searching.run()?;
    Ok(Capacity { rate, limit, probes: searching.probes })
}

/// What a search wants next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// This rate is to be probed.
    Probe(f64),
    /// Nothing more.
    Done(Capacity),
}

/// What a search that has made these probes wants next. It follows from them alone, so that searches can take turns.
#[must_use]
pub fn step(objective: &Objective, search: &Search, made: &[Probe]) -> Step {
    let mut made = made.iter();
    match self::search(objective, search, |rate| made.next().copied().ok_or(rate)) {
        Ok(capacity) => Step::Done(capacity),
        Err(rate) => Step::Probe(rate),
    }
}

struct Searching<'a, F> {
    objective: &'a Objective,
    search: &'a Search,
    probe: F,
    probes: Vec<Probe>,
}

/// The highest rate that held and the lowest that failed.
struct Bracket {
    good: f64,
    bad: Option<f64>,
}

impl<E, F: FnMut(f64) -> Result<Probe, E>> Searching<'_, F> {
    fn run(&mut self) -> Result<(Option<f64>, Limit), E> {
        let Some(mut bracket) = self.bracket()? else { return Ok((None, self.nothing_held())) };
        loop {
            self.bisect(&mut bracket)?;
            if self.confirm(bracket.good)? {
                return Ok((Some(bracket.good), self.limit(&bracket)));
            }
            // It held once and not again: the truth lies below.
            bracket = Bracket { good: bracket.good / self.search.tolerance, bad: Some(bracket.good) };
            while !self.try_rate(bracket.good)? {
                bracket = Bracket { good: bracket.good / self.search.tolerance, bad: Some(bracket.good) };
                if bracket.good < self.search.lowest {
                    return Ok((None, self.nothing_held()));
                }
            }
        }
    }

    fn try_rate(&mut self, rate: f64) -> Result<bool, E> {
        let probe = (self.probe)(rate)?;
        self.probes.push(probe);
        Ok(probe.holds(self.objective))
    }

    /// Doubles up from a rate that holds, or halves down from one that does not.
    fn bracket(&mut self) -> Result<Option<Bracket>, E> {
        let mut rate = self.search.start.clamp(self.search.lowest, self.search.highest);
        if self.try_rate(rate)? {
            while rate < self.search.highest {
                let next = (rate * 2.0).min(self.search.highest);
                if !self.try_rate(next)? {
                    return Ok(Some(Bracket { good: rate, bad: Some(next) }));
                }
                rate = next;
            }
            return Ok(Some(Bracket { good: rate, bad: None }));
        }
        while rate > self.search.lowest {
            let next = (rate / 2.0).max(self.search.lowest);
            if self.try_rate(next)? {
                return Ok(Some(Bracket { good: next, bad: Some(rate) }));
            }
            rate = next;
        }
        Ok(None)
    }

    /// Halves the bracket (geometrically: the tolerance is a ratio) until it is narrow enough.
    fn bisect(&mut self, bracket: &mut Bracket) -> Result<(), E> {
        while let Some(bad) = bracket.bad
            && bad / bracket.good > self.search.tolerance
        {
            let middle = (bracket.good * bad).sqrt();
            if self.try_rate(middle)? {
                bracket.good = middle;
            } else {
                bracket.bad = Some(middle);
            }
        }
        Ok(())
    }

    fn confirm(&mut self, rate: f64) -> Result<bool, E> {
        for _ in 0..self.search.confirmations {
            if !self.try_rate(rate)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Why not even the lowest rate held.
    fn nothing_held(&self) -> Limit {
        match self.probes.last() {
            Some(probe) if !probe.generator_kept_up => Limit::Generator,
            _ => Limit::Lowest,
        }
    }

    /// Whether the failures above were the server's.
    fn limit(&self, bracket: &Bracket) -> Limit {
        let Some(bad) = bracket.bad else { return Limit::Highest };
        let at_bad = self.probes.iter().rev().find(|probe| (probe.rate / bad - 1.0).abs() < 1e-9);
        match at_bad {
            Some(probe) if !probe.generator_kept_up => Limit::Generator,
            _ => Limit::Objective,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    const OBJECTIVE: Objective = Objective { p99_ns: 5_000_000, error_share: 0.001 };

    /// An M/M/1 server: p99 of its response time is ln(100)/(μ − λ); beyond μ it sheds and is at the deadline.
    fn server(capacity: f64, generator: f64) -> impl FnMut(f64) -> Result<Probe, Infallible> {
        move |rate| {
            let overloaded = rate >= capacity;
            let p99 = if overloaded { 1e9 } else { (100_f64.ln() / (capacity - rate) * 1e9).min(1e9) };
            Ok(Probe {
                rate,
                offered_rate: rate,
                achieved_rate: rate.min(capacity),
                p50_ns: (p99 / 6.6) as u64,
                p99_ns: p99 as u64,
                error_share: if overloaded { 1.0 - capacity / rate } else { 0.0 },
                server_cpu_ns: Some(1e9 / capacity),
                generator_kept_up: rate <= generator,
            })
        }
    }

    /// The rate at which that server's p99 is just within the objective.
    fn truth(capacity: f64) -> f64 {
        capacity - 100_f64.ln() / (OBJECTIVE.p99_ns as f64 / 1e9)
    }

    proptest! {
        #[test]
        fn finds_the_capacity_within_the_tolerance(capacity in 2000.0_f64..200_000.0, start in 1.0_f64..100_000.0) {
            let found = search(&OBJECTIVE, &Search { start, ..Search::default() }, server(capacity, 1e9)).unwrap();
            let rate = found.rate.unwrap();
            prop_assert!(rate <= truth(capacity) * 1.0001 && rate * 1.0501 >= truth(capacity), "{} {}", rate, truth(capacity));
            prop_assert_eq!(found.limit, Limit::Objective);
            prop_assert!(found.probes.len() < 40);
        }
    }

    #[test]
    fn says_when_it_was_the_generator() {
        let found = search(&OBJECTIVE, &Search::default(), server(100_000.0, 30_000.0)).unwrap();
        assert_eq!(found.limit, Limit::Generator);
        assert!((28_000.0..=30_000.0).contains(&found.rate.unwrap()));
    }

    #[test]
    fn says_when_nothing_holds_or_everything() {
        let none = search(&OBJECTIVE, &Search::default(), server(100.0, 1e9)).unwrap();
        assert_eq!((none.rate, none.limit), (None, Limit::Lowest));
        let nothing_known = search(&OBJECTIVE, &Search::default(), server(100_000.0, 0.5)).unwrap();
        assert_eq!((nothing_known.rate, nothing_known.limit), (None, Limit::Generator));
        let bounded = Search { highest: 20_000.0, ..Search::default() };
        let all = search(&OBJECTIVE, &bounded, server(1e6, 1e9)).unwrap();
        assert_eq!((all.rate, all.limit), (Some(20_000.0), Limit::Highest));
    }

    #[test]
    fn a_rate_that_does_not_hold_again_is_not_reported() {
        let mut honest = server(10_000.0, 1e9);
        let mut tried = Vec::new();
        // Above 8,000/s a rate holds the first time, by luck, and not again.
        let found = search(&OBJECTIVE, &Search::default(), |rate: f64| {
            let again = tried.iter().any(|earlier: &f64| (rate / earlier - 1.0).abs() < 1e-6);
            tried.push(rate);
            let unlucky = rate > 8000.0 && again;
            honest(if unlucky { 2.0 * rate } else { rate }).map(|probe| Probe {
                rate,
                offered_rate: rate,
                ..probe
            })
        });
        let rate = found.unwrap().rate.unwrap();
        assert!((7600.0..=8000.0).contains(&rate), "{rate}");
    }

    #[test]
    fn steps_taken_one_at_a_time_are_the_whole_search() {
        let mut probe = server(20_000.0, 1e9);
        let mut made = Vec::new();
        let found = loop {
            match step(&OBJECTIVE, &Search::default(), &made) {
                Step::Probe(rate) => made.extend(probe(rate)),
                Step::Done(capacity) => break capacity,
            }
        };
        assert_eq!(Ok(found), search(&OBJECTIVE, &Search::default(), server(20_000.0, 1e9)));
    }

    #[test]
    fn arrivals_that_fell_short_by_chance_are_not_held_against_the_server() {
        let probe = Probe {
            rate: 1000.0,
            offered_rate: 960.0,
            achieved_rate: 955.0,
            p50_ns: 1,
            p99_ns: 2,
            error_share: 0.0,
            server_cpu_ns: None,
            generator_kept_up: true,
        };
        assert!(probe.holds(&OBJECTIVE));
        assert!(!Probe { offered_rate: 1000.0, ..probe }.holds(&OBJECTIVE));
    }

    #[test]
    fn errors_of_the_probe_end_the_search() {
        assert_eq!(search(&OBJECTIVE, &Search::default(), |_| Err("gone")), Err("gone"));
    }
}
