//! Signatures taken away, cut, stretched, altered, or made of numbers that no signer would choose.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::case::Cases;
use crate::key::Algorithm;
use crate::token::{self, Base};

/// Order of the group of P-256 (FIPS 186-5, SEC 2), big-endian.
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// Prime of the field of P-256, big-endian.
const P: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
];
/// Order of the base point of Ed25519 (RFC 8032 §5.1), little-endian.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn add(cases: &mut Cases, base: &Base<'_>, algorithm: Algorithm, seed: u64) {
    stripped(cases, base);
    altered(cases, base, seed);
    match algorithm {
        Algorithm::Es256 => ecdsa(cases, base),
        Algorithm::Rs256 | Algorithm::Ps256 => rsa(cases, base),
        Algorithm::EdDsa => eddsa(cases, base),
        Algorithm::Hs256 => {}
    }
}

fn stripped(cases: &mut Cases, base: &Base<'_>) {
    cases.group("stripped", "J4", "RFC 7515 §5.2; CVE-2020-28042; CVE-2016-10555");
    let (input, signature) = base.split();
    cases.refuse("the signature taken away", format!("{input}."));
    cases.refuse("the signature and its dot taken away", input.to_owned());
    let Some(bytes) = token::decode(signature) else { return };
    for kept in 1..bytes.len().min(32) {
        cases.refuse(
            format!("only the first {kept} bytes of the signature"),
            token::seal(input, &bytes[..kept]),
        );
    }
    for cut in [1, 2, 4, 8, 16, 32, 64, 128] {
        if let Some(rest) = bytes.get(cut..).filter(|rest| !rest.is_empty()) {
            cases.refuse(format!("the signature without its first {cut} bytes"), token::seal(input, rest));
        }
        if let Some(kept) = bytes.len().checked_sub(cut).filter(|kept| *kept > 0) {
            cases.refuse(
                format!("the signature without its last {cut} bytes"),
                token::seal(input, &bytes[..kept]),
            );
        }
    }
}

fn altered(cases: &mut Cases, base: &Base<'_>, seed: u64) {
    cases.group("signature", "J13", "RFC 7515 §5.2; RFC 7518 §3");
    let (input, text) = base.split();
    let Some(bytes) = token::decode(text).filter(|bytes| !bytes.is_empty()) else { return };
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for bit in [0, 1, 2, 3, 4, 5, 6, 7]
        .into_iter()
        .chain((0..24).map(|_| random.next_u32() as usize % (bytes.len() * 8)))
    {
        let mut other = bytes.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        cases.refuse(format!("bit {bit} of the signature flipped"), token::seal(input, &other));
    }
    let zeros = vec![0; bytes.len()];
    let mut swapped = bytes.clone();
    swapped.rotate_left(bytes.len() / 2);
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    for (what, other) in [
        ("all zero", zeros.clone()),
        ("all ones", vec![0xff; bytes.len()]),
        ("its halves swapped", swapped),
        ("reversed", reversed),
        ("with one zero byte more at the end", [&bytes[..], &[0]].concat()),
        ("with one zero byte more at the beginning", [&[0][..], &bytes].concat()),
        ("with one byte more", [&bytes[..], &[0x80]].concat()),
        ("twice", [&bytes[..], &bytes].concat()),
        ("followed by zeros", [bytes.clone(), zeros].concat()),
        ("one zero byte", vec![0]),
        ("text `true`", b"true".to_vec()),
        ("text `null`", b"null".to_vec()),
        ("the signing input", input.as_bytes().to_vec()),
    ] {
        cases.refuse(format!("the signature {what}"), token::seal(input, &other));
    }
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    cases.refuse("the signature as hex", format!("{input}.{hex}"));
    cases.refuse("the signature encoded twice", format!("{input}.{}", token::encode(text)));
    let standard = STANDARD.encode(&bytes);
    if standard.trim_end_matches('=') != text {
        cases.refuse(
            "the signature in the standard alphabet",
            format!("{input}.{}", standard.trim_end_matches('=')),
        );
    }
    let header = base.header.render();
    let payload = base.claims.render();
    for (what, message) in [
        ("the header alone", token::encode(&header)),
        ("the payload alone", token::encode(&payload)),
        ("the decoded texts", format!("{header}.{payload}")),
        ("the segments without their dot", input.replace('.', "")),
        ("the segments in reverse", format!("{}.{}", token::encode(&payload), token::encode(&header))),
    ] {
        let signature = base.key.map(|key| key.sign(message.as_bytes()));
        cases.refuse(format!("signed over {what}"), signature.map(|tag| token::seal(input, &tag)));
    }
    let other = base.claims.clone().with_text("sub", "u00000000").render();
    cases.refuse(
        "another subject under the signature of the valid token",
        format!("{}.{text}", token::input(&header, &other)),
    );
    let spaced = token::input(&header, &payload.replacen(':', ": ", 1));
    cases.refuse("one space more in the payload, the same signature", format!("{spaced}.{text}"));
}

fn ecdsa(cases: &mut Cases, base: &Base<'_>) {
    cases.group("ecdsa", "J13", "RFC 7518 §3.4; FIPS 186-5 §6.4.2; CVE-2022-21449");
    let (input, text) = base.split();
    let Some(valid) = token::decode(text) else { return };
    let (r, s) = valid.split_at(valid.len() / 2);
    let (zero, one, max) = ([0u8; 32], number(1), [0xffu8; 32]);
    let (above, below) = (plus(N, 1), minus_one(N));
    for (what, left, right) in [
        ("r = s = 0", &zero[..], &zero[..]),
        ("r = 0", &zero, s),
        ("s = 0", r, &zero),
        ("r = s = n", &N, &N),
        ("r = n", &N, s),
        ("s = n", r, &N),
        ("r = 0, s = n", &zero, &N),
        ("r = n, s = 0", &N, &zero),
        ("r = n + 1", &above, s),
        ("s = n + 1", r, &above),
        ("r = s = n + 1", &above, &above),
        ("r = n − 1", &below, s),
        ("s = n − 1", r, &below),
        ("r = p", &P, s),
        ("s = p", r, &P),
        ("r = s = 1", &one, &one),
        ("r = 1, s = 0", &one, &zero),
        ("r = 0, s = 1", &zero, &one),
        ("r = 1, s of another r", &one, s),
        ("r of another s, s = 1", r, &one),
        ("r = s = 2^256 − 1", &max, &max),
        ("r = 2^256 − 1", &max, s),
        ("s = 2^256 − 1", r, &max),
        ("r and s swapped", s, r),
        ("r twice", r, r),
        ("s twice", s, s),
        ("r without its last byte", r.get(..31).unwrap_or_default(), s),
        ("s without its last byte", r, s.get(..31).unwrap_or_default()),
        ("r alone", r, &[]),
        ("s alone", &[], s),
    ] {
        cases.refuse(what, token::seal(input, &[left, right].concat()));
    }
    for (what, left, right) in [
        ("the valid signature", r, s),
        ("r = s = 0", &zero[..], &zero[..]),
        ("r = s = 1", &one[..], &one[..]),
    ] {
        cases.refuse(format!("{what}, in DER"), token::seal(input, &der(left, right)));
    }
    cases.refuse("an empty DER sequence", token::seal(input, &[0x30, 0]));
    cases.refuse("P1363 with 33 bytes each", token::seal(input, &[&[0], r, &[0], s].concat()));
}

fn rsa(cases: &mut Cases, base: &Base<'_>) {
    cases.group("rsa", "J13", "RFC 8017 §8.1.2, §8.2.2 and §5.2.2: length and range of a signature");
    let (input, text) = base.split();
    let Some(valid) = token::decode(text) else { return };
    let of = |value: u8| {
        let mut bytes = vec![0; valid.len()];
        if let Some(last) = bytes.last_mut() {
            *last = value;
        }
        bytes
    };
    for (what, signature) in [
        ("0", of(0)),
        ("1", of(1)),
        ("2", of(2)),
        ("1 in one byte", vec![1]),
        ("2^2048 − 1", vec![0xff; valid.len()]),
        ("a padded block that was never signed", padded(valid.len())),
        ("255 bytes", valid.get(1..).unwrap_or_default().to_vec()),
        ("257 bytes with a leading zero", [&[0][..], &valid].concat()),
        ("512 bytes with leading zeros", [vec![0; valid.len()], valid.clone()].concat()),
    ] {
        cases.refuse(format!("signature {what}"), token::seal(input, &signature));
    }
}

fn eddsa(cases: &mut Cases, base: &Base<'_>) {
    cases.group("eddsa", "J13", "RFC 8032 §5.1.7: S is below the order; RFC 8037 §3.1");
    let (input, text) = base.split();
    let Some(valid) = token::decode(text) else { return };
    let (r, s) = valid.split_at(valid.len() / 2);
    let (zero, max) = ([0u8; 32], [0xffu8; 32]);
    let mut identity = zero;
    identity[0] = 1;
    let malleable = little_sum(s, &L);
    for (what, left, right) in [
        ("R = S = 0", &zero[..], &zero[..]),
        ("R the identity, S = 0", &identity, &zero),
        ("S = 0", r, &zero),
        ("S = L", r, &L),
        ("S + L, which is the same number modulo L", r, &malleable[..]),
        ("S = 2^256 − 1", r, &max),
        ("R = 0", &zero, s),
        ("R the identity", &identity, s),
        ("R no point", &max, s),
        ("R and S swapped", s, r),
        ("R alone", r, &[]),
        ("S alone", &[], s),
        ("63 bytes", r, s.get(..31).unwrap_or_default()),
    ] {
        cases.refuse(what, token::seal(input, &[left, right].concat()));
    }
}

/// PKCS #1 v1.5 padding around a digest of zeros (RFC 8017 §9.2), as it is and not raised to any power.
fn padded(length: usize) -> Vec<u8> {
    let info = b"\x00\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
    let filler = length.saturating_sub(2 + info.len() + 32);
    [&[0, 1][..], &vec![0xff; filler], info, &[0; 32]].concat()
}

fn number(value: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[31] = value;
    bytes
}

fn plus(mut big_endian: [u8; 32], add: u8) -> [u8; 32] {
    let mut carry = u16::from(add);
    for byte in big_endian.iter_mut().rev() {
        carry += u16::from(*byte);
        *byte = (carry & 0xff) as u8;
        carry >>= 8;
    }
    big_endian
}

fn minus_one(mut odd: [u8; 32]) -> [u8; 32] {
    // The order is odd: nothing is borrowed.
    odd[31] -= 1;
    odd
}

fn little_sum(left: &[u8], right: &[u8; 32]) -> Vec<u8> {
    let mut carry = 0u16;
    left.iter()
        .zip(right)
        .map(|(left, right)| {
            carry += u16::from(*left) + u16::from(*right);
            let byte = (carry & 0xff) as u8;
            carry >>= 8;
            byte
        })
        .collect()
}

/// A DER sequence of two positive integers.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len().saturating_sub(1));
        let rest = bytes.get(start..).unwrap_or_default();
        let sign: &[u8] = if rest.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
        let length = (sign.len() + rest.len()) as u8;
        [&[0x02, length][..], sign, rest].concat()
    };
    let body = [integer(r), integer(s)].concat();
    [&[0x30, body.len() as u8][..], &body].concat()
}
