//! One line of an access log in Common or Combined Log Format, as Apache and nginx write them:
//! `client ident user [time] "request" status bytes`, and whatever follows.

use std::net::IpAddr;

use jiff::civil::Date;
use jiff::tz::Offset;

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Address or name of the client, as written.
    pub client: &'a [u8],
    /// When, in seconds of Unix time.
    pub unix_s: i64,
    /// Whether the method is one that writes: POST, PUT, PATCH or DELETE.
    pub write: bool,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Fault {
    #[error("longer than 64 KiB")]
    TooLong,
    #[error("no client address")]
    Client,
    #[error("no time in [brackets]")]
    NoTime,
    #[error("the time is not like 17/May/2015:10:05:03 +0000")]
    Time,
    #[error("no request in \"quotes\"")]
    NoRequest,
    #[error("no status after the request")]
    Status,
    #[error("no size after the status")]
    Size,
}

/// Reads a line. Bytes need not be UTF-8: servers log what clients send.
pub fn parse_line(line: &[u8]) -> Result<Entry<'_>, Fault> {
    let (first, rest) = word(line).ok_or(Fault::Client)?;
    // Apache's vhost_combined puts the server's own name in front. An identity (RFC 1413) is never an address.
    let client = word(rest).map(|(second, _)| second).filter(|second| is_address(second)).unwrap_or(first);
    if client.is_empty() || client.len() > 255 || !client.iter().all(u8::is_ascii_graphic) {
        return Err(Fault::Client);
    }
    // The user's name may have spaces and brackets in it: the time is the first bracket that holds one.
    let (unix_s, rest) = time(rest)?;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let rest = rest.strip_prefix(b"\"").ok_or(Fault::NoRequest)?;
    let (request, rest) = quoted(rest).ok_or(Fault::NoRequest)?;
    let (status, rest) = word(rest.strip_prefix(b" ").unwrap_or(rest)).ok_or(Fault::Status)?;
    if !(status == b"-" || status.len() == 3 && status.iter().all(u8::is_ascii_digit)) {
        return Err(Fault::Status);
    }
    let (size, _) = word(rest).ok_or(Fault::Size)?;
    if !(size == b"-" || (1..=20).contains(&size.len()) && size.iter().all(u8::is_ascii_digit)) {
        return Err(Fault::Size);
    }
    let method = request.split(|byte| *byte == b' ').next().unwrap_or_default();
    let write = matches!(method, b"POST" | b"PUT" | b"PATCH" | b"DELETE");
    Ok(Entry { client, unix_s, write })
}

fn is_address(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<IpAddr>().is_ok())
}

/// Up to the next space, and what follows it. `None` at the end of the line.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
    let rest = text.get(end + 1..).unwrap_or_default();
    (end > 0).then(|| (&text[..end], rest))
}

/// Up to the closing quote; a backslash makes the next byte an ordinary one.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return Some((&text[..at], &text[at + 1..])),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// The first `[…]` that holds a time, and what follows it.
fn time(text: &[u8]) -> Result<(i64, &[u8]), Fault> {
    let mut fault = Fault::NoTime;
    for (start, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'[').take(16) {
        let inside = &text[start + 1..];
        let Some(end) = inside.iter().position(|byte| *byte == b']') else { break };
        match unix_seconds(&inside[..end]) {
            Some(seconds) => return Ok((seconds, &inside[end + 1..])),
            None => fault = Fault::Time,
        }
    }
    Err(fault)
}

/// `17/May/2015:10:05:03 +0000`, 26 bytes. A leap second counts as the second before it.
fn unix_seconds(text: &[u8]) -> Option<i64> {
    const SHAPE: &[u8; 26] = b"00/Aaa/0000:00:00:00 +0000";
    let text: &[u8; 26] = text.try_into().ok()?;
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'A' | b'a' => byte.is_ascii_alphabetic(),
        b'+' => matches!(byte, b'+' | b'-'),
        other => byte == other,
    };
    if !text.iter().zip(SHAPE).all(fits) {
        return None;
    }
    let number =
        |from: usize, to: usize| text[from..to].iter().fold(0_i64, |n, d| n * 10 + i64::from(d - b'0'));
    let names: [&[u8; 3]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    let month = names.iter().position(|name| text[3..6].eq_ignore_ascii_case(*name))? + 1;
    let date = Date::new(number(7, 11) as i16, month as i8, number(0, 2) as i8).ok()?;
    let (hour, minute, second) = (number(12, 14), number(15, 17), number(18, 20));
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (zone_hours, zone_minutes) = (number(22, 24), number(24, 26));
    if zone_hours > 14 || zone_minutes > 59 {
        return None;
    }
    let east = (zone_hours * 60 + zone_minutes) * 60 * if text[21] == b'-' { -1 } else { 1 };
    let midnight = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?.as_second();
    Some(midnight + (hour * 60 + minute) * 60 + second.min(59) - east)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NGINX: &str = r#"2001:db8::7 - alice [01/Jan/2026:00:00:00 +0100] "POST /login HTTP/2.0" 302 0 "https://example.org/" "Mozilla/5.0 \"x\"" "-" rt=0.012"#;

    fn parse(line: &str) -> Result<Entry<'_>, Fault> {
        parse_line(line.as_bytes())
    }

    #[test]
    fn common_and_combined() {
        let common =
            parse(r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a b HTTP/1.1" 304 -"#).unwrap();
        assert_eq!(common, Entry { client: b"192.0.2.7", unix_s: 1_431_857_103, write: false });
        let combined = parse(NGINX).unwrap();
        assert_eq!(combined, Entry { client: b"2001:db8::7", unix_s: 1_767_222_000, write: true });
    }

    #[test]
    fn the_name_of_a_virtual_host_is_not_the_client() {
        let line =
            r#"www.example.org:443 2001:db8::7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#;
        assert_eq!(parse(line).unwrap().client, b"2001:db8::7");
    }

    #[test]
    fn what_servers_really_write() {
        for good in [
            r#"h - [weird] user] [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 200 5"#,
            r#"h - - [17/May/2015:10:05:03 -0730] "\x16\x03\x01" 400 150"#,
            r#"h - - [17/May/2015:10:05:03 +0000] "" 400 0"#,
            r#"h - - [17/May/2015:10:05:03 +0000] "GET /\"quoted\" HTTP/1.1" 200 5"#,
            r#"h - - [17/May/2015:10:05:03 +0000] "GET /\\" 200 5"#,
            r#"h - - [17/May/2015:10:05:03 +0000] "-" 408 - "-" "-""#,
            r#"h - - [31/Dec/2016:23:59:60 +0000] "GET / HTTP/1.1" 200 5"#,
            r#"vhost.example:443 - - [29/feb/2024:10:05:03 +0000] "GET / HTTP/1.1" - 5"#,
        ] {
            assert!(parse(good).is_ok(), "{good}: {:?}", parse(good));
        }
    }

    #[test]
    fn faults_are_told_apart() {
        for (bad, fault) in [
            ("", Fault::Client),
            (" - - [", Fault::Client),
            ("h - - GET", Fault::NoTime),
            (r#"h - - [32/May/2015:10:05:03 +0000] "GET /" 200 5"#, Fault::Time),
            (r#"h - - [29/Feb/2023:10:05:03 +0000] "GET /" 200 5"#, Fault::Time),
            (r#"h - - [17/May/2015:24:05:03 +0000] "GET /" 200 5"#, Fault::Time),
            (r#"h - - [17/May/2015:10:05:03 +0000] GET / 200 5"#, Fault::NoRequest),
            (r#"h - - [17/May/2015:10:05:03 +0000] "GET /"#, Fault::NoRequest),
            (r#"h - - [17/May/2015:10:05:03 +0000] "GET /" 20x 5"#, Fault::Status),
            (r#"h - - [17/May/2015:10:05:03 +0000] "GET /" 200"#, Fault::Size),
            (r#"h - - [17/May/2015:10:05:03 +0000] "GET /" 200 5k"#, Fault::Size),
        ] {
            assert_eq!(parse(bad), Err(fault), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(line in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse_line(&line);
        }

        /// Damage to a good line gets further into the parser than noise does.
        #[test]
        fn no_damage_panics(at in 0_usize..NGINX.len(), byte: u8, cut in 0_usize..NGINX.len()) {
            let mut line = NGINX.as_bytes().to_vec();
            line[at] = byte;
            let _ = parse_line(&line);
            line.truncate(cut);
            let _ = parse_line(&line);
        }
    }
}
