//! What the command line changes in a plan. Every change is a change of the plan: its hash, printed in the report, follows.

use std::path::Path;

use measure::Plan;
use measure::plan::PairedScenario;
use scenario::Scenario;
use scenario::builtin::Shelf;

use crate::error::Failure;

/// Rounds and lengths of a stationary scenario that the plan does not have.
const ADDED: (u32, u64, u64) = (8, 200, 600);

/// Changes of a plan.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Changes of the plan (and so of its hash)")]
pub(crate) struct Amendments {
    /// Measure only this backend, a name or a file (repeatable); the baseline and `none` stay
    #[arg(long, value_name = "NAME")]
    pub(crate) backend: Vec<String>,
    /// Measure only this scenario, a name or a file (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) scenario: Vec<String>,
    /// Rounds of every paired scenario, fixed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rounds: Option<u32>,
    /// Seed of everything random
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

impl Amendments {
    /// Changes the plan.
    pub(crate) fn apply(&self, plan: &mut Plan) -> Result<(), Failure> {
        if !self.backend.is_empty() {
            let stays =
                |name: &String| *name == plan.baseline || name == "none" || self.backend.contains(name);
            plan.vary.retain(|vary| self.backend.contains(&vary.name));
            let mut backends: Vec<String> =
                plan.backends.iter().filter(|name| stays(name)).cloned().collect();
            let varied: Vec<&str> = plan.vary.iter().map(|vary| vary.name.as_str()).collect();
            for name in self.backend.iter().filter(|name| !varied.contains(&name.as_str())) {
                Shelf::Backends.resolve(name)?;
                if !backends.contains(name) {
                    backends.push(name.clone());
                }
            }
            plan.backends = backends;
        }
        if !self.scenario.is_empty() {
            self.choose_scenarios(plan)?;
        }
        if let Some(rounds) = self.rounds {
            for paired in &mut plan.paired {
                paired.rounds = rounds;
                paired.rounds_max = None;
            }
            // It was set for the plan's own rounds: with others, void blocks are repeated whatever it takes.
            plan.limit_ms = None;
        }
        if let Some(seed) = self.seed {
            plan.seed = seed;
        }
        // A changed plan is held to the rules of a written one, before anything is measured.
        *plan = Plan::parse(Path::new("<the plan as changed by options>"), &plan.canonical())?;
        Ok(())
    }

    fn choose_scenarios(&self, plan: &mut Plan) -> Result<(), Failure> {
        plan.paired.retain(|paired| self.scenario.contains(&paired.scenario));
        plan.episodes.retain(|name| self.scenario.contains(name));
        plan.episode_ms.retain(|name, _| self.scenario.contains(name));
        for name in &self.scenario {
            if plan.episodes.contains(name) || plan.paired.iter().any(|paired| paired.scenario == *name) {
                continue;
            }
            if Scenario::open(name)?.is_stationary() {
                let (rounds, warm_ms, block_ms) = ADDED;
                plan.paired.push(PairedScenario {
                    scenario: name.clone(),
                    rounds,
                    rounds_max: None,
                    warm_ms,
                    block_ms,
                    visits: 1,
                });
            } else {
                plan.episodes.push(name.clone());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quick() -> Plan {
        let found = Shelf::Plans.resolve("quick").unwrap();
        Plan::parse(&found.path, &found.text).unwrap()
    }

    #[test]
    fn other_rounds_are_fixed_and_have_no_limit_of_time() {
        let mut plan = quick();
        assert_eq!(plan.limit_ms, Some(60_000));
        Amendments { rounds: Some(24), ..Amendments::default() }.apply(&mut plan).unwrap();
        assert_eq!((plan.paired[0].rounds, plan.paired[0].rounds_max, plan.limit_ms), (24, None, None));
    }

    #[test]
    fn the_baseline_and_the_row_without_authentication_stay() {
        let mut plan = quick();
        let only = vec!["jwt-stateless".to_owned()];
        Amendments { backend: only, ..Amendments::default() }.apply(&mut plan).unwrap();
        assert_eq!(plan.backends, ["none", "session-redis", "jwt-stateless"]);
        assert_eq!(plan.limit_ms, Some(60_000));
    }
}
