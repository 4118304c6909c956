//! Plans carried out one after the other in one process, and what of it is still there afterwards.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;

use measure::{Plan, RunOptions};

use super::tiny;

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// Memory in use, KiB.
    pub(crate) memory_kib: u64,
    /// Open files and sockets.
    pub(crate) files: usize,
    /// Threads that have not ended.
    pub(crate) threads: usize,
    /// Living children, and dead ones that nobody has waited for.
    pub(crate) children: usize,
    /// Folders of runs in the temporary folder that no living run holds.
    pub(crate) folders: usize,
    /// Keys in the Redis that the runs share with others.
    pub(crate) keys: u64,
}

/// The fewest that a plan may have.
const ROUNDS: u32 = 6;

/// A plan, a Redis that stays, and folders for what is written.
pub(crate) struct Yard {
    plan: Plan,
    options: RunOptions,
    runs: u32,
    redis: Redis,
    folder: tempfile::TempDir,
}

impl Yard {
    /// For servers of this program.
    pub(crate) fn new(authbench: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let scenario = folder.path().join("tiny.toml");
        fs::write(&scenario, tiny::SCENARIO)?;
        let backends =
            ["session-redis", "jwt-denylist", "jwt-denylist-pushed", "session-sqlite", "jwt-stateless"];
        let text = tiny::plan(&scenario.display().to_string(), &backends, ROUNDS);
        let redis = Redis::start(folder.path())?;
        let options = RunOptions {
            executable: authbench.to_owned(),
            out_dir: PathBuf::new(),
            redis: Some(format!("redis://{}", redis.address)),
            existing: BTreeMap::new(),
            builds: BTreeMap::new(),
        };
        Ok(Self { plan: Plan::parse(Path::new("plan.toml"), &text)?, options, runs: 0, redis, folder })
    }

    /// Carries the plan out once more, and looks.
    pub(crate) fn once(&mut self) -> Result<Held, Box<dyn std::error::Error>> {
        self.runs += 1;
        self.options.out_dir = self.folder.path().join(format!("out-{}", self.runs));
        let summary = measure::run(&self.options, &self.plan, &mut |_| {}, &AtomicBool::new(false))?;
        // One that failed its self-checks is measured a second time.
        let planned = self.plan.backends.len() as u64 * u64::from(ROUNDS);
        if summary.blocks < planned || !summary.failed.is_empty() {
            return Err(format!("{} blocks of {planned}: {:?}", summary.blocks, summary.failed).into());
        }
        fs::remove_dir_all(&self.options.out_dir)?;
        Ok(Held {
            memory_kib: memory_kib()?,
            files: fs::read_dir("/proc/self/fd")?.count(),
            threads: threads()?,
            // The Redis is one, and stays.
            children: children().saturating_sub(1),
            folders: abandoned(),
            keys: self.redis.keys()?,
        })
    }
}

/// Memory that is used by this process alone, KiB.
fn memory_kib() -> std::io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| std::io::Error::other("/proc/self/status states no RssAnon"))
}

/// Threads that have not ended: the kernel still lists one for a moment after whoever waited for its end goes on.
fn threads() -> std::io::Result<usize> {
    /// `PF_EXITING`: set before anybody is told of the end.
    const EXITING: u64 = 4;
    let lives = |task: &fs::DirEntry| {
        let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        // Behind the name, which may contain anything: state, five ids, flags.
        let flags =
            stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(6)?.parse::<u64>().ok());
        flags.is_some_and(|flags| flags & EXITING == 0)
    };
    Ok(fs::read_dir("/proc/self/task")?.filter_map(Result::ok).filter(lives).count())
}

fn children() -> usize {
    let parent = std::process::id().to_string();
    let Ok(listed) = fs::read_dir("/proc") else { return 0 };
    let pids = listed.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)) == Some(parent.as_str())
    })
    .count()
}

fn abandoned() -> usize {
    let Ok(listed) = fs::read_dir(std::env::temp_dir()) else { return 0 };
    listed
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("authbench-run-"))
        .filter(|entry| File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok()))
        .count()
}

/// A Redis that outlives the runs, as one that belongs to somebody else.
struct Redis {
    child: Child,
    address: SocketAddr,
}

impl Redis {
    fn start(folder: &Path) -> std::io::Result<Self> {
        // A port may be taken between the probe and the start: then another one is tried.
        let mut started = Self::start_once(folder);
        for _ in 1..16 {
            if started.is_ok() {
                break;
            }
            started = Self::start_once(folder);
        }
        started
    }

    fn start_once(folder: &Path) -> std::io::Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let mut child = Command::new("redis-server")
            .args(["--port", &address.port().to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| std::io::Error::other("no output"))?;
        let redis = Self { child, address };
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        if lines.any(|line| line.contains("eady to accept connections")) {
            return Ok(redis);
        }
        Err(std::io::Error::other("redis-server did not start"))
    }

    fn keys(&self) -> std::io::Result<u64> {
        let mut connection = TcpStream::connect(self.address)?;
        connection.write_all(b"DBSIZE\r\nQUIT\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let number = answer.strip_prefix(':').and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        number.ok_or_else(|| std::io::Error::other(format!("DBSIZE was answered with {answer:?}")))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
