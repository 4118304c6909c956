//! Searches for capacity over the fakes: turns, ends, losses, stops.

use loadgen::capacity::{Limit, Objective, Search};

use super::*;
use crate::capacity::{CapacityPlan, CapacityRun};
use crate::plan::Cores;
use crate::run::capacity::{self, CapacityEvent};
use crate::run::rows::resolve_capacity;

fn capacity_plan(backends: &[&str], highest: f64) -> CapacityPlan {
    CapacityPlan {
        backends: backends.iter().map(|&name| name.to_owned()).collect(),
        scenario: "steady".to_owned(),
        objective: Objective { p99_ns: 20_000_000, error_share: 0.001 },
        search: Search { start: 1000.0, highest, ..Search::default() },
        warm_ms: 5,
        probe_ms: 50,
        seed: 3,
        cores: Cores::default(),
    }
}

fn search_capacity(
    plan: &CapacityPlan,
    script: Script,
    mut watch: impl FnMut(&CapacityEvent, &AtomicBool),
) -> (Result<CapacityRun, Error>, Vec<CapacityEvent>, tempfile::TempDir) {
    let given = Given { redis: false, existing: Vec::new(), builds: &BTreeMap::new() };
    let resolved = resolve_capacity(plan, &given).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (stop, script) = (AtomicBool::new(false), Rc::new(RefCell::new(script)));
    let placement = Placement { generator: vec![], servers: vec![], shared: false };
    let wanted = capacity::Wanted {
        plan,
        resolved: &resolved,
        placement: &placement,
        out_dir: folder.path(),
        executable: None,
        stop: &stop,
    };
    let mut events = Vec::new();
    let parts = FakeParts(Rc::clone(&script));
    let result = capacity::conduct(&wanted, parts, FakeGenerator(script), &mut |event| {
        watch(&event, &stop);
        events.push(event);
    });
    (result, events, folder)
}

#[test]
fn backends_take_turns_and_every_probe_is_kept() {
    let plan = capacity_plan(&["none", "session-memory", "jwt-stateless"], 4000.0);
    let (result, events, folder) = search_capacity(&plan, Script::default(), |_, _| {});
    let run = result.unwrap();
    assert_eq!(CapacityRun::read(folder.path()).unwrap().as_ref(), Some(&run));
    assert!(run.complete && run.rows.len() == 3);
    for row in &run.rows {
        // These servers answer at once, at any rate.
        assert_eq!((row.rate, row.limit, row.at_least()), (Some(4000.0), Some(Limit::Highest), true));
        let rates: Vec<f64> = row.probes.iter().map(|probe| probe.rate).collect();
        assert_eq!(rates, [1000.0, 2000.0, 4000.0, 4000.0, 4000.0]);
        assert!(row.probes.iter().all(|probe| probe.holds && probe.p99_ns > 0 && probe.offered_rate > 0.0));
        assert!(row.describe.is_object());
    }
    // Between two probes of one backend lies one of each other.
    let mut orders: Vec<Vec<u64>> =
        run.rows.iter().map(|row| row.probes.iter().map(|probe| probe.order / 3).collect()).collect();
    orders.dedup();
    assert_eq!(orders, [vec![0, 1, 2, 3, 4]]);
    let turn = |from: usize| -> Vec<&str> {
        let probed = events.iter().filter_map(|event| match event {
            CapacityEvent::Probed { row, .. } => Some(row.as_str()),
            _ => None,
        });
        probed.skip(from).take(3).collect()
    };
    assert!((1..5).any(|number| turn(3 * number) != turn(0)), "the order is drawn anew");
    assert_eq!(events.iter().filter(|event| matches!(event, CapacityEvent::Finished(_))).count(), 3);
}

#[test]
fn a_server_that_dies_ends_its_own_search_only() {
    let plan = capacity_plan(&["none", "jwt-stateless"], 4000.0);
    let script = Script { dies: Some(("none".into(), 4)), ..Script::default() };
    let (result, _, _folder) = search_capacity(&plan, script, |_, _| {});
    let run = result.unwrap();
    assert!(run.complete);
    assert!(run.rows[0].failed.as_ref().unwrap().contains("signal: 9") && run.rows[0].rate.is_none());
    assert!(!run.rows[0].probes.is_empty());
    assert_eq!((run.rows[1].rate, &run.rows[1].failed), (Some(4000.0), &None));
}

#[test]
fn a_search_that_is_stopped_keeps_its_probes_and_says_that_it_is_not_complete() {
    let plan = capacity_plan(&["none", "jwt-stateless"], 4000.0);
    let mut seen = 0;
    let (result, _, folder) = search_capacity(&plan, Script::default(), |event, stop| {
        seen += u32::from(matches!(event, CapacityEvent::Probed { .. }));
        stop.store(seen == 3, Ordering::Relaxed);
    });
    let run = result.unwrap();
    assert!(!run.complete && run.rows.iter().all(|row| row.limit.is_none()));
    assert_eq!(run.rows.iter().map(|row| row.probes.len()).sum::<usize>(), 3);
    assert_eq!(CapacityRun::read(folder.path()).unwrap(), Some(run));
}

#[test]
fn nothing_is_overwritten_by_a_search() {
    let plan = capacity_plan(&["none"], 1000.0);
    let (result, _, folder) = search_capacity(&plan, Script::default(), |_, _| {});
    let before = result.unwrap();
    let again = capacity::prepare_folder(folder.path()).unwrap_err().to_string();
    assert!(again.contains("capacity.json") && again.contains("name another folder"), "{again}");
    assert_eq!(CapacityRun::read(folder.path()).unwrap(), Some(before));
}
