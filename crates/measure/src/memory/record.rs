//! The folder of a memory law: `memory.json`, and `manifest.json` with its digest once everything was measured.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind::NotFound;
use std::path::Path;

use super::{MemoryRun, SCHEMA};
use crate::error::Error;
use crate::recording::{Ended, Manifest, refused, replace_file, sha256_hex};

/// Name of the file in its folder.
pub const FILE: &str = "memory.json";
const MANIFEST: &str = "manifest.json";

impl MemoryRun {
    /// Reads the memory law in `folder`; none where there is no `memory.json`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, was changed after it was recorded, or was written by a newer version of this tool.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let Some(bytes) = read(&path)? else { return Ok(None) };
        let changed = |message: &str| Error::Changed { path: path.clone(), message: message.to_owned() };
        if let Some(sealed) = read(&folder.join(MANIFEST))? {
            let manifest = Manifest::from_bytes(&sealed)
                .map_err(|message| Error::Changed { path: folder.join(MANIFEST), message })?;
            if manifest.files.get(FILE) != Some(&sha256_hex(&bytes)) {
                return Err(changed("was changed after it was recorded"));
            }
        }
        let run: Self = serde_json::from_slice(&bytes).map_err(|error| refused(&path, error.to_string()))?;
        if !(1..=SCHEMA).contains(&run.schema) {
            let message = format!("has schema {}; this version reads 1 to {SCHEMA}", run.schema);
            return Err(refused(&path, message));
        }
        Ok(Some(run))
    }

    /// Refuses a folder that holds a recording.
    pub(super) fn prepare(folder: &Path) -> Result<(), Error> {
        fs::create_dir_all(folder).map_err(|source| Error::Io {
            path: folder.to_owned(),
            what: "cannot be made",
            source,
        })?;
        for name in [FILE, MANIFEST] {
            let path = folder.join(name);
            if path.exists() {
                let message = "is already there: a recording is never written over; name another folder";
                return Err(refused(&path, message.to_owned()));
            }
        }
        Ok(())
    }

    /// Writes what there is so far: beside, synced, then renamed.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        replace_file(folder, FILE, &self.to_bytes()?)
    }

    /// Writes the manifest, last.
    pub(super) fn seal(&self, folder: &Path, ended: Ended) -> Result<(), Error> {
        let manifest = Manifest {
            schema: SCHEMA,
            ended,
            ended_unix_ns: crate::clock::unix_ns(),
            blocks: 0,
            files: BTreeMap::from([(FILE.to_owned(), sha256_hex(&self.to_bytes()?))]),
            seal: String::new(),
        };
        replace_file(folder, MANIFEST, &manifest.to_bytes())
    }

    fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes =
            serde_json::to_vec_pretty(self).map_err(|error| refused(Path::new(FILE), error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == NotFound => Ok(None),
        Err(source) => Err(Error::Io { path: path.to_owned(), what: "cannot be read", source }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fill, MemoryBudget, MemoryRow};
    use super::*;
    use crate::affinity::Placement;

    fn run() -> MemoryRun {
        MemoryRun {
            schema: SCHEMA,
            tool: crate::recording::Tool::default(),
            started_unix_ns: 1,
            logins: vec![1000],
            lifetime_ns: 1,
            settle_ns: 1,
            budget: MemoryBudget { fills: 2, together: 2, most_bytes: 1, most_ms: 1 },
            placement: Placement::of(&[0]),
            environment: crate::environment::Environment::default(),
            rows: vec![MemoryRow {
                name: "none".into(),
                backend_sha256: String::new(),
                changes: Vec::new(),
                describe: serde_json::Value::Null,
                store: None,
                live: Fill::default(),
                ended: Fill::default(),
            }],
            skipped: Vec::new(),
            complete: true,
        }
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(MemoryRun::read(folder.path()).unwrap(), None);
        let run = run();
        run.write(folder.path()).unwrap();
        assert_eq!(MemoryRun::read(folder.path()).unwrap().as_ref(), Some(&run), "cut off before its end");
        run.seal(folder.path(), Ended::Completed).unwrap();
        assert_eq!(MemoryRun::read(folder.path()).unwrap().as_ref(), Some(&run));
        assert!(MemoryRun::prepare(folder.path()).is_err(), "never written over");
        let path = folder.path().join(FILE);
        let text = fs::read_to_string(&path).unwrap().replace("1000", "2000");
        fs::write(&path, text).unwrap();
        assert!(matches!(MemoryRun::read(folder.path()), Err(Error::Changed { .. })));
    }

    #[test]
    fn a_newer_schema_and_nonsense_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        MemoryRun { schema: SCHEMA + 1, ..run() }.write(folder.path()).unwrap();
        assert!(MemoryRun::read(folder.path()).unwrap_err().to_string().contains("schema 2"));
        fs::write(folder.path().join(FILE), "{}").unwrap();
        assert!(MemoryRun::read(folder.path()).is_err());
    }
}
