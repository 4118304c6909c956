//! What a recording says besides its blocks.

use std::collections::BTreeMap;

use scenario::backend::Header;
use serde::{Deserialize, Serialize};

use crate::affinity::Placement;
use crate::event::{Budget, Skipped, Warning};

/// `run.json`: what was measured, and how it was set up. Rewritten when a scenario begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`crate::block::SCHEMA`] of the writer.
    pub schema: u32,
    /// Which build of this tool.
    pub tool: Tool,
    /// Start of the run, nanoseconds of Unix time.
    pub started_unix_ns: u64,
    /// SHA-256 of `plan.toml`, hex: registered before the data.
    pub plan_sha256: String,
    /// The seed of the plan, from which every order and trace follows.
    pub seed: u64,
    /// What the plan was said to take, before the start.
    pub budget: Budget,
    /// CPUs of generator and servers.
    pub placement: Placement,
    /// Timer slack of the generator's thread, nanoseconds.
    pub timer_slack_ns: Option<u64>,
    /// Operations per second of the generator against the built-in responder; absent if it was not measured.
    pub generator_ceiling: Option<f64>,
    /// Rows measured, controls last.
    pub rows: Vec<RowRecord>,
    /// Rows that were not.
    pub skipped: Vec<Skipped>,
    /// Scenarios in the order they are run.
    pub scenarios: Vec<ScenarioRecord>,
}

/// A build of this tool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tool {
    /// Version.
    pub version: String,
    /// SHA-256 of the executable, hex; absent if it could not be read.
    pub binary_sha256: Option<String>,
    /// Compiler, as `rustc --version` prints it.
    pub rustc: String,
    /// Target triple.
    pub target: String,
    /// `release` or `debug`, with its optimisation level.
    pub profile: String,
    /// Commit it was built from, if it was built in a checkout.
    pub commit: Option<String>,
}

/// One row of the comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowRecord {
    /// Its name: the backend's, or `NAME.twin`, `NAME.plus10` for controls.
    pub name: String,
    /// Name, summary, needs, replicas and promises, as the backend file declares them.
    pub header: Header,
    /// SHA-256 of the backend file, hex.
    pub backend_sha256: String,
    /// What kind of control it is; absent for a backend.
    pub control: Option<Control>,
    /// What the server says of itself: the four choices, algorithm, sizes.
    pub describe: serde_json::Value,
    /// The store behind it, where it has one.
    pub store: Option<StoreRecord>,
    /// Extra work by scenario (positive controls only).
    #[serde(default)]
    pub calibration: BTreeMap<String, Calibration>,
    /// SHA-256 of the program that served it, hex, where that was another build than the one that measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable_sha256: Option<String>,
    /// What ended it before the run did. Its finished blocks stand, without a rank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<RowFailure>,
}

/// The end of a row's server or store during a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowFailure {
    /// Scenario that was being measured.
    pub scenario: String,
    /// When it was noticed, nanoseconds of Unix time.
    pub at_unix_ns: u64,
    /// What happened and to which process or address, credentials removed.
    pub message: String,
    /// Measured address of its server; empty where it was not up.
    pub address: String,
}

/// A row that is there to test the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// Identical to the baseline.
    Twin,
    /// The baseline plus this share of its own CPU per request.
    ExtraWork(f64),
}

/// How much work a positive control was given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// CPU of server and store per answered operation of the baseline in the pilot, nanoseconds.
    pub baseline_cpu_ns: f64,
    /// Added to every request, nanoseconds of CPU.
    pub extra_work_ns: u64,
    /// Pilot blocks behind it.
    pub pilots: u32,
}

/// A store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreRecord {
    /// What the store says it is, e.g. `redis 7.0.15`.
    pub version: String,
    /// Started for this row alone; otherwise shared, and its figures may be disturbed.
    pub private: bool,
    /// Address without credentials; empty for a private one.
    pub address: String,
    /// Prefix of this row's keys in a shared one: what a run that was killed could not remove. Empty for a private one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Settings that matter: persistence, eviction, memory limit.
    pub settings: BTreeMap<String, String>,
}

/// One scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioRecord {
    /// Its name.
    pub name: String,
    /// The question it answers.
    pub question: String,
    /// Paired rounds, or whole episodes?
    pub paired: bool,
    /// Seed of its draws in this run: the file's own, moved by the plan's.
    pub seed: u64,
    /// The file's text.
    pub text: String,
    /// SHA-256 of that text, hex.
    pub sha256: String,
    /// Live logins provisioned per row before the start; 0 where users log in themselves.
    pub provisioned: u64,
    /// Revoked credentials known to a server before the start.
    pub revoked: u64,
}

/// A line of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, nanoseconds of Unix time.
    pub at_unix_ns: u64,
    /// What.
    #[serde(flatten)]
    pub entered: Entered,
}

/// What happened besides blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Entered {
    /// A remark that belongs into the report.
    Warning(Warning),
    /// Servers and stores were started.
    Started {
        /// How often before.
        restart: u32,
        /// Modelled distance of the store, microseconds.
        store_rtt_us: u64,
    },
    /// Live logins were created before measuring, or renewed so that none could expire.
    Provisioned {
        /// Row name.
        row: String,
        /// Scenario name.
        scenario: String,
        /// Live logins.
        logins: u64,
        /// Time it took, nanoseconds.
        took_ns: u64,
        /// The ones before had grown too old.
        renewed: bool,
        /// Live logins that the server counts in its store afterwards, where it counts them.
        #[serde(default)]
        live_entries: Option<u64>,
        /// Revoked credentials that it counts, where it counts them.
        #[serde(default)]
        revoked_entries: Option<u64>,
    },
    /// A pilot found where the start-up transient of a backend ends.
    Pilot {
        /// Row name.
        row: String,
        /// Scenario name.
        scenario: String,
        /// Length of the pilot, milliseconds.
        pilot_ms: u64,
        /// End of the transient by MSER-5, milliseconds from the first request; absent = no steady state.
        transient_ms: Option<u64>,
    },
    /// Load that was driven and discarded on every row after a start, before its first block.
    WarmUp {
        /// Scenario name.
        scenario: String,
        /// Its length: the longest transient that the pilots found, or a fixed one without pilots, milliseconds.
        after_start_ms: u64,
    },
    /// Traffic before the first block went through a relay that kept its bytes and searched them for credentials.
    Captured {
        /// Row name.
        row: String,
        /// Scenario name.
        scenario: String,
        /// Connections that were relayed.
        connections: u64,
        /// Bytes that passed, both directions.
        passed_bytes: u64,
        /// Bytes of them that were kept and searched.
        kept_bytes: u64,
        /// How often a whole credential stood in them.
        credentials: u64,
        /// How many bytes those were.
        credential_bytes: u64,
    },
    /// More rounds, because intervals were wider than the registered precision.
    RoundsAdded {
        /// Scenario name.
        scenario: String,
        /// Rounds so far.
        from: u32,
        /// Rounds to be.
        to: u32,
        /// Widest half-width so far (ratio minus one).
        half_width: f64,
    },
    /// A row's server or store died: the row is not measured any more, the others are.
    RowFailed {
        /// Row name.
        row: String,
        /// Scenario that was being measured.
        scenario: String,
        /// What happened and to which process or address, credentials removed.
        message: String,
        /// Measured address of its server; empty where it was not up.
        address: String,
    },
    /// The run was ended from outside.
    Stopped,
    /// The run could not go on.
    Failed {
        /// Why, credentials removed.
        message: String,
    },
}
