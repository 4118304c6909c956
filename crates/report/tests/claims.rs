//! Claims: their files, and what comes out of them on recordings whose truth is known.

#![expect(clippy::unwrap_used, reason = "test code")]

mod synthetic;

use std::path::Path;

use measure::block::{BlockKind, Exposure};
use measure::{Ending, Operation, Outcome};
use proptest::prelude::*;
use report::claims::{Claim, ClaimOutcome, Expectation, Special, evaluate};
use report::comparison::{Analysis, Context, Estimate, analyse};
use synthetic::{Truth, blocks, plan, row};

const BASELINE: &str = "session-redis";

fn rows() -> Vec<Truth> {
    vec![
        row("none", 50_000.0, 30_000.0),
        row(BASELINE, 80_000.0, 40_000.0).stored(20_000.0, 1),
        row("jwt-allowlist", 80_200.0, 40_100.0).stored(20_000.0, 1),
        row("jwt-stateless", 64_000.0, 40_000.0),
    ]
}

fn context() -> Context {
    Context { logins: [("steady".to_owned(), 10_000)].into(), ..Context::default() }
}

/// `steady` in paired rounds, and one `cafe` episode in which only the stateless JWT goes on working.
fn analysis(noise: f64) -> Analysis {
    let rows = rows();
    let mut all = blocks(&rows, 24, noise, 1);
    let mut episodes = blocks(&rows, 1, noise, 2);
    for block in &mut episodes {
        block.sequence += all.len() as u64;
        block.kind = BlockKind::Episode;
        block.scenario = "cafe".to_owned();
        let works = block.backend == "jwt-stateless";
        block.exposure = vec![Exposure {
            by: Ending::LogoutAll,
            sent_after: 40,
            accepted: if works { 40 } else { 0 },
            longest_ns: if works { 580_000_000 } else { 0 },
        }];
    }
    all.extend(episodes);
    analyse(&plan(BASELINE, &rows, 24), &all, &context())
}

fn shipped(id: &str) -> Claim {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/claims").join(format!("{id}.toml"));
    Claim::parse(id, &std::fs::read_to_string(path).unwrap()).unwrap()
}

fn claim(figure: &str, condition: &str) -> Claim {
    let text = format!(
        "id = 'T'\nsentence = 's'\ndetail = 'it is {{x}}'\n[figures]\nx = '{figure}'\n[[condition]]\nfigure = 'x'\n{condition}\n"
    );
    Claim::parse("t.toml", &text).unwrap()
}

fn outcome(figure: &str, condition: &str, analysis: &Analysis) -> ClaimOutcome {
    claim(figure, condition).evaluate(analysis).outcome
}

#[test]
fn every_shipped_claim_is_read_and_expects_nothing() {
    let quiet = analysis(0.01);
    for number in 1..=9 {
        let claim = shipped(&format!("C{number}"));
        assert_eq!((claim.id.as_str(), claim.expect), (format!("C{number}").as_str(), Expectation::Any));
        assert!(!evaluate(&[claim], &quiet)[0].contradicts());
    }
}

#[test]
fn shipped_claims_on_a_known_recording() {
    let quiet = analysis(0.01);
    let result = |id: &str| shipped(id).evaluate(&quiet);
    let c8 = result("C8");
    assert_eq!(c8.outcome, ClaimOutcome::Holds, "{}", c8.detail);
    assert!(c8.detail.contains("response time 1.00") && c8.detail.contains("equivalent"), "{}", c8.detail);
    let c2 = result("C2");
    assert_eq!(c2.outcome, ClaimOutcome::Holds, "{}", c2.detail);
    assert!(c2.detail.contains("839 B"), "8 MiB of store over 10,000 logins: {}", c2.detail);
    let c3 = result("C3");
    assert_eq!(c3.outcome, ClaimOutcome::Holds);
    assert!(c3.detail.contains("plain JWT 40") && c3.detail.contains("580 ms"), "{}", c3.detail);
    assert!(c3.detail.contains("with a deny list not measured"), "{}", c3.detail);
    let c7 = result("C7");
    assert_eq!(c7.outcome, ClaimOutcome::NotMeasurable, "rows of it did not run");
    assert!(c7.detail.contains("row `session-memory` is not in this recording"), "{}", c7.detail);
    for id in ["C1", "C4", "C5", "C6", "C9"] {
        let result = result(id);
        assert_eq!(result.outcome, ClaimOutcome::NotMeasurable, "{id}");
        assert!(result.detail.contains("is not in this recording"), "{id}: {}", result.detail);
    }
}

#[test]
fn three_outcomes_of_a_bound_and_of_a_verdict() {
    let quiet = analysis(0.01);
    let ratio = "ratio(response_p50, jwt-stateless, session-redis, steady)";
    for (condition, expected) in [
        ("below = 0.9", ClaimOutcome::Holds),
        ("above = 0.9", ClaimOutcome::Refuted),
        ("below = 0.8", ClaimOutcome::Inconclusive),
        ("above = 0.7\nbelow = 0.9", ClaimOutcome::Holds),
        ("above = 0.85\nbelow = 0.9", ClaimOutcome::Refuted),
        ("is = 'faster'", ClaimOutcome::Holds),
        ("is = 'different'", ClaimOutcome::Holds),
        ("is = 'slower'", ClaimOutcome::Refuted),
        ("is = 'equivalent'", ClaimOutcome::Refuted),
    ] {
        assert_eq!(outcome(ratio, condition, &quiet), expected, "{condition}");
    }
    let noisy = analysis(0.3);
    let equal = "ratio(response_p50, jwt-allowlist, session-redis, steady)";
    assert_eq!(outcome(equal, "is = 'equivalent'", &noisy), ClaimOutcome::Inconclusive);
    assert_eq!(outcome(equal, "is = 'different'", &quiet), ClaimOutcome::Refuted);
}

#[test]
fn every_function_finds_its_figure() {
    let quiet = analysis(0.01);
    for (figure, condition) in [
        ("added_ratio(response_p50, jwt-stateless, session-redis, steady)", "below = 0.6"),
        ("difference(store_commands, jwt-stateless, session-redis, steady)", "below = 0"),
        ("difference(response_p50, jwt-stateless, session-redis, steady)", "above = -20000\nbelow = -12000"),
        ("value(cpu, session-redis, steady)", "above = 50000\nbelow = 75000"),
        ("added(cpu, session-redis, steady)", "above = 26000\nbelow = 36000"),
        ("memory_per_login(session-redis, steady)", "above = 800\nbelow = 900"),
        ("accepted(logout-all, session-redis, cafe)", "below = 1"),
        ("exposure(logout-all, jwt-stateless, cafe)", "above = 500_000_000"),
        ("share(ok, session-redis, steady)", "above = 0.99"),
    ] {
        assert_eq!(outcome(figure, condition, &quiet), ClaimOutcome::Holds, "{figure}");
    }
    assert_eq!(
        outcome("accepted(logout-all, session-redis, cafe)", "above = 0", &quiet),
        ClaimOutcome::Refuted
    );
    assert_eq!(
        outcome("accepted(logout, session-redis, cafe)", "below = 1", &quiet),
        ClaimOutcome::NotMeasurable
    );
    let tail = outcome("ratio(response_p99, jwt-stateless, session-redis, steady)", "below = 2", &quiet);
    assert_eq!(tail, ClaimOutcome::Inconclusive, "no conclusion rests on a tail");
}

#[test]
fn special_figures_turn_on_by_themselves() {
    let figure = "figure(cheapest-share, session-redis, steady)";
    let without = claim(figure, "above = 0.5").evaluate(&analysis(0.01));
    assert_eq!(without.outcome, ClaimOutcome::NotMeasurable);
    assert!(without.detail.contains("`cheapest-share` yet"), "{}", without.detail);
    let mut with = analysis(0.01);
    let key = (Special::CheapestShare, "steady".to_owned(), BASELINE.to_owned());
    with.special.insert(key, Estimate { value: 0.8, interval: Some([0.7, 0.9]), level: 0.95 });
    assert_eq!(outcome(figure, "above = 0.5", &with), ClaimOutcome::Holds);
}

#[test]
fn nothing_is_concluded_from_a_row_with_wrong_answers() {
    let rows = rows();
    let mut blocks = blocks(&rows, 24, 0.01, 1);
    let answers = blocks.iter_mut().filter(|block| block.backend == "jwt-stateless");
    for block in answers {
        block.outcomes.get_mut(&Operation::Request).unwrap().insert(Outcome::WronglyAccepted, 1);
    }
    let analysis = analyse(&plan(BASELINE, &rows, 24), &blocks, &context());
    let ratio = "ratio(cpu, jwt-stateless, session-redis, steady)";
    for condition in ["is = 'faster'", "below = 0.9", "above = 2"] {
        assert_eq!(outcome(ratio, condition, &analysis), ClaimOutcome::Inconclusive, "{condition}");
    }
    let share = outcome("share(wrongly-accepted, jwt-stateless, steady)", "above = 0", &analysis);
    assert_eq!(share, ClaimOutcome::Holds, "a count of facts stands");
}

#[test]
fn a_failure_needs_a_conclusive_contradiction() {
    let quiet = analysis(0.01);
    let contradicts = |expect: Expectation, condition: &str| {
        let mut claim = claim("ratio(cpu, jwt-stateless, session-redis, steady)", condition);
        claim.expect = expect;
        claim.evaluate(&quiet).contradicts()
    };
    assert!(contradicts(Expectation::Holds, "is = 'slower'"));
    assert!(contradicts(Expectation::Refuted, "is = 'faster'"));
    assert!(!contradicts(Expectation::Any, "is = 'slower'"));
    assert!(!contradicts(Expectation::Holds, "is = 'faster'"));
    let mut missing = claim("ratio(cpu, jwt-stateless, session-redis, elsewhere)", "is = 'faster'");
    missing.expect = Expectation::Holds;
    assert!(!missing.evaluate(&quiet).contradicts());
}

#[test]
fn bad_files_are_refused_with_line_and_next_step() {
    let base = "id = 'T'\nsentence = 's'\ndetail = 'd {x}'\n\n[figures]\nx = 'FIGURE'\n\n[[condition]]\nfigure = 'x'\nbelow = 1\n";
    let good = base.replace("FIGURE", "ratio(cpu, a, b, c)");
    assert!(Claim::parse("t.toml", &good).is_ok());
    for (text, line, message, hint) in [
        (
            base.replace("FIGURE", "ratoi(cpu, a, b, c)"),
            6,
            "unknown function `ratoi`",
            "did you mean `ratio`?",
        ),
        (base.replace("FIGURE", "ratio(cpuu, a, b, c)"), 6, "unknown metric `cpuu`", "did you mean `cpu`?"),
        (base.replace("FIGURE", "share(wrongly-acepted, a, b)"), 6, "unknown outcome", "`wrongly-accepted`"),
        (base.replace("FIGURE", "accepted(logoutall, a, b)"), 6, "unknown ending", "`logout-all`"),
        (base.replace("FIGURE", "figure(cheapest, a, b)"), 6, "unknown figure", "`cheapest-share`"),
        (
            base.replace("FIGURE", "ratio(cpu, a, b)"),
            6,
            "needs 4 names",
            "ratio(METRIC, ROW, BASELINE, SCENARIO)",
        ),
        (base.replace("FIGURE", "cpu"), 6, "is not a figure", "write one of ratio("),
        (good.replace("{x}", "{y}"), 3, "no figure is called `y`", "x"),
        (good.replace("figure = 'x'", "figure = 'xx'"), 9, "no figure is called `xx`", "x"),
        (good.replace("below = 1", "is = 'faster'\nbelow = 1"), 9, "must ask for one thing", "give `is`"),
        (good.replace("below = 1", ""), 9, "must ask for one thing", "give `is`"),
        (good.replace("below = 1", "below = 1\nabove = 1"), 9, "leave nothing between", ""),
        (
            good.replace("ratio(cpu, a, b, c)", "value(cpu, a, c)").replace("below = 1", "is = 'faster'"),
            9,
            "has no verdict",
            "use `above`",
        ),
        (good.replace("sentence", "sentense"), 2, "unknown field `sentense`", "scenarios/README.md"),
        (good.replace("below = 1", "below = '1'"), 10, "invalid type", "scenarios/README.md"),
    ] {
        let error = Claim::parse("t.toml", &text).unwrap_err();
        assert_eq!(error.line, line, "{error}");
        assert!(error.message.contains(message), "{error}");
        assert!(error.to_string().starts_with(&format!("t.toml:{line}: ")), "{error}");
        assert!(error.hint.clone().unwrap_or_default().contains(hint), "{error}");
    }
}

#[test]
fn figures_print_as_they_are_written() {
    for text in
        ["ratio(cpu, a, b, c)", "value(memory, a.b, c)", "memory_per_login(a, b)", "accepted(replaced, a, b)"]
    {
        assert_eq!(claim(text, "below = 1").figures["x"].to_string(), text);
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}", figure in "[a-z_(), -]{0,40}", detail in "[a-z{} ]{0,20}") {
        let _ = Claim::parse("t.toml", &text);
        let file = format!("id = 'T'\nsentence = 's'\ndetail = '{detail}'\n[figures]\nx = '{figure}'\n[[condition]]\nfigure = 'x'\nbelow = 1\n");
        let _ = Claim::parse("t.toml", &file);
    }
}
