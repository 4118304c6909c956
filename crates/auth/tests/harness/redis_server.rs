//! A private `redis-server` on a socket in a temporary folder: no port to collide, no persistence.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Ended when dropped.
pub(crate) struct RedisServer {
    process: Option<Child>,
    folder: tempfile::TempDir,
}

impl RedisServer {
    pub(crate) fn start() -> Self {
        let mut server = Self { process: None, folder: tempfile::tempdir().unwrap() };
        server.restart();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// Kills the process, so that connections break.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts again, empty.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let _ = std::fs::remove_file(self.socket());
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(self.socket())
            .arg("--dir")
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let child = match child {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("these tests need redis-server: apt-get install redis-server (or brew install redis)")
            }
            Err(error) => panic!("redis-server: {error}"),
        };
        self.process = Some(child);
        self.wait_until_it_answers();
    }

    /// Answers of a command sent over a connection of its own.
    pub(crate) fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        command.query(&mut client.get_connection().unwrap()).unwrap()
    }

    /// Every key with its value as bytes (members of an index joined) and its time to live in milliseconds.
    pub(crate) fn dump(&self) -> Vec<(String, Vec<u8>, i64)> {
        let keys: Vec<String> = self.ask(redis::cmd("KEYS").arg("*"));
        let value = |key: &str| {
            let kind: String = self.ask(redis::cmd("TYPE").arg(key));
            if kind == "stream" {
                type Entry = (String, Vec<Vec<u8>>);
                let entries: Vec<Entry> = self.ask(redis::cmd("XRANGE").arg(key).arg("-").arg("+"));
                return entries.into_iter().flat_map(|(_, fields)| fields.concat()).collect();
            }
            if kind == "zset" {
                return self.ask::<Vec<Vec<u8>>>(redis::cmd("ZRANGE").arg(key).arg(0).arg(-1)).concat();
            }
            self.ask(redis::cmd("GET").arg(key))
        };
        keys.into_iter()
            .map(|key| (value(&key), self.ask(redis::cmd("PTTL").arg(&key)), key))
            .map(|(value, ttl, key)| (key, value, ttl))
            .collect()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    fn wait_until_it_answers(&self) {
        let client = redis::Client::open(self.url()).unwrap();
        for _ in 0..2000 {
            let answers =
                client.get_connection().and_then(|mut link| redis::cmd("PING").query::<String>(&mut link));
            if answers.is_ok() {
                return;
            }
            // A process that has been started gives no other sign of being ready.
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("redis-server was started but does not answer");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
