//! Plans carried out one after the other in one process, and what of it is still there afterwards.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;

use measure::{Plan, RunOptions};

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// Memory in use, KiB.
    pub(crate) memory_kib: u64,
    /// Open files and sockets.
    pub(crate) files: usize,
    pub(crate) threads: usize,
    /// Living children, and dead ones that nobody has waited for.
    pub(crate) children: usize,
    /// Folders of runs in the temporary folder that no living run holds.
    pub(crate) folders: usize,
    /// Keys in the Redis that the runs share with others.
    pub(crate) keys: u64,
}

/// The fewest that a plan may have.
const ROUNDS: u64 = 6;

const SCENARIO: &str = r#"
name = "tiny"
question = "Does anything stay?"
kind = "stationary"
seed = 1

[population]
subjects = 40

[load]
rate = 300
arrivals = "constant"
"#;

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
        fs::write(&scenario, SCENARIO)?;
        let text = format!(
            "name = \"tiny\"\nseed = 1\nbaseline = \"session-redis\"\nbackends = [\"session-redis\", \"jwt-denylist\", \
             \"jwt-denylist-pushed\", \"session-sqlite\", \"jwt-stateless\"]\nepisodes = []\n[[paired]]\nscenario = \
             {:?}\nrounds = {ROUNDS}\nwarm_ms = 20\nblock_ms = 60\n[statistics]\nalpha = 0.05\nmargin = 0.05\n",
            scenario.display().to_string()
        );
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
        let planned = self.plan.backends.len() as u64 * ROUNDS;
        if summary.blocks < planned || !summary.failed.is_empty() {
            return Err(format!("{} blocks of {planned}: {:?}", summary.blocks, summary.failed).into());
        }
        fs::remove_dir_all(&self.options.out_dir)?;
        Ok(Held {
            memory_kib: memory_kib()?,
            files: fs::read_dir("/proc/self/fd")?.count(),
            threads: fs::read_dir("/proc/self/task")?.count(),
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
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let mut child = Command::new("redis-server")
            .args(["--port", &address.port().to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| std::io::Error::other("no output"))?;
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        if lines.any(|line| line.contains("eady to accept connections")) {
            return Ok(Self { child, address });
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
