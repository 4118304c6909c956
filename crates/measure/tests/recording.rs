//! A recording is read back whole, refused when a byte was changed, and usable up to where it was cut off.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use measure::affinity::Placement;
use measure::block::{
    BlockKind, BlockRecord, GeneratorCost, Outcome, ProcessCost, Quantiles, Validity, WireCost,
};
use measure::environment::Environment;
use measure::event::{Budget, Warning};
use measure::recording::{Ended, Entered, Kind, RunRecord, ToWrite, Tool, Writer};
use measure::{Error, Operation, Plan, Recording};
use proptest::prelude::*;

const PLAN: &str = r#"
name = "two-rounds"
seed = 7
baseline = "none"
backends = ["none"]

[[paired]]
scenario = "steady"
rounds = 6
warm_ms = 100
block_ms = 500

[statistics]
alpha = 0.05
margin = 0.05
"#;

fn plan() -> Plan {
    Plan::parse(Path::new("plan.toml"), PLAN).unwrap()
}

fn run_record() -> RunRecord {
    RunRecord {
        schema: 1,
        tool: Tool::default(),
        started_unix_ns: 1,
        plan_sha256: plan().sha256(),
        seed: 7,
        budget: Budget {
            rows: 1,
            blocks: 6,
            paired_ms: 1,
            paired_max_ms: 1,
            set_up_ms: 1,
            ..Budget::default()
        },
        placement: Placement::of(&[0, 1]),
        timer_slack_ns: Some(1),
        generator_ceiling: None,
        rows: vec![],
        skipped: vec![],
        scenarios: vec![],
    }
}

fn block(round: u32) -> BlockRecord {
    let quantiles = Quantiles { count: 3, p50: 100, p90: 200, p99: 200, p999: 200, max: 200 };
    BlockRecord {
        schema: 0,
        sequence: 0,
        previous: String::new(),
        scenario: "steady".into(),
        backend: "none".into(),
        round,
        visit: 0,
        position: 0,
        restart: 0,
        store_rtt_us: 0,
        kind: BlockKind::Paired,
        started_unix_ns: 1_790_000_000_000_000_000 + u64::from(round) * 600_000_000,
        measured_ns: 500_000_000,
        offered_rate: Some(6.0),
        achieved_rate: 6.0,
        outcomes: BTreeMap::from([(Operation::Request, BTreeMap::from([(Outcome::Ok, 3)]))]),
        by_replica: vec![],
        response_ns: BTreeMap::from([(Operation::Request, quantiles)]),
        service_ns: BTreeMap::from([(Operation::Request, quantiles)]),
        send_lag_ns: Some(quantiles),
        server: ProcessCost { cpu_ns: 90, ..ProcessCost::default() },
        store: None,
        wire: WireCost::default(),
        generator: GeneratorCost::default(),
        steal: 0.0,
        cpu_pressure: None,
        exposure: vec![],
        validity: Validity { valid: true, response_times: true, reasons: vec![] },
    }
}

/// Writes a recording of some rounds; `ended` writes its manifest.
fn write(directory: &Path, rounds: u32, ended: Option<Ended>) -> Vec<BlockRecord> {
    let mut writer = Writer::create(directory, &plan().canonical()).unwrap();
    writer.run(&run_record()).unwrap();
    writer.environment(&Environment::default()).unwrap();
    let warning = Warning { kind: "shared-core".into(), row: String::new(), message: "One core.".into() };
    writer.event(Entered::Warning(warning)).unwrap();
    let mut histogram = loadgen::nanosecond_histogram();
    let blocks = (0..rounds)
        .map(|round| {
            histogram.record(100 + u64::from(round)).unwrap();
            let response =
                ToWrite { operation: Some(Operation::Request), kind: Kind::Response, histogram: &histogram };
            let lag = ToWrite { operation: None, kind: Kind::SendLag, histogram: &histogram };
            writer.block(block(round), &[response, lag]).unwrap()
        })
        .collect();
    if let Some(ended) = ended {
        writer.finish(ended).unwrap();
    }
    blocks
}

#[test]
fn what_was_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = write(folder.path(), 3, Some(Ended::Completed));
    let recording = Recording::open(folder.path()).unwrap();
    assert!(recording.is_complete());
    assert_eq!(recording.plan, plan());
    assert_eq!(recording.plan_sha256, plan().sha256());
    assert_eq!(recording.run, run_record());
    assert_eq!(recording.blocks, blocks);
    assert_eq!(recording.warnings().count(), 1);
    let histograms = recording.histograms().unwrap();
    let found: Vec<_> = histograms.iter().map(|one| (one.sequence, one.operation, one.kind)).collect();
    let request = Some(Operation::Request);
    assert_eq!(
        found,
        [
            (0, request, Kind::Response),
            (0, None, Kind::SendLag),
            (1, request, Kind::Response),
            (1, None, Kind::SendLag),
            (2, request, Kind::Response),
            (2, None, Kind::SendLag),
        ]
    );
    assert_eq!(histograms[4].histogram.len(), 3);
}

#[test]
fn a_recording_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 1, None);
    let error = Writer::create(folder.path(), &plan().canonical()).unwrap_err();
    assert!(error.to_string().contains("never written over"), "{error}");
    assert_eq!(Recording::open(folder.path()).unwrap().blocks.len(), 1);
}

#[test]
fn without_a_manifest_the_finished_blocks_are_usable() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = write(folder.path(), 3, None);
    let path = folder.path().join("blocks.jsonl");
    let whole = fs::read(&path).unwrap();
    let last_line = whole[..whole.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    for cut in [last_line + 1, last_line + 40, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        let recording = Recording::open(folder.path()).unwrap();
        assert_eq!(recording.ended, None);
        assert_eq!(recording.blocks, blocks[..2]);
        // Histograms of the torn block belong to nothing and are left out.
        assert!(recording.histograms().unwrap().iter().all(|one| one.sequence < 2));
    }
}

#[test]
fn a_stopped_run_says_so() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 1, Some(Ended::Stopped));
    let recording = Recording::open(folder.path()).unwrap();
    assert_eq!(recording.ended, Some(Ended::Stopped));
    assert!(!recording.is_complete());
}

#[test]
fn the_chain_holds_without_a_manifest() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 3, None);
    let path = folder.path().join("blocks.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let changed = [
        // A figure changed, a block taken out, two exchanged.
        whole.replacen("\"cpu_ns\":90", "\"cpu_ns\":80", 1),
        format!("{}\n{}\n", lines[0], lines[2]),
        format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]),
    ];
    for text in changed {
        fs::write(&path, text).unwrap();
        let error = Recording::open(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Changed { .. }) && error.to_string().contains("line"), "{error}");
    }
    fs::write(&path, &whole).unwrap();
    let plan_path = folder.path().join("plan.toml");
    let plan_text = fs::read_to_string(&plan_path).unwrap();
    fs::write(&plan_path, plan_text.replace("seed = 7", "seed = 8")).unwrap();
    assert!(Recording::open(folder.path()).is_err());
}

#[test]
fn a_newer_schema_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &plan().canonical()).unwrap();
    writer.run(&RunRecord { schema: 99, ..run_record() }).unwrap();
    writer.environment(&Environment::default()).unwrap();
    writer.block(block(0), &[]).unwrap();
    writer.finish(Ended::Completed).unwrap();
    let error = Recording::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("schema 99"), "{error}");
}

#[test]
fn a_number_that_nothing_can_measure_is_refused() {
    for (block, key) in [
        (BlockRecord { measured_ns: u64::MAX, ..block(0) }, "measured_ns"),
        (BlockRecord { started_unix_ns: u64::MAX, ..block(0) }, "started_unix_ns"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(folder.path(), &plan().canonical()).unwrap();
        writer.run(&run_record()).unwrap();
        writer.environment(&Environment::default()).unwrap();
        writer.block(block, &[]).unwrap();
        writer.finish(Ended::Completed).unwrap();
        let error = Recording::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains(&format!("line 1: `{key}` is ")), "{error}");
    }
}

#[test]
fn a_folder_without_a_recording_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = Recording::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("holds no recording"), "{error}");
    assert!(Recording::open(&folder.path().join("missing")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// Any byte of any file, changed to anything else, added or taken away.
    #[test]
    fn one_changed_byte_is_refused(file in 0_usize..7, at in 0.0_f64..1.0, change in 1_u8..=255, how in 0_u8..3) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 2, Some(Ended::Completed));
        let names = [
            "plan.toml", "run.json", "environment.json", "blocks.jsonl", "events.jsonl", "steady.hlog",
            "manifest.json",
        ];
        let path = folder.path().join(names[file]);
        let mut bytes = fs::read(&path).unwrap();
        let at = (at * bytes.len() as f64) as usize;
        match how {
            0 => bytes[at] ^= change,
            1 => bytes.insert(at, change),
            _ => { bytes.remove(at); }
        }
        fs::write(&path, bytes).unwrap();
        prop_assert!(Recording::open(folder.path()).is_err(), "{} at {}", names[file], at);
    }
}

/// A recording of schema 1, committed when that schema was settled: what is written today must be readable for years.
#[test]
fn an_old_recording_stays_readable() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recording-v1");
    let recording = Recording::open(&folder).unwrap();
    assert!(recording.is_complete());
    assert_eq!(recording.plan.name, "tiny");
    assert_eq!(recording.plan.sha256(), recording.plan_sha256);
    let rows: Vec<&str> = recording.run.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(rows, ["none", "session-memory"]);
    let of = |kind| recording.blocks.iter().filter(|block| block.kind == kind).count();
    assert_eq!((of(BlockKind::Paired), of(BlockKind::Episode)), (12, 2));
    assert!(recording.blocks.iter().all(|block| block.wrong_answers() == 0 && block.server.cpu_ns > 0));
    let replayed = recording.blocks.iter().filter(|block| !block.exposure.is_empty()).count();
    assert_eq!(replayed, 2);
    // Every histogram holds as many values as its block counts.
    for one in recording.histograms().unwrap() {
        let block = &recording.blocks[usize::try_from(one.sequence).unwrap()];
        let counted = match (one.kind, one.operation) {
            (Kind::Response, Some(operation)) => block.response_ns[&operation].count,
            (Kind::Service, Some(operation)) => block.service_ns[&operation].count,
            (Kind::SendLag, None) => block.send_lag_ns.unwrap().count,
            other => panic!("{other:?}"),
        };
        assert_eq!(one.histogram.len(), counted);
    }
}
