//! Whole episodes: actors arrive one after another, each with its own stream, and their steps are merged by time.
//! Only the actors present at one time are in memory.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::arrival::Offsets;
use crate::popularity::Spread;
use crate::random::{Purpose, Stream};
use crate::scenario::{Cafe, Scenario, Workday};
use crate::trace::cafe::Trial;
use crate::trace::workday::Visit;
use crate::trace::{Step, TraceOptions};

/// Steps of everyone who arrives.
#[derive(Debug)]
pub(super) struct EpisodeSteps<M: Maker> {
    maker: M,
    arrivals: Offsets,
    next_arrival: u64,
    /// No one arrives from here on.
    last_arrival: u64,
    arrived: u64,
    present: BinaryHeap<Present<M::Actor>>,
    end: u64,
}

/// What makes the actors of an episode.
pub(super) trait Maker {
    /// Steps of one actor, ascending.
    type Actor: Iterator<Item = Step> + std::fmt::Debug;
    /// The actor that arrives as the `number`-th, at a time in nanoseconds.
    fn arrive(&self, number: u64, at: u64) -> Self::Actor;
}

/// An actor and its next step.
#[derive(Debug)]
struct Present<A> {
    step: Step,
    number: u64,
    actor: A,
}

impl<M: Maker> Iterator for EpisodeSteps<M> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        while self.next_arrival < self.last_arrival
            && self.present.peek().is_none_or(|first| self.next_arrival <= first.step.intended_ns)
        {
            let mut actor = self.maker.arrive(self.arrived, self.next_arrival);
            if let Some(step) = actor.next() {
                self.present.push(Present { step, number: self.arrived, actor });
            }
            self.arrived += 1;
            self.next_arrival = self.arrivals.next().unwrap_or(u64::MAX);
        }
        let mut first = self.present.peek_mut()?;
        let step = first.step;
        match first.actor.next() {
            Some(next) => first.step = next,
            None => drop(PeekMut::pop(first)),
        }
        (step.intended_ns < self.end).then_some(step)
    }
}

// The heap hands out the greatest: the earliest is the greatest. Ties go to who arrived first.
impl<A> Ord for Present<A> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.step.intended_ns, other.number).cmp(&(self.step.intended_ns, self.number))
    }
}

impl<A> PartialOrd for Present<A> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<A> PartialEq for Present<A> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<A> Eq for Present<A> {}

/// What every actor of an episode is made from.
#[derive(Debug, Clone)]
pub(super) struct Cast<W> {
    pub(super) workload: W,
    seed: u64,
    round: u32,
    spread: Spread,
    pub(super) subjects: u32,
    pub(super) devices: u8,
    /// Trace time after which an access credential must be refreshed, nanoseconds.
    pub(super) refresh_after: Option<u64>,
}

impl<W> Cast<W> {
    fn new(scenario: &Scenario, workload: W, options: &TraceOptions, refresh_after: Option<u64>) -> Self {
        Self {
            workload,
            seed: scenario.seed,
            round: options.round,
            spread: Spread::new(scenario.seed, scenario.population.subjects),
            subjects: scenario.population.subjects,
            devices: scenario.population.devices,
            refresh_after,
        }
    }

    /// The stream and the subject of the `number`-th actor. Subjects come in turn, so that none meets itself.
    pub(super) fn person(&self, number: u64) -> (Stream, u32) {
        (Stream::new(self.seed, self.round, Purpose::Visit, number), self.spread.place(number))
    }
}

impl Maker for Cast<Workday> {
    type Actor = Visit;

    fn arrive(&self, number: u64, at: u64) -> Visit {
        Visit::new(self, number, at)
    }
}

impl Maker for Cast<Cafe> {
    type Actor = Trial;

    fn arrive(&self, number: u64, at: u64) -> Trial {
        Trial::new(self, number, at)
    }
}

fn length(scenario: &Scenario, options: &TraceOptions) -> u64 {
    options.duration.unwrap_or(scenario.duration.get()).as_nanos().try_into().unwrap_or(u64::MAX)
}

/// Users arrive until the end of the trace, and what they would do after it is cut off.
pub(super) fn workday(
    scenario: &Scenario,
    load: &Workday,
    options: &TraceOptions,
) -> EpisodeSteps<Cast<Workday>> {
    let end = length(scenario, options);
    let refresh_after =
        options.access_lifetime.map(|lifetime| (lifetime.as_nanos() as f64 / load.speed) as u64);
    let stream = Stream::new(scenario.seed, options.round, Purpose::Arrivals, 0);
    let arrivals = Offsets::new(load.arrivals, load.rate, stream);
    start(Cast::new(scenario, load.clone(), options, refresh_after), arrivals, end, end)
}

/// Trials begin as long as they can end within the trace.
pub(super) fn cafe(scenario: &Scenario, load: &Cafe, options: &TraceOptions) -> EpisodeSteps<Cast<Cafe>> {
    let end = length(scenario, options);
    let stream = Stream::new(scenario.seed, options.round, Purpose::Arrivals, 0);
    let arrivals = Offsets::new(load.arrivals, load.rate, stream);
    let last_arrival = end.saturating_sub(load.longest_ns());
    start(Cast::new(scenario, load.clone(), options, None), arrivals, last_arrival, end)
}

fn start<M: Maker>(maker: M, mut arrivals: Offsets, last_arrival: u64, end: u64) -> EpisodeSteps<M> {
    let next_arrival = arrivals.next().unwrap_or(u64::MAX);
    EpisodeSteps { maker, arrivals, next_arrival, last_arrival, arrived: 0, present: BinaryHeap::new(), end }
}
