//! A private PostgreSQL on a socket in a temporary folder. It refuses root, so there it runs as the user that its package
//! makes.

use std::io::Write;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use auth::{AnyStore, PostgresSettings, SqlStore};

/// Ended when dropped.
pub(crate) struct PostgresServer {
    process: Option<Child>,
    programs: PathBuf,
    owner: Option<(u32, u32)>,
    folder: tempfile::TempDir,
}

impl PostgresServer {
    /// `None`, said on standard error, where there is no PostgreSQL to start.
    pub(crate) fn start() -> Option<Self> {
        // Past the capture of a test's output: what was not tried must be seen.
        let skip =
            |why: &str| drop(writeln!(std::io::stderr(), "skipped: {why}; apt-get install postgresql"));
        let Some(programs) = programs() else {
            skip("there is no initdb, on PATH or in /usr/lib/postgresql");
            return None;
        };
        let root = rustix::process::getuid().is_root();
        let owner = if root { user("postgres") } else { None };
        if root && owner.is_none() {
            skip("PostgreSQL refuses to run as root, and there is no user `postgres`");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let mut server = Self { process: None, programs, owner, folder };
        let data = server.data();
        let made = server
            .command("initdb")
            .args([
                "--username=authbench",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "-D",
            ])
            .arg(data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        server.go_on();
        Some(server)
    }

    /// Ends it at once, with its connections.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // The immediate shutdown: its own processes end with it.
            let pid = rustix::process::Pid::from_child(&process);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
            let _ = process.wait();
        }
    }

    /// Starts it on what it holds.
    pub(crate) fn go_on(&mut self) {
        let (data, sockets) = (self.data(), self.folder.path().to_owned());
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(data)
            .arg("-k")
            .arg(sockets)
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .spawn()
            .unwrap();
        self.process = Some(child);
    }

    /// A store of its own in it.
    pub(crate) async fn store(&self, prefix: &str) -> AnyStore {
        let settings = PostgresSettings {
            url: format!("postgres://authbench@localhost/postgres?host={}", self.folder.path().display()),
            prefix: prefix.to_owned(),
            timeout: Duration::from_secs(5),
            distance: Duration::ZERO,
        };
        for _ in 0..2000 {
            if let Ok(store) = SqlStore::postgres(&settings).await {
                return AnyStore::Sql(Box::new(store));
            }
            // A process that has been started gives no other sign of being ready.
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("PostgreSQL was started but does not answer");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The folder of Debian's newest PostgreSQL, or the one on PATH.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.into_iter().rev().chain(std::env::split_paths(&path)).find(|folder| has_both(folder))
}

fn has_both(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("postgres").is_file()
}

/// User and group id of a name.
fn user(name: &str) -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
