//! Runs every statement against one backend, in order.

use crate::check;
use crate::outcome::{BackendResult, StatementResult, Verdict};
use crate::probe::{Probe, Stop};
use crate::statement::{STATEMENTS, Statement};
use crate::target::{Surroundings, Target};

/// The order of the checks: as listed, but what breaks the store comes last, and the loss of its data after everything.
fn in_order() -> impl Iterator<Item = &'static Statement> {
    let last = ["F3", "F1", "F2"];
    let first = STATEMENTS.iter().filter(move |statement| !last.contains(&statement.id));
    first.chain(last.into_iter().filter_map(crate::statement::find))
}

/// Checks every statement on a running backend. `begun` is told the id of each before it begins.
#[must_use]
pub fn run(target: &Target, around: &mut dyn Surroundings, begun: &mut dyn FnMut(&str)) -> BackendResult {
    let mut probe = match Probe::start(target, around) {
        Ok(probe) => probe,
        Err(why) => return BackendResult::broken(&target.name, why),
    };
    let mut statements: Vec<StatementResult> = in_order()
        .map(|statement| {
            begun(statement.id);
            one(statement, &mut probe)
        })
        .collect();
    let place = |id: &str| STATEMENTS.iter().position(|statement| statement.id == id);
    statements.sort_by_key(|result| place(&result.id));
    BackendResult { backend: target.name.clone(), broken: None, statements }
}

fn one(statement: &Statement, probe: &mut Probe<'_>) -> StatementResult {
    let came_of = check::run(statement.id, probe);
    let (evidence, cases, limits) = probe.conclude();
    let all_good = evidence.iter().all(|evidence| evidence.good);
    let (verdict, reason) = match came_of {
        // What was seen before a check had to stop stands.
        _ if !all_good => (Verdict::Fail, limits),
        Ok(()) if evidence.is_empty() => (Verdict::NotRun, "nothing was seen".to_owned()),
        Ok(()) => (Verdict::Pass, limits),
        Err(Stop::DoesNotApply(why)) => (Verdict::DoesNotApply, why),
        Err(Stop::NotRun(why)) => (Verdict::NotRun, why),
    };
    StatementResult {
        id: statement.id.to_owned(),
        text: statement.text.to_owned(),
        source: statement.source.to_owned(),
        verdict,
        reason,
        cases,
        evidence,
    }
}
