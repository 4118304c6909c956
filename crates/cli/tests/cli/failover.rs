//! A real cluster and real sentinels that lose a master under load. What is judged is what was acknowledged and what of it
//! is left, never a measured time.

use std::fs;

use measure::drill::{DrillRecording, DrillResult, FailoverRecord};

use crate::support::run_in;

/// Drills one design on one topology and returns what came of each failover.
fn drilled(topology: &str, losses: &str, wait: &str) -> Vec<FailoverRecord> {
    let folder = tempfile::tempdir().unwrap();
    let plan = format!(
        r#"
name = "small"
seed = 1
backends = ["session-redis"]
replicas = 1

[failover]
topologies = ["{topology}"]
losses = [{losses}]
wait = [{wait}]
node_timeout = "2s"
rate_per_s = 100
before = "2s"
cut = "1s"
after = "8s"

[scale]
lifetime = "1h"
other_lifetimes = "1h"
divide = 1
"#
    );
    fs::write(folder.path().join("drill.toml"), plan).unwrap();
    let said = run_in(folder.path(), &["drill", "drill.toml", "--out", "out"]);
    // 4 where this machine was so busy that something came too late before anything was lost.
    assert!(matches!(said.code, Some(0 | 4)), "{said:?}");
    assert!(said.stdout.contains("logouts undone"), "{}", said.stdout);
    let results = DrillRecording::open(&folder.path().join("out")).unwrap().results;
    let failovers = results.into_iter().filter_map(|result| match result {
        DrillResult::Failover(failover) => Some(failover),
        DrillResult::Budget(_) | DrillResult::Design(_) | DrillResult::Took(_) => None,
        other => panic!("{other:?}"),
    });
    failovers.collect()
}

/// Every operation was answered, some with an error, and nothing is left open.
fn is_sound(failover: &FailoverRecord) {
    let unanswered: u64 = failover.tallies.iter().map(|tally| tally.unanswered).sum();
    let (unserved, sent) = failover.unserved();
    assert_eq!((unanswered, sent, failover.unsure), (0, 800, 0), "{failover:?}");
    assert!(unserved > 0 && unserved < sent, "a loss costs something, and not all: {failover:?}");
    assert!(failover.logins > 0 && failover.logouts > 0, "{failover:?}");
}

#[test]
fn a_cut_off_master_of_a_cluster_takes_what_nobody_waited_for_with_it() {
    let failovers = drilled("cluster", r#""cut-off""#, "0, 1");
    let [hasty, careful] = &failovers[..] else { panic!("{failovers:?}") };
    is_sound(hasty);
    is_sound(careful);
    assert!(hasty.logouts_lost > 0 && hasty.logins_lost > 0, "{hasty:?}");
    assert_eq!((careful.logouts_lost, careful.logins_lost), (0, 0), "{careful:?}");
}

#[test]
fn sentinels_name_another_master_and_it_is_found() {
    let failovers = drilled("sentinel", r#""crash""#, "1");
    let [failover] = &failovers[..] else { panic!("{failovers:?}") };
    is_sound(failover);
    assert_eq!((failover.logouts_lost, failover.logins_lost), (0, 0), "{failover:?}");
}
