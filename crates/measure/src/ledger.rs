//! A folder of results other than blocks: plan, machine, one result a line, each line with the hash of the one before,
//! and a manifest written last. Drills and faults are recorded so.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::block::SCHEMA;
use crate::environment::Environment;
use crate::error::Error;
use crate::recording::{Ended, Manifest, replace_file, sha256_hex};

const ENVIRONMENT: &str = "environment.json";
const MANIFEST: &str = "manifest.json";

/// Names of the files of one kind of folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    /// The plan in force.
    pub(crate) plan: &'static str,
    /// The results, one JSON object a line.
    pub(crate) results: &'static str,
}

/// One line of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line<T> {
    /// Schema of the writer: that of [`crate::block`].
    pub schema: u32,
    /// Position, from 0.
    pub sequence: u64,
    /// SHA-256 (hex) of the line before; of the plan's bytes for the first.
    pub previous: String,
    /// What came out.
    #[serde(flatten)]
    pub result: T,
}

/// Writes a folder.
#[derive(Debug)]
pub(crate) struct LedgerWriter<T> {
    names: Names,
    directory: PathBuf,
    results: File,
    sequence: u64,
    previous: String,
    of: PhantomData<fn(T)>,
}

impl<T: Serialize + Clone> LedgerWriter<T> {
    /// Makes the folder's files. One that holds a recording already is refused.
    pub(crate) fn create(
        names: Names,
        directory: &Path,
        plan: &str,
        environment: &Environment,
    ) -> Result<Self, Error> {
        fs::create_dir_all(directory).map_err(failed(directory, "cannot be made"))?;
        write_new(&directory.join(names.plan), plan.as_bytes())?;
        let mut described = serde_json::to_vec_pretty(environment).unwrap_or_default();
        described.push(b'\n');
        write_new(&directory.join(ENVIRONMENT), &described)?;
        let results = appendable(&directory.join(names.results))?;
        let previous = sha256_hex(plan.as_bytes());
        Ok(Self { names, directory: directory.to_owned(), results, sequence: 0, previous, of: PhantomData })
    }

    /// Appends a result and syncs it.
    pub(crate) fn write(&mut self, result: &T) -> Result<(), Error> {
        let line = Line {
            schema: SCHEMA,
            sequence: self.sequence,
            previous: self.previous.clone(),
            result: result.clone(),
        };
        let path = self.directory.join(self.names.results);
        let mut bytes = serde_json::to_vec(&line)
            .map_err(|error| Error::Recording { path: path.clone(), message: error.to_string() })?;
        self.previous = sha256_hex(&bytes);
        bytes.push(b'\n');
        self.results
            .write_all(&bytes)
            .and_then(|()| self.results.sync_data())
            .map_err(failed(&path, "cannot be written"))?;
        self.sequence += 1;
        Ok(())
    }

    /// Writes the manifest, last.
    pub(crate) fn finish(self, ended: Ended) -> Result<(), Error> {
        let mut files = BTreeMap::new();
        for name in [self.names.plan, ENVIRONMENT, self.names.results] {
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
        replace_file(&self.directory, MANIFEST, &manifest.to_bytes())
    }
}

/// A folder, read and verified.
#[derive(Debug)]
pub(crate) struct Ledger<T> {
    /// Where its plan lies, and its text.
    pub(crate) plan: (PathBuf, String),
    /// The results, in the order they were found.
    pub(crate) results: Vec<T>,
    /// The machine.
    pub(crate) environment: Option<Environment>,
    /// How it ended; absent: it was cut off, and its lines are usable.
    pub(crate) ended: Option<Ended>,
    /// SHA-256 (hex) of the last line, which holds all before it.
    pub(crate) sha256: String,
}

impl<T: DeserializeOwned> Ledger<T> {
    /// Reads the folder. Refused when a file is missing, was changed, or was written by a newer version of this tool.
    pub(crate) fn open(names: Names, directory: &Path) -> Result<Self, Error> {
        let manifest = manifest(directory)?;
        let plan_bytes = read(directory, names.plan, manifest.as_ref())?;
        let plan_path = directory.join(names.plan);
        let text = String::from_utf8(plan_bytes.clone())
            .map_err(|_| refused(&plan_path, "is not UTF-8 text".to_owned()))?;
        let described = read(directory, ENVIRONMENT, manifest.as_ref())?;
        let bytes = read(directory, names.results, manifest.as_ref())?;
        let path = directory.join(names.results);
        let mut previous = sha256_hex(&plan_bytes);
        let mut results = Vec::new();
        let mut lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
        let torn = lines.pop().unwrap_or_default();
        if manifest.is_some() && !torn.is_empty() {
            return Err(refused(&path, "has a torn last line".to_owned()));
        }
        for (at, bytes) in lines.into_iter().enumerate() {
            let broken = |message: String| refused(&path, format!("line {}: {message}", at + 1));
            let line: Line<T> = serde_json::from_slice(bytes).map_err(|error| broken(error.to_string()))?;
            if !(1..=SCHEMA).contains(&line.schema) {
                return Err(broken(format!("has schema {}, this version reads up to {SCHEMA}", line.schema)));
            }
            if line.previous != previous || line.sequence != at as u64 {
                return Err(broken("does not follow from the line before: it was changed".to_owned()));
            }
            previous = sha256_hex(bytes);
            results.push(line.result);
        }
        Ok(Self {
            plan: (plan_path, text),
            results,
            environment: serde_json::from_slice(&described).ok(),
            ended: manifest.map(|manifest| manifest.ended),
            sha256: previous,
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names = Names { plan: "p.toml", results: "r.jsonl" };

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Found {
        number: u32,
    }

    fn written(folder: &Path, finish: bool) {
        let environment = crate::environment::environment().unwrap();
        let mut writer = LedgerWriter::create(NAMES, folder, "a = 1\n", &environment).unwrap();
        for number in 0..3 {
            writer.write(&Found { number }).unwrap();
        }
        if finish {
            writer.finish(Ended::Completed).unwrap();
        }
    }

    #[test]
    fn what_was_written_is_read_and_what_was_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path(), true);
        let read = Ledger::<Found>::open(NAMES, folder.path()).unwrap();
        assert_eq!(read.results.iter().map(|found| found.number).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!((read.plan.1.as_str(), read.ended), ("a = 1\n", Some(Ended::Completed)));
        let path = folder.path().join(NAMES.results);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"number\":1", "\"number\":7")).unwrap();
        let error = Ledger::<Found>::open(NAMES, folder.path()).unwrap_err().to_string();
        assert!(error.contains("was changed"), "{error}");
    }

    #[test]
    fn one_that_was_cut_off_is_read_up_to_its_torn_line_and_still_shows_changes() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path(), false);
        let path = folder.path().join(NAMES.results);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 5]).unwrap();
        let read = Ledger::<Found>::open(NAMES, folder.path()).unwrap();
        assert_eq!((read.results.len(), read.ended), (2, None));
        fs::write(&path, text.replace("\"number\":0", "\"number\":7")).unwrap();
        let error = Ledger::<Found>::open(NAMES, folder.path()).unwrap_err().to_string();
        assert!(error.contains("line 2: does not follow"), "{error}");
    }
}
