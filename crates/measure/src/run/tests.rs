//! Whole runs over a fake server and a scripted generator: order, judging, growth, stops and faults.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use hdrhistogram::Histogram;
use loadgen::{
    Answer, CredentialFact, DriveReport, Identity, InFlight, Observation, Observer, Phase, StealMeter,
    nanosecond_histogram,
};
use scenario::wire::{Counters, Provision, ServeOptions};

use super::conduct::{Setting, conduct};
use super::fleet::Parts;
use super::rows::{Given, Resolved, Row, resolve};
use super::*;
use crate::block::BlockKind;
use crate::certificate::{Certificate, Scratch};
use crate::generator::{Generator, Job};
use crate::recording::{Ended, Entered, Recording};
use crate::store::Store;
use crate::target::{Ready, Target};

mod losses;
mod searches;

/// What the fakes do, and what was asked of them.
#[derive(Debug, Default)]
struct Script {
    /// Options each row was launched with, in order.
    launched: Vec<(String, ServeOptions)>,
    /// Provisions by row.
    provisioned: BTreeMap<String, u32>,
    /// Blocks driven so far, warm-ups and pilots included.
    drives: u32,
    /// The server of this row is gone after so many drives.
    dies: Option<(String, u32)>,
    /// This row never becomes ready.
    not_ready: Option<String>,
    /// This row names another subject.
    mixes_up: Option<String>,
    /// Life of an access credential, seconds.
    lifetime_s: Option<f64>,
    /// No block passes its self-checks.
    all_void: bool,
}

type Shared = Rc<RefCell<Script>>;

#[derive(Debug)]
struct FakeTarget {
    row: String,
    port: u16,
    script: Shared,
}

impl Target for FakeTarget {
    fn launch(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn ready(&mut self) -> Result<Ready, Error> {
        let script = self.script.borrow();
        if script.not_ready.as_ref() == Some(&self.row) {
            return Err(Error::Process {
                name: self.row.clone(),
                message: "ended".into(),
                stderr: String::new(),
            });
        }
        Ok(Ready {
            addresses: vec![SocketAddr::from(([127, 0, 0, 1], self.port))],
            controls: vec![],
            describe: serde_json::json!({ "access_lifetime_s": script.lifetime_s }),
        })
    }

    fn pids(&self) -> Vec<u32> {
        vec![std::process::id()]
    }

    fn provision(
        &mut self,
        wanted: &Provision,
        line: &mut dyn FnMut(&str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        *self.script.borrow_mut().provisioned.entry(self.row.clone()).or_default() += 1;
        (0..wanted.subjects)
            .try_for_each(|subject| line(&format!("{subject}\t0\tAuthorization: Bearer x\t-")))
    }

    fn counters(&mut self) -> Result<Counters, Error> {
        Ok(Counters::default())
    }

    fn has_ended(&mut self) -> Option<Error> {
        let script = self.script.borrow();
        let (row, after) = script.dies.as_ref()?;
        (*row == self.row && script.drives >= *after).then(|| Error::Process {
            name: row.clone(),
            message: "ended during the run (signal: 9)".into(),
            stderr: String::new(),
        })
    }

    fn stop(&mut self) {}
}

struct FakeParts(Shared);

impl Parts for FakeParts {
    fn target(&mut self, row: &Row, _replicas: u32, options: ServeOptions) -> Box<dyn Target> {
        let mut script = self.0.borrow_mut();
        script.launched.push((row.name.clone(), options));
        let port = u16::try_from(script.launched.len()).unwrap();
        Box::new(FakeTarget { row: row.name.clone(), port, script: Rc::clone(&self.0) })
    }

    fn certificate(&mut self) -> Result<Certificate, Error> {
        Scratch::new()?.certificate()
    }

    fn stores(&mut self, rows: &[&Row]) -> Vec<Result<Option<Store>, Error>> {
        rows.iter().map(|_| Ok(None)).collect()
    }
}

/// Answers every step of the trace at once, 1000 ns after it was sent.
struct FakeGenerator(Shared);

impl Generator for FakeGenerator {
    fn drive<O: Observer>(&mut self, job: Job<'_>, observer: &mut O) -> Result<DriveReport, loadgen::Error> {
        let script = &mut *self.0.borrow_mut();
        script.drives += 1;
        let row = &script.launched[usize::from(job.target.addresses[0].port()) - 1].0;
        let identity =
            if script.mixes_up.as_ref() == Some(row) { Identity::Wrong } else { Identity::Expected };
        let (mut response, mut send_lag) = (nanosecond_histogram(), nanosecond_histogram());
        let mut count = 0;
        observer.phase(Phase::Measure, job.options.warm_ns);
        for step in job.steps.filter(|step| step.intended_ns >= job.options.warm_ns) {
            count += 1;
            response.record(1_000).unwrap();
            send_lag.record(1).unwrap();
            observer.observe(&Observation {
                operation: step.operation,
                subject: step.subject,
                device: step.device,
                intended_ns: step.intended_ns,
                sent_ns: step.intended_ns,
                done_ns: step.intended_ns + 1_000,
                answer: Answer::Response { status: 200, identity },
                credential: CredentialFact::Held,
                replica: Some(0),
                issuer: Some(0),
                bytes_sent: 100,
                bytes_received: 200,
            });
        }
        observer.phase(Phase::Drain, job.options.warm_ns + job.options.measure_ns);
        let driven = report(job.options.measure_ns, count, response, send_lag);
        Ok(if script.all_void { DriveReport { answered: 0, ..driven } } else { driven })
    }

    fn ceiling(&mut self, _: u32, _: &[u32]) -> Result<f64, loadgen::Error> {
        Ok(1e9)
    }

    /// What a hypervisor takes from this test would void its blocks.
    fn steal_meter(&self) -> fn() -> Option<StealMeter> {
        || None
    }
}

fn report(measured_ns: u64, count: u64, response: Histogram<u64>, send_lag: Histogram<u64>) -> DriveReport {
    DriveReport {
        open_loop: true,
        interrupted: false,
        measured_ns: measured_ns.max(1),
        offered: count,
        answered: count,
        answered_within: count,
        skipped: 0,
        abandoned: 0,
        unsolicited: 0,
        reopened: 0,
        peak_connections: 1,
        bytes_sent: 100 * count,
        bytes_received: 200 * count,
        service: response.clone(),
        response,
        own_lag: send_lag.clone(),
        send_lag,
        cpu_ns: 1,
        spin_ns: 0,
        real_time: false,
        in_flight: InFlight::default(),
        arrivals: None,
    }
}

const PLAN: &str = r#"
name = "test"
seed = 3
baseline = "session-memory"
backends = ["none", "session-memory", "jwt-stateless"]

[[paired]]
scenario = "steady"
rounds = 6
warm_ms = 10
block_ms = 50

[statistics]
alpha = 0.05
margin = 0.05
"#;

struct Ran {
    result: Result<RunSummary, Error>,
    events: Vec<Event>,
    script: Shared,
    folder: tempfile::TempDir,
}

impl Ran {
    fn recording(&self) -> Recording {
        Recording::open(self.folder.path()).unwrap()
    }
}

/// As without any server that runs, and without other builds.
fn resolve_with(plan: &Plan, redis: bool) -> Result<Resolved, Error> {
    resolve(plan, &Given { redis, existing: Vec::new(), builds: &BTreeMap::new() })
}

/// Runs a plan over the fakes. `watch` sees each event and may stop the run.
fn run_with(plan: &str, script: Script, mut watch: impl FnMut(&Event, &AtomicBool)) -> Ran {
    let plan = Plan::parse(Path::new("test.toml"), plan).unwrap();
    let resolved: Resolved = resolve_with(&plan, false).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let script = Rc::new(RefCell::new(script));
    let stop = AtomicBool::new(false);
    // Where the machine puts this test does not matter to it.
    let placement = Placement { generator: vec![], servers: vec![], shared: false };
    let setting = Setting {
        plan: &plan,
        skipped_baseline: None,
        resolved: &resolved,
        placement: &placement,
        out_dir: folder.path(),
        executable: None,
        stop: &stop,
    };
    let mut events = Vec::new();
    let parts = FakeParts(Rc::clone(&script));
    let result = conduct(&setting, parts, FakeGenerator(Rc::clone(&script)), &mut |event| {
        watch(&event, &stop);
        events.push(event);
    });
    Ran { result, events, script, folder }
}

fn run_quietly(plan: &str, script: Script) -> Ran {
    run_with(plan, script, |_, _| {})
}

#[test]
fn every_row_has_one_block_in_every_round_in_an_order_that_changes() {
    let ran = run_quietly(PLAN, Script::default());
    let summary = ran.result.as_ref().unwrap();
    assert_eq!((summary.blocks, summary.stopped), (18, false));
    assert!(summary.wrong_answers.is_empty());
    let recording = ran.recording();
    assert!(recording.is_complete());
    assert_eq!(recording.plan_sha256, summary.plan_sha256);
    let mut orders = BTreeSet::new();
    for round in 0..6 {
        let blocks: Vec<_> = recording.blocks.iter().filter(|block| block.round == round).collect();
        let rows: BTreeSet<&str> = blocks.iter().map(|block| block.backend.as_str()).collect();
        assert_eq!(rows, BTreeSet::from(["none", "session-memory", "jwt-stateless"]));
        assert!(blocks.iter().enumerate().all(|(at, block)| block.position as usize == at));
        // Within a round every row sees the same load.
        assert!(blocks.windows(2).all(|pair| pair[0].outcomes == pair[1].outcomes));
        orders.insert(blocks.iter().map(|block| block.backend.clone()).collect::<Vec<_>>());
    }
    assert!(orders.len() > 1, "{orders:?}");
    assert_eq!(recording.run.rows.len(), 3);
    assert!(recording.run.rows.iter().all(|row| row.describe.is_object()));
    // Each block has its histograms: response, service and send lag.
    assert_eq!(recording.histograms().unwrap().len(), 18 * 3);
    let Event::Budget(budget) = &ran.events[0] else { panic!("{:?}", ran.events[0]) };
    assert_eq!((budget.rows, budget.blocks), (3, 18));
    let last = ran.events.iter().rev().find_map(|event| match event {
        Event::BlockFinished { progress, .. } => Some(*progress),
        _ => None,
    });
    assert_eq!(last.map(|progress| (progress.done, progress.total)), Some((18, 18)));
}

#[test]
fn a_second_visit_of_a_round_goes_back_the_same_way_with_another_load() {
    let ran = run_quietly(&PLAN.replace("block_ms =", "visits = 2\nblock_ms ="), Script::default());
    let Event::Budget(budget) = &ran.events[0] else { panic!("{:?}", ran.events[0]) };
    assert_eq!((budget.rows, budget.blocks), (3, 36));
    let recording = ran.recording();
    assert_eq!(recording.blocks.len(), 36);
    for round in recording.blocks.chunks(6) {
        assert!(round.iter().enumerate().all(|(at, block)| block.position as usize == at));
        assert_eq!(round.iter().map(|block| block.visit).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 1]);
        let there = round[..3].iter().map(|block| &block.backend);
        assert!(there.eq(round[3..].iter().rev().map(|block| &block.backend)));
        for half in round.chunks(3) {
            assert!(half.windows(2).all(|pair| pair[0].outcomes == pair[1].outcomes));
        }
    }
    let offered = |visit| recording.blocks.iter().filter(move |b| b.visit == visit).map(|b| b.offered_rate);
    assert!(!offered(0).eq(offered(1)), "both visits replay one trace");
}

#[test]
fn the_same_seed_gives_the_same_order() {
    let order = |seed: &str| {
        let ran = run_quietly(&PLAN.replace("seed = 3", seed), Script::default());
        ran.recording().blocks.into_iter().map(|block| block.backend).collect::<Vec<_>>()
    };
    assert_eq!(order("seed = 3"), order("seed = 3"));
    assert_ne!(order("seed = 3"), order("seed = 4"));
}

#[test]
fn a_row_that_lets_in_somebody_else_is_counted_and_named() {
    let script = Script { mixes_up: Some("jwt-stateless".into()), ..Script::default() };
    let ran = run_quietly(PLAN, script);
    let wrong = &ran.result.unwrap().wrong_answers;
    assert_eq!(wrong.keys().collect::<Vec<_>>(), ["jwt-stateless"]);
    assert!(wrong["jwt-stateless"] > 0);
}

#[test]
fn a_stopped_run_keeps_its_finished_blocks() {
    let mut seen = 0;
    let ran = run_with(PLAN, Script::default(), |event, stop| {
        seen += u32::from(matches!(event, Event::BlockFinished { .. }));
        stop.store(seen == 4, Ordering::Relaxed);
    });
    let summary = ran.result.as_ref().unwrap();
    assert_eq!((summary.blocks, summary.stopped), (4, true));
    let recording = ran.recording();
    assert_eq!((recording.blocks.len(), recording.ended), (4, Some(Ended::Stopped)));
}

#[test]
fn a_run_that_fails_before_its_first_block_leaves_nothing() {
    let script = Script { not_ready: Some("none".into()), ..Script::default() };
    let ran = run_quietly(PLAN, script);
    assert!(ran.result.is_err());
    assert_eq!(std::fs::read_dir(ran.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_run_that_is_stopped_before_its_first_block_leaves_nothing() {
    let ran = run_with(PLAN, Script::default(), |event, stop| {
        stop.store(matches!(event, Event::ScenarioStarted { .. } | Event::SetUp { .. }), Ordering::Relaxed);
    });
    let summary = ran.result.as_ref().unwrap();
    assert_eq!((summary.blocks, summary.stopped), (0, true));
    assert_eq!(std::fs::read_dir(ran.folder.path()).unwrap().count(), 0);
}

#[test]
fn credentials_are_renewed_before_half_of_their_life_is_over() {
    let short = Script { lifetime_s: Some(0.05), ..Script::default() };
    let ran = run_quietly(PLAN, short);
    ran.result.as_ref().unwrap();
    // Once before the warm-up, then before each of six blocks: a block is longer than half of such a life.
    assert!(ran.script.borrow().provisioned.values().all(|&times| times == 7));
    let long = Script { lifetime_s: Some(28_800.0), ..Script::default() };
    let ran = run_quietly(PLAN, long);
    assert!(ran.script.borrow().provisioned.values().all(|&times| times == 1));
}

#[test]
fn controls_are_calibrated_by_the_baseline_and_everything_restarts() {
    let plan = PLAN.replace("margin = 0.05", "margin = 0.05\nrestarts = 2")
        + "[controls]\ntwins = 2\nextra_work = [0.10]\n";
    let ran = run_quietly(&plan, Script::default());
    assert_eq!(ran.result.as_ref().unwrap().blocks, 2 * 6 * 6);
    let recording = ran.recording();
    let names: Vec<&str> = recording.run.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "none",
            "session-memory",
            "jwt-stateless",
            "session-memory.twin",
            "session-memory.twin2",
            "session-memory.plus10"
        ]
    );
    let calibration = recording.run.rows[5].calibration["steady"];
    let expected = (0.10 * calibration.baseline_cpu_ns).round() as u64;
    assert_eq!((calibration.extra_work_ns, calibration.pilots), (expected, 5));
    assert!(expected > 0);
    let script = ran.script.borrow();
    let extra: Vec<_> = script.launched.iter().filter(|(_, options)| options.extra_work_ns > 0).collect();
    assert!(extra.len() == 2 && extra.iter().all(|(row, _)| row == "session-memory.plus10"));
    assert_eq!(extra[1].1.extra_work_ns, expected);
    let paired = |restart| {
        let of = |block: &&crate::BlockRecord| block.kind == BlockKind::Paired && block.restart == restart;
        recording.blocks.iter().filter(of).map(|block| block.round).collect::<BTreeSet<_>>()
    };
    assert_eq!(paired(0), (0..6).collect());
    assert_eq!(paired(1), (6..12).collect());
}

#[test]
fn episodes_run_once_without_controls_and_distances_are_passes() {
    let plan = PLAN.replace("seed = 3", "seed = 3\nepisodes = [\"cafe\"]\nstore_rtt_us = [0, 250]")
        + "[controls]\ntwins = 1\n";
    let ran = run_quietly(&plan, Script::default());
    assert_eq!(ran.result.as_ref().unwrap().blocks, 2 * 6 * 4 + 3);
    let recording = ran.recording();
    let episodes: Vec<_> = recording.blocks.iter().filter(|block| block.kind == BlockKind::Episode).collect();
    assert_eq!(episodes.len(), 3);
    assert!(episodes.iter().all(|block| block.scenario == "cafe" && block.store_rtt_us == 0));
    let far = recording.blocks.iter().filter(|block| block.store_rtt_us == 250).count();
    assert_eq!(far, 24);
    assert!(ran.script.borrow().launched.iter().any(|(_, options)| options.store_rtt_ns == 250_000));
}

#[test]
fn rounds_grow_to_their_limit_while_the_precision_is_not_reached() {
    // No run of a few blocks on a real clock has intervals of a millionth.
    let plan = PLAN
        .replace("rounds = 6", "rounds = 6\nrounds_max = 15")
        .replace("margin = 0.05", "margin = 0.05\nprecision = 0.000001");
    let ran = run_quietly(&plan, Script::default());
    assert_eq!(ran.result.as_ref().unwrap().blocks, 15 * 3);
    let grown: Vec<_> = ran
        .recording()
        .events
        .into_iter()
        .filter_map(|entry| match entry.entered {
            Entered::RoundsAdded { from, to, .. } => Some((from, to)),
            _ => None,
        })
        .collect();
    assert_eq!(grown, [(6, 12), (12, 15)]);
}

#[test]
fn a_plan_whose_files_do_not_fit_is_refused() {
    for (from, to, part) in [
        ("baseline = \"session-memory\"", "baseline = \"session-redis\"", "is not a backend of it"),
        ("\"none\", ", "\"nome\", ", "did you mean `none`?"),
        ("scenario = \"steady\"", "scenario = \"cafe\"", "is not stationary"),
        ("scenario = \"steady\"", "scenario = \"stedy\"", "did you mean `steady`?"),
    ] {
        let plan = Plan::parse(Path::new("test.toml"), &PLAN.replace(from, to)).unwrap();
        let error = resolve_with(&plan, false).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_backend_with_promises_stands_in_for_a_skipped_baseline() {
    let text = "name = \"fallback\"\nseed = 1\nbaseline = \"session-redis\"\n\
                backends = [\"none\", \"session-redis\", \"session-memory\"]\nepisodes = [\"cafe\"]\npaired = []\n\
                [statistics]\nalpha = 0.05\nmargin = 0.1\n";
    let plan = Plan::parse(Path::new("fallback.toml"), text).unwrap();
    let mut resolved = resolve_with(&plan, true).unwrap();
    assert_eq!(resolved.stand_in(&plan), None);
    resolved.rows.retain(|row| row.name != "session-redis");
    assert_eq!(resolved.stand_in(&plan).as_deref(), Some("session-memory"));
    resolved.rows.retain(|row| row.name == "none");
    assert_eq!(resolved.stand_in(&plan), None);
}
