//! Real requests: HTTP/1.1 over kept connections, as many as are under way at one time.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use scenario::wire;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::service::{Ask, Reply, Service};

/// Longest answer, bytes.
const LONGEST: usize = 64 * 1024;

/// The replicas of one service, by HTTP.
#[derive(Debug)]
pub(crate) struct HttpService {
    measured: Vec<Pool>,
    control: Vec<Pool>,
    origin: Instant,
    patience: Duration,
}

/// Connections to one address that are free.
#[derive(Debug)]
struct Pool {
    address: SocketAddr,
    free: RefCell<Vec<TcpStream>>,
}

impl HttpService {
    /// Replicas at these addresses; nothing is connected yet. No answer is waited for longer than `patience`.
    pub(crate) fn new(
        measured: &[SocketAddr],
        control: &[SocketAddr],
        origin: std::time::Instant,
        patience: Duration,
    ) -> Self {
        let pools = |addresses: &[SocketAddr]| {
            addresses.iter().map(|&address| Pool { address, free: RefCell::default() }).collect()
        };
        Self {
            measured: pools(measured),
            control: pools(control),
            origin: Instant::from_std(origin),
            patience,
        }
    }
}

impl Service for HttpService {
    fn replicas(&self) -> usize {
        self.measured.len()
    }

    async fn ask(&self, replica: usize, ask: Ask<'_>) -> Reply {
        let pools = match ask {
            Ask::Disable(_) | Ask::RotateKey | Ask::ClockOffset(_) | Ask::Health => &self.control,
            _ => &self.measured,
        };
        let Some(pool) = pools.get(replica) else { return Reply::default() };
        let text = request(pool.address, ask);
        match timeout(self.patience, pool.exchange(text.as_bytes())).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) | Err(_) => Reply::default(),
        }
    }

    fn now_ns(&self) -> u64 {
        crate::clock::nanos(self.origin.elapsed())
    }

    async fn sleep_until(&self, at_ns: u64) {
        sleep_until(self.origin + Duration::from_nanos(at_ns)).await;
    }
}

impl Pool {
    async fn exchange(&self, request: &[u8]) -> io::Result<Reply> {
        let free = || self.free.borrow_mut().pop();
        // A kept connection may have been closed by the server meanwhile: that is no answer to this request.
        let open = |stream: &TcpStream| matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        let mut stream = match std::iter::from_fn(free).find(open) {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request).await?;
        let mut bytes = Vec::with_capacity(1024);
        loop {
            if let Some((reply, keep)) = read(&bytes)? {
                if keep {
                    self.free.borrow_mut().push(stream);
                }
                return Ok(reply);
            }
            if bytes.len() > LONGEST || stream.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn request(address: SocketAddr, ask: Ask<'_>) -> String {
    let json = |body: &serde_json::Value| (Some("application/json"), body.to_string());
    let none = || (None, String::new());
    let form = |token: &str, grant: &str| {
        (Some("application/x-www-form-urlencoded"), format!("{grant}refresh_token={}", encoded(token)))
    };
    let (method, path, header, (kind, body)) = match ask {
        Ask::Me(header) => ("GET", wire::ME, header, none()),
        Ask::Note(header) => ("POST", wire::NOTE, header, none()),
        Ask::Login(subject) => {
            let name = String::from_utf8_lossy(&wire::subject_name(subject)).into_owned();
            let body = serde_json::json!({ "username": name, "password": wire::PASSWORD_TEXT });
            ("POST", wire::LOGIN, "", json(&body))
        }
        Ask::Refresh(line) if line.starts_with("Cookie: ") => ("POST", wire::REFRESH, line, none()),
        Ask::Refresh(token) => ("POST", wire::REFRESH, "", form(token, "grant_type=refresh_token&")),
        Ask::Logout(header, None) => ("POST", wire::LOGOUT, header, none()),
        // The cookie that mints ends with the login it belongs to: sent along, as a browser does.
        Ask::Logout(_, Some(line)) if line.starts_with("Cookie: ") => ("POST", wire::LOGOUT, line, none()),
        Ask::Logout(header, Some(token)) => ("POST", wire::LOGOUT, header, form(token, "")),
        Ask::LogoutAll(header) => ("POST", wire::LOGOUT_ALL, header, none()),
        Ask::Password(header) => {
            let new = format!("{}-1", wire::PASSWORD_TEXT);
            let body = serde_json::json!({ "current": wire::PASSWORD_TEXT, "new": new });
            ("POST", wire::PASSWORD, header, json(&body))
        }
        Ask::Disable(subject) => {
            let name = String::from_utf8_lossy(&wire::subject_name(subject)).into_owned();
            ("POST", wire::CONTROL_DISABLE, "", json(&serde_json::json!({ "subject": name })))
        }
        Ask::RotateKey => ("POST", wire::CONTROL_ROTATE_KEY, "", none()),
        Ask::ClockOffset(offset_ms) => {
            ("POST", wire::CONTROL_CLOCK_OFFSET, "", json(&serde_json::json!({ "offset_ms": offset_ms })))
        }
        Ask::Health => ("GET", wire::CONTROL_HEALTH, "", none()),
    };
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    // Writing to a String cannot fail.
    if method == "POST" {
        let _ = write!(text, "Origin: http://{address}\r\nSec-Fetch-Site: same-origin\r\n");
        let _ = write!(text, "Content-Length: {}\r\n", body.len());
    }
    if let Some(kind) = kind {
        let _ = write!(text, "Content-Type: {kind}\r\n");
    }
    if !header.is_empty() {
        let _ = write!(text, "{header}\r\n");
    }
    text + "\r\n" + &body
}

/// Percent-encodes all but unreserved characters (RFC 3986 §2.3).
fn encoded(token: &str) -> String {
    let mut text = String::with_capacity(token.len());
    for byte in token.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The answer in these bytes once it is whole, and whether the connection goes on.
fn read(bytes: &[u8]) -> io::Result<Option<(Reply, bool)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let broken = || io::Error::from(io::ErrorKind::InvalidData);
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| broken())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    let (mut length, mut cookie, mut keep, mut retry_after) = (0, None, true, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse::<usize>().ok().filter(|length| *length <= LONGEST).ok_or_else(broken)?;
        } else if name.eq_ignore_ascii_case("set-cookie") {
            let pair = value.split(';').next().unwrap_or_default().trim();
            let (_, set) = pair.split_once('=').unwrap_or_default();
            cookie = (!set.is_empty()).then(|| pair.to_owned()).or(cookie);
        } else if name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close") {
            keep = false;
        } else if name.eq_ignore_ascii_case("retry-after") {
            retry_after = true;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(broken());
        }
    }
    let body = &bytes[end + 4..];
    if body.len() < length {
        return Ok(None);
    }
    let body = String::from_utf8(body[..length].to_vec()).map_err(|_| broken())?;
    Ok(Some((Reply { status, retry_after, cookie, body }, keep)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\nset-cookie: __Host-session=abc; Path=/\r\nContent-Length: 2\r\n\r\nhi";

    #[test]
    fn an_answer_is_read_once_it_is_whole() {
        for end in 0..ANSWER.len() {
            assert_eq!(read(&ANSWER[..end]).unwrap(), None, "{end}");
        }
        let (reply, keep) = read(ANSWER).unwrap().unwrap();
        assert_eq!((reply.status, reply.body.as_str(), keep), (200, "hi", true));
        assert_eq!(reply.cookie.as_deref(), Some("__Host-session=abc"));
        let closing = b"HTTP/1.1 204 No Content\r\nConnection: close\r\nset-cookie: a=; Max-Age=0\r\n\r\n";
        let (reply, keep) = read(closing).unwrap().unwrap();
        assert_eq!((reply.status, reply.retry_after, reply.cookie, keep), (204, false, None, false));
        let shed = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nContent-Length: 0\r\n\r\n";
        assert!(read(shed).unwrap().unwrap().0.retry_after);
        assert!(read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }

    proptest! {
        #[test]
        fn nothing_that_arrives_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }

    #[test]
    fn requests_carry_what_they_must() {
        let address: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let refresh = request(address, Ask::Refresh("a+b"));
        assert!(refresh.ends_with("\r\n\r\ngrant_type=refresh_token&refresh_token=a%2Bb"), "{refresh}");
        let me = request(address, Ask::Me("Cookie: a=b"));
        assert_eq!(me, "GET /me HTTP/1.1\r\nHost: 127.0.0.1:80\r\nCookie: a=b\r\n\r\n");
        let login = request(address, Ask::Login(7));
        assert!(
            login.contains("\"username\":\"u00000007\"") && login.contains("Origin: http://127.0.0.1:80\r\n")
        );
    }
}
