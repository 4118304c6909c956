//! Writes a recording: every block is on disk before the next begins.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::digest::sha256_hex;
use super::facts::{Entered, Entry, RunRecord};
use super::files;
use super::histograms::{Place, ToWrite, encode};
use super::manifest::{Ended, Manifest};
use crate::block::{BlockRecord, SCHEMA};
use crate::environment::Environment;
use crate::error::Error;

/// A recording being written.
#[derive(Debug)]
pub struct Writer {
    directory: PathBuf,
    blocks: File,
    events: File,
    logs: BTreeMap<String, File>,
    previous: String,
    sequence: u64,
}

impl Writer {
    /// Starts a recording in `directory`, which is made if it is missing. Refused where a recording is.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made, or holds a recording.
    pub fn create(directory: &Path, plan_text: &str) -> Result<Self, Error> {
        fs::create_dir_all(directory).map_err(io(directory, "cannot be made"))?;
        for name in [files::MANIFEST, files::BLOCKS, files::PLAN] {
            let path = directory.join(name);
            if path.exists() {
                return Err(Error::Recording {
                    path,
                    message: "is already there: a recording is never written over; name another folder"
                        .into(),
                });
            }
        }
        write_new(&directory.join(files::PLAN), plan_text.as_bytes())?;
        Ok(Self {
            directory: directory.to_owned(),
            blocks: appendable(&directory.join(files::BLOCKS))?,
            events: appendable(&directory.join(files::EVENTS))?,
            logs: BTreeMap::new(),
            previous: sha256_hex(plan_text.as_bytes()),
            sequence: 0,
        })
    }

    /// Writes, or writes again, what was measured and how it was set up.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn run(&self, run: &RunRecord) -> Result<(), Error> {
        self.replace(files::RUN, &json(run))
    }

    /// Writes the machine.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn environment(&self, environment: &Environment) -> Result<(), Error> {
        self.replace(files::ENVIRONMENT, &json(environment))
    }

    /// Appends a finished block and its histograms; fills in its schema, sequence and chain.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn block(
        &mut self,
        mut block: BlockRecord,
        histograms: &[ToWrite<'_>],
    ) -> Result<BlockRecord, Error> {
        block.schema = SCHEMA;
        block.sequence = self.sequence;
        block.previous.clone_from(&self.previous);
        // Histograms first: a block that is there is there with its histograms.
        self.append_histograms(&block, histograms)?;
        let mut line = json_line(&block);
        self.previous = sha256_hex(&line);
        line.push(b'\n');
        append(&mut self.blocks, &self.directory.join(files::BLOCKS), &line)?;
        self.sequence += 1;
        Ok(block)
    }

    fn append_histograms(&mut self, block: &BlockRecord, histograms: &[ToWrite<'_>]) -> Result<(), Error> {
        let path = self.directory.join(format!("{}.{}", block.scenario, files::HISTOGRAMS));
        let place = Place {
            scenario: &block.scenario,
            row: &block.backend,
            started_unix_ns: block.started_unix_ns,
            measured_ns: block.measured_ns,
        };
        let new = !self.logs.contains_key(&block.scenario);
        let text = encode(place, new, histograms)
            .map_err(|message| Error::Recording { path: path.clone(), message })?;
        if new {
            self.logs.insert(block.scenario.clone(), appendable(&path)?);
        }
        match self.logs.get_mut(&block.scenario) {
            Some(file) => append(file, &path, &text),
            None => Ok(()),
        }
    }

    /// Appends a line to the events.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn event(&mut self, entered: Entered) -> Result<(), Error> {
        let mut line = json_line(&Entry { at_unix_ns: crate::clock::unix_ns(), entered });
        line.push(b'\n');
        append(&mut self.events, &self.directory.join(files::EVENTS), &line)
    }

    /// Blocks written so far.
    #[must_use]
    pub fn blocks_written(&self) -> u64 {
        self.sequence
    }

    /// Writes the manifest. Nothing may be written after it.
    ///
    /// # Errors
    ///
    /// When a file cannot be read back, or the manifest not written.
    pub fn finish(self, ended: Ended) -> Result<(), Error> {
        let mut hashes = BTreeMap::new();
        let mut names: Vec<String> =
            [files::PLAN, files::RUN, files::ENVIRONMENT, files::BLOCKS, files::EVENTS]
                .map(str::to_owned)
                .into();
        names.extend(self.logs.keys().map(|scenario| format!("{scenario}.{}", files::HISTOGRAMS)));
        for name in names {
            let path = self.directory.join(&name);
            match fs::read(&path) {
                Ok(bytes) => hashes.insert(name, sha256_hex(&bytes)),
                // A run that ends before its set-up has no `run.json`.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(io(&path, "cannot be read back")(error)),
            };
        }
        let manifest = Manifest {
            schema: SCHEMA,
            ended,
            ended_unix_ns: crate::clock::unix_ns(),
            blocks: self.sequence,
            files: hashes,
            seal: String::new(),
        };
        self.replace(files::MANIFEST, &manifest.to_bytes())
    }

    /// Removes what was written: a run that fails before its first block leaves nothing half-written.
    ///
    /// # Errors
    ///
    /// When a file cannot be removed.
    pub fn discard(self) -> Result<(), Error> {
        let logs = self.logs.keys().map(|scenario| format!("{scenario}.{}", files::HISTOGRAMS));
        let own =
            [files::PLAN, files::RUN, files::ENVIRONMENT, files::BLOCKS, files::EVENTS].map(str::to_owned);
        own.into_iter().chain(logs).try_for_each(|name| {
            let path = self.directory.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(io(&path, "cannot be removed")(error))
                }
                _ => Ok(()),
            }
        })
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        replace_file(&self.directory, name, bytes)
    }
}

/// Written beside, synced, then renamed: the file is never half there.
pub(crate) fn replace_file(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let path = directory.join(name);
    let beside = directory.join(format!(".{name}.new"));
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes).and_then(|()| file.sync_all())?;
        fs::rename(&beside, &path)
    };
    write().map_err(|error| {
        // What was written so far is of no use, and may be what fills the disk.
        let _ = fs::remove_file(&beside);
        io(&path, "cannot be written")(error)
    })?;
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(io(directory, "cannot be synced"))
}

/// For `map_err`: an I/O error with its path.
pub(super) fn io(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path, what, source }
}

fn appendable(path: &Path) -> Result<File, Error> {
    OpenOptions::new().create_new(true).append(true).open(path).map_err(io(path, "cannot be made"))
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = appendable(path)?;
    append(&mut file, path, bytes)
}

/// Writes at the end, or leaves the file as it was: a full disk takes part of a line, and a line is whole or not there.
fn append(file: &mut File, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let before = file.metadata().map_err(io(path, "cannot be read"))?.len();
    file.write_all(bytes).and_then(|()| file.sync_data()).map_err(|error| {
        // Making a file shorter needs no room; were it refused, the reader leaves out a last line that was cut off.
        let _ = file.set_len(before);
        io(path, "cannot be written")(error)
    })
}

#[expect(clippy::expect_used, reason = "our records hold no map with keys that JSON cannot have")]
fn json_line(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a record serialises")
}

#[expect(clippy::expect_used, reason = "our records hold no map with keys that JSON cannot have")]
fn json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("a record serialises");
    bytes.push(b'\n');
    bytes
}
