//! Reads an answer from bytes in hand, as the engine does from a connection: for checks of the reader itself.

use super::{Decoder, Fault, HeadMemo, Limits, Progress};
use crate::client::issued::Issued;
use crate::work::Response;

/// Bounds that are reached by short inputs as well.
const LIMITS: Limits = Limits { head: 4096, response: 16 * 1024 };

/// How the reading of an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadEnd {
    /// The answer is complete.
    Complete,
    /// More bytes are needed.
    Partial,
    /// It breaks the framing of HTTP/1.1.
    Malformed,
    /// It is longer than 4 KiB of head or 16 KiB in all.
    TooLarge,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAnswer {
    /// How it ended.
    pub end: ReadEnd,
    /// Bytes that belong to the answer.
    pub consumed: usize,
    /// Status; 0 until the head is complete.
    pub status: u16,
    /// The decoded body so far; empty after a fault.
    pub body: Vec<u8>,
    /// The header line of the credential that a complete answer brings.
    pub credential: Option<String>,
    /// What that credential is renewed with.
    pub refresh: Option<String>,
}

/// Reads an answer that arrives in pieces, which end at `cuts` (taken modulo the length, in any order).
#[must_use]
pub fn read_answer(bytes: &[u8], cuts: &[usize]) -> ReadAnswer {
    read_pieces(bytes, cuts, LIMITS)
}

/// Reads bytes that are exactly one answer with a stated length, in the way that most answers are read; none for
/// everything else.
#[must_use]
pub fn read_whole_answer(bytes: &[u8]) -> Option<ReadAnswer> {
    let mut memo = HeadMemo::default();
    let parsed = memo.whole(bytes, LIMITS)?;
    // The second time its head is known.
    if memo.whole(bytes, LIMITS) != Some(parsed) {
        return None;
    }
    let (head, body) = bytes.split_at(parsed.length);
    let response = Response { status: parsed.status, sets_cookie: parsed.sets_cookie, head, body };
    Some(complete(response, bytes.len()))
}

pub(super) fn read_pieces(bytes: &[u8], cuts: &[usize], limits: Limits) -> ReadAnswer {
    let mut decoder = Decoder::default();
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut start = 0;
    for end in ends {
        match decoder.push(&bytes[start..end], limits, true) {
            Ok(Progress::Partial) => start = end,
            Ok(Progress::Complete { consumed }) => {
                let head = decoder.head();
                let response = Response {
                    status: head.map_or(0, |head| head.status),
                    sets_cookie: head.is_some_and(|head| head.sets_cookie),
                    head: decoder.head_bytes(),
                    body: decoder.body(),
                };
                return complete(response, start + consumed);
            }
            Err(Fault::Malformed) => return without(ReadEnd::Malformed, start, Vec::new()),
            Err(Fault::TooLarge) => return without(ReadEnd::TooLarge, start, Vec::new()),
        }
    }
    without(ReadEnd::Partial, start, decoder.body().to_vec())
}

fn without(end: ReadEnd, consumed: usize, body: Vec<u8>) -> ReadAnswer {
    ReadAnswer { end, consumed, status: 0, body, credential: None, refresh: None }
}

fn complete(response: Response<'_>, consumed: usize) -> ReadAnswer {
    let (credential, refresh) =
        Issued::read(response).map_or((None, None), |issued| (Some(issued.header), issued.refresh));
    ReadAnswer {
        end: ReadEnd::Complete,
        consumed,
        status: response.status,
        body: response.body.to_vec(),
        credential,
        refresh,
    }
}
