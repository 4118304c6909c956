//! The few words of the Redis protocol (RESP2) that it takes to look into a store.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);
/// Longest reply that is read, bytes.
const MAX_REPLY: usize = 64 << 20;

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A text, a number, an error or bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// Nothing there.
    Nil,
}

impl Reply {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::List(_) | Self::Nil => &[],
        }
    }
}

/// A connection to a store.
#[derive(Debug)]
pub(crate) struct Store {
    stream: BufReader<TcpStream>,
}

impl Store {
    pub(crate) fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a command and reads its reply.
    pub(crate) fn ask(&mut self, words: &[&[u8]]) -> std::io::Result<Reply> {
        let mut command = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            command.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            command.extend_from_slice(word);
            command.extend_from_slice(b"\r\n");
        }
        self.stream.get_mut().write_all(&command)?;
        read_reply(&mut self.stream, 0)
    }
}

fn read_reply(from: &mut impl BufRead, depth: usize) -> std::io::Result<Reply> {
    let odd = |what: &str| std::io::Error::other(format!("not a reply of Redis: {what}"));
    let mut line = Vec::new();
    from.by_ref().take(MAX_REPLY as u64).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\r\n").ok_or_else(|| odd("a line without an end"))?;
    let (kind, rest) = line.split_first().ok_or_else(|| odd("an empty line"))?;
    let length = || std::str::from_utf8(rest).ok()?.parse::<i64>().ok();
    match kind {
        b'+' | b'-' | b':' => Ok(Reply::Bytes(rest.to_vec())),
        b'$' => match length().map(usize::try_from) {
            Some(Ok(length)) if length <= MAX_REPLY => {
                let mut bytes = vec![0; length + 2];
                from.read_exact(&mut bytes)?;
                bytes.truncate(length);
                Ok(Reply::Bytes(bytes))
            }
            Some(Err(_)) => Ok(Reply::Nil),
            _ => Err(odd("a length")),
        },
        b'*' if depth < 4 => match length().map(usize::try_from) {
            Some(Ok(length)) => {
                (0..length).map(|_| read_reply(from, depth + 1)).collect::<Result<_, _>>().map(Reply::List)
            }
            Some(Err(_)) => Ok(Reply::Nil),
            None => Err(odd("a length")),
        },
        _ => Err(odd("its first byte")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> std::io::Result<Reply> {
        read_reply(&mut text.as_bytes(), 0)
    }

    #[test]
    fn replies_are_read_and_others_refused() {
        let bytes = |text: &str| Reply::Bytes(text.as_bytes().to_vec());
        assert_eq!(read("+OK\r\n").unwrap(), bytes("OK"));
        assert_eq!(read("$3\r\na\r\n\r\n").unwrap(), bytes("a\r\n"));
        assert_eq!(read("*2\r\n:1\r\n$-1\r\n").unwrap(), Reply::List(vec![bytes("1"), Reply::Nil]));
        for bad in
            ["", "x\r\n", "$5\r\nabc", "$x\r\n", "*1\r\n", "+OK", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"]
        {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
