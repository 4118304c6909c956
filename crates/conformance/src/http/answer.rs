//! Reading answers: status line, header lines, and a body by length, in chunks or up to the end (RFC 9112 §6.3).

/// One whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Names (as sent) and values, in order.
    pub headers: Vec<(String, String)>,
    /// Body, chunks joined.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this name, compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Every header of this name.
    pub fn headers_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Whole answers in what has come so far on an open connection.
pub(super) fn count(bytes: &[u8], head_only: bool) -> usize {
    read_all(bytes, head_only, false).len()
}

/// All whole answers. `ended`: the connection has, so a body without a length is whole.
pub(super) fn read_all(mut bytes: &[u8], head_only: bool, ended: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some((answer, rest)) = read_one(bytes, head_only, ended) {
        // 1xx are not the answer (RFC 9110 §15.2).
        if answer.status >= 200 {
            answers.push(answer);
        }
        bytes = rest;
    }
    answers
}

fn read_one(bytes: &[u8], head_only: bool, ended: bool) -> Option<(Answer, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: Vec::new() };
    let rest = &bytes[end + 4..];
    if head_only || status < 200 || status == 204 || status == 304 {
        return Some((answer, rest));
    }
    if answer.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        let (body, rest) = read_chunks(rest)?;
        answer.body = body;
        return Some((answer, rest));
    }
    match answer.header("content-length").map(str::parse::<usize>) {
        Some(length) => {
            let (body, rest) = rest.split_at_checked(length.ok()?)?;
            answer.body = body.to_vec();
            Some((answer, rest))
        }
        None if ended => {
            answer.body = rest.to_vec();
            Some((answer, &[]))
        }
        None => None,
    }
}

fn read_chunks(mut bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        let (chunk, rest) = bytes[end + 2..].split_at_checked(size)?;
        body.extend_from_slice(chunk);
        bytes = rest.strip_prefix(b"\r\n")?;
        if size == 0 {
            return Some((body, bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_by_length_in_chunks_and_up_to_the_end() {
        let two = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 204 No Content\r\nX: 1\r\n\r\n";
        let answers = read_all(two, false, false);
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 204]);
        assert_eq!((answers[0].body.as_slice(), answers[1].header("x")), (b"ok".as_slice(), Some("1")));
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(read_all(chunked, false, false)[0].body, b"abc0123456789");
        let open = b"HTTP/1.1 200 OK\r\n\r\nall";
        assert!(read_all(open, false, false).is_empty());
        assert_eq!(read_all(open, false, true)[0].body, b"all");
    }

    #[test]
    fn a_part_of_an_answer_is_none() {
        let whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        for end in 0..whole.len() {
            assert!(read_all(&whole[..end], false, true).is_empty(), "{end}");
        }
        assert!(read_all(b"not http\r\n\r\n", false, true).is_empty());
        assert!(read_all(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, true).is_empty());
    }
}
