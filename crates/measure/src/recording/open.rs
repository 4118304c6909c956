//! Reads a recording, and refuses one that was changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::digest::sha256_hex;
use super::facts::{Entered, Entry, RunRecord};
use super::files;
use super::histograms::{RecordedHistogram, decode, read_tag};
use super::manifest::{Ended, Manifest};
use super::writer::io;
use crate::block::{BlockRecord, SCHEMA};
use crate::environment::Environment;
use crate::error::Error;
use crate::event::Warning;
use crate::plan::Plan;

/// A recording, read and verified.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Its folder.
    pub directory: PathBuf,
    /// The plan that was registered before the data.
    pub plan: Plan,
    /// SHA-256 of `plan.toml`, hex.
    pub plan_sha256: String,
    /// Rows, scenarios, placement.
    pub run: RunRecord,
    /// The machine.
    pub environment: Environment,
    /// Finished blocks, in the order they were measured.
    pub blocks: Vec<BlockRecord>,
    /// Remarks, restarts, growth, faults.
    pub events: Vec<Entry>,
    /// How the run ended; absent without a manifest: it was cut off, and its finished blocks are usable.
    pub ended: Option<Ended>,
    /// SHA-256 of `manifest.json`, hex: names the data as a whole. Absent without a manifest.
    pub sha256: Option<String>,
}

impl Recording {
    /// Reads the recording in `directory`.
    ///
    /// # Errors
    ///
    /// When a file is missing, was changed by so much as a byte, or was written by a newer version of this tool.
    /// Without a manifest the run was interrupted: a torn last line is dropped, the chain of hashes still holds.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let folder = Folder::open(directory)?;
        let plan_bytes = folder.read(files::PLAN)?;
        let plan_sha256 = sha256_hex(&plan_bytes);
        let plan_path = directory.join(files::PLAN);
        let plan_text =
            String::from_utf8(plan_bytes).map_err(|_| refused(&plan_path, "is not UTF-8 text".into()))?;
        let plan = Plan::parse(&plan_path, &plan_text)?;
        let run: RunRecord = folder.json(files::RUN)?;
        known_schema(&directory.join(files::RUN), run.schema)?;
        if run.plan_sha256 != plan_sha256 {
            return Err(changed(&plan_path, "is not the plan that was registered before the data".into()));
        }
        let recording = Self {
            directory: directory.to_owned(),
            plan,
            run,
            environment: folder.json(files::ENVIRONMENT)?,
            blocks: folder.blocks(&plan_sha256)?,
            events: folder.events()?,
            ended: folder.manifest.as_ref().map(|manifest| manifest.ended.clone()),
            sha256: folder.manifest.as_ref().map(|manifest| sha256_hex(&manifest.to_bytes())),
            plan_sha256,
        };
        recording.check_histograms(&folder)?;
        Ok(recording)
    }

    /// Was the plan carried out to its end?
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ended == Some(Ended::Completed)
    }

    /// The remarks made during the run.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.events.iter().filter_map(|entry| match &entry.entered {
            Entered::Warning(warning) => Some(warning),
            _ => None,
        })
    }

    /// Every histogram of the recording, with the block it belongs to, in the order they were written.
    ///
    /// # Errors
    ///
    /// When a log cannot be read, or was changed since [`Self::open`].
    pub fn histograms(&self) -> Result<Vec<RecordedHistogram>, Error> {
        let folder = Folder::open(&self.directory)?;
        let mut found = Vec::new();
        for scenario in self.scenarios() {
            let name = format!("{scenario}.{}", files::HISTOGRAMS);
            let path = self.directory.join(&name);
            let mut at: BTreeMap<(&str, u64), u64> = BTreeMap::new();
            for block in self.blocks.iter().filter(|block| block.scenario == scenario) {
                at.insert((&block.backend, block.started_unix_ns / 1_000_000), block.sequence);
            }
            for line in decode(&folder.read(&name)?).map_err(|message| refused(&path, message))? {
                let (operation, kind) = read_tag(&line.tag)
                    .ok_or_else(|| refused(&path, format!("holds an unknown tag `{}`", line.tag)))?;
                let row = line.tag.strip_prefix(&scenario).and_then(|rest| rest.strip_prefix('.'));
                let row = row.and_then(|rest| rest.rsplit_once('.')?.0.rsplit_once('.')).map(|(row, _)| row);
                // Histograms of a block that was never finished belong to nothing.
                let Some(&sequence) = row.and_then(|row| at.get(&(row, line.started_ms))) else { continue };
                found.push(RecordedHistogram { sequence, operation, kind, histogram: line.histogram });
            }
        }
        Ok(found)
    }

    /// The `.hlog` files of this recording, for reports that name them.
    #[must_use]
    pub fn histogram_files(&self) -> Vec<PathBuf> {
        self.scenarios()
            .map(|scenario| self.directory.join(format!("{scenario}.{}", files::HISTOGRAMS)))
            .collect()
    }

    fn scenarios(&self) -> impl Iterator<Item = String> {
        let names: BTreeSet<&str> = self.blocks.iter().map(|block| block.scenario.as_str()).collect();
        names.into_iter().map(str::to_owned).collect::<Vec<_>>().into_iter()
    }

    /// The logs are read on demand, but a changed one is refused at once.
    fn check_histograms(&self, folder: &Folder) -> Result<(), Error> {
        self.scenarios()
            .try_for_each(|scenario| folder.read(&format!("{scenario}.{}", files::HISTOGRAMS)).map(|_| ()))
    }
}

/// A folder whose files are checked against the manifest, if there is one.
struct Folder {
    directory: PathBuf,
    manifest: Option<Manifest>,
}

impl Folder {
    fn open(directory: &Path) -> Result<Self, Error> {
        let path = directory.join(files::MANIFEST);
        let manifest = match fs::read(&path) {
            Ok(bytes) => {
                let manifest = Manifest::from_bytes(&bytes).map_err(|message| refused(&path, message))?;
                known_schema(&path, manifest.schema)?;
                Some(manifest)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
                return Err(refused(directory, "is a file, not the folder of a recording".into()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if !directory.join(files::BLOCKS).exists() {
                    return Err(refused(directory, "holds no recording".into()));
                }
                None
            }
            Err(error) => return Err(io(&path, "cannot be read")(error)),
        };
        let folder = Self { directory: directory.to_owned(), manifest };
        if let Some(manifest) = &folder.manifest {
            manifest.files.keys().try_for_each(|name| folder.read(name).map(|_| ()))?;
        }
        Ok(folder)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.directory.join(name);
        let bytes = fs::read(&path).map_err(|error| {
            if self.manifest.is_none() && error.kind() == std::io::ErrorKind::NotFound {
                return refused(
                    &path,
                    "is not there: the run was cut off before it measured anything".into(),
                );
            }
            io(&path, "cannot be read")(error)
        })?;
        let Some(manifest) = &self.manifest else { return Ok(bytes) };
        match manifest.files.get(name) {
            Some(hash) if *hash == sha256_hex(&bytes) => Ok(bytes),
            Some(_) => Err(changed(&path, "was changed after it was recorded".into())),
            None => Err(changed(&path, "is not in the manifest".into())),
        }
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        serde_json::from_slice(&self.read(name)?)
            .map_err(|error| refused(&self.directory.join(name), error.to_string()))
    }

    /// Whole lines; what follows the last line end was cut off while being written.
    fn lines(&self, name: &str) -> Result<Vec<Vec<u8>>, Error> {
        let bytes = self.read(name)?;
        let mut lines: Vec<Vec<u8>> = bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        let torn = lines.pop().unwrap_or_default();
        if self.manifest.is_some() && !torn.is_empty() {
            return Err(refused(&self.directory.join(name), "has a torn last line".into()));
        }
        Ok(lines)
    }

    fn blocks(&self, plan_sha256: &str) -> Result<Vec<BlockRecord>, Error> {
        let path = self.directory.join(files::BLOCKS);
        let mut previous = plan_sha256.to_owned();
        let mut blocks = Vec::new();
        for (at, line) in self.lines(files::BLOCKS)?.iter().enumerate() {
            let broken = |message: String| refused(&path, format!("line {}: {message}", at + 1));
            let block: BlockRecord =
                serde_json::from_slice(line).map_err(|error| broken(error.to_string()))?;
            known_schema(&path, block.schema)?;
            plausible(line).map_err(broken)?;
            if block.previous != previous || block.sequence != at as u64 {
                let message = format!(
                    "line {}: does not follow from the line before: the recording was changed",
                    at + 1
                );
                return Err(changed(&path, message));
            }
            previous = sha256_hex(line);
            blocks.push(block);
        }
        match &self.manifest {
            Some(manifest) if manifest.blocks != blocks.len() as u64 => {
                Err(changed(&path, format!("holds {} blocks of {}", blocks.len(), manifest.blocks)))
            }
            _ => Ok(blocks),
        }
    }

    fn events(&self) -> Result<Vec<Entry>, Error> {
        let path = self.directory.join(files::EVENTS);
        self.lines(files::EVENTS)?
            .iter()
            .map(|line| serde_json::from_slice(line).map_err(|error| refused(&path, error.to_string())))
            .collect()
    }
}

/// No integer of a block is larger than 2^48: three days in nanoseconds, 281 terabytes. Unix times reach to 2^62 ns, the
/// year 2116. So sums over blocks and rows stay far from the end of 64 bits, and nothing that reads a recording has to
/// think of it.
fn plausible(line: &[u8]) -> Result<(), String> {
    let value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let mut rest: Vec<(&str, &Value)> = vec![("", &value)];
    while let Some((key, value)) = rest.pop() {
        match value {
            Value::Number(number) => {
                let most = if key.ends_with("unix_ns") { 1 << 62 } else { 1_u64 << 48 };
                if number.as_u64().is_some_and(|number| number > most) {
                    return Err(format!("`{key}` is {number}, and nothing that is measured is above {most}"));
                }
            }
            Value::Array(items) => rest.extend(items.iter().map(|item| (key, item))),
            Value::Object(members) => {
                rest.extend(members.iter().map(|(key, value)| (key.as_str(), value)));
            }
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    Ok(())
}

/// A file of a recording that cannot be used.
pub(crate) fn refused(path: &Path, message: String) -> Error {
    Error::Recording { path: path.to_owned(), message }
}

fn changed(path: &Path, message: String) -> Error {
    Error::Changed { path: path.to_owned(), message }
}

fn known_schema(path: &Path, schema: u32) -> Result<(), Error> {
    if (1..=SCHEMA).contains(&schema) {
        return Ok(());
    }
    Err(refused(
        path,
        format!(
            "has schema {schema}, but this version reads 1 to {SCHEMA}: use the version that wrote it, or a newer one"
        ),
    ))
}
