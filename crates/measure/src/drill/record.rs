//! What a drill leaves on disk: a folder with the plan, the results, each with the hash of the one before, and a manifest.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::plan::{DrillEvent, DrillPlan, Thief};
use super::scaled::Change;
use super::survival::{Replica, Spread};
use crate::block::SCHEMA;
use crate::environment::Environment;
use crate::error::Error;
use crate::recording::{Ended, Manifest, sha256_hex};

/// Files of the folder.
const PLAN: &str = "drill.toml";
const ENVIRONMENT: &str = "environment.json";
const RESULTS: &str = "drills.jsonl";
const MANIFEST: &str = "manifest.json";

/// One line of `drills.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillLine {
    /// [`SCHEMA`] of the writer.
    pub schema: u32,
    /// Position, from 0.
    pub sequence: u64,
    /// SHA-256 (hex) of the line before; of the plan's bytes for the first.
    pub previous: String,
    /// What came out.
    #[serde(flatten)]
    pub result: DrillResult,
}

/// What one part of a drill came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "drill", rename_all = "kebab-case")]
pub enum DrillResult {
    /// A design, as it was drilled.
    Design(DesignRecord),
    /// How long a stolen credential went on working.
    Survival(SurvivalRecord),
    /// What rotation of refresh tokens cost an honest owner.
    Price(PriceRecord),
    /// A stolen refresh token presented some generations behind.
    Theft(TheftRecord),
    /// Logouts that raced slow writers.
    Resurrection(ResurrectionRecord),
}

/// A design, as it was drilled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DesignRecord {
    /// Row name.
    pub backend: String,
    /// One line about it.
    pub summary: String,
    /// SHA-256 (hex) of its file.
    pub backend_sha256: String,
    /// Times that were shortened.
    pub changes: Vec<Change>,
    /// What its server says of itself: the four choices, algorithm, lifetimes in force.
    pub describe: serde_json::Value,
}

/// How long a stolen credential went on working: one event × one thief × one design. Times are nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SurvivalRecord {
    /// Row name.
    pub backend: String,
    /// What ended the credential.
    pub event: DrillEvent,
    /// What was stolen.
    pub thief: Thief,
    /// Trials.
    pub trials: u64,
    /// Trials whose credential was ended, or was said to be: the others have no survival.
    pub ended: u64,
    /// Trials in which the design answered that it cannot (501): the owner had been told, so the clock runs.
    pub cannot: u64,
    /// Replays sent before the end, and of these accepted.
    pub sent_before: u64,
    /// Accepted ones.
    pub accepted_before: u64,
    /// Replays sent after the acknowledged end.
    pub sent_after: u64,
    /// Accepted ones: what the thief got.
    pub accepted_after: u64,
    /// From the acknowledgement to the send of the last accepted replay, over trials; 0 where none was.
    pub survival_ns: Spread,
    /// The same by replica.
    pub by_replica: Vec<Replica>,
    /// Trials in which the design noticed two holders: a refresh was refused before anything had been ended.
    pub alarms: u64,
    /// Trials in which it was the owner who was refused, and had to log in again.
    pub forced_logouts: u64,
    /// Between two replays of one token at one replica: no survival is known more finely.
    pub resolution_ns: u64,
    /// How late replays were sent.
    pub lateness_ns: Spread,
    /// Configured life of an access credential, leeway included.
    pub lifetime_ns: u64,
    /// The longest that the design declares; absent = no end is promised.
    pub bound_ns: Option<u64>,
    /// No accepted replay beyond that.
    pub within: bool,
    /// Why nothing can be concluded; absent where something can.
    pub void: Option<String>,
}

/// What rotation of refresh tokens cost an honest owner: one habit × one grace window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriceRecord {
    /// Row name.
    pub backend: String,
    /// Grace window in force, nanoseconds.
    pub grace_ns: u64,
    /// `two-tabs`: two requests with the same token at the same time. `lost-response`: the answer to a refresh is lost, and
    /// the client tries again with the token it still has. `plain`: one after the other.
    pub habit: String,
    /// Between the lost answer and the second attempt, nanoseconds; 0 for the other habits.
    pub retry_after_ns: u64,
    /// Refreshes that were made.
    pub refreshes: u64,
    /// Attempts that were refused.
    pub refused: u64,
    /// Refreshes after which no party held a token that works: the owner had to log in again.
    pub forced_logouts: u64,
}

impl PriceRecord {
    /// Forced logouts per 1,000 refreshes.
    #[must_use]
    pub fn per_thousand(&self) -> f64 {
        if self.refreshes == 0 { 0.0 } else { self.forced_logouts as f64 * 1000.0 / self.refreshes as f64 }
    }
}

/// A stolen refresh token presented some generations behind the owner's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TheftRecord {
    /// Row name.
    pub backend: String,
    /// Grace window in force, nanoseconds.
    pub grace_ns: u64,
    /// How often the owner had exchanged it since.
    pub generations: u32,
    /// Thefts.
    pub thefts: u64,
    /// The thief was handed a working token.
    pub granted: u64,
    /// The family was ended by it: the owner's next refresh was refused.
    pub alarms: u64,
}

/// Logouts that raced slow writers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResurrectionRecord {
    /// Row name.
    pub backend: String,
    /// Logouts that were acknowledged.
    pub logouts: u64,
    /// Logouts that were not.
    pub refused: u64,
    /// Writes under way when each was sent.
    pub writers: u32,
    /// Writes that were granted, before or after.
    pub writes: u64,
    /// Modelled distance of the store, nanoseconds.
    pub store_rtt_ns: u64,
    /// Credentials that were let in, on any replica, once the logout and every write had been answered.
    pub revived: u64,
}

/// Writes a drill's folder.
#[derive(Debug)]
pub(super) struct DrillWriter {
    directory: PathBuf,
    results: File,
    sequence: u64,
    previous: String,
}

impl DrillWriter {
    /// Makes the folder's files. One that holds a recording already is refused.
    pub(super) fn create(
        directory: &Path,
        plan: &DrillPlan,
        environment: &Environment,
    ) -> Result<Self, Error> {
        fs::create_dir_all(directory).map_err(failed(directory, "cannot be made"))?;
        let text = plan.canonical();
        write_new(&directory.join(PLAN), text.as_bytes())?;
        let mut described = serde_json::to_vec_pretty(environment).unwrap_or_default();
        described.push(b'\n');
        write_new(&directory.join(ENVIRONMENT), &described)?;
        let path = directory.join(RESULTS);
        let results = appendable(&path)?;
        let previous = sha256_hex(text.as_bytes());
        Ok(Self { directory: directory.to_owned(), results, sequence: 0, previous })
    }

    /// Appends a result and syncs it.
    pub(super) fn write(&mut self, result: DrillResult) -> Result<DrillLine, Error> {
        let line =
            DrillLine { schema: SCHEMA, sequence: self.sequence, previous: self.previous.clone(), result };
        let path = self.directory.join(RESULTS);
        let mut bytes = serde_json::to_vec(&line)
            .map_err(|error| Error::Recording { path: path.clone(), message: error.to_string() })?;
        self.previous = sha256_hex(&bytes);
        bytes.push(b'\n');
        self.results
            .write_all(&bytes)
            .and_then(|()| self.results.sync_data())
            .map_err(failed(&path, "cannot be written"))?;
        self.sequence += 1;
        Ok(line)
    }

    /// Writes the manifest, last.
    pub(super) fn finish(self, ended: Ended) -> Result<(), Error> {
        let mut files = BTreeMap::new();
        for name in [PLAN, ENVIRONMENT, RESULTS] {
            let path = self.directory.join(name);
            let bytes = fs::read(&path).map_err(failed(&path, "cannot be read back"))?;
            files.insert(name.to_owned(), sha256_hex(&bytes));
        }
        let manifest = Manifest {
            schema: SCHEMA,
            ended,
            ended_unix_ns: crate::clock::unix_ns(),
            blocks: self.sequence,
            files,
            seal: String::new(),
        };
        write_new(&self.directory.join(MANIFEST), &manifest.to_bytes())
    }
}

/// A drill's folder, read and verified.
#[derive(Debug, Clone)]
pub struct DrillRecording {
    /// Its plan.
    pub plan: DrillPlan,
    /// Its results, in the order they were found.
    pub results: Vec<DrillResult>,
    /// How it ended; absent: it was cut off, and its lines are usable.
    pub ended: Option<Ended>,
}

impl DrillRecording {
    /// Reads the folder.
    ///
    /// # Errors
    ///
    /// When a file is missing, was changed, or was written by a newer version of this tool.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let manifest = manifest(directory)?;
        let plan_bytes = read(directory, PLAN, manifest.as_ref())?;
        let plan_path = directory.join(PLAN);
        let text = String::from_utf8(plan_bytes.clone())
            .map_err(|_| refused(&plan_path, "is not UTF-8 text".to_owned()))?;
        let plan = DrillPlan::parse(&plan_path, &text)?;
        let bytes = read(directory, RESULTS, manifest.as_ref())?;
        let path = directory.join(RESULTS);
        let mut previous = sha256_hex(&plan_bytes);
        let mut results = Vec::new();
        let mut lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
        let torn = lines.pop().unwrap_or_default();
        if manifest.is_some() && !torn.is_empty() {
            return Err(refused(&path, "has a torn last line".to_owned()));
        }
        for (at, bytes) in lines.into_iter().enumerate() {
            let broken = |message: String| refused(&path, format!("line {}: {message}", at + 1));
            let line: DrillLine = serde_json::from_slice(bytes).map_err(|error| broken(error.to_string()))?;
            if !(1..=SCHEMA).contains(&line.schema) {
                return Err(broken(format!("has schema {}, this version reads up to {SCHEMA}", line.schema)));
            }
            if line.previous != previous || line.sequence != at as u64 {
                return Err(broken("does not follow from the line before: it was changed".to_owned()));
            }
            previous = sha256_hex(bytes);
            results.push(line.result);
        }
        Ok(Self { plan, results, ended: manifest.map(|manifest| manifest.ended) })
    }
}

fn manifest(directory: &Path) -> Result<Option<Manifest>, Error> {
    let path = directory.join(MANIFEST);
    match fs::read(&path) {
        Ok(bytes) => Manifest::from_bytes(&bytes).map(Some).map_err(|message| refused(&path, message)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&path, "cannot be read")(error)),
    }
}

fn read(directory: &Path, name: &str, manifest: Option<&Manifest>) -> Result<Vec<u8>, Error> {
    let path = directory.join(name);
    let bytes = fs::read(&path).map_err(failed(&path, "cannot be read"))?;
    let Some(manifest) = manifest else { return Ok(bytes) };
    match manifest.files.get(name) {
        Some(hash) if *hash == sha256_hex(&bytes) => Ok(bytes),
        Some(_) => Err(refused(&path, "was changed after it was recorded".to_owned())),
        None => Err(refused(&path, "is not in the manifest".to_owned())),
    }
}

fn refused(path: &Path, message: String) -> Error {
    Error::Recording { path: path.to_owned(), message }
}

fn failed(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path, what, source }
}

fn appendable(path: &Path) -> Result<File, Error> {
    OpenOptions::new().create_new(true).append(true).open(path).map_err(failed(path, "cannot be made"))
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = appendable(path)?;
    file.write_all(bytes).and_then(|()| file.sync_data()).map_err(failed(path, "cannot be written"))
}
