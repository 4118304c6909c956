//! What a run does without: rows that die, blocks that are void.

use super::*;

#[test]
fn a_server_that_dies_voids_its_block_and_the_others_go_on() {
    // Three warm-ups come first.
    let script = Script { dies: Some(("none".into(), 10)), ..Script::default() };
    let ran = run_quietly(&PLAN.replace("seed = 3", "seed = 3\nepisodes = [\"cafe\"]"), script);
    let summary = ran.result.as_ref().unwrap();
    assert_eq!(summary.failed.keys().collect::<Vec<_>>(), ["none"]);
    assert!(summary.failed["none"].contains("signal: 9"), "{:?}", summary.failed);
    let recording = ran.recording();
    assert!(recording.is_complete());
    let of = |row: &str| recording.blocks.iter().filter(|block| block.backend == row).collect::<Vec<_>>();
    let (last, before) = of("none").split_last().map(|(last, before)| (*last, before.to_vec())).unwrap();
    assert!(!last.validity.valid);
    assert!(last.validity.reasons.iter().any(|reason| reason.contains("signal: 9")));
    assert!(!before.is_empty());
    // Six rounds and the episode, whatever was measured again.
    for row in ["session-memory", "jwt-stateless"] {
        let places: BTreeSet<_> =
            of(row).iter().map(|block| (block.scenario.as_str(), block.round)).collect();
        assert_eq!(places.len(), 7, "{row}: {places:?}");
    }
    let failure = recording.run.rows[0].failure.as_ref().unwrap();
    assert_eq!((failure.scenario.as_str(), failure.address.as_str()), ("steady", "127.0.0.1:1"));
    assert!(failure.message.contains("signal: 9") && failure.at_unix_ns >= recording.run.started_unix_ns);
    assert!(recording.run.rows[1..].iter().all(|row| row.failure.is_none()));
    let told = recording.events.iter().any(|entry| {
        matches!(&entry.entered, Entered::RowFailed { row, scenario, .. } if row == "none" && scenario == "steady")
    });
    assert!(told, "{:?}", recording.events);
    let progress = ran.events.iter().rev().find_map(|event| match event {
        Event::BlockFinished { progress, .. } => Some((progress.done, progress.total)),
        _ => None,
    });
    assert_eq!(progress, Some((summary.blocks, summary.blocks)));
}

#[test]
fn controls_of_a_baseline_that_died_are_not_started_again() {
    let plan = PLAN.replace("margin = 0.05", "margin = 0.05\nrestarts = 2") + "[controls]\ntwins = 1\n";
    let script = Script { dies: Some(("session-memory".into(), 12)), ..Script::default() };
    let ran = run_quietly(&plan, script);
    assert_eq!(ran.result.as_ref().unwrap().failed.keys().collect::<Vec<_>>(), ["session-memory"]);
    let script = ran.script.borrow();
    let launched: Vec<&str> = script.launched.iter().map(|(row, _)| row.as_str()).collect();
    assert_eq!(
        launched,
        ["none", "session-memory", "jwt-stateless", "session-memory.twin", "none", "jwt-stateless"]
    );
}

#[test]
fn void_blocks_are_repeated_only_while_the_plan_has_time() {
    let blocks = |plan: &str| {
        let ran = run_quietly(plan, Script { all_void: true, ..Script::default() });
        ran.result.unwrap().blocks
    };
    // One in six of 18.
    assert_eq!(blocks(PLAN), 18 + 3);
    // The set-up alone is planned with more than what is left of this.
    assert_eq!(blocks(&PLAN.replace("seed = 3", "seed = 3\nlimit_ms = 1000")), 18);
    assert_eq!(blocks(&PLAN.replace("seed = 3", "seed = 3\nlimit_ms = 86400000")), 18 + 3);
}

#[test]
fn a_plan_with_too_few_rounds_for_its_comparisons_is_told() {
    let warned = |plan: &str| {
        let ran = run_quietly(plan, Script::default());
        ran.events
            .iter()
            .any(|event| matches!(event, Event::Warning(warning) if warning.kind == "few-rounds"))
    };
    assert!(!warned(PLAN));
    // Three comparisons need seven rounds.
    assert!(warned(
        &PLAN.replace("\"jwt-stateless\"]", "\"jwt-stateless\", \"session-redis\", \"jwt-denylist\"]")
    ));
}
