//! The head of a response: status, framing, whether the connection lives on; and a memo of the last heads seen.

use std::mem::MaybeUninit;

use super::Fault;

/// Header lines of one response at most.
const HEADERS: usize = 100;

/// Bounds on one response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Head bytes.
    pub(crate) head: usize,
    /// Bytes in all.
    pub(crate) response: u64,
}

/// What a head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Status code.
    pub(crate) status: u16,
    /// Bytes up to and including the empty line.
    pub(crate) length: usize,
    /// How the body ends.
    pub(crate) framing: Framing,
    /// Whether another request may follow on this connection.
    pub(crate) keep_alive: bool,
    /// Whether it sets a cookie.
    pub(crate) sets_cookie: bool,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After this many bytes.
    Length(u64),
    /// By the last chunk.
    Chunked,
    /// When the server closes.
    UntilClose,
}

impl Head {
    /// Reads a head from the start of `bytes`; `None` when it is not complete yet.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let mut headers = [const { MaybeUninit::uninit() }; HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            bytes,
            &mut headers,
        );
        let length = match parsed {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(Fault::TooLarge),
            Err(_) => return Err(Fault::Malformed),
        };
        let (Some(status), Some(version)) = (response.code, response.version) else {
            return Err(Fault::Malformed);
        };
        let fields = Fields::read(response.headers, version)?;
        let (framing, keep_alive, sets_cookie) =
            (fields.framing(status), fields.keep_alive, fields.sets_cookie);
        Ok(Some(Self { status, length, framing, keep_alive, sets_cookie }))
    }
}

/// The header fields that framing depends on.
struct Fields {
    length: Option<u64>,
    chunked: bool,
    /// A transfer coding other than a final `chunked`: the body ends with the connection.
    other_coding: bool,
    keep_alive: bool,
    sets_cookie: bool,
}

impl Fields {
    fn read(headers: &[httparse::Header<'_>], version: u8) -> Result<Self, Fault> {
        let mut fields = Self {
            length: None,
            chunked: false,
            other_coding: false,
            keep_alive: version >= 1,
            sets_cookie: false,
        };
        for header in headers {
            // Length first: three comparisons per header line, not three scans.
            match header.name.len() {
                14 if header.name.eq_ignore_ascii_case("content-length") => {
                    fields.add_length(header.value)?;
                }
                17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                    fields.add_coding(header.value);
                }
                10 if header.name.eq_ignore_ascii_case("set-cookie") => fields.sets_cookie = true,
                10 if header.name.eq_ignore_ascii_case("connection") => fields.add_connection(header.value),
                _ => {}
            }
        }
        // Both at once is how responses are smuggled (RFC 9112 §6.3, item 3).
        if fields.length.is_some() && (fields.chunked || fields.other_coding) {
            return Err(Fault::Malformed);
        }
        Ok(fields)
    }

    fn add_length(&mut self, value: &[u8]) -> Result<(), Fault> {
        let text = value.trim_ascii();
        if text.is_empty() || text.len() > 19 || !text.iter().all(u8::is_ascii_digit) {
            return Err(Fault::Malformed);
        }
        let length = text.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        match self.length.replace(length) {
            Some(earlier) if earlier != length => Err(Fault::Malformed),
            _ => Ok(()),
        }
    }

    fn add_coding(&mut self, value: &[u8]) {
        for coding in value.split(|&byte| byte == b',') {
            let last_is_chunked = coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
            self.other_coding |= !last_is_chunked;
            self.chunked = last_is_chunked;
        }
    }

    fn add_connection(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',') {
            let option = option.trim_ascii();
            if option.eq_ignore_ascii_case(b"close") {
                self.keep_alive = false;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            }
        }
    }

    fn framing(&self, status: u16) -> Framing {
        match (status, self.chunked, self.length) {
            (100..=199 | 204 | 304, ..) => Framing::Length(0),
            (_, true, _) => Framing::Chunked,
            (_, false, Some(length)) => Framing::Length(length),
            (_, false, None) => Framing::UntilClose,
        }
    }
}

/// The last heads seen, byte for byte. A server repeats its head from answer to answer (but for a date that changes
/// once a second): comparing is ten times cheaper than parsing, and equal bytes parse equally.
#[derive(Debug, Default)]
pub(crate) struct HeadMemo {
    seen: [Option<(Vec<u8>, Head)>; 2],
    next: usize,
}

impl HeadMemo {
    /// [`Head::parse`], remembered.
    #[inline]
    pub(crate) fn parse(&mut self, bytes: &[u8]) -> Result<Option<Head>, Fault> {
        for (head, parsed) in self.seen.iter().flatten() {
            if bytes.starts_with(head) {
                return Ok(Some(*parsed));
            }
        }
        self.parse_new(bytes)
    }

    /// The head of bytes that are exactly one whole answer with a stated length; none for everything else, which the
    /// decoder reads.
    #[inline]
    pub(crate) fn whole(&mut self, bytes: &[u8], limits: Limits) -> Option<Head> {
        let Ok(Some(head)) = self.parse(bytes) else { return None };
        let Framing::Length(length) = head.framing else { return None };
        let total = head.length as u64 + length;
        let whole = head.status >= 200 && total == bytes.len() as u64 && total <= limits.response;
        whole.then_some(head)
    }

    #[cold]
    fn parse_new(&mut self, bytes: &[u8]) -> Result<Option<Head>, Fault> {
        let head = Head::parse(bytes)?;
        if let Some(head) = head {
            let (kept, parsed) = self.seen[self.next].get_or_insert_with(|| (Vec::new(), head));
            kept.clear();
            kept.extend_from_slice(&bytes[..head.length]);
            *parsed = head;
            self.next = (self.next + 1) % self.seen.len();
        }
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(text: &str) -> Result<Framing, Fault> {
        Head::parse(text.as_bytes()).map(|head| head.unwrap().framing)
    }

    #[test]
    fn framing_follows_the_fields() {
        assert_eq!(framing("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n"), Ok(Framing::Length(12)));
        assert_eq!(framing("HTTP/1.1 204 No Content\r\n\r\n"), Ok(Framing::Length(0)));
        assert_eq!(
            framing("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
            Ok(Framing::Chunked)
        );
        assert_eq!(framing("HTTP/1.1 200 OK\r\n\r\n"), Ok(Framing::UntilClose));
    }

    #[test]
    fn contradictions_are_malformed() {
        for text in [
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            "SSH-2.0-OpenSSH\r\n\r\n",
        ] {
            assert_eq!(framing(text), Err(Fault::Malformed), "{text}");
        }
    }

    #[test]
    fn connection_close_and_http_1_0_end_the_connection() {
        let keep = |text: &str| Head::parse(text.as_bytes()).unwrap().unwrap().keep_alive;
        assert!(keep("HTTP/1.1 204 No Content\r\n\r\n"));
        assert!(!keep("HTTP/1.1 204 No Content\r\nConnection: Close\r\n\r\n"));
        assert!(!keep("HTTP/1.0 204 No Content\r\n\r\n"));
        assert!(keep("HTTP/1.0 204 No Content\r\nConnection: keep-alive\r\n\r\n"));
    }

    #[test]
    fn the_memo_answers_as_the_parser_does() {
        let mut memo = HeadMemo::default();
        let texts = [
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            "HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n",
        ];
        for text in texts.iter().cycle().take(6) {
            assert_eq!(memo.parse(text.as_bytes()), Head::parse(text.as_bytes()));
        }
    }
}
