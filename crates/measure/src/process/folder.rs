//! A folder for what a run keeps beside its recording, and the removal of those that killed runs have left.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::Error;

/// How the names of such folders begin.
const PREFIX: &str = "authbench-run-";
/// Tries to make one that nobody takes away before it is locked.
const TRIES: usize = 16;

/// A folder in the temporary one that only this user can read; removed when dropped.
///
/// It is locked as long as its process lives. A process that is killed tidies nothing up, but the kernel takes its lock
/// away: the next one that makes such a folder removes those of this user that nobody holds.
#[derive(Debug)]
pub struct OwnFolder {
    folder: TempDir,
    // Held, not read. After the folder: it is gone before its lock.
    _lock: File,
}

impl OwnFolder {
    /// A new folder, after a look for those that were left.
    ///
    /// # Errors
    ///
    /// When the temporary folder cannot hold it.
    pub fn new() -> Result<Self, Error> {
        let parent = std::env::temp_dir();
        Self::below(&parent).map_err(|source| Error::Io {
            path: parent,
            what: "cannot hold a folder for keys and stores",
            source,
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn below(parent: &Path) -> std::io::Result<Self> {
        sweep(parent);
        for _ in 0..TRIES {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
            // Until it is locked it looks like one that was left, and somebody else may take it away.
            match File::open(folder.path()) {
                Ok(lock) if lock.try_lock().is_ok() && is_at(&lock, folder.path()) => {
                    return Ok(Self { folder, _lock: lock });
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Err(std::io::Error::other("others remove new folders there as fast as they are made"))
    }
}

/// Removes folders that nobody holds. What cannot be removed is left for the next one.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    let ours = |path: &PathBuf| {
        let named = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        // Not through a link: somebody else may have put it there.
        let own = |found: fs::Metadata| found.is_dir() && found.uid() == rustix::process::getuid().as_raw();
        named && fs::symlink_metadata(path).is_ok_and(own)
    };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(ours) {
        if let Ok(folder) = File::open(&path)
            && folder.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Whether this open folder is the one at this path.
fn is_at(folder: &File, path: &Path) -> bool {
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    match (folder.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => place(open) == place(there),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_a_living_one_holds_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let living = OwnFolder::below(parent.path()).unwrap();
        fs::write(living.path().join("key"), "secret").unwrap();
        // As after a kill: the folder is there, and nobody holds it.
        let left = parent.path().join(format!("{PREFIX}left"));
        fs::create_dir_all(left.join("authbench-sqlite-x")).unwrap();
        fs::write(left.join("authbench-sqlite-x/state.sqlite"), "state").unwrap();
        let other = parent.path().join("authbench-something-else");
        fs::create_dir(&other).unwrap();
        let next = OwnFolder::below(parent.path()).unwrap();
        assert!(!left.exists());
        assert!(other.exists() && living.path().join("key").exists() && next.path().exists());
        let (first, second) = (living.path().to_owned(), next.path().to_owned());
        drop((living, next));
        assert!(!first.exists() && !second.exists());
    }

    #[test]
    fn many_that_begin_at_the_same_moment_take_none_away_from_each_other() {
        let parent = tempfile::tempdir().unwrap();
        let gate = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    gate.wait();
                    for _ in 0..50 {
                        let own = OwnFolder::below(parent.path()).unwrap();
                        fs::write(own.path().join("key"), "secret").unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_of_that_name_is_not_followed() {
        let parent = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("kept"), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), parent.path().join(format!("{PREFIX}link"))).unwrap();
        drop(OwnFolder::below(parent.path()).unwrap());
        assert!(elsewhere.path().join("kept").exists());
    }
}
