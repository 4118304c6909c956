//! From the results of `authbench conform` to what a report shows of them.

use conformance::outcome::{BackendResult, Evidence};
use conformance::{Results, StatementResult, Verdict};
use report::model::{self, Conformance, ConformanceRow, Exchange, Statement, StatementVerdict};

/// Steps that are kept of a statement that does not hold.
const KEPT: usize = 5;
/// Characters that are kept of what was sent, and of what came back.
const LONGEST: usize = 400;

pub(super) fn of(results: Results) -> Conformance {
    let statements = results.backends.iter().find(|backend| backend.broken.is_none());
    let statement = |result: &StatementResult| Statement {
        id: result.id.clone(),
        text: result.text.clone(),
        source: result.source.clone(),
    };
    Conformance {
        statements: statements.iter().flat_map(|backend| &backend.statements).map(statement).collect(),
        backends: results.backends.into_iter().map(row).collect(),
    }
}

fn row(backend: BackendResult) -> ConformanceRow {
    let count = |verdict| backend.count(verdict) as u64;
    ConformanceRow {
        holds: count(Verdict::Pass),
        fails: count(Verdict::Fail),
        does_not_apply: count(Verdict::DoesNotApply),
        not_run: count(Verdict::NotRun),
        attacks: backend.cases(),
        row: backend.backend,
        broken: backend.broken,
        results: backend.statements.into_iter().map(result).collect(),
    }
}

fn result(result: StatementResult) -> model::StatementResult {
    let (verdict, kept) = match result.verdict {
        Verdict::Pass => (StatementVerdict::Holds, 1),
        Verdict::Fail => (StatementVerdict::Fails, KEPT),
        Verdict::DoesNotApply => (StatementVerdict::DoesNotApply, 0),
        Verdict::NotRun => (StatementVerdict::NotRun, 0),
    };
    let steps = result.evidence.len() as u64;
    let mut shown: Vec<Evidence> = result.evidence;
    if verdict == StatementVerdict::Fails {
        shown.retain(|evidence| !evidence.good);
    }
    // A fact says less than an exchange.
    shown.sort_by_key(|evidence| evidence.sent.is_empty());
    model::StatementResult {
        id: result.id,
        verdict,
        reason: result.reason,
        attacks: result.cases,
        steps,
        exchanges: shown.into_iter().take(kept).map(exchange).collect(),
    }
}

fn exchange(evidence: Evidence) -> Exchange {
    Exchange {
        step: evidence.step,
        sent: cut(&evidence.sent),
        came_back: cut(&evidence.came_back),
        wanted: evidence.wanted,
        good: evidence.good,
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_a_failure_is_kept_and_cut() {
        let evidence = |step: &str, sent: &str, good| Evidence {
            step: step.into(),
            sent: sent.into(),
            came_back: "ü".repeat(LONGEST + 1),
            wanted: "401".into(),
            good,
        };
        let of = |verdict| {
            result(StatementResult {
                id: "S4".into(),
                text: String::new(),
                source: String::new(),
                verdict,
                reason: String::new(),
                cases: 3,
                evidence: vec![
                    evidence("a login", "POST", true),
                    evidence("a fact", "", false),
                    evidence("a request", "GET", false),
                ],
            })
        };
        let failed = of(Verdict::Fail);
        let steps: Vec<&str> = failed.exchanges.iter().map(|exchange| exchange.step.as_str()).collect();
        assert_eq!((steps, failed.steps, failed.attacks), (vec!["a request", "a fact"], 3, 3));
        assert_eq!(failed.exchanges[0].came_back, format!("{}…", "ü".repeat(LONGEST)));
        assert_eq!(of(Verdict::Pass).exchanges.len(), 1);
        assert_eq!(of(Verdict::DoesNotApply).exchanges, []);
    }
}
