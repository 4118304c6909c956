//! A relay between one server and its store that does what signals cannot: delay answers, cut the way off, break off
//! connections again and again.
//!
//! Cut off, nothing passes and nobody is told: what was sent meanwhile arrives once the way is open again, as TCP has it.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Sleep, sleep, timeout};

use crate::error::Error;

/// Pieces on their way in one direction; whoever sends more waits.
const UNDER_WAY: usize = 1024;
/// Longest wait for the store to take a connection.
const CONNECT: Duration = Duration::from_secs(1);

/// What the relay does at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Everything passes; what the store answers so much later.
    Open(Duration),
    /// Nothing passes, and nothing is closed.
    Cut,
    /// Connections are broken off, and new ones are closed as soon as they are made.
    Broken,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToStore,
    ToServer,
}

/// A relay on a loopback port. Dropping it ends it, and every connection through it.
#[derive(Debug)]
pub(super) struct Relay {
    address: SocketAddr,
    way: watch::Sender<Way>,
    accepting: AbortHandle,
}

impl Relay {
    /// A relay to `store`, open. Call it on a runtime.
    pub(super) async fn start(store: SocketAddr) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::Probe {
            what: "the relay to the store",
            message: error.to_string(),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (way, ways) = watch::channel(Way::Open(Duration::ZERO));
        let accepting = tokio::task::spawn_local(accept(listener, store, ways)).abort_handle();
        Ok(Self { address, way, accepting })
    }

    /// Where the server connects to.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on.
    pub(super) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // The tasks of its connections are owned by the one that accepts, and end with it.
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, store: SocketAddr, way: watch::Receiver<Way>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Out of descriptors: the server sees a connection that is not taken.
                let Ok((server, _)) = accepted else { continue };
                connections.spawn_local(connect(server, store, way.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(server: TcpStream, store: SocketAddr, mut way: watch::Receiver<Way>) {
    if way.wait_for(|way| *way != Way::Cut).await.is_ok_and(|way| *way == Way::Broken) {
        return;
    }
    // A store that takes no connection is seen by the server as a connection that closes.
    let Ok(Ok(store)) = timeout(CONNECT, TcpStream::connect(store)).await else { return };
    let _ = (server.set_nodelay(true), store.set_nodelay(true));
    let (from_server, to_server) = server.into_split();
    let (from_store, to_store) = store.into_split();
    let broken = way.clone();
    tokio::select! {
        () = broken_off(broken) => {}
        _ = async { tokio::join!(
            pass(from_server, to_store, way.clone(), Direction::ToStore),
            pass(from_store, to_server, way.clone(), Direction::ToServer),
        ) } => {}
    }
}

/// Ready once connections are to be broken off.
async fn broken_off(mut way: watch::Receiver<Way>) {
    if way.wait_for(|way| *way == Way::Broken).await.is_err() {
        // The relay is gone; its connections end with it.
        std::future::pending::<()>().await;
    }
}

/// Hands bytes on until their end, each piece when it is due.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut way: watch::Receiver<Way>,
    direction: Direction,
) {
    let (sender, mut pieces) = mpsc::channel::<(Pin<Box<Sleep>>, Vec<u8>)>(UNDER_WAY);
    let now = way.clone();
    let read = async move {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(got @ 1..) = from.read(&mut buffer).await {
            let delay = match (*now.borrow(), direction) {
                (Way::Open(delay), Direction::ToServer) => delay,
                _ => Duration::ZERO,
            };
            if sender.send((Box::pin(sleep(delay)), buffer[..got].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, piece)) = pieces.recv().await {
            due.await;
            if way.wait_for(|way| matches!(way, Way::Open(_))).await.is_err()
                || to.write_all(&piece).await.is_err()
            {
                return;
            }
        }
        // The end of a stream passes as what came before it. A socket that is gone already needs nothing.
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;

    /// A fake store, and the server's side of a way to it.
    struct Fake {
        server: DuplexStream,
        way: watch::Sender<Way>,
        started: Instant,
    }

    /// The store answers each byte with the next one, at once.
    fn fake() -> Fake {
        let (server, server_side) = duplex(4096);
        let (store_side, mut store) = duplex(4096);
        let (way, ways) = watch::channel(Way::Open(Duration::ZERO));
        tokio::spawn(async move {
            while let Ok(byte) = store.read_u8().await {
                store.write_u8(byte + 1).await.unwrap();
            }
        });
        let (from_server, to_server) = tokio::io::split(server_side);
        let (from_store, to_store) = tokio::io::split(store_side);
        tokio::spawn(pass(from_server, to_store, ways.clone(), Direction::ToStore));
        tokio::spawn(pass(from_store, to_server, ways, Direction::ToServer));
        Fake { server, way, started: Instant::now() }
    }

    impl Fake {
        async fn ask(&mut self, byte: u8) -> (u8, u128) {
            self.server.write_u8(byte).await.unwrap();
            let answer = self.server.read_u8().await.unwrap();
            (answer, self.started.elapsed().as_millis())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_late_by_the_delay_and_each_on_its_own() {
        let mut fake = fake();
        assert_eq!(fake.ask(1).await, (2, 0));
        fake.way.send_replace(Way::Open(Duration::from_millis(50)));
        assert_eq!(fake.ask(5).await, (6, 50));
        // Two that are asked together are answered together: a distance, not a narrow pipe.
        fake.server.write_all(&[10]).await.unwrap();
        assert_eq!(fake.ask(20).await, (11, 100));
        assert_eq!((fake.server.read_u8().await.unwrap(), fake.started.elapsed().as_millis()), (21, 100));
        fake.way.send_replace(Way::Open(Duration::ZERO));
        assert_eq!(fake.ask(30).await, (31, 100));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_passes_a_cut_and_what_was_sent_arrives_after_it() {
        let mut fake = fake();
        fake.way.send_replace(Way::Cut);
        fake.server.write_u8(1).await.unwrap();
        let waited = timeout(Duration::from_secs(3), fake.server.read_u8()).await;
        assert!(waited.is_err(), "{waited:?}");
        fake.way.send_replace(Way::Open(Duration::ZERO));
        assert_eq!((fake.server.read_u8().await.unwrap(), fake.started.elapsed().as_millis()), (2, 3000));
    }

    async fn store() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::task::spawn_local(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::task::spawn_local(async move {
                    while let Ok(byte) = stream.read_u8().await {
                        stream.write_u8(byte + 1).await.unwrap();
                    }
                });
            }
        });
        address
    }

    async fn exchanged(stream: &mut TcpStream, byte: u8) -> Option<u8> {
        stream.write_u8(byte).await.ok()?;
        stream.read_u8().await.ok()
    }

    #[test]
    fn broken_off_connections_close_and_new_ones_too_until_it_is_over() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(tokio::runtime::LocalOptions::default())
            .unwrap();
        runtime.block_on(async {
            let relay = Relay::start(store().await).await.unwrap();
            let mut first = TcpStream::connect(relay.address()).await.unwrap();
            assert_eq!(exchanged(&mut first, 1).await, Some(2));
            relay.set(Way::Broken);
            assert_eq!(first.read_u8().await.ok(), None, "it is closed without a request");
            let mut second = TcpStream::connect(relay.address()).await.unwrap();
            assert_eq!(exchanged(&mut second, 1).await, None);
            relay.set(Way::Open(Duration::ZERO));
            let mut third = TcpStream::connect(relay.address()).await.unwrap();
            assert_eq!(exchanged(&mut third, 7).await, Some(8));
            drop(relay);
            assert_eq!(third.read_u8().await.ok(), None, "the relay's end is that of its connections");
        });
    }
}
