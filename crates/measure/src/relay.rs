//! A relay between generator and server that keeps what passes, and looks for credentials in it.
//!
//! It answers what somebody on the wire could read. It costs time, so nothing is measured through it.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::Error;

/// Bytes kept of one connection and direction; what passes beyond is relayed and counted.
const KEPT_OF_ONE: usize = 1 << 18;
/// Bytes kept in all.
const KEPT: usize = 8 << 20;
/// Credentials are found by their last bytes: the beginnings of tokens are alike.
const TAIL: usize = 8;

/// What passed on one connection in one direction.
type Passed = Arc<Mutex<Vec<u8>>>;

/// What all connections share.
#[derive(Debug, Default)]
struct Kept {
    streams: Vec<Passed>,
    bytes: usize,
    passed: u64,
    connections: u64,
}

/// A relay to one server. Dropping it ends its threads once both sides have closed.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

/// What was captured.
#[derive(Debug)]
pub(crate) struct Capture {
    /// Bytes of each connection and direction.
    streams: Vec<Vec<u8>>,
    /// Bytes that passed, kept or not.
    pub(crate) passed: u64,
    /// Connections made.
    pub(crate) connections: u64,
}

impl Relay {
    /// A relay to `server` on a free loopback port.
    pub(crate) fn start(server: SocketAddr) -> Result<Self, Error> {
        let failed =
            |error: std::io::Error| Error::Probe { what: "the capturing relay", message: error.to_string() };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let kept = Arc::new(Mutex::new(Kept::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(&kept), Arc::clone(&stop));
        let accepting = std::thread::Builder::new()
            .name("relay".into())
            .spawn(move || accept(&listener, server, &shared, &stopped))
            .map_err(failed)?;
        Ok(Self { address, kept, stop, accepting: Some(accepting) })
    }

    /// Where the generator connects to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it and returns what passed. The generator must have closed its connections.
    pub(crate) fn finish(mut self) -> Capture {
        self.end();
        let mut kept = lock(&self.kept);
        let streams = std::mem::take(&mut kept.streams);
        let streams = streams.iter().map(|passed| std::mem::take(&mut *lock(passed))).collect();
        Capture { streams, passed: kept.passed, connections: kept.connections }
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let Some(accepting) = self.accepting.take() else { return };
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect(self.address));
        for copying in accepting.join().unwrap_or_default() {
            // A thread that panicked has ended too.
            let _ = copying.join();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.end();
    }
}

/// Relays connections until it is stopped; returns the threads that still copy.
fn accept(
    listener: &TcpListener,
    server: SocketAddr,
    kept: &Arc<Mutex<Kept>>,
    stop: &AtomicBool,
) -> Vec<JoinHandle<()>> {
    let mut copying = Vec::new();
    while let Ok((client, _)) = listener.accept() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        // A server that refuses is seen by the generator as a connection that closes.
        let Ok(server) = TcpStream::connect(server) else { continue };
        let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else { continue };
        lock(kept).connections += 1;
        for (from, to) in [(client, server_too), (server, client_too)] {
            let _ = (from.set_nodelay(true), to.set_nodelay(true));
            let passed = Passed::default();
            lock(kept).streams.push(Arc::clone(&passed));
            let kept = Arc::clone(kept);
            copying.push(std::thread::spawn(move || copy(from, to, &passed, &kept)));
        }
    }
    copying
}

fn copy(mut from: TcpStream, mut to: TcpStream, passed: &Passed, kept: &Mutex<Kept>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(got) = from.read(&mut buffer) {
        if got == 0 {
            break;
        }
        {
            let (mut kept, mut passed) = (lock(kept), lock(passed));
            let room = (KEPT_OF_ONE - passed.len()).min(KEPT - kept.bytes).min(got);
            passed.extend_from_slice(&buffer[..room]);
            kept.bytes += room;
            kept.passed += got as u64;
        }
        if to.write_all(&buffer[..got]).is_err() {
            break;
        }
    }
    // One direction may end before the other; a socket that is gone already needs nothing.
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Capture {
    /// Bytes kept.
    pub(crate) fn kept(&self) -> u64 {
        self.streams.iter().map(|stream| stream.len() as u64).sum()
    }

    /// How often one of these credentials stands in what was kept, and how many bytes that are. A credential is what
    /// follows the scheme or the cookie's name in its header line.
    pub(crate) fn find<'a>(&self, header_lines: impl Iterator<Item = &'a [u8]>) -> (u64, u64) {
        let mut by_tail: HashMap<&[u8], Vec<&[u8]>> = HashMap::new();
        for secret in header_lines.map(secret).filter(|secret| secret.len() >= TAIL) {
            by_tail.entry(&secret[secret.len() - TAIL..]).or_default().push(secret);
        }
        let (mut times, mut bytes) = (0, 0);
        for stream in &self.streams {
            for end in TAIL..=stream.len() {
                let Some(secrets) = by_tail.get(&stream[end - TAIL..end]) else { continue };
                if let Some(found) = secrets.iter().find(|secret| stream[..end].ends_with(secret)) {
                    times += 1;
                    bytes += found.len() as u64;
                }
            }
        }
        (times, bytes)
    }
}

/// What follows the last space or `=` in a header line.
fn secret(header_line: &[u8]) -> &[u8] {
    let start = header_line.iter().rposition(|byte| matches!(byte, b' ' | b'=')).map_or(0, |at| at + 1);
    &header_line[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(streams: &[&[u8]]) -> Capture {
        Capture { streams: streams.iter().map(|bytes| bytes.to_vec()).collect(), passed: 0, connections: 0 }
    }

    #[test]
    fn credentials_are_found_wherever_they_stand() {
        let lines: [&[u8]; 3] = [
            b"Authorization: Bearer head.payload.signature1",
            b"Authorization: Bearer head.payload.signature2",
            b"Cookie: __Host-session=0123456789abcdef",
        ];
        let plain = capture(&[
            b"GET /me HTTP/1.1\r\nAuthorization: Bearer head.payload.signature2\r\n\r\n",
            b"x0123456789abcdef",
            b"signature2 head.payload.signature3 0123456789abcde",
        ]);
        assert_eq!(plain.find(lines.into_iter()), (2, 23 + 16));
        assert_eq!(capture(&[b"", b"abc"]).find(lines.into_iter()), (0, 0));
        // Too short to be told from chance.
        assert_eq!(plain.find([&b"Cookie: a=0123"[..]].into_iter()), (0, 0));
    }

    #[test]
    fn what_passes_is_kept_and_handed_on() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let relay = Relay::start(server.local_addr().unwrap()).unwrap();
        let echo = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let mut asked = Vec::new();
            stream.read_to_end(&mut asked).unwrap();
            stream.write_all(b"you said: ").unwrap();
            stream.write_all(&asked).unwrap();
        });
        let mut client = TcpStream::connect(relay.address()).unwrap();
        client.write_all(b"Cookie: session=abcdefghij").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "you said: Cookie: session=abcdefghij");
        echo.join().unwrap();
        drop(client);
        let capture = relay.finish();
        assert_eq!((capture.connections, capture.passed, capture.kept()), (1, 62, 62));
        assert_eq!(capture.find([&b"Cookie: session=abcdefghij"[..]].into_iter()), (2, 20));
    }
}
