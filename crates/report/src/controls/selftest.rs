//! How often controls come out right over many runs: the proof that verdicts hold on a machine.
//!
//! Every run holds a baseline, twins of it and rows with added work. Over all runs a twin must rarely be called
//! different, and mostly be called equivalent where nothing else ran; added work must be found. Proportions come with
//! Clopper-Pearson bounds, because ten runs are few.

use std::collections::BTreeMap;

use super::{ControlResult, Role};
use crate::comparison::Analysis;
use crate::metric::Metric;
use crate::verdict::Verdict;

/// One run of the self-test.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// Its analysis.
    pub analysis: &'a Analysis,
    /// Nothing else ran on the machine.
    pub quiet: bool,
}

/// So many out of so many, with 95 % Clopper-Pearson bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proportion {
    /// How often.
    pub hits: u64,
    /// Out of how many.
    pub of: u64,
    /// Bounds of the true proportion; 0 to 1 when nothing was counted.
    pub bounds: [f64; 2],
}

/// What came of the twins on one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Twins {
    /// Verdicts "faster" or "slower", all of them wrong, over all runs.
    pub different: Proportion,
    /// Verdicts "equivalent" in quiet runs.
    pub equivalent_quiet: Proportion,
    /// Verdicts "equivalent" in the other runs.
    pub equivalent_busy: Proportion,
    /// Scatter of the paired ratios as a standard deviation, smallest and largest over the twins.
    pub scatter: Option<[f64; 2]>,
    /// Ratios estimated, smallest and largest.
    pub ratios: Option<[f64; 2]>,
}

/// What came of added work, by the share that was added, on CPU.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// Share of the baseline's CPU that was added.
    pub share: f64,
    /// Found dearer in quiet runs.
    pub found_quiet: Proportion,
    /// Found dearer in all runs.
    pub found: Proportion,
    /// Interval excluded what was added, over all runs.
    pub excluded: Proportion,
    /// Ratios estimated, smallest and largest.
    pub ratios: Option<[f64; 2]>,
}

/// The whole self-test.
#[derive(Debug, Clone, PartialEq)]
pub struct Selftest {
    /// By primary metric.
    pub twins: BTreeMap<Metric, Twins>,
    /// By ascending share.
    pub work: Vec<Work>,
}

/// One thing that must hold, and whether it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// What must hold, with the figures.
    pub text: String,
    /// Does it?
    pub met: bool,
}

impl Proportion {
    fn of(cases: impl Iterator<Item = bool>) -> Self {
        let (mut hits, mut of) = (0, 0);
        for hit in cases {
            of += 1;
            hits += u64::from(hit);
        }
        let bounds = stats::binomial::clopper_pearson(hits, of, 0.95);
        Self { hits, of, bounds: bounds.map_or([0.0, 1.0], |interval| [interval.low, interval.high]) }
    }

    /// Share observed; 0 when nothing was counted.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.hits as f64 / self.of.max(1) as f64
    }
}

impl std::fmt::Display for Proportion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [low, high] = self.bounds;
        write!(f, "{} of {} [{:.1} %, {:.1} %]", self.hits, self.of, low * 100.0, high * 100.0)
    }
}

/// Counts the controls of all runs.
#[must_use]
pub fn tally(trials: &[Trial<'_>]) -> Selftest {
    let all = || {
        trials.iter().flat_map(|trial| trial.analysis.controls.iter().map(move |check| (trial.quiet, check)))
    };
    let twins = Metric::PRIMARY.into_iter().map(|metric| {
        let of = || all().filter(move |(_, check)| check.role == Role::Twin && check.metric == metric);
        let equivalent = |wanted: bool| {
            let runs = of().filter(move |(quiet, _)| *quiet == wanted);
            Proportion::of(runs.map(|(_, check)| check.verdict == Verdict::Equivalent))
        };
        let twins = Twins {
            different: Proportion::of(
                of().map(|(_, check)| matches!(check.verdict, Verdict::Faster | Verdict::Slower)),
            ),
            equivalent_quiet: equivalent(true),
            equivalent_busy: equivalent(false),
            scatter: range(of().filter_map(|(_, check)| check.scatter)),
            ratios: range(of().filter_map(|(_, check)| Some(check.ratio?.value))),
        };
        (metric, twins)
    });
    let mut shares: Vec<f64> = all()
        .filter_map(|(_, check)| match check.role {
            Role::ExtraWork(share) => Some(share),
            _ => None,
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    shares.dedup();
    let work = shares.into_iter().map(|share| {
        let of = || all().filter(move |(_, check)| check.role == Role::ExtraWork(share));
        Work {
            share,
            found_quiet: Proportion::of(
                of().filter(|(quiet, _)| *quiet).map(|(_, check)| check.verdict == Verdict::Slower),
            ),
            found: Proportion::of(of().map(|(_, check)| check.verdict == Verdict::Slower)),
            excluded: Proportion::of(of().map(|(_, check)| check.result == ControlResult::Failed)),
            ratios: range(of().filter_map(|(_, check)| Some(check.ratio?.value))),
        }
    });
    Selftest { twins: twins.collect(), work: work.collect() }
}

fn range(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    values.fold(None, |range: Option<[f64; 2]>, value| {
        let [low, high] = range.unwrap_or([value, value]);
        Some([low.min(value), high.max(value)])
    })
}

impl Selftest {
    /// What must hold: at most a tenth of all twin verdicts "different", at least 80 % "equivalent" in quiet runs, +10 %
    /// always found, and +5 % in 80 % of the quiet runs.
    #[must_use]
    pub fn requirements(&self) -> Vec<Requirement> {
        let mut all = Vec::new();
        for (metric, twins) in &self.twins {
            let name = metric.label();
            all.push(Requirement {
                text: format!("twins called different on {name}, at most a tenth: {}", twins.different),
                met: twins.different.of > 0 && twins.different.share() <= 0.1,
            });
            all.push(Requirement {
                text: format!(
                    "twins equivalent on {name} in quiet runs, at least 80 %: {}",
                    twins.equivalent_quiet
                ),
                met: twins.equivalent_quiet.of > 0 && twins.equivalent_quiet.share() >= 0.8,
            });
        }
        for work in &self.work {
            let percent = work.share * 100.0;
            let (text, counted, wanted) = if work.share >= 0.1 {
                ("in every run", work.found, 1.0)
            } else {
                ("in at least 80 % of the quiet runs", work.found_quiet, 0.8)
            };
            all.push(Requirement {
                text: format!("+{percent:.0} % found on CPU {text}: {counted}"),
                met: counted.of > 0 && counted.share() >= wanted,
            });
        }
        all
    }
}
