//! Where bytes go: the seam between dispatch and the network. Real sockets, or a scripted fake in virtual time.

use std::io;

pub(crate) mod sockets;
pub(crate) mod target;
pub(crate) mod tls;

pub(crate) use sockets::Sockets;

/// Connections by index, readiness by event. Nothing here blocks except [`Transport::wait`].
pub(crate) trait Transport {
    /// Begins to open a connection. Its end is reported by readiness; then ask [`Transport::establish`].
    fn connect(&mut self, connection: u32) -> io::Result<()>;
    /// Continues to open: `Ok(true)` when requests may be sent.
    fn establish(&mut self, connection: u32) -> Result<bool, Refusal>;
    /// Drops a connection, whatever its state.
    fn close(&mut self, connection: u32);
    /// Hands bytes over; fewer than given, or `WouldBlock`, when the other side does not take them.
    fn send(&mut self, connection: u32, bytes: &[u8]) -> io::Result<usize>;
    /// Continues what `send` accepted but could not put on the wire (TLS records). `Ok(true)` when nothing is left.
    fn flush(&mut self, connection: u32) -> io::Result<bool>;
    /// Takes what has arrived: 0 means the other side closed.
    fn receive(&mut self, connection: u32, buffer: &mut [u8]) -> io::Result<usize>;
    /// Whether a `receive` of `got` out of `asked` bytes may have left some behind.
    fn may_hold_more(&self, connection: u32, got: usize, asked: usize) -> bool;
    /// Waits for readiness, at most `timeout_ns`; returns how many [`Transport::ready`] entries there are.
    fn wait(&mut self, timeout_ns: u64) -> io::Result<usize>;
    /// One entry of the last wait; `None` when it belongs to a connection that was closed since.
    fn ready(&self, index: usize) -> Option<Ready>;
}

/// One connection that can make progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ready {
    /// Index of the connection.
    pub(crate) connection: u32,
    /// The other side closed or reset: read until the end is seen.
    pub(crate) hangup: bool,
}

/// Why a connection could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No TCP connection.
    Unreachable,
    /// A TCP connection, but no TLS.
    Tls,
}
