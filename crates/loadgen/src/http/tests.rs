//! Properties of the response parser: any split, any garbage.

use proptest::prelude::*;

use super::outside::{ReadEnd, read_pieces};
use super::{Decoder, Fault, Head, Limits};

const LIMITS: Limits = Limits { head: 2048, response: 8192 };

/// Pushes in pieces that end at the given places; the outcome, bytes consumed, and the body.
fn push_all(bytes: &[u8], cuts: &[usize]) -> (ReadEnd, usize, Vec<u8>) {
    let read = read_pieces(bytes, cuts, LIMITS);
    (read.end, read.consumed, read.body)
}

fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(size) {
        text.extend_from_slice(format!("{:x};a=b\r\n", chunk.len()).as_bytes());
        text.extend_from_slice(chunk);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"0\r\nTrailer: x\r\n\r\n");
    text
}

fn sized(body: &[u8]) -> Vec<u8> {
    let mut text =
        format!("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    text.extend_from_slice(body);
    text
}

proptest! {
    #[test]
    fn any_split_gives_the_same_answer(
        body in proptest::collection::vec(any::<u8>(), 0..600),
        size in 1_usize..200,
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        for text in [chunked(&body, size), sized(&body)] {
            let (progress, consumed, seen) = push_all(&text, &cuts);
            prop_assert_eq!(progress, ReadEnd::Complete);
            prop_assert_eq!((consumed, seen.as_slice()), (text.len(), body.as_slice()));
        }
    }

    #[test]
    fn garbage_never_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..3000),
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
    ) {
        let _ = Head::parse(&bytes);
        let (_, consumed, _) = push_all(&bytes, &cuts);
        prop_assert!(consumed <= bytes.len());
    }

    #[test]
    fn damaged_answers_never_panic(
        body in proptest::collection::vec(any::<u8>(), 0..100),
        at: prop::sample::Index,
        byte: u8,
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
    ) {
        for mut text in [chunked(&body, 7), sized(&body)] {
            let place = at.index(text.len());
            text[place] = byte;
            let whole = push_all(&text, &[]);
            let split = push_all(&text, &cuts);
            // A piece may end before a fault is seen, but what is complete is complete in any split.
            prop_assert_eq!(whole.0 == ReadEnd::Complete, split.0 == ReadEnd::Complete);
            if whole.0 == ReadEnd::Complete {
                prop_assert_eq!(whole, split);
            }
        }
    }
}

#[test]
fn every_single_split_of_a_chunked_answer() {
    let body: Vec<u8> = (0..=255).collect();
    let text = chunked(&body, 31);
    for cut in 0..text.len() {
        let (progress, _, seen) = push_all(&text, &[cut]);
        assert_eq!((progress, seen), (ReadEnd::Complete, body.clone()), "{cut}");
    }
}

#[test]
fn bounds_hold_byte_by_byte() {
    let mut decoder = Decoder::default();
    let head = b"HTTP/1.1 200 OK\r\n".iter().chain(b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".iter().cycle());
    let mut pushed = 0;
    let fault = head.map(|byte| (pushed += 1, decoder.push(&[*byte], LIMITS, true)).1).find_map(Result::err);
    assert_eq!((fault, pushed), (Some(Fault::TooLarge), LIMITS.head + 1));
}
