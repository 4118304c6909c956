//! A status list as it travels: compressed by zlib, as base64url in a JSON object (draft-ietf-oauth-status-list §4.2).

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

/// A list in the form of the draft. It is not signed: it goes from one process of a deployment to another.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CompressedList {
    /// Bits for each token; ours have one.
    bits: u8,
    /// The list.
    lst: String,
}

impl CompressedList {
    /// Compresses a list.
    pub(crate) fn of(bits: &[u8]) -> Option<Self> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bits).ok()?;
        Some(Self { bits: 1, lst: URL_SAFE_NO_PAD.encode(encoder.finish().ok()?) })
    }

    /// The list, if it is one of at most `largest` bytes with one bit for each token.
    pub(crate) fn bits(&self, largest: usize) -> Option<Bytes> {
        let compressed = URL_SAFE_NO_PAD.decode(&self.lst).ok()?;
        let mut bits = Vec::new();
        // One byte more than allowed tells a list that is too long from one that just fits.
        let limit = u64::try_from(largest).ok()?.checked_add(1)?;
        ZlibDecoder::new(&compressed[..]).take(limit).read_to_end(&mut bits).ok()?;
        (self.bits == 1 && bits.len() <= largest).then(|| Bytes::from(bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_comes_back_and_a_hundredth_of_its_bits_cost_little() {
        for bits in [Vec::new(), vec![0; 5], (0..=255).collect::<Vec<u8>>()] {
            assert_eq!(CompressedList::of(&bits).unwrap().bits(256).unwrap(), bits);
        }
        let sparse: Vec<u8> = (0..125_000u32).map(|at| u8::from(at % 13 == 0) << (at % 8)).collect();
        let list = CompressedList::of(&sparse).unwrap();
        assert!(list.lst.len() < sparse.len() / 4, "{}", list.lst.len());
        assert_eq!(list.bits(sparse.len()).unwrap(), sparse);
    }

    #[test]
    fn the_example_of_the_draft_is_read() {
        // §4.2: the bytes 0xb9 0xa3.
        let list: CompressedList = serde_json::from_str(r#"{"bits":1,"lst":"eNrbuRgAAhcBXQ"}"#).unwrap();
        assert_eq!(list.bits(2).unwrap(), [0xb9, 0xa3][..]);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let list = CompressedList::of(&[1; 100]).unwrap();
        assert!(list.bits(100).is_some() && list.bits(99).is_none(), "too long");
        let nibbles = CompressedList { bits: 2, ..CompressedList::of(&[1]).unwrap() };
        assert_eq!(nibbles.bits(100), None);
        for lst in ["", "eNrb", "not base64url!", "AAAA"] {
            assert_eq!(CompressedList { bits: 1, lst: lst.to_owned() }.bits(100), None, "{lst}");
        }
    }
}
