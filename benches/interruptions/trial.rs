//! One run that is interrupted, and a look at what it left: processes, files, the recording.
//!
//! Nothing here measures: the plan is as small as a run can be. Used by the long proof and by a test of the command.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Duration;

use measure::Recording;

use super::tiny;

/// Between two looks at something that happens on its own.
const LOOK: Duration = Duration::from_millis(10);
/// Looks until something that must happen is taken for something that does not: 2 minutes.
const LOOKS: u32 = 12_000;

/// What asks a run to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// As Ctrl-C.
    Interrupt,
    /// As an init system.
    Terminate,
    /// Nobody can hear this one.
    Kill,
}

impl Interruption {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Interrupt, Self::Terminate, Self::Kill];

    /// For `kill`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "-INT",
            Self::Terminate => "-TERM",
            Self::Kill => "-KILL",
        }
    }

    fn number(self) -> i32 {
        match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
            Self::Kill => 9,
        }
    }
}

/// When.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// So long after the start.
    After(Duration),
    /// Once so many blocks are on disk.
    Blocks(usize),
}

/// What was found of a run that ended in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    /// Finished blocks that are readable.
    pub(crate) blocks: usize,
    /// It had ended before the signal came.
    pub(crate) too_late: bool,
}

/// A folder with a plan, and a folder for temporary files that all its runs share.
pub(crate) struct Ground {
    authbench: PathBuf,
    folder: tempfile::TempDir,
    runs: u32,
    /// Temporary folders that killed runs left behind.
    pub(crate) remains: BTreeSet<PathBuf>,
}

impl Ground {
    /// For this program and a plan of so many rounds. Every kind of backend that leaves something: processes, a private
    /// Redis, a database in a file, keys that replicas share.
    pub(crate) fn new(authbench: &Path, rounds: u32) -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let backends = ["session-memory", "none", "session-redis", "session-sqlite", "jwt-stateless"];
        fs::write(folder.path().join("tiny.toml"), tiny::SCENARIO)?;
        fs::write(folder.path().join("plan.toml"), tiny::plan("tiny.toml", &backends, rounds))?;
        fs::create_dir(folder.path().join("temporary"))?;
        Ok(Self { authbench: authbench.to_owned(), folder, runs: 0, remains: BTreeSet::new() })
    }

    /// Starts a run; the folder it writes.
    fn start(&mut self) -> std::io::Result<(Child, PathBuf)> {
        self.runs += 1;
        let out = self.folder.path().join(format!("out-{}", self.runs));
        let child = self.command(&["run", "plan.toml", "--out"]).arg(&out).spawn()?;
        Ok((child, out))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.authbench);
        command.args(arguments).current_dir(self.folder.path()).env("NO_COLOR", "1");
        command.env("TMPDIR", self.temporary()).env("AUTHBENCH_INTERRUPTED", self.mark());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn temporary(&self) -> PathBuf {
        self.folder.path().join("temporary")
    }

    /// Stands in the environment of every process of these runs, and of no other.
    fn mark(&self) -> String {
        self.folder.path().display().to_string()
    }

    /// A run that nobody interrupts must end well, and take away what killed ones left. Returns its blocks.
    pub(crate) fn uninterrupted(&mut self) -> Result<usize, String> {
        let (child, out) = self.start().map_err(|error| error.to_string())?;
        let (status, said) = ended(child)?;
        if !matches!(status.code(), Some(0 | 4)) {
            return Err(format!("a run that nobody interrupted ended with {status}: {said}"));
        }
        let left = entries(&self.temporary());
        if !left.is_empty() {
            return Err(format!("it left {left:?} in the folder for temporary files"));
        }
        self.remains.clear();
        let blocks = readable(&out)?;
        fs::remove_dir_all(&out).map_err(|error| error.to_string())?;
        Ok(blocks)
    }

    /// Starts a run and interrupts it.
    ///
    /// # Errors
    /// What it left that must not be left, or what is missing.
    pub(crate) fn interrupted(&mut self, how: Interruption, when: Moment) -> Result<Left, String> {
        let (mut child, out) = self.start().map_err(|error| error.to_string())?;
        match when {
            Moment::After(time) => sleep(time),
            Moment::Blocks(wanted) => until("some blocks are finished", || finished(&out) >= wanted)?,
        }
        let too_late = child.try_wait().map_err(|error| error.to_string())?.is_some();
        let mut children = Vec::new();
        if !too_late {
            // Held still, so that no child starts between the look and the signal.
            signal("-STOP", child.id());
            children = children_of(child.id());
            signal(how.name(), child.id());
            signal("-CONT", child.id());
        }
        let before = finished(&out);
        let (status, said) = ended(child)?;
        until("every process of the run has ended", || {
            children.iter().all(|pid| gone(*pid)) && self.marked().is_empty()
        })?;
        if said.contains("panicked") {
            return Err(format!("it panicked: {said}"));
        }
        let killed = status.signal() == Some(how.number());
        let blocks = finished(&out);
        if !killed {
            in_order(status, &out, blocks).map_err(|what| format!("{what}: {said}"))?;
        }
        if blocks < before {
            return Err(format!("{before} blocks were finished, and {blocks} are there"));
        }
        self.look_at_recording(&out, blocks)?;
        self.look_at_temporary(killed)?;
        if out.exists() {
            fs::remove_dir_all(&out).map_err(|error| error.to_string())?;
        }
        Ok(Left { blocks, too_late })
    }

    /// Every finished block must be readable, and a report must come of them.
    fn look_at_recording(&self, out: &Path, blocks: usize) -> Result<(), String> {
        if !out.join("blocks.jsonl").exists() {
            return Ok(());
        }
        // Before its set-up is written down a run has measured nothing.
        if blocks > 0 && readable(out)? != blocks {
            return Err(format!("of {blocks} finished blocks {} are readable", readable(out)?));
        }
        let child = self.command(&["report", "--format", "json"]).arg(out).spawn();
        let (status, said) = ended(child.map_err(|error| error.to_string())?)?;
        let wanted: &[i32] = if blocks > 0 { &[0, 3, 4] } else { &[2, 4] };
        if status.code().is_some_and(|code| wanted.contains(&code)) && !said.contains("panicked") {
            return Ok(());
        }
        Err(format!("a report of the {blocks} blocks that it left ends with {status}: {said}"))
    }

    /// A run that ends in order leaves nothing; what a killed one leaves is gone after the next.
    fn look_at_temporary(&mut self, killed: bool) -> Result<(), String> {
        let there = entries(&self.temporary());
        let stale: Vec<&PathBuf> = there.iter().filter(|path| self.remains.contains(*path)).collect();
        // A run that is killed before it makes its own folder takes nothing away.
        if !killed && !stale.is_empty() {
            return Err(format!("the next run did not take away {stale:?}"));
        }
        if !killed && !there.is_empty() {
            return Err(format!("it left {there:?} in the folder for temporary files"));
        }
        let named = |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            !name.starts_with("authbench-run-")
        };
        if let Some(odd) = there.iter().find(named) {
            return Err(format!("a killed run left {}, which no later run knows", odd.display()));
        }
        self.remains = there;
        Ok(())
    }

    /// Living processes that these runs have started.
    fn marked(&self) -> Vec<i32> {
        let mark = format!("AUTHBENCH_INTERRUPTED={}", self.mark());
        let marked = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
        };
        processes().into_iter().filter(|pid| !gone(*pid)).filter(marked).collect()
    }
}

/// What holds of a run that heard the signal: an exit code, and a recording with an end or none at all.
fn in_order(status: ExitStatus, out: &Path, blocks: usize) -> Result<(), String> {
    let known = matches!(status.code(), Some(0 | 4));
    if !known {
        return Err(format!("it ended with {status}"));
    }
    let unfinished: Vec<PathBuf> = entries(out)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "new"))
        .collect();
    if !unfinished.is_empty() {
        return Err(format!("it left {unfinished:?}"));
    }
    match (blocks, out.join("manifest.json").exists()) {
        (0, _) | (_, true) => Ok(()),
        (blocks, false) => Err(format!("{blocks} blocks and no manifest")),
    }
}

fn readable(out: &Path) -> Result<usize, String> {
    let recording = Recording::open(out).map_err(|error| format!("its recording is unreadable: {error}"))?;
    recording.histograms().map_err(|error| format!("its histograms are unreadable: {error}"))?;
    Ok(recording.blocks.len())
}

/// Blocks that are there with the end of their line.
fn finished(out: &Path) -> usize {
    let text = fs::read(out.join("blocks.jsonl")).unwrap_or_default();
    text.iter().filter(|byte| **byte == b'\n').count()
}

fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    let Ok(listed) = fs::read_dir(folder) else { return BTreeSet::new() };
    listed.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Waits for the end of a process; how it ended, and what it said on its standard error.
fn ended(mut child: Child) -> Result<(ExitStatus, String), String> {
    let stderr = child.stderr.take();
    // Read beside: a full pipe would hold it up.
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = stderr.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut status = None;
    let waited = until("the run has ended", || {
        status = child.try_wait().ok().flatten();
        status.is_some()
    });
    if waited.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    waited?;
    let said = reader.join().unwrap_or_default();
    status.map(|status| (status, said)).ok_or_else(|| "no status".to_owned())
}

fn until(what: &str, mut happened: impl FnMut() -> bool) -> Result<(), String> {
    for _ in 0..LOOKS {
        if happened() {
            return Ok(());
        }
        sleep(LOOK);
    }
    Err(format!("2 minutes have passed, and not yet: {what}"))
}

fn signal(name: &str, pid: u32) {
    // A process that has ended meanwhile needs none.
    let _ = Command::new("kill").args([name, &pid.to_string()]).stderr(Stdio::null()).status();
}

fn processes() -> Vec<i32> {
    let Ok(listed) = fs::read_dir("/proc") else { return Vec::new() };
    listed.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// The fields of `/proc/PID/stat` behind the name: state, parent, …
fn stat(pid: i32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit(')').next()?.split_whitespace().map(str::to_owned).collect())
}

fn children_of(parent: u32) -> Vec<i32> {
    let parent = parent.to_string();
    processes().into_iter().filter(|pid| stat(*pid).is_some_and(|stat| stat[1] == parent)).collect()
}

/// Whether a process has ended; one that nobody has waited for has.
fn gone(pid: i32) -> bool {
    stat(pid).is_none_or(|stat| matches!(stat[0].as_str(), "Z" | "X"))
}
